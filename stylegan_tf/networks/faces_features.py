"""A small network that looks at faces: 40 attributes at once, and what it sees on the way, for metrics."""

import keras
import numpy as np
from keras import ops

from stylegan_tf.layers.equalized import EqualizedConv2D, EqualizedDense
from stylegan_tf.layers.scaled_conv import DownscaleConv2D
from stylegan_tf.networks.growing import add_layer
from stylegan_tf.networks.stages import checked_shape
from stylegan_tf.ops.activate import leaky_relu_flat
from stylegan_tf.ops.resample import downscale

RESOLUTION = 32
BLOCKS = (32, 16, 8)  # sides of the pictures in the blocks; each ends at half its side
EPSILON = 1e-10  # added to the norms over channels, as in LPIPS


class FacesFeatures(keras.Model):
    """pictures -> logits of attributes; the blocks are those of Progressive GAN's discriminator.

    Args:
        widths: four ints. Channels at 32x32, 16x16, 8x8 and 4x4.
        num_features: int. Width of the last hidden layer, which are the features.
        num_attributes: int. Logits.
        seed: int. Of the initial weights.

    Call arguments:
        images: [N, 32, 32, 3] in [-1, 1] -> logits [N, num_attributes] float32, positive where it is present.
    """

    def __init__(self, widths=(16, 32, 48, 64), num_features=64, num_attributes=40, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths, self.num_features, self.num_attributes = tuple(widths), num_features, num_attributes
        self.seed = seed
        add_layer(self, "b32_from_rgb", EqualizedConv2D, self.widths[0], 3, kernel_size=1)
        for side, width, coarser in zip(BLOCKS, self.widths, self.widths[1:], strict=False):
            add_layer(self, f"b{side}_conv0", EqualizedConv2D, width, width, kernel_size=3)
            add_layer(self, f"b{side}_conv1_down", DownscaleConv2D, coarser, width, kernel_size=3)
        add_layer(self, "b4_conv", EqualizedConv2D, self.widths[3], self.widths[3], kernel_size=3)
        add_layer(self, "b4_dense0", EqualizedDense, num_features, self.widths[3] * 16)
        add_layer(self, "b4_dense1", EqualizedDense, num_attributes, num_features, gain=1.0)
        self.built = True

    def call(self, images):
        checked_shape("images", images, (None, RESOLUTION, RESOLUTION, 3))
        return self.b4_dense1(self._hidden(images))

    def features(self, images):
        """The last hidden layer. images: [N, H, W, 3] in 0..255, H = W a multiple of 32 -> [N, num_features]."""
        checked_shape("images", images, (None, None, None, 3))
        images = _scaled(images)
        if images.shape[1:3] != (RESOLUTION, RESOLUTION):
            raise ValueError(f"images must be squares of a multiple of {RESOLUTION}, got {list(images.shape)}")
        return self._hidden(images)

    def distance(self, a, b):
        """How different two pictures look, as LPIPS measures it (Zhang et al. 2018, eq. 1) with all weights 1.

        Unit-normalised over channels, squared difference, summed over channels, spatial mean, summed over the
        convolutions. a, b: [N, H, W, 3] in 0..255, H and W multiples of 8; from 64 up averaged to about 32 -> [N].
        """
        total = 0.0
        for one, other in zip(self._activations(_scaled(a)), self._activations(_scaled(b)), strict=True):
            squared = ops.square(_unit(one) - _unit(other))
            total = total + ops.mean(ops.sum(squared, axis=-1), axis=(1, 2))
        return total

    def embedding(self, images):
        """[N, H, W, 3] as those of `distance` -> [N, F]: the summed squared difference of two is their distance."""
        maps = [_unit(each) / (each.shape[1] * each.shape[2]) ** 0.5 for each in self._activations(_scaled(images))]
        return ops.concatenate([ops.reshape(each, (-1, np.prod(each.shape[1:]))) for each in maps], axis=1)

    def _hidden(self, images):
        x = self._activations(images)[-1]
        x = ops.reshape(ops.cast(x, "float32"), (-1, 16 * self.widths[3]))
        return leaky_relu_flat(self.b4_dense0(x))

    def _activations(self, images):
        """After every convolution of 3x3. [N, H, W, 3] in [-1, 1] -> seven of [N, h, w, C]."""
        x = leaky_relu_flat(self.b32_from_rgb(ops.cast(images, self.compute_dtype)))
        found = []
        for name in [f"b{side}_{conv}" for side in BLOCKS for conv in ("conv0", "conv1_down")] + ["b4_conv"]:
            x = leaky_relu_flat(getattr(self, name)(x))
            found.append(x)
        return found

    def get_config(self):
        names = ("widths", "num_features", "num_attributes", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _scaled(pictures):
    """[N, H, W, 3] in 0..255 -> [-1, 1], averaged by H // 32 where they are larger."""
    pictures = ops.cast(pictures, "float32") / 127.5 - 1
    return downscale(pictures, max(1, pictures.shape[1] // RESOLUTION))


def _unit(x):
    """Divided by the norm over channels."""
    x = ops.cast(x, "float32")
    return x / (ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + EPSILON**2) + EPSILON)
