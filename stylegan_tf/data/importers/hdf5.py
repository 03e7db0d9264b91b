"""create_from_hdf5: the pictures of an HDF5 file, as the Progressive GAN's first release kept them."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import file_kinds
from stylegan_tf.configs.stages import is_resolution
from stylegan_tf.data.importers.apart import apart
from stylegan_tf.data.importers.store import PLAIN, Storage, official_order, store
from stylegan_tf.data.layout import DataSet, read_labels
from stylegan_tf.errors import UserError, brief
from stylegan_tf.progress import few

_SLICE_BYTES = 2**22
_CHUNK_CACHE_BYTES = 2**28  # so that a shuffled order does not unpack every chunk again for each of its pictures
_MEMORY = 2**29  # bytes of address space beside the cache and as much as the file has
_DENSEST = 64  # bytes of pictures in a byte of the file, at most; photographs come to 2 or 3, drawings to 20
_NAMED = 100  # sets of a file that are looked at
_REPACK = "copy its pictures into a file of their own, for example with h5py"


def create_from_hdf5(
    directory: str | os.PathLike,
    hdf5_filename: str | os.PathLike,
    shuffle: bool = True,
    storage: Storage = PLAIN,
) -> DataSet:
    """The largest of the file's sets 'data*', uint8 [N, C, H, W]; the official order, or with `shuffle` False its own.

    Labels come from <file name without suffix>-labels.npy, [N, label_size], where that exists; other sets in the file
    are named and not read. What lies in other files (links, external storage, virtual sets) is refused.
    """
    path = Path(hdf5_filename)
    if not path.is_file():
        raise UserError(f"{path} does not exist; name an HDF5 file of pictures")
    memory = _MEMORY + _CHUNK_CACHE_BYTES + path.stat().st_size
    with closing(apart(path, memory, _contents, path, shuffle)) as contents:
        count, channels, resolution, rest = next(contents)
        beside = path.with_name(f"{path.stem}-labels.npy")
        if rest:
            told = f"not used: labels are read from {beside.name}, [{count}, label_size], by numpy.save"
            print(f"{few(rest)} of {path}: {told}", file=sys.stderr)
        labels = read_labels(beside, count)
        if labels is not None:
            labels = labels[official_order(count, shuffle)]
        origin = {"command": "create_from_hdf5", "source": os.fspath(path), "shuffle": int(shuffle)}
        pictures = (picture for batch in contents for picture in batch)
        return store(directory, pictures, (resolution, channels), count, origin, storage, labels)


def _contents(path: Path, shuffle: bool) -> Iterator[Any]:
    """(number of pictures, channels, resolution, names of what is not used), then the pictures, uint8 [n, R, R, C] some
    at a time."""
    import h5py

    try:
        file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)
    except OSError as error:
        what = None if h5py.is_hdf5(path) else file_kinds.of_file(path)
        raise UserError(f"{path} is {what}" if what else f"{path} is no whole HDF5 file ({brief(error)})") from None
    with file:
        found = [item for name in file if name.startswith("data") and (item := _own(path, file, name)) is not None]
        if not found:
            names = few([*islice(file, _NAMED)])
            raise UserError(f"{path} holds no set 'data*' of pictures, only {names or 'nothing'}")
        data = max(found, key=lambda item: prod(item.shape or (0,)))
        _check(path, data)
        count, channels, resolution, _ = data.shape
        yield count, channels, resolution, [name for name in islice(file, _NAMED) if not name.startswith("data")]
        yield from _read(path, data, official_order(count) if shuffle else None)


def _own(path: Path, file, name: str):
    """The set of that name, None where it is none. Raises UserError where its pictures lie in another file: such a name
    could be that of any file here."""
    import h5py

    where = f"'{brief(name)}' in {path}"
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise UserError(f"{where} is a link to somewhere else, which is not followed; {_REPACK}")
    item = file[name]
    if not isinstance(item, h5py.Dataset):
        return None
    if item.id.get_create_plist().get_external_count():
        raise UserError(f"{where} keeps its pictures in another file, which is not read; {_REPACK}")
    if item.is_virtual:
        raise UserError(f"{where} is a virtual set, whose pictures lie in other files; {_REPACK}")
    return item


def _check(path: Path, data) -> None:
    shape: list[int] = list(data.shape or ())
    where = f"'{brief(data.name.strip('/'))}' in {path}"
    if data.dtype != np.uint8 or len(shape) != 4 or 0 in shape:
        raise UserError(f"{where} is {data.dtype} {shape}, expected uint8 [N, C, H, W]")
    if shape[1] not in (1, 3):
        raise UserError(f"Input images must be stored as RGB or grayscale, but {where} has {shape[1]} channels")
    if shape[2] != shape[3]:
        raise UserError(f"Input images must have the same width and height, but {where} is {shape}")
    if not is_resolution(shape[3]):
        raise UserError(f"Input image resolution must be a power-of-two, 4 or more, but {where} is {shape}")
    stored = min(data.id.get_storage_size(), path.stat().st_size)
    if prod(shape) > _DENSEST * stored + _MEMORY // 8:
        raise UserError(f"{where} announces {shape[0]:,} pictures, but only {stored:,} bytes of them are there")
    if data.chunks and prod(data.chunks) > _CHUNK_CACHE_BYTES // 2:
        raise UserError(
            f"{where} is kept in pieces of {prod(data.chunks):,} bytes, each of which must fit in memory; {_REPACK}"
        )


def _read(path: Path, data, order: np.ndarray | None) -> Iterator[np.ndarray]:
    """Pictures uint8 [n, R, R, C]; without an order in slices, which is quicker."""
    count = max(1, _SLICE_BYTES // prod(data.shape[1:]))
    try:
        for start in range(0, len(data), count):
            if order is None:
                planes = data[start : start + count]
            else:
                planes = np.stack([data[index] for index in order[start : start + count]])
            yield planes.transpose(0, 2, 3, 1)
    except OSError as error:
        raise UserError(f"{path} is damaged: {brief(error)}") from None
