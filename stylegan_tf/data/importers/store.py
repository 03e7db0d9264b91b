"""Pictures in, a data set out: encoded on all cores, written in order, a little of the source in memory at a time."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.writing import Writer, batch_size, encode_levels
from stylegan_tf.environment import cores
from stylegan_tf.errors import UserError
from stylegan_tf.progress import track

OFFICIAL_SEED = 123


@dataclass(frozen=True)
class Storage:
    """How records are made, whatever the source: `compression` none, png or gzip; whether a data set that is there is
    replaced; `workers` is the number of threads that decode and encode."""

    compression: str = "none"
    overwrite: bool = False
    workers: int = min(cores(), 16)


PLAIN = Storage()  # the official records, in a new folder


def official_order(count: int, shuffle: bool = True, seed: int = OFFICIAL_SEED) -> np.ndarray:
    """The order of the records, int64 [count]: the official permutation, always the same, or 0, 1, 2, ..."""
    order = np.arange(count)
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    return order


def one_hot(labels: np.ndarray, classes: int, origin: object) -> np.ndarray:
    """float32 [N, classes] of class numbers [N]. Raises UserError for a number that is no class, naming the origin."""
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise UserError(f"the labels in {origin} go from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    table = np.zeros((len(labels), classes), np.float32)
    table[np.arange(len(labels)), labels] = 1
    return table


def store(
    directory: str | os.PathLike,
    pictures: Iterable[np.ndarray],
    shape: tuple[int, int],
    total: int | None,
    origin: Mapping[str, object],
    storage: Storage,
    labels: np.ndarray | None = None,
    beside: Callable[[Path], object] | None = None,
) -> DataSet:
    """Writes pictures uint8 [R, R, C] into the new data set `directory`; shape: (R, C).

    `total`: how many there are, where known. `origin`: 'command' and what else dataset.json should tell. `labels`:
    float32 [N, label_size] in the same order. `beside` may write more files into the folder that it is given.
    """
    name = Path(os.path.abspath(directory)).name
    batches = _batches(track(pictures, total, str(origin["command"]), "pictures"), shape)
    encode = partial(encode_levels, compression=storage.compression)
    with (
        Writer(directory, name, *shape, origin, compression=storage.compression, overwrite=storage.overwrite) as writer,
        closing(in_threads(encode, batches, storage.workers)) as encoded,
    ):
        for batch, blobs in encoded:
            writer.append(blobs, len(batch))
        if labels is not None:
            writer.set_labels(labels)
        if beside is not None:
            writer.beside(beside)
    return open_data_set(directory)


def store_array(
    directory: str | os.PathLike,
    images: np.ndarray,
    labels: np.ndarray,
    origin: Mapping[str, object],
    storage: Storage,
) -> DataSet:
    """Writes images uint8 [N, C, R, R] with labels [N, label_size] in the official shuffled order."""
    order = official_order(len(images))
    pictures = (images[index].transpose(1, 2, 0) for index in order)
    shape = images.shape[3], images.shape[1]
    return store(directory, pictures, shape, len(images), origin, storage, labels[order])


def store_files(
    directory: str | os.PathLike,
    source: str | os.PathLike,
    names: Sequence[str],
    read: Callable[[Path], tuple[np.ndarray, np.ndarray]],
    classes: int,
    command: str,
    hint: str,
    storage: Storage,
    class_names: Sequence[str] = (),
) -> DataSet:
    """Writes what is in the files `names` of the folder `source`, labels one-hot, in the official shuffled order.

    read: path -> (images uint8 [n, C, R, R], class numbers int64 [n]). class_names: of all classes, where known. Raises
    UserError that names the missing files and ends with `hint`.
    """
    paths = [Path(source) / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise UserError(f"{source} does not hold {', '.join(missing)}; {hint}")
    images, numbers = (np.concatenate(column) for column in zip(*map(read, paths), strict=True))
    origin: dict[str, object] = {"command": command, "source": os.fspath(source)}
    origin |= {"classes": list(class_names)} if class_names else {}
    return store_array(directory, images, one_hot(numbers, classes, source), origin, storage)


def _batches(pictures: Iterable[np.ndarray], shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """uint8 [n, R, R, C]."""
    resolution, channels = shape
    most = batch_size(resolution, channels)
    waiting: list[np.ndarray] = []
    for picture in pictures:
        if picture.dtype != np.uint8 or picture.shape != (resolution, resolution, channels):
            expected = [resolution, resolution, channels]
            raise ValueError(f"expected uint8 {expected}, got {picture.dtype} {list(picture.shape)}")
        waiting.append(picture)
        if len(waiting) == most:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)
