import os

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf.data.importers import extract as module
from stylegan_tf.data.importers.extract import extract
from stylegan_tf.data.importers.images import Options, create_from_images
from stylegan_tf.data.writing import Writer

PIXELS = np.random.RandomState(13).randint(0, 256, (5, 8, 8, 4), np.uint8)
NAMES = [f"img0000000{number}.png" for number in range(5)]


def make(folder, channels=3):
    with Writer(folder, "a", 8, channels) as writer:
        for picture in PIXELS[..., :channels]:
            writer.add(picture)
    return folder


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_every_picture_under_its_number(tmp_path, channels, mode):
    assert extract(make(tmp_path / "set", channels), tmp_path / "out", workers=2) == 5
    assert sorted(os.listdir(tmp_path / "out")) == NAMES
    for number, name in enumerate(NAMES):
        with Image.open(tmp_path / "out" / name) as image:
            assert image.mode == mode
            assert np.array_equal(np.array(image).reshape(8, 8, channels), PIXELS[number, ..., :channels])


def test_there_and_back_again(tmp_path):
    extract(make(tmp_path / "set"), tmp_path / "out")
    create_from_images(tmp_path / "again", tmp_path / "out", Options(shuffle=False))
    for name in ("r02", "r03"):
        again = (tmp_path / "again" / f"again-{name}.tfrecords").read_bytes()
        assert again == (tmp_path / "set" / f"a-{name}.tfrecords").read_bytes()


def test_a_folder_with_something_in_it_is_kept(tmp_path):
    make(tmp_path / "set")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.png").touch()
    with refused(tmp_path / "out", "empty"):
        extract(tmp_path / "set", tmp_path / "out")
    with refused(tmp_path / "out", "holiday.png", "extract"):
        extract(tmp_path / "set", tmp_path / "out", overwrite=True)
    assert os.listdir(tmp_path / "out") == ["holiday.png"]


def test_overwrite_replaces_an_earlier_extract(tmp_path):
    make(tmp_path / "set")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "img00000009.png").touch()
    extract(tmp_path / "set", tmp_path / "out", overwrite=True)
    assert sorted(os.listdir(tmp_path / "out")) == NAMES


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch):
    make(tmp_path / "set")
    saved = module.save_png

    def interrupted(path, pixels):
        if path.name == NAMES[3]:
            raise KeyboardInterrupt
        saved(path, pixels)

    monkeypatch.setattr(module, "save_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path / "set", tmp_path / "out")
    assert os.listdir(tmp_path) == ["set"]


@pytest.mark.parametrize(("channels", "mode", "kept"), [(2, "L", 1), (5, "RGB", 3), (7, "RGB", 3)])
def test_channels_that_no_file_can_hold_are_left_out_and_said(tmp_path, capsys, channels, mode, kept):
    pixels = np.random.RandomState(15).randint(0, 256, (2, 8, 8, channels), np.uint8)
    with Writer(tmp_path / "set", "a", 8, channels) as writer:
        for picture in pixels:
            writer.add(picture)
    assert extract(tmp_path / "set", tmp_path / "out") == 2
    assert f"{tmp_path}/set: of {channels} channels the first" in capsys.readouterr().err
    with Image.open(tmp_path / "out" / NAMES[1]) as image:
        assert image.mode == mode
        assert np.array_equal(np.array(image).reshape(8, 8, kept), pixels[1, ..., :kept])


def test_labels_are_not_written_and_that_is_said(tmp_path, capsys):
    with Writer(tmp_path / "set", "a", 8, 3) as writer:
        writer.add(PIXELS[0, ..., :3])
        writer.set_labels(np.eye(1, dtype=np.float32))
    extract(tmp_path / "set", tmp_path / "out")
    assert f"the labels are not written: they are in {tmp_path}/set/a-rxx.labels" in capsys.readouterr().err
