import numpy as np
import pytest

from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.series import faces, read_attribute_list, write_attribute_list
from stylegan_tf.errors import UserError


def test_faces_are_numbered_not_streamed():
    all_six = list(faces(6, 16, seed=2))
    last_two = list(faces(2, 16, seed=2, start=4))
    for (picture, attributes), (other, others) in zip(all_six[4:], last_two, strict=True):
        assert np.array_equal(picture, other) and np.array_equal(attributes, others)
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8
    assert attributes.shape == (40,) and attributes.dtype == bool
    assert list(faces(0, 16)) == []


def test_the_layout_is_celebas(tmp_path):
    path = tmp_path / "list_attr_celeba.txt"
    table = np.zeros((2, 40), bool)
    table[1, 0] = table[0, 39] = True
    write_attribute_list(path, ["000000.png", "000001.png"], table)
    lines = path.read_text().splitlines()
    assert lines[0] == "2"
    assert lines[1].startswith("5_o_Clock_Shadow Arched_Eyebrows ") and lines[1].endswith(" Wearing_Necktie Young")
    assert lines[2] == "000000.png" + 39 * " -1" + "  1"
    assert lines[3] == "000001.png  1" + 39 * " -1"
    assert [each.name for each in tmp_path.iterdir()] == ["list_attr_celeba.txt"]


def test_what_is_written_is_read(tmp_path):
    table = np.random.default_rng(0).random((5, 40)) < 0.5
    names = [f"{index:06d}.png" for index in range(5)]
    write_attribute_list(tmp_path / "list.txt", names, table)
    read_names, read_table = read_attribute_list(tmp_path / "list.txt")
    assert read_names == names
    assert np.array_equal(read_table, table)


def test_columns_are_found_by_name(tmp_path):
    order = [*ATTRIBUTES[1:], ATTRIBUTES[0]]
    rows = ["1", " ".join(order), "a.jpg " + " ".join(39 * ["-1"] + ["1"])]
    (tmp_path / "list.txt").write_text("\n".join(rows) + "\n")
    names, table = read_attribute_list(tmp_path / "list.txt")
    assert names == ["a.jpg"]
    assert table[0].tolist() == [True] + 39 * [False]


NAMES = " ".join(ATTRIBUTES)
ONES = " ".join(40 * ["1"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line must be the number"),
        ("name,Male\n1,2\n", "first line must be the number"),
        ("1\nMale Young\na.png 1 -1\n", "it has 2 names"),
        (f"2\n{NAMES}\na.png {ONES}\n", "says 2 pictures, but 1"),
        (f"1\n{NAMES}\na.png {ONES} 1\n", "line 3"),
        (f"2\n{NAMES}\na.png {ONES}\nb.png {ONES[:-1]}0\n", "line 4"),
    ],
)
def test_other_files_are_refused(tmp_path, text, said):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_attribute_list(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="not text"):
        read_attribute_list(tmp_path / "list.txt")


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="shape"):
        write_attribute_list(tmp_path / "list.txt", ["a.png"], np.zeros((1, 39), bool))
    with pytest.raises(ValueError, match="space"):
        write_attribute_list(tmp_path / "list.txt", ["a b.png"], np.zeros((1, 40), bool))
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_attribute_list(tmp_path / "folder", ["a.png"], np.zeros((1, 40), bool))
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
