"""Which picture is shown when: a function of seed and pictures shown, whatever minibatch, replicas and start."""

import time

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from refusals import refused

from stylegan_tf import draws, rundir
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.pipeline import PREFETCH, Feed, Reader, permutation, pictures_of, random_rows
from stylegan_tf.data.reading import all_pictures as stored_pictures
from stylegan_tf.data.writing import Writer
from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.errors import UserError
from stylegan_tf.training import loop
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps

SEED = 11


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("data") / "noise")


def shown(data_set, samples, stage=4):
    """(pictures, labels) of these samples of the run."""
    return Reader(data_set, stage, tiny.LABEL_SIZE).read(pictures_of(samples, SEED, tiny.PICTURES))


def fed(data_set, minibatches, minibatch=8, first=0, group=4, replicas=1, label_size=tiny.LABEL_SIZE, stage=4):
    """(pictures, labels, labels for G) of the first minibatches of a feed, rows of replicas put back in their place."""
    devices, rows = Replicas(replicas), Rows(minibatch, group, replicas)
    feed = Feed(Reader(data_set, stage, label_size), SEED, first, rows, devices)
    whole = [], [], []
    for _ in range(minibatches):
        for kind, parts in zip(whole, next(feed), strict=True):
            parts = [part.numpy() for part in devices.strategy.experimental_local_results(parts)]
            kind.append(np.empty((minibatch, *parts[0].shape[1:]), parts[0].dtype))
            for number, part in enumerate(parts):
                kind[-1][Rows(minibatch, group, replicas, number).numbers()] = part
    feed.close()
    return tuple(map(np.concatenate, whole))


def fed_bytes(data_set, stage):
    pictures, labels, _ = fed(data_set, 12, first=24, stage=stage)
    return pictures.tobytes(), labels.tobytes()


@pytest.fixture(scope="module", params=["png", "gzip"])
def compressed(data_set, tmp_path_factory, request):
    """The same pictures and labels in a compressed data set."""
    folder = tmp_path_factory.mktemp("data") / request.param
    with Writer(folder, "noise", tiny.RESOLUTION, 3, compression=request.param) as writer:
        for picture in stored_pictures(data_set):
            writer.add(picture)
        writer.set_labels(data_set.labels)
    return open_data_set(folder)


@pytest.mark.parametrize("replicas", [1, 2])
def test_nothing_is_read_when_it_is_closed(data_set, monkeypatch, replicas):
    """However slow the disk is, and whatever it says."""
    reader, reads = Reader(data_set, 4, 0), {"begun": 0, "done": 0}
    read = reader.read

    def slowly(numbers):
        reads["begun"] += 1
        time.sleep(0.05)
        reads["done"] += 1
        if reads["done"] == 3 * replicas + 2:
            raise UserError("a picture that cannot be read")
        return read(numbers)

    monkeypatch.setattr(reader, "read", slowly)
    feed = Feed(reader, SEED, 0, Rows(8, 4, replicas), Replicas(replicas))
    for _ in range(3):
        next(feed)
    feed.close()
    begun = reads["begun"]
    assert 3 * replicas < reads["done"] == begun < 3 * replicas + 2 * PREFETCH * replicas, "it reads ahead, and ends"
    time.sleep(0.2)
    assert reads["begun"] == begun


@pytest.mark.parametrize("stage", [2, 3, 4])
def test_a_compressed_set_feeds_the_same_numbers(data_set, compressed, stage):
    assert compressed.compression in ("png", "gzip")
    assert compressed.path(stage).read_bytes() != data_set.path(stage).read_bytes()
    assert fed_bytes(compressed, stage) == fed_bytes(data_set, stage)


@pytest.mark.parametrize("compressed", ["png"], indirect=True)
def test_training_on_a_compressed_set_gives_the_same_numbers(data_set, compressed, tmp_path, monkeypatch):
    """Every weight and Adam's statistics after 32 pictures, and the grid of real pictures, bit by bit."""
    state = State(tiny.experiment(labels=True), Replicas(1))
    parts = state.G, state.D, state.Gs, state.G_optimizer, state.D_optimizer
    first = [(variable, variable.numpy()) for part in parts for variable in part.variables]
    untouched, steps, trained = tiny.numbers(state), [], []

    def same_steps(*arguments):  # tracing takes seconds
        if not steps:
            steps.append(Steps(*arguments))
        return steps[0]

    monkeypatch.setattr(loop, "State", lambda *arguments: state)
    monkeypatch.setattr(loop, "Steps", same_steps)
    monkeypatch.setattr(loop, "save_networks", lambda *arguments: None)
    for name, data in (("none", data_set), ("png", compressed)):
        (tmp_path / name).mkdir()
        for variable, number in first:
            variable.assign(number)
        loop.training_loop(tiny.experiment(labels=True, total_kimg=0.032), tmp_path / name, data, Replicas(1))
        trained.append(tiny.numbers(state))
    assert tiny.differing(*trained) == []
    assert len(tiny.differing(trained[0], untouched)) > 20
    grids = [np.array(Image.open(tmp_path / name / rundir.REALS)) for name in ("none", "png")]
    assert grids[0].shape == (32, 32, 3) and np.array_equal(*grids)


