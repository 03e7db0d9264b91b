"""Pictures from anywhere in a record file, in any order, from many threads."""

from collections.abc import Generator, Sequence
from typing import BinaryIO

import numpy as np

from stylegan_tf.data.example_proto import decode
from stylegan_tf.data.framing import HEADER, read_record
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError

_BATCH_VALUES = 2**20  # numbers that `pictures` reads at once


def read_pictures(
    file: int | BinaryIO, starts: Sequence[int] | np.ndarray, lengths: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Pictures uint8 [n, C, H, W] of the records at these offsets (see `framing.offsets`), in this order; n >= 1.

    `file` is an open file or a descriptor; its position is neither used nor moved, so threads may share it. Every data
    checksum is verified. Raises UserError at a damaged record, and where the pictures differ in shape.
    """
    descriptor = file if isinstance(file, int) else file.fileno()
    if len(starts) == 0:
        raise ValueError("expected the offsets of at least one record, got none")
    result = np.empty((0, 0, 0, 0), np.uint8)
    frame: tuple[bytes, bytes] | None = None
    for row, (start, length) in enumerate(zip(map(int, starts), map(int, lengths), strict=True)):
        try:
            framed = read_record(descriptor, start, length)
            if frame and _fits(framed, length, frame, result[0].size):
                result[row].reshape(-1)[:] = np.frombuffer(framed, np.uint8, result[0].size, len(frame[0]))
                continue
            picture = decode(framed[:length])
            if row == 0:
                result = np.empty((len(starts), *picture.shape), np.uint8)
                frame = _frame(framed[:length], picture)
            elif picture.shape != result.shape[1:]:
                raise UserError(f"it is {list(picture.shape)}, others in this file are {list(result.shape[1:])}")
        except UserError as error:
            name = getattr(file, "name", None) or f"file descriptor {descriptor}"
            raise UserError(f"{name}, record at byte {start - HEADER}: {error}") from None
        result[row] = picture
    return result


def pictures(data_set: DataSet, stage: int | None = None) -> Generator[np.ndarray, None, None]:
    """Every picture of a level (None: the finest) in the order of the records, uint8 [H, W, C] each.

    A few are read at a time. Raises UserError at a damaged record, and where one is not as large as its level says.
    """
    stage = data_set.stages[-1] if stage is None else stage
    starts, lengths = data_set.index(stage)
    shape = (2**stage, 2**stage, data_set.channels)
    batch = max(1, _BATCH_VALUES // (4**stage * data_set.channels))
    with open(data_set.path(stage), "rb", buffering=0) as file:
        for first in range(0, len(starts), batch):
            planes = read_pictures(file, starts[first : first + batch], lengths[first : first + batch])
            if planes.shape[2:] + planes.shape[1:2] != shape:
                raise UserError(f"{file.name} holds pictures {list(planes.shape[1:])} at byte {starts[first] - HEADER}")
            yield from np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def _frame(payload: bytes, picture: np.ndarray) -> tuple[bytes, bytes] | None:
    """The bytes of an Example before and after its pixels, or None where that is not certain.

    Records of one file differ in their pixels only, so that whatever else begins and ends with these bytes and is as
    long has its pixels in the same place. Proved by parsing the same bytes around other pixels.
    """
    pixels = picture.tobytes()
    at = payload.find(pixels)
    head, tail = payload[:at], payload[at + len(pixels) :]
    others = np.bitwise_not(picture)
    try:
        proved = at >= 0 and np.array_equal(decode(head + others.tobytes() + tail), others)
    except UserError:
        proved = False
    return (head, tail) if proved else None


def _fits(framed: bytes, length: int, frame: tuple[bytes, bytes], pixels: int) -> bool:
    head, tail = frame
    return (
        length == len(head) + pixels + len(tail)
        and framed.startswith(head)
        and framed[length - len(tail) : length] == tail
    )
