import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances
from refusals import raises

from stylegan_tf.layers.epilogue import Epilogue

PLAIN = {"use_noise": False, "use_instance_norm": False, "use_styles": False}


def built(channels=1, w_dim=1, **arguments):
    layer = Epilogue(**arguments)
    layer.build((None, 2, 2, channels), (None, w_dim))
    return layer


def near(values):
    return pytest.approx(np.asarray(values), abs=4 * tolerances.BY_HAND)


def test_noise_then_bias_then_non_linearity():
    layer = built(**PLAIN | {"use_noise": True})
    layer.noise.weight.assign([2])
    layer.bias.assign([1])
    x = tf.constant([[[[-5.0], [-5.0]], [[0.0], [0.0]]]])
    noise = tf.constant([[[[1.0], [3.0]], [[0.0], [-1.0]]]])
    # -5 + 2 + 1 = -2 -> -0.4; -5 + 6 + 1 = 2; 0 + 0 + 1 = 1; 0 - 2 + 1 = -1 -> -0.2
    assert np.asarray(layer(x, noise=noise)).ravel() == near([-0.4, 2, 1, -0.2])


def test_no_noise_where_none_is_given():
    layer = built(**PLAIN | {"use_noise": True})
    layer.noise.weight.assign([2])
    assert np.asarray(layer(tf.ones((1, 2, 2, 1)))).ravel() == near([1, 1, 1, 1])


def test_relu():
    assert np.asarray(built(**PLAIN, nonlinearity="relu")(tf.fill((1, 2, 2, 1), -1.0))).ravel().tolist() == [0] * 4


def test_pixel_norm_comes_after_the_non_linearity():
    layer = built(channels=2, **PLAIN | {"use_pixel_norm": True})
    x = tf.tile(tf.constant([[[[-15.0, 4.0]]]]), (1, 2, 2, 1))  # -> (-3, 4), mean square 12.5
    assert np.asarray(layer(x))[0, 0, 0] == near([-3 / math.sqrt(12.5), 4 / math.sqrt(12.5)])


def test_instance_norm_then_style():
    layer = built(**PLAIN | {"use_instance_norm": True, "use_styles": True})
    layer.style.weight.assign([[3, 0]])
    layer.style.bias.assign([0, 10])
    x = tf.constant([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    normed = np.array([-1.5, -0.5, 0.5, 1.5]) / math.sqrt(1.25)
    assert np.asarray(layer(x, tf.constant([[1.0]]))).ravel() == near(normed * 4 + 10)


def test_pixel_norm_comes_before_instance_norm():
    layer = built(**PLAIN | {"use_pixel_norm": True, "use_instance_norm": True})
    # one channel: pixel norm leaves the signs +1, +1, +1, -1, of mean 0.5 and variance 0.75
    x = tf.constant([[[[1.0], [20.0]], [[300.0], [-4000.0]]]])
    expected = np.array([0.5, 0.5, 0.5, -1.5]) / math.sqrt(0.75)
    assert np.asarray(layer(x)).ravel() == near(expected)


def test_styles_need_the_shape_of_w():
    with raises(ValueError, "Epilogue", "w", "build"):
        Epilogue().build((None, 4, 4, 2))


def test_unknown_nonlinearity():
    with raises(ValueError, "nonlinearity", "lrelu", "'gelu'"):
        Epilogue(nonlinearity="gelu")


def test_it_builds_itself_when_called():
    x, w = tf.random.normal((2, 4, 4, 3), seed=1), tf.random.normal((2, 5), seed=2)
    layer = Epilogue()
    layer(x, w, noise=tf.ones((1, 4, 4, 1)))
    assert layer.style.weight.shape == (5, 6)
