"""Losses: logits [N, 1] -> one number per sample [N]. The step alone takes the mean, over the global minibatch."""

from collections.abc import Callable

import tensorflow as tf


def generator_wgan(fake):
    """-f (Arjovsky et al. 2017; official G_wgan). Also the generator's side of the hinge loss."""
    return -_flat(fake)


def generator_logistic_saturating(fake):
    """-softplus(f) = log(1 - sigmoid(f)) (Goodfellow et al. 2014; official G_logistic_saturating)."""
    return -tf.nn.softplus(_flat(fake))


def generator_logistic_nonsaturating(fake):
    """softplus(-f) = -log(sigmoid(f)) (Goodfellow et al. 2014; official G_logistic_nonsaturating)."""
    return tf.nn.softplus(-_flat(fake))


def discriminator_wgan(real, fake):
    """f - r (Arjovsky et al. 2017; official D_wgan without its drift term, which is penalties.drift)."""
    return _flat(fake) - _flat(real)


def discriminator_hinge(real, fake):
    """max(0, 1 + f) + max(0, 1 - r) (Lim and Ye 2017; official D_hinge)."""
    return tf.nn.relu(1 + _flat(fake)) + tf.nn.relu(1 - _flat(real))


def discriminator_logistic(real, fake):
    """softplus(f) + softplus(-r) (Goodfellow et al. 2014; official D_logistic)."""
    return tf.nn.softplus(_flat(fake)) + tf.nn.softplus(-_flat(real))


GENERATOR: dict[str, Callable] = {
    "logistic_nonsaturating": generator_logistic_nonsaturating,
    "logistic_saturating": generator_logistic_saturating,
    "wgan": generator_wgan,
}
DISCRIMINATOR: dict[str, Callable] = {
    "logistic": discriminator_logistic,
    "wgan": discriminator_wgan,
    "hinge": discriminator_hinge,
}


def _flat(logits):
    """[N, 1] -> [N]: per-sample losses and penalties must not broadcast to [N, N]."""
    return tf.reshape(logits, (-1,))
