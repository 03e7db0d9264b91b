"""What a data set is and where it came from, in a few lines."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylegan_tf.data.layout import DataSet, class_names, labels_path, open_data_set, read_facts
from stylegan_tf.errors import UserError, brief
from stylegan_tf.progress import few

# What Writer adds to dataset.json by itself, and the records say too
_OWN = {"name", "resolution", "channels", "num_images", "label_size", "compression", "sizes", "stylegan_tf", "classes"}
_CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Info:
    """What is in a data set. `sizes`: bytes of each level's file by stage. `origin`: what its maker wrote down."""

    data_set: DataSet
    sizes: dict[int, int]
    origin: dict[str, Any]
    version: str | None  # of the stylegan_tf that wrote it; None: another program did

    def __str__(self) -> str:
        data_set, total = self.data_set, sum(self.sizes.values())
        side, channels = data_set.resolution, data_set.channels
        kind = _CHANNELS.get(channels, f"{channels} channels")
        raw = sum(4**stage for stage in self.sizes) * channels * data_set.num_images
        lines = [
            f"{data_set.directory}: the data set {data_set.name!r}",
            f"  pictures     {data_set.num_images:,} of {side}x{side}, {kind}",
            f"  labels       {self._labels()}",
            f"  compression  {data_set.compression}, {total / raw:.0%} of the raw pixels",
        ]
        for stage, size in sorted(self.sizes.items(), reverse=True):
            lines.append(f"  {f'{2**stage}x{2**stage}':<11}  {size / 1e6:,.1f} MB  {data_set.path(stage).name}")
        lines.append(f"  together     {total / 1e6:,.1f} MB")
        lines.append(f"  written by   {f'stylegan_tf {brief(self.version)}' if self.version else 'another program'}")
        lines += [f"  {brief(name):<11}  {brief(value)}" for name, value in self.origin.items()]
        return "\n".join(lines)

    def _labels(self) -> str:
        if self.data_set.labels is None:
            return "none"
        names = f": {few(self.data_set.classes)}" if self.data_set.classes else ""
        return f"{self.data_set.labels.shape[1]} for each picture{names}"


@dataclass(frozen=True)
class LabelCounts:
    """How many pictures have which label. `one_hot`: exactly one 1 in each row, 0 elsewhere. `counts`: rows that are
    not 0 in a column, int64 [label_size]. `lowest`, `highest`: of each column."""

    name: str
    num_images: int
    one_hot: bool
    counts: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    titles: tuple[str, ...] = ()  # names of the classes, or of the columns

    def __str__(self) -> str:
        size = len(self.counts)
        names = [f"{index} {few([title])}" for index, title in enumerate(self.titles)] or [*map(str, range(size))]
        if self.one_hot:
            head = f"{self.name}: {self.num_images:,} pictures of {size} classes"
            rows = zip(names, self.counts, strict=True)
            lines = [f"{name}: {count:,} ({count / self.num_images:.2%})" for name, count in rows]
        else:
            head = f"{self.name}: {self.num_images:,} pictures with {size} labels each, not one-hot"
            columns = zip(names, self.counts, self.lowest, self.highest, strict=True)
            lines = [f"{name}: {count:,} not 0, from {low:g} to {high:g}" for name, count, low, high in columns]
        return "\n  ".join([head, *lines])


def info(directory: str | os.PathLike) -> Info:
    """Describes a data set, official ones without dataset.json too. Raises UserError as `open_data_set` does."""
    data_set, facts = open_data_set(directory), read_facts(directory)
    sizes = {stage: data_set.path(stage).stat().st_size for stage in data_set.stages}
    origin = {name: value for name, value in facts.items() if name not in _OWN}
    version = facts.get("stylegan_tf")
    return Info(data_set, sizes, origin, None if version is None else str(version))


def count_labels(directory: str | os.PathLike) -> LabelCounts:
    """Counts the labels of a data set. Raises UserError where it has none."""
    data_set = open_data_set(directory)
    found = data_set.labels
    if found is None:
        raise UserError(f"the data set {directory} has no labels ({labels_path(directory, data_set.name).name})")
    if not found.size:
        raise UserError(f"the labels of the data set {directory} have no columns")
    one_hot = bool(np.all((found == 0) | (found == 1)) and np.all(found.sum(1) == 1))
    titles = data_set.classes or class_names({"classes": read_facts(directory).get("columns")}, found.shape[1])
    return LabelCounts(data_set.name, len(found), one_hot, (found != 0).sum(0), found.min(0), found.max(0), titles)
