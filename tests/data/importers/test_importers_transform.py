from dataclasses import replace

import numpy as np
import pytest
from picture_files import RGB, encoded, noise, turned
from PIL import Image
from refusals import raises

from stylegan_tf.data.importers.plan import Plan
from stylegan_tf.data.importers.source import Unreadable
from stylegan_tf.data.importers.transform import decode

SAME = Plan(8, 3, (8, 8))
GREY = Plan(8, 1, (8, 8))
FOUR = Plan(8, 4, (8, 8))


def with_alpha(alpha):
    return np.dstack([RGB, np.full((8, 8, 1), alpha, np.uint8)])


def gradient(width, height):
    """Each pixel says where it was: (x, y, 0)."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.dstack([x, y, np.zeros_like(x)]).astype(np.uint8)


@pytest.mark.parametrize(
    ("content", "plan", "pixels", "had_alpha"),
    [
        (encoded(RGB), SAME, RGB, False),
        (encoded(RGB[:, :, 0]), GREY, RGB[:, :, :1], False),
        (encoded(RGB[:, :, 0]), SAME, RGB[:, :, [0, 0, 0]], False),
        (encoded(with_alpha(255)), SAME, RGB, True),
        (encoded(with_alpha(255)), FOUR, with_alpha(255), False),
        (encoded(with_alpha(77)), FOUR, with_alpha(77), False),
        (encoded(RGB), FOUR, with_alpha(255), False),
        (encoded(np.dstack([RGB[:, :, 0], np.full((8, 8), 255, np.uint8)])), GREY, RGB[:, :, :1], True),
        (encoded(np.eye(8, dtype=np.uint8) * 255, "1"), GREY, np.eye(8, dtype=np.uint8)[:, :, None] * 255, False),
    ],
)
def test_pixels_come_out_as_they_are_stored(content, plan, pixels, had_alpha):
    decoded, dropped = decode(content, plan)
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, pixels)
    assert dropped is had_alpha


def test_palettes_become_rgb():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    for options, dropped in (({}, False), ({"transparency": b"\x00\xff"}, True)):  # the transparent colour is unused
        pixels, had_alpha = decode(encoded(image, **options), SAME)
        assert np.array_equal(pixels, np.full((8, 8, 3), [200, 100, 50], np.uint8))
        assert had_alpha is dropped


def test_16_bit_grey_is_scaled_and_rounded():
    wide = np.zeros((8, 8), np.uint16)
    wide[0] = [0, 128, 129, 257, 32767, 32768, 65406, 65535]  # 128 / 257 = 0.498, 129 / 257 = 0.502
    pixels, _ = decode(encoded(wide), GREY)
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 127, 128, 254, 255]


def test_cmyk_becomes_rgb():
    pixels, _ = decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), form="TIFF"), SAME)
    assert np.array_equal(pixels, np.full((8, 8, 3), [255, 0, 0], np.uint8))


def test_grey_is_luma():
    pixels, _ = decode(encoded(Image.new("RGB", (8, 8), (100, 200, 50))), GREY)
    assert set(pixels.ravel()) == {153}  # 29.9 + 117.4 + 5.7


def test_transparency_is_refused_unless_it_is_wanted():
    some = with_alpha(255)
    some[3, 3, 3] = 254
    keyed = encoded(RGB, transparency=tuple(int(value) for value in RGB[2, 2]))  # one colour is "nothing here"
    for content, alpha in ((encoded(some), 254), (keyed, 0)):
        for plan in (SAME, GREY):
            with raises(Unreadable, "transparent", "--channels=rgba", "--background=white"):
                decode(content, plan)
        assert decode(content, FOUR)[0][:, :, 3].min() == alpha


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "corner"),  # where the top left pixel of the upright picture is stored (EXIF 2.32, 4.6.4 A)
    [(1, (0, 0)), (2, (7, 0)), (3, (7, 7)), (4, (0, 7)), (5, (0, 0)), (6, (0, 7)), (7, (7, 7)), (8, (7, 0))],
)
def test_pictures_are_turned_upright(form, orientation, corner):
    if form == "WEBP":
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encoded(gradient(8, 8), form=form, lossless=True, exif=exif.tobytes())
    elif form == "TIFF":
        content = encoded(gradient(8, 8), form=form, tiffinfo={0x0112: orientation})
    else:
        content = turned(gradient(8, 8), orientation)
    pixels, _ = decode(content, SAME)
    assert tuple(pixels[0, 0, :2]) == corner
    x_first = pixels[0, 1, 0] != pixels[0, 0, 0]  # whether x still runs along the rows
    assert x_first == (orientation < 5)


def test_the_centre_is_cut_out():
    pixels, _ = decode(encoded(gradient(13, 8)), SAME)
    assert np.array_equal(pixels, gradient(13, 8)[:, 2:10])  # (13 - 8) // 2 = 2
    pixels, _ = decode(encoded(gradient(8, 11)), SAME)
    assert np.array_equal(pixels, gradient(8, 11)[1:9])


def test_box_is_the_mean_of_blocks():
    pixels, _ = decode(encoded(RGB.repeat(2, axis=0).repeat(2, axis=1)), Plan(8, 3, (8, 8), "box"))
    assert np.array_equal(pixels, RGB)


@pytest.mark.parametrize("resize_filter", ["lanczos", "box", "bicubic"])
def test_the_filters_are_pillows(resize_filter):
    large = noise(20, 3)
    pixels, _ = decode(encoded(large), Plan(8, 3, (8, 8), resize_filter))
    filters = {"lanczos": Image.LANCZOS, "box": Image.BOX, "bicubic": Image.BICUBIC}
    assert np.array_equal(pixels, np.array(Image.fromarray(large).resize((8, 8), filters[resize_filter])))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_black_bars(channels):
    white = Image.new("RGB", (16, 10), (255, 255, 255))
    pixels, _ = decode(encoded(white), Plan(8, channels, (8, 5)))
    assert pixels.shape == (8, 8, channels)
    rows = pixels[:, :, 0]
    assert (rows[1:6] == 255).all() and (rows[:1] == 0).all() and (rows[6:] == 0).all()
    if channels == 4:
        assert (pixels[:, :, 3] == 255).all()


def test_nothing_is_enlarged():
    with raises(Unreadable, "4x4", "header"):
        decode(encoded(RGB[:4, :4]), SAME)


@pytest.mark.parametrize("cut", [len(encoded(RGB)) // 2, 60])
def test_damaged_files_raise(cut):
    content = encoded(RGB)
    damaged = content[:cut] if cut != 60 else content[:60] + bytes([content[60] ^ 255]) + content[61:]
    with pytest.raises((OSError, SyntaxError)):
        decode(damaged, SAME)


def test_transparent_pictures_are_flattened_on_a_background():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :, 0] = 200
    pixels[0, :, 3], pixels[1, :, 3] = 255, 51  # a fifth
    for plan, rows in (
        (replace(SAME, background=(255, 255, 255)), [[200, 0, 0], [244, 204, 204], [255, 255, 255]]),
        (replace(SAME, background=(0, 100, 0)), [[200, 0, 0], [40, 80, 0], [0, 100, 0]]),
        (replace(GREY, background=(255, 255, 255)), [[60], [216], [255]]),
    ):
        found, dropped = decode(encoded(pixels), plan)
        assert found[:3, 0].tolist() == rows
        assert not dropped
    grey = np.stack([np.full((8, 8), 100, np.uint8), np.full((8, 8), 0, np.uint8)], -1)
    assert decode(encoded(Image.fromarray(grey, "LA")), replace(SAME, background=(1, 2, 3)))[0][0, 0].tolist() == [
        1,
        2,
        3,
    ]
    keyed = encoded(RGB, transparency=tuple(int(value) for value in RGB[2, 2]))
    found, _ = decode(keyed, replace(SAME, background=(9, 8, 7)))
    assert found[2, 2].tolist() == [9, 8, 7]
    assert np.array_equal(found[3], RGB[3])
    assert decode(encoded(with_alpha(255)), replace(SAME, background=(9, 8, 7)))[1]  # nothing to flatten
