"""Convolutions that double or halve the resolution, in one fused step or in two separate ones with the same numbers.

The stored kernel is the one of a plain 3x3 convolution (cross-correlation) in either form. The official fused
upscaling is a transposed convolution, which turns the kernel by 180 degrees: official files are turned back when they
are read (weights/names.py), so here the choice is one of speed only.
"""

import keras
from keras import ops

from stylegan_tf.layers.equalized import EqualizedConv2D
from stylegan_tf.ops.resample import downscale, upscale


class _ScaledConv2D(EqualizedConv2D):
    """What both directions share: `fused` as a constructor argument."""

    def __init__(self, filters, kernel_size=3, fused=True, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        self.fused = fused

    def get_config(self):
        return super().get_config() | {"fused": self.fused}


@keras.saving.register_keras_serializable(package="stylegan_tf")
class UpscaleConv2D(_ScaledConv2D):
    """Nearest upscaling by 2, then EqualizedConv2D; arguments as there.

    fused: bool. One transposed convolution with the 4x4 kernel that sums the four 2x2-shifted copies: 16
    multiplications per input pixel and pair of channels instead of 36. Defaults to True.

    Call arguments:
        x: [N, H, W, C] -> [N, 2 H, 2 W, filters].

    Reference: official `upscale2d_conv2d`.
    """

    def convolve(self, x):
        if not self.fused:
            return super().convolve(upscale(x))
        # ops.conv_transpose convolves: turning the kernel makes it correlate. Its kernel is [kh, kw, out, in].
        kernel = spread(ops.flip(self.kernel(), axis=(0, 1)))
        kernel = ops.cast(ops.transpose(kernel, (0, 1, 3, 2)), self.compute_dtype)
        return ops.conv_transpose(x, kernel, strides=2, padding="same")

    def compute_output_shape(self, input_shape):
        count, height, width, _ = input_shape
        return (count, height * 2, width * 2, self.filters)


@keras.saving.register_keras_serializable(package="stylegan_tf")
class DownscaleConv2D(_ScaledConv2D):
    """EqualizedConv2D's convolution, then the mean of 2x2 blocks, then the bias; arguments as there.

    fused: bool. One convolution of stride 2 with the 4x4 kernel that averages the four 2x2-shifted copies. Defaults to
    True.

    Call arguments:
        x: [N, H, W, C] -> [N, H/2, W/2, filters].

    Reference: official `conv2d_downscale2d`.
    """

    def convolve(self, x):
        if not self.fused:
            return downscale(super().convolve(x))
        return ops.conv(x, ops.cast(spread(self.kernel()) * 0.25, self.compute_dtype), strides=2, padding="same")

    def compute_output_shape(self, input_shape):
        count, height, width, _ = input_shape
        return (count, height // 2, width // 2, self.filters)


def spread(kernel):
    """Sum of four copies of a kernel shifted by 0 or 1 in both directions. [k, k, in, out] -> [k+1, k+1, in, out].

    By padding, whose gradient is a slice: the gradient of Python's slices took a tenth of a training step on a CPU.
    """
    for axis in (0, 1):
        before, after = ([shift if at == axis else (0, 0) for at in range(4)] for shift in ((1, 0), (0, 1)))
        kernel = ops.pad(kernel, before) + ops.pad(kernel, after)
    return kernel
