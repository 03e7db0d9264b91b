"""What the networks have in common: a dataclass as their signature, layers added by name, stages, labels."""

import difflib
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, fields
from typing import Any, ClassVar

import keras
from keras import ops

from stylegan_tf.configs.options import problems
from stylegan_tf.configs.schema import NetworkConfig
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.layers.equalized import EqualizedDense
from stylegan_tf.networks.as_graphs import fused_upscaling
from stylegan_tf.networks.stages import ShapeError, checked_shape, checked_stage, seed_of, used_at
from stylegan_tf.ops.activate import GAIN

# How units of layers are computed: run(function, variables, *tensors). None: function(*tensors).
_run_unit: ContextVar[Callable | None] = ContextVar("run_unit", default=None)
KERAS_OWN = ("name", "trainable", "dtype")  # arguments that every Keras layer has


class GrowingNetwork(keras.Model):
    """A network made from a dataclass of options, of which there are pictures, or logits, at every stage.

    Its layers are called b<resolution>_<official name>. All variables exist from the start, also those of stages that
    are not trained yet: names and shapes never depend on how far a training has come. Every field of the dataclass is
    an attribute of the network too (`network.resolution`).

    Args:
        config: Dataclass of configs.schema, `CONFIG` of the class: it documents all options. None: the defaults.
        seed: int. Of the initial weights and the stored noise.
        **keywords: Single fields, which replace those of `config`, and Keras's own `name`, `trainable`, `dtype`.

    Call arguments that all of them share:
        z: [N, z_dim].
        labels: one-hot float [N, label_size]; None where label_size is 0.
        images: [N, 2^stage, 2^stage, num_channels] float32, about [-1, 1].
        stage: int or None. log2 of the resolution; None: the final one.
        fade: float or scalar tensor. Weight of the finest branch; below 1 that of the stage before shows through.

    Raises TypeError for an unknown keyword or another dataclass, ValueError for options that cannot be.
    """

    CONFIG: ClassVar[type[NetworkConfig]] = NetworkConfig

    def __init__(self, config: NetworkConfig | None = None, seed: int = 0, **keywords: Any):
        if config is not None and not isinstance(config, self.CONFIG):
            raise TypeError(f"{type(self).__name__} is made from a {self.CONFIG.__name__}, not from {config!r}")
        own = {name: keywords.pop(name) for name in KERAS_OWN if name in keywords}
        known = [each.name for each in fields(self.CONFIG)]
        for name in keywords:
            if name not in known:
                near = difflib.get_close_matches(name, [*known, "seed", *KERAS_OWN], n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise TypeError(f"{type(self).__name__} has no argument {name}{hint}")
        config = self.CONFIG(**(asdict(config) if config else {}) | keywords)
        if wrong := problems(config, decided=True):
            raise ValueError("; ".join(wrong))
        super().__init__(autocast=False, **own)
        self.config, self.seed = config, seed
        for name in known:
            setattr(self, name, getattr(config, name))
        self.last_stage = stage_of(self.resolution)
        self._add_layers()
        self.built = True

    def _add_layers(self) -> None:
        """Makes and builds all layers."""
        raise NotImplementedError

    def _add(self, name, kind, width, fan_in, **arguments):
        """See add_layer."""
        add_layer(self, name, kind, width, fan_in, use_wscale=self.use_wscale, **arguments)

    def _unit(self, layers, function, *tensors):
        """function(*tensors): what these layers make of each picture by itself, [n, ...] -> [n, ...] of the same dtype.

        layers: Names. See units_by.
        """
        run = _run_unit.get()
        if run is None:
            return function(*tensors)
        variables = [variable for layer in layers for variable in getattr(self, layer).trainable_variables]
        return run(function, variables, *tensors)

    def width(self, stage):
        """Channels of the layers at 2^stage."""
        return self.config.width(stage)

    def variables_at(self, stage):
        """Trainable variables that the output of a stage, fading or not, depends on."""
        return [variable for variable in self.trainable_variables if used_at(variable.path, stage)]

    def _checked_stage(self, stage):
        return checked_stage(stage, self.last_stage)

    def _checked_labels(self, labels):
        """labels as float32, [N, label_size]. Raises ShapeError for another shape and for None."""
        if labels is None:
            raise ShapeError(f"the network is conditional: labels must have the shape [N, {self.label_size}], got None")
        checked_shape("labels", labels, (None, self.label_size))
        return ops.cast(labels, "float32")

    def as_functional(self, **arguments: Any) -> keras.Model:
        """The network as a functional model of tensors alone: z, ws or images (and labels, where there are classes).

        arguments: Others of a call, such as psi=0.7 or stage=5, which are fixed. Without a stage D takes final images.
        """
        first, *others = inspect.signature(self.call).parameters
        side = 2 ** self._checked_stage(arguments.get("stage"))
        shape = {
            "z": lambda: (self.z_dim,),
            "ws": lambda: (self.num_layers, self.w_dim),
            "images": lambda: (side, side, self.num_channels),
        }[first]()
        inputs = [keras.Input(shape, name=first)]
        if self.label_size and "labels" in others:
            inputs.append(keras.Input((self.label_size,), name="labels"))
        return keras.Model(inputs, self(*inputs, **arguments))

    def export(self, filepath: str | os.PathLike, format: str = "tf_saved_model", **arguments: Any) -> None:
        """Writes `as_functional` for other programs, by Keras's Model.export: onnx, tf_saved_model, litert.

        arguments: Those of a call, and those of Model.export. What becomes of D takes whole groups of its minibatch
            deviation.
        """
        fixed = {name: arguments.pop(name) for name in inspect.signature(self.call).parameters if name in arguments}
        with fused_upscaling(self):  # fewer multiplications for the same numbers
            model = self.as_functional(**fixed)
            model([ops.zeros((1, *each.shape[1:])) for each in model.inputs])  # Keras asks for a call before
            model.export(filepath, format=format, **arguments)

    def get_config(self):
        return super().get_config() | asdict(self.config) | {"seed": self.seed}


@contextmanager
def units_by(run: Callable | None) -> Iterator[None]:
    """Within it networks compute their units of layers by run(function, variables, *tensors); None: as they are.

    A unit is what is worth computing again in place of keeping it, such as a block of the discriminator.
    """
    token = _run_unit.set(run)
    try:
        yield
    finally:
        _run_unit.reset(token)


def add_layer(network, name, kind, width, fan_in, gain=GAIN, **arguments):
    """Makes an equalized layer of the class `kind`, with a seed of its own, builds it, and sets it as an attribute.

    gain: GAIN where a non-linearity follows, else 1. Dense layers are float32 under every policy.
    """
    dtype = "float32" if kind is EqualizedDense else network.dtype_policy
    layer = kind(width, seed=seed_of(network.seed, name), name=name, dtype=dtype, gain=gain, **arguments)
    layer.build((None, fan_in) if kind is EqualizedDense else (None, None, None, fan_in))
    setattr(network, name, layer)
