"""Arrays in a file that PyTorch saved (.pth), in its zip format and in that of before 2020. Nothing in it is run.

Both have a pickle of names and of tensors, which are views of storages outside of it: entries `<name>/data/<key>` of
the archive, or in the older format blocks behind the pickle, in the order of a list of their keys.
"""

import math
import os
import struct
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.errors import UserError, brief
from stylegan_tf.file_kinds import HEAD, by_start

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the older format
LONGEST_PICKLE = 2**24  # bytes of the archive's pickle
MOST_AXES, LONGEST_REFERENCE = 8, 8
MOST_SHARED = 4  # bytes of tensors for each byte of the file
TYPES = {"Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1"}
TYPES |= {"Byte": "u1", "Bool": "?"}
UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, RuntimeError, struct.error)


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """name -> array of a saved state dict, in PyTorch's layout; what it says of versions (`_metadata`) is left out.

    No more is allocated than the file has bytes. Raises UserError that names the file.
    """
    if not os.path.isfile(path):
        raise UserError(f"there is no file {os.fspath(path)}")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(HEAD)
        if what := by_start(head):
            raise UserError(f"{os.fspath(path)} is {what}")
        is_zip = head.startswith(b"PK\x03\x04")
        file.seek(0)
        try:
            return _arrays((_read_zip if is_zip else _read_older)(file, size), size)
        except UserError as error:
            raise UserError(f"{os.fspath(path)} is no file of weights: {error}") from None
        except UNREADABLE as error:
            raise UserError(f"{os.fspath(path)} is damaged, or no .pth file: {brief(error)}") from None


def _read_zip(file: BinaryIO, size: int) -> Any:
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        most = max(sum(entry.file_size for entry in entries.values()), sum(e.compress_size for e in entries.values()))
        if len(entries) != len(archive.infolist()) or most > size:
            raise UserError("its parts declare more bytes than it has, or have the same name")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise UserError("its parts are compressed, which PyTorch does not do")
        tables = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(tables) != 1 or entries[tables[0]].file_size > LONGEST_PICKLE:
            raise UserError("the archive must hold one folder with a data.pkl, as torch.save writes it")
        folder = tables[0].removesuffix("data.pkl")
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in entries else b"little"
        if order != b"little":
            raise UserError(f"its byte order is {order[:20]!r}, not little")

        def fill(key: str, storage: np.ndarray) -> None:
            raw = archive.read(f"{folder}data/{key}")
            if len(raw) != storage.nbytes:
                raise UserError(f"its storage {key} has {len(raw)} bytes, declared are {storage.nbytes}")
            storage.view(np.uint8)[:] = np.frombuffer(raw, np.uint8)

        storages = _Storages(size, fill)
        with archive.open(tables[0]) as table:
            return _unpickled(table, entries[tables[0]].file_size, storages)


def _read_older(file: BinaryIO, size: int) -> Any:
    def rest() -> int:
        return size - file.tell()

    if safe_pickle.read_stream(file, rest()) != MAGIC or safe_pickle.read_stream(file, rest()) != PROTOCOL:
        raise UserError("it does not begin as torch.save begins a file")
    system = safe_pickle.read_stream(file, rest())
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise UserError("its byte order is not little")
    storages = _Storages(size)
    content = _unpickled(file, rest(), storages)
    keys = safe_pickle.read_stream(file, rest())
    if not isinstance(keys, list) or any(type(key) is not str for key in keys) or len(set(keys)) != len(keys):
        raise UserError("it has no list of the keys of its storages")
    if set(keys) != set(storages.found):
        raise UserError(f"it lists {len(keys)} storages, and its tensors use {len(storages.found)}, or others")
    for key in keys:
        storage = storages.found[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.size:
            raise UserError(f"its storage {key[:40]!a} has {count} numbers, declared are {storage.size}")
        if file.readinto(storage.view(np.uint8)) != storage.nbytes:  # type: ignore[attr-defined]
            raise UserError(f"it ends within the storage {key[:40]!a}")
    return content


class _Storages:
    """Storages by key, allocated as the pickle mentions them. fill(key, storage): where the numbers are at hand."""

    def __init__(self, size: int, fill: Callable[[str, np.ndarray], None] | None = None):
        self.left, self.fill = size, fill
        self.found: dict[str, np.ndarray] = {}

    def get(self, reference: Any) -> np.ndarray:
        match reference if isinstance(reference, tuple) and len(reference) <= LONGEST_REFERENCE else ():
            case "storage", safe_pickle.Name("torch", name), str() as key, str(), int() as count, *view:
                dtype = np.dtype(TYPES[name.removesuffix("Storage")]).newbyteorder("<")
            case _:
                raise UserError("it refers to something else than a storage")
        if view not in ([], [None]):
            raise UserError(f"its storage {key[:40]!a} is a view of another")
        if key not in self.found:
            if not 0 <= count * dtype.itemsize <= self.left:
                raise UserError(f"its storage {key[:40]!a} declares {count} numbers, more than the file has")
            self.left -= count * dtype.itemsize
            self.found[key] = np.empty(count, dtype)
            if self.fill is not None:
                self.fill(key, self.found[key])
        storage = self.found[key]
        if storage.dtype != dtype or storage.size != count:
            raise UserError(f"its storage {key[:40]!a} is declared twice, and differently")
        return storage


def _unpickled(file: Any, size: int, storages: _Storages) -> Any:
    names: dict[tuple[str, str], Callable[[tuple], Any] | None] = {
        ("torch._utils", "_rebuild_tensor"): _tensor,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch._utils", "_rebuild_parameter"): _parameter,
        **{("torch", f"{name}Storage"): None for name in TYPES},
    }
    return safe_pickle.read_stream(file, size, names, storages.get)


def _tensor(arguments: tuple) -> np.ndarray:
    """The view that (storage, offset, shape, strides, ...) describes, all counted in numbers, within the storage."""
    match arguments:
        case np.ndarray() as storage, int() as offset, tuple() as shape, tuple() as strides, *_ if (
            len(shape) == len(strides) <= MOST_AXES
        ):
            numbers = (offset, *shape, *strides)
        case _:
            raise UserError("it has a tensor without a storage, a shape and strides")
    if any(type(n) is not int or n < 0 for n in numbers):
        raise UserError("it has a tensor whose shape, strides or offset are none")
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > storage.size or (math.prod(shape) and last >= storage.size):
        raise UserError(f"it has a tensor of the shape {list(shape)} in a storage of {storage.size} numbers")
    start = storage[offset : offset + 1] if math.prod(shape) else storage[:0]
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(start, shape, steps, writeable=False)


def _parameter(arguments: tuple) -> np.ndarray:
    if not arguments or not isinstance(arguments[0], np.ndarray):
        raise UserError("it has a parameter without a tensor")
    return arguments[0]


def _arrays(content: Any, size: int) -> dict[str, np.ndarray]:
    """The content, if it is a table of arrays; few of them are there more than once."""
    if not isinstance(content, dict):
        raise UserError(f"it holds a {type(content).__name__}, no table of tensors")
    arrays = {name: value for name, value in content.items() if name != "_metadata"}
    for name, value in arrays.items():
        if type(name) is not str or not isinstance(value, np.ndarray):
            raise UserError(f"it has a {type(value).__name__} under the name {str(name)[:60]!a}, no tensor")
    if sum(array.nbytes for array in arrays.values()) > MOST_SHARED * size:
        raise UserError(f"its tensors have more than {MOST_SHARED} times its bytes: some are there again and again")
    return arrays
