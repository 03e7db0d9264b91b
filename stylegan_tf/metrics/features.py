"""Pictures -> features, of fakes and of reals, on every replica.

A feature network is any callable of uint8 RGB pictures [N, H, W, 3] (a tensor; it runs in a graph) that returns
[N, F], with a `name` and a `digest`, which say whose numbers they are.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.metrics.samples import (
    Fakes,
    Graphs,
    OnProgress,
    all_finite,
    each_batch,
    gathered,
    kept,
    label_rows,
    latents,
    mixed_ws,
    noise_of,
    pictures_of_ws,
    pictures_of_z,
    silent,
    to_rgb,
    traced,
)
from stylegan_tf.ops.pixels import to_uint8

MIRROR_SEED = 0  # cached statistics of reals hold for every seed of the fakes


class FeatureNetwork(Protocol):
    """uint8 [N, H, W, 3] -> [N, F]."""

    name: str
    digest: str

    def __call__(self, pictures: Any, /) -> Any: ...


def real_batches(
    data_set: DataSet, count: int, mirror: bool, repeat: bool = False, batch: int = 64
) -> Iterator[np.ndarray]:
    """The first `count` pictures in file order, at the final resolution, uint8 [n, H, W, C].

    Where there are fewer: all, again and again with `repeat`. mirror: each is flipped left-right with probability 1/2,
    as training does it; a repeated one anew.
    """
    pictures = _in_file_order(data_set, count, repeat, batch)
    return mirrored(pictures) if mirror else pictures


def mirrored(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """uint8 batches [n, H, W, C], each picture flipped left-right with probability 1/2, however they are divided."""
    first = 0
    for pictures in batches:
        flipped = draws.mirrored(MIRROR_SEED, first, draws.Rows(len(pictures))).numpy()
        yield np.where(flipped[:, None, None, None], pictures[:, :, ::-1], pictures)
        first += len(pictures)


def _in_file_order(data_set: DataSet, count: int, repeat: bool, batch: int) -> Iterator[np.ndarray]:
    starts, lengths = data_set.index(data_set.stages[-1])
    if not repeat:
        count = min(count, len(starts))
    with open(data_set.path(data_set.stages[-1]), "rb", buffering=0) as file:
        for first in range(0, count, batch):
            samples = np.arange(first, min(first + batch, count))
            rows = samples % len(starts)
            yield np.ascontiguousarray(read_pictures(file, starts[rows], lengths[rows]).transpose(0, 2, 3, 1))


def of_fakes(fakes: Fakes, network: FeatureNetwork, num_samples: int, num_latents: int = 1) -> Iterator[np.ndarray]:
    """Features of the first samples, as uint8 pictures. Yields float32 [k, F]; raises Failure where one is NaN.

    num_latents: how many are mixed in each picture, which takes a network with styles; see `samples.mixed_ws`.
    """

    def function(fakes, first, rows):
        labels, noise = label_rows(fakes, first, rows), noise_of(fakes, first, rows)
        if num_latents > 1:
            images = pictures_of_ws(fakes, mixed_ws(fakes, num_latents, labels, first, rows), noise)
        else:
            images = pictures_of_z(fakes, latents(fakes, "z", first, rows), labels, noise)
        found = _checked(network, to_uint8(images))
        return all_finite(images) & all_finite(found), found

    for (found,) in each_batch(fakes, function, num_samples, "fakes", ("features", network, num_latents)):
        yield found


def of_reals(
    reals: Iterable[np.ndarray],
    network: FeatureNetwork,
    replicas: Replicas,
    batch: int = 8,
    on_progress: OnProgress = silent,
    total: int = 0,
    graphs: Graphs | None = None,
) -> Iterator[np.ndarray]:
    """Features of uint8 batches [n, H, W, 1 or 3] of any sizes. Yields float32 [k, F] in the same order.

    batch: pictures at once on each replica; total: how many there will be, for `on_progress`; graphs: see Fakes. Raises
    UserError at pictures that are neither grey nor RGB.
    """

    def on_replica(pictures):
        first = replicas.number() * batch
        return _checked(network, to_rgb(pictures[first : first + batch]))

    done, graphs = 0, {} if graphs is None else graphs
    for pictures in regrouped(reals, batch * replicas.count):
        if pictures.ndim != 4 or pictures.shape[3] not in (1, 3):
            raise UserError(f"real pictures must be grey or RGB, [N, H, W, 1 or 3], got {list(pictures.shape)}")
        count = len(pictures)
        missing = batch * replicas.count - count
        whole = np.concatenate([pictures, np.repeat(pictures[-1:], missing, axis=0)]) if missing else pictures
        spec = tf.TensorSpec(whole.shape, tf.uint8)
        make = partial(traced, partial(replicas.run, on_replica), spec)
        found = gathered(replicas, kept(graphs, ("reals", network, spec), make)(tf.constant(whole)))[:count]
        if not np.isfinite(found).all():
            raise Failure(f"the network {network.name} makes numbers of a real picture that are not finite")
        yield found
        done += count
        on_progress("reals", done, max(total, done))


def of_both(
    fakes: Fakes, reals: Iterable[np.ndarray], network: FeatureNetwork, count: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Features of `count` fakes and as many reals, two of float32 [count, F]: 400 MB each for 50,000 of 2048 numbers.

    Raises UserError where there are fewer reals, which names the metric.
    """
    found = of_reals(reals, network, fakes.replicas, fakes.batch, fakes.on_progress, count, fakes.graphs)
    real_features = collected(found, count)
    if len(real_features) < count:
        raise UserError(
            f"the data set has {len(real_features)} pictures, {metric} asks for {count}: use a larger set, or "
            f"--num_samples={len(real_features)} or fewer"
        )
    return collected(of_fakes(fakes, network, count), count), real_features


def collected(parts: Iterable[np.ndarray], count: int) -> np.ndarray:
    """The first `count` rows, or all where there are fewer, in one float32 array [count, F]."""
    result, done = np.empty((0, 0), np.float32), 0
    for part in first_rows(parts, count):
        if not done:
            result = np.empty((count, part.shape[1]), np.float32)
        result[done : done + len(part)] = part
        done += len(part)
    return result[:done]


def first_rows(parts: Iterable[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The parts, cut after `count` rows in all."""
    for part in parts:
        yield part[:count]
        count -= len(part)
        if count <= 0:
            return


def _checked(network, pictures):
    found = tf.cast(network(pictures), tf.float32)
    if found.shape.rank != 2:
        raise ValueError(f"a feature network must return [N, F], {network.name} returned {found.shape}")
    return found


def regrouped(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same rows in batches of `size`, the last one smaller."""
    held: list[np.ndarray] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += len(batch)
        while count >= size:
            whole = np.concatenate(held) if len(held) > 1 else held[0]
            yield whole[:size]
            held, count = [whole[size:]], count - size
    if count:
        yield np.concatenate(held)
