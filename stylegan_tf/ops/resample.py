"""Resampling without weights: the binomial blur, nearest upscaling, box downscaling. Tensors are [N, H, W, C]."""

import numpy as np
from keras import ops


def blur(x):
    """Convolves each channel with outer([1, 2, 1], [1, 2, 1]) / 16, zeros outside (official blur2d, paper sec. 2).

    x: [N, H, W, C] -> the same shape and dtype. A depthwise convolution, whose gradients are far faster on a CPU than
    those of shifted slices.
    """
    kernel = np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None] / 16
    kernel = ops.cast(np.tile(kernel, (1, 1, x.shape[-1], 1)), x.dtype)
    return ops.depthwise_conv(x, kernel, padding="same")


def upscale(x, factor: int = 2):
    """Repeats every pixel factor x factor times (official upscale2d). [N, H, W, C] -> [N, H factor, W factor, C]."""
    if factor == 1:
        return x
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height, 1, width, 1, channels))
    x = ops.tile(x, (1, 1, factor, 1, factor, 1))
    return ops.reshape(x, (-1, height * factor, width * factor, channels))


def downscale(x, factor: int = 2):
    """Mean of every factor x factor block (official downscale2d). [N, H, W, C] -> [N, H/factor, W/factor, C].

    Raises ValueError where the factor does not divide the picture.
    """
    if factor == 1:
        return x
    if x.shape[1] % factor or x.shape[2] % factor:
        raise ValueError(f"downscale by {factor} needs sides it divides, got {x.shape[1]}x{x.shape[2]}")
    return ops.average_pool(x, factor, factor)
