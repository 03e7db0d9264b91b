from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data.describe import count_labels, info
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.writing import Writer

GOLDEN = Path(__file__).parents[1] / "golden" / "dataset" / "rgb_shuffle"  # written by the official tool
CLASSES = [0, 2, 2, 1, 2]


def make(folder, rows=None, channels=3, compression="none"):
    origin = {"command": "create_cats", "shuffle": 1}
    with Writer(folder, "cats", 8, channels, origin, compression=compression) as writer:
        for number in range(5):
            writer.add(np.full((8, 8, channels), number, np.uint8))
        if rows is not None:
            writer.set_labels(rows)
    return folder


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
def test_info(tmp_path, compression):
    folder = make(tmp_path / "set", np.eye(3)[CLASSES], 1, compression)
    found = info(folder)
    assert (found.data_set.num_images, found.data_set.compression) == (5, compression)
    assert found.sizes == {stage: (folder / f"cats-r0{stage}.tfrecords").stat().st_size for stage in (2, 3)}
    assert found.origin == {"command": "create_cats", "shuffle": 1}
    lines = [line.split() for line in str(found).splitlines()]
    for expected in (
        ["pictures", "5", "of", "8x8,", "grey"],
        ["labels", "3", "for", "each", "picture"],
        ["8x8", "0.0", "MB", "cats-r03.tfrecords"],
        ["command", "create_cats"],
        ["shuffle", "1"],
    ):
        assert expected in lines
    assert lines[3][:2] == ["compression", f"{compression},"]


def test_info_of_an_official_set():
    found = info(GOLDEN)
    assert (found.origin, found.version, found.data_set.labels) == ({}, None, None)
    text = str(found)
    assert "12 of 32x32, RGB" in text and "labels       none" in text and "written by   another program" in text
    # 12 records of 32 * 32 * 3 pixels and some bytes around them
    assert 36_864 < found.sizes[5] < 36_864 + 12 * 100
    assert f"together     {sum(found.sizes.values()) / 1e6:.1f} MB" in text


def test_a_long_option_is_cut(tmp_path):
    with Writer(tmp_path / "set", "cats", 4, 3, {"files": ["x"] * 1000}) as writer:
        writer.add(np.zeros((4, 4, 3), np.uint8))
    assert max(map(len, str(info(tmp_path / "set")).splitlines())) < 300


def test_class_counts(tmp_path):
    found = count_labels(make(tmp_path / "set", np.eye(4)[CLASSES]))
    assert found.one_hot and found.counts.tolist() == [1, 1, 3, 0]
    assert str(found).splitlines() == [
        "cats: 5 pictures of 4 classes",
        "  0: 1 (20.00%)",
        "  1: 1 (20.00%)",
        "  2: 3 (60.00%)",
        "  3: 0 (0.00%)",
    ]


def test_classes_and_columns_are_called_by_their_names(tmp_path):
    for name, key, rows in (("a", "classes", np.eye(3)), ("b", "columns", np.eye(3) + 1), ("c", "classes", np.eye(2))):
        with Writer(tmp_path / name, name, 4, 1, {key: ["cat", "d\x1b[m", "emu"]}) as writer:
            for _ in rows:
                writer.add(np.zeros((4, 4, 1), np.uint8))
            writer.set_labels(rows)
    assert open_data_set(tmp_path / "a").classes == ("cat", "d\x1b[m", "emu")
    assert str(count_labels(tmp_path / "a")).splitlines()[1:3] == ["  0 cat: 1 (33.33%)", "  1 'd\\x1b[m': 1 (33.33%)"]
    assert "  labels       3 for each picture: cat, 'd\\x1b[m', emu" in str(info(tmp_path / "a")).splitlines()
    assert "  2 emu: 3 not 0, from 1 to 2" in str(count_labels(tmp_path / "b")).splitlines()
    assert open_data_set(tmp_path / "b").classes == open_data_set(tmp_path / "c").classes == ()
    assert str(count_labels(tmp_path / "c")).splitlines()[1] == "  0: 1 (50.00%)"


@pytest.mark.parametrize("rows", [[[1, 0], [1, 1]], [[0.5, 0.5], [1, 0]], [[2, -1], [1, 0]], [[0, 0], [1, 0]]])
def test_labels_that_are_no_classes(tmp_path, rows):
    found = count_labels(make(tmp_path / "set", np.array(rows)[[0, 1, 1, 1, 1]]))
    assert not found.one_hot
    assert str(found).startswith("cats: 5 pictures with 2 labels each, not one-hot\n  0: ")
    assert found.counts.tolist() == [4 + (rows[0][0] != 0), (rows[0][1] != 0) + 4 * (rows[1][1] != 0)]
    assert (found.lowest[1], found.highest[0]) == (min(rows[0][1], rows[1][1]), max(rows[0][0], 1))


def test_no_labels(tmp_path):
    with refused(tmp_path / "set", "cats-rxx.labels"):
        count_labels(make(tmp_path / "set"))
    with refused(tmp_path / "other", "labels", "columns"):
        count_labels(make(tmp_path / "other", np.zeros((5, 0))))
