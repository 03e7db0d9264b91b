import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense


def near(values):
    return pytest.approx(np.asarray(values), abs=tolerances.BY_HAND)


def test_dense_scales_weight_and_bias_when_they_are_used():
    layer = EqualizedDense(1, gain=2.0, lrmul=0.5)
    layer.build((None, 4))
    assert layer.coefficient == pytest.approx(0.5)  # 2 / sqrt(4) x 0.5
    layer.weight.assign(np.ones((4, 1)))
    layer.bias.assign([2])
    assert np.asarray(layer(tf.constant([[1.0, 2.0, 3.0, 4.0]]))) == near([[10 * 0.5 + 2 * 0.5]])


def test_without_equalized_learning_rate_the_coefficient_is_in_the_weight():
    layer = EqualizedDense(1, gain=2.0, lrmul=0.5, use_wscale=False)
    layer.build((None, 4))
    assert layer.coefficient == 0.5
    layer.weight.assign(np.ones((4, 1)))
    assert np.asarray(layer(tf.constant([[1.0, 2.0, 3.0, 4.0]]))) == near([[5]])


@pytest.mark.parametrize(
    ("use_wscale", "lrmul", "deviation"),
    [(True, 1.0, 1), (True, 0.01, 100), (False, 1.0, 0.2), (False, 0.01, 20)],  # gain 2 / sqrt(100) = 0.2
)
def test_deviation_of_the_initial_weight(use_wscale, lrmul, deviation):
    layer = EqualizedDense(400, gain=2.0, lrmul=lrmul, use_wscale=use_wscale, seed=3)
    layer.build((None, 100))
    assert np.std(layer.weight) == pytest.approx(deviation, rel=0.02)  # 40000 numbers: 0.35 % per standard error
    assert np.mean(layer.weight) == pytest.approx(0, abs=0.02 * deviation)
    assert not np.any(layer.bias)


def test_the_initial_response_has_the_gain():
    """Inputs of deviation 1 give outputs of deviation gain, whatever the learning-rate multiplier."""
    x = tf.random.normal((200, 300), seed=1)
    for lrmul in (1.0, 0.01):
        assert np.std(EqualizedDense(200, gain=math.sqrt(2), lrmul=lrmul)(x)) == pytest.approx(math.sqrt(2), rel=0.03)


def test_convolution_is_a_correlation_with_zeros_outside():
    layer = EqualizedConv2D(1, 3, gain=3.0)  # 3 / sqrt(9): coefficient 1
    layer.build((None, 3, 3, 1))
    kernel = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    layer.weight.assign(kernel[:, :, None, None])
    layer.bias.assign([100])
    impulse = np.zeros((1, 3, 3, 1), np.float32)
    impulse[0, 1, 1] = 1
    assert np.asarray(layer(impulse))[0, :, :, 0] == near(kernel[::-1, ::-1] + 100)
    corner = 5 + 6 + 8 + 9
    assert np.asarray(layer(np.ones((1, 3, 3, 1), np.float32)))[0, 0, 0, 0] == near(corner + 100)


def test_fan_in_of_a_convolution_counts_its_window():
    layer = EqualizedConv2D(5, 3, gain=math.sqrt(2))
    layer.build((None, 8, 8, 4))
    assert layer.coefficient == pytest.approx(math.sqrt(2 / 36))
    assert np.asarray(layer.kernel()) == near(np.asarray(layer.weight) * math.sqrt(2 / 36))


def test_no_bias():
    for layer, shape in (
        (EqualizedDense(3, use_bias=False), (None, 2)),
        (EqualizedConv2D(3, 1, use_bias=False), (None, 4, 4, 2)),
    ):
        layer.build(shape)
        assert [weight.name for weight in layer.weights] == ["weight"]


def test_seeds():
    def weight(seed):
        layer = EqualizedDense(4, seed=seed)
        layer.build((None, 4))
        return np.asarray(layer.weight)

    assert np.array_equal(weight(1), weight(1))
    assert not np.any(weight(1) == weight(2))
