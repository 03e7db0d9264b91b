import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.training.losses import DISCRIMINATOR, GENERATOR

LOGITS = np.float32([[0], [1], [-1]])
LOG2 = math.log(2)
UP, DOWN = math.log1p(math.e), math.log1p(1 / math.e)  # softplus of 1 and of -1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logistic_nonsaturating", [LOG2, DOWN, UP]),
        ("logistic_saturating", [-LOG2, -UP, -DOWN]),
        ("wgan", [0, -1, 1]),
    ],
)
def test_generator(name, expected):
    assert np.asarray(GENERATOR[name](tf.constant(LOGITS))) == pytest.approx(expected, abs=tolerances.BY_HAND)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logistic", [LOG2 + LOG2, UP + DOWN, DOWN + DOWN]),
        ("wgan", [0 - 0, 1 - 1, -1 - 1]),
        ("hinge", [1 + 1, 2 + 0, 0 + 0]),
    ],
)
def test_discriminator(name, expected):
    real, fake = tf.constant([[0.0], [1.0], [1.0]]), tf.constant(LOGITS)
    loss = np.asarray(DISCRIMINATOR[name](real, fake))
    assert loss.shape == (3,)  # not [3, 3]
    assert loss == pytest.approx(expected, abs=tolerances.BY_HAND)


@pytest.mark.parametrize("name", ["logistic_nonsaturating", "logistic_saturating"])
def test_large_logits_stay_finite(name):
    assert np.isfinite(GENERATOR[name](tf.constant([[1000.0], [-1000.0]]))).all()
