"""The real pictures that a metric looks at: in file order, at the final resolution, mirrored if training mirrors."""

from collections.abc import Iterator

import numpy as np

from stylegan_tf import draws
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.reading import read_pictures

SEED = 0  # of the mirroring: cached statistics hold for every seed of the fakes


def batches(data_set: DataSet, count: int, mirror: bool, repeat: bool = False, batch: int = 64) -> Iterator[np.ndarray]:
    """The first `count` pictures, uint8 [n, H, W, C]. Where there are fewer: all, again and again with `repeat`.

    mirror: each is flipped left-right with probability 1/2, a repeated one anew.
    """
    starts, lengths = data_set.index(data_set.stages[-1])
    if not repeat:
        count = min(count, len(starts))
    with open(data_set.path(data_set.stages[-1]), "rb", buffering=0) as file:
        for first in range(0, count, batch):
            samples = np.arange(first, min(first + batch, count))
            rows = samples % len(starts)
            pictures = read_pictures(file, starts[rows], lengths[rows]).transpose(0, 2, 3, 1)
            if mirror:
                flipped = draws.mirrored(SEED, first, draws.Rows(len(samples))).numpy()
                pictures = np.where(flipped[:, None, None, None], pictures[:, :, ::-1], pictures)
            yield np.ascontiguousarray(pictures)
