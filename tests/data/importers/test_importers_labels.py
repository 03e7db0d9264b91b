import json

import numpy as np
import pytest
from picture_files import put

from stylegan_tf.data.importers.check import Faults
from stylegan_tf.data.importers.folder import sources
from stylegan_tf.data.importers.labels import read_labels
from stylegan_tf.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Reads the labels of a folder with these pictures and lists (name -> text); returns them and the faults."""

    def make(pictures, lists, choice="auto"):
        for name in pictures:
            put(tmp_path / name, b"x")
        for name, text in lists.items():
            put(tmp_path / name, text.encode())
        faults = Faults()
        return read_labels(sources(tmp_path), choice, faults), faults

    return make


def dataset_json(*pairs):
    return json.dumps({"labels": pairs})


def test_numbers_stay_what_they_are(read):
    labels, faults = read(
        ["a.png", "d/b.png", "c.png"], {"dataset.json": dataset_json(["c.png", 0], ["a.png", 3], ["d/b.png", 1])}
    )
    assert not faults
    assert (labels.size, labels.names, labels.origin) == (4, None, "dataset.json")
    expected = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    rows = labels.rows(["a.png", "c.png", "d/b.png"])
    assert rows.dtype == np.float32
    assert np.array_equal(rows, expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dataset.json", dataset_json(["a.png", "dog"], ["b.png", "cat"], ["c.png", "dog"])),
        ("metadata.csv", 'file_name,text,label\na.png,"a dog, young",dog\nb.png,,cat\nc.png,x,dog\n'),
        ("metadata.csv", "\ufefflabel,file_name\r\ndog,a.png\r\ncat,b.png\r\ndog,c.png\r\n"),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "label": "dog"}\n\n{"label": "cat", "file_name": "b.png"}\n'
            '{"file_name": "c.png", "label": "dog", "more": [1]}',
        ),
    ],
)
def test_texts_are_numbered_in_sorted_order(read, name, text):
    labels, faults = read(["a.png", "b.png", "c.png"], {name: text})
    assert not faults
    assert (labels.size, labels.names, labels.origin) == (2, ("cat", "dog"), name)
    assert labels.rows(["a.png", "b.png", "c.png"]).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_digits_in_a_csv_file_are_numbers_where_all_are(read):
    labels, _ = read(["a.png", "b.png"], {"metadata.csv": "file_name,label\na.png,2\nb.png,10\n"})
    assert (labels.size, labels.names) == (11, None)
    labels, _ = read([], {"metadata.csv": "file_name,label\na.png,2\nb.png,ten\n"})
    assert labels.names == ("2", "ten")


def test_paths_are_relative_to_the_folder_of_the_list(read):
    lists = {
        "pets/train/metadata.csv": "file_name,label\na.png,cat\n",
        "pets/test/metadata.csv": "file_name,label\nmore/a.png,dog\n",
    }
    labels, faults = read(["pets/train/a.png", "pets/test/more/a.png"], lists)
    assert not faults
    assert labels.classes == {"pets/train/a.png": 0, "pets/test/more/a.png": 1}


def test_pictures_without_a_label_and_labels_without_a_picture(read):
    text = dataset_json(["a.png", 1], ["gone.png", 0], ["c.png", None], ["d.png", 0], ["d.png", 1])
    labels, faults = read(["a.png", "b.png", "c.png", "d.png"], {"dataset.json": text})
    assert labels.size == 2
    missing = "it has no label in dataset.json; add it, or give --labels=none"
    assert faults.found == {"b.png": missing, "c.png": missing, "d.png": "it has two labels in dataset.json"}
    assert faults.stray == {"gone.png": "it has a label in dataset.json, but there is no such picture"}


@pytest.mark.parametrize(
    "lists",
    [
        {},
        {"dataset.json": '{"name": "cats", "resolution": 64}'},
        {"dataset.json": '{"labels": null}'},
        {"dataset.json": dataset_json(["a.png", None])},
        {"metadata.csv": "file_name,text\na.png,a cat\n"},
        {"notes.json": dataset_json(["a.png", 1])},
    ],
)
def test_no_labels(read, lists):
    labels, faults = read(["a.png"], lists)
    assert labels is None and not faults


def test_labels_that_are_not_wanted_are_not_read(read):
    labels, faults = read(["a.png"], {"dataset.json": "not JSON"}, "none")
    assert labels is None and not faults


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("dataset.json", '{"labels": [', "dataset.json is not a list of labels, "),
        ("dataset.json", '{"labels": [1]}', "dataset.json is not a list of labels, "),
        ("dataset.json", "[]", "dataset.json is not a list of labels, "),
        ("dataset.json", "[" * 100000, "dataset.json is not a list of labels, "),
        ("dataset.json", dataset_json(["a.png", 1.5]), "the label of a.png in dataset.json is 1.5; labels must be"),
        ("dataset.json", dataset_json(["a.png", True]), "the label of a.png in dataset.json is True; "),
        ("dataset.json", dataset_json(["a.png", -1]), "the label of a.png in dataset.json is -1; "),
        ("dataset.json", dataset_json(["a.png", 10**9]), "whole numbers from 0 to 65535, or texts, all of one kind"),
        ("dataset.json", dataset_json(["a.png", 1], ["b.png", "x"]), "the label of b.png in dataset.json is 'x'"),
        ("metadata.csv", "name,label\na.png,1\n", "metadata.csv has no column file_name"),
        ("metadata.csv", 'file_name,label\n"a.png,1\n', "metadata.csv, after line 1: unexpected end of data"),
        ("metadata.jsonl", '{"file_name": "a.png", "label": 1}\n{"label": 1}', "metadata.jsonl, line 2: not "),
        ("metadata.jsonl", "a.png 1", "metadata.jsonl, line 1: not "),
    ],
)
def test_lists_that_cannot_be_read(read, name, text, message):
    with pytest.raises(UserError) as raised:
        read(["a.png", "b.png"], {name: text})
    assert message in str(raised.value)


def test_lists_in_other_encodings_are_refused(read, tmp_path):
    (tmp_path / "metadata.csv").write_bytes("file_name,label\na.png,M\u00e4use\n".encode("latin-1"))
    with pytest.raises(UserError, match="cannot read metadata.csv: 'utf-8' codec"):
        read(["a.png"], {})


def test_two_kinds_of_lists_are_refused(read):
    lists = {"dataset.json": dataset_json(["a.png", 1]), "metadata.csv": "file_name,label\na.png,2\n"}
    with pytest.raises(UserError, match="labels in dataset.json and in metadata.csv; keep one, or give --labels=none"):
        read(["a.png"], lists)


@pytest.mark.parametrize("above", ["", "pets/", "all/pets/"])
def test_folders(read, above):
    pictures = [f"{above}{name}" for name in ("dog/1.png", "cat/young/2.png", "cat/1.png")]
    labels, faults = read(pictures, {"dataset.json": dataset_json(["x", 1])}, "folders")
    assert not faults
    assert (labels.names, labels.origin) == (("cat", "dog"), "folders")
    assert labels.rows(pictures).tolist() == [[0, 1], [1, 0], [1, 0]]


def test_one_folder_is_one_class(read):
    labels, faults = read(["cat/1.png", "cat/2.png"], {}, "folders")
    assert not faults
    assert labels.names == ("cat",)


def test_pictures_outside_the_folders(read):
    labels, faults = read(["dog/1.png", "1.png"], {}, "folders")
    assert labels.names == ("dog",)
    assert list(faults.found) == ["1.png"] and "it lies in no folder" in faults.found["1.png"]
