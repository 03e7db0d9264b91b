"""Style inputs of the synthesis network."""

import keras
from keras import ops

from stylegan_tf.layers.equalized import EqualizedDense


@keras.saving.register_keras_serializable(package="stylegan_tf")
class StyleModulation(EqualizedDense):
    """x * (scale + 1) + shift, with (scale, shift) an affine function of w (paper eq. 1, fig. 1b "A").

    With the instance normalisation before it this is AdaIN. The affine part, `weight` [w_dim, 2 C] and `bias` [2 C],
    is float32 under every policy; its first half is the scale.

    Args:
        channels: int. C.
        use_wscale: bool. Equalized learning rate. Defaults to True.
        seed: int. Of the initial weight.

    Call arguments:
        x: [N, H, W, C].
        w: [N, w_dim] -> the shape and dtype of x.

    Reference: official `style_mod`.
    """

    def __init__(self, channels, use_wscale=True, seed=0, **kwargs):
        super().__init__(2 * channels, use_wscale=use_wscale, seed=seed, **kwargs)
        self.channels = channels

    def build(self, x_shape, w_shape):  # type: ignore[override]
        super().build(w_shape)

    def call(self, x, w):  # type: ignore[override]
        scale, shift = ops.split(ops.reshape(super().call(w), (-1, 1, 1, 2 * self.channels)), 2, axis=-1)
        return x * ops.cast(scale + 1, x.dtype) + ops.cast(shift, x.dtype)

    def compute_output_shape(self, input_shape, w_shape=None):
        return input_shape

    def get_config(self):
        config = super().get_config()
        return {key: config[key] for key in config if key not in {"units", "gain", "lrmul", "use_bias"}} | {
            "channels": self.channels
        }
