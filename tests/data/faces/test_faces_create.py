import os

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data.attributes import read_attributes
from stylegan_tf.data.faces import create
from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.create import create_faces, faces
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.errors import UserError


def read(data_set, stage):
    with open(data_set.path(stage), "rb") as file:
        return read_pictures(file, *data_set.index(stage)).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_faces_and_their_attributes_in_order(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(create, "_CHUNK_VALUES", 4 * 32 * 32 * 3)  # four pictures per task
    data_set = create_faces(tmp_path / "set", 32, 10, 7, workers)
    drawn = list(faces(10, 32, 7))
    assert (data_set.num_images, data_set.resolution, data_set.channels) == (10, 32, 3)
    assert np.array_equal(read(data_set, 5), [picture for picture, _ in drawn])
    listed = read_attributes(tmp_path / "set" / "list_attr_faces.txt")
    assert (listed.files[0], listed.files[-1], listed.names) == ("000000.png", "000009.png", ATTRIBUTES)
    assert np.array_equal(listed.table, [traits for _, traits in drawn])


def test_an_impossible_resolution_leaves_nothing(tmp_path):
    with refused("resolution", 4, 48):
        create_faces(tmp_path / "set", 48, 1, 0, 1)
    assert os.listdir(tmp_path) == []


def test_an_error_of_the_painter_comes_through_and_leaves_nothing(tmp_path, monkeypatch):
    def broken(count, resolution, seed=0, start=0):
        raise UserError("no paint left")

    monkeypatch.setattr(create, "faces", broken)
    with pytest.raises(UserError, match="no paint left"):
        create_faces(tmp_path / "set", 8, 4, 0, 1)
    assert os.listdir(tmp_path) == []


def test_faces_are_numbered_not_streamed():
    all_six = list(faces(6, 16, seed=2))
    last_two = list(faces(2, 16, seed=2, start=4))
    for (picture, attributes), (other, others) in zip(all_six[4:], last_two, strict=True):
        assert np.array_equal(picture, other) and np.array_equal(attributes, others)
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8
    assert attributes.shape == (40,) and attributes.dtype == bool
    assert list(faces(0, 16)) == []
