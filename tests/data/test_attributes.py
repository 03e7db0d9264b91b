"""Lists of attributes: what is read, and the sentence for each that is not one."""

import os
from pathlib import Path

import numpy as np
import pytest
from refusals import raises, refused

from stylegan_tf.data.attributes import (
    attributes_of,
    chosen,
    find_list,
    plain,
    read_attributes,
    split,
    write_attributes,
)
from stylegan_tf.data.faces.attributes import ATTRIBUTES as CELEBA
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.writing import Writer
from stylegan_tf.weights.registry import ATTRIBUTES

GOOD = "3\nSmiling 5_o_Clock_Shadow\n000001.jpg  1 -1\n000002.jpg -1 -1\nc.png -1  1\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "list_attr_test.txt"
    path.write_text(text)
    return path


def test_reading(tmp_path):
    found = read_attributes(written(tmp_path, GOOD), 3)
    assert found.names == ("Smiling", "5_o_Clock_Shadow")
    assert found.table.tolist() == [[True, False], [False, False], [False, True]]
    assert found.column("smiling").tolist() == [True, False, False]
    assert found.column("5-o-clock-shadow").tolist() == [False, False, True]
    assert found.table.dtype == np.bool_
    assert found.files == ("000001.jpg", "000002.jpg", "c.png")


def test_every_name_of_celeba_is_one_of_the_published_classifiers():
    assert sorted(map(plain, CELEBA)) == sorted(ATTRIBUTES)


@pytest.mark.parametrize(
    ("text", "count", "names"),
    [
        ("", 0, ("first", "second")),
        ("Smiling Male\na.png 1 1\n", 1, ("first", "second")),
        ("1\n1 -1\na.png 1 1\n", 1, ("line 2",)),
        ("1\nBig_Nose big-nose\na.png 1 1\n", 1, ("line 2", "Big_Nose")),
        (GOOD.replace("3", "4", 1), 4, ("line 1", "4", "3")),
        (GOOD, 5, ("3", "5")),
        (GOOD.replace("000002.jpg -1 -1", "000002.jpg -1 -1 1"), 3, ("line 4", "2", "1 or -1")),
        (GOOD.replace("000002.jpg -1 -1", "000002.jpg -1 0"), 3, ("line 4", "2", "1 or -1")),
        (GOOD.replace("000002.jpg -1 -1", ""), 3, ("line 4", "2", "1 or -1")),
        (GOOD[:-3], 3, ("line 5", "2", "1 or -1")),
    ],
)
def test_what_is_no_list(tmp_path, text, count, names):
    path = written(tmp_path, text)
    with refused(path, *names):
        read_attributes(path, count)


def test_the_form_with_commas(tmp_path):
    path = tmp_path / "list_attr_celeba.csv"
    path.write_bytes("\ufeffimage_id,Smiling,5_o_Clock_Shadow\r\n1.jpg,1,-1\r\n2.jpg,-1,-1\r\n\r\n".encode())
    found = read_attributes(path, 2)
    assert (found.names, found.files) == (("Smiling", "5_o_Clock_Shadow"), ("1.jpg", "2.jpg"))
    assert found.table.tolist() == [[True, False], [False, False]]
    path.write_text('"image_id", "Smiling"\nimg-1.jpg, 1\nimg-2.jpg, 0\n')
    assert read_attributes(path).table.tolist() == [[True], [False]]
    for text, names in (
        ("image_id,Smiling\n1.jpg,2\n", ("line 2", "1 or 0")),
        ("image_id,Smiling\n1.jpg,-1\n2.jpg,0\n", ("line 3", "1 or -1")),
        ("image_id,Smiling\n1.jpg,1,1\n", ("line 2", "1 or 0")),
        ("1.jpg,1\n2.jpg,1\n", ("line 1",)),
        ("image_id,Big_Nose,big nose\n1.jpg,1,1\n", ("line 1", "Big_Nose")),
        ("image_id,Smiling\n1.jpg,1\n", ("1", "3", "data set")),
    ):
        path.write_text(text)
        with refused(path, *names):
            read_attributes(path, 3 if "data set" in names else None)


def test_a_sorted_list_is_not_taken_for_that_of_shuffled_pictures(tmp_path):
    with Writer(tmp_path / "set", "set", 4, 1, {"shuffle": 1}) as writer:
        for _ in range(3):
            writer.add(np.zeros((4, 4, 1), np.uint8))
    data_set = open_data_set(tmp_path / "set")
    with refused(tmp_path / "list_attr_test.txt", tmp_path / "set", "create_from_images", "--labels"):
        attributes_of(data_set, written(tmp_path, GOOD))
    assert attributes_of(data_set, written(tmp_path, GOOD.replace("c.png", "000000.png"))).files[2] == "000000.png"
    written(tmp_path / "set", GOOD)
    assert attributes_of(data_set).names == ("Smiling", "5_o_Clock_Shadow")


