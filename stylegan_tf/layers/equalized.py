"""Dense and convolution layers with the equalized learning rate (Karras et al. 2017 sec. 4.1)."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="stylegan_tf")
class EqualizedDense(keras.layers.Layer):
    """x @ weight * coefficient + bias * lrmul.

    The stored weight has deviation 1 / lrmul and is multiplied by gain / sqrt(fan_in) * lrmul when it is used, so that
    Adam, which is scale invariant, learns every layer at the same relative speed, times lrmul.

    Args:
        units: int. Width of the output.
        gain: float. sqrt(2) where a non-linearity follows, else 1.
        lrmul: float. Learning-rate multiplier. Defaults to 1.
        use_wscale: bool. False: the coefficient is in the initial weight instead. Defaults to True.
        use_bias: bool. Defaults to True.
        seed: int. Of the initial weight.

    Call arguments:
        x: [N, fan_in] -> [N, units].

    Reference: official `dense`, `get_weight`, `apply_bias`.
    """

    def __init__(self, units, gain=1.0, lrmul=1.0, use_wscale=True, use_bias=True, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.units, self.gain, self.lrmul, self.seed = units, gain, lrmul, seed
        self.use_wscale, self.use_bias = use_wscale, use_bias

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.weight, self.coefficient = equalized_weight(self, shape, self.gain, self.lrmul, self.use_wscale, self.seed)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros", autocast=False)
        self.built = True

    def call(self, x):
        x = ops.matmul(ops.cast(x, self.compute_dtype), ops.cast(self.weight * self.coefficient, self.compute_dtype))
        if self.use_bias:
            x = x + ops.cast(self.bias * self.lrmul, self.compute_dtype)
        return x

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        names = ("units", "gain", "lrmul", "use_wscale", "use_bias", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="stylegan_tf")
class EqualizedConv2D(keras.layers.Layer):
    """Convolution with stride 1 and SAME zero padding, equalized learning rate, optional bias.

    Args:
        filters: int. Channels of the output.
        kernel_size: int. 1 or 3 in these networks.
        gain: float. sqrt(2) where a non-linearity follows, else 1.
        use_wscale: bool. False: the coefficient is in the initial weight instead. Defaults to True.
        use_bias: bool. Defaults to True.
        seed: int. Of the initial weight.

    Call arguments:
        x: [N, H, W, C] -> [N, H, W, filters].

    Reference: official `conv2d`.
    """

    def __init__(self, filters, kernel_size, gain=1.0, use_wscale=True, use_bias=True, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.filters, self.kernel_size, self.gain, self.seed = filters, kernel_size, gain, seed
        self.use_wscale, self.use_bias = use_wscale, use_bias

    def build(self, input_shape):
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.weight, self.coefficient = equalized_weight(self, shape, self.gain, 1.0, self.use_wscale, self.seed)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros", autocast=False)
        self.built = True

    def kernel(self):
        """The kernel that is used, [kh, kw, in, out] float32."""
        return self.weight * self.coefficient

    def convolve(self, x):
        """The linear part. x: [N, H, W, C] in the compute dtype."""
        return ops.conv(x, ops.cast(self.kernel(), self.compute_dtype), padding="same")

    def call(self, x):
        x = self.convolve(ops.cast(x, self.compute_dtype))
        if self.use_bias:
            x = x + ops.cast(self.bias, self.compute_dtype)
        return x

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        names = ("filters", "kernel_size", "gain", "use_wscale", "use_bias", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


def equalized_weight(layer, shape, gain, lrmul, use_wscale, seed):
    """Adds the trainable `weight` to a layer; returns it and the coefficient that it is multiplied by when used.

    fan_in is the product of all dimensions but the last.
    """
    he = gain / math.sqrt(math.prod(shape[:-1]))
    stored, coefficient = (1 / lrmul, he * lrmul) if use_wscale else (he / lrmul, lrmul)
    initializer = keras.initializers.RandomNormal(0.0, stored, seed=seed)
    return layer.add_weight(name="weight", shape=shape, initializer=initializer, autocast=False), coefficient
