"""NumPy's files from outside, .npz and .npy, read as plain numbers and texts: no pickles, and no more than is there.

A file of a few bytes may declare any shape, and a compressed one may hold nothing but zeros: what is to be allocated is
compared with the size of the file first.
"""

import math
import os
import struct
import tokenize
import warnings
import zipfile
import zlib
from typing import IO, Literal

import numpy as np

from stylegan_tf.errors import UserError, brief

MOST_UNPACKED, SMALL = 4, 2**26  # bytes of arrays for each of a compressed file, and bytes that any file may unpack to
MOST_AXES = 32
# What the readers of zip archives and of NumPy's headers raise on bytes that are not theirs.
UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, RuntimeError, SyntaxError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, AttributeError),
)


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """name -> array of an .npz file: numbers, truth values or texts. Raises UserError that begins with the path."""
    _check_there(path)
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.flag_bits & 1 for entry in entries):
                raise UserError("it is encrypted")
            if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
                raise UserError("it is compressed as NumPy does not do it")
            is_packed = any(entry.compress_type == zipfile.ZIP_DEFLATED for entry in entries)
            most = max(MOST_UNPACKED * size, SMALL) if is_packed else size
            if sum(entry.file_size for entry in entries) > most:
                raise UserError(f"it would unpack to more than {most} bytes")
            if sum(entry.compress_size for entry in entries) > size:
                raise UserError("its parts declare more bytes than it has")
            if len({entry.filename for entry in entries}) < len(entries):
                raise UserError("an array is there twice")
            found = {}
            for entry in entries:
                with archive.open(entry) as file:
                    found[entry.filename.removesuffix(".npy")] = _array(file, entry.file_size)
            return found
    except UNREADABLE as error:
        raise UserError(f"{os.fspath(path)} is damaged, or no .npz file of numbers: {brief(error)}") from None


def read_one(path: str | os.PathLike, mmap_mode: Literal["r+"] | None = None) -> np.ndarray:
    """The array of an .npy file, or with a mode the part of memory that is the file. Raises as `read`."""
    _check_there(path)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            _check_header(file, size)
            file.seek(0)
            if mmap_mode is None:
                return _array(file, size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            return np.lib.format.open_memmap(path, mmap_mode)
    except UNREADABLE as error:
        raise UserError(f"{os.fspath(path)} is damaged, or no .npy file of numbers: {brief(error)}") from None


def finite_float32(array: np.ndarray) -> np.ndarray | None:
    """Floating-point numbers as float32; None where they are others, or not finite."""
    with np.errstate(over="ignore", invalid="ignore"):  # of a NaN that signals, too
        found = array.astype(np.float32) if array.dtype.kind == "f" else None
    return found if found is not None and np.isfinite(found).all() else None


def _check_there(path: str | os.PathLike) -> None:
    if not os.path.isfile(path):  # a pipe would wait for somebody to write into it
        raise UserError(f"there is no file {os.fspath(path)}")


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """The array that `size` bytes hold. The file is one that can be read again from its start."""
    _check_header(file, size)
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind == "U":
        codes = np.frombuffer(array.tobytes(), np.uint32 if array.dtype.isnative else array.dtype.byteorder + "u4")
        if ((codes >= 0x110000) | ((codes >= 0xD800) & (codes < 0xE000))).any():
            raise UserError("it holds a text of what are no letters")
    return array


def _check_header(file: IO[bytes], size: int) -> None:
    """Raises UserError, or one of UNREADABLE, unless the header declares exactly the bytes that follow it."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise UserError(f"its format is {version[0]}.{version[1]}, and 1.0 and 2.0 are known")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, _, dtype = readers[version](file)
    if dtype.kind not in "?biufU":
        raise UserError(f"its type is {brief(dtype, 40)}, neither numbers nor texts")
    if len(shape) > MOST_AXES or any(not 0 <= length < 2**40 for length in shape):
        raise UserError(f"its shape is {shape!s:.80}")
    if math.prod(shape) * dtype.itemsize != size - file.tell():
        raise UserError(f"it has {size - file.tell()} bytes of numbers, and declares {shape!s:.80} {dtype}")
