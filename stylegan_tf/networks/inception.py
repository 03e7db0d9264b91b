"""Inception-v3 of 2015-12-05, through which the Frechet distance looks at pictures (Szegedy et al., arXiv 1512.00567).

It is the network of the first TensorFlow release, not that of keras.applications: 1008 classes, average pools that
leave out the padding, a MAX pool in the last block's pool branch, and pictures resized as TensorFlow 1 did. Batch
norm (epsilon 0.001) is folded into the convolutions. Layers are called as in torchvision's Inception3.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from stylegan_tf.networks.stages import checked_shape

SIDE = 299  # pixels of the pictures that it was trained on
DEPTHS = (64, 192, 768, 2048)  # channels where features are taken
CLASSES = 1008

# A branch is a row of steps: a pool, or (name, filters, kernel, stride, padding); a step of two stands side by side.
_STEM: tuple[Any, ...] = (
    *(("Conv2d_1a_3x3", 32, 3, 2), ("Conv2d_2a_3x3", 32, 3, 1, "valid"), ("Conv2d_2b_3x3", 64, 3), "max2"),
    *(("Conv2d_3b_1x1", 80, 1), ("Conv2d_4a_3x3", 192, 3, 1, "valid"), "max2"),
)


def _block_a(pooled):
    """35x35."""
    return (
        (("branch1x1", 64, 1),),
        (("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        ("average", ("branch_pool", pooled, 1)),
    )


def _block_b():
    """35x35 -> 17x17."""
    return (
        (("branch3x3", 384, 3, 2),),
        (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3, 2)),
        ("max2",),
    )


def _block_c(width):
    """17x17."""
    tall, wide = (7, 1), (1, 7)
    double = (("branch7x7dbl_2", width, tall), ("branch7x7dbl_3", width, wide), ("branch7x7dbl_4", width, tall))
    return (
        (("branch1x1", 192, 1),),
        (("branch7x7_1", width, 1), ("branch7x7_2", width, wide), ("branch7x7_3", 192, tall)),
        (("branch7x7dbl_1", width, 1), *double, ("branch7x7dbl_5", 192, wide)),
        ("average", ("branch_pool", 192, 1)),
    )


def _block_d():
    """17x17 -> 8x8."""
    thin = (("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1)))
    return (
        (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2)),
        (("branch7x7x3_1", 192, 1), *thin, ("branch7x7x3_4", 192, 3, 2)),
        ("max2",),
    )


def _block_e(pool):
    """8x8."""
    halves, double_halves = (
        tuple((f"{stem}{letter}", 384, kernel) for letter, kernel in (("a", (1, 3)), ("b", (3, 1))))
        for stem in ("branch3x3_2", "branch3x3dbl_3")
    )
    return (
        (("branch1x1", 320, 1),),
        (("branch3x3_1", 384, 1), halves),
        (("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3), double_halves),
        (pool, ("branch_pool", 192, 1)),
    )


_BLOCKS = {
    **{"Mixed_5b": _block_a(32), "Mixed_5c": _block_a(64), "Mixed_5d": _block_a(64), "Mixed_6a": _block_b()},
    **{"Mixed_6b": _block_c(128), "Mixed_6c": _block_c(160), "Mixed_6d": _block_c(160), "Mixed_6e": _block_c(192)},
    **{"Mixed_7a": _block_d(), "Mixed_7b": _block_e("average"), "Mixed_7c": _block_e("max")},
}
_POOLS = {
    "average": lambda x: ops.average_pool(x, 3, 1, padding="same"),  # the mean of what lies inside the picture
    "max": lambda x: ops.max_pool(x, 3, 1, padding="same"),
    "max2": lambda x: ops.max_pool(x, 3, 2, padding="valid"),
}


def resize(images, height: int, width: int):
    """Bilinear as in TensorFlow 1 (no half-pixel centres): row i is the input's at i H / height, and no antialiasing.

    images: float [N, H, W, C] -> [N, height, width, C]. H and W must be known where a graph is made: ValueError.
    """
    if None in tuple(images.shape[1:3]):
        raise ValueError(f"height and width of the pictures must be known, got {list(images.shape)}")
    for axis, size in ((2, width), (1, height)):
        given = images.shape[axis]
        if given == size:
            continue
        at = np.arange(size, dtype=np.float32) * np.float32(given / size)
        first = np.minimum(at.astype("int32"), given - 1)
        second = np.minimum(first + 1, given - 1)
        share = np.reshape(at - first, (-1, 1, 1) if axis == 1 else (-1, 1)).astype("float32")
        low, high = (ops.take(images, index, axis=axis) for index in (first, second))
        images = low + (high - low) * share
    return images


class _Block(keras.layers.Layer):
    """Branches over the same input, their outputs one after another: [N, H, W, channels] -> [N, H', W', width]."""

    def __init__(self, branches, channels, **kwargs):
        super().__init__(autocast=False, dtype="float32", **kwargs)
        self.branches = branches
        self.width = sum(self._make(branch, channels) for branch in branches)
        self.built = True

    def _make(self, branch, channels):
        """Makes the layers of a branch; returns the channels of its output."""
        for step in branch:
            if step not in _POOLS:
                sides = step if isinstance(step[0], tuple) else (step,)
                for name, *arguments in sides:
                    setattr(self, name, _conv(name, channels, *arguments))
                channels = sum(filters for _, filters, *_ in sides)
        return channels

    def call(self, x):
        return ops.concatenate([self._run(branch, x) for branch in self.branches], axis=-1)

    def _run(self, branch, x):
        for step in branch:
            if step in _POOLS:
                x = _POOLS[step](x)
            elif isinstance(step[0], tuple):
                x = ops.concatenate([getattr(self, name)(x) for name, *_ in step], axis=-1)
            else:
                x = getattr(self, step[0])(x)
        return x


def _conv(name, channels, filters, kernel, stride=1, padding="same"):
    """A convolution, its bias, and ReLU. With a stride there is no padding."""
    padding = "valid" if stride > 1 else padding
    layer = keras.layers.Conv2D(
        filters, kernel, stride, padding, activation="relu", kernel_initializer="zeros", name=name, dtype="float32"
    )
    layer.build((None, None, None, channels))
    return layer


class Inception(keras.Model):
    """Pictures -> features. All variables exist from the start, and are zero: weights come from a file.

    Every convolution has the name that it has in torchvision's Inception3, and the variables kernel
    [height, width, in, out] and bias; `fc` is [2048, 1008] and a bias. Float32 under every policy.

    Call arguments:
        images: [N, H, W, 3], uint8, or floats from 0 to 255 -> features: [N, 2048] float32.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, dtype="float32", **kwargs)
        channels = 3
        for step in _STEM:
            if step not in _POOLS:
                name, *arguments = step
                setattr(self, name, _conv(name, channels, *arguments))
                channels = arguments[0]
        for name, branches in _BLOCKS.items():
            block = _Block(branches, channels, name=name)
            setattr(self, name, block)
            channels = block.width
        self.fc = keras.layers.Dense(CLASSES, kernel_initializer="zeros", name="fc", dtype="float32")
        self.fc.build((None, channels))
        self.built = True

    def call(self, images):
        return self.features(images)

    def features(self, images, depth=2048):
        """Means over the picture of what comes out at `depth`, one of DEPTHS: [N, H, W, 3], 0 to 255 -> [N, depth].

        After the first and the second max pool, before the last reduction (17x17), and at the end (8x8). Raises
        ValueError for another depth or shape.
        """
        if depth not in DEPTHS:
            raise ValueError(f"depth must be one of {', '.join(map(str, DEPTHS))}, got {depth!r}")
        return next(found for found in self.each_depth(images) if found.shape[-1] == depth)

    def each_depth(self, images):
        """Yields the features at each of DEPTHS as they come: [N, 64], [N, 192], [N, 768], [N, 2048]."""
        checked_shape("images", images, (None, None, None, 3))
        x = (resize(ops.cast(images, "float32"), SIDE, SIDE) - 128) / 128
        for step in _STEM:
            x = _POOLS[step](x) if step in _POOLS else getattr(self, step[0])(x)
            if step in _POOLS:
                yield ops.mean(x, axis=(1, 2))
        for name in _BLOCKS:
            x = getattr(self, name)(x)
            if name in ("Mixed_6e", "Mixed_7c"):
                yield ops.mean(x, axis=(1, 2))

    def logits(self, images, use_bias=False):
        """Of the classes: [N, H, W, 3], 0 to 255 -> [N, 1008] float32.

        Without the bias by default, as the Inception score has been computed since its first release.
        """
        logits = ops.matmul(self.features(images), self.fc.kernel)
        return logits + self.fc.bias if use_bias else logits
