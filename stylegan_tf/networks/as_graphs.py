"""Generators whose calls are graphs: the same numbers in less time."""

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any

import keras

from stylegan_tf.graphs import Graph
from stylegan_tf.ops.blend import is_one, truncates


class AsGraphs:
    """A network, or a step of one, that is called like it and computes the same in a graph; see graphs.Graph.

    A graph is made, in a second or so, for each stage, kind of noise (const, none, a list), cutoff, with and without
    labels, with and without truncation, at fade 1 and below it; not for other psi, fades below 1, latents, or numbers
    of pictures. Everything but calls (`z_dim`, `w_avg`, `noise_shapes()`, ...) is the network's own, and so are its
    variables: it follows their changes.

    Args:
        network: keras.Layer.
        steps: Names of its layers and methods that are to be called in the same way.
        call: The method that is called. None: the network's own `call`.
    """

    def __init__(self, network: keras.Layer, steps: tuple[str, ...] = (), call: Callable | None = None):
        self._network = network
        self._signature = inspect.signature(call or network.call)
        _, *others = self._signature.parameters
        target = call or network

        def named(value, *values):  # Keras takes nothing but tensors by position
            return target(value, **dict(zip(others, values, strict=True)))

        self._graph = Graph(network, named)
        for name in steps:
            step = getattr(network, name)
            setattr(self, name, AsGraphs(step) if isinstance(step, keras.Layer) else AsGraphs(network, call=step))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        bound = self._signature.bind(*arguments, **named)
        bound.apply_defaults()
        values = bound.arguments
        for name in values.keys() & {"psi", "fade"}:
            values[name] = _number(values[name])
        if not truncates(values.get("psi"), values.get("cutoff")):
            values |= dict.fromkeys(values.keys() & {"psi", "cutoff"})
        return self._graph(*values.values())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # also while it is being copied, when there is no network yet
            raise AttributeError(name)
        return getattr(self._network, name)


def _number(value: Any) -> Any:
    """A number as what `graphs.Graph` takes for an input, but for one, which leaves something out of the graph."""
    if is_one(value):
        return 1
    return float(value) if isinstance(value, Real) else value
