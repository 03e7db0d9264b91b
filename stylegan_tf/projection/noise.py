"""Noise maps that are optimised but stay noise (Karras et al. 2020, app. D)."""

from keras import ops

from stylegan_tf.ops.resample import downscale

COARSEST = 8  # pixels of a side down to which a map is looked at


def correlation(noise):
    """How far a map is from noise: squared correlations of neighbours over all its scales. [N, H, W, 1] -> [N].

    A pixel's neighbours are the one to the left and the one above, around the edges; each coarser scale is the mean of
    2x2 pixels times 2, which keeps the variance of white noise.
    """
    total = 0.0
    while True:
        for axis in (1, 2):
            total = total + ops.square(ops.mean(noise * ops.roll(noise, 1, axis=axis), axis=(1, 2, 3)))
        if noise.shape[1] <= COARSEST:
            return total
        noise = downscale(noise) * 2


def normalized(noise):
    """Mean 0 and variance 1 of every map. [N, H, W, 1] -> the same shape."""
    noise = noise - ops.mean(noise, axis=(1, 2, 3), keepdims=True)
    return noise * ops.rsqrt(ops.mean(ops.square(noise), axis=(1, 2, 3), keepdims=True))
