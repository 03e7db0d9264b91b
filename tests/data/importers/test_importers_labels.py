import json

import numpy as np
import pytest
from picture_files import put
from refusals import check_refusal, refused

from stylegan_tf.data.importers.check import Faults
from stylegan_tf.data.importers.folder import sources
from stylegan_tf.data.importers.labels import read_labels


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
    assert sorted(faults.found) == ["b.png", "c.png", "d.png"] and list(faults.stray) == ["gone.png"]
    for name in ("b.png", "c.png"):
        check_refusal(faults.found[name], "no label", "dataset.json", "--labels=none")
    check_refusal(faults.found["d.png"], "two labels", "dataset.json")
    check_refusal(faults.stray["gone.png"], "dataset.json")


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
    ("name", "text", "names"),
    [
        ("dataset.json", '{"labels": [', ['{"labels": [["path", class], ...]}']),
        ("dataset.json", '{"labels": [1]}', ['{"labels": [["path", class], ...]}']),
        ("dataset.json", "[]", ['{"labels": [["path", class], ...]}']),
        ("dataset.json", "[" * 100000, ['{"labels": [["path", class], ...]}']),
        ("dataset.json", dataset_json(["a.png", 1.5]), ["a.png", "1.5", "65535"]),
        ("dataset.json", dataset_json(["a.png", True]), ["a.png", "True", "65535"]),
        ("dataset.json", dataset_json(["a.png", -1]), ["a.png", "-1", "65535"]),
        ("dataset.json", dataset_json(["a.png", 10**9]), ["a.png", 10**9, "65535"]),
        ("dataset.json", dataset_json(["a.png", 1], ["b.png", "x"]), ["b.png", "'x'"]),
        ("metadata.csv", "name,label\na.png,1\n", ["column", "file_name"]),
        ("metadata.csv", "file_name,label\n,1\n", ["line 2"]),
        ("metadata.csv", 'file_name,label\n"a.png,1\n', ["line 1"]),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "label": 1}\n{"label": 1}',
            ["line 2", "file_name"],
        ),
        ("metadata.jsonl", "a.png 1", ["line 1", "file_name"]),
    ],
)
def test_lists_that_cannot_be_read(read, name, text, names):
    with refused(name, *names):
        read(["a.png", "b.png"], {name: text})


def test_lists_in_other_encodings_are_refused(read, tmp_path):
    (tmp_path / "metadata.csv").write_bytes("file_name,label\na.png,M\u00e4use\n".encode("latin-1"))
    with refused("metadata.csv", "'utf-8'"):
        read(["a.png"], {})


def test_two_kinds_of_lists_are_refused(read):
    lists = {"dataset.json": dataset_json(["a.png", 1]), "metadata.csv": "file_name,label\na.png,2\n"}
    with refused("dataset.json", "metadata.csv", "--labels=none"):
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
    assert list(faults.found) == ["1.png"]
    check_refusal(faults.found["1.png"], "no folder")


@pytest.mark.parametrize("head", ["file_name, label", "File_Name,LABEL", " file_name ;label", "file_name\tlabel"])
def test_spaces_case_and_other_separators_are_forgiven(read, head):
    mark = max(",;\t", key=head.count)
    labels, faults = read(["a.png", "b.png"], {"Metadata.CSV": f"{head}\na.png{mark} dog\nb.png {mark}cat\n{mark}\n"})
    assert not faults and not faults.unused
    assert (labels.names, labels.rows(["a.png", "b.png"]).tolist()) == (("cat", "dog"), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (
            {"metadata.csv": "file_name,class\na.png,cat\n"},
            "metadata.csv has no column 'label' (it has file_name, class): made without labels; call the column",
        ),
        (
            {"metadata.csv": "file_name,x,y\na.png,1,2\nb.png,1,?\n"},
            "metadata.csv has no column 'label' (it has file_name, x, y) and line 3 is not all numbers: made without",
        ),
        ({"metadata.jsonl": '{"file_name": "a.png", "text": "a cat"}'}, "metadata.jsonl has no column 'label' (it has"),
        ({"dataset.json": '{"name": "cats"}'}, "dataset.json has no labels in it"),
        ({"labels.csv": "id,label\na,cat\n", "notes.txt": ""}, "labels.csv, notes.txt: labels are read from dataset.j"),
        ({"annotations.xml": "<a/>"}, "annotations.xml: labels are read from dataset.json, "),
    ],
)
def test_what_is_not_used_is_said_with_the_reason(read, lists, said):
    labels, faults = read(["a.png"], lists)
    assert labels is None and not faults
    (line,) = faults.unused
    assert line.startswith(said)


