import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stylegan_tf.data.example_proto import decode, encode, example_class
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
    ("payload", "message"),
    [
        (b"", "no feature 'shape'"),
        (field(1, SHAPE), "no feature 'data'"),
        (field(1, PIXELS), "no feature 'shape'"),
        (b"\xff\xff", "not an Example"),
        (field(1, SHAPE + field(1, field(1, b"data"))), "'data' holds 0 byte strings"),
        (shaped(1, 2, 3), "'data' holds 4 bytes, expected \\[1, 2, 3\\]"),
        (shaped(2, 2), "'shape' is \\[2, 2\\]"),
        (shaped(-1, -2, 2), "'shape' is \\[-1, -2, 2\\]"),
        (shaped(2**62, 4, 2**62), "'data' holds 4 bytes"),
    ],
)
def test_decode_says_what_is_wrong(payload, message):
    with pytest.raises(UserError, match=message):
        decode(payload)


def test_a_list_of_floats_is_no_picture():
    floats = field(1, field(1, b"data") + field(2, field(2, field(1, struct.pack("<f", 1.0)))))
    with pytest.raises(UserError, match="'data' holds 0 byte strings"):
        decode(field(1, SHAPE + floats))


def test_encode_refuses_other_arrays():
    with pytest.raises(ValueError, match="uint8"):
        encode(PICTURE.astype(np.float32))
    with pytest.raises(ValueError, match="C, H, W"):
        encode(PICTURE[0])
