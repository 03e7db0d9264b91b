"""TFRecord files: uint64 length, masked CRC of the length, the data, masked CRC of the data, all little-endian.

Nothing is allocated for a record before the checksum of its length was found right and the file long enough for it.
"""

import os
import struct
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from stylegan_tf.errors import UserError
from stylegan_tf.file_kinds import of_file
from stylegan_tf.masked_crc import masked_crc

HEADER = 12
FOOTER = 4
_length = struct.Struct("<Q")
_footer = struct.Struct("<I")


@lru_cache(maxsize=32)
def _head(length: int) -> bytes:
    """What stands before data of this length, HEADER bytes; raw records of one level all have the same."""
    packed = _length.pack(length)
    return packed + _footer.pack(masked_crc(packed))


def framed(payload: bytes) -> bytes:
    """One record: the data with what stands before and behind it."""
    return b"".join([_head(len(payload)), payload, _footer.pack(masked_crc(payload))])


def walk(path: str | os.PathLike) -> Iterator[tuple[int, int]]:
    """(start of the data, its length) of each record, from the headers alone.

    Raises UserError, naming file and record, at the first header whose checksum is wrong or whose record runs past the
    end of the file.
    """
    with open(path, "rb", buffering=0) as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        position = record = 0
        while position < size:
            found = os.pread(descriptor, HEADER, position)
            if len(found) < HEADER:
                raise UserError(f"{path}, record {record}: the file ends in the middle of it; it was cut short")
            (length,) = _length.unpack_from(found)
            if found != _head(length):
                if record == 0 and (what := of_file(path)):
                    raise UserError(f"{path} is {what}")
                raise UserError(f"{path}, record {record}: the checksum of its length is wrong; the file is damaged")
            start = position + HEADER
            position = start + length + FOOTER
            if position > size:
                missing = position - size
                raise UserError(
                    f"{path}, record {record}: the file ends {missing} bytes before it does; it was cut short"
                )
            yield start, length
            record += 1


def offsets(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """(starts, lengths) of the data of every record, both int64 [N]. Reads headers only; raises as `walk` does."""
    table = np.array(list(walk(path)), np.int64).reshape(-1, 2)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def read_record(descriptor: int, start: int, length: int) -> bytes:
    """The data of one record, verified. Safe to call from many threads. Raises UserError that says what is wrong; the
    caller adds where.
    """
    found = os.pread(descriptor, length + FOOTER, start)
    if len(found) != length + FOOTER:
        raise UserError("the file ends in the middle of it; it was cut short")
    payload = found[:length]
    if _footer.unpack_from(found, length)[0] != masked_crc(payload):
        raise UserError("the checksum of its data is wrong; the file is damaged")
    return payload
