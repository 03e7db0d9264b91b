"""Our .keras files, read without keras.models.load_model: that builds whatever a file asks for, of whatever size.

The arrays are called after the attributes that hold them: `synthesis/b8_conv1/vars/0` is the first variable of
network.synthesis.b8_conv1. A model's attributes that follow "layers" in the alphabet Keras finds first in its list of
layers, and writes as `layers/<class name>/...`: the classes Mapping and Synthesis are called after their attributes, so
the component `layers` says nothing and is left out.
"""

import os
from typing import Any

import keras
import numpy as np

from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import Network, make
from stylegan_tf.weights import keras_header


def read(path: str | os.PathLike) -> Network:
    """The network in a .keras file, in float32 whatever precision it was trained in.

    Nothing is built before class, arguments and sizes are found to be those of a network of ours whose weights are all
    in the file. Every array is used once and every variable filled. Raises UserError that names the file.
    """
    with keras_header.refusing(path), keras_header.opened(path) as (config, seed, arrays):
        network = make(config, seed)
        fill(network, arrays)
        return network


def fill(network: keras.Model, arrays: dict[str, Any]) -> None:
    """Gives every variable of the network its array: path in the file -> what np.asarray takes, with shape.

    Raises UserError where an array is left over or missing, has another shape, or holds NaN or infinity.
    """
    variables = named_variables(network)
    named: dict[str, Any] = {}
    for path, array in arrays.items():
        name = "/".join(part for part in path.split("/") if part != "layers")
        if name not in variables or name in named:
            raise UserError(f"it has the array {path}, and the network no place for it")
        if tuple(array.shape) != tuple(variables[name].shape):
            raise UserError(f"its {path} has the shape {list(array.shape)}, not {list(variables[name].shape)}")
        named[name] = array
    missing = sorted(set(variables) - set(named))
    if missing:
        raise UserError(f"it has no array {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}")
    for name, array in named.items():
        numbers = np.asarray(array, np.float32)
        if not np.isfinite(numbers).all():
            raise UserError(f"its {name} holds numbers that are not finite")
        variables[name].assign(numbers)


def named_variables(layer: keras.Layer, path: str = "") -> dict[str, Any]:
    """attribute path, as in model.weights.h5 without `layers` -> variable, of a layer and all layers in it."""
    own: dict[str, Any] = {}
    layer.save_own_variables(own)
    found = {f"{path}vars/{index}": variable for index, variable in own.items()}
    # With the PyTorch backend a layer is a torch Module too, which keeps its parts in a table of its own.
    for name, child in {**vars(layer), **vars(layer).get("_modules", {})}.items():
        if isinstance(child, keras.Layer):
            found |= named_variables(child, f"{path}{name}/")
    return found
