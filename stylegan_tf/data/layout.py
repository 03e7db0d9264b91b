"""Which files make a data set, and opening one."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stylegan_tf.data.example_proto import decode
from stylegan_tf.data.framing import FOOTER, HEADER, offsets, read_record, walk
from stylegan_tf.mistakes import Mistake

_LEVEL_FILE = re.compile(r"(?P<name>.+)-r(?P<stage>\d\d)\.tfrecords")


@dataclass(frozen=True)
class DataSet:
    """One data set on disk. `labels` is float32 [num_images, label_size], or None where the set has no labels."""

    directory: Path
    name: str
    stages: tuple[int, ...]  # log2 of the resolutions present, ascending, without gaps
    resolution: int
    channels: int
    num_images: int
    labels: np.ndarray | None = field(default=None, compare=False, repr=False)

    def path(self, stage: int) -> Path:
        """The record file of 2**stage x 2**stage pictures. Raises Mistake where the set has none."""
        if stage not in self.stages:
            sizes = ", ".join(str(2**present) for present in self.stages)
            raise Mistake(f"the data set {self.directory} has no {2**stage}x{2**stage} pictures, only {sizes}")
        return level_path(self.directory, self.name, stage)

    def index(self, stage: int) -> tuple[np.ndarray, np.ndarray]:
        """(starts, lengths) of the records of one level, int64 [num_images] each; every header is checked."""
        starts, lengths = offsets(self.path(stage))
        if len(starts) != self.num_images:
            raise Mistake(f"{self.path(stage)} holds {len(starts)} records, the other levels {self.num_images}")
        return starts, lengths


def level_path(directory: str | os.PathLike, name: str, stage: int) -> Path:
    """Where the pictures of 2**stage x 2**stage are kept."""
    return Path(directory) / f"{name}-r{stage:02d}.tfrecords"


def labels_path(directory: str | os.PathLike, name: str) -> Path:
    """Where the labels are kept."""
    return Path(directory) / f"{name}-rxx.labels"


def find_levels(directory: str | os.PathLike) -> tuple[str, tuple[int, ...]]:
    """(name, stages) of the one data set in a folder, by file names alone. Raises Mistake where there is not one."""
    folder = Path(directory)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise Mistake(f"the data set folder {folder} {what}; make one with dataset_tool.py")
    found = [match for entry in sorted(os.listdir(folder)) if (match := _LEVEL_FILE.fullmatch(entry))]
    names = sorted({match["name"] for match in found})
    if not names:
        raise Mistake(f"the folder {folder} holds no data set (no *-rNN.tfrecords); make one with dataset_tool.py")
    if len(names) > 1:
        raise Mistake(f"the folder {folder} holds {len(names)} data sets ({', '.join(names)}); keep one in a folder")
    stages = sorted(int(match["stage"]) for match in found)
    for stage in range(stages[0], stages[-1]):
        if stage not in stages:
            raise Mistake(f"{level_path(folder, names[0], stage)} is missing: the levels must have no gap")
    return names[0], tuple(stages)


def open_data_set(directory: str | os.PathLike) -> DataSet:
    """Opens a data set after checking what can be checked quickly; the labels are read, the pictures are not.

    Checked: the folder and its files, the first record of each level, that all levels hold the same number of pictures,
    that the labels fit. Raises Mistake that names what does not. `verify` reads everything.
    """
    name, stages = find_levels(directory)
    paths = {stage: level_path(directory, name, stage) for stage in stages}
    counts = {paths[stage].name: _count(paths[stage]) for stage in stages}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{file}: {count}" for file, count in counts.items())
        raise Mistake(f"the levels of {directory} hold different numbers of pictures ({listed})")
    num_images = counts[paths[stages[0]].name]
    if num_images == 0:
        raise Mistake(f"the data set {directory} holds no pictures")
    channels = 0
    for stage, path in reversed(paths.items()):
        try:
            picture = _first_picture(path)
            channels = channels or picture.shape[0]
            check_shape(picture, channels, stage)
        except Mistake as mistake:
            raise Mistake(f"{path}, record 0: {mistake}") from None
    labels = read_labels(labels_path(directory, name), num_images)
    return DataSet(Path(directory), name, stages, 2 ** stages[-1], channels, num_images, labels)


def check_shape(picture: np.ndarray, channels: int, stage: int) -> None:
    """Raises Mistake unless the picture is [channels, 2**stage, 2**stage]."""
    expected = (channels, 2**stage, 2**stage)
    if picture.shape != expected:
        raise Mistake(f"the picture is {list(picture.shape)}, expected {list(expected)}")


def read_labels(path: Path, num_images: int) -> np.ndarray | None:
    """float32 [num_images, label_size], or None where there is no such file. Raises Mistake where they do not fit."""
    if not path.exists():
        return None
    try:
        # Mapped, so that a header which claims more than the file holds is an error and not an allocation.
        labels = np.load(path, mmap_mode="r", allow_pickle=False)
        if labels.dtype.kind not in "fiub":
            raise ValueError(f"it holds {labels.dtype}")
    except (ValueError, TypeError, EOFError, AttributeError) as error:
        raise Mistake(f"{path} is not a label file (np.save of float32 [pictures, label_size]): {error}") from None
    if labels.ndim != 2 or len(labels) != num_images:
        raise Mistake(f"{path} holds labels of shape {list(labels.shape)}, expected {num_images} rows, one per picture")
    return np.array(labels, np.float32)


def _count(path: Path) -> int:
    """The number of records. Where the size of the file is that of n records like the first, n is taken on trust:
    `DataSet.index` looks at every header."""
    first = next(walk(path), None)
    if first is None:
        return 0
    count, rest = divmod(path.stat().st_size, HEADER + first[1] + FOOTER)
    return count if rest == 0 else sum(1 for _ in walk(path))


def _first_picture(path: Path) -> np.ndarray:
    start, length = next(walk(path))
    with open(path, "rb", buffering=0) as file:
        return decode(read_record(file.fileno(), start, length)[:length])
