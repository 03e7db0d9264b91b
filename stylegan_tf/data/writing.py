"""Writing a data set: every picture at every resolution, all files or none."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

import stylegan_tf
from stylegan_tf.data.compression import COMPRESSIONS, LARGEST
from stylegan_tf.data.encoding import batch_size, encode_levels
from stylegan_tf.data.layout import FACTS, find_levels, labels_path, level_path
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.files import atomic_folder, write_json


def check_target(directory: str | os.PathLike, overwrite: bool = False) -> None:
    """Raises UserError where no data set can be made: something is there already, or the folder around is read-only.

    With `overwrite` a data set may be there, and nothing else: no folders, which a data set never has.
    """
    target = Path(os.path.abspath(directory))
    around = next(folder for folder in target.parents if os.path.exists(folder))
    if not around.is_dir():
        raise UserError(f"{around} is not a folder, so that {target} cannot be made in it; name another place")
    if not os.access(around, os.W_OK | os.X_OK, effective_ids=True):
        raise UserError(f"the folder {around} is read-only; make the data set where you may write")
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
        if resolution < 4 or resolution & (resolution - 1):
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
        self._batch = np.empty((batch_size(resolution, channels), *self.shape), np.uint8)
        self._waiting = 0  # pictures in the batch
        self._files: list[BinaryIO] = []
        self._stack = ExitStack()

    def __enter__(self) -> "Writer":
        with ExitStack() as stack:
            check_target(self.directory, self.overwrite)
            with self._disk_failures():
                self.folder = stack.enter_context(atomic_folder(self.directory, self.overwrite))
            for stage in range(self.shape[0].bit_length() - 1, 1, -1):  # finest first, as `levels` gives them
                self._files.append(open(level_path(self.folder, self.name, stage), "wb"))  # noqa: SIM115
            self._stack = stack.pop_all()
        return self

    def add(self, picture: np.ndarray) -> None:
        """Adds one picture, uint8 [resolution, resolution, channels]."""
        if picture.dtype != np.uint8 or picture.shape != self.shape:
            raise ValueError(f"expected uint8 {list(self.shape)}, got {picture.dtype} {list(picture.shape)}")
        self._batch[self._waiting] = picture
        self._waiting += 1
        self.num_images += 1
        if self._waiting == len(self._batch):
            with self._disk_failures():
                self._write_batch()

    def append(self, blobs: Sequence[bytes], count: int) -> None:
        """Adds `count` pictures as `encode_levels` made them: one string of bytes per level, finest first."""
        with self._disk_failures():
            self._write_batch()
            self._write(blobs)
        self.num_images += count

    def set_labels(self, labels: np.ndarray) -> None:
        """Sets the labels, float [N, label_size] in the order of the pictures."""
        self._labels = np.asarray(labels, np.float32)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with self._disk_failures():
                    self._finish()
        except BaseException as failed:
            self._close_quietly()
            self._stack.__exit__(type(failed), failed, failed.__traceback__)
            raise
        self._close_quietly()
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._disk_failures():  # the data reach the disk, and the folder its place
            self._stack.close()

    def _finish(self) -> None:
        if not self.num_images:
            raise UserError(f"no picture was added to the data set {self.directory}")
        self._write_batch()
        for file in self._files:
            file.close()
        if self._labels is not None:
            if self._labels.ndim != 2 or len(self._labels) != self.num_images:
                shape = list(self._labels.shape)
                raise ValueError(f"expected labels [{self.num_images}, label_size], got {shape}")
            with open(labels_path(self.folder, self.name), "wb") as labels:
                np.save(labels, self._labels)
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
        write_json(self.folder / FACTS, self.origin | facts)
        check_target(self.directory, self.overwrite)  # something may have come meanwhile

    def _write_batch(self) -> None:
        if self._waiting:
            self._write(encode_levels(self._batch[: self._waiting], self.compression))
            self._waiting = 0

    def _write(self, blobs: Sequence[bytes]) -> None:
        for file, blob in zip(self._files, blobs, strict=True):
            file.write(blob)

    @contextmanager
    def _disk_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.strerror or error
            raise Failure(f"cannot write the data set {self.directory}: {what}; nothing was left behind") from None

    def _close_quietly(self) -> None:
        for file in self._files:
            with suppress(OSError):  # what could not be written is about to be removed
                file.close()
