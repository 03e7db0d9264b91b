"""Improved precision and recall (Kynkaanniemi et al. 2019, arXiv 1904.06991)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from stylegan_tf.errors import UserError
from stylegan_tf.metrics import features
from stylegan_tf.metrics.features import FeatureNetwork
from stylegan_tf.metrics.samples import Fakes, OnProgress, silent

NEIGHBOURS = 3
MOST_DISTANCES = 2**24  # at once: 64 MB


class PrecisionRecall(NamedTuple):
    """Shares, 0 to 1: of the fakes that look like reals, and of the reals that the fakes can look like."""

    precision: float
    recall: float


def radii(points: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Squared distance of each point to its k-th nearest other one (eq. 1). [n, F] -> [n] float32."""
    if len(points) <= neighbours:
        raise UserError(f"there are {len(points)} pictures, and {neighbours} nearest others need {neighbours + 1}")
    nearest = [-tf.math.top_k(-part, neighbours + 1).values[:, -1] for part in _squared_distances(points, points)]
    return tf.concat(nearest, axis=0).numpy()


def share_within(points: np.ndarray, others: np.ndarray, squared_radii: np.ndarray) -> float:
    """The share of points [n, F] that lie in the ball around any of others [m, F] (eq. 2)."""
    inside = [tf.reduce_any(part <= squared_radii, axis=1) for part in _squared_distances(points, others)]
    return float(tf.concat(inside, axis=0).numpy().mean())


def precision_recall(
    fakes: np.ndarray, reals: np.ndarray, neighbours: int = NEIGHBOURS, on_progress: OnProgress = silent
) -> PrecisionRecall:
    """Precision and recall of features [n, F] and [m, F] (eq. 3)."""
    of_reals, of_fakes = radii(reals, neighbours), radii(fakes, neighbours)
    on_progress("neighbours", 2, 4)
    precision = share_within(fakes, reals, of_reals)
    on_progress("neighbours", 3, 4)
    recall = share_within(reals, fakes, of_fakes)
    on_progress("neighbours", 4, 4)
    return PrecisionRecall(precision, recall)


def evaluate(
    fakes: Fakes, reals: Iterable[np.ndarray], network: FeatureNetwork, num_samples: int = 50_000, name: str = "pr50k3"
) -> PrecisionRecall:
    """Precision and recall of `num_samples` fakes and as many reals (uint8 batches [n, H, W, C]), k = 3.

    Raises UserError where there are fewer reals.
    """
    found = features.of_both(fakes, reals, network, num_samples, name)
    return precision_recall(*found, on_progress=fakes.on_progress)


def _squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tf.Tensor]:
    """|a - b|^2 = |a|^2 + |b|^2 - 2 <a, b>, some rows at a time. [n, F], [m, F] -> [k, m] float32."""
    columns = tf.constant(others, tf.float32)
    norms = tf.reduce_sum(columns**2, axis=1)
    size = max(1, MOST_DISTANCES // len(others))
    for first in range(0, len(points), size):
        rows = tf.constant(points[first : first + size], tf.float32)
        squared = tf.reduce_sum(rows**2, axis=1)[:, None] + norms - 2 * tf.matmul(rows, columns, transpose_b=True)
        yield tf.maximum(squared, 0)
