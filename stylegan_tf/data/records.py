"""Multi-resolution data sets in the official format: `<dir>/<name>-rNN.tfrecords`, NN = log2 of the resolution.

Each record is a tf.train.Example with 'shape' int64 [C, H, W] and 'data', the raw uint8 pixels in that order. Labels,
where there are any, are `<name>-rxx.labels`: np.save of float32 [N, label_size], in record order. This file is the
door: what other packages use is named here, and `verify` reads a whole set.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stylegan_tf.data.example_proto import decode, encode
from stylegan_tf.data.framing import offsets, read_record, walk, write_record
from stylegan_tf.data.layout import (
    DataSet,
    check_shape,
    find_levels,
    labels_path,
    level_path,
    open_data_set,
    read_labels,
)
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.data.writing import Writer
from stylegan_tf.mistakes import Mistake
from stylegan_tf.progress import track

__all__ = [
    "DataSet",
    "Report",
    "Writer",
    "decode",
    "encode",
    "offsets",
    "open_data_set",
    "read_pictures",
    "verify",
    "write_record",
]

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

    def __str__(self) -> str:
        resolution = 2 ** self.stages[-1]
        return (
            f"{self.name}: {self.num_images:,} pictures of {resolution}x{resolution}x{self.channels} at "
            f"{len(self.stages)} resolutions, {self.label_size} labels each, {self.size / 1e9:.3f} GB: "
            "every checksum and shape is right"
        )


def verify(directory: str | os.PathLike) -> Report:
    """Reads every record of every level: both checksums, the message, the shape, the counts, the labels.

    Raises Mistake that lists what is wrong by file and record (the first 20 faults).
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
    label_size = 0
    try:
        labels = read_labels(labels_path(directory, name), num_images)
        label_size = 0 if labels is None else labels.shape[1]
    except Mistake as mistake:
        faults.append(str(mistake))
    if not num_images:
        faults.append("it holds no pictures")
    if faults:
        more = f"\n  and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise Mistake(f"the data set {directory} is damaged:\n  " + "\n  ".join(faults[:_LISTED]) + more)
    return Report(name, stages, channels, num_images, label_size, sum(path.stat().st_size for path in paths.values()))


def _channels(path: Path) -> int:
    """Channels of the first picture that can be read; 0 where none can, and then every record is a fault by itself."""
    with open(path, "rb", buffering=0) as file, suppress(Mistake):
        for start, length in walk(path):
            with suppress(Mistake):
                return decode(read_record(file.fileno(), start, length)[:length]).shape[0]
    return 0


def _verify_level(path: Path, stage: int, channels: int, faults: list[str]) -> int:
    """The number of records in one file, up to where it can be followed; appends what is wrong to `faults`."""
    count = 0
    with open(path, "rb", buffering=0) as file:
        try:
            for start, length in track(walk(path), None, path.name, "records"):
                count += 1
                try:
                    check_shape(decode(read_record(file.fileno(), start, length)[:length]), channels, stage)
                except Mistake as mistake:
                    faults.append(f"{path}, record {count - 1}: {mistake}")
        except Mistake as mistake:
            faults.append(str(mistake))
    return count
