"""Pictures -> features, of fakes and of reals, on every replica.

A feature network is any callable of uint8 RGB pictures [N, H, W, 3] (a tensor; it runs in a graph) that returns
[N, F], with a `name` and a `digest`, which say whose numbers they are.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.metrics.samples import (
    Fakes,
    Progress,
    all_finite,
    each_batch,
    gathered,
    label_rows,
    latents,
    noise_of,
    pictures_of_z,
    silent,
    to_rgb,
)
from stylegan_tf.ops.pixels import to_uint8


class FeatureNetwork(Protocol):
    """uint8 [N, H, W, 3] -> [N, F]."""

    name: str
    digest: str

    def __call__(self, pictures: Any, /) -> Any: ...


def of_fakes(fakes: Fakes, network: FeatureNetwork, num_samples: int) -> Iterator[np.ndarray]:
    """Features of the first samples, as uint8 pictures. Yields float32 [k, F]; raises Failure where one is NaN."""

    def function(first, rows):
        z, labels = latents(fakes, "z", first, rows), label_rows(fakes, first, rows)
        images = pictures_of_z(fakes, z, labels, noise_of(fakes, first, rows))
        found = _checked(network, to_uint8(images))
        return all_finite(images) & all_finite(found), found

    for (found,) in each_batch(fakes, function, num_samples, "fakes"):
        yield found


def of_reals(
    reals: Iterable[np.ndarray],
    network: FeatureNetwork,
    replicas: Replicas,
    batch: int = 8,
    progress: Progress = silent,
    total: int = 0,
) -> Iterator[np.ndarray]:
    """Features of uint8 batches [n, H, W, 1 or 3] of any sizes. Yields float32 [k, F] in the same order.

    batch: pictures at once on each replica; total: how many there will be, for `progress`. Raises UserError at
    pictures that are neither grey nor RGB.
    """

    def on_replica(pictures):
        first = replicas.number() * batch
        return _checked(network, to_rgb(pictures[first : first + batch]))

    @tf.function(autograph=False)  # which would wrap what is raised in it
    def step(pictures):
        return replicas.run(on_replica, pictures)

    done = 0
    for pictures in _regrouped(reals, batch * replicas.count):
        count = len(pictures)
        missing = batch * replicas.count - count
        whole = np.concatenate([pictures, np.repeat(pictures[-1:], missing, axis=0)]) if missing else pictures
        found = gathered(replicas, step(tf.constant(whole)))[:count]
        if not np.isfinite(found).all():
            raise Failure(f"the network {network.name} makes numbers of a real picture that are not finite")
        yield found
        done += count
        progress("reals", done, max(total, done))


def collected(parts: Iterable[np.ndarray], count: int) -> np.ndarray:
    """The first `count` rows, or all where there are fewer, in one float32 array [count, F].

    50,000 features of 2048 numbers are 400 MB.
    """
    result, done = np.empty((0, 0), np.float32), 0
    for part in first_rows(parts, count):
        if not done:
            result = np.empty((count, part.shape[1]), np.float32)
        result[done : done + len(part)] = part
        done += len(part)
    return result[:done]


def enough(found: np.ndarray, count: int, metric: str) -> np.ndarray:
    """The features of the reals, where there are `count`. Raises UserError that says how many there are."""
    if len(found) < count:
        raise UserError(
            f"the data set has {len(found)} pictures, {metric} asks for {count}: use a larger set, or --num_samples="
            f"{len(found)} or fewer"
        )
    return found


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


def _regrouped(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same pictures in batches of `size`, the last one smaller."""
    held: list[np.ndarray] = []
    count = 0
    for batch in batches:
        if batch.ndim != 4 or batch.shape[3] not in (1, 3):
            raise UserError(f"real pictures must be grey or RGB, [N, H, W, 1 or 3], got {list(batch.shape)}")
        held.append(batch)
        count += len(batch)
        while count >= size:
            whole = np.concatenate(held) if len(held) > 1 else held[0]
            yield whole[:size]
            held, count = [whole[size:]], count - size
    if count:
        yield np.concatenate(held)
