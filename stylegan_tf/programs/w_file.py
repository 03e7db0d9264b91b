"""Latents in W, kept as .npz files: made once, looked at with other truncation, or edited in between."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylegan_tf import files
from stylegan_tf.errors import UserError


def save_w(path: Path, w: np.ndarray, seeds: Sequence[int]) -> None:
    """w [N, w_dim] before truncation, and the seeds [N] that it came from, as .npz, whole or not at all."""
    with files.atomic_path(path) as temporary:
        np.savez(temporary, w=w, seeds=np.asarray(seeds, np.int64))


def read_w(path: Path, w_dim: int) -> tuple[np.ndarray, list[int]]:
    """(w [N, w_dim] float32, its seeds) from a file of save_w; without seeds, they are 0, 1, ...

    Raises UserError where the file is something else, or made for another w_dim.
    """
    if not path.is_file():
        raise UserError(f"--w={path}: there is no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, os.path.getsize(path))
        with np.load(path, allow_pickle=False) as arrays:
            w = arrays["w"]
            seeds = arrays["seeds"] if "seeds" in arrays else np.arange(len(w))
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise UserError(f"--w={path} is no file that --save_w wrote: {error}") from None
    if w.ndim != 2 or w.shape[1] != w_dim or not len(w) or w.dtype.kind != "f" or not np.isfinite(w).all():
        raise UserError(
            f"--w={path}: w must be finite numbers of the shape [N, {w_dim}], and is {w.dtype} {list(w.shape)}"
        )
    if seeds.shape != (len(w),) or seeds.dtype.kind != "i" or (seeds < 0).any():
        raise UserError(f"--w={path}: seeds must be {len(w)} whole numbers, one for each w")
    return w.astype(np.float32), seeds.tolist()


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Nothing in the archive takes more memory than the file has bytes, a declared shape included."""
    for entry in archive.infolist():
        with archive.open(entry) as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{entry.filename} has another format")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > size:
            raise ValueError(f"{entry.filename} declares more numbers than the file has")
