"""create_cifar10 and create_cifar100: the training sets, from the files of the 'python' archives."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.data.importers.store import PLAIN, Storage, one_hot, store_array
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError

BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


def create_cifar10(directory: str | os.PathLike, cifar10_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """The five training batches, 32x32 RGB, one-hot labels, the official shuffled order."""
    return _create(directory, cifar10_dir, "create_cifar10", BATCHES, "labels", 10, storage)


def create_cifar100(directory: str | os.PathLike, cifar100_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """The training file, 32x32 RGB, the 100 fine labels one-hot, the official shuffled order."""
    return _create(directory, cifar100_dir, "create_cifar100", ("train",), "fine_labels", 100, storage)


def _create(
    directory: str | os.PathLike,
    source: str | os.PathLike,
    command: str,
    files: tuple[str, ...],
    key: str,
    classes: int,
    storage: Storage,
) -> DataSet:
    paths = [Path(source) / name for name in files]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise UserError(
            f"{source} does not hold {', '.join(missing)}; name the folder that the archive was unpacked to"
        )
    parts = [_read(path, key) for path in paths]
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    origin = {"command": command, "source": os.fspath(source)}
    return store_array(directory, images, one_hot(labels, classes), origin, storage)


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
