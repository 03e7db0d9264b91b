"""Generators whose calls are graphs: the same numbers in less time."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import keras

from stylegan_tf.graphs import Graph, available
from stylegan_tf.layers.scaled_conv import UpscaleConv2D
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

        self._graph = graph_of(network, named)
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


def graph_of(network: keras.Layer, function: Callable) -> Graph:
    """`function`, which calls `network`, as a Graph in which every upscaling is fused with the convolution after it.

    Those are the same numbers up to rounding (layers.scaled_conv), with 16 multiplications for 36: 1.3 times as fast
    where nearly all time goes into convolutions. Training leaves the choice to the network's fused_scale.
    """
    if not available():
        return Graph(network, function)

    def fused(*arguments):
        with fused_upscaling(network):
            return function(*arguments)

    return Graph(network, fused)


@contextmanager
def fused_upscaling(network: keras.Layer) -> Iterator[None]:
    """Within it every upscaling of `network` is fused with the convolution after it."""
    layers = [layer for layer in network._flatten_layers() if isinstance(layer, UpscaleConv2D)]
    before = [layer.fused for layer in layers]
    try:
        for layer in layers:
            layer.fused = True
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.fused = was


def _number(value: Any) -> Any:
    """A number as what `graphs.Graph` takes for an input, but for one, which leaves something out of the graph."""
    if is_one(value):
        return 1
    return float(value) if isinstance(value, Real) else value
