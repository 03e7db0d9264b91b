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
from refusals import refused

from stylegan_tf.data.example import LARGEST, decode, encode, example_class, message, parse
from stylegan_tf.errors import UserError


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field, for payloads under 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


# tf.train.Example of a picture [1, 2, 2], laid out by hand from the protobuf encoding
PIXELS = field(1, field(1, b"data") + field(2, field(1, field(1, b"\x01\x02\x03\x04"))))
SHAPE = field(1, field(1, b"shape") + field(2, field(3, field(1, b"\x01\x02\x02"))))
PICTURE = np.array([[[1, 2], [3, 4]]], np.uint8)


def test_the_bytes_are_those_of_the_encoding():
    assert encode(PICTURE) == field(1, PIXELS + SHAPE)


@pytest.mark.parametrize("entries", [PIXELS + SHAPE, SHAPE + PIXELS])
def test_decode_does_not_mind_the_order(entries):
    assert np.array_equal(decode(field(1, entries)), PICTURE)


def test_decode_reads_unpacked_numbers_too():
    numbers = b"\x08\x01\x08\x02\x08\x02"
    shape = field(1, field(1, b"shape") + field(2, field(3, numbers)))
    assert np.array_equal(decode(field(1, shape + PIXELS)), PICTURE)


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 3)))
def test_round_trip(picture):
    decoded = decode(encode(picture))
    assert decoded.dtype == np.uint8
    assert decoded.shape == picture.shape
    assert np.array_equal(decoded, picture)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_foreign_bytes_are_a_mistake(payload):
    with pytest.raises(UserError):
        decode(payload)


def shaped(*shape: int) -> bytes:
    example = example_class()()
    example.features.feature["shape"].int64_list.value.extend(shape)
    example.features.feature["data"].bytes_list.value.append(b"1234")
    return example.SerializeToString()


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (b"", ["Example", "'shape'"]),
        (field(1, SHAPE), ["Example", "'data'"]),
        (field(1, PIXELS), ["Example", "'shape'"]),
        (b"\xff\xff", ["Example"]),
        (field(1, SHAPE + field(1, field(1, b"data"))), ["'data'", "0"]),
        (shaped(1, 2, 3), ["'data'", "4 bytes", "[1, 2, 3] uint8"]),
        (shaped(2, 2), ["'shape'", "[2, 2]", "[channels, height, width]"]),
        (shaped(-1, -2, 2), ["'shape'", "[-1, -2, 2]", "[channels, height, width]"]),
        (shaped(2**62, 4, 2**62), ["'data'", "4 bytes", [2**62, 4, 2**62]]),
    ],
)
def test_decode_says_what_is_wrong(payload, names):
    with refused(*names):
        decode(payload)


def test_a_list_of_floats_is_no_picture():
    floats = field(1, field(1, b"data") + field(2, field(2, field(1, struct.pack("<f", 1.0)))))
    with refused("'data'", "0"):
        decode(field(1, SHAPE + floats))


def test_encode_refuses_other_arrays():
    with pytest.raises(ValueError, match="uint8"):
        encode(PICTURE.astype(np.float32))
    with pytest.raises(ValueError, match="C, H, W"):
        encode(PICTURE[0])


def compress(picture: np.ndarray, kind: str) -> bytes:
    """What stands for a picture in a record."""
    return parse(encode(picture, kind))[1]


def expand(data: bytes, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """The picture of a record that says this."""
    example = example_class().FromString(message(data, shape))
    example.features.feature["encoding"].bytes_list.value.append(kind.encode())
    return decode(example.SerializeToString())


SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(1, 9), st.integers(1, 9))
RGB = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
PNG, GZIP = (compress(RGB, kind) for kind in ("png", "gzip"))


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, SHAPES), st.sampled_from(["png", "gzip"]))
def test_round_trip_of_compressed_pictures(picture, kind):
    found = decode(encode(picture, kind))
    assert found.dtype == np.uint8 and np.array_equal(found, picture)
    assert parse(encode(picture, kind))[::2] == (picture.shape, kind)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_others_can_read_it(channels, mode):
    picture = np.random.RandomState(0).randint(0, 256, (channels, 8, 8), np.uint8)
    with Image.open(io.BytesIO(compress(picture, "png"))) as image:
        assert image.format == "PNG" and image.mode == mode
        image.load()
        assert np.array_equal(np.array(image).reshape(8, 8, channels), picture.transpose(1, 2, 0))
    assert gzip.decompress(compress(picture, "gzip")) == picture.tobytes()


def test_we_read_what_others_write():
    file = io.BytesIO()
    Image.fromarray(RGB.transpose(1, 2, 0)).save(file, "png")
    assert np.array_equal(expand(file.getvalue(), "png", (3, 4, 4)), RGB)
    assert np.array_equal(expand(gzip.compress(RGB.tobytes()), "gzip", (3, 4, 4)), RGB)


