import os

import numpy as np
import pytest
from refusals import raises, refused

from stylegan_tf.data import writing
from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.importers.store import PLAIN, Storage, official_order, one_hot, store, store_array
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import UserError

PIXELS = np.random.RandomState(1).randint(0, 256, (5, 8, 8, 3), np.uint8)
ORIGIN = {"command": "create_test"}


def make(folder, given=PIXELS, **options):
    return store(folder, iter(given), (8, 3), len(PIXELS), ORIGIN, options.pop("storage", PLAIN), **options)


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_pictures_in_order_at_every_level(tmp_path, monkeypatch, compression, workers):
    monkeypatch.setattr(writing, "BATCH_VALUES", 2 * 8 * 8 * 3)  # batches of 2, 2 and 1
    data_set = make(tmp_path / "set", storage=Storage(compression, workers=workers))
    assert data_set.compression == compression
    assert np.array_equal(list(all_pictures(data_set)), PIXELS)
    means = np.rint(PIXELS.reshape(5, 4, 2, 4, 2, 3).mean((2, 4), dtype=np.float64))
    assert np.array_equal(list(all_pictures(data_set, 2)), means)


def test_labels_and_files_beside(tmp_path):
    labels = np.arange(10, dtype=np.float32).reshape(5, 2)
    data_set = make(tmp_path / "set", labels=labels, beside=lambda folder: (folder / "note").write_text("seen"))
    assert np.array_equal(data_set.labels, labels)
    assert (tmp_path / "set" / "note").read_text() == "seen"


def test_overwrite_replaces_a_data_set(tmp_path):
    make(tmp_path / "set")
    with refused(tmp_path / "set", "--overwrite"):
        make(tmp_path / "set")
    data_set = make(tmp_path / "set", PIXELS[:2], storage=Storage(overwrite=True))
    assert data_set.num_images == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError])
def test_what_breaks_leaves_nothing(tmp_path, error):
    def broken():
        yield PIXELS[0]
        raise error("no more")

    with pytest.raises(error, match="no more"):
        make(tmp_path / "new" / "set", broken())
    assert os.listdir(tmp_path) == []


def test_a_picture_of_another_shape_is_refused(tmp_path):
    with raises(ValueError, "uint8 [8, 8, 3]", "[8, 4, 3]"):
        make(tmp_path / "set", [PIXELS[0], PIXELS[1, :, :4]])


def test_arrays_are_shuffled_with_their_labels(tmp_path):
    labels = one_hot(np.arange(5), 5, "")
    data_set = store_array(tmp_path / "set", PIXELS.transpose(0, 3, 1, 2), labels, ORIGIN, PLAIN)
    order = np.arange(5)
    np.random.RandomState(123).shuffle(order)
    assert list(order) != list(range(5))
    assert np.array_equal(list(all_pictures(data_set)), PIXELS[order])
    assert np.array_equal(data_set.labels.argmax(1), order)


def test_the_order_is_the_permutation_of_seed_123_or_none():
    assert official_order(3, shuffle=False).tolist() == [0, 1, 2]
    drawn = np.arange(1000)
    np.random.RandomState(123).shuffle(drawn)
    assert np.array_equal(official_order(1000), drawn)


def test_one_hot():
    table = one_hot(np.array([2, 0]), 3, "")
    assert table.dtype == np.float32
    assert table.tolist() == [[0, 0, 1], [1, 0, 0]]
    for wrong in ([0, 3], [-1, 0]):
        with refused("a.pkl", "0 to 2"):
            one_hot(np.array(wrong), 3, "a.pkl")


def test_threads_work_only_a_little_ahead():
    begun = []

    def tasks():
        for number in range(100):
            begun.append(number)
            yield number

    results = in_threads(lambda number: number**2, tasks(), 2)
    assert next(results) == (0, 0)
    assert len(begun) == 4
    assert next(results) == (1, 1)
    results.close()
    assert len(begun) <= 5
