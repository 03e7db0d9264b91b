"""What follows every convolution of the synthesis network, in one place."""

import keras
from keras import ops

from stylegan_tf.layers.noise import NoiseInjection
from stylegan_tf.layers.style import StyleModulation
from stylegan_tf.ops.activate import activation
from stylegan_tf.ops.normalize import instance_norm, pixel_norm


@keras.saving.register_keras_serializable(package="stylegan_tf")
class Epilogue(keras.layers.Layer):
    """noise -> bias -> non-linearity -> pixel norm? -> instance norm? -> style? (official `layer_epilogue`).

    Args:
        nonlinearity: str. "lrelu" or "relu".
        use_noise, use_pixel_norm, use_instance_norm, use_styles: bool. Which parts are there.
        use_wscale: bool. Of the style's affine part.
        seed: int. Of the style's initial weight.

    Call arguments:
        x: [N, H, W, C].
        w: [N, w_dim], unused without styles.
        noise: [N or 1, H, W, 1], or None for no noise -> the shape and dtype of x.
    """

    def __init__(
        self,
        nonlinearity="lrelu",
        use_noise=True,
        use_pixel_norm=False,
        use_instance_norm=True,
        use_styles=True,
        use_wscale=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.nonlinearity, self.use_noise, self.use_styles = nonlinearity, use_noise, use_styles
        self.use_pixel_norm, self.use_instance_norm = use_pixel_norm, use_instance_norm
        self.use_wscale, self.seed = use_wscale, seed
        self.activate = activation(nonlinearity)

    def build(self, x_shape, w_shape=None):
        channels = x_shape[-1]
        if self.use_noise:
            self.noise = NoiseInjection(name="noise", dtype=self.dtype_policy)
            self.noise.build(x_shape)
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros", autocast=False)
        if self.use_styles:
            if w_shape is None:
                raise ValueError("an Epilogue with styles needs the shape of w: build((N, H, W, C), (N, w_dim))")
            self.style = StyleModulation(channels, self.use_wscale, self.seed, name="style", dtype="float32")
            self.style.build(x_shape, w_shape)
        self.built = True

    def call(self, x, w=None, noise=None):
        if self.use_noise and noise is not None:
            x = self.noise(x, noise)
        x = self.activate(x + ops.cast(self.bias, x.dtype))
        if self.use_pixel_norm:
            x = pixel_norm(x)
        if self.use_instance_norm:
            x = instance_norm(x)
        if self.use_styles:
            x = self.style(x, w)
        return x

    def compute_output_shape(self, input_shape, w_shape=None, noise_shape=None):
        return input_shape

    def get_config(self):
        names = ("nonlinearity", "use_noise", "use_pixel_norm", "use_instance_norm", "use_styles", "use_wscale", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}
