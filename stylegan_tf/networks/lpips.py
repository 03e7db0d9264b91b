"""LPIPS with VGG16, version 0.1: how different two pictures look (Zhang et al. 2018, arXiv 1801.03924).

The distance behind the perceptual path length. VGG16 is that of Simonyan and Zisserman (arXiv 1409.1556).
"""

import keras
import numpy as np
from keras import ops

from stylegan_tf.networks.stages import checked_shape

# Convolutions of VGG16 by their blocks, between which 2x2 max pools stand; each block ends in a layer that is compared.
WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = (2, 2, 3, 3, 3)
SMALLEST = 16  # pixels of a side, so that the last block has one
# What VGG16 was trained with, per channel R G B, in units of [-1, 1].
MEAN = np.array([-0.030, -0.088, -0.188], np.float32)
DEVIATION = np.array([0.458, 0.448, 0.450], np.float32)
EPSILON = 1e-10


class Lpips(keras.Model):
    """Two batches of pictures -> distances. All variables exist from the start, and are zero: weights come from a file.

    Layers are called conv<block>_<number>, from conv1_1 to conv5_3, each with a kernel [3, 3, in, out] and a bias;
    lin0 to lin4 are weights [channels] of the blocks. Float32 under every policy.

    Call arguments:
        a, b: [N, H, W, 3] in [-1, 1], 16x16 at least -> distances: [N] float32, 0 for equal pictures.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, dtype="float32", **kwargs)
        channels = 3
        for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), 1):
            for number in range(1, depth + 1):
                name = f"conv{block}_{number}"
                layer = keras.layers.Conv2D(
                    *(width, 3, 1, "same"), activation="relu", kernel_initializer="zeros", name=name, dtype="float32"
                )
                layer.build((None, None, None, channels))
                setattr(self, name, layer)
                channels = width
            lin = self.add_weight(name=f"lin{block - 1}", shape=(width,), initializer="zeros", autocast=False)
            setattr(self, f"lin{block - 1}", lin)
        self.built = True

    def call(self, a, b):
        return self.distance(a, b)

    def distance(self, a, b):
        """[N, H, W, 3] twice, in [-1, 1] -> [N]. Raises ValueError where the shapes are not that, or not the same."""
        for name, images in (("a", a), ("b", b)):
            checked_shape(name, images, (None, None, None, 3))
        if tuple(a.shape[1:]) != tuple(b.shape[1:]) or min(a.shape[1:3]) < SMALLEST:
            raise ValueError(
                f"pictures to compare must be of one size, {SMALLEST}x{SMALLEST} at least, "
                f"got {list(a.shape)} and {list(b.shape)}"
            )
        both = ops.concatenate([ops.cast(a, "float32"), ops.cast(b, "float32")])
        total = 0.0
        for block, x in enumerate(self.layers_of(both)):
            first, second = ops.split(_unit(x), 2)
            weighted = ops.sum(ops.square(first - second) * getattr(self, f"lin{block}"), axis=-1)
            total = total + ops.mean(weighted, axis=(1, 2))
        return total

    def embedding_of_pixels(self, images):
        """[N, H, W, 3] in 0..255 -> [N, F]: the summed squared difference of two is their distance."""
        parts = []
        for block, x in enumerate(self.layers_of(ops.cast(images, "float32") / 127.5 - 1)):
            weights = ops.sqrt(getattr(self, f"lin{block}") / (x.shape[1] * x.shape[2]))
            parts.append(ops.reshape(_unit(x) * weights, (-1, np.prod(x.shape[1:]))))
        return ops.concatenate(parts, axis=1)

    def distance_of_pixels(self, a, b):
        """As `distance`, of pictures whose values go from 0 to 255 (uint8 or floats)."""
        return self.distance(*(ops.cast(images, "float32") / 127.5 - 1 for images in (a, b)))

    def layers_of(self, images):
        """Yields what the last convolution of each block sees in [N, H, W, 3]: [N, H / 2^k, W / 2^k, channels]."""
        x = (images - MEAN) / DEVIATION
        for block, depth in enumerate(DEPTHS, 1):
            if block > 1:
                x = ops.max_pool(x, 2, 2, padding="valid")
            for number in range(1, depth + 1):
                x = getattr(self, f"conv{block}_{number}")(x)
            yield x


def _unit(x):
    """Divided by the norm over channels; the square of EPSILON keeps the gradient finite where all are 0."""
    return x / (ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + EPSILON**2) + EPSILON)
