"""Noise inputs of the synthesis network."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="stylegan_tf")
class NoiseInjection(keras.layers.Layer):
    """Adds one map of noise to every channel, with a learned strength per channel (paper sec. 2, fig. 1b "B").

    Call arguments:
        x: [N, H, W, C].
        noise: [N or 1, H, W, 1] -> x + noise * weight, the shape and dtype of x.

    Reference: official `apply_noise`.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(input_shape[-1],), initializer="zeros", autocast=False)
        self.built = True

    def call(self, x, noise):
        return x + ops.cast(noise, x.dtype) * ops.cast(self.weight, x.dtype)

    def compute_output_shape(self, input_shape, noise_shape=None):
        return input_shape
