"""create_svhn: house numbers of 32x32, from train_1.pkl, train_2.pkl and train_3.pkl."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.data.importers.store import PLAIN, Storage, store_files
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError

FILES = ("train_1.pkl", "train_2.pkl", "train_3.pkl")
_KEYS = (("data", "labels"), ("images", "labels"), ("X", "y"))


def create_svhn(directory: str | os.PathLike, svhn_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """The training set, 32x32 RGB, one-hot labels of the ten digits, the official shuffled order."""
    hint = "docs/DATA.md tells how to make them"
    return store_files(directory, svhn_dir, FILES, _read, 10, "create_svhn", hint, storage)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(pictures uint8 [n, 3, 32, 32], class numbers int64 [n]) of one file."""
    content = safe_pickle.read(path)
    images, numbers = map(_array, _pair(content, path))
    if images.dtype != np.uint8 or images.shape[1:] != (3, 32, 32):
        found = f"{images.dtype} {list(images.shape)}"
        raise UserError(f"{path} is no SVHN file: the pictures must be uint8 [n, 3, 32, 32], not {found}")
    if numbers.dtype.kind not in "iu" or numbers.size != len(images):
        found = f"{numbers.dtype} {list(numbers.shape)}"
        raise UserError(f"{path} is no SVHN file: the labels must be {len(images)} whole numbers, not {found}")
    numbers = numbers.reshape(-1).astype(np.int64)
    return images, np.where(numbers == 10, 0, numbers)  # the digit 0 is class 10 in the original .mat files


def _pair(content: Any, path: Path) -> tuple[Any, Any]:
    """(pictures, labels), which are the two items of the file, or two entries of a dictionary."""
    if isinstance(content, list | tuple) and len(content) == 2:
        return content[0], content[1]
    if isinstance(content, dict):
        named = {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in content.items()}
        for images, labels in _KEYS:
            if images in named and labels in named:
                return named[images], named[labels]
    raise UserError(f"{path} is no SVHN file: it must hold the pair (pictures, labels), or 'data' and 'labels'")


def _array(value: Any) -> np.ndarray:
    if isinstance(value, list) and not {type(item) for item in value} - {int}:
        return np.array(value, np.int64)
    return value if isinstance(value, np.ndarray) else np.empty(0, np.float32)
