import numpy as np
import tensorflow as tf

from stylegan_tf.layers.noise import NoiseInjection


def test_one_map_goes_to_all_channels_with_the_strength_of_each():
    layer = NoiseInjection()
    layer.build((None, 1, 2, 3))
    layer.weight.assign([1, 0, -2])
    x = tf.fill((2, 1, 2, 3), 10.0)
    noise = tf.constant([[[[1.0], [2.0]]], [[[3.0], [4.0]]]])
    expected = [[[[11, 10, 8], [12, 10, 6]]], [[[13, 10, 4], [14, 10, 2]]]]
    assert np.asarray(layer(x, noise)).tolist() == expected


def test_noise_of_one_sample_is_shared():
    layer = NoiseInjection()
    layer.build((None, 1, 1, 1))
    layer.weight.assign([2])
    assert np.asarray(layer(tf.zeros((2, 1, 1, 1)), tf.fill((1, 1, 1, 1), 3.0))).ravel().tolist() == [6, 6]


def test_strengths_start_at_0():
    layer = NoiseInjection()
    x = tf.random.normal((1, 4, 4, 3), seed=1)
    assert np.array_equal(layer(x, tf.random.normal((1, 4, 4, 1), seed=2)), x)
