"""Multi-resolution data sets in the official format: which files make one, opening one, and what identifies it.

The pictures are `<dir>/<name>-rNN.tfrecords`, NN = log2 of the resolution (framing.py, example.py). Labels, where there
are any, are `<name>-rxx.labels`: np.save of float32 [N, label_size], in the order of the records. dataset.json says
where a data set came from.
"""

import json
import math
import os
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf.data.example import decode, parse
from stylegan_tf.data.framing import FOOTER, HEADER, offsets, read_record, walk
from stylegan_tf.errors import UserError, brief
from stylegan_tf.files import sha256

FACTS = "dataset.json"  # written beside the records; official data sets have none
LARGEST_FACTS = 2**24  # bytes of it; JSON takes up to 30 times as many in memory
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
    compression: str = "none"  # of the first picture: one of example.COMPRESSIONS
    crop: tuple[int, int, int, int] | None = None  # x, y, width, height of what is not black bars
    classes: tuple[str, ...] = ()  # their names, a column of the labels each, where they have any
    labels: np.ndarray | None = field(default=None, compare=False, repr=False)

    def path(self, stage: int) -> Path:
        """The record file of 2**stage x 2**stage pictures. Raises UserError where the set has none."""
        if stage not in self.stages:
            sizes = ", ".join(str(2**present) for present in self.stages)
            raise UserError(f"the data set {self.directory} has no {2**stage}x{2**stage} pictures, only {sizes}")
        return level_path(self.directory, self.name, stage)

    def index(self, stage: int) -> tuple[np.ndarray, np.ndarray]:
        """(starts, lengths) of the records of one level, int64 [num_images] each; every header is checked."""
        starts, lengths = offsets(self.path(stage))
        if len(starts) != self.num_images:
            raise UserError(f"{self.path(stage)} holds {len(starts)} records, the other levels {self.num_images}")
        return starts, lengths


def level_path(directory: str | os.PathLike, name: str, stage: int) -> Path:
    """Where the pictures of 2**stage x 2**stage are kept."""
    return Path(directory) / f"{name}-r{stage:02d}.tfrecords"


def labels_path(directory: str | os.PathLike, name: str) -> Path:
    """Where the labels are kept."""
    return Path(directory) / f"{name}-rxx.labels"


def find_levels(directory: str | os.PathLike) -> tuple[str, tuple[int, ...]]:
    """(name, stages) of the one data set in a folder, by file names alone. Raises UserError where there is not one."""
    folder = Path(directory)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"the data set folder {folder} {what}; make one with dataset_tool.py")
    found = [match for entry in sorted(os.listdir(folder)) if (match := _LEVEL_FILE.fullmatch(entry))]
    names = sorted({match["name"] for match in found})
    if not names:
        raise UserError(f"the folder {folder} holds no data set (no *-rNN.tfrecords); make one with dataset_tool.py")
    if len(names) > 1:
        raise UserError(f"the folder {folder} holds {len(names)} data sets ({', '.join(names)}); keep one in a folder")
    stages = sorted(int(match["stage"]) for match in found)
    for stage in range(stages[0], stages[-1]):
        if stage not in stages:
            raise UserError(f"{level_path(folder, names[0], stage)} is missing: the levels must have no gap")
    for stage in stages:  # reading from a pipe would wait for somebody to write into it
        if not level_path(folder, names[0], stage).is_file():
            raise UserError(f"{level_path(folder, names[0], stage)} is not a regular file; put the record file there")
    return names[0], tuple(stages)


def open_data_set(directory: str | os.PathLike) -> DataSet:
    """Opens a data set after checking what can be checked quickly; the labels are read, the pictures are not.

    Checked: the folder and its files, the first record of each level, that all levels hold the same number of pictures,
    that the labels fit. Raises UserError that names what does not. `verify` reads everything.
    """
    name, stages = find_levels(directory)
    facts = read_facts(directory)
    counts: dict[str, int] = {}
    channels, compressions = 0, []
    for stage in reversed(stages):
        path = level_path(directory, name, stage)
        counts[path.name], channels, compression = _look(path, stage, channels, facts)
        compressions.append(compression)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{file}: {count}" for file, count in counts.items())
        raise UserError(f"the levels of {directory} hold different numbers of pictures ({listed})")
    num_images = max(counts.values())
    if num_images == 0:
        raise UserError(f"the data set {directory} holds no pictures")
    labels = read_labels(labels_path(directory, name), num_images)
    resolution = 2 ** stages[-1]
    crop = _crop(Path(directory), facts, resolution)
    size = (name, stages, resolution, channels, num_images)
    classes = class_names(facts, 0 if labels is None else labels.shape[1])
    return DataSet(Path(directory), *size, compressions[0], crop, classes, labels)


