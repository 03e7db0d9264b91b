import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.ops.normalize import instance_norm, pixel_norm


def test_pixel_norm_has_a_mean_square_of_1():
    # mean square of (3, 4) is 12.5
    expected = [3 / math.sqrt(12.5), 4 / math.sqrt(12.5)]
    assert np.asarray(pixel_norm(tf.constant([[3.0, 4.0]])))[0] == pytest.approx(expected, abs=tolerances.BY_HAND)


def test_pixel_norm_of_zeros():
    assert np.asarray(pixel_norm(tf.zeros((1, 4)))).tolist() == [[0, 0, 0, 0]]


def test_instance_norm_is_per_sample_and_channel():
    first = [[[1, 0], [2, 0]], [[3, 0], [4, 8]]]  # channels (1, 2, 3, 4) and (0, 0, 0, 8)
    x = tf.constant([first, np.multiply(first, -10)], tf.float32)
    y = np.asarray(instance_norm(x)).reshape(2, 4, 2)
    one = np.array([-1.5, -0.5, 0.5, 1.5]) / math.sqrt(1.25)  # biased variance
    two = np.array([-2, -2, -2, 6]) / math.sqrt(12)
    assert y[0] == pytest.approx(np.stack([one, two], axis=-1), abs=tolerances.BY_HAND)
    assert y[1] == pytest.approx(-y[0], abs=tolerances.BY_HAND)


def test_instance_norm_of_a_constant_is_0_with_a_finite_gradient():
    x = tf.fill((1, 4, 4, 2), 3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = instance_norm(x)
        total = tf.reduce_sum(y * tf.random.normal(y.shape, seed=1))
    assert not np.any(y)
    assert np.isfinite(tape.gradient(total, x)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_statistics_are_float32(dtype):
    """400^2 is beyond float16; the mean of 400 and 402 has too many bits for bfloat16."""
    x = tf.constant([[[[400.0], [402.0]]]], dtype)
    assert pixel_norm(x).dtype == instance_norm(x).dtype == dtype
    assert np.asarray(tf.cast(pixel_norm(x), tf.float32)) == pytest.approx(1, abs=0.01)
    if dtype == "float16":
        assert np.asarray(instance_norm(x)).ravel().tolist() == [-1, 1]
