"""Reading a whole data set and saying everything that is wrong with it."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylegan_tf.data.example import decode
from stylegan_tf.data.framing import offsets, read_record, walk
from stylegan_tf.data.layout import check_shape, find_levels, labels_path, level_path, read_facts, read_labels
from stylegan_tf.data.pyramid import levels
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.errors import UserError, brief
from stylegan_tf.progress import track

SAMPLE = 64  # pictures whose levels are computed again
_LISTED = 20


@dataclass(frozen=True)
class Report:
    """What `verify` read and found right."""

    name: str
    stages: tuple[int, ...]
    channels: int
    num_images: int
    label_size: int
    size: int  # bytes of all record files
    recomputed: int  # pictures whose levels were computed again

    def __str__(self) -> str:
        resolution = 2 ** self.stages[-1]
        return (
            f"{self.name}: {self.num_images:,} pictures of {resolution}x{resolution}x{self.channels} at "
            f"{len(self.stages)} resolutions, {self.label_size} labels each, {self.size / 1e9:.3f} GB: every checksum "
            f"and shape is right, and so are the smaller copies of {self.recomputed:,} pictures, computed again"
        )


def verify(directory: str | os.PathLike, full: bool = False) -> Report:
    """Reads every record of every level: both checksums, the message, the shape, the counts, the labels.

    The coarser levels of 64 pictures, spread evenly (`full`: of all), are computed again from the finest and must be
    equal. Raises UserError that lists what is wrong by file and record (the first 20 faults).
    """
    name, stages = find_levels(directory)
    paths = {stage: level_path(directory, name, stage) for stage in stages}
    faults: list[str] = []
    counts: dict[str, int] = {}
    channels = _channels(paths[stages[-1]])
    for stage, path in paths.items():
        counts[path.name] = _verify_level(path, stage, channels, faults)
    num_images = max(counts.values())
    faults += [f"{file} holds {n} records, others {num_images}" for file, n in counts.items() if n != num_images]
    told = read_facts(directory).get("num_images", num_images)
    if told != num_images:
        faults.append(f"dataset.json says {brief(told)} pictures, the records are {num_images}")
    label_size = 0
    try:
        labels = read_labels(labels_path(directory, name), num_images)
        label_size = 0 if labels is None else labels.shape[1]
    except UserError as error:
        faults.append(str(error))
    if not num_images:
        faults.append("it holds no pictures")
    recomputed = 0
    if len(set(counts.values())) == 1 and num_images:
        recomputed = num_images if full else min(SAMPLE, num_images)
        numbers = np.linspace(0, num_images - 1, recomputed).round().astype(int)
        _verify_pyramids(paths, channels, numbers, faults)
    if faults:
        more = f"\n  and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise UserError(f"the data set {directory} is damaged:\n  " + "\n  ".join(faults[:_LISTED]) + more)
    size = sum(path.stat().st_size for path in paths.values())
    return Report(name, stages, channels, num_images, label_size, size, recomputed)


def _channels(path: Path) -> int:
    """Channels of the first picture that can be read; 0 where none can, and then every record is a fault by itself."""
    with open(path, "rb", buffering=0) as file, suppress(UserError):
        for start, length in walk(path):
            with suppress(UserError):
                return decode(read_record(file.fileno(), start, length)).shape[0]
    return 0


def _verify_level(path: Path, stage: int, channels: int, faults: list[str]) -> int:
    """The number of records in one file, up to where it can be followed; appends what is wrong to `faults`."""
    count = 0
    with open(path, "rb", buffering=0) as file:
        try:
            for start, length in track(walk(path), None, path.name, "records"):
                count += 1
                try:
                    check_shape(decode(read_record(file.fileno(), start, length)), channels, stage)
                except UserError as error:
                    faults.append(f"{path}, record {count - 1}: {error}")
        except UserError as error:
            faults.append(str(error))
    return count


def _verify_pyramids(
    paths: Mapping[int, Path], channels: int, numbers: Sequence[int] | np.ndarray, faults: list[str]
) -> None:
    """Compares the levels of these pictures with those computed from the finest; ones that cannot be read,
    or are of another size, are known."""
    tables = {stage: offsets(path) for stage, path in paths.items()}
    finest = max(paths)
    for number in track(numbers, len(numbers), "levels computed again", "pictures"):
        with suppress(UserError):
            found = {}
            for stage, (starts, lengths) in tables.items():
                shape = (channels, 2**stage, 2**stage)
                with open(paths[stage], "rb", buffering=0) as file:
                    found[stage] = read_pictures(file, starts[[number]], lengths[[number]], shape)[0]
            expected = levels(found[finest].transpose(1, 2, 0))
            faults += [
                f"{paths[stage]}, record {number}: it is not the {2**finest}x{2**finest} picture made smaller"
                for stage, picture in found.items()
                if not np.array_equal(picture.transpose(1, 2, 0), expected[finest - stage])
            ]
