import gzip
import json
import os
import struct

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data.importers.mnist import IMAGES, LABELS, create_mnist, create_mnistrgb, read_idx
from stylegan_tf.data.reading import all_pictures

DIGITS = np.random.RandomState(2).randint(0, 256, (4, 28, 28), np.uint8)
NUMBERS = np.array([7, 0, 9, 7], np.uint8)


def write_idx(path, values, shape=None):
    shape = values.shape if shape is None else shape
    head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    with gzip.open(path, "wb") as file:
        file.write(head + values.tobytes())


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    write_idx(folder / IMAGES, DIGITS)
    write_idx(folder / LABELS, NUMBERS)
    return folder


def test_digits_with_a_border_of_two_and_labels_shuffled(tmp_path, source):
    data_set = create_mnist(tmp_path / "set", source)
    assert (data_set.resolution, data_set.channels, data_set.num_images) == (32, 1, 4)
    order = np.arange(4)
    np.random.RandomState(123).shuffle(order)
    written = np.array(list(all_pictures(data_set)))[..., 0]
    assert np.array_equal(written[:, 2:30, 2:30], DIGITS[order])
    written[:, 2:30, 2:30] = 0
    assert not written.any()
    expected = np.zeros((4, 10))
    expected[range(4), NUMBERS[order]] = 1
    assert np.array_equal(data_set.labels, expected)


def test_three_digits_in_a_picture(tmp_path, source):
    data_set = create_mnistrgb(tmp_path / "set", source, 6, 5)
    rng = np.random.RandomState(5)
    chosen = np.array([rng.randint(4, size=3) for _ in range(6)])
    written = np.array(list(all_pictures(data_set)))
    assert written.shape == (6, 32, 32, 3)
    for channel in range(3):
        assert np.array_equal(written[:, 2:30, 2:30, channel], DIGITS[chosen[:, channel]])
    assert data_set.labels is None
    facts = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert (facts["command"], facts["random_seed"]) == ("create_mnistrgb", 5)


def test_labels_must_fit(tmp_path, source):
    write_idx(source / LABELS, NUMBERS[:3])
    with refused(source / LABELS, 3, 4):
        create_mnist(tmp_path / "set", source)
    write_idx(source / LABELS, np.full(4, 10, np.uint8))
    with refused("labels", 10, "0 to 9"):
        create_mnist(tmp_path / "set", source)
    assert os.listdir(tmp_path) == ["mnist"]


def test_pictures_must_be_digits(tmp_path, source):
    write_idx(source / IMAGES, DIGITS[:, :20])
    with refused(source / IMAGES, "[4, 20, 28]", "[N, 28, 28]"):
        create_mnist(tmp_path / "set", source)


def test_bad_idx_files(tmp_path):
    path = tmp_path / "a.gz"
    with refused(path, IMAGES, LABELS):
        read_idx(path, 3)
    path.write_bytes(b"no gzip")
    with refused(path, "gzip", "b'no'"):
        read_idx(path, 3)
    write_idx(path, DIGITS)
    with refused(path, "IDX", 1):
        read_idx(path, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with refused(path, "gzip"):
        read_idx(path, 3)
    for shape in ((5, 28, 28), (3, 28, 28)):
        write_idx(path, DIGITS, shape)
        with refused(path, f"{shape[0] * 784} bytes"):
            read_idx(path, 3)
    write_idx(path, DIGITS, (2**31, 28, 28))
    with refused(path, f"[{2**31}, 28, 28]"):
        read_idx(path, 3)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / IMAGES)
    with refused(tmp_path / IMAGES, "regular"):
        create_mnist(tmp_path / "set", tmp_path)
