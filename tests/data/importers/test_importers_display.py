import os

import numpy as np
import pytest
from PIL import Image, ImageShow
from refusals import refused

from stylegan_tf.data.importers.display import SCREENS, contact_sheet, display
from stylegan_tf.data.writing import Writer

PIXELS = np.random.RandomState(14).randint(0, 256, (5, 512, 512, 1), np.uint8)


def make(folder, count=5):
    with Writer(folder, "a", 512, 1) as writer:
        for picture in PIXELS[:count]:
            writer.add(picture)
    return folder


@pytest.fixture
def no_screen(monkeypatch):
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)


def test_a_sheet_row_by_row(tmp_path):
    # 1920 // 512 = 3 columns, 1080 // 512 = 2 rows: the fifth picture is in the middle below, and nothing beside it.
    sheet, count = contact_sheet(make(tmp_path / "set"))
    assert (sheet.shape, count) == ((1024, 1536, 1), 5)
    assert np.array_equal(sheet[:512, 1024:], PIXELS[2])
    assert np.array_equal(sheet[512:, 512:1024], PIXELS[4])
    assert not sheet[512:, 1024:].any()


def test_a_small_set_makes_a_small_sheet(tmp_path):
    sheet, count = contact_sheet(make(tmp_path / "set", 2))
    assert (sheet.shape, count) == ((512, 1024, 1), 2)


def test_a_sheet_in_a_file(tmp_path, no_screen):
    assert display(make(tmp_path / "set", 1), tmp_path / "sheet.png") == 1
    with Image.open(tmp_path / "sheet.png") as image:
        assert np.array_equal(np.array(image), PIXELS[0, :, :, 0])


def test_a_sheet_on_the_screen(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(ImageShow, "show", lambda image, title: shown.append((image.size, title)) or True)
    assert display(make(tmp_path / "set", 2)) == 2
    assert shown == [((1024, 512), str(tmp_path / "set"))]
    monkeypatch.setattr(ImageShow, "show", lambda image, title: False)
    with refused("--out=sheet.png"):
        display(tmp_path / "set")


def test_without_a_screen(tmp_path, no_screen):
    with refused("screen", "--out=sheet.png"):
        display(make(tmp_path / "set", 1))
    with refused(f"--out={tmp_path}/sheet.jpg", "PNG", ".png"):
        display(tmp_path / "set", tmp_path / "sheet.jpg")
    with refused(f"--out={tmp_path}/none/sheet.png", "folder"):
        display(tmp_path / "set", tmp_path / "none" / "sheet.png")
    assert os.listdir(tmp_path) == ["set"]


@pytest.mark.parametrize(("channels", "kept"), [(2, 1), (5, 3), (6, 3)])
def test_channels_that_cannot_be_shown_are_said(tmp_path, capsys, channels, kept):
    pixels = np.random.RandomState(16).randint(0, 256, (3, 512, 512, channels), np.uint8)
    with Writer(tmp_path / "set", "a", 512, channels) as writer:
        for picture in pixels:
            writer.add(picture)
    assert display(tmp_path / "set", tmp_path / "sheet.png") == 3
    assert f"of {channels} channels the first" in capsys.readouterr().err
    with Image.open(tmp_path / "sheet.png") as image:
        assert np.array_equal(np.array(image).reshape(512, 1536, kept)[:, 512:1024], pixels[1, ..., :kept])
