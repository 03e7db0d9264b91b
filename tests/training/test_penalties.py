import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.training.penalties import drift, gradient_norm, logits_and_gradient, squared_norm, wgan_gp

SLOPES = np.float32([[1, -2], [2, 4]])[:, :, None]  # of a linear discriminator of 2x2 pictures: |.|^2 = 25


def near(values):
    return pytest.approx(np.asarray(values), abs=tolerances.BY_HAND)


def linear(images):
    return tf.reduce_sum(images * SLOPES, axis=(1, 2, 3))[:, None]


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_gradient_of_a_linear_discriminator(scale):
    images = tf.ones((3, 2, 2, 1))
    logits, gradient = logits_and_gradient(linear, images, scale)
    assert np.asarray(logits) == near([[5]] * 3)
    assert np.asarray(gradient) == near([SLOPES] * 3)


def test_samples_that_are_coupled_are_differentiated_as_a_sum():
    def coupled(images):  # both logits are the product of the two pictures
        product = images[0, 0, 0, 0] * images[1, 0, 0, 0]
        return tf.stack([product, product])[:, None]

    _, gradient = logits_and_gradient(coupled, tf.constant([[[[3.0]]], [[[5.0]]]]))
    assert np.asarray(gradient).ravel() == near([2 * 5, 2 * 3])


def test_the_gradient_can_be_differentiated_again():
    factor, images = tf.Variable(3.0), tf.ones((2, 2, 2, 1))
    with tf.GradientTape() as tape:
        _, gradient = logits_and_gradient(lambda x: factor * linear(x), images)
        total = tf.reduce_sum(squared_norm(gradient))  # 2 x 25 factor^2
    assert float(tape.gradient(total, factor)) == pytest.approx(2 * 25 * 2 * 3, abs=1e-3)


@pytest.mark.parametrize(("halvings", "squared", "norm"), [(0, 25, 5), (1, 25 / 4, 5 / 2), (3, 25 / 64, 5 / 8)])
def test_norms_are_those_of_the_full_resolution_picture(halvings, squared, norm):
    gradient = tf.constant(SLOPES)[None]
    assert np.asarray(squared_norm(gradient, halvings)) == near([squared])
    assert np.asarray(gradient_norm(gradient, halvings)) == near([norm])


def test_nearest_upscaling_explains_the_factor():
    """A pixel that the official code shows as 2x2 equal ones has a gradient of a quarter on each."""
    gradient = np.repeat(np.repeat(SLOPES[None] / 4, 2, axis=1), 2, axis=2)
    assert np.asarray(squared_norm(gradient)) == near(squared_norm(SLOPES[None], halvings=1))


def test_wgan_gp():
    assert np.asarray(wgan_gp(tf.constant([0.0, 1.0, 3.0]))) == near([1, 0, 4])
    assert np.asarray(wgan_gp(tf.constant([0.0, 2.0, 3.0]), target=2.0)) == near([1, 0, 0.25])


def test_drift():
    assert np.asarray(drift(tf.constant([[3.0], [-2.0]]))).tolist() == [9, 4]
