"""Frechet inception distance (Heusel et al. 2017, arXiv 1706.08500; official frechet_inception_distance)."""

import warnings
from collections.abc import Iterable

import numpy as np
import scipy.linalg

from stylegan_tf.errors import Failure
from stylegan_tf.metrics import features
from stylegan_tf.metrics.features import FeatureNetwork
from stylegan_tf.metrics.samples import Fakes
from stylegan_tf.metrics.statistics import Gaussian, Running


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 sqrt(S_a S_b)), the real part of it.

    With fewer pictures than features the covariances are singular; the root then exists all the same, with about half
    the digits. Raises Failure where it was not found.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"features of {len(a.mean)} numbers cannot be compared with features of {len(b.mean)}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Matrix is singular", scipy.linalg.LinAlgWarning)
        root = scipy.linalg.sqrtm(a.covariance @ b.covariance)
    value = np.square(a.mean - b.mean).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    if not np.isfinite(value):
        raise Failure("the product of the two covariances has no square root that could be found: try more samples")
    return float(np.real(value))


def statistics_of(parts: Iterable[np.ndarray]) -> Gaussian:
    """Mean and covariance of features that come in parts [k, F]. Raises UserError with fewer than two of them."""
    running = Running()
    for part in parts:
        running.add(part)
    return running.gaussian()


def of_reals(reals: Iterable[np.ndarray], network: FeatureNetwork, fakes: Fakes, num_samples: int) -> Gaussian:
    """Statistics of the first `num_samples` real pictures (uint8 batches), made with the batch and replicas of `fakes`.

    Where there are fewer they are all used; `features.real_batches` repeats them, as the official code does.
    """
    found = features.of_reals(reals, network, fakes.replicas, fakes.batch, fakes.on_progress, num_samples, fakes.graphs)
    return statistics_of(features.first_rows(found, num_samples))


def evaluate(
    fakes: Fakes, reals: Iterable[np.ndarray] | Gaussian, network: FeatureNetwork, num_samples: int = 50_000
) -> float:
    """FID of `num_samples` fakes and the reals: uint8 batches [n, H, W, C], or statistics that were kept of them."""
    if not isinstance(reals, Gaussian):
        reals = of_reals(reals, network, fakes, num_samples)
    return frechet_distance(statistics_of(features.of_fakes(fakes, network, num_samples)), reals)
