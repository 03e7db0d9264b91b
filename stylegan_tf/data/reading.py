"""Pictures from anywhere in a record file, in any order, from many threads."""

from collections.abc import Generator, Sequence
from typing import BinaryIO

import numpy as np

from stylegan_tf.data.example import decode
from stylegan_tf.data.framing import HEADER, read_record
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError

_BATCH_VALUES = 2**20  # numbers that `all_pictures` reads at once


def read_pictures(
    file: int | BinaryIO,
    starts: Sequence[int] | np.ndarray,
    lengths: Sequence[int] | np.ndarray,
    shape: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Pictures uint8 [n, C, H, W] of the records at these offsets (see `framing.offsets`), in this order; n >= 1.

    shape: [C, H, W] that they must have; None: that of the first, which may be much larger than its record.

    `file` is an open file or a descriptor; its position is neither used nor moved, so threads may share it. Every data
    checksum is verified. Raises UserError at a damaged record, and where the pictures differ in shape.
    """
    descriptor = file if isinstance(file, int) else file.fileno()
    if len(starts) == 0:
        raise ValueError("expected the offsets of at least one record, got none")
    result = np.empty((0, 0, 0, 0), np.uint8)
    for row, (start, length) in enumerate(zip(map(int, starts), map(int, lengths), strict=True)):
        try:
            picture = decode(read_record(descriptor, start, length))
            shape = shape or picture.shape
            if picture.shape != shape:
                raise UserError(f"it is {list(picture.shape)}, others in this file are {list(shape)}")
            if row == 0:
                result = np.empty((len(starts), *shape), np.uint8)
        except UserError as error:
            name = getattr(file, "name", None) or f"file descriptor {descriptor}"
            raise UserError(f"{name}, record at byte {start - HEADER}: {error}") from None
        result[row] = picture
    return result


def all_pictures(data_set: DataSet, stage: int | None = None) -> Generator[np.ndarray, None, None]:
    """Every picture of a level (None: the finest) in the order of the records, uint8 [H, W, C] each.

    A few are read at a time. Raises UserError at a damaged record, and where one is not as large as its level says.
    """
    stage = data_set.stages[-1] if stage is None else stage
    starts, lengths = data_set.index(stage)
    shape = (data_set.channels, 2**stage, 2**stage)
    batch = max(1, _BATCH_VALUES // (4**stage * data_set.channels))
    with open(data_set.path(stage), "rb", buffering=0) as file:
        for first in range(0, len(starts), batch):
            planes = read_pictures(file, starts[first : first + batch], lengths[first : first + batch], shape)
            yield from np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
