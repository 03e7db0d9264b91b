import numpy as np
import pytest
import tensorflow as tf  # noqa: F401 (so that it is set up before the first test)
import tiny

from stylegan_tf.data.reading import read_pictures
from stylegan_tf.metrics.features import real_batches


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("set") / "noise")


@pytest.fixture(scope="module")
def pictures(data_set):
    with open(data_set.path(4), "rb") as file:
        return read_pictures(file, *data_set.index(4)).transpose(0, 2, 3, 1)


def test_file_order(data_set, pictures):
    parts = list(real_batches(data_set, 20, mirror=False, batch=8))
    assert [len(part) for part in parts] == [8, 8, 4]
    assert np.array_equal(np.concatenate(parts), pictures[:20])
    assert parts[0].dtype == np.uint8


def test_repeated_only_where_asked(data_set, pictures):
    found = np.concatenate(list(real_batches(data_set, 150, mirror=False, repeat=True)))
    assert np.array_equal(found, np.concatenate([pictures, pictures, pictures[:22]]))
    assert np.array_equal(np.concatenate(list(real_batches(data_set, 150, mirror=False))), pictures)


def test_mirrored(data_set, pictures):
    found = np.concatenate(list(real_batches(data_set, 128, mirror=True, repeat=True)))
    same = (found == np.concatenate([pictures] * 2)).all((1, 2, 3))
    flipped = (found == np.concatenate([pictures] * 2)[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ flipped).all()
    assert 40 < flipped.sum() < 88
    assert not np.array_equal(flipped[:64], flipped[64:])
    others = np.concatenate(list(real_batches(data_set, 128, mirror=True, repeat=True, batch=9)))
    assert np.array_equal(found, others)
