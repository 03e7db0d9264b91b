"""Mean and covariance of features that come in batches, in float64. Memory does not grow with their number."""

from dataclasses import dataclass

import numpy as np

from stylegan_tf.errors import Failure, UserError

BLOCK = 512  # features that are summed at once; small batches would spend their time on the sums' memory


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What is kept of `count` features: mean [F], covariance [F, F] with the divisor count - 1, both float64."""

    count: int
    mean: np.ndarray
    covariance: np.ndarray


class Running:
    """Collects features. How they are divided into batches does not change a bit of the result.

    Blocks are joined, and collections merged, as Chan, Golub and LeVeque (1979) do it.
    """

    def __init__(self):
        self._count, self._mean = 0, np.zeros(0)
        self._scatter = np.zeros((0, 0))  # sum of (x - mean)(x - mean)^T
        self._held: list[np.ndarray] = []

    @property
    def count(self) -> int:
        """Features so far."""
        return self._count + sum(map(len, self._held))

    def add(self, features: np.ndarray) -> None:
        """features: [n, F]. Raises Failure where one is not finite."""
        x = np.array(features, np.float64)
        if x.ndim != 2:
            raise ValueError(f"features must be [n, F], got {list(x.shape)}")
        if not np.isfinite(x).all():
            raise Failure("a feature is not finite: there is no mean and no covariance")
        size = self._held[0].shape[1] if self._held else len(self._mean)
        if self.count and x.shape[1] != size:
            raise ValueError(f"features of {x.shape[1]} numbers after features of {size}")
        self._held.append(x)
        if sum(map(len, self._held)) >= BLOCK:
            self._sum_up(BLOCK)

    def merge(self, other: "Running") -> None:
        """Adds what another one has collected, of another replica for instance."""
        for running in (self, other):
            running._sum_up(1)
        if other._count:
            self._join(other._count, other._mean, other._scatter)

    def gaussian(self) -> Gaussian:
        """The statistics. Raises UserError with fewer than two features, which have no covariance."""
        if self.count < 2:
            raise UserError(f"there are {self.count} pictures, and a covariance needs 2 at least")
        self._sum_up(1)
        return Gaussian(self._count, self._mean, self._scatter / (self._count - 1))

    def _sum_up(self, least: int) -> None:
        """Joins the features that are held in blocks, until fewer than `least` are left."""
        held = np.concatenate(self._held) if self._held else np.zeros((0, 0))
        while len(held) >= least:
            block, held = held[:BLOCK], held[BLOCK:]
            mean = block.mean(axis=0)
            self._join(len(block), mean, (block - mean).T @ (block - mean))
        self._held = [held] if len(held) else []

    def _join(self, count: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        if not self._count:
            self._mean, self._scatter = np.zeros_like(mean), np.zeros((len(mean), len(mean)))
        together, apart = self._count + count, mean - self._mean
        self._scatter += scatter
        self._scatter += np.outer(apart, apart * (self._count * count / together))
        self._mean = self._mean + apart * (count / together)
        self._count = together