def test_files_that_cannot_be_read(tmp_path):
    with refused(tmp_path / "none.txt", "No such file"):
        read_attributes(tmp_path / "none.txt", 1)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with refused(tmp_path / "picture.png", "text"):
        read_attributes(tmp_path / "picture.png", 1)


def test_what_others_make_of_a_list(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with refused(tmp_path / "pipe.txt", "regular file"):
        read_attributes(tmp_path / "pipe.txt")
    many = " ".join(f"a{number}" for number in range(100_000))  # as many lines would make 10 GB of a file of 1 MB
    for text, name in (
        ("9" * 5000 + "\nSmiling\na.png 1\n", "first line"),
        (f"100000\n{many}\n" + "a\n" * 100_000, "line 3"),
        ('image_id,Smiling\n"1.jpg,1\n2.jpg,1\n', "line 2"),
        ('image_id,Smiling\n1.jpg,"1\n"\n2.jpg,1\n', "2 rows"),
        ("image_id,Smiling\n" + "a" * 200_000 + ",1\n", "field larger"),
    ):
        with refused(name):
            read_attributes(written(tmp_path, text))


def test_order_is_that_of_the_metric_then_that_of_the_list():
    names = ("Zebra", "Smiling", "Stripes", "Male")
    assert chosen(names, [], ATTRIBUTES) == ["male", "smiling", "zebra", "stripes"]
    assert chosen(names, ["stripes", " MALE"], ATTRIBUTES) == ["male", "stripes"]
    assert chosen(names, [""], ATTRIBUTES) == ["male", "smiling", "zebra", "stripes"]


def test_an_unknown_name_is_told_with_the_known_ones():
    with refused("--only", "smilling", "Smiling, Male"):
        chosen(("Smiling", "Male"), ["Smilling"], ATTRIBUTES)


def test_the_list_beside_the_records(tmp_path):
    data_set = DataSet(tmp_path, "it", (2, 3), 8, 3, 3)
    with refused("--attributes", "list_attr_*.txt", "list_attr_*.csv", tmp_path):
        find_list(data_set)
    path = written(tmp_path, GOOD)
    assert find_list(data_set) == path
    (tmp_path / "list_attr_other.txt").write_text(GOOD)
    with refused("--attributes", tmp_path, 2):
        find_list(data_set)


def test_split_is_a_function_of_the_seed():
    train, judged = split(95, 0.1, 7)
    assert (len(train), len(judged)) == (85, 10)  # 9.5 rounds to the even 10
    assert sorted([*train, *judged]) == list(range(95))
    assert np.array_equal(split(95, 0.1, 7)[1], judged)
    assert not np.array_equal(split(95, 0.1, 8)[1], judged)
    assert len(split(12, 0.01, 7)[1]) == 1


def test_the_written_layout_is_celebas(tmp_path):
    path = tmp_path / "list_attr_celeba.txt"
    table = np.zeros((2, 40), bool)
    table[1, 0] = table[0, 39] = True
    write_attributes(path, ["000000.png", "000001.png"], CELEBA, table)
    lines = path.read_text().splitlines()
    assert lines[0] == "2"
    assert lines[1].startswith("5_o_Clock_Shadow Arched_Eyebrows ") and lines[1].endswith(" Wearing_Necktie Young")
    assert lines[2] == "000000.png" + 39 * " -1" + "  1"
    assert lines[3] == "000001.png  1" + 39 * " -1"
    assert [each.name for each in tmp_path.iterdir()] == ["list_attr_celeba.txt"]


def test_what_is_written_is_read(tmp_path):
    table = np.random.default_rng(0).random((5, 40)) < 0.5
    files = tuple(f"{index:06d}.png" for index in range(5))
    write_attributes(tmp_path / "list.txt", files, CELEBA, table)
    found = read_attributes(tmp_path / "list.txt")
    assert (found.files, found.names) == (files, CELEBA)
    assert np.array_equal(found.table, table)


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    with raises(ValueError, "(1, 40)", "(1, 39)"):
        write_attributes(tmp_path / "list.txt", ["a.png"], CELEBA, np.zeros((1, 39), bool))
    with raises(ValueError, "name", "space"):
        write_attributes(tmp_path / "list.txt", ["a b.png"], CELEBA, np.zeros((1, 40), bool))
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_attributes(tmp_path / "folder", ["a.png"], CELEBA, np.zeros((1, 40), bool))
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_count_with_a_control_character_beside_it(tmp_path):
    path = tmp_path / "list_attr_mine.txt"
    path.write_text("4\t\nBald Smiling\n")
    with refused(path, "line 1", "4 pictures"):
        read_attributes(path)
