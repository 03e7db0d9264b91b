from pathlib import Path

import numpy as np
import pytest

from stylegan_tf.data.importers.compare import compare
from stylegan_tf.data.importers.images import Options, create_from_images
from stylegan_tf.data.writing import Writer

GOLDEN = Path(__file__).parents[2] / "golden" / "dataset"
PIXELS = np.random.RandomState(12).randint(0, 256, (6, 8, 8, 3), np.uint8)
LABELS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def make(folder, pixels=PIXELS, labels=None, compression="none"):
    with Writer(folder, "a", pixels.shape[1], pixels.shape[3], compression=compression) as writer:
        for picture in pixels:
            writer.add(picture)
        if labels is not None:
            writer.set_labels(labels)
    return folder


@pytest.mark.parametrize(("official", "shuffle"), [("rgb_noshuffle", False), ("rgb_shuffle", True)])
@pytest.mark.parametrize("compression", ["none", "png"])
def test_ours_and_the_official_records_are_identical(tmp_path, official, shuffle, compression):
    options = Options(shuffle=shuffle, compression=compression)
    create_from_images(tmp_path / "set", GOLDEN / "png_rgb", options)
    found = compare(tmp_path / "set", GOLDEN / official)
    assert found.same()
    assert str(found) == "Identical images: 12 / 12\nIdentical labels: 12 / 12"


def test_the_two_official_sets_differ():
    found = compare(GOLDEN / "rgb_shuffle", GOLDEN / "rgb_noshuffle")
    moved = np.arange(12)
    np.random.RandomState(123).shuffle(moved)
    assert found.images == (moved == np.arange(12)).sum()
    assert not found.same()


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
@pytest.mark.parametrize("channels", [1, 3])
def test_labelled_grey_and_compressed_sets(tmp_path, compression, channels):
    pixels = PIXELS[..., :channels]
    a, b = make(tmp_path / "a", pixels, LABELS), make(tmp_path / "b", pixels, LABELS, compression)
    assert compare(a, b).same()


def test_one_number_is_enough_at_any_level(tmp_path):
    changed = PIXELS.copy()
    changed[4, 0, 0, 0] ^= 1
    found = compare(make(tmp_path / "a"), make(tmp_path / "b", changed))
    assert (found.images, found.labels, found.same()) == (5, 6, False)
    # The coarse level of b's records is replaced by that of other pictures.
    make(tmp_path / "c", 255 - PIXELS)
    make(tmp_path / "d")
    (tmp_path / "d" / "a-r02.tfrecords").write_bytes((tmp_path / "c" / "a-r02.tfrecords").read_bytes())
    assert compare(tmp_path / "a", tmp_path / "d").images == 0


def test_labels(tmp_path):
    changed = LABELS.copy()
    changed[2] = changed[3] = 0.5
    a, b = make(tmp_path / "a", labels=LABELS), make(tmp_path / "b", labels=changed)
    found = compare(a, b)
    assert (found.images, found.labels, found.same()) == (6, 4, False)
    found = compare(a, b, ignore_labels=True)
    assert found.same()
    assert str(found) == "Identical images: 6 / 6"
    assert compare(a, make(tmp_path / "none")).labels == 0
    assert compare(a, make(tmp_path / "wider", labels=np.zeros((6, 4), np.float32))).labels == 0


def test_other_numbers_and_sizes_are_said(tmp_path):
    a, b = make(tmp_path / "a"), make(tmp_path / "b", PIXELS[:4])
    found = compare(a, b)
    assert not found.same()
    assert str(found).splitlines() == [
        "Different numbers of images: 6 and 4",
        "Identical images: 4 / 4",
        "Identical labels: 4 / 4",
    ]
    found = compare(a, make(tmp_path / "c", PIXELS[:, :4, :4]))
    assert not found.same()
    assert found.images == 0
    assert str(found).startswith("Different resolutions: 8, 4 and 4\n")
