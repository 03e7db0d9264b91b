import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from refusals import refused

from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.draw import draw, paint
from stylegan_tf.data.faces.traits import face

ROOT = Path(__file__).parents[3]
# Faces of series 0 with nothing over them: no hat, no blur; men and women, beards, old and young, bald and curly.
BASES = (0, 4, 5, 9, 18, 20, 27, 43, 51, 62)


@cache
def _picture(index: int) -> np.ndarray:
    return draw(face(0, index), 64).astype(int)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_one_attribute_alone_is_seen_at_64(name):
    for index in BASES:
        sitter = face(0, index)
        assert not sitter.attributes["Blurry"] and not sitter.attributes["Wearing_Hat"]
        change = np.abs(draw(sitter.flipped(name), 64).astype(int) - _picture(index)).max(axis=-1)
        assert (change >= 24).sum() >= 12, (index, (change >= 24).sum())


def test_the_bases_are_of_all_kinds():
    labels = np.array([face(0, index).labels() for index in BASES])
    for name in ("Male", "Young", "Smiling", "Wavy_Hair", "No_Beard", "Black_Hair", "Big_Nose"):
        column = labels[:, ATTRIBUTES.index(name)]
        assert 0 < column.sum() < len(BASES), name


@pytest.mark.parametrize("index", range(60, 72))
def test_all_resolutions_show_one_picture(index):
    sitter = face(0, index)
    pictures = {resolution: draw(sitter, resolution).astype(float) for resolution in (16, 32, 64, 128, 512)}
    for fine, coarse in ((32, 16), (64, 32), (128, 64), (512, 128)):
        by = fine // coarse
        smaller = pictures[fine].reshape(coarse, by, coarse, by, 3).mean(axis=(1, 3))
        assert np.abs(smaller - pictures[coarse]).mean() < 3.0


def test_shape_type_and_own_memory():
    for resolution in (16, 32, 1024):
        picture = draw(face(1, 0), resolution)
        assert picture.shape == (resolution, resolution, 3)
        assert picture.dtype == np.uint8
        assert picture.flags.writeable


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from stylegan_tf.data.faces.create import faces;"
        "print(hashlib.sha256(b''.join(p.tobytes() + a.tobytes() for p, a in faces(20, 32, 9, 30))).hexdigest())"
    )
    here = hashlib.sha256()
    for index in range(30, 50):
        here.update(draw(face(9, index), 32).tobytes() + face(9, index).labels().tobytes())
    there = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here.hexdigest()


def test_faces_differ():
    assert len({draw(face(0, index), 32).tobytes() for index in range(100)}) == 100


def test_blurry_is_the_same_picture_blurred():
    sitter = face(0, 0)
    sharp = paint(sitter, 256)
    assert np.array_equal(paint(sitter.flipped("Blurry"), 256), sharp.filter(ImageFilter.GaussianBlur(0.014 * 256)))
    assert isinstance(sharp, Image.Image)


@pytest.mark.parametrize("resolution", [8, 48, 2048, 0])
def test_other_resolutions_are_refused(resolution):
    with refused(16, 1024, resolution):
        draw(face(0, 0), resolution)
