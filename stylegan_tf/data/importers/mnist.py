"""create_mnist and create_mnistrgb: handwritten digits, from the gzipped IDX files of the training set."""

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

from stylegan_tf.data.importers.store import PLAIN, Storage, one_hot, store, store_array
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError, brief

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
_SIDE = 28
_OF_ANY, _PER_BYTE = 2**20, 64  # bytes that may come out of any file, and more out of each of its bytes; digits: 5


def create_mnist(directory: str | os.PathLike, mnist_dir: str | os.PathLike, storage: Storage = PLAIN) -> DataSet:
    """Grey digits with a border of two zeros to 32x32, one-hot labels, the official shuffled order."""
    images, path = _digits(mnist_dir), Path(mnist_dir) / LABELS
    labels = read_idx(path, 1)
    if len(labels) != len(images):
        raise UserError(f"{path} holds {len(labels)} labels, but there are {len(images)} pictures")
    origin = {"command": "create_mnist", "source": os.fspath(mnist_dir)}
    return store_array(directory, images[:, np.newaxis], one_hot(labels, 10, path), origin, storage)


def create_mnistrgb(
    directory: str | os.PathLike,
    mnist_dir: str | os.PathLike,
    num_images: int = 1000000,
    random_seed: int = 123,
    storage: Storage = PLAIN,
) -> DataSet:
    """Three random digits as the red, green and blue of one picture, `num_images` times; no labels."""
    pictures = _triples(_digits(mnist_dir), num_images, random_seed)
    origin = {"command": "create_mnistrgb", "source": os.fspath(mnist_dir), "random_seed": random_seed}
    return store(directory, pictures, (_SIDE + 4, 3), num_images, origin, storage)


def _triples(digits: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.RandomState(seed)
    for _ in range(count):
        yield digits[rng.randint(len(digits), size=3)].transpose(1, 2, 0)


def _digits(mnist_dir: str | os.PathLike) -> np.ndarray:
    """uint8 [N, 32, 32]."""
    path = Path(mnist_dir) / IMAGES
    images = read_idx(path, 3)
    if images.shape[1:] != (_SIDE, _SIDE) or not len(images):
        raise UserError(f"{path} holds pictures of shape {list(images.shape)}, expected [N, {_SIDE}, {_SIDE}], N > 0")
    return np.pad(images, [(0, 0), (2, 2), (2, 2)])


def read_idx(path: str | os.PathLike, axes: int) -> np.ndarray:
    """The uint8 array in a gzipped IDX file: 0, 0, 8 (uint8), number of axes, each length in 4 bytes, the values.

    Raises UserError where the file is none or holds other than `axes` axes. Nothing is allocated for lengths that the
    file is too small to fill.
    """
    try:
        size = os.stat(path).st_size
        if not os.path.isfile(path):  # reading from a pipe would wait for somebody to write into it
            raise UserError(f"{path} is not a regular file; put the file there")
        with gzip.open(path, "rb") as file:
            head = file.read(4 + 4 * axes)
            if len(head) < 4 + 4 * axes or head[:4] != bytes([0, 0, 8, axes]):
                raise UserError(f"{path} is no IDX file of bytes with {axes} axes; download it anew")
            shape = struct.unpack(f">{axes}I", head[4:])
            if prod(shape) > _OF_ANY + _PER_BYTE * size:
                raise UserError(f"{path} announces an array of shape {list(shape)}, more than {size} bytes can hold")
            values = file.read(prod(shape))
            if len(values) < prod(shape) or file.read(1):
                raise UserError(f"{path} does not hold the {prod(shape)} bytes that it announces; download it anew")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path} does not exist; name the folder that holds {IMAGES} and {LABELS}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not a whole gzip file ({brief(error)}); download it anew") from None
    return np.frombuffer(values, np.uint8).reshape(shape)
