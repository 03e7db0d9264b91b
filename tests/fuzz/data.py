"""Readers of data sets: record files, labels, and the tools that look at them."""

import io
from functools import cache
from pathlib import Path

import numpy as np

from stylegan_tf.data.example import encode
from stylegan_tf.data.layout import read_labels
from tests.fuzz import Target, Tree


def npy(array) -> bytes:
    """A file of np.save."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def labels_seeds() -> list[Tree]:
    one_hot = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    return [
        {"n-rxx.labels": npy(labels)} for labels in (one_hot, np.arange(8.0).reshape(4, 2), one_hot.astype(np.uint8))
    ]


def labels(path: Path, out: Path) -> None:
    found = read_labels(path, 4)
    assert found is None or found.dtype == np.float32 and len(found) == 4 and np.isfinite(found).all()


TARGETS = [Target("labels", labels_seeds, labels)]
