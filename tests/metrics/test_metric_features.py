import numpy as np
import pytest
import tensorflow as tf
import tolerances
from metric_stubs import Painter, Pixels, noisy_G
from refusals import failed, raises, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.metrics import features
from stylegan_tf.metrics.samples import Fakes, latents


class Sides:
    """Features that show what came in: the first pixel's red and blue, and the last pixel's red."""

    name, digest = "sides", "22" * 32

    def __call__(self, pictures):
        x = tf.cast(pictures, tf.float32)
        return tf.stack([x[:, 0, 0, 0], x[:, 0, 0, 2], x[:, -1, -1, 0]], axis=1)


def grey(count: int) -> np.ndarray:
    """Picture i is i everywhere, but 100 + i in the last pixel. [count, 8, 8, 1]."""
    pictures = np.tile(np.arange(count, dtype=np.uint8)[:, None, None, None], (1, 8, 8, 1))
    pictures[:, -1, -1] += 100
    return pictures


@pytest.mark.parametrize("replicas", [1, 2])
def test_reals_in_order_whatever_their_batches(replicas):
    pictures = grey(11)
    told = []
    parts = [pictures[:1], pictures[1:8], pictures[8:]]
    found = list(features.of_reals(parts, Sides(), Replicas(replicas), 2, lambda *call: told.append(call), total=11))
    assert np.array_equal(np.concatenate(found), [[i, i, 100 + i] for i in range(11)])
    assert told[-1] == ("reals", 11, 11)


def test_fakes_are_seen_as_uint8():
    fakes = Fakes(Painter(), Replicas(1), batch=4)
    (found,) = features.of_fakes(fakes, Sides(), 4)
    z = latents(fakes, "z", 0, Rows(4)).numpy()
    assert np.array_equal(found[:, 0], np.floor(np.clip(2 * z[:, 0] * 127.5 + 128, 0, 255)))
    assert found[:, 2].tolist() == [128] * 4  # 0


def test_batch_and_replicas_of_fakes():
    def found(replicas, batch):
        fakes = Fakes(noisy_G(), Replicas(replicas), batch=batch)
        return np.concatenate(list(features.of_fakes(fakes, Pixels(), 12)))

    one = found(1, 8)
    assert np.array_equal(one, found(1, 8))
    apart = np.abs(one - found(2, 3))
    # Pictures are made uint8: a number beside the edge of a level may fall on either side of it, in a few pixels.
    G = noisy_G()
    level = np.abs(Pixels().mix).max() / 128 / (G.resolution // 4) ** 2
    assert apart.max() <= 2 * level
    assert np.mean(apart > tolerances.REPLICAS * np.abs(one).max()) <= 0.1


def test_collected_stops_at_the_count():
    parts = [np.full((3, 2), number, np.float32) for number in range(5)]
    assert features.collected(parts, 7)[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert features.collected(parts, 99).shape == (15, 2)
    assert features.collected([], 5).shape == (0, 0)
    taken = []
    list(features.first_rows((taken.append(number) or part for number, part in enumerate(parts)), 6))
    assert taken == [0, 1]  # nothing is computed that is not used


def test_too_few_reals():
    fakes = Fakes(Painter(), Replicas(1))
    both = features.of_both(fakes, [grey(3)], Sides(), 3, "kid50k")
    assert [len(found) for found in both] == [3, 3]
    with refused("kid50k", 3, 4, "--num_samples=3"):
        features.of_both(fakes, [grey(3)], Sides(), 4, "kid50k")


def test_what_is_not_a_picture():
    with refused("[N, H, W, 1 or 3]", "[2, 8, 8, 4]"):
        list(features.of_reals([np.zeros((2, 8, 8, 4), np.uint8)], Sides(), Replicas(1)))


class Broken:
    name, digest = "broken", "33" * 32

    def __call__(self, pictures):
        return tf.cast(pictures[:, 0, 0], tf.float32) / 0


def test_features_that_are_not_finite():
    with failed("network broken", "finite"):
        list(features.of_reals([grey(2)], Broken(), Replicas(1)))
    with failed("sample 0", "finite"):
        list(features.of_fakes(Fakes(Painter(), Replicas(1)), Broken(), 2))


def test_features_must_be_rows():
    with raises(ValueError, "[N, F]", "sum", "(8,)"):
        network = type("Sum", (), {"name": "sum", "__call__": lambda self, x: tf.reduce_sum(x, axis=(1, 2, 3))})()
        list(features.of_reals([grey(2)], network, Replicas(1)))
