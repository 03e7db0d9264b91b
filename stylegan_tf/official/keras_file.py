"""Our .keras files, read without keras.models.load_model: that builds whatever a file asks for, of whatever size.

A .keras file is a zip archive of config.json (class and constructor arguments), metadata.json (version and date) and
model.weights.h5, whose arrays are called after the attributes that hold them: `synthesis/b8_conv1/vars/0` is the first
variable of network.synthesis.b8_conv1. A model's attributes that follow "layers" in the alphabet Keras finds first in
its list of layers, and writes as `layers/<class name>/...`: the classes Mapping and Synthesis are called after their
attributes, so the component `layers` says nothing and is left out.
"""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.mistakes import Mistake
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.official.keras_arguments import checked_arguments, least_numbers
from stylegan_tf.official.keras_arrays import plain_arrays

# registered name -> class, and the dataclass that has its constructor arguments
CLASSES: dict[str, tuple[Any, Any]] = {
    "stylegan_tf>Generator": (Generator, GeneratorConfig),
    "stylegan_tf>Discriminator": (Discriminator, DiscriminatorConfig),
}
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LONGEST_JSON = 2**16
# What the readers of zip, JSON and HDF5 raise on bytes that are not theirs.
UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, KeyError, ValueError, TypeError, NotImplementedError)


def read(path: str | os.PathLike) -> Generator | Discriminator:
    """The network in a .keras file, in float32 whatever precision it was trained in.

    Nothing is built before class, arguments and sizes are found to be those of a network of ours whose weights are all
    in the file. Every array is used once and every variable filled. Raises Mistake that names the file.
    """
    if not Path(path).is_file():
        raise Mistake(f"there is no file {path}")
    try:
        config, weights = _entries(path)
        with h5py.File(io.BytesIO(weights), "r") as file:
            return _network(config, plain_arrays(file, len(weights)))
    except Mistake as mistake:
        raise Mistake(f"{path} is no network of stylegan_tf: {mistake}") from None
    except UNREADABLE as error:
        raise Mistake(f"{path} is damaged, or no .keras file: {error}") from None


def _entries(path: str | os.PathLike) -> tuple[Any, bytes]:
    """(config.json, parsed; model.weights.h5). What is not there uncompressed takes no memory."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if set(entries) != {CONFIG, METADATA, WEIGHTS} or len(archive.infolist()) != len(entries):
            raise Mistake(f"the archive must hold {CONFIG}, {METADATA} and {WEIGHTS}, each once, and nothing else")
        for entry in entries.values():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise Mistake(f"its {entry.filename} is compressed, which Keras does not do")
        if sum(entry.file_size for entry in entries.values()) > os.path.getsize(path):
            raise Mistake("its parts declare more bytes than it has")
        if entries[CONFIG].file_size > LONGEST_JSON:
            raise Mistake(f"its {CONFIG} has {entries[CONFIG].file_size} bytes, too many for a network of ours")
        return json.loads(archive.read(CONFIG)), archive.read(WEIGHTS)


def _network(config: Any, arrays: dict[str, Any]) -> Generator | Discriminator:
    name = config.get("registered_name") if isinstance(config, dict) else None
    if not isinstance(name, str) or name not in CLASSES:
        given = config.get("class_name") if isinstance(config, dict) else None
        raise Mistake(f"its class is {given!s:.60}, not Generator or Discriminator")
    kind, arguments_of = CLASSES[name]
    arguments = checked_arguments(arguments_of, config.get("config"))
    declared, stored = 4 * least_numbers(arguments_of, arguments), sum(array.nbytes for array in arrays.values())
    if declared > stored:
        raise Mistake(f"its arguments declare weights of {declared} bytes or more, and it has {stored}")
    network = kind(**arguments, dtype="float32")
    fill(network, arrays)
    return network


def fill(network: keras.Model, arrays: dict[str, Any]) -> None:
    """Gives every variable of the network its array: path in the file -> what np.asarray takes, with shape.

    Raises Mistake where an array is left over or missing, has another shape, or holds NaN or infinity.
    """
    variables = named_variables(network)
    named: dict[str, Any] = {}
    for path, array in arrays.items():
        name = "/".join(part for part in path.split("/") if part != "layers")
        if name not in variables or name in named:
            raise Mistake(f"it has the array {path}, and the network no place for it")
        if tuple(array.shape) != tuple(variables[name].shape):
            raise Mistake(f"its {path} has the shape {list(array.shape)}, not {list(variables[name].shape)}")
        named[name] = array
    missing = sorted(set(variables) - set(named))
    if missing:
        raise Mistake(f"it has no array {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}")
    for name, array in named.items():
        numbers = np.asarray(array)
        if not np.isfinite(numbers).all():
            raise Mistake(f"its {name} holds numbers that are not finite")
        variables[name].assign(numbers)


def named_variables(layer: keras.Layer, path: str = "") -> dict[str, Any]:
    """attribute path, as in model.weights.h5 without `layers` -> variable, of a layer and all layers in it."""
    own: dict[str, Any] = {}
    layer.save_own_variables(own)
    found = {f"{path}vars/{index}": variable for index, variable in own.items()}
    for name, child in vars(layer).items():
        if isinstance(child, keras.Layer):
            found |= named_variables(child, f"{path}{name}/")
    return found
