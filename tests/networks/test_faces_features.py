"""The network that looks at faces: its features and distances."""

import numpy as np
import pytest
from refusals import raises

from stylegan_tf.networks.faces_features import FacesFeatures

SMALL = {"widths": (4, 4, 6, 6), "num_features": 5, "num_attributes": 3}


@pytest.fixture(scope="module")
def network():
    return FacesFeatures(**SMALL, seed=2)


def pictures(count=2, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, [count, side, side, 3]).astype(np.uint8)


def test_shapes(network):
    images = pictures().astype(np.float32) / 127.5 - 1
    assert network(images).shape == (2, 3)
    assert network.features(pictures()).shape == (2, 5)
    assert network.distance(pictures(), pictures(seed=1)).shape == (2,)


def test_logits_are_made_of_the_features(network):
    logits = network(pictures().astype(np.float32) / 127.5 - 1)
    weight = np.asarray(network.b4_dense1.weight) * network.b4_dense1.coefficient
    expected = np.asarray(network.features(pictures())) @ weight + np.asarray(network.b4_dense1.bias)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_larger_pictures_are_averaged_to_32(network):
    large = pictures().repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_allclose(network.features(large), network.features(pictures()), rtol=1e-4, atol=1e-5)
    other = pictures(seed=1)
    expected = network.distance(pictures(), other)
    found = network.distance(large, other.repeat(4, axis=1).repeat(4, axis=2))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_distance_is_one(network):
    a, b = pictures().astype(np.float32), pictures(seed=1).astype(np.float32)
    assert np.asarray(network.distance(a, a)).tolist() == [0, 0]
    there = np.asarray(network.distance(a, b))
    np.testing.assert_allclose(there, network.distance(b, a), rtol=1e-6)
    apart = np.asarray(network.embedding(a)) - np.asarray(network.embedding(b))
    np.testing.assert_allclose(np.square(apart).sum(axis=1), there, rtol=1e-5)
    near = np.asarray(network.distance(a, np.clip(a + 4, 0, 255)))
    assert (near > 0).all() and (near < there / 4).all()


def test_distance_by_hand():
    """The first layer is made to pass the channels on, and the others to be equal everywhere: only it counts."""
    network = FacesFeatures(**SMALL)
    for variable in network.variables:
        variable.assign(np.zeros(variable.shape))
    passing = np.zeros((1, 1, 3, 4), np.float32)
    passing[0, 0, 0, 0] = passing[0, 0, 1, 1] = 1
    network.b32_from_rgb.weight.assign(passing / network.b32_from_rgb.coefficient)
    centre = np.zeros((3, 3, 4, 4), np.float32)
    centre[1, 1] = np.eye(4)
    network.b32_conv0.weight.assign(centre / network.b32_conv0.coefficient)
    one, other = np.full((1, 32, 32, 3), 127.5, np.float32), np.full((1, 32, 32, 3), 127.5, np.float32)
    one[..., 0], other[..., 1] = 255, 255  # unit vectors (1, 0) and (0, 1), at a squared distance of 2
    other[0, 16:] = one[0, 16:]  # in half of the picture
    np.testing.assert_allclose(network.distance(one, other), [1.0], rtol=1e-5)


def test_crops_have_a_distance_but_no_features(network):
    crop = pictures()[:, 12:28, 8:24]
    assert np.isfinite(network.distance(crop, crop[::-1])).all()
    with raises(ValueError, "images", 32, "[2, 16, 16, 3]"):
        network.features(crop)


def test_wrong_shapes(network):
    with raises(ValueError, "images", "[N, 32, 32, 3]", "[2, 16, 16, 3]"):
        network(np.zeros((2, 16, 16, 3), np.float32))
    with raises(ValueError, "images", "[N, N, N, 3]", "[2, 32, 32, 1]"):
        network.features(np.zeros((2, 32, 32, 1), np.float32))


def test_config_round_trip(network):
    again = FacesFeatures.from_config(network.get_config())
    assert [variable.shape for variable in again.variables] == [variable.shape for variable in network.variables]
    assert np.array_equal(again.features(pictures()), network.features(pictures()))


def test_bfloat16(network):
    mixed = FacesFeatures(**SMALL, seed=2, dtype="mixed_bfloat16")
    assert {variable.dtype for variable in mixed.variables} == {"float32"}
    np.testing.assert_allclose(mixed.features(pictures()), network.features(pictures()), rtol=0.1, atol=0.05)
