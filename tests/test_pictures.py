import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import raises

from stylegan_tf.pictures import grid, grid_size, save_png

GOLDEN = Path(__file__).parent / "golden" / "picture_grid.npz"


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_save_png_keeps_every_pixel(tmp_path, channels, mode):
    pixels = np.arange(5 * 7 * channels, dtype=np.uint8).reshape(5, 7, channels)
    save_png(tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", mode, (7, 5))
        assert np.array_equal(np.array(image).reshape(5, 7, channels), pixels)
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_png_says_what_made_it(tmp_path):
    save_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), {"network": "Gs.keras", "psi": "0.7"})
    with Image.open(tmp_path / "a.png") as image:
        assert image.text == {"network": "Gs.keras", "psi": "0.7"}


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), "u1")]
)
def test_save_png_refuses_what_is_no_picture(tmp_path, pixels):
    with raises(ValueError, "uint8 [H, W, 1, 3 or 4]", list(pixels.shape)):
        save_png(tmp_path / "a.png", pixels)
    assert os.listdir(tmp_path) == []


def test_save_png_leaves_nothing_after_an_error(tmp_path, monkeypatch):
    def full(self, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="disk full"):
        save_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert os.listdir(tmp_path) == []


def test_grid_equals_the_official_one():
    golden = np.load(GOLDEN)  # 7 pictures [7, 3, 4, 4]; canvases of 3 x 3 and of 4 x 2 pictures
    images = golden["grid_in"].transpose(0, 2, 3, 1)
    assert np.array_equal(grid(images, 3, 3), golden["grid_out"].transpose(1, 2, 0))
    assert np.array_equal(grid(images, 4, 2), golden["grid_out_4x2"].transpose(1, 2, 0))


def test_grid_is_row_major():
    images = np.array([10, 11, 12, 20, 21, 22], np.uint8).reshape(6, 1, 1, 1)
    assert grid(images, 3, 2)[:, :, 0].tolist() == [[10, 11, 12], [20, 21, 22]]
    with raises(ValueError, "5 x 1", 6):
        grid(images, 5, 1)


@pytest.mark.parametrize(
    ("layout", "resolution", "size"),
    [
        ("1080p", 1024, (3, 2)),  # 1920 // 1024 = 1 and 1080 // 1024 = 1, but at least 3 x 2
        ("1080p", 128, (15, 8)),
        ("1080p", 32, (32, 32)),
        ("1080p", 4, (32, 32)),
        ("4k", 1024, (7, 4)),
        ("4k", 512, (7, 4)),
        ("4k", 256, (15, 8)),
        ("4k", 64, (32, 32)),
    ],
)
def test_grid_size(layout, resolution, size):
    assert grid_size(layout, resolution) == size


def test_grid_size_names_the_layouts():
    with raises(ValueError, "1080p, 4k", "'8k'"):
        grid_size("8k", 64)
