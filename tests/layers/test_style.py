import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.layers.style import StyleModulation


def test_scale_and_shift_by_hand():
    layer = StyleModulation(2)
    layer.build((None, 1, 1, 2), (None, 2))
    # w = (3, 4) -> scales (3, 4), shifts (7, -1) before the coefficient 1 / sqrt(2) and the bias
    layer.weight.assign([[1, 0, 1, 1], [0, 1, 1, -1]])
    layer.bias.assign([1, 0, 0, 10])
    y = np.asarray(layer(tf.fill((1, 1, 1, 2), 2.0), tf.constant([[3.0, 4.0]]))).ravel()
    root = math.sqrt(2)
    expected = [2 * (3 / root + 1 + 1) + 7 / root, 2 * (4 / root + 1) - 1 / root + 10]
    assert y == pytest.approx(expected, abs=4 * tolerances.BY_HAND)


def test_a_style_of_zeros_changes_nothing():
    layer = StyleModulation(3)
    x = tf.random.normal((2, 4, 4, 3), seed=1)
    assert np.array_equal(layer(x, tf.zeros((2, 5))), x)


def test_every_sample_has_its_own_style():
    layer = StyleModulation(1)
    layer.build((None, 1, 1, 1), (None, 1))
    layer.weight.assign([[1, 0]])
    y = layer(tf.ones((2, 1, 1, 1)), tf.constant([[0.0], [4.0]]))
    assert np.asarray(y).ravel() == pytest.approx([1, 5], abs=tolerances.BY_HAND)
