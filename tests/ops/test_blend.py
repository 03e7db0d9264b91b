import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.ops.blend import crossfade, lerp, mix_styles, slerp, truncate

ROOT = math.sqrt(0.5)


def near(values):
    return pytest.approx(np.asarray(values), abs=tolerances.BY_HAND)


def test_lerp():
    assert np.asarray(lerp(tf.constant([0.0, 2.0]), tf.constant([4.0, 4.0]), 0.25)) == near([1, 2.5])


@pytest.mark.parametrize(
    ("a", "b", "t", "expected"),
    [
        ([2.0, 0.0], [0.0, 5.0], 0.0, [1, 0]),
        ([2.0, 0.0], [0.0, 5.0], 0.5, [ROOT, ROOT]),  # right angle, lengths do not count
        ([2.0, 0.0], [0.0, 5.0], 1 / 3, [math.sqrt(3) / 2, 0.5]),  # 30 degrees
        ([2.0, 0.0], [0.0, 5.0], 1.0, [0, 1]),
        ([1.0, 0.0], [0.5, math.sqrt(3) / 2], 0.5, [math.sqrt(3) / 2, 0.5]),  # half of 60 degrees
        ([3.0, 4.0], [6.0, 8.0], 0.3, [0.6, 0.8]),  # the same direction
    ],
)
def test_slerp(a, b, t, expected):
    assert np.asarray(slerp(tf.constant([a]), tf.constant([b]), tf.constant([t])))[0] == near(expected)


def test_crossfade_is_exactly_the_fine_picture_at_fade_1():
    random = np.random.RandomState(0)
    fine, coarse = (tf.constant(random.randn(2, 4, 4, 3), tf.float32) for _ in range(2))
    for fade in (1.0, tf.constant(1.0)):
        assert np.array_equal(crossfade(fine, coarse, fade), fine)


def test_crossfade():
    fine, coarse = tf.constant([8.0, 0.0]), tf.constant([4.0, 4.0])
    assert np.asarray(crossfade(fine, coarse, 0.25)) == near([5, 3])
    assert np.asarray(crossfade(fine, coarse, 0.0)) == near([4, 4])


WS = np.float32([[[3, 6]] * 3])  # 1 sample, 3 layers
AVERAGE = np.float32([1, 2])


@pytest.mark.parametrize(("psi", "expected"), [(0.5, [2, 4]), (0, [1, 2]), (-1, [-1, -2])])
def test_truncation_pulls_the_layers_below_the_cutoff_towards_the_average(psi, expected):
    assert np.asarray(truncate(WS, AVERAGE, psi, 2))[0] == near([expected, expected, [3, 6]])


@pytest.mark.parametrize(("psi", "cutoff"), [(None, 8), (1, 8), (1.0, 8), (0.5, None), (0.5, 0), (0.5, -1)])
def test_no_truncation(psi, cutoff):
    assert truncate(WS, AVERAGE, psi, cutoff) is WS


def test_a_cutoff_beyond_the_last_layer_truncates_all():
    assert np.asarray(truncate(WS, AVERAGE, 0.5, 8))[0] == near([[2, 4]] * 3)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_mix_styles_has_a_cutoff_for_each_sample(dtype):
    ours, other = tf.zeros((3, 4, 1)), tf.ones((3, 4, 1))
    mixed = mix_styles(ours, other, np.array([1, 3, 4], dtype))
    assert np.asarray(mixed)[:, :, 0].tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
