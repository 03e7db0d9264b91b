"""Kernel inception distance (Binkowski et al. 2018, arXiv 1801.01401)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from stylegan_tf.errors import UserError
from stylegan_tf.metrics import features
from stylegan_tf.metrics.features import FeatureNetwork
from stylegan_tf.metrics.samples import Fakes

SUBSETS, SUBSET_SIZE = 100, 1000


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets."""

    mean: float
    deviation: float


def polynomial_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """k(x, y) = (<x, y> / F + 1)^3. x: [n, F], y: [m, F] -> [n, m] float64."""
    base = np.asarray(x, np.float64) @ np.asarray(y, np.float64).T / x.shape[1] + 1
    return base * base * base  # many times faster than the power


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of x and y, both [m, F] (Gretton et al. 2012, eq. 3).

    sum over i != j of k(x_i, x_j) + k(y_i, y_j), over m (m - 1), less twice the mean of k(x_i, y_j).
    """
    m = len(x)
    if len(y) != m or m < 2:
        raise ValueError(f"expected two sets of the same size, 2 at least, got {m} and {len(y)}")
    xx, yy = polynomial_kernel(x, x), polynomial_kernel(y, y)
    within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
    return float(within / (m * (m - 1)) - 2 * polynomial_kernel(x, y).mean())


def kernel_distance(fakes: np.ndarray, reals: np.ndarray, seed: int = 0) -> KernelDistance:
    """squared_mmd over 100 random subsets of 1000 (of all, where there are fewer). [n, F], [m, F].

    The deviation is that of the estimates from single subsets, with the divisor 100.
    """
    size = min(SUBSET_SIZE, len(fakes), len(reals))
    if size < 2:
        raise UserError(f"there are {size} pictures, and a kernel distance needs 2 at least")
    random = np.random.default_rng(seed)

    def subset(found):
        return found[random.choice(len(found), size, replace=False)]

    found = [squared_mmd(subset(fakes), subset(reals)) for _ in range(SUBSETS)]
    return KernelDistance(float(np.mean(found)), float(np.std(found)))


def evaluate(
    fakes: Fakes, reals: Iterable[np.ndarray], network: FeatureNetwork, num_samples: int = 50_000, name: str = "kid50k"
) -> KernelDistance:
    """KID of `num_samples` fakes and as many reals (uint8 batches [n, H, W, C]).

    Raises UserError where there are fewer reals.
    """
    return kernel_distance(*features.of_both(fakes, reals, network, num_samples, name), fakes.seed)
