import os

import numpy as np
import pytest
from python2_file import python2
from refusals import refused

from stylegan_tf.data.importers.svhn import FILES, create_svhn
from stylegan_tf.data.reading import all_pictures

PIXELS = np.random.RandomState(6).randint(0, 256, (6, 3, 32, 32), np.uint8)
LAYOUTS = {
    "pair": lambda images, numbers: (images, numbers),
    "list": lambda images, numbers: [images, numbers],
    "named": lambda images, numbers: {"data": images, "labels": numbers.tolist()},
    "matlab's names": lambda images, numbers: {"X": images, "y": numbers[:, None]},
}


def write(folder, layout, numbers):
    for number, name in enumerate(FILES):
        rows = slice(2 * number, 2 * number + 2)
        (folder / name).write_bytes(python2(layout(PIXELS[rows], numbers[rows])))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout(tmp_path, layout):
    write(tmp_path, layout, np.array([5, 0, 9, 1, 2, 3], np.uint8))
    data_set = create_svhn(tmp_path / "set", tmp_path)
    order = np.arange(6)
    np.random.RandomState(123).shuffle(order)
    assert np.array_equal(list(all_pictures(data_set)), PIXELS[order].transpose(0, 2, 3, 1))
    assert np.array_equal(data_set.labels, np.eye(10)[np.array([5, 0, 9, 1, 2, 3])[order]])


def test_the_digit_zero_may_be_class_ten(tmp_path):
    write(tmp_path, LAYOUTS["pair"], np.array([10, 10, 10, 1, 1, 1], np.uint8))
    data_set = create_svhn(tmp_path / "set", tmp_path)
    assert data_set.labels.sum(0).tolist() == [3, 3, 0, 0, 0, 0, 0, 0, 0, 0]


def test_missing_files_are_named(tmp_path):
    with refused(tmp_path, "train_1.pkl", "train_2.pkl", "train_3.pkl", "docs/DATA.md"):
        create_svhn(tmp_path / "set", tmp_path)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("text", (FILES[1], "SVHN", "(pictures, labels)", "'data'", "'labels'")),
        ({"data": PIXELS[:2]}, (FILES[1], "SVHN", "(pictures, labels)", "'data'", "'labels'")),
        ((PIXELS[:2, :, :16], np.zeros(2, np.uint8)), (FILES[1], "[n, 3, 32, 32]", "[2, 3, 16, 32]")),
        (("text", [1]), (FILES[1], "[n, 3, 32, 32]")),
        ((PIXELS[:2], np.zeros(3, np.uint8)), (FILES[1], "labels", 2, "uint8 [3]")),
        ((PIXELS[:2], ["1", "2"]), (FILES[1], "labels", 2)),
        ((PIXELS[:2], np.array([1, 11])), ("labels", 11, "0 to 9")),
    ],
)
def test_other_contents(tmp_path, content, names):
    write(tmp_path, LAYOUTS["pair"], np.zeros(6, np.uint8))
    (tmp_path / FILES[1]).write_bytes(python2(content))
    with refused(*names):
        create_svhn(tmp_path / "set", tmp_path)
    assert not os.path.exists(tmp_path / "set")
