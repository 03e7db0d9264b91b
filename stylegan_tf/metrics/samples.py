"""The fakes that a metric looks at: sample i is a function of (seed, i), whatever the batch and the replicas.

A metric writes down what happens to some rows of a batch on one replica; `each_batch` runs that on every replica.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.metrics.definitions import OTHER_CHANNELS
from stylegan_tf.networks.sampling import has_w
from stylegan_tf.networks.stages import num_layers
from stylegan_tf.ops.blend import mix_styles
from stylegan_tf.ops.resample import upscale

OnProgress = Callable[[str, int, int], None]  # what is counted, how many are done, of how many
Graphs = dict[Hashable, Callable]  # by what they compute, and of which shapes


def silent(what: str, done: int, total: int) -> None:
    """Where nobody wants to know how far it is."""


@dataclass(frozen=True)
class Fakes:
    """A generator, and how its pictures are drawn: no truncation, fresh noise.

    Gs: networks.generator.Generator or networks.progan.ProganGenerator, made in the scope of `replicas`.
    batch: pictures at once on each replica.
    labels: [M, label_size] float32; each sample takes a random row. None: all zeros, as the official metrics do.
    stage, fade: how far the network was trained. Its pictures are upscaled to the final resolution.
    graphs: what was traced so far. Fakes of the same Gs, replicas, seed and table of labels may share it, and then
        nothing is traced twice, however the weights change in between.
    """

    Gs: Any
    replicas: Replicas
    seed: int = 0
    batch: int = 8
    labels: np.ndarray | None = None
    stage: int | None = None
    fade: float = 1.0
    on_progress: OnProgress = silent
    graphs: Graphs = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        if self.Gs.num_channels not in (1, 3):
            raise UserError(OTHER_CHANNELS.format(self.Gs.num_channels))
        if self.batch < 1:
            raise UserError(f"the batch of a metric must be 1 at least, got {self.batch}")
        if self.labels is not None and self.labels.shape[1:] != (self.Gs.label_size,):
            raise UserError(
                f"the network takes labels of {self.Gs.label_size} numbers, the given ones are of "
                f"{' x '.join(map(str, self.labels.shape[1:]))}"
            )


# --- on one replica; n = rows.count


def latents(fakes: Fakes, purpose: str, first, rows: Rows) -> tf.Tensor:
    """z ~ N(0, 1) of the samples first + rows. -> [n, z_dim]."""
    return draws.normal(fakes.seed, f"metric {purpose}", first, rows, (fakes.Gs.z_dim,))


def label_rows(fakes: Fakes, first, rows: Rows) -> tf.Tensor | None:
    """Labels of the samples: zeros, or random rows of fakes.labels. -> [n, label_size], None without labels."""
    size = fakes.Gs.label_size
    if not size:
        return None
    if fakes.labels is None:
        return tf.zeros((rows.count, size))
    count = len(fakes.labels)
    number = tf.cast(draws.uniform(fakes.seed, "metric labels", first, rows) * count, tf.int64)
    return tf.gather(tf.convert_to_tensor(fakes.labels, tf.float32), tf.minimum(number, count - 1))


def noise_of(fakes: Fakes, first, rows: Rows) -> list[tf.Tensor]:
    """Noise of every layer, new for each sample. [[n, H, W, 1], ...]; empty for a network without."""
    if not has_w(fakes.Gs):
        return []
    shapes = fakes.Gs.synthesis.noise_shapes(fakes.stage)
    return [draws.normal(fakes.seed, f"metric noise{layer}", first, rows, shape) for layer, shape in enumerate(shapes)]


def pictures_of_z(fakes: Fakes, z, labels, noise) -> tf.Tensor:
    """z: [n, z_dim], noise: one per layer -> RGB [n, H, W, 3] float32 at the final resolution, about [-1, 1]."""
    if has_w(fakes.Gs):
        return pictures_of_w(fakes, fakes.Gs.mapping(z, labels), noise)
    return _final(fakes, fakes.Gs(z, labels, stage=fakes.stage, fade=fakes.fade))


def pictures_of_w(fakes: Fakes, w, noise) -> tf.Tensor:
    """w: [n, w_dim], the same in every layer -> as pictures_of_z."""
    return pictures_of_ws(fakes, fakes.Gs.broadcast(w), noise)


def pictures_of_ws(fakes: Fakes, ws, noise) -> tf.Tensor:
    """ws: [n, num_layers, w_dim] -> as pictures_of_z."""
    noise = noise or "none"
    return _final(fakes, fakes.Gs.synthesis(ws, noise=noise, stage=fakes.stage, fade=fakes.fade))


def mixed_ws(fakes: Fakes, num_latents: int, labels, first, rows: Rows) -> tf.Tensor:
    """ws of each sample from that many latents, one after the other between its crossovers (paper Table 2).

    -> [n, num_layers, w_dim]. The first latents are those of metrics that do not mix; all have the same labels.
    """
    Gs = fakes.Gs
    ws = Gs.broadcast(Gs.mapping(latents(fakes, "z", first, rows), labels))
    points = crossovers(fakes, num_latents - 1, first, rows)
    for number in range(1, num_latents):
        z = latents(fakes, f"z{number + 1}", first, rows)
        ws = mix_styles(ws, Gs.broadcast(Gs.mapping(z, labels)), points[:, number - 1])
    return ws


def crossovers(fakes: Fakes, count: int, first, rows: Rows) -> tf.Tensor:
    """Layers in which each sample's next latents begin: `count` different ones of 1 .. layers - 1, ascending.

    -> int32 [n, count]. Every choice is as likely; layers are those that the stage has. Raises UserError where there
    are too few.
    """
    layers = num_layers(fakes.stage or fakes.Gs.last_stage)
    if layers <= count:
        raise UserError(f"{count + 1} latents cannot be mixed in {layers} layers, of which each takes one")
    numbers = draws.uniform(fakes.seed, "metric crossovers", first, rows, (layers - 1,))
    return tf.sort(1 + tf.math.top_k(numbers, count).indices, axis=1)


def to_rgb(images: tf.Tensor) -> tf.Tensor:
    """[n, H, W, 1 or 3] -> [n, H, W, 3]: grey is repeated."""
    return tf.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def _final(fakes, images):
    return to_rgb(upscale(images, fakes.Gs.resolution // images.shape[1]))


def all_finite(values) -> tf.Tensor:
    """[n, ...] -> booleans [n]: whether a sample has neither NaN nor infinity."""
    return tf.reduce_all(tf.reshape(tf.math.is_finite(values), (values.shape[0], -1)), axis=1)


# --- on all replicas


def each_batch(
    fakes: Fakes,
    function: Callable,
    num_samples: int,
    what: str,
    key: Hashable = None,
    start: int = 0,
    batch: int | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Runs `function` over the samples start .. num_samples; yields what it returned, as arrays [k, ...] in order.

    function(fakes, first, rows): on one replica, in a graph. fakes: those given here, with tensors in the place of fade
    and labels; first: int64 scalar, number of the batch's first sample; rows: the replica's rows of it. Returns a tuple
    of tensors [rows.count, ...]; the first of them, booleans, says which samples are all right, and is not yielded.
    key: says what the function computes, so that its graph is found in fakes.graphs the next time; None: it is not
    kept. batch: per replica; None: fakes.batch. Raises Failure at a sample that is not all right.
    """
    minibatch, growing = (batch or fakes.batch) * fakes.replicas.count, fakes.fade != 1
    step = kept(
        fakes.graphs,
        key and (key, minibatch, fakes.stage, growing, fakes.labels is None),
        lambda: _graph(fakes, function, minibatch, growing),
    )
    # float64, because 1 - fade is rounded to float32 only after the subtraction where fade is a number of Python
    fade = tf.constant(fakes.fade, tf.float64)
    for first in range(start, num_samples, minibatch):
        whole = [gathered(fakes.replicas, value) for value in step(tf.constant(first, tf.int64), fade)]
        fine, *values = (value[: num_samples - first] for value in whole)
        if not fine.all():
            raise Failure(
                f"the picture of sample {first + int(np.argmin(fine))} is not finite, or what a network made of it: "
                "there is no metric of such a generator"
            )
        yield tuple(values)
        fakes.on_progress(what, min(first + minibatch, num_samples), num_samples)


