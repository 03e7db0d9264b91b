import math

import numpy as np
import pytest
import tensorflow as tf
import tolerances
from refusals import raises

from stylegan_tf.networks.mapping import Mapping

TINY = {"z_dim": 2, "w_dim": 2, "mapping_layers": 0}


def near(values):
    return pytest.approx(np.asarray(values), abs=tolerances.BY_HAND)


def test_without_layers_w_is_the_normalised_z():
    w = Mapping(**TINY)(tf.constant([[3.0, 4.0]]))
    assert np.asarray(w) == near([[3 / math.sqrt(12.5), 4 / math.sqrt(12.5)]])


def test_without_normalisation():
    assert np.asarray(Mapping(**TINY, normalize_latents=False)(tf.constant([[3.0, 4.0]]))) == near([[3, 4]])


def test_labels_are_embedded_beside_z_before_the_normalisation():
    mapping = Mapping(z_dim=1, w_dim=2, label_size=2, mapping_layers=0)
    mapping.label_weight.assign([[4], [-4]])
    w = mapping(tf.constant([[3.0], [3.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]]))
    root = math.sqrt(12.5)
    assert np.asarray(w) == near([[3 / root, 4 / root], [3 / root, -4 / root]])


def test_every_layer_has_the_learning_rate_multiplier_and_a_non_linearity():
    mapping = Mapping(z_dim=1, w_dim=1, mapping_layers=2, mapping_fmaps=1, mapping_lrmul=0.5, normalize_latents=False)
    for layer in (mapping.dense0, mapping.dense1):
        layer.weight.assign([[1]])
        layer.bias.assign([-10])
    # gain sqrt(2), fan in 1, multiplier 1/2: slope sqrt(2) / 2, bias -5. From z = 8 the second layer is below 0
    first = 8 / math.sqrt(2) - 5
    second = 0.2 * (first / math.sqrt(2) - 5)
    assert np.asarray(mapping(tf.constant([[8.0]]))) == pytest.approx(second, abs=tolerances.STATISTICS)


def test_widths():
    mapping = Mapping(z_dim=4, w_dim=6, label_size=3, mapping_layers=3, mapping_fmaps=5)
    assert [tuple(weight.shape) for weight in mapping.trainable_variables if "weight" in weight.path] == [
        (3, 4),
        (8, 5),
        (5, 5),
        (5, 6),
    ]


def test_errors_repeat_what_they_got():
    with raises(ValueError, "mapping_layers=0", "w_dim", 8, "z_dim", 4):
        Mapping(z_dim=4, w_dim=4, label_size=2, mapping_layers=0)
    with raises(ValueError, "z", "[N, 4]", "[2, 5]"):
        Mapping(z_dim=4, w_dim=4, mapping_layers=1)(np.zeros((2, 5)))
    conditional = Mapping(z_dim=4, w_dim=4, label_size=2, mapping_layers=1)
    with raises(ValueError, "labels", "[N, 2]", None):
        conditional(np.zeros((2, 4)))
    with raises(ValueError, "labels", "[N, 2]", "[2, 3]"):
        conditional(np.zeros((2, 4)), np.zeros((2, 3)))
    with raises(ValueError, "mapping_nonlinearity", "swish", "lrelu", "relu"):
        Mapping(mapping_nonlinearity="swish")