def identity(data_set: DataSet) -> dict[str, Any]:
    """What makes a data set the one that a run began with, wherever it lies: name, counts, the bytes of each record
    file, and the digest of the labels. Pictures changed in place, at the same sizes, are not noticed.
    """
    labels = labels_path(data_set.directory, data_set.name)
    return {
        "name": data_set.name,
        "num_images": data_set.num_images,
        "resolution": data_set.resolution,
        "channels": data_set.channels,
        "bytes": {str(2**stage): data_set.path(stage).stat().st_size for stage in data_set.stages},
        "labels": sha256(labels) if labels.exists() else None,
    }


def read_facts(directory: str | os.PathLike) -> dict[str, Any]:
    """What dataset.json says; {} where there is none of ours: official data sets have none, others use the name.

    Raises UserError where it is larger than any of ours.
    """
    path = Path(directory) / FACTS
    if not path.is_file():
        return {}
    if path.stat().st_size > LARGEST_FACTS:
        raise UserError(f"{path} has {path.stat().st_size:,} bytes, more than any of ours; move it away")
    with suppress(OSError, ValueError, RecursionError):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(facts, dict) and "num_images" in facts:
            return facts
    return {}


def class_names(facts: Mapping[str, Any], label_size: int) -> tuple[str, ...]:
    """`classes` of dataset.json, which the importers write where classes are called by texts; () for any other."""
    names = facts.get("classes")
    if isinstance(names, list) and len(names) == label_size and all(isinstance(name, str) for name in names):
        return tuple(names)
    return ()


def _crop(directory: Path, facts: Mapping[str, Any], resolution: int) -> tuple[int, int, int, int] | None:
    """`crop` of dataset.json, which the importers write for pictures between black bars."""
    match facts.get("crop"):
        case None:
            return None
        case [int(x), int(y), int(width), int(height)] if (
            0 <= x < x + width <= resolution and 0 <= y < y + height <= resolution
        ):
            return x, y, width, height
        case other:
            raise UserError(
                f"{directory / FACTS}: 'crop' is {brief(other)}, expected [x, y, width, height] inside "
                f"{resolution}x{resolution}; correct it or remove it"
            )


def check_shape(picture: np.ndarray, channels: int, stage: int) -> None:
    """Raises UserError unless the picture is [channels, 2**stage, 2**stage]."""
    expected = (channels, 2**stage, 2**stage)
    if picture.shape != expected:
        raise UserError(f"the picture is {list(picture.shape)}, expected {list(expected)}")


def read_labels(path: Path, num_images: int) -> np.ndarray | None:
    """float32 [num_images, label_size], or None where there is no such file.

    Raises UserError where they do not fit, or are no finite numbers.
    """
    if not path.exists():
        return None
    try:
        if not path.is_file():  # reading from a pipe would wait for somebody to write into it
            raise ValueError("it is not a regular file")
        # Mapped, so that a header which claims more than the file holds is an error and not an allocation; and not by
        # np.load, which opens zip files too.
        with np.errstate(over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            labels = np.lib.format.open_memmap(path, mode="r")
        if labels.dtype.kind not in "fiub":
            raise ValueError(f"it holds {labels.dtype}")
    except Exception as error:  # NumPy raises nearly anything for foreign bytes
        wanted = "np.save of float32 [pictures, label_size]"
        raise UserError(f"{path} is not a label file ({wanted}): {brief(error)}") from None
    if labels.ndim != 2 or len(labels) != num_images:
        raise UserError(
            f"{path} holds labels of shape {list(labels.shape)}, expected {num_images} rows, one per picture"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.array(labels, np.float32)
        total = result.sum(dtype=np.float64)
    if not math.isfinite(total):
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(result)))
        raise UserError(f"{path}: label {column} of picture {row} is {labels[row, column]}, expected a finite number")
    return result


def _look(path: Path, stage: int, channels: int, facts: Mapping[str, Any]) -> tuple[int, int, str]:
    """(number of records, channels, compression of the first) of one level. channels: expected ones; 0: any."""
    first = next(walk(path), None)
    if first is None:
        return 0, channels, "none"
    start, length = first
    try:
        with open(path, "rb", buffering=0) as file:
            payload = read_record(file.fileno(), start, length)
        picture, (_, _, compression) = decode(payload), parse(payload)
        check_shape(picture, channels or len(picture), stage)
    except UserError as error:
        raise UserError(f"{path}, record 0: {error}") from None
    return _count(path, HEADER + length + FOOTER, compression, facts), len(picture), compression


def _count(path: Path, first: int, compression: str, facts: Mapping[str, Any]) -> int:
    """The number of records, the first of which takes `first` bytes.

    Taken on trust is that raw records are all as long as the first where the size of the file allows it, and what
    dataset.json says of a file of this size: `DataSet.index` looks at every header.
    """
    size = path.stat().st_size
    if compression == "none" and size % first == 0:
        return size // first
    sizes, told = facts.get("sizes"), facts.get("num_images")
    listed = isinstance(sizes, dict) and sizes.get(path.name) == size
    if listed and isinstance(told, int) and 0 < told < size // (HEADER + FOOTER):
        return told
    return sum(1 for _ in walk(path))
