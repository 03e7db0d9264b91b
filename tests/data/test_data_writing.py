import errno
import json
import os

import numpy as np
import pytest

import stylegan_tf
from stylegan_tf.data import writing
from stylegan_tf.data.records import open_data_set, read_pictures
from stylegan_tf.data.writing import Writer
from stylegan_tf.mistakes import Failure, Mistake


def pictures(count, resolution=8, channels=3):
    return np.random.RandomState(2).randint(0, 256, (count, resolution, resolution, channels), np.uint8)


def read(data_set, stage):
    starts, lengths = data_set.index(stage)
    with open(data_set.path(stage), "rb") as file:
        return read_pictures(file, starts, lengths)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(tmp_path, channels):
    added = pictures(5, channels=channels)
    with Writer(tmp_path / "new" / "cats", "cats", 8, channels, {"command": "test", "seed": 3}) as writer:
        for picture in added:
            writer.add(picture)
        writer.set_labels(np.eye(5))
    data_set = open_data_set(tmp_path / "new" / "cats")
    assert (data_set.name, data_set.stages, data_set.channels, data_set.num_images) == ("cats", (2, 3), channels, 5)
    assert np.array_equal(data_set.labels, np.eye(5, dtype=np.float32))
    assert np.array_equal(read(data_set, 3), added.transpose(0, 3, 1, 2))
    means = added.astype(np.float64).reshape(5, 4, 2, 4, 2, channels).mean((2, 4))
    assert np.array_equal(read(data_set, 2), np.rint(means).astype(np.uint8).transpose(0, 3, 1, 2))
    assert os.listdir(tmp_path / "new") == ["cats"]
    assert json.loads((tmp_path / "new" / "cats" / "dataset.json").read_text()) == {
        "name": "cats",
        "resolution": 8,
        "channels": channels,
        "num_images": 5,
        "label_size": 5,
        "stylegan_tf": stylegan_tf.__version__,
        "command": "test",
        "seed": 3,
    }


def test_many_small_batches_and_a_picture_that_changes_after_add(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_BATCH_VALUES", 2 * 4 * 4 * 3)  # two pictures at a time
    added = pictures(5, 4)
    one = np.empty((4, 4, 3), np.uint8)
    with Writer(tmp_path / "cats", "cats", 4, 3) as writer:
        for picture in added:
            one[:] = picture
            writer.add(one)
    assert np.array_equal(read(open_data_set(tmp_path / "cats"), 2), added.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path, error):
    with pytest.raises(error), Writer(tmp_path / "new" / "cats", "cats", 8, 3) as writer:
        writer.add(pictures(1)[0])
        raise error
    assert os.listdir(tmp_path) == []


def test_no_pictures_and_wrong_labels_leave_nothing(tmp_path):
    with pytest.raises(Mistake, match="no picture was added"), Writer(tmp_path / "cats", "cats", 8, 3):
        assert len(os.listdir(tmp_path)) == 1
    with (
        pytest.raises(ValueError, match=r"expected labels \[1, label_size\], got \[2, 2\]"),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(pictures(1)[0])
        writer.set_labels(np.eye(2))
    assert os.listdir(tmp_path) == []


def test_a_full_folder_is_refused_and_kept(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(Mistake, match="is not empty"), Writer(tmp_path, "cats", 8, 3):
        raise AssertionError("the block must not be entered")
    assert os.listdir(tmp_path) == ["mine"]


@pytest.mark.parametrize("resolution", [0, 2, 6, -8])
def test_resolutions(tmp_path, resolution):
    with pytest.raises(Mistake, match=f"a power of two, 4 or more, not {resolution}"):
        Writer(tmp_path / "cats", "cats", resolution, 3)


@pytest.mark.parametrize("picture", [np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 3)), np.zeros((3, 8, 8), np.uint8)])
def test_other_pictures_are_refused(tmp_path, picture):
    with (
        pytest.raises(ValueError, match=r"expected uint8 \[8, 8, 3\]"),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(picture)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(file, payload):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "write_record", full)
    with (
        pytest.raises(Failure, match="cats: No space left on device; nothing was left behind"),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(pictures(1)[0])
    assert os.listdir(tmp_path) == []
