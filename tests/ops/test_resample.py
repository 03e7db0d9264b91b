import numpy as np
import pytest
import tensorflow as tf
import tolerances
from refusals import raises

from stylegan_tf.ops.resample import blur, downscale, upscale

BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16


def one_channel(picture):
    return tf.constant(np.asarray(picture)[None, :, :, None], tf.float32)


def test_blur_of_an_impulse_is_the_kernel():
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = BINOMIAL
    assert np.asarray(blur(one_channel(impulse)))[0, :, :, 0] == pytest.approx(expected, abs=tolerances.BY_HAND)


def test_blur_darkens_the_borders():
    expected = np.outer([0.75, 1, 1, 0.75], [0.75, 1, 1, 0.75])
    assert np.asarray(blur(tf.ones((1, 4, 4, 1))))[0, :, :, 0] == pytest.approx(expected, abs=tolerances.BY_HAND)


def test_blur_keeps_channels_apart():
    x = np.zeros((1, 3, 3, 2), np.float32)
    x[0, 1, 1] = [16, -32]
    y = np.asarray(blur(tf.constant(x)))[0]
    expected = np.stack([BINOMIAL * 16, BINOMIAL * -32], axis=-1)
    assert y == pytest.approx(expected, abs=tolerances.BY_HAND)


def test_the_gradient_of_blur_is_blur():
    random = np.random.RandomState(0)
    x, weights = (tf.constant(random.randn(2, 6, 6, 3), tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(blur(x) * weights)
    assert np.asarray(tape.gradient(total, x)) == pytest.approx(np.asarray(blur(weights)), abs=tolerances.BY_HAND)


def test_blur_keeps_the_dtype():
    assert blur(tf.ones((1, 4, 4, 2), tf.bfloat16)).dtype == tf.bfloat16


def test_upscale_repeats_pixels():
    y = np.asarray(upscale(one_channel([[1, 2], [3, 4]])))[0, :, :, 0]
    assert y.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    x = tf.random.normal((2, 2, 3, 2), seed=1)
    assert np.array_equal(upscale(x, 4), np.asarray(x).repeat(4, axis=1).repeat(4, axis=2))
    assert upscale(x, 1) is x


def test_downscale_is_the_mean_of_blocks():
    picture = np.arange(16).reshape(4, 4)
    assert np.asarray(downscale(one_channel(picture)))[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert np.asarray(downscale(one_channel(picture), 4)).ravel().tolist() == [7.5]
    x = one_channel(picture)
    assert downscale(x, 1) is x


def test_downscale_wants_sides_that_it_divides():
    with raises(ValueError, "downscale", 4, "8x6"):
        downscale(tf.zeros((1, 8, 6, 3)), 4)
