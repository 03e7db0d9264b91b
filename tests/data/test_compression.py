import gzip
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from stylegan_tf.data import compression
from stylegan_tf.data.compression import LARGEST, compress, expand
from stylegan_tf.errors import UserError

SHAPES = st.tuples(st.integers(1, 3), st.sampled_from([1, 3, 4]), st.integers(1, 9), st.integers(1, 9))
PICTURE = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
PNG, GZIP = (compress(PICTURE[None], kind)[0] for kind in ("png", "gzip"))


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, SHAPES), st.sampled_from(["png", "gzip"]))
def test_round_trip(pictures, kind):
    made = compress(pictures, kind)
    assert len(made) == len(pictures)
    for data, picture in zip(made, pictures, strict=True):
        found = expand(data, kind, picture.shape)
        assert found.dtype == np.uint8 and np.array_equal(found, picture)


def test_flat_pictures_are_stored_without_filter():
    """The first byte of each row of the unpacked IDAT chunk is its filter: 0 none, 2 up (PNG specification, 9.2)."""
    flat, steep = np.zeros((3, 8, 8), np.uint8), np.arange(192, dtype=np.uint8).reshape(3, 8, 8)
    for picture, data in zip((flat, steep), compress(np.stack([flat, steep]), "png"), strict=True):
        at = data.index(b"IDAT")
        rows = zlib.decompress(data[at + 4 : -16])  # the checksum and the chunk IEND follow
        assert rows[::25] == bytes([0 if picture is flat else 2] * 8)
        assert np.array_equal(expand(data, "png", (3, 8, 8)), picture)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_others_can_read_it(channels, mode):
    picture = np.random.RandomState(0).randint(0, 256, (channels, 8, 8), np.uint8)
    with Image.open(io.BytesIO(compress(picture[None], "png")[0])) as image:
        assert image.format == "PNG" and image.mode == mode
        image.load()
        assert np.array_equal(np.array(image).reshape(8, 8, channels), picture.transpose(1, 2, 0))
    assert gzip.decompress(compress(picture[None], "gzip")[0]) == picture.tobytes()


def test_we_read_what_others_write():
    file = io.BytesIO()
    Image.fromarray(PICTURE.transpose(1, 2, 0)).save(file, "png")
    assert np.array_equal(expand(file.getvalue(), "png", (3, 4, 4)), PICTURE)
    assert np.array_equal(expand(gzip.compress(PICTURE.tobytes()), "gzip", (3, 4, 4)), PICTURE)


def png(width, height, depth=8, colour=2):
    """The start of a PNG file that claims this."""
    claimed = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    checksum = zlib.crc32(b"IHDR" + claimed)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + claimed + struct.pack(">I", checksum)


@pytest.mark.parametrize(
    ("data", "kind", "shape", "message"),
    [
        (PNG, "jpeg", (3, 4, 4), "'encoding' is 'jpeg', expected png or gzip"),
        (PNG, "none", (3, 4, 4), "'encoding' is 'none'"),
        (GZIP, "png", (3, 4, 4), "not a PNG file"),
        (b"", "png", (3, 4, 4), "more than 'data' of 0 bytes can hold"),
        (PNG[:20], "png", (3, 4, 4), "not a PNG file"),
        (PNG, "png", (3, 4, 8), r"is 4x4, 8 bits, colour type 2; that is not \[3, 4, 8\]"),
        (PNG, "png", (1, 4, 4), r"colour type 2; that is not \[1, 4, 4\]"),
        (png(4, 4, depth=16) + PNG[33:], "png", (3, 4, 4), "16 bits"),
        (png(4, 4, colour=3) + PNG[33:], "png", (3, 4, 4), "colour type 3"),
        (PNG[:-30], "png", (3, 4, 4), "PNG file is damaged"),
        (PNG[:33], "png", (3, 4, 4), "PNG file is damaged"),
        (PNG, "gzip", (3, 4, 4), "gzip data is damaged"),
        (GZIP[:-1], "gzip", (3, 4, 4), r"does not hold exactly \[3, 4, 4\]"),
        (GZIP + b"x", "gzip", (3, 4, 4), "does not hold exactly"),
        (GZIP, "gzip", (3, 4, 5), "does not hold exactly"),
        (GZIP, "gzip", (3, 4, 3), "does not hold exactly"),
        (GZIP, "gzip", (2, 4, 4), r"'shape' is \[2, 4, 4\]"),
        (b"x" * 9999, "gzip", (1, 1, LARGEST + 1), "or 8192 wide"),
        (PNG, "png", (4, 8192, 8192), "more than 'data' of"),
    ],
)
def test_what_is_wrong_is_said(data, kind, shape, message):
    with pytest.raises(UserError, match=message):
        expand(data, kind, shape)


@pytest.mark.parametrize("at", range(len(GZIP)))
def test_a_flipped_bit_of_gzip_is_found(at):
    damaged = GZIP[:at] + bytes([GZIP[at] ^ 1]) + GZIP[at + 1 :]
    if 3 <= at <= 9:  # "probably text", the time, the level and the system (RFC 1952, 2.3): nobody asks
        assert np.array_equal(expand(damaged, "gzip", (3, 4, 4)), PICTURE)
        return
    with pytest.raises(UserError):
        expand(damaged, "gzip", (3, 4, 4))


def test_a_png_bomb_is_not_opened(monkeypatch):
    def opened(*arguments, **options):
        raise AssertionError("the file was opened")

    monkeypatch.setattr(compression.Image, "open", opened)
    bomb = png(60_000, 60_000) + b"\0" * 1000
    for shape in ((3, 4, 4), (3, 60_000, 60_000)):
        with pytest.raises(UserError):
            expand(bomb, "png", shape)


def test_a_gzip_bomb_is_unpacked_no_further_than_the_picture():
    bomb = gzip.compress(bytes(2**25), 9)
    tracemalloc.start()
    with pytest.raises(UserError, match="does not hold exactly"):
        expand(bomb, "gzip", (3, 64, 64))
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()
