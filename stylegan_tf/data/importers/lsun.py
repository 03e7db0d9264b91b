"""create_lsun and create_lsun_wide: the pictures of an LSUN database, squares or wide pictures with black bars."""

import importlib.util
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

from stylegan_tf.configs.stages import is_resolution
from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.importers.apart import apart
from stylegan_tf.data.importers.check import open_picture, pillow_limits
from stylegan_tf.data.importers.source import LARGEST
from stylegan_tf.data.importers.store import PLAIN, Storage, store
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError, brief

_CHUNK = 4  # pictures per task
_FREE = 64  # pages

Fit = Callable[[Image.Image], np.ndarray]


def create_lsun(
    directory: str | os.PathLike,
    lmdb_dir: str | os.PathLike,
    resolution: int = 256,
    max_images: int | None = None,
    storage: Storage = PLAIN,
) -> DataSet:
    """The central square of each picture by Lanczos to resolution x resolution, in the order of the database.

    A picture that cannot be decoded is printed and skipped; the first `max_images` good ones are taken.
    """
    _check_size("--resolution", resolution)
    origin: dict[str, object] = {"command": "create_lsun", "source": os.fspath(lmdb_dir)}
    return _create(directory, lmdb_dir, partial(square, resolution=resolution), resolution, max_images, origin, storage)


def create_lsun_wide(
    directory: str | os.PathLike,
    lmdb_dir: str | os.PathLike,
    width: int = 512,
    height: int = 384,
    max_images: int | None = None,
    storage: Storage = PLAIN,
) -> DataSet:
    """Pictures of width x height between black bars that make them square, in the order of the database.

    Pictures that are too small are skipped as well. `width` is a power of two, `height` at most that.
    """
    _check_size("--width", width)
    if not 0 < height <= width:
        raise UserError(f"--height={height}: expected 1 to {width}, the --width")
    origin: dict[str, object] = {"command": "create_lsun_wide", "source": os.fspath(lmdb_dir)}
    if height < width:
        origin["crop"] = [0, (width - height) // 2, width, height]  # x, y, width, height of what is not bars
    fit = partial(wide, width=width, height=height)
    return _create(directory, lmdb_dir, fit, width, max_images, origin, storage)


def square(image: Image.Image, resolution: int) -> np.ndarray:
    """uint8 [R, R, 3]: the central square, resized."""
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    return _resized(image, (left, top, left + side, top + side), (resolution, resolution))


def wide(image: Image.Image, width: int, height: int) -> np.ndarray:
    """uint8 [width, width, 3]. Raises UserError for a picture that is too small.

    The official way: of the picture's rows the central round(width * rows / columns) are kept, at full width, and
    resized to width x height. So a picture wider than `width` loses more rows than its shape asks for, and is squeezed.
    """
    rows = round(width * image.height / image.width)
    if image.width < width or rows < height:
        raise UserError(f"it is {image.width}x{image.height}, too small for {width}x{height}")
    top, bottom = (image.height - rows) // 2, (image.height + rows) // 2
    canvas = np.zeros((width, width, 3), np.uint8)
    bar = (width - height) // 2
    canvas[bar : bar + height] = _resized(image, (0, top, image.width, bottom), (width, height))
    return canvas


def _resized(image: Image.Image, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    return np.array(image.convert("RGB").crop(box).resize(size, Image.Resampling.LANCZOS))


def _check_size(flag: str, size: int) -> None:
    if not is_resolution(size):
        raise UserError(f"{flag}={size}: expected a power of two, 4 or more")


def _create(
    directory: str | os.PathLike,
    lmdb_dir: str | os.PathLike,
    fit: Fit,
    resolution: int,
    max_images: int | None,
    origin: dict[str, object],
    storage: Storage,
) -> DataSet:
    if importlib.util.find_spec("lmdb") is None:
        raise UserError("LSUN databases are read by the package lmdb, which is not installed: pip install lmdb")
    if not os.path.isfile(os.path.join(lmdb_dir, "data.mdb")):
        raise UserError(f"{lmdb_dir} is no LMDB database: it has no file data.mdb; name the unpacked folder")
    with pillow_limits(), closing(apart(lmdb_dir, None, _contents, os.fspath(lmdb_dir))) as contents:
        entries = next(contents)
        if not 0 < entries <= os.path.getsize(os.path.join(lmdb_dir, "data.mdb")):
            raise UserError(f"{lmdb_dir} says that it holds {entries:,} pictures, which cannot be; fetch it anew")
        total = entries if max_images is None else min(entries, max_images)
        with closing(_accepted(lmdb_dir, contents, fit, storage.workers)) as pictures:
            return store(directory, islice(pictures, total), (resolution, 3), total, origin, storage)


def _contents(lmdb_dir: str) -> Iterator[Any]:
    """The number of entries, then some (key, encoded picture) at a time."""
    import lmdb

    size = os.path.getsize(os.path.join(lmdb_dir, "data.mdb"))
    try:
        # Nobody writes to it meanwhile, and a lock file would be an addition to the source.
        with lmdb.open(lmdb_dir, readonly=True, lock=False) as database:
            page, pages = database.stat()["psize"], database.info()["last_pgno"] + 1
            # The last pages may be free ones that never were written. Whatever else is missing is a signal when it is
            # read, because the file is mapped.
            if size % page or size < (pages - _FREE) * page:
                raise UserError(
                    f"{lmdb_dir} is cut short: data.mdb has {size:,} bytes of {pages * page:,}; fetch it anew"
                )
            yield database.stat()["entries"]
            with database.begin(buffers=True) as transaction:
                entries = iter(transaction.cursor())
                while chunk := [_entry(*entry) for entry in islice(entries, _CHUNK)]:
                    yield chunk
    except lmdb.Error as error:
        raise UserError(f"{lmdb_dir} is no whole LMDB database: {brief(error)}") from None


def _entry(key: memoryview, value: memoryview) -> tuple[bytes, bytes]:
    """What claims to be larger than any picture is empty: that it is none will be said."""
    return bytes(key), bytes(value) if len(value) <= LARGEST else b""


def _accepted(
    lmdb_dir: str | os.PathLike, chunks: Iterator[list[tuple[bytes, bytes]]], fit: Fit, workers: int
) -> Generator[np.ndarray, None, None]:
    """The pictures that fit; says which do not, and why. Raises UserError where none does."""
    found = 0
    with closing(in_threads(partial(_decode, fit), chunks, workers)) as decoded:
        for chunk, pictures in decoded:
            for (key, _), picture in zip(chunk, pictures, strict=True):
                if isinstance(picture, str):
                    print(f"skipped {brief(key.decode('utf-8', 'backslashreplace'))}: {picture}", file=sys.stderr)
                else:
                    found += 1
                    yield picture
    if not found:
        raise UserError(f"{lmdb_dir} holds no picture that can be used; see above")


def _decode(fit: Fit, chunk: list[tuple[bytes, bytes]]) -> list[np.ndarray | str]:
    """Each picture, or why there is none."""
    result: list[np.ndarray | str] = []
    for _, value in chunk:
        try:
            with open_picture(value) as image:
                result.append(fit(image))
        except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
            result.append(brief(error))
    return result
