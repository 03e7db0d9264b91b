"""Normalisation without weights. Statistics are float32 whatever the dtype of the input."""

from keras import ops


def pixel_norm(x, epsilon: float = 1e-8):
    """x / sqrt(mean over the last axis of x^2 + epsilon) (official pixel_norm). [..., C] -> [..., C], same dtype."""
    y = ops.cast(x, "float32")
    y = y * ops.rsqrt(ops.mean(ops.square(y), axis=-1, keepdims=True) + epsilon)
    return ops.cast(y, x.dtype)


def instance_norm(x, epsilon: float = 1e-8):
    """(x - mean) / sqrt(variance + epsilon) per sample and channel (eq. 1's normalisation, official instance_norm).

    x: [N, H, W, C], same shape and dtype out. The variance is the biased one, in two passes.
    """
    y = ops.cast(x, "float32")
    y = y - ops.mean(y, axis=(1, 2), keepdims=True)
    y = y * ops.rsqrt(ops.mean(ops.square(y), axis=(1, 2), keepdims=True) + epsilon)
    return ops.cast(y, x.dtype)
