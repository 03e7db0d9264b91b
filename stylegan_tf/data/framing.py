"""The TFRecord frame: uint64 length, masked CRC of the length, the data, masked CRC of the data, all little-endian.

Nothing is allocated for a record before the checksum of its length was found right and the file long enough for it.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from crc32c import crc32c

from stylegan_tf.errors import UserError

HEADER = 12
FOOTER = 4
_header = struct.Struct("<QI")
_footer = struct.Struct("<I")


def masked_crc(data: bytes | memoryview) -> int:
    """CRC-32C rotated right by 15 bits plus 0xa282ead8: a CRC of data that holds CRCs would otherwise be weak."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def header(length: int) -> bytes:
    """What stands before data of this length: HEADER bytes."""
    packed = struct.pack("<Q", length)
    return packed + _footer.pack(masked_crc(packed))


def framed(payload: bytes) -> bytes:
    """One record: the data with what stands before and behind it."""
    return b"".join([header(len(payload)), payload, _footer.pack(masked_crc(payload))])


def write_record(file: BinaryIO, payload: bytes) -> None:
    """Appends one record to an open file."""
    file.write(framed(payload))


def walk(path: str | os.PathLike) -> Iterator[tuple[int, int]]:
    """(start of the data, its length) of each record, from the headers alone.

    Raises UserError, naming file and record, at the first header whose checksum is wrong or whose record runs past the
    end of the file.
    """
    with open(path, "rb", buffering=0) as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        position = record = 0
        known: dict[bytes, int] = {}  # headers found right: raw records of one level all have the same
        while position < size:
            found = os.pread(descriptor, HEADER, position)
            length = known.get(found)
            if length is None:
                if len(found) < HEADER:
                    raise UserError(f"{path}, record {record}: the file ends in the middle of it; it was cut short")
                length, crc = _header.unpack(found)
                if crc != masked_crc(found[:8]):
                    raise UserError(
                        f"{path}, record {record}: the checksum of its length is wrong; the file is damaged"
                    )
                known = {found: length}
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
    """The data of one record, verified, with the FOOTER bytes of its checksum still behind it: `length` + FOOTER bytes.

    The checksum is left on because removing it would copy the data. Safe to call from many threads. Raises UserError
    that says what is wrong; the caller adds where.
    """
    framed = os.pread(descriptor, length + FOOTER, start)
    if len(framed) != length + FOOTER:
        raise UserError("the file ends in the middle of it; it was cut short")
    if _footer.unpack_from(framed, length)[0] != masked_crc(memoryview(framed)[:length]):
        raise UserError("the checksum of its data is wrong; the file is damaged")
    return framed
