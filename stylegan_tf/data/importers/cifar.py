"""create_cifar10 and create_cifar100: the training sets and the names of their classes, from the 'python' archives."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.data.importers.store import PLAIN, Storage, store_files
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError, brief

BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_HINT = "name the folder that the archive was unpacked to"


def create_cifar10(directory: str | os.PathLike, cifar10_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """The five training batches, 32x32 RGB, one-hot labels, the official shuffled order."""
    read = partial(_read, key="labels")
    names = _class_names(Path(cifar10_dir) / "batches.meta", "label_names", 10)
    return store_files(directory, cifar10_dir, BATCHES, read, 10, "create_cifar10", _HINT, storage, names)


def create_cifar100(directory: str | os.PathLike, cifar100_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """The training file, 32x32 RGB, the 100 fine labels one-hot, the official shuffled order."""
    read = partial(_read, key="fine_labels")
    names = _class_names(Path(cifar100_dir) / "meta", "fine_label_names", 100)
    return store_files(directory, cifar100_dir, ("train",), read, 100, "create_cifar100", _HINT, storage, names)


def _class_names(path: Path, key: str, count: int) -> list[str]:
    """The names that the archive's own list gives the classes; none where it is not there, as in copies of the data."""
    if not path.exists():
        return []
    content = safe_pickle.read(path)
    names = _entry(content, key) if isinstance(content, dict) else None
    names = [brief(_text(name)) for name in names] if isinstance(names, list) else []
    if len(names) != count or len(set(names)) < count or not all(names):
        raise UserError(f"{path} is no list of CIFAR's classes: '{key}' must be {count} names; fetch or remove it")
    return names


def _text(name: Any) -> str:
    """Text, or bytes where another Python wrote the file; "" for anything else."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name if isinstance(name, str) else ""


def _read(path: Path, key: str) -> tuple[np.ndarray, np.ndarray]:
    """(pictures uint8 [n, 3, 32, 32], class numbers int64 [n]) of one file."""
    content = safe_pickle.read(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} is no CIFAR file: it holds no dictionary")
    pixels, numbers = _entry(content, "data"), _entry(content, key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (3072,):
        raise UserError(f"{path} is no CIFAR file: 'data' must be uint8 [n, 3072]")
    if not isinstance(numbers, list) or len(numbers) != len(pixels) or {type(n) for n in numbers} - {int}:
        raise UserError(f"{path} is no CIFAR file: '{key}' must be a list of {len(pixels)} whole numbers")
    return pixels.reshape(-1, 3, 32, 32), np.array(numbers, np.int64)


def _entry(content: dict[Any, Any], key: str) -> Any:
    """By name; the keys are text or bytes, depending on the Python that wrote the file."""
    return content.get(key, content.get(key.encode("ascii")))
