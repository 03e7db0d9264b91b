"""A picture as the data of one record: a tf.train.Example, without TensorFlow.

'shape' is int64 [C, H, W], 'data' the raw uint8 pixels in that order. Records of compressed data sets, which the
official code does not read, have a third feature 'encoding', b"png" or b"gzip": then 'data' is a PNG file, or gzip of
the raw pixels.
"""

import io
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError
from PIL import Image

from stylegan_tf.errors import UserError, brief

COMPRESSIONS = ("none", "png", "gzip")
LARGEST = 8192  # side of a compressed picture; what a raw one claims is limited by the size of its file

_LEVEL = 1  # higher ones take several times as long for some per cent less (docs/PERFORMANCE.md)
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to say: with the header and the checksum of gzip
_DENSEST = 1032  # bytes that one byte of deflate can stand for, at most
_PNG = b"\x89PNG\r\n\x1a\n"
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> mode of a PNG file in Pillow

# tensorflow/core/example/example.proto in a package of our own: TensorFlow and the package tfrecord both register the
# same names in the shared pool, so whoever comes second fails. The bytes on disk are the same.
_SCHEMA = """
name: "example.proto" package: "stylegan_tf" syntax: "proto3"
message_type { name: "BytesList" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES } }
message_type { name: "FloatList" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_FLOAT } }
message_type { name: "Int64List" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_INT64 } }
message_type {
  name: "Feature"
  oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 type: TYPE_MESSAGE type_name: ".stylegan_tf.BytesList" oneof_index: 0 }
  field { name: "float_list" number: 2 type: TYPE_MESSAGE type_name: ".stylegan_tf.FloatList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type: TYPE_MESSAGE type_name: ".stylegan_tf.Int64List" oneof_index: 0 }
}
message_type {
  name: "Features"
  nested_type {
    name: "FeatureEntry"
    options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".stylegan_tf.Feature" }
  }
  field {
    name: "feature" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".stylegan_tf.Features.FeatureEntry"
  }
}
message_type {
  name: "Example" field { name: "features" number: 1 type: TYPE_MESSAGE type_name: ".stylegan_tf.Features" }
}
"""


@cache
def example_class() -> Any:
    """The class of the message Example: features.feature is a map of name -> bytes, floats or int64s."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("stylegan_tf.Example"))


def encode(picture: np.ndarray, compression: str = "none") -> bytes:
    """One picture, uint8 [C, H, W], as the bytes of an Example. compression: one of COMPRESSIONS."""
    if picture.dtype != np.uint8 or picture.ndim != 3:
        raise ValueError(f"expected a picture of uint8 [C, H, W], got {picture.dtype} {list(picture.shape)}")
    if compression == "none":
        before, after = _around_pixels(picture.shape)
        return b"".join((before, picture.tobytes(), after))
    return message(_compressed(picture, compression), picture.shape, compression)


def message(data: bytes, shape: Sequence[int], compression: str = "none") -> bytes:
    """The Example of a picture [C, H, W] that `data` stands for."""
    example = example_class()()
    feature = example.features.feature
    feature["shape"].int64_list.value.extend(shape)
    feature["data"].bytes_list.value.append(data)
    if compression != "none":
        feature["encoding"].bytes_list.value.append(compression.encode("ascii"))
    return example.SerializeToString(deterministic=True)


@lru_cache(maxsize=32)
def _around_pixels(shape: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """The bytes of a raw Example before and after its pixels: making them once takes two thirds off a record's time.

    No byte before them is 255, because what is there are small numbers and their lengths end with a byte below 128.
    """
    white = b"\xff" * (shape[0] * shape[1] * shape[2])
    before, _, after = message(white, shape).partition(white)
    return before, after


def _compressed(picture: np.ndarray, compression: str) -> bytes:
    if compression == "gzip":
        return zlib.compress(picture.tobytes(), _LEVEL, _GZIP)
    file = io.BytesIO()
    image = Image.fromarray(picture[0] if len(picture) == 1 else np.ascontiguousarray(picture.transpose(1, 2, 0)))
    image.save(file, "PNG", compress_level=_LEVEL)
    return file.getvalue()


def decode(payload: bytes) -> np.ndarray:
    """The picture in an Example, uint8 [C, H, W], maybe read-only. Raises UserError when the bytes hold no such
    picture; nothing is decoded before its size was found to be that of the shape.
    """
    shape, data, compression = parse(payload)
    if compression == "none":
        if len(data) != shape[0] * shape[1] * shape[2]:
            raise UserError(f"'data' holds {len(data)} bytes, expected {list(shape)} uint8 pixels")
        return np.frombuffer(data, np.uint8).reshape(shape)
    size = shape[0] * shape[1] * shape[2]
    if shape[0] not in _MODES or max(shape) > LARGEST or size > _DENSEST * len(data):
        raise UserError(f"'shape' is {list(shape)}, more than 'data' of {len(data)} bytes can hold or {LARGEST} wide")
    return _read_png(data, shape) if compression == "png" else _read_gzip(data, shape, size)


def parse(payload: bytes) -> tuple[tuple[int, int, int], bytes, str]:
    """(shape [C, H, W], data, compression) of an Example. Raises UserError where it is none of a picture."""
    try:
        feature = example_class().FromString(payload).features.feature
    except DecodeError:
        raise UserError("not an Example message") from None
    for name in ("shape", "data"):
        if name not in feature:
            raise UserError(f"the Example has no feature '{name}'")
    shape = tuple(feature["shape"].int64_list.value)
    if len(shape) != 3 or min(shape) < 1:
        raise UserError(f"'shape' is {list(shape)}, expected [channels, height, width]")
    data = _only(feature, "data")
    if "encoding" not in feature:
        return shape, data, "none"
    encoding = _only(feature, "encoding").decode("ascii", "backslashreplace")
    if encoding not in COMPRESSIONS[1:]:
        raise UserError(f"'encoding' is {encoding!r}, expected {' or '.join(COMPRESSIONS[1:])}")
    return shape, data, encoding


def _only(feature: Any, name: str) -> bytes:
    values = feature[name].bytes_list.value
    if len(values) != 1:
        raise UserError(f"'{name}' holds {len(values)} byte strings, expected one")
    return values[0]


def _read_png(data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = shape
    told = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(_PNG) and told[0] * told[1] > width * height:  # Pillow would warn of very large ones
        raise UserError(f"its PNG file is {told[0]}x{told[1]}; that is not {list(shape)} uint8 pixels")
    if b"acTL" in data.partition(b"IDAT")[0]:  # Pillow would warn of an animation without pictures
        raise UserError("its PNG file is an animation, expected one picture")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if (image.size, image.mode) != ((width, height), _MODES[channels]):
                what = f"{image.width}x{image.height} {image.mode}"
                raise UserError(f"its PNG file is {what}; that is not {list(shape)} uint8 pixels")
            pixels = np.asarray(image)
    except UserError:
        raise
    except Image.UnidentifiedImageError:
        raise UserError("'data' is no whole PNG file") from None
    except Exception as error:  # Pillow raises nearly anything for foreign bytes
        raise UserError(f"its PNG file is damaged ({brief(error)})") from None
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def _read_gzip(data: bytes, shape: tuple[int, int, int], size: int) -> np.ndarray:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        pixels = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise UserError(f"its gzip data is damaged ({brief(error)})") from None
    if len(pixels) != size or not unpacker.eof or unpacker.unused_data:
        raise UserError(f"its gzip data does not hold exactly {list(shape)} uint8 pixels")
    return np.frombuffer(pixels, np.uint8).reshape(shape)
