"""compare: whether two data sets hold the same pictures and labels, however they are stored."""

import os
from dataclasses import dataclass
from itertools import islice

import numpy as np

from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.progress import track


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. `labels` counts the identical ones, None where they were ignored."""

    images: int  # identical at every resolution
    labels: int | None
    counts: tuple[int, int]  # pictures of either
    levels: tuple[tuple[int, ...], tuple[int, ...]]  # resolutions of either, fine to coarse

    def same(self) -> bool:
        """Whether nothing differs."""
        count = self.counts[0]
        return (
            self.counts[0] == self.counts[1]
            and self.levels[0] == self.levels[1]
            and self.images == count
            and self.labels in (None, count)
        )

    def __str__(self) -> str:
        """The official lines, after those about what should not differ at all."""
        lines = []
        if self.counts[0] != self.counts[1]:
            lines.append(f"Different numbers of images: {self.counts[0]} and {self.counts[1]}")
        if self.levels[0] != self.levels[1]:
            sizes = " and ".join(", ".join(map(str, levels)) for levels in self.levels)
            lines.append(f"Different resolutions: {sizes}")
        compared = min(self.counts)
        lines.append(f"Identical images: {self.images} / {compared}")
        if self.labels is not None:
            lines.append(f"Identical labels: {self.labels} / {compared}")
        return "\n".join(lines)


def compare(directory_a: str | os.PathLike, directory_b: str | os.PathLike, ignore_labels: bool = False) -> Comparison:
    """Compares record by record, parsed, at every resolution that both have, as far as the shorter one goes."""
    sets = open_data_set(directory_a), open_data_set(directory_b)
    count = min(one.num_images for one in sets)
    same = np.full(count, sets[0].resolution == sets[1].resolution)
    shared = sorted(set(sets[0].stages) & set(sets[1].stages), reverse=True)
    for stage in shared:
        same &= _same_pictures(*sets, stage, count)
    labels = None
    if not ignore_labels:
        labels = int(_same_labels(*sets, count).sum())
    levels = tuple(tuple(2**stage for stage in reversed(one.stages)) for one in sets)
    return Comparison(int(same.sum()), labels, (sets[0].num_images, sets[1].num_images), (levels[0], levels[1]))


def _same_pictures(a: DataSet, b: DataSet, stage: int, count: int) -> np.ndarray:
    """bool [count]."""
    pairs = zip(all_pictures(a, stage), islice(all_pictures(b, stage), count), strict=False)
    tracked = track(pairs, count, f"compare {2**stage}x{2**stage}", "pictures")
    return np.array([np.array_equal(one, other) for one, other in tracked], bool)


def _same_labels(a: DataSet, b: DataSet, count: int) -> np.ndarray:
    """bool [count]. No label equals no label."""
    if a.labels is None or b.labels is None:
        return np.full(count, a.labels is b.labels)
    if a.labels.shape[1] != b.labels.shape[1]:
        return np.zeros(count, bool)
    return (a.labels[:count] == b.labels[:count]).all(axis=1)