def test_columns_lists_and_folders_that_are_not_used_are_said(read):
    text = '{"file_name": "d/a.png", "label": 1, "text": "x"}\n{"file_name": "e/b.png", "label": 0, "mood": 2}'
    _, faults = read(["d/a.png", "e/b.png"], {"metadata.jsonl": text})
    assert faults.unused == ["text, mood of metadata.jsonl: its column label has the labels"]
    assert read([], {}, "folders")[1].unused == ["metadata.jsonl: --labels=folders was given"]
    assert read([], {}, "none")[1].unused == ["metadata.jsonl: --labels=none was given"]
    labels, faults = read([], {"metadata.jsonl": ""})
    assert labels is None and faults.unused[1].startswith("the 2 folders of the pictures (d, e) as labels: --labels=f")


@pytest.mark.parametrize(
    ("pictures", "lists", "choice"),
    [
        (["2/a.png", "10/b.png"], {}, "folders"),
        (["all/02/a.png", "all/10/b.png"], {}, "folders"),
        (["2/a.png", "10/b.png"], {"dataset.json": dataset_json(["2/a.png", "2"], ["10/b.png", "10"])}, "auto"),
        (["2/a.png", "10/b.png"], {"dataset.json": '{"labels": {"2/a.png": 2.0, "10/b.png": 10}}'}, "auto"),
        (["2/a.png", "10/b.png"], {"metadata.csv": "file_name,label\n2/a.png,2.0\n10/b.png,10.0\n"}, "auto"),
        (["2/a.png", "10/b.png"], {"labels.csv": "id,kind\na,2\nb.jpg,10\nc,3\n"}, "labels.csv"),
    ],
)
def test_whole_numbers_are_the_numbers_wherever_they_are_read_from(read, pictures, lists, choice):
    labels, faults = read(pictures, lists, choice)
    assert not faults
    assert (labels.size, labels.names) == (11, None)
    assert labels.rows(pictures).argmax(1).tolist() == [2, 10]


def test_numbers_that_can_be_no_classes(read):
    labels, _ = read(["200000/a.png", "70000/b.png"], {}, "folders")  # too large: names
    assert labels.names == ("70000", "200000")


def test_one_number_written_in_two_ways(read):
    with refused("'03'", "'3'"):
        read(["3/a.png", "03/b.png"], {}, "folders")


@pytest.mark.parametrize("label", ["1.5", "nan", "-1", "inf"])
def test_a_column_of_other_numbers_is_no_list_of_names(read, label):
    with refused("a.png", "metadata.csv", label, 65535):
        read(["a.png", "b.png"], {"metadata.csv": f"file_name,label\na.png,{label}\nb.png,0\n"})


