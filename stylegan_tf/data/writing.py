"""Writing a data set: every picture at every resolution, all files or none."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import BinaryIO

import numpy as np

import stylegan_tf
from stylegan_tf.data.example_proto import encode
from stylegan_tf.data.framing import write_record
from stylegan_tf.data.layout import labels_path, level_path
from stylegan_tf.data.pyramid import levels
from stylegan_tf.files import atomic_folder, write_json
from stylegan_tf.mistakes import Failure, Mistake

_BATCH_VALUES = 2**20  # numbers halved at once: enough to hide what a numpy call costs, few enough for the cache


class Writer:
    """Writes the data set `name` of resolution x resolution pictures into the new folder `directory`.

    A context manager: the files appear together when the block ends well, and nothing stays behind when it does not.
    `origin` (tool, options, source, seed: JSON values) goes into dataset.json. Raises Mistake when the folder exists
    and is not empty or no picture was added, Failure when the disk refuses.

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
    ):
        if resolution < 4 or resolution & (resolution - 1):
            raise Mistake(f"the resolution of a data set is a power of two, 4 or more, not {resolution}")
        self.directory, self.name = directory, name
        self.shape = (resolution, resolution, channels)
        self.origin = dict(origin or {})
        self.num_images = 0
        self._labels: np.ndarray | None = None
        self._batch = np.empty((max(1, _BATCH_VALUES // (resolution * resolution * channels)), *self.shape), np.uint8)
        self._waiting = 0  # pictures in the batch
        self._files: list[BinaryIO] = []
        self._stack = ExitStack()

    def __enter__(self) -> "Writer":
        with ExitStack() as stack:
            self.folder = stack.enter_context(atomic_folder(self.directory))
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
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        if not self.num_images:
            raise Mistake(f"no picture was added to the data set {self.directory}")
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
            "stylegan_tf": stylegan_tf.__version__,
        }
        write_json(self.folder / "dataset.json", facts | self.origin)

    def _write_batch(self) -> None:
        for file, level in zip(self._files, levels(self._batch[: self._waiting]), strict=True):
            for picture in np.ascontiguousarray(level.transpose(0, 3, 1, 2)):
                write_record(file, encode(picture))
        self._waiting = 0

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
