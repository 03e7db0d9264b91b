"""Penalties of the discriminator: one number per sample [N].

The official code shows the discriminator pictures of the final resolution at every stage, the coarse ones upscaled.
Here pictures are kept at 2^stage, so that a pixel stands for 4^k of the official ones, k = (final stage - stage):
squared gradient norms shrink by 4^-k and norms by 2^-k to be what the official code computes.
"""

from collections.abc import Callable

import tensorflow as tf


def logits_and_gradient(discriminate: Callable, images, scale=1.0):
    """D's logits [N, 1] and d sum(logits) / d images [N, H, W, C], both differentiable once more.

    The gradient is that of the sum, because the minibatch deviation couples the samples. scale: the loss scale, by
    which the inner gradient is multiplied on its way so that float16 does not flush it to zero.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = discriminate(images)
        total = tf.reduce_sum(logits) * scale
    return logits, tape.gradient(total, images) / scale


def squared_norm(gradient, halvings: int = 0):
    """|gradient|^2 of the official full-resolution picture: the R1 and R2 penalties before their weight gamma / 2.

    gradient: [N, H, W, C] -> [N]. halvings: k above. (Mescheder et al. 2018 eq. 9; official D_logistic_simplegp.)
    """
    return tf.reduce_sum(tf.square(gradient), axis=(1, 2, 3)) * 0.25**halvings


def gradient_norm(gradient, halvings: int = 0):
    """|gradient| of the official full-resolution picture. [N, H, W, C] -> [N]."""
    return tf.sqrt(squared_norm(gradient, halvings))


def wgan_gp(norms, target: float = 1.0):
    """((|gradient| - target) / target)^2, before its weight (Gulrajani et al. 2017; official D_wgan_gp). [N] -> [N]."""
    return tf.square(norms - target) / target**2


def drift(real):
    """r^2, keeps the logits of the reals near 0 (Karras et al. 2017 app. A.1; official wgan_epsilon). [N, 1] -> [N]."""
    return tf.square(tf.reshape(real, (-1,)))
