import pytest
import tensorflow as tf
import tolerances
from refusals import raises

from stylegan_tf.ops.activate import NONLINEARITIES, activation, leaky_relu, leaky_relu_flat


def slopes(function, at, dtype="float32"):
    """First and second derivative of a function at some numbers."""
    x = tf.constant(at, dtype)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = function(x)
        first = inner.gradient(y, x)
        total = tf.reduce_sum(first * tf.constant(1, dtype))
    second = outer.gradient(total, x, unconnected_gradients="zero")
    return first.numpy().astype("float32").tolist(), second.numpy().astype("float32").tolist()


def test_leaky_relu():
    assert leaky_relu(tf.constant([-10.0, -1.0, 0.0, 3.0])).numpy() == pytest.approx([-2, -0.2, 0, 3], abs=1e-30)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_slope_of_leaky_relu_is_1_at_exactly_0(dtype):
    first, second = slopes(leaky_relu, [-1.0, -0.0, 0.0, 1.0], dtype)
    assert first == pytest.approx([0.2, 1, 1, 1], rel=0.005)  # 0.2 has 8 bits in bfloat16
    assert second == [0, 0, 0, 0]


def test_slope_of_config_a_is_0_2_at_exactly_0():
    first, second = slopes(leaky_relu_flat, [-1.0, -0.0, 0.0, 1.0])
    assert first == pytest.approx([0.2, 0.2, 0.2, 1], abs=tolerances.BY_HAND)
    assert second == [0, 0, 0, 0]


def test_relu():
    assert activation("relu")(tf.constant([-1.0, 2.0])).numpy().tolist() == [0, 2]


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_every_name_is_a_function(name):
    assert float(activation(name)(tf.constant(2.0))) == pytest.approx(2, abs=tolerances.BY_HAND)


def test_unknown_name_is_repeated_with_the_choices():
    with raises(ValueError, "lrelu", "lrelu_flat", "relu", "'tanh'"):
        activation("tanh")