@pytest.mark.parametrize(
    ("name", "text", "choice", "columns"),
    [
        ("dataset.json", dataset_json(["a.png", [1.5, 0]], ["b.png", [-1, 100.0]]), "auto", None),
        ("metadata.csv", 'file_name,label\na.png,"[1.5, 0]"\nb.png,"[-1, 100.0]"\n', "auto", None),
        ("metadata.csv", "file_name,x,y\na.png,1.5,0\nb.png,-1,1e2\n", "auto", ("x", "y")),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "x": 1.5, "y": 0}\n{"file_name": "b.png", "y": 100, "x": -1}',
            "auto",
            ("x", "y"),
        ),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "label": [1.5, 0]}\n{"file_name": "b.png", "label": [-1, 100]}',
            "auto",
            None,
        ),
        ("poses.csv", "image;x;y\na;1.5;0\nb;-1;100\n", "poses.csv", ("x", "y")),
        ("poses.json", dataset_json(["a.png", [1.5, 0]], ["b.png", [-1, 100.0]]), "poses.json", None),
    ],
)
def test_several_numbers_for_each_picture_are_vectors(read, name, text, choice, columns):
    labels, faults = read(["a.png", "b.png"], {name: text}, choice)
    assert not faults and not faults.unused
    assert (labels.size, labels.names) == (2, columns)
    rows = labels.rows(["b.png", "a.png"])
    assert rows.dtype == np.float32 and rows.tolist() == [[-1, 100], [1.5, 0]]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([[1, 2], [1]], ["b.png", 1, "a.png", 2]),
        ([[1, 2], [1, float("nan")]], ["b.png", "[1, nan]"]),
        ([[1, 2], [1, "x"]], ["b.png", "[1, 'x']"]),
        ([[], []], ["a.png", "[]"]),
        ([[1e300], [1]], ["a.png", "[1e+300]"]),
        ([[1, 2], 3], ["a.png", "[1, 2]"]),
    ],
)
def test_vectors_that_are_none(read, labels, names):
    with refused("dataset.json", *names):
        read(["a.png", "b.png"], {"dataset.json": dataset_json(["a.png", labels[0]], ["b.png", labels[1]])})


def test_two_lists_of_vectors_have_the_same_columns(read):
    lists = {"a/metadata.csv": "file_name,x,y\n1.png,1,2\n", "b/metadata.csv": "file_name,y,x\n2.png,1,2\n"}
    with refused("b/metadata.csv", "a/metadata.csv", "columns"):
        read(["a/1.png", "b/2.png"], lists)


@pytest.mark.parametrize(
    "listed",
    ["./d/caf\u00e9.jpg", "d\\cafe\u0301.JPG", "d//caf\u00e9.jpg", "lists/../d/cafe\u0301.jpg"],
)
@pytest.mark.parametrize("there", ["d/cafe\u0301.JPG", "d/caf\u00e9.jpg"])
def test_two_spellings_of_one_name_are_one(read, listed, there):
    labels, faults = read([there], {"dataset.json": dataset_json([listed, 3])})
    assert not faults
    assert labels.rows([there]).tolist() == [[0, 0, 0, 1]]


def test_a_list_in_another_folder_names_pictures_beside_it(read):
    labels, faults = read(["images/a.png"], {"lists/metadata.csv": "file_name,label\n../images/a.png,1\n"})
    assert not faults and labels.size == 2


def test_folders_whose_names_are_one_in_two_spellings_are_one_class(read):
    labels, faults = read(["caf\u00e9/1.png", "cafe\u0301/2.png", "bar/3.png"], {}, "folders")
    assert not faults
    assert labels.names == ("bar", "caf\u00e9")


