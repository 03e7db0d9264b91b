import math

import numpy as np
import pytest
from metric_stubs import Pixels, noisy_G
from refusals import refused

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import inception_score as inception
from stylegan_tf.metrics.samples import Fakes

SURE = np.float32([[99, -99], [-99, 99], [99, -99], [99, -99]])
UNSURE = np.log(np.float32([[0.75, 0.25], [0.25, 0.75]]))
INFORMATION = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)  # KL of (.75, .25) and (.5, .5)


@pytest.mark.parametrize(
    ("logits", "splits", "mean", "deviation"),
    [
        (SURE[:2], 1, 2, 0),  # two classes, and sure of them
        (SURE[2:], 1, 1, 0),  # always the same class
        (SURE, 2, 1.5, 0.5),  # a split of each
        (UNSURE, 1, math.exp(INFORMATION), 0),
        (UNSURE + 7, 1, math.exp(INFORMATION), 0),  # logits have no origin
    ],
)
def test_by_hand(logits, splits, mean, deviation):
    for parts in ([logits], [row[None] for row in logits]):
        assert inception.inception_score(parts, len(logits), splits) == pytest.approx((mean, deviation), abs=1e-6)


def test_uneven_splits_and_more_than_asked():
    # Three splits of seven: 0-1, 2-3, 4-6.
    logits = SURE[[0, 1, 0, 0, 0, 1, 0, 1, 1]]
    third = math.exp(-(1 / 3) * math.log(1 / 3) - (2 / 3) * math.log(2 / 3))
    scores = [2, 1, third]
    found = inception.inception_score([logits[:3], logits[3:]], 7, 3)
    assert found == pytest.approx((np.mean(scores), np.std(scores)), abs=1e-6)


def test_evaluate():
    def found(replicas, batch):
        return inception.evaluate(Fakes(noisy_G(), Replicas(replicas), batch=batch), Pixels(), 20)

    first = found(1, 8)
    assert first.mean > 1
    assert found(2, 3) == pytest.approx(first, rel=1e-5)
    with refused(9, 10):
        inception.evaluate(Fakes(noisy_G(), Replicas(1)), Pixels(), 9)
