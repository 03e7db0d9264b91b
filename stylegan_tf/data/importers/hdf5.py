"""create_from_hdf5: the pictures of an HDF5 file, as the Progressive GAN's first release kept them."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stylegan_tf.configs.stages import is_resolution
from stylegan_tf.data.importers.store import PLAIN, Storage, official_order, store
from stylegan_tf.data.layout import DataSet, read_labels
from stylegan_tf.errors import UserError

_SLICE_BYTES = 2**24
_CHUNK_CACHE_BYTES = 2**28  # so that a shuffled order does not unpack every chunk again for each of its pictures


def create_from_hdf5(
    directory: str | os.PathLike,
    hdf5_filename: str | os.PathLike,
    shuffle: bool = True,
    storage: Storage = PLAIN,
) -> DataSet:
    """The largest of the file's sets 'data*', uint8 [N, C, H, W]; the official order, or with `shuffle` False its own.

    Labels come from <file name without suffix>-labels.npy, [N, label_size], where that exists.
    """
    import h5py

    path = Path(hdf5_filename)
    if not path.is_file():
        raise UserError(f"{path} does not exist; name an HDF5 file of pictures")
    try:
        file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)
    except OSError as error:
        raise UserError(f"{path} is no whole HDF5 file ({error})") from None
    with file:
        found = [item for name, item in file.items() if name.startswith("data") and isinstance(item, h5py.Dataset)]
        if not found:
            raise UserError(f"{path} holds no set 'data*' of pictures, only {', '.join(file) or 'nothing'}")
        data = max(found, key=lambda item: item.size or 0)
        _check(path, data)
        order = official_order(len(data), shuffle)
        labels = read_labels(path.with_name(f"{path.stem}-labels.npy"), len(data))
        origin = {"command": "create_from_hdf5", "source": os.fspath(path), "shuffle": int(shuffle)}
        pictures = _read(path, data, order if shuffle else None)
        shape = (data.shape[3], data.shape[1])
        return store(
            directory, pictures, shape, len(data), origin, storage, labels if labels is None else labels[order]
        )


def _check(path: Path, data) -> None:
    shape: list[int] = list(data.shape or ())
    where = f"'{data.name.strip('/')}' in {path}"
    if data.dtype != np.uint8 or len(shape) != 4 or 0 in shape:
        raise UserError(f"{where} is {data.dtype} {shape}, expected uint8 [N, C, H, W]")
    if shape[1] not in (1, 3):
        raise UserError(f"Input images must be stored as RGB or grayscale, but {where} has {shape[1]} channels")
    if shape[2] != shape[3]:
        raise UserError(f"Input images must have the same width and height, but {where} is {shape}")
    if not is_resolution(shape[3]):
        raise UserError(f"Input image resolution must be a power-of-two, 4 or more, but {where} is {shape}")


def _read(path: Path, data, order: np.ndarray | None) -> Iterator[np.ndarray]:
    """Each picture, uint8 [R, R, C]; without an order in slices, which is quicker."""
    count = max(1, _SLICE_BYTES // int(np.prod(data.shape[1:])))
    try:
        if order is None:
            for start in range(0, len(data), count):
                yield from data[start : start + count].transpose(0, 2, 3, 1)
        else:
            for index in order:
                yield data[index].transpose(1, 2, 0)
    except OSError as error:
        raise UserError(f"{path} is damaged: {error}") from None
