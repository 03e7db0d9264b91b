"""Pictures as the framed records of every level: all the work of writing a data set but the writing."""

from functools import lru_cache

import numpy as np

from stylegan_tf.data.compression import compress
from stylegan_tf.data.example_proto import encode, encode_data
from stylegan_tf.data.framing import FOOTER, HEADER, framed, header, masked_crc
from stylegan_tf.data.pyramid import planar_levels

BATCH_VALUES = 2**20  # numbers halved at once: enough to hide what a numpy call costs, few enough for the cache


def encode_levels(pictures: np.ndarray, compression: str = "none") -> list[bytes]:
    """The records of n pictures, uint8 [n, R, R, C], at every level, finest first: one string of bytes for each level.

    The bytes are what `Writer.append` adds to the files, so that processes can make them. compression: one of
    `compression.COMPRESSIONS`; R: a power of two, 4 or more.
    """
    count, resolution, width, channels = pictures.shape
    if pictures.dtype != np.uint8 or resolution != width or resolution < 4 or resolution & (resolution - 1):
        raise ValueError(f"expected uint8 [n, R, R, C], R 4, 8, 16, ..., got {pictures.dtype} {list(pictures.shape)}")
    records = _raw_records if compression == "none" else _compressed_records
    parts: list[list[bytes]] = [[] for _ in range(resolution.bit_length() - 2)]
    size = batch_size(resolution, channels)
    for start in range(0, count, size):
        planes = np.ascontiguousarray(pictures[start : start + size].transpose(0, 3, 1, 2))
        for part, level in zip(parts, planar_levels(planes), strict=True):
            part.append(records(level, compression))
    return [b"".join(part) for part in parts]


def batch_size(resolution: int, channels: int) -> int:
    """How many pictures are best encoded together."""
    return max(1, BATCH_VALUES // (resolution * resolution * channels))


def _raw_records(level: np.ndarray, compression: str) -> bytes:
    """Pictures uint8 [n, C, H, W] between the bytes that all records of their shape share."""
    count, size = len(level), level[0].size
    before, after = _around_pixels(level.shape[1:])
    records = np.empty((count, len(before) + size + len(after) + FOOTER), np.uint8)
    records[:, : len(before)] = np.frombuffer(before, np.uint8)
    records[:, len(before) : len(before) + size] = level.reshape(count, size)
    records[:, len(before) + size : -FOOTER] = np.frombuffer(after, np.uint8)
    checksums = [masked_crc(record.data[HEADER:-FOOTER]) for record in records]
    records[:, -FOOTER:] = np.array(checksums, "<u4").view(np.uint8).reshape(count, FOOTER)
    return records.tobytes()


@lru_cache(maxsize=32)
def _around_pixels(shape: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """The bytes of a record before and after its pixels.

    No byte before them is 255, because what is there are small numbers and their lengths end with a byte below 128.
    """
    white = np.full(shape, 255, np.uint8)
    message = encode(white)
    before, _, after = message.partition(white.tobytes())
    return header(len(message)) + before, after


def _compressed_records(level: np.ndarray, compression: str) -> bytes:
    shape = level.shape[1:]
    return b"".join(framed(encode_data(data, shape, compression)) for data in compress(level, compression))
