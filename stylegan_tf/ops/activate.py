"""The non-linearities of the networks, by name."""

import math

import keras
from keras import ops

NONLINEARITIES = ("lrelu", "lrelu_flat", "relu")
GAIN = math.sqrt(2)  # of a layer that a non-linearity follows, for both kinds
TINY = {"float16": 2.0**-24, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}  # positive, by dtype


def leaky_relu(x):
    """x where x >= 0, else 0.2 x, with slope 1 at exactly 0 as in the official networks.

    keras.ops has slope 0.2 there. Adding a number too small to change anything but 0 makes the difference, at a third
    of the time that where(x >= 0, x, 0.2 x) and its gradients take on a CPU.
    """
    return ops.leaky_relu(x + _tiny(x), 0.2)


def leaky_relu_flat(x):
    """As leaky_relu, with slope 0.2 at exactly 0, as in config A.

    Without the number TensorFlow's optimizer would fuse it with the convolution before it, fail, and complain.
    """
    return ops.leaky_relu(x - _tiny(x), 0.2)


def _tiny(x):
    dtype = keras.backend.standardize_dtype(x.dtype)
    return ops.convert_to_tensor(TINY[dtype], dtype)


def activation(name: str):
    """The function called `name`. Raises ValueError with the choices."""
    functions = {"lrelu": leaky_relu, "lrelu_flat": leaky_relu_flat, "relu": ops.relu}
    if name not in functions:
        raise ValueError(f"nonlinearity must be one of {', '.join(NONLINEARITIES)}, got {name!r}")
    return functions[name]
