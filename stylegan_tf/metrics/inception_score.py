"""Inception score (Salimans et al. 2016, arXiv 1606.03498)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import scipy.special

from stylegan_tf.errors import UserError
from stylegan_tf.metrics import features
from stylegan_tf.metrics.features import FeatureNetwork
from stylegan_tf.metrics.samples import Fakes

SPLITS = 10


class InceptionScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    mean: float
    deviation: float


class _Split:
    """Sums over the samples of one split: of p [K], and of sum over classes of p log p."""

    def __init__(self):
        self.count, self.p, self.p_log_p = 0, np.zeros(1), 0.0

    def add(self, logits: np.ndarray) -> None:
        log_p = scipy.special.log_softmax(np.asarray(logits, np.float64), axis=1)
        p = np.exp(log_p)
        self.count += len(p)
        self.p = self.p + p.sum(axis=0)
        self.p_log_p += float((p * log_p).sum())

    def score(self) -> float:
        """exp(mean of KL(p(y|x) || p(y)))."""
        mean = self.p / self.count
        return float(np.exp(self.p_log_p / self.count + scipy.special.entr(mean).sum()))


def inception_score(parts: Iterable[np.ndarray], count: int, splits: int = SPLITS) -> InceptionScore:
    """The score of `count` logits that come in parts [k, K]. Split s of S holds the samples s N / S to (s + 1) N / S.

    Memory does not grow with their number.
    """
    if count < splits:
        raise UserError(f"{count} pictures cannot be split in {splits}: ask for {splits} at least")
    ends = [count * (number + 1) // splits for number in range(splits)]
    sums, done = [_Split() for _ in ends], 0
    for part in features.first_rows(parts, count):
        while len(part):
            number = next(number for number, end in enumerate(ends) if done < end)
            own = part[: ends[number] - done]
            sums[number].add(own)
            done, part = done + len(own), part[len(own) :]
    scores = [split.score() for split in sums]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def evaluate(fakes: Fakes, network: FeatureNetwork, num_samples: int = 50_000) -> InceptionScore:
    """Inception score of `num_samples` fakes in 10 splits. network: uint8 pictures -> logits [N, K]."""
    return inception_score(features.of_fakes(fakes, network, num_samples), num_samples)
