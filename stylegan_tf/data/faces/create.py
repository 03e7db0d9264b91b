"""create_faces: the built-in cartoon faces by number, and the data set of them with a list of their attributes."""

import os
from collections.abc import Generator, Iterator
from contextlib import closing

import numpy as np

from stylegan_tf.data.attributes import write_attributes
from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.traits import face
from stylegan_tf.data.importers.ahead import in_order, workers
from stylegan_tf.data.importers.store import Storage, store
from stylegan_tf.data.layout import DataSet

ATTRIBUTE_LIST = "list_attr_faces.txt"
_CHUNK_VALUES = 2**17  # numbers drawn per task: tens of small pictures, some tenths of a second, which Ctrl-C waits for

Pair = tuple[np.ndarray, np.ndarray]


def faces(count: int, resolution: int, seed: int = 0, start: int = 0) -> Iterator[Pair]:
    """Faces `start` to `start + count - 1` of the series `seed`: (picture uint8 `[R, R, 3]`, attributes bool `[40]`).

    R = `resolution`, a power of two from 16 to 1024. A pure function of its arguments, face by face.
    """
    for index in range(start, start + count):
        sitter = face(seed, index)
        yield draw(sitter, resolution), sitter.labels()


def create_faces(
    directory: str | os.PathLike,
    resolution: int,
    count: int,
    seed: int,
    workers: int,
    compression: str = "none",
    overwrite: bool = False,
) -> DataSet:
    """Draws `count` faces of resolution x resolution on `workers` processes into the new data set `directory`.

    The same seed gives the same pictures in the same order whatever the number of workers. Beside the records comes
    list_attr_faces.txt, the 40 attributes of each picture in the layout of CelebA's list. compression, overwrite: as in
    `Writer`.
    """
    attributes: list[np.ndarray] = []
    files = [f"{index:06d}.png" for index in range(count)]
    with closing(_draw(resolution, count, seed, workers, attributes)) as pictures:
        return store(
            directory,
            pictures,
            (resolution, 3),
            count,
            {"command": "create_faces", "seed": seed},
            Storage(compression, overwrite, workers),
            beside=lambda folder: write_attributes(folder / ATTRIBUTE_LIST, files, ATTRIBUTES, np.array(attributes)),
        )


def _draw(
    resolution: int, count: int, seed: int, processes: int, attributes: list[np.ndarray]
) -> Generator[np.ndarray, None, None]:
    """Each picture uint8 [R, R, 3] in order; appends its attributes, bool [40], to `attributes`."""
    size = max(1, _CHUNK_VALUES // (resolution * resolution * 3))
    tasks = [(min(size, count - start), resolution, seed, start) for start in range(0, count, size)]
    processes = max(1, min(processes, len(tasks)))
    with (
        workers(processes, processes=processes > 1) as pool,
        closing(in_order(pool, _draw_chunk, tasks, 2 * processes)) as chunks,
    ):
        for _, pairs in chunks:
            for picture, traits in pairs:
                attributes.append(traits)
                yield picture


def _draw_chunk(task: tuple[int, int, int, int]) -> list[Pair]:
    count, resolution, seed, start = task
    return list(faces(count, resolution, seed, start))
