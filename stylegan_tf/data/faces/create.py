"""create_faces: the built-in cartoon faces become a data set with a list of their attributes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

import numpy as np

from stylegan_tf.data.faces.series import faces, write_attribute_list
from stylegan_tf.data.importers.ahead import in_order
from stylegan_tf.data.records import DataSet, Writer, open_data_set
from stylegan_tf.errors import Failure
from stylegan_tf.progress import track

ATTRIBUTE_LIST = "list_attr_faces.txt"
_CHUNK_VALUES = 2**20  # numbers drawn per task: some tens of pictures, so that the pipes between processes do not count

Pair = tuple[np.ndarray, np.ndarray]


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
    origin = {"command": "create_faces", "seed": seed}
    name = Path(os.path.abspath(directory)).name
    attributes = []
    with (
        Writer(directory, name, resolution, 3, origin, compression=compression, overwrite=overwrite) as writer,
        closing(_draw(resolution, count, seed, workers)) as pairs,
    ):
        for picture, traits in track(pairs, count, "create_faces", "pictures"):
            writer.add(picture)
            attributes.append(traits)
        names = [f"{index:06d}.png" for index in range(count)]
        write_attribute_list(writer.folder / ATTRIBUTE_LIST, names, np.array(attributes))
    return open_data_set(directory)


def _draw(resolution: int, count: int, seed: int, workers: int) -> Generator[Pair, None, None]:
    """(picture uint8 [R, R, 3], attributes bool [40]) of each face, in order."""
    size = max(1, _CHUNK_VALUES // (resolution * resolution * 3))
    tasks = [(min(size, count - start), resolution, seed, start) for start in range(0, count, size)]
    if workers == 1 or len(tasks) == 1:
        yield from faces(count, resolution, seed)
        return
    # Spawned, because a process that has loaded TensorFlow cannot be forked safely.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), context, _begin_worker) as pool:
        try:
            for _, pairs in in_order(pool, _draw_chunk, tasks, 2 * workers):
                yield from pairs
        except BrokenProcessPool:
            raise Failure("a process that draws faces was killed; memory may be short: try fewer --workers") from None


def _draw_chunk(task: tuple[int, int, int, int]) -> list[Pair]:
    count, resolution, seed, start = task
    return list(faces(count, resolution, seed, start))


def _begin_worker() -> None:
    """A worker ends with its parent, however that ends, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