def test_a_named_list_on_the_disk(read, tmp_path):
    elsewhere = tmp_path.parent / "kaggle"
    elsewhere.mkdir()
    (elsewhere / "labels.csv").write_text("id,breed\na,pug\nd/b,akita\nc,x\nsame,x\n")
    pictures = ["d/a.jpg", "d/b.jpg"]
    labels, faults = read(pictures, {"metadata.csv": "file_name,label\n"}, str(elsewhere / "labels.csv"))
    assert not faults
    assert (labels.names, labels.origin) == (("akita", "pug"), "labels.csv")
    assert labels.rows(pictures).tolist() == [[0, 1], [1, 0]]
    assert "2 lines of labels.csv: there are no such pictures, or more than one" in faults.unused
    with refused("--labels=none.csv"):
        read([], {}, "none.csv")
    with refused("more.csv", "column 'label'", "id, kind, breed"):
        read([], {"more.csv": "id,kind,breed\na,x,y\n"}, "more.csv")


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("a.json", '{"a.png": "cat"}', ["--labels=a.json"]),
        ("a.json", '{"labels": []}', ["--labels=a.json"]),
        ("a.jsonl", '{"file_name": "a.png", "label": null}', ["--labels=a.jsonl"]),
        ("a.csv", "a.png,cat\nb.png,dog\n", ["a.csv", "first line", "a.png, cat"]),
        ("a.tsv", "b.JPEG\tdog\na.png\tcat\n", ["a.tsv", "first line"]),
        ("a.csv", ",path,kind\n0,a.png,cat\n", ["a.csv", "column 'label'", "path, kind"]),
    ],
)
def test_a_named_list_must_have_labels(read, name, text, names):
    with refused(*names):
        read(["a.png"], {name: text}, name)


@pytest.mark.parametrize("head", ["file_name,label,Label", "file_name,FILE_NAME,label", "label,file_name,label "])
def test_two_columns_of_one_name_are_refused(read, head):
    with refused("metadata.csv", "two columns", "rename"):
        read(["a.png"], {"metadata.csv": f"{head}\na.png,a.png,cat\n"})


@pytest.mark.parametrize("more", ['"classes": ["cat"]', '"class_names": {"0": "cat"}', '"info": 1'])
def test_what_else_is_in_dataset_json_is_said(read, more):
    labels, faults = read(["a.png"], {"dataset.json": f'{{"labels": [["a.png", 0]], {more}}}'})
    assert labels.size == 1 and not faults
    assert faults.unused == [f"{more.split(chr(34))[1]} of dataset.json: only its labels are read"]


def test_one_file_name_in_two_folders_is_no_match(read):
    _, faults = read(["d/a.jpg", "e/a.jpg"], {"labels.csv": "id,kind\na,1\n"}, "labels.csv")
    assert sorted(faults.found) == ["d/a.jpg", "e/a.jpg"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list_attr_celeba.csv", "image_id,Male,Smiling\n000001.jpg,-1,1\n000002.jpg,1,-1\n"),
        ("list_attr_celeba.csv", "image_id, Male, Smiling\n000001.jpg, 0, 1\n000002.jpg, 1, 0\n"),
        ("list_attr_celeba.txt", "2\nMale Smiling\n000001.jpg -1  1\n000002.jpg  1 -1\n"),
    ],
)
def test_lists_of_attributes_are_vectors(read, name, text):
    pictures = ["img/000001.png", "img/000002.png"]
    labels, faults = read(pictures, {name: text}, name)
    assert not faults and labels.are_attributes
    assert (labels.names, labels.rows(pictures).tolist()) == (("Male", "Smiling"), [[-1, 1], [1, -1]])


def test_a_row_with_more_cells_than_the_first_line(read):
    with refused("metadata.csv", "line 2", 3, 2, "quotes"):
        read(["a,b.png"], {"metadata.csv": "file_name,label\na,b.png,cat\n"})


def test_a_list_that_is_far_too_large_is_not_read(read):
    with refused("metadata.jsonl", "18,000,000 bytes", 1):
        read(["a.png"], {"metadata.jsonl": '{"file_name": "a.png", "label": ' + "1" * (18_000_000 - 32)})


def test_long_texts_take_no_longer_than_they_are(read):
    digits, accents = "7" * 120_000 + "x", "\u0301\u0316" * 60_000  # the square of these would take minutes
    labels, _ = read(["a.png", "b.png"], {"metadata.csv": f"file_name,label\na.png,{digits}\nb.png,{accents}\n"})
    assert labels.names == (digits, accents)