def _graph(fakes: Fakes, function: Callable, minibatch: int, growing: bool) -> Callable:
    """(first, fade) -> what `function` returns, on every replica."""
    replicas = fakes.replicas
    # A tensor from outside of the graph goes in by reference; a constant of the graph may be 2 GB at most.
    labels: Any = None if fakes.labels is None else tf.constant(fakes.labels, tf.float32)

    def on_replica(first, fade):
        rows = Rows(minibatch, replicas=replicas.count, replica=replicas.number())
        return function(replace(fakes, labels=labels, fade=fade if growing else 1.0), first, rows)

    return traced(
        lambda first, fade: replicas.run(on_replica, first, fade),
        tf.TensorSpec([], tf.int64),
        tf.TensorSpec([], tf.float64),
    )


def kept(graphs: Graphs, key: Hashable, make: Callable[[], Callable]) -> Callable:
    """graphs[key], made where it is not there; made and not kept where the key is None."""
    found = graphs.get(key) or make()
    if key is not None:
        graphs[key] = found
    return found


def traced(function: Callable, *inputs: tf.TensorSpec) -> Callable:
    """The function as one graph for inputs of these shapes; without autograph, which would wrap what is raised."""
    return tf.function(function, autograph=False).get_concrete_function(*inputs)


def gathered(replicas: Replicas, value) -> np.ndarray:
    """The rows of all replicas, in their order."""
    own = [part.numpy() for part in replicas.strategy.experimental_local_results(value)]
    return own[0] if len(own) == 1 else np.concatenate(own)
