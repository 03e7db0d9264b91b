"""The tf.train.Example message without TensorFlow, and how one picture is stored in it.

The message is declared in a descriptor pool of its own: TensorFlow and the package tfrecord both register the same
names in the shared pool, so whoever comes second fails. The bytes on disk are the same.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from stylegan_tf.data.compression import expand
from stylegan_tf.errors import UserError

_PACKAGE = "stylegan_tf"


@cache
def example_class() -> Any:
    """The class of the message Example: features.feature is a map of name -> bytes, floats or int64s."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package=_PACKAGE, syntax="proto3")

    def message(name: str, *fields: tuple, within: descriptor_pb2.DescriptorProto | None = None):
        new = file.message_type.add(name=name) if within is None else within.nested_type.add(name=name)
        for number, (label, kind, field_name) in enumerate(fields, 1):
            entry = new.field.add(name=field_name, number=number, label=label)
            if isinstance(kind, str):
                entry.type, entry.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                entry.type = kind
        return new

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    message("BytesList", (many, field.TYPE_BYTES, "value"))
    message("FloatList", (many, field.TYPE_FLOAT, "value"))
    message("Int64List", (many, field.TYPE_INT64, "value"))
    kinds = [(one, "BytesList", "bytes_list"), (one, "FloatList", "float_list"), (one, "Int64List", "int64_list")]
    feature = message("Feature", *kinds)
    feature.oneof_decl.add(name="kind")
    for entry in feature.field:
        entry.oneof_index = 0
    features = message("Features", (many, "Features.FeatureEntry", "feature"))
    pair = message("FeatureEntry", (one, field.TYPE_STRING, "key"), (one, "Feature", "value"), within=features)
    pair.options.map_entry = True
    message("Example", (one, "Features", "features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def encode(picture: np.ndarray) -> bytes:
    """One picture, uint8 [C, H, W], as the bytes of an Example: 'shape' int64 [C, H, W], 'data' the raw CHW pixels."""
    if picture.dtype != np.uint8 or picture.ndim != 3:
        raise ValueError(f"expected a picture of uint8 [C, H, W], got {picture.dtype} {list(picture.shape)}")
    return encode_data(picture.tobytes(), picture.shape)


def encode_data(data: bytes, shape: Sequence[int], compression: str = "none") -> bytes:
    """The Example of a picture [C, H, W] that `data` stands for. A compressed one has 'encoding', the compression."""
    example = example_class()()
    feature = example.features.feature
    feature["shape"].int64_list.value.extend(shape)
    feature["data"].bytes_list.value.append(data)
    if compression != "none":
        feature["encoding"].bytes_list.value.append(compression.encode("ascii"))
    return example.SerializeToString(deterministic=True)


def decode(payload: bytes) -> np.ndarray:
    """The picture in an Example, uint8 [C, H, W], maybe read-only. Raises UserError when the bytes hold no such
    picture.

    Pixels are raw where there is no 'encoding', as in official records; else see `compression.expand`.
    """
    return decode_with_compression(payload)[0]


def decode_with_compression(payload: bytes) -> tuple[np.ndarray, str]:
    """As `decode`, and how the pixels were kept: one of `compression.COMPRESSIONS`."""
    try:
        example = example_class().FromString(payload)
    except DecodeError:
        raise UserError("not an Example message") from None
    feature = example.features.feature
    for name in ("shape", "data"):
        if name not in feature:
            raise UserError(f"the Example has no feature '{name}'")
    shape = tuple(feature["shape"].int64_list.value)
    if len(shape) != 3 or min(shape) < 1:
        raise UserError(f"'shape' is {list(shape)}, expected [channels, height, width]")
    data = _only(feature, "data")
    if "encoding" in feature:
        encoding = _only(feature, "encoding").decode("ascii", "backslashreplace")
        return expand(data, encoding, shape), encoding
    if len(data) != shape[0] * shape[1] * shape[2]:
        raise UserError(f"'data' holds {len(data)} bytes, expected {list(shape)} uint8 pixels")
    return np.frombuffer(data, np.uint8).reshape(shape), "none"


def _only(feature: Any, name: str) -> bytes:
    values = feature[name].bytes_list.value
    if len(values) != 1:
        raise UserError(f"'{name}' holds {len(values)} byte strings, expected one")
    return values[0]
