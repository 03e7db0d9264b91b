"""LPIPS against recorded distances, and a case worked by hand."""

import formula_weights
import numpy as np
import pytest
import tensorflow as tf
from recorded import Recorded
from refusals import raises

from stylegan_tf.networks.lpips import Lpips
from stylegan_tf.weights import keras_file, metric_weights

RELATIVE = 1e-4


@pytest.fixture(scope="module")
def network():
    """With the weights of the formula and the published linear weights."""
    made = Lpips()
    shapes = {path: tuple(variable.shape) for path, variable in keras_file.named_variables(made).items()}
    state = formula_weights.vgg_state() | formula_weights.lins_state()
    keras_file.fill(made, metric_weights.lpips_arrays(state, shapes))
    return made


@pytest.mark.parametrize(("side", "others"), [(64, "bc"), (256, "b")])
def test_recorded_distances(network, side, others):
    recording = Recorded("lpips_formula")
    a, *pictures = (recording[f"{name}_{side}"].transpose(0, 2, 3, 1) for name in f"a{others}")
    for other, b in zip(others, pictures, strict=True):
        found = np.asarray(network.distance_of_pixels(a, b))
        assert found == pytest.approx(recording[f"d_a{other}_{side}"], rel=RELATIVE)
        apart = np.asarray(network.embedding_of_pixels(a)) - np.asarray(network.embedding_of_pixels(b))
        assert np.square(apart).sum(axis=1) == pytest.approx(found, rel=RELATIVE)


def test_range_and_symmetry(network):
    recording = Recorded("lpips_formula")
    a, b = (recording[f"{name}_64"][:1, :, :32, :48].transpose(0, 2, 3, 1) for name in "ab")  # no square either
    there, back = network.distance_of_pixels(a, b), network(b / np.float32(127.5) - 1, a / np.float32(127.5) - 1)
    assert np.asarray(back) == pytest.approx(np.asarray(there), rel=1e-5)
    assert float(network.distance_of_pixels(a, a)[0]) == 0


def test_by_hand():
    """Block 1 passes red and green on; red against green are unit vectors at a right angle, in half of the picture."""
    network = Lpips()
    pass_on = np.zeros((3, 3, 3, 64), np.float32)
    pass_on[1, 1, 0, 0] = pass_on[1, 1, 1, 1] = 1
    identity = np.zeros((3, 3, 64, 64), np.float32)
    identity[1, 1, range(64), range(64)] = 1
    network.conv1_1.kernel.assign(pass_on)
    network.conv1_2.kernel.assign(identity)
    lin = np.zeros(64, np.float32)
    lin[:2] = 2, 3
    network.lin0.assign(lin)
    red = np.full((1, 16, 16, 3), -1, np.float32)
    red[..., 0] = 1
    half = red.copy()
    half[:, :8] = [-1, 1, -1]
    assert float(network.distance(red, half)[0]) == pytest.approx((2 + 3) / 2)


def test_the_gradient_is_finite_where_nothing_is_seen():
    network, pictures = Lpips(), tf.zeros((1, 32, 32, 3))
    network.lin0.assign(np.ones(64))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        total = tf.reduce_sum(network.embedding_of_pixels(pictures))
    assert np.isfinite(tape.gradient(total, pictures)).all()


def test_pictures_are_scaled_per_channel():
    """Of pixels at the mean of what VGG16 saw nothing is left; one deviation above it is 1."""
    network = Lpips()
    kernel = np.zeros((3, 3, 3, 64), np.float32)
    kernel[1, 1, range(3), range(3)] = 1
    identity = np.zeros((3, 3, 64, 64), np.float32)
    identity[1, 1, range(64), range(64)] = 1
    network.conv1_1.kernel.assign(kernel)
    network.conv1_2.kernel.assign(identity)
    images = np.float32([[-0.030, -0.088, -0.188], [-0.030 + 0.458, -0.088 + 0.448, -0.188 + 0.450]])
    images = np.broadcast_to(images[:, None, None], (2, 16, 16, 3))
    found = np.asarray(next(network.layers_of(images)))
    assert found.shape == (2, 16, 16, 64)
    assert found[0, 4, 4, :4] == pytest.approx([0, 0, 0, 0], abs=1e-6)
    assert found[1, 4, 4, :4] == pytest.approx([1, 1, 1, 0], abs=1e-6)


def test_what_does_not_fit():
    network = Lpips()
    images = np.zeros((1, 32, 32, 3), np.float32)
    with raises(ValueError, "b", "[N, N, N, 3]", "[1, 32, 32, 1]"):
        network.distance(images, images[..., :1])
    with raises(ValueError, "16x16", "[1, 32, 32, 3]", "[1, 16, 32, 3]"):
        network.distance(images, images[:, :16])
    with raises(ValueError, "16x16", "[1, 8, 8, 3]"):
        network.distance(images[:, :8, :8], images[:, :8, :8])