def test_every_epoch_is_a_permutation_of_its_own():
    order = pictures_of(np.arange(3 * 64), SEED, 64).reshape(3, 64)
    assert np.array_equal(np.sort(order), np.tile(np.arange(64), (3, 1)))
    assert not np.array_equal(order[0], np.arange(64))
    assert not np.array_equal(order[0], order[1]) and not np.array_equal(order[1], order[2])
    assert not np.array_equal(order[0], pictures_of(np.arange(64), SEED + 1, 64))


def test_a_minibatch_may_straddle_epochs():
    order = pictures_of(np.array([4, 5, 9, 10]), SEED, 5)
    assert order.tolist() == [permutation(SEED, epoch, 5)[place] for epoch, place in ((0, 4), (1, 0), (1, 4), (2, 0))]


@pytest.mark.parametrize(
    "how",
    [
        {"minibatch": 8},
        {"minibatch": 20},
        {"minibatch": 8, "first": 56},
        {"minibatch": 8, "first": 64_000_024},
        {"minibatch": 8, "replicas": 2},
        {"minibatch": 16, "group": 4, "replicas": 2, "first": 40},
        {"minibatch": 8, "group": 1, "replicas": 2},
    ],
    ids=str,
)
def test_the_order_is_a_function_of_pictures_shown(how, data_set):
    pictures, labels, _ = fed(data_set, 10, **how)
    expected = shown(data_set, how.get("first", 0) + np.arange(10 * how["minibatch"]))
    assert np.array_equal(pictures, expected[0]) and np.array_equal(labels, expected[1])


def test_pictures_and_their_labels(data_set):
    """Picture i is about 2 i + 64 bright, and its label is i mod 2."""
    pictures, labels, _ = fed(data_set, 8)
    assert pictures.dtype == np.uint8 and pictures.shape == (64, 16, 16, 3)
    numbers = np.round((pictures.mean(axis=(1, 2, 3)) - 64) / 2).astype(int)
    order = pictures_of(np.arange(64), SEED, 64)
    assert np.abs(numbers - order).max() <= 3  # the noise does not cancel quite
    assert labels.argmax(axis=1).tolist() == (order % 2).tolist()
    assert labels.dtype == np.float32 and np.all(labels.sum(axis=1) == 1)


def test_coarse_pictures_are_means_of_the_fine_ones(data_set):
    fine, coarse = fed(data_set, 2)[0].astype(float), fed(data_set, 2, stage=3)[0]
    assert coarse.shape == (16, 8, 8, 3)
    assert np.abs(fine.reshape(16, 8, 2, 8, 2, 3).mean(axis=(2, 4)) - coarse).max() <= 1


def test_columns_of_labels(data_set):
    whole = fed(data_set, 1)[1]
    assert np.array_equal(fed(data_set, 1, label_size=1)[1], whole[:, :1])
    assert fed(data_set, 1, label_size=0)[1].shape == (8, 0)


@pytest.mark.parametrize("how", [{}, {"first": 64_000_024}, {"replicas": 2}], ids=str)
def test_labels_for_G_are_random_rows_of_the_data_sets(how, data_set):
    """Those that a graph with the whole table in it would gather."""
    first = how.get("first", 0)
    random_labels = fed(data_set, 10, **how)[2]
    for minibatch, found in enumerate(random_labels.reshape(10, 8, 2)):
        uniform = draws.uniform(SEED, "G labels", first + 8 * minibatch, Rows(8, 4))
        numbers = tf.minimum(tf.cast(uniform * tiny.PICTURES, tf.int64), tiny.PICTURES - 1)
        assert np.array_equal(found, tf.gather(data_set.labels, numbers))
    assert len({row.tobytes() for row in random_labels}) == 2


def test_random_rows_are_all_equally_likely():
    counts = np.bincount(random_rows(draws.uniform(3, "G labels", 0, Rows(1000)).numpy(), 5))
    assert len(counts) == 5 and np.abs(counts - 200).max() < 5 * np.sqrt(1000 * 0.2 * 0.8)
    assert random_rows(np.array([0, np.nextafter(np.float32(1), 0)], np.float32), 700_001).tolist() == [0, 700_000]


def test_pictures_without_labels(tmp_path):
    data_set = tiny.data_set(tmp_path / "noise")
    (tmp_path / "noise" / "noise-rxx.labels").unlink()
    assert Reader(type(data_set)(**{**vars(data_set), "labels": None}), 4, 0).read(np.arange(3))[1].shape == (3, 0)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_damaged_record_is_a_mistake(replicas, tmp_path):
    data_set = tiny.data_set(tmp_path / "noise")
    path = data_set.path(4)
    content = bytearray(path.read_bytes())
    content[data_set.index(4)[0][30] + 100] ^= 1
    path.write_bytes(content)
    with refused(path, "checksum") as caught:
        fed(data_set, 8, replicas=replicas)
    assert caught.value.__suppress_context__


def test_other_errors_stay_what_they_are(data_set, monkeypatch):
    def read(self, numbers):
        raise RuntimeError("the disk sleeps")

    monkeypatch.setattr(Reader, "read", read)
    with pytest.raises(tf.errors.OpError, match="the disk sleeps"):
        fed(data_set, 1)
