"""Inception-v3 of 2015 against recorded features, and what can be worked by hand."""

import time

import formula_weights
import keras
import numpy as np
import pytest
import tolerances
from recorded import Recorded, relative
from refusals import raises

from stylegan_tf.networks.inception import DEPTHS, Inception, resize
from stylegan_tf.weights import keras_file, metric_weights


def variables(network):
    return keras_file.named_variables(network)


@pytest.fixture(scope="module")
def empty():
    return Inception()


@pytest.fixture(scope="module")
def network():
    """With the weights of the formula."""
    made = Inception()
    shapes = {path: tuple(variable.shape) for path, variable in variables(made).items()}
    keras_file.fill(made, metric_weights.inception_arrays(formula_weights.inception_state(), shapes))
    return made


@pytest.mark.parametrize("side", [64, 299, 512])
def test_recorded_features(network, side):
    recording = Recorded("inception_formula")
    images = recording[f"images_{side}"].transpose(0, 2, 3, 1)
    found = [np.asarray(features) for features in network.each_depth(images)]
    assert tuple(features.shape[1] for features in found) == DEPTHS
    for features in found:
        assert features.dtype == np.float32
        assert relative(features, recording[f"features{features.shape[1]}_{side}"]) <= tolerances.NETWORK


def test_one_depth_alone(network):
    recording = Recorded("inception_formula")
    images = recording["images_64"][:1].transpose(0, 2, 3, 1).astype(np.float32)  # floats from 0 to 255 do too
    for depth in (64, 192):
        found = np.asarray(network.features(images, depth))
        assert relative(found, recording[f"features{depth}_64"][:1]) <= tolerances.NETWORK


def test_a_traced_call_gives_the_same(network):
    import tensorflow as tf

    recording = Recorded("inception_formula")
    images = recording["images_64"][:1].transpose(0, 2, 3, 1)
    found = tf.function(network.features)(tf.constant(images))
    assert relative(found, recording["features2048_64"][:1]) <= tolerances.NETWORK


def test_resize_as_tensorflow_1():
    row = np.float32([[0, 10, 40]])[:, None, :, None]  # one row of three pixels
    assert np.asarray(resize(row, 1, 6)).ravel().tolist() == [0, 5, 10, 25, 40, 40]  # at 0, 1/2, 1, 3/2, 2, 5/2
    assert np.asarray(resize(row, 1, 2)).ravel().tolist() == [0, 25]  # at 0 and 3/2
    column = np.float32([[1], [3], [5], [7]])[None, :, :, None]
    assert np.asarray(resize(column, 2, 1)).ravel().tolist() == [1, 5]  # no antialiasing
    assert resize(column, 4, 1) is column


def test_resize_in_both_directions():
    square = np.float32([[0, 1], [2, 5]])[None, :, :, None]
    expected = [[0, 0.5, 1, 1], [1, 2, 3, 3], [2, 3.5, 5, 5], [2, 3.5, 5, 5]]
    assert np.asarray(resize(square, 4, 4))[0, :, :, 0].tolist() == expected


def test_logits(empty):
    """Only the last pool branch says something, 1 everywhere; the kernel doubles it in one class."""
    kernel, bias = np.zeros((2048, 1008), np.float32), np.zeros(1008, np.float32)
    kernel[2047, 7], bias[7] = 2, 0.5
    empty.fc.kernel.assign(kernel)
    empty.fc.bias.assign(bias)
    empty.Mixed_7c.branch_pool.bias.assign(np.ones(192, np.float32))
    images = np.zeros((2, 8, 8, 3), np.uint8)
    expected = np.zeros((2, 1008))
    expected[:, 7] = 2
    assert np.asarray(empty.logits(images)) == pytest.approx(expected)  # without the bias
    expected[:, 7] = 2.5
    assert np.asarray(empty.logits(images, use_bias=True)) == pytest.approx(expected)


def test_names_and_number_of_weights(empty):
    state = formula_weights.inception_state()
    convolutions = {name.removesuffix(".conv.weight") for name in state if name.endswith(".conv.weight")}
    layers = {path.removesuffix("/vars/0").replace("/", ".") for path in variables(empty) if path.endswith("/vars/0")}
    assert len(convolutions) == 94
    assert layers == convolutions | {"fc"}


def test_what_does_not_fit(empty):
    with raises(ValueError, "images", "[N, N, N, 3]", "[1, 8, 8, 1]"):
        empty(np.zeros((1, 8, 8, 1), np.uint8))
    with raises(ValueError, "depth", "64, 192, 768, 2048", 100):
        empty.features(np.zeros((1, 8, 8, 3), np.uint8), 100)
    with pytest.raises(ValueError, match=r"height and width of the pictures must be known, got \[1, None, 8, 3\]"):
        empty(keras.KerasTensor((1, None, 8, 3)))


def test_it_is_made_quickly_and_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        start = time.process_time()
        made = Inception()
        assert time.process_time() - start < 5
    finally:
        keras.config.set_dtype_policy(before)
    assert {str(variable.dtype) for variable in made.variables} == {"float32"}
    assert made.Mixed_7c.branch1x1.compute_dtype == "float32"
