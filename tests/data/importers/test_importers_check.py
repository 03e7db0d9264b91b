import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.importers.check import Faults, check_headers, decode_picture, read_header
from stylegan_tf.data.importers.source import Source
from stylegan_tf.mistakes import Mistake

RGB = np.random.RandomState(4).randint(0, 256, (8, 8, 3), np.uint8)


def png(pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    if mode is not None:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def source(content, name="a.png"):
    return Source(name, lambda: io.BytesIO(content))


def with_alpha(alpha):
    return np.dstack([RGB, np.full((8, 8, 1), alpha, np.uint8)])


@pytest.mark.parametrize(
    ("content", "pixels", "had_alpha"),
    [
        (png(RGB), RGB, False),
        (png(RGB[:, :, 0]), RGB[:, :, :1], False),
        (png(with_alpha(255)), RGB, True),
        (png(np.dstack([RGB[:, :, 0], np.full((8, 8), 255, np.uint8)])), RGB[:, :, :1], True),
        (png(np.array([[0, 255], [255, 0]], np.uint8), "1"), np.array([[[0], [255]], [[255], [0]]], np.uint8), False),
    ],
)
def test_pictures_come_out_as_grey_or_rgb(content, pixels, had_alpha):
    picture = decode_picture(source(content))
    assert picture.fault is None
    assert picture.had_alpha is had_alpha
    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, pixels)


def test_palettes_become_rgb():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    for options, had_alpha in (({}, False), ({"transparency": b"\x00\xff"}, True)):
        file = io.BytesIO()
        image.save(file, "PNG", **options)
        assert read_header(source(file.getvalue())).channels == 3
        picture = decode_picture(source(file.getvalue()))
        assert np.array_equal(picture.pixels, np.full((4, 4, 3), [200, 100, 50], np.uint8))
        assert picture.had_alpha is had_alpha


def test_transparency_is_refused():
    some = with_alpha(255)
    some[3, 3, 3] = 254
    keyed = png(RGB, transparency=tuple(int(value) for value in RGB[2, 2]))  # one colour stands for "nothing here"
    for content in (png(some), keyed):
        assert "partly transparent" in decode_picture(source(content)).fault


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


WHOLE = png(RGB)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty (zero bytes)"),
        (b"just text", "not a picture"),
        (WHOLE[:33], "its first bytes are damaged"),
        (WHOLE[: len(WHOLE) // 2], "damaged or cut short"),
        (WHOLE[:60] + bytes([WHOLE[60] ^ 255]) + WHOLE[61:], "damaged or cut short"),
    ],
)
def test_damaged_files_are_faults(content, what):
    assert what in decode_picture(source(content)).fault


def test_files_that_cannot_be_opened_are_faults(tmp_path):
    missing = Source("a.png", partial(open, tmp_path / "a.png", "rb"))
    assert read_header(missing).fault == "it cannot be read (No such file or directory)"
    assert decode_picture(missing).fault == "it cannot be read (No such file or directory)"


def test_a_decompression_bomb_is_a_fault():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2**15, 2**15, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert "more pixels than the limit" in read_header(source(content)).fault
    assert "more pixels than the limit" in decode_picture(source(content)).fault


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty (zero bytes)"),
        (png(RGB[:4]), "same width and height, but this one is 8x4"),
        (png(RGB[:6, :6]), "power-of-two, not 6x6"),
        (png(RGB[:2, :2]), "4x4 or more, not 2x2"),
        (png(RGB.astype(np.uint16)[:, :, 0]), "RGB or grayscale of 8 bits, not I;16"),
    ],
)
def test_headers_that_do_not_fit(content, what):
    assert what in read_header(source(content)).fault


def test_the_majority_rules():
    contents = {"a.png": png(RGB[:4, :4]), "b.png": png(RGB[:, :, 0]), "c.png": b""} | {n: png(RGB) for n in "def"}
    faults = Faults()
    with ThreadPoolExecutor(1) as pool:
        assert check_headers([source(content, name) for name, content in contents.items()], pool, faults) == (8, 3)
    assert sorted(faults.found) == ["a.png", "b.png", "c.png"]
    assert faults.found["a.png"] == "it is 4x4, most are 8x8; all must have one size"
    assert "it is grayscale, most are RGB" in faults.found["b.png"]


def test_no_sound_picture_at_all():
    faults = Faults()
    with ThreadPoolExecutor(1) as pool:
        assert check_headers([source(b"")], pool, faults) == (0, 0)
    assert list(faults.found) == ["a.png"]


def test_faults_are_listed_up_to_twenty():
    faults = Faults()
    faults.refuse("pictures", 30)
    for number in range(21):
        faults.add(source(b"", f"{number:02d}\x1b.png"), "broken")
        faults.add(source(b"", f"{number:02d}\x1b.png"), "a second fault of the same file")
    with pytest.raises(Mistake) as raised:
        faults.refuse("pictures", 30)
    lines = str(raised.value).splitlines()
    assert lines[0] == "21 of 30 files in pictures cannot be used; nothing was written:"
    assert lines[1] == "  '00\\x1b.png': broken"
    assert lines[-1] == "  and 1 more"
    assert len(lines) == 22
