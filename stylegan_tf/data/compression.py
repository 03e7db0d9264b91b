"""How a record keeps its pixels: raw as in the official data sets, as a PNG file, or as gzip of the raw bytes."""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from stylegan_tf.errors import UserError

COMPRESSIONS = ("none", "png", "gzip")
LARGEST = 8192  # side of a compressed picture; what a raw one claims is limited by the size of its file

# Higher levels take several times as long for some per cent less (docs/PERFORMANCE.md).
_LEVEL = 1
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to say: with the header and the checksum of gzip
_DENSEST = 1032  # bytes that one byte of deflate can stand for, at most
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = {1: 0, 3: 2, 4: 6}  # channels -> colour type
_PNG_START = struct.Struct(">8sI4sIIBB")
_NONE, _UP = 0, 2  # PNG's filters: the pixels themselves, or their difference to the row above


def compress(pictures: np.ndarray, compression: str) -> list[bytes]:
    """What stands for each of the pictures, uint8 [n, C, H, W], in a record of compression "png" or "gzip"."""
    if compression == "png":
        return _png_files(pictures)
    return [_gzip(picture) for picture in pictures]


def expand(data: bytes, encoding: str, shape: Sequence[int]) -> np.ndarray:
    """The picture that `compress` made `data` of, uint8 [C, H, W] of this shape.

    Raises UserError where it is no such picture; nothing is decoded before its size was found to be that of the shape.
    """
    if encoding not in COMPRESSIONS[1:]:
        raise UserError(f"'encoding' is {encoding!r}, expected {' or '.join(COMPRESSIONS[1:])}")
    channels, height, width = shape
    size = channels * height * width
    if channels not in _PNG_COLOURS or max(height, width) > LARGEST or size > _DENSEST * len(data):
        raise UserError(f"'shape' is {list(shape)}, more than 'data' of {len(data)} bytes can hold or {LARGEST} wide")
    return _read_png(data, shape) if encoding == "png" else _read_gzip(data, shape, size)


def _png_files(pictures: np.ndarray) -> list[bytes]:
    """Pillow writes the same in twice the time, because it tries five filters for each row.

    Flat drawings, most of whose pixels repeat the one above, are smallest without a filter, photographs with one.
    """
    count, channels, height, width = pictures.shape
    rows = pictures.transpose(0, 2, 3, 1).reshape(count, height, width * channels)
    filtered = np.empty((count, height, 1 + width * channels), np.uint8)
    filtered[:, :, 0] = _UP
    filtered[:, 0, 1:] = rows[:, 0]
    np.subtract(rows[:, 1:], rows[:, :-1], out=filtered[:, 1:, 1:])
    for picture, original in zip(filtered, rows, strict=True):
        if 2 * np.count_nonzero(picture) < picture.size:
            picture[:, 0], picture[:, 1:] = _NONE, original
    sizes = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOURS[channels], 0, 0, 0)
    head, tail = _PNG + _chunk(b"IHDR", sizes), _chunk(b"IEND", b"")
    return [head + _chunk(b"IDAT", zlib.compress(picture, _LEVEL)) + tail for picture in filtered]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))])


def _read_png(data: bytes, shape: Sequence[int]) -> np.ndarray:
    channels, height, width = shape
    expected = (_PNG, 13, b"IHDR", width, height, 8, _PNG_COLOURS[channels])
    if len(data) < _PNG_START.size or (found := _PNG_START.unpack_from(data))[:3] != expected[:3]:
        raise UserError("'data' is not a PNG file")
    if found != expected:
        what = f"{found[3]}x{found[4]}, {found[5]} bits, colour type {found[6]}"
        raise UserError(f"its PNG file is {what}; that is not {list(shape)} uint8 pixels")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixels = np.asarray(image)
    except Exception as error:  # Pillow raises nearly anything for foreign bytes
        raise UserError(f"its PNG file is damaged ({str(error) or type(error).__name__})") from None
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def _gzip(picture: np.ndarray) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(picture.tobytes()) + packer.flush()


def _read_gzip(data: bytes, shape: Sequence[int], size: int) -> np.ndarray:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        pixels = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise UserError(f"its gzip data is damaged ({error})") from None
    if len(pixels) != size or not unpacker.eof or unpacker.unused_data:
        raise UserError(f"its gzip data does not hold exactly {list(shape)} uint8 pixels")
    return np.frombuffer(pixels, np.uint8).reshape(tuple(shape))
