"""Small networks for the metrics: generators whose pictures are known, a feature network, a perceptual distance."""

import functools

import numpy as np
import tensorflow as tf
import tiny

CLASSES = 6


@functools.cache
def noisy_G(**changes):
    """A generator of 16x16 pictures whose noise has its full strength. Tests leave its weights as they are."""
    from stylegan_tf.networks.generator import Generator

    arguments = {"resolution": 16, "fmap_base": 32, "fmap_max": 8, "z_dim": 8, "w_dim": 8}
    G = Generator(**arguments, mapping_layers=2, mapping_fmaps=8, **changes)
    tiny.unsettle(G)
    return G


@functools.cache
def progan():
    """Config A at 16x16."""
    from stylegan_tf.networks.progan import ProganGenerator

    return ProganGenerator(resolution=16, fmap_base=32, fmap_max=8, z_dim=8)


class Pixels:
    """A feature network: means of 4x4 blocks, mixed by a fixed matrix."""

    name, digest = "pixels", "11" * 32

    def __init__(self, size=5):
        self.mix = np.random.RandomState(7).standard_normal((48, size)).astype(np.float32)

    def __call__(self, pictures):
        assert pictures.dtype == tf.uint8
        x = tf.nn.avg_pool2d(tf.cast(pictures, tf.float32), pictures.shape[1] // 4, pictures.shape[1] // 4, "VALID")
        return tf.tanh(tf.reshape(x, (-1, 48)) / 128 - 1) @ self.mix


def squared_distance(a, b):
    """Mean of (a - b)^2 over a picture."""
    return tf.reduce_mean((a - b) ** 2, axis=(1, 2, 3))


class Painter:
    """A generator without weights: mapping w = 2 z, and a picture whose row y is filled with w[y] (with z[y] in config
    A's place). Everything beyond the latents is 0."""

    def __init__(self, z_dim=4, resolution=8, num_channels=3, label_size=0):
        self.z_dim, self.resolution, self.num_channels, self.label_size = z_dim, resolution, num_channels, label_size
        self.synthesis = _Painting(z_dim, resolution, num_channels)

    def mapping(self, z, labels=None):
        return 2 * z

    def broadcast(self, w):
        return tf.tile(w[:, None], (1, 2, 1))


class _Painting:
    def __init__(self, w_dim, resolution, num_channels):
        self.w_dim, self.resolution, self.num_channels = w_dim, resolution, num_channels

    def noise_shapes(self, stage=None):
        return []

    def __call__(self, ws, noise="const", stage=None, fade=1.0):
        side = self.resolution
        rows = tf.pad(ws[:, 0], [[0, 0], [0, side - self.w_dim]])
        return tf.tile(rows[:, :, None, None], (1, 1, side, self.num_channels))
