"""create_from_images: a folder or zip file of pictures becomes a data set."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from stylegan_tf.data.importers import archive, folder
from stylegan_tf.data.importers.ahead import in_order
from stylegan_tf.data.importers.check import Decoded, Faults, check_headers, decode_picture
from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.records import DataSet, Writer, open_data_set
from stylegan_tf.mistakes import Mistake
from stylegan_tf.progress import track

_WORKERS = min(os.cpu_count() or 1, 16)
_CHUNK = 4  # pictures per task: more would hold too many large pictures at once


def create_from_images(directory: str | os.PathLike, image_dir: str | os.PathLike, shuffle: bool = True) -> DataSet:
    """Makes the data set `directory` of all pictures in a folder or zip file, in the official order.

    Sorted by name, then with `shuffle` permuted by np.random.RandomState(123). Every file is decoded before anything
    appears in `directory`; raises Mistake that lists all unfit ones.
    """
    with _open_sources(image_dir) as sources, ThreadPoolExecutor(_WORKERS) as pool:
        if not sources:
            raise Mistake(f"No input images found in {image_dir}; name a folder or a zip file of pictures")
        _convert(directory, image_dir, sources, shuffle, pool)
    return open_data_set(directory)


def _open_sources(image_dir: str | os.PathLike) -> AbstractContextManager[list[Source]]:
    if Path(image_dir).is_file():
        return archive.sources(image_dir)
    return nullcontext(folder.sources(image_dir))


def _convert(
    directory: str | os.PathLike, image_dir: str | os.PathLike, sources: list[Source], shuffle: bool, pool: Executor
) -> None:
    faults = Faults()
    resolution, channels = check_headers(sources, pool, faults)
    order = np.arange(len(sources))
    if shuffle:
        np.random.RandomState(123).shuffle(order)
    sources = [sources[index] for index in order]
    pictures = track(_decode_all(sources, pool, faults), len(sources), "create_from_images", "pictures")
    if faults.found:  # nothing will be written; decode all the same, to report everything at once
        deque(pictures, maxlen=0)
        faults.refuse(image_dir, len(sources))
    origin = {"command": "create_from_images", "source": os.fspath(image_dir), "shuffle": int(shuffle)}
    opaque = 0
    with Writer(directory, Path(os.path.abspath(directory)).name, resolution, channels, origin) as writer:
        for picture in pictures:
            opaque += picture.had_alpha
            if picture.pixels is not None and not faults.found:
                writer.add(picture.pixels)
        faults.refuse(image_dir, len(sources))
    if opaque:
        print(f"dropped the fully opaque alpha channel of {opaque:,} pictures", file=sys.stderr)


def _decode_all(sources: Sequence[Source], pool: Executor, faults: Faults) -> Iterator[Decoded]:
    """Every picture in order, decoded a little ahead on all cores; what cannot be decoded is added to `faults`."""
    chunks = [sources[start : start + _CHUNK] for start in range(0, len(sources), _CHUNK)]
    for chunk, decoded in in_order(pool, _decode_chunk, chunks, _WORKERS + 2):
        for source, picture in zip(chunk, decoded, strict=True):
            if picture.fault:
                faults.add(source, picture.fault)
            yield picture


def _decode_chunk(sources: Sequence[Source]) -> list[Decoded]:
    return [decode_picture(source) for source in sources]
