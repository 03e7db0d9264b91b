import math

import numpy as np
import pytest
import tensorflow as tf
from metric_stubs import Painter, noisy_G, progan, squared_distance
from refusals import failed, raises, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.metrics import ppl
from stylegan_tf.metrics.samples import Fakes, latents


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_path_length_in_w_of_a_generator_that_is_linear(sampling):
    # w = 2 z fills the 4 upper rows of 8; the crop keeps the rows 3 to 6, so one of the 4 that are seen.
    fakes = Fakes(Painter(), Replicas(1), batch=16)
    found = ppl.distances(fakes, squared_distance, "w", sampling, 32, 0.01, crop=True)
    start, end = (latents(fakes, name, 0, Rows(32)).numpy() for name in ("path start", "path end"))
    expected = (127.5 * 2 * (end - start)[:, 3]) ** 2 / 4
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3 * float(expected.max()))
    whole = ppl.distances(fakes, squared_distance, "w", sampling, 32, 0.01, crop=False)
    expected = np.sum((127.5 * 2 * (end - start)) ** 2, axis=1) / 8
    assert whole == pytest.approx(expected, rel=1e-3)


def test_path_length_in_z_is_the_angle():
    # Unit vectors that move along a great circle by t angle: |2 epsilon angle|^2 over 8 rows, up to epsilon^2.
    fakes = Fakes(Painter(), Replicas(1), batch=16)
    start, end = (latents(fakes, name, 0, Rows(16)).numpy() for name in ("path start", "path end"))
    cosine = np.sum(start * end, axis=1) / np.linalg.norm(start, axis=1) / np.linalg.norm(end, axis=1)
    expected = (127.5 * 2 * np.arccos(cosine)) ** 2 / 8
    for sampling in ppl.SAMPLINGS:
        found = ppl.distances(fakes, squared_distance, "z", sampling, 16, 0.01, crop=False)
        assert found == pytest.approx(expected, rel=1e-3)


def test_whole_minibatches():
    fakes = Fakes(Painter(), Replicas(1))
    assert len(ppl.distances(fakes, squared_distance, "w", "end", 17, 0.01, crop=True)) == 32
    assert [ppl.whole_batch(batch) for batch in (1, 2, 3, 7, 8, 15, 16, 31, 32, 100)] == [
        *(1, 2, 2, 4, 8, 8, 16, 16, 32, 96)
    ]


def test_crop_and_shrinking():
    images = np.arange(16 * 16).reshape(1, 16, 16, 1)
    assert np.array_equal(ppl.cropped(images), images[:, 6:14, 4:12])
    images = np.random.RandomState(0).standard_normal((1, 12, 12, 1)).astype(np.float32)
    assert ppl.shrunk(images, 12) is images
    blocks = images.reshape(1, 4, 3, 4, 3, 1).mean((2, 4))
    assert np.asarray(ppl.shrunk(images, 4)) == pytest.approx(blocks, abs=1e-6)


@pytest.mark.parametrize(("batch", "replicas"), [(4, 1), (16, 2), (32, 1), (8, 2)])
def test_sixteen_pairs_share_their_noise(batch, replicas):
    fakes = Fakes(noisy_G(), Replicas(1))
    alone = [ppl.shared_noise(fakes, 16 * group, Rows(16))[3][0].numpy() for group in range(4)]
    assert not np.array_equal(alone[0], alone[1])
    count = batch * replicas
    for first in range(0, 64, count):
        for replica in range(replicas):
            noise = ppl.shared_noise(fakes, first, Rows(count, replicas=replicas, replica=replica))[3].numpy()
            samples = range(first + replica * batch, first + (replica + 1) * batch)
            for row, sample in enumerate(samples):
                assert np.array_equal(noise[row if len(noise) > 1 else 0], alone[sample // 16])


def test_both_ends_of_a_pair_have_the_same_noise():
    G = noisy_G()
    fakes = Fakes(G, Replicas(1))
    z = tuple(np.random.RandomState(number).standard_normal((16, 8)).astype(np.float32) for number in range(2))
    images = ppl.pair(fakes, "w", z, np.zeros(16, np.float32), 0.0, None, ppl.shared_noise(fakes, 0, Rows(16)))
    assert np.abs(images[:16] - images[16:]).max() <= 1e-5 * np.abs(images).max()


@pytest.mark.parametrize("space", ["z", "w"])
def test_repeatable_and_the_same_for_other_batches_and_replicas(space):
    def value(replicas, batch, seed=0):
        fakes = Fakes(noisy_G(), Replicas(replicas), seed, batch)
        return ppl.evaluate(fakes, squared_distance, space, "full", 48)

    first = value(1, 16)
    assert value(1, 16) == first
    assert value(2, 8) == pytest.approx(first, rel=0.01)
    assert value(1, 5) == pytest.approx(first, rel=0.01)
    assert value(1, 16, seed=1) != pytest.approx(first, rel=0.01)


def test_extremes_are_left_out():
    values = np.arange(201, dtype=np.float32)
    values[200] = 1e6
    # The 1st percentile of 201 numbers is number 2, the 99th number 198: 0, 1 and 199, 200 are left out.
    assert ppl.trimmed_mean(np.random.RandomState(0).permutation(values)) == 100
    assert ppl.trimmed_mean(np.float32([1, 2, 9])) == 4


def test_config_a_has_path_lengths_in_z_alone():
    fakes = Fakes(progan(), Replicas(1), batch=16)
    assert ppl.evaluate(fakes, squared_distance, "z", "end", 16) > 0
    with refused("config A", "w"):
        ppl.evaluate(fakes, squared_distance, "w", "end", 16)


def test_conditional_networks_measure_one_class_at_a_time():
    seen = []

    class Labelled(Painter):
        def mapping(self, z, labels=None):
            seen.append(labels)
            return 2 * z

    table = np.eye(3, dtype=np.float32)
    fakes = Fakes(Labelled(label_size=3), Replicas(1), labels=table, batch=16)
    z = (np.ones((4, 4), np.float32), -np.ones((4, 4), np.float32))
    for space in ppl.SPACES:
        ppl.pair(fakes, space, z, np.zeros(4, np.float32), 0.1, tf.constant(table[[0, 1, 2, 0]]), [])
    assert [labels.numpy().argmax(axis=1).tolist() for labels in seen] == [[0, 1, 2, 0] * 2] * 2


def test_what_cannot_be_measured():
    fakes = Fakes(Painter(), Replicas(1), batch=16)
    with failed("sample 0", "finite"):
        ppl.evaluate(fakes, lambda a, b: squared_distance(a, b) * math.nan, "w", "end", 16)
    with raises(ValueError, "'x'", "'z'", "'w'"):
        ppl.evaluate(fakes, squared_distance, "x", "end", 16)
