"""Writing a data set: every picture at every resolution, all files or none."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

import stylegan_tf
from stylegan_tf.configs.stages import is_resolution, stage_of
from stylegan_tf.data.example import COMPRESSIONS, LARGEST, encode
from stylegan_tf.data.framing import framed
from stylegan_tf.data.layout import FACTS, find_levels, labels_path, level_path
from stylegan_tf.data.pyramid import planar_levels
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.files import atomic_folder, remove_leftovers, write_json

BATCH_VALUES = 2**20  # numbers halved at once: enough to hide what a numpy call costs, few enough for the cache


def batch_size(resolution: int, channels: int) -> int:
    """How many pictures are best encoded together."""
    return max(1, BATCH_VALUES // (resolution * resolution * channels))


def encode_levels(pictures: np.ndarray, compression: str = "none") -> list[bytes]:
    """The records of n pictures, uint8 [n, R, R, C], at every level, finest first: one string of bytes for each level.

    All the work of writing a data set but the writing (see `Writer.append`), so that processes can do it. compression:
    one of `example.COMPRESSIONS`; R: a power of two, 4 or more.
    """
    count, resolution, width, channels = pictures.shape
    if pictures.dtype != np.uint8 or resolution != width or not is_resolution(resolution):
        raise ValueError(f"expected uint8 [n, R, R, C], R 4, 8, 16, ..., got {pictures.dtype} {list(pictures.shape)}")
    parts: list[list[bytes]] = [[] for _ in range(stage_of(resolution) - 1)]
    size = batch_size(resolution, channels)
    for start in range(0, count, size):
        planes = np.ascontiguousarray(pictures[start : start + size].transpose(0, 3, 1, 2))
        for part, level in zip(parts, planar_levels(planes), strict=True):
            part += [framed(encode(picture, compression)) for picture in level]
    return [b"".join(part) for part in parts]


def check_target(directory: str | os.PathLike, overwrite: bool = False) -> None:
    """Raises UserError where no data set can be made: something is there already, or the folder around is read-only.

    With `overwrite` a data set may be there, and nothing else: no folders, which a data set never has. Removes what
    killed processes left of their work on it.
    """
    target = Path(os.path.abspath(directory))
    around = next(folder for folder in target.parents if os.path.exists(folder))
    if not around.is_dir():
        raise UserError(f"{around} is not a folder, so that {target} cannot be made in it; name another place")
    if not os.access(around, os.W_OK | os.X_OK, effective_ids=True):
        raise UserError(f"the folder {around} is read-only; make the data set where you may write")
    remove_leftovers(target)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UserError(f"{target} exists and is not a folder; name a new folder")
    if not target.exists() or not any(target.iterdir()):
        return
    if not overwrite:
        raise UserError(f"the folder {target} is not empty; add --overwrite to replace its data set, or name a new one")
    try:
        find_levels(target)
    except UserError as error:
        raise UserError(f"--overwrite replaces data sets, nothing else: {error}") from None
    if folders := [entry.name for entry in target.iterdir() if entry.is_dir()]:
        raise UserError(f"--overwrite removes no folders, but {target} holds {folders[0]}; move it away first")


class Writer:
    """Writes the data set `name` of resolution x resolution pictures into the new folder `directory`.

    A context manager: the files appear together when the block ends well, and nothing stays behind when it does not.
    `origin` (tool, options, source, seed: JSON values) goes into dataset.json. compression: "none" is the official
    layout, "png" and "gzip" are smaller. With `overwrite` a data set that is there is replaced, at the end. Raises
    UserError as `check_target` does and when no picture was added, Failure when the disk refuses.

        with Writer("datasets/cats", "cats", 64, 3) as writer:
            for picture in pictures:
                writer.add(picture)  # uint8 [64, 64, 3]
            writer.set_labels(labels)  # float32 [N, label_size]
    """

    folder: Path  # where the files are until they are whole

    def __init__(
        self,
        directory: str | os.PathLike,
        name: str,
        resolution: int,
        channels: int,
        origin: Mapping[str, object] | None = None,
        compression: str = "none",
        overwrite: bool = False,
    ):
        if compression not in COMPRESSIONS:
            raise UserError(f"there is no compression {compression!r}; choose from {', '.join(COMPRESSIONS)}")
        if not is_resolution(resolution):
            raise UserError(f"the resolution of a data set is a power of two, 4 or more, not {resolution}")
        if compression != "none" and (resolution > LARGEST or channels not in (1, 3, 4)):
            what = f"{resolution}x{resolution}x{channels}"
            raise UserError(f"compressed are pictures of up to {LARGEST}x{LARGEST} with 1, 3 or 4 channels, not {what}")
        self.directory, self.name = directory, name
        self.shape = (resolution, resolution, channels)
        self.origin = dict(origin or {})
        self.compression, self.overwrite = compression, overwrite
        self.num_images = 0
        self._labels: np.ndarray | None = None
        self._waiting: list[np.ndarray] = []
        self._files: list[BinaryIO] = []
        self._block: AbstractContextManager[None] = self._write_all()

    def __enter__(self) -> "Writer":
        self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)

    def add(self, picture: np.ndarray) -> None:
        """Adds one picture, uint8 [resolution, resolution, channels]."""
        if picture.dtype != np.uint8 or picture.shape != self.shape:
            raise ValueError(f"expected uint8 {list(self.shape)}, got {picture.dtype} {list(picture.shape)}")
        self._waiting.append(picture.copy())
        self.num_images += 1
        if len(self._waiting) >= batch_size(self.shape[0], self.shape[2]):
            with self._disk_failures():
                self._write_waiting()

    def append(self, blobs: Sequence[bytes], count: int) -> None:
        """Adds `count` pictures as `encode_levels` made them: one string of bytes per level, finest first."""
        with self._disk_failures():
            self._write_waiting()
            self._write(blobs)
        self.num_images += count

    def set_labels(self, labels: np.ndarray) -> None:
        """Sets the labels, float [N, label_size] in the order of the pictures."""
        self._labels = np.ascontiguousarray(labels, np.float32)

    def beside(self, write: Callable[[Path], object]) -> None:
        """Has more files written into the folder that `write` is given."""
        with self._disk_failures():
            write(self.folder)

    @contextmanager
    def _write_all(self) -> Iterator[None]:
        """Around the block of the user, whose own errors of the operating system are none of this disk."""
        check_target(self.directory, self.overwrite)
        with ExitStack() as stack:
            with self._disk_failures():
                self.folder = stack.enter_context(atomic_folder(self.directory, self.overwrite))
            stack.callback(self._close_quietly)
            for stage in range(stage_of(self.shape[0]), 1, -1):  # finest first, as `encode_levels` gives them
                self._files.append(open(level_path(self.folder, self.name, stage), "wb"))  # noqa: SIM115
            yield
            with self._disk_failures():
                self._finish()
                stack.close()  # the data reach the disk, and the folder its place

    def _finish(self) -> None:
        if not self.num_images:
            raise UserError(f"no picture was added to the data set {self.directory}")
        self._write_waiting()
        for file in self._files:
            with self._disk_failures(file.name):
                file.close()
        if self._labels is not None:
            if self._labels.ndim != 2 or len(self._labels) != self.num_images:
                shape = list(self._labels.shape)
                raise ValueError(f"expected labels [{self.num_images}, label_size], got {shape}")
            path = labels_path(self.folder, self.name)
            with self._disk_failures(path), open(path, "wb") as labels:
                # As np.save, but that says nothing of a full disk's reason.
                rows = np.ascontiguousarray(self._labels)
                np.lib.format.write_array_header_1_0(labels, np.lib.format.header_data_from_array_1_0(rows))
                labels.write(rows.reshape(-1).data)
        facts = {
            "name": self.name,
            "resolution": self.shape[0],
            "channels": self.shape[2],
            "num_images": self.num_images,
            "label_size": 0 if self._labels is None else self._labels.shape[1],
            "compression": self.compression,
            "sizes": {Path(file.name).name: os.stat(file.name).st_size for file in self._files},
            "stylegan_tf": stylegan_tf.__version__,
        }
        with self._disk_failures(FACTS):
            write_json(self.folder / FACTS, self.origin | facts)
        check_target(self.directory, self.overwrite)  # something may have come meanwhile

    def _write_waiting(self) -> None:
        if self._waiting:
            self._write(encode_levels(np.stack(self._waiting), self.compression))
            self._waiting = []

    def _write(self, blobs: Sequence[bytes]) -> None:
        for file, blob in zip(self._files, blobs, strict=True):
            with self._disk_failures(file.name):
                file.write(blob)

    @contextmanager
    def _disk_failures(self, path: str | os.PathLike = "") -> Iterator[None]:
        """Says what the disk refuses, and which file; path: that is written, where the error does not say it."""
        try:
            yield
        except OSError as error:
            file = Path(error.filename or path).name
            hidden = not file or file.startswith(".")  # the folder, which has another name until it is whole
            where = f"the data set {self.directory}" if hidden else f"{file} of the data set {self.directory}"
            raise Failure(f"{error.strerror or error}: {where} cannot be written; nothing was left behind") from None

    def _close_quietly(self) -> None:
        for file in self._files:
            with suppress(OSError):  # what could not be written is about to be removed
                file.close()
