"""What the .index file says of a checkpoint's arrays, looked at before TensorFlow reads it.

It is a sorted table of LevelDB's kind: blocks of (key, value), a block of their places, and a footer. TensorFlow ends
the process at an entry that is none, and makes room for whatever size an entry declares.
"""

import math
import struct
import traceback
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from stylegan_tf.errors import UserError
from stylegan_tf.masked_crc import masked_crc

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER = 48
TRAILER = 5  # behind each block: its kind, 0 for one that is not compressed, and its masked CRC-32C
LARGEST = 2**26  # bytes; a run at 1024x1024 has some 100,000
KINDS = {1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 9: 8, 10: 1, 14: 2, 19: 2, 23: 8}  # tf.DType of numbers -> bytes of one
TEXT = 7


def check(prefix: Path) -> None:
    """Raises UserError that names <prefix>.index unless all arrays that it lists lie whole in <prefix>.data-*."""
    from tensorflow.core.protobuf import tensor_bundle_pb2

    path = prefix.with_name(f"{prefix.name}.index")
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        entries = dict(_entries(path.read_bytes()))
        header = tensor_bundle_pb2.BundleHeaderProto.FromString(entries.pop(b""))
        if not 1 <= header.num_shards <= 1000 or header.endianness:
            raise ValueError("its beginning is none")
        names = (f"{prefix.name}.data-{n:05d}-of-{header.num_shards:05d}" for n in range(header.num_shards))
        paths = [prefix.with_name(name) for name in names]
        sizes = [path.stat().st_size for path in paths]
        for key, value in entries.items():
            entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
            if not 0 <= entry.shard_id < len(paths):
                raise ValueError("an array lies in a file that is not there")
            if not 0 <= entry.offset <= sizes[entry.shard_id] - entry.size or entry.size < 0:
                raise ValueError("an array lies outside of its file")
            shape = [axis.size for axis in entry.shape.dim]
            if entry.shape.unknown_rank or any(not 0 <= length < 2**40 for length in shape) or entry.slices:
                raise ValueError("an array has no shape")
            declared = math.prod(shape) * KINDS.get(entry.dtype, -1)
            if entry.dtype == TEXT and not shape:
                declared = _text_size(paths[entry.shard_id], entry.offset)
            if declared != entry.size:
                raise ValueError(f"the array {key[:60]!a} has another size than it declares")
    except (OSError, ValueError, LookupError, struct.error, DecodeError) as error:
        raise UserError(f"{path} is damaged, or no table of TensorFlow's: {error}") from None


def read(checkpoint, prefix: Path):
    """What Checkpoint.read of TensorFlow's returns. Raises what it raises.

    What the file holds beside what is restored is left out without a word: else TensorFlow lists it in a hundred lines
    when it is collected, whatever was told of it before.
    """
    try:
        return checkpoint.read(str(prefix)).expect_partial()
    except Exception as error:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(getattr(value, "expect_partial", None), bool):  # what keeps the list
                    value.expect_partial = True
        raise


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) in a table. Raises ValueError, IndexError or struct.error where it is none."""
    if content[-8:] != MAGIC or len(content) < FOOTER:
        raise ValueError("it has no end")
    numbers: list[int] = []
    at = len(content) - FOOTER
    while len(numbers) < 4:  # offset and size of the block of meta data, and of that of places
        number, at = _varint(content, at)
        numbers.append(number)
    last = None
    for _, place in _pairs(_block(content, *numbers[2:])):
        start, after = _varint(place, 0)
        for key, value in _pairs(_block(content, start, _varint(place, after)[0])):
            if last is not None and key <= last:
                raise ValueError("its keys are not in order")
            last = key
            yield key, value


def _block(content: bytes, start: int, size: int) -> bytes:
    block, trailer = content[start : start + size + 1], content[start + size + 1 : start + size + TRAILER]
    if len(block) != size + 1 or block[-1] or struct.unpack("<I", trailer)[0] != masked_crc(block):
        raise ValueError("the checksum of a block is wrong")
    return block[:-1]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys begin with so many bytes of the one before; behind the pairs stand places at which none does."""
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        size, at = _varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise ValueError("an entry has another size than it declares")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size
    if at != end:
        raise ValueError("a block has no end")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """(number, where it ends)."""
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if content[at - 1] < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number has no end")


def _text_size(path: Path, offset: int) -> int:
    """Bytes of a single text: its length, a checksum of that, and the text."""
    with open(path, "rb") as file:
        file.seek(offset)
        length, at = _varint(file.read(10), 0)
    return at + 4 + length
