"""Frechet inception distance (Heusel et al. 2017, arXiv 1706.08500; official frechet_inception_distance)."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from stylegan_tf.errors import Failure, UserError
from stylegan_tf.metrics import features
from stylegan_tf.metrics.features import FeatureNetwork
from stylegan_tf.metrics.samples import Fakes

BLOCK = 512  # features that are summed at once; small batches would spend their time on the sums' memory


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What is kept of `count` features: mean [F], covariance [F, F] with the divisor count - 1, both float64."""

    count: int
    mean: np.ndarray
    covariance: np.ndarray


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
    """Mean and covariance of features that come in parts [k, F], in float64; memory does not grow with their number.

    How they are divided into parts does not change a bit: blocks of one size are joined, as Chan, Golub and LeVeque
    (1979) do it. Raises UserError with fewer than two features, Failure where one is not finite.
    """
    count, mean, scatter = 0, np.zeros(0), np.zeros((0, 0))  # scatter: sum of (x - mean)(x - mean)^T
    for block in features.regrouped(_finite(parts), BLOCK):
        own = block.mean(axis=0)
        if not count:
            mean, scatter = np.zeros_like(own), np.zeros((len(own), len(own)))
        together, apart = count + len(block), own - mean
        scatter += (block - own).T @ (block - own)
        scatter += np.outer(apart, apart * (count * len(block) / together))
        mean = mean + apart * (len(block) / together)
        count = together
    if count < 2:
        raise UserError(f"there are {count} pictures, and a covariance needs 2 at least")
    return Gaussian(count, mean, scatter / (count - 1))


def _finite(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The parts in float64, which are features of one length."""
    size = None
    for part in parts:
        x = np.array(part, np.float64)
        if x.ndim != 2:
            raise ValueError(f"features must be [n, F], got {list(x.shape)}")
        if not np.isfinite(x).all():
            raise Failure("a feature is not finite: there is no mean and no covariance")
        if x.shape[1] != (size := size or x.shape[1]):
            raise ValueError(f"features of {x.shape[1]} numbers after features of {size}")
        yield x


def of_reals(reals: Iterable[np.ndarray], network: FeatureNetwork, fakes: Fakes, num_samples: int) -> Gaussian:
    """Statistics of the first `num_samples` real pictures (uint8 batches), made with the batch and replicas of `fakes`.

    Where there are fewer they are all used; `features.real_batches` repeats them, as the official code does.
    """
    found = features.of_reals(reals, network, fakes.replicas, fakes.batch, fakes.on_progress, num_samples, fakes.graphs)
    return statistics_of(features.first_rows(found, num_samples))


def evaluate(
    fakes: Fakes,
    reals: Iterable[np.ndarray] | Gaussian,
    network: FeatureNetwork,
    num_samples: int = 50_000,
    num_latents: int = 1,
) -> float:
    """FID of `num_samples` fakes and the reals: uint8 batches [n, H, W, C], or statistics that were kept of them.

    num_latents: how many are mixed in each fake (paper Table 2).
    """
    if not isinstance(reals, Gaussian):
        reals = of_reals(reals, network, fakes, num_samples)
    return frechet_distance(statistics_of(features.of_fakes(fakes, network, num_samples, num_latents)), reals)