RECORDED = {  # what an earlier version wrote: a PNG file whose rows are differences to those above, and gzip
    "png": (
        "0a88010a5f0a046461746112570a550a5389504e470d0a1a0a0000000d4948445200000004000000040802000000269309290000001a"
        "4944415478016362105060145464125262165666624102b8390030d6016b6a3ece6d0000000049454e44ae4260820a130a08656e636f"
        "64696e6712070a050a03706e670a100a05736861706512071a050a03030404"
    ),
    "gzip": (
        "0a7a0a500a046461746112480a460a441f8b08000000000004036360646266616563e7e0e4e2e6e1e5e3171014121611151397909492"
        "969195935750545256515553d7d0d4d2d6d1d5d3070071212005300000000a140a08656e636f64696e6712080a060a04677a69700a10"
        "0a05736861706512071a050a03030404"
    ),
}


@pytest.mark.parametrize("kind", RECORDED)
def test_records_of_earlier_versions_are_read(kind):
    payload = bytes.fromhex(RECORDED[kind])
    assert np.array_equal(decode(payload), RGB) and parse(payload)[2] == kind


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth=8, colour=2):
    """The start of a PNG file that claims this."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


@pytest.mark.parametrize(
    ("data", "kind", "shape", "names"),
    [
        (PNG, "jpeg", (3, 4, 4), ["'encoding'", "'jpeg'", "png", "gzip"]),
        (PNG, "none", (3, 4, 4), ["'encoding'", "'none'", "png", "gzip"]),
        (GZIP, "png", (3, 4, 4), ["'data'", "PNG"]),
        (b"", "png", (3, 4, 4), ["'data'", "0 bytes", [3, 4, 4]]),
        (PNG[:20], "png", (3, 4, 4), ["PNG", "damaged"]),
        (PNG, "png", (3, 4, 8), ["PNG", "4x4 RGB", [3, 4, 8]]),
        (PNG, "png", (1, 4, 4), ["PNG", "4x4 RGB", [1, 4, 4]]),
        (png(4, 4, depth=16) + PNG[33:], "png", (3, 4, 4), ["PNG", "damaged"]),
        (png(4, 4, colour=3) + PNG[33:], "png", (3, 4, 4), ["PNG", "4x4 P", [3, 4, 4]]),
        (PNG[:-30], "png", (3, 4, 4), ["PNG", "damaged"]),
        (PNG[:33], "png", (3, 4, 4), ["'data'", "PNG"]),
        (PNG[:33] + chunk(b"acTL", bytes(8)) + PNG[33:], "png", (3, 4, 4), ["PNG", "animation"]),
        (PNG, "gzip", (3, 4, 4), ["gzip", "damaged"]),
        (GZIP[:-1], "gzip", (3, 4, 4), ["gzip", [3, 4, 4]]),
        (GZIP + b"x", "gzip", (3, 4, 4), ["gzip", [3, 4, 4]]),
        (GZIP, "gzip", (3, 4, 5), ["gzip", [3, 4, 5]]),
        (GZIP, "gzip", (3, 4, 3), ["gzip", [3, 4, 3]]),
        (GZIP, "gzip", (2, 4, 4), ["'shape'", [2, 4, 4]]),
        (b"x" * 9999, "gzip", (1, 1, LARGEST + 1), ["'shape'", [1, 1, LARGEST + 1], LARGEST]),
        (PNG, "png", (4, 8192, 8192), ["'shape'", "'data'", [4, 8192, 8192]]),
    ],
)
def test_what_is_wrong_is_said(data, kind, shape, names):
    with refused(*names):
        expand(data, kind, shape)


@pytest.mark.parametrize("at", range(len(GZIP)))
def test_a_flipped_bit_of_gzip_is_found(at):
    damaged = GZIP[:at] + bytes([GZIP[at] ^ 1]) + GZIP[at + 1 :]
    if 3 <= at <= 9:  # "probably text", the time, the level and the system (RFC 1952, 2.3): nobody asks
        assert np.array_equal(expand(damaged, "gzip", (3, 4, 4)), RGB)
        return
    with pytest.raises(UserError):
        expand(damaged, "gzip", (3, 4, 4))


def test_a_png_bomb_is_not_decoded(monkeypatch):
    def opened(*arguments, **options):
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr(Image.Image, "load", opened)
    bomb = png(60_000, 60_000) + b"\0" * 1000
    for shape in ((3, 4, 4), (3, 60_000, 60_000)):
        with pytest.raises(UserError):
            expand(bomb, "png", shape)


def test_a_gzip_bomb_is_unpacked_no_further_than_the_picture():
    bomb = gzip.compress(bytes(2**25), 9)
    tracemalloc.start()
    with refused("gzip", "[3, 64, 64]"):
        expand(bomb, "gzip", (3, 64, 64))
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()
