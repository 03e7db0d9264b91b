import numpy as np
import pytest
import tensorflow as tf
import tolerances
from refusals import raises

from stylegan_tf.ops.stddev import minibatch_stddev


def samples(*rows):
    """1x1 pictures with these channels."""
    return tf.constant(np.array(rows, np.float32)[:, None, None, :])


def appended(x, **arguments):
    y = np.asarray(minibatch_stddev(x, **arguments))
    channels = x.shape[-1]
    assert np.array_equal(y[..., :channels], x)
    return y[..., channels:]


def test_groups_are_strided():
    """Groups (0, 2) and (1, 3): deviations of the channels 1 and 2 in the first, none in the second."""
    x = samples([0, 0], [1, 1], [2, 4], [1, 1])
    deviation = appended(x, group_size=2).ravel()
    assert deviation == pytest.approx([1.5, 1e-4, 1.5, 1e-4], abs=tolerances.STATISTICS)


def test_a_feature_for_each_part_of_the_channels():
    x = samples([0, 0], [1, 1], [2, 4], [1, 1])
    deviation = appended(x, group_size=2, num_features=2)[:, 0, 0]
    assert deviation == pytest.approx(np.array([[1, 2], [1e-4, 1e-4]] * 2), abs=tolerances.STATISTICS)


def test_deviations_are_averaged_over_the_picture():
    x = np.zeros((2, 2, 2, 1), np.float32)
    x[1, :, :, 0] = [[2, 4], [6, 8]]  # deviations 1, 2, 3, 4 of each pixel
    deviation = appended(tf.constant(x))
    assert deviation.shape == (2, 2, 2, 1)
    assert deviation == pytest.approx(2.5, abs=tolerances.STATISTICS)


def test_a_group_is_no_larger_than_the_minibatch():
    assert appended(samples([1, 1], [3, 3]), group_size=4).ravel() == pytest.approx([1, 1], abs=tolerances.STATISTICS)


def test_a_minibatch_whose_size_only_the_run_knows():
    run = tf.function(minibatch_stddev, input_signature=[tf.TensorSpec((None, 1, 1, 2))])
    x = tf.random.normal((8, 1, 1, 2), seed=1)
    assert np.asarray(run(x)) == pytest.approx(np.asarray(minibatch_stddev(x)), abs=tolerances.BY_HAND)


def test_deviation_of_half_precision_is_computed_in_float32():
    x = tf.cast(samples([400, 400], [-400, -400]), tf.float16)  # 400^2 is beyond float16
    y = minibatch_stddev(x)
    assert y.dtype == tf.float16
    assert np.asarray(y)[..., -1].ravel().tolist() == [400, 400]


def test_errors_repeat_what_they_got():
    with raises(ValueError, "minibatch_stddev", 4, 6):
        minibatch_stddev(tf.zeros((6, 4, 4, 2)))
    with raises(ValueError, "num_features", 3, 4):
        minibatch_stddev(tf.zeros((4, 4, 4, 4)), num_features=3)
