import json
import os
import tracemalloc

import numpy as np
import pytest
from refusals import check_refusal, refused

from stylegan_tf.data import framing, layout
from stylegan_tf.data.example import encode
from stylegan_tf.data.framing import framed
from stylegan_tf.data.layout import FACTS, find_levels, identity, labels_path, level_path, open_data_set, read_facts
from stylegan_tf.data.writing import encode_levels
from stylegan_tf.errors import UserError

COUNT = 3


def write_level(path, pictures):
    with open(path, "wb") as file:
        for picture in pictures:
            file.write(framed(encode(picture)))


@pytest.fixture
def folder(tmp_path):
    """A data set 'cats' of three 16x16 RGB pictures."""
    for stage in (2, 3, 4):
        write_level(tmp_path / f"cats-r{stage:02d}.tfrecords", np.full((COUNT, 3, 2**stage, 2**stage), stage, np.uint8))
    return tmp_path


def test_open(folder):
    data_set = open_data_set(folder)
    assert (data_set.name, data_set.stages, data_set.resolution) == ("cats", (2, 3, 4), 16)
    assert (data_set.channels, data_set.num_images, data_set.labels) == (3, COUNT, None)
    assert data_set.path(3) == folder / "cats-r03.tfrecords"
    starts, lengths = data_set.index(3)
    assert len(starts) == len(lengths) == COUNT
    with refused(folder, "32x32", "4, 8, 16"):
        data_set.path(5)


def test_a_pyramid_may_lack_its_finest_or_coarsest_levels(folder):
    os.remove(folder / "cats-r02.tfrecords")
    assert open_data_set(folder).stages == (3, 4)


def test_labels(folder):
    labels = np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32)
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, labels)
    opened = open_data_set(folder).labels
    assert opened.dtype == np.float32
    assert np.array_equal(opened, labels)
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, labels.astype(np.float64))
    assert open_data_set(folder).labels.dtype == np.float32


@pytest.mark.parametrize("labels", [np.zeros((COUNT + 1, 2)), np.zeros(COUNT), np.zeros((2, COUNT, 1))])
def test_labels_that_do_not_fit(folder, labels):
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, labels)
    with refused(labels_path(folder, "cats"), list(labels.shape), "3 rows"):
        open_data_set(folder)


def test_labels_that_are_none(folder):
    path = labels_path(folder, "cats")
    objects = np.array([[object()]] * COUNT)
    for save in (lambda: path.write_bytes(b"no array"), lambda: objects.dump(path), lambda: path.write_bytes(b"")):
        save()
        with refused(labels_path(folder, "cats"), "np.save"):
            open_data_set(folder)
    for text in (np.array([["a"]] * COUNT), objects):
        with open(path, "wb") as file:
            np.save(file, text)
        with refused(labels_path(folder, "cats"), "np.save"):
            open_data_set(folder)


def test_a_label_file_that_claims_more_than_it_holds_allocates_nothing(folder):
    with open(labels_path(folder, "cats"), "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (COUNT, 10**10)}
        np.lib.format.write_array_header_1_0(file, header)
    tracemalloc.start()
    with refused(labels_path(folder, "cats"), "np.save"):
        open_data_set(folder)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def remove(name):
    return lambda folder: os.remove(folder / name)


def level(name, *shape):
    return lambda folder: write_level(folder / name, np.zeros(shape, np.uint8))


def empty(folder):
    for name in os.listdir(folder):
        os.remove(folder / name)


def foreign(content):
    return lambda folder: (folder / "cats-r04.tfrecords").write_bytes(content)


def cut(name, size):
    return lambda folder: os.truncate(folder / name, size)


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (empty, ["no data set", "*-rNN.tfrecords", "dataset_tool.py"]),
        (level("dogs-r02.tfrecords", 3, 3, 4, 4), ["2", "cats", "dogs"]),
        (remove("cats-r03.tfrecords"), ["cats-r03.tfrecords", "missing"]),
        (level("cats-r03.tfrecords", 2, 3, 8, 8), ["cats-r03.tfrecords: 2", "cats-r04.tfrecords: 3"]),
        (
            level("cats-r03.tfrecords", 3, 1, 8, 8),
            ["cats-r03.tfrecords", "record 0", "[1, 8, 8]", "[3, 8, 8]"],
        ),
        (level("cats-r04.tfrecords", 3, 3, 8, 8), ["cats-r04.tfrecords", "record 0", "[3, 8, 8]", "[3, 16, 16]"]),
        (cut("cats-r04.tfrecords", 2400), ["cats-r04.tfrecords", "record 2", "69 bytes"]),
        (cut("cats-r02.tfrecords", 5), ["cats-r02.tfrecords", "record 0", "cut"]),
        (cut("cats-r02.tfrecords", 0), ["cats-r02.tfrecords: 0", "cats-r04.tfrecords: 3"]),
        (
            lambda folder: (folder / "cats-r02.tfrecords").write_bytes(b"\0" * 999),
            ["cats-r02.tfrecords", "record 0", "checksum", "length"],
        ),
        (foreign(b"<!DOCTYPE html><title>Quota exceeded</title>"), ["cats-r04.tfrecords", "web page"]),
        (foreign(b"version https://git-lfs.github.com/spec/v1"), ["cats-r04.tfrecords", "Git LFS"]),
        (foreign(b"\x1f\x8b" + bytes(99)), ["cats-r04.tfrecords", "gzip"]),
    ],
)
def test_what_is_wrong_is_said(folder, damage, names):
    damage(folder)
    with refused(folder, *names):
        open_data_set(folder)


def test_no_pictures_at_all(tmp_path):
    (tmp_path / "cats-r02.tfrecords").touch()
    with refused(tmp_path, "no pictures"):
        open_data_set(tmp_path)


def test_no_folder(tmp_path):
    with refused(tmp_path / "here", "dataset_tool.py"):
        open_data_set(tmp_path / "here")
    (tmp_path / "file").touch()
    with refused(tmp_path / "file", "folder"):
        find_levels(tmp_path / "file")


def test_index_notices_a_count_that_the_file_size_hid(folder):
    # Two records of other lengths that are together as long as three like the first
    path = level_path(folder, "cats", 2)
    size = path.stat().st_size
    first = len(encode(np.zeros((3, 4, 4), np.uint8))) + 16
    with open(path, "wb") as file:
        file.write(framed(encode(np.full((3, 4, 4), 2, np.uint8))))
        file.write(framed(b"x" * (size - first - 16)))
    data_set = open_data_set(folder)
    with refused("cats-r02.tfrecords", 2, 3):
        data_set.index(2)


NOISE = np.random.RandomState(6).randint(0, 256, (5, 8, 8, 3), np.uint8)


@pytest.fixture(params=["png", "gzip"])
def compressed(tmp_path, request):
    """A data set 'cats' of five 8x8 pictures, without dataset.json."""
    for stage, blob in zip((3, 2), encode_levels(NOISE, request.param), strict=True):
        level_path(tmp_path, "cats", stage).write_bytes(blob)
    return tmp_path, request.param


def facts_of(folder, **changes):
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.tfrecords")}
    return {"num_images": 5, "sizes": sizes, **changes}


def test_a_compressed_set_is_counted(compressed):
    folder, compression = compressed
    data_set = open_data_set(folder)
    assert (data_set.num_images, data_set.channels, data_set.compression) == (5, 3, compression)
    for stage in (2, 3):
        starts, lengths = data_set.index(stage)
        size = level_path(folder, "cats", stage).stat().st_size
        assert len(starts) == 5 and starts[0] == 12 and starts[-1] + lengths[-1] + 4 == size


def test_records_of_other_lengths_that_fill_the_file_as_equal_ones_would(compressed):
    folder, compression = compressed
    first = encode_levels(NOISE[:1], compression)
    for stage, blob in zip((3, 2), first, strict=True):
        with open(level_path(folder, "cats", stage), "wb") as file:
            file.write(blob)
            file.write(framed(b"x" * (2 * len(blob) - 16)))
    assert open_data_set(folder).num_images == 2  # though three of the first would fit


def test_what_dataset_json_says_of_files_of_this_size_saves_reading_their_headers(compressed, monkeypatch):
    folder, _ = compressed
    seen = []

    def walk(path):
        for record in framing.walk(path):
            seen.append(path)
            yield record

    monkeypatch.setattr(layout, "walk", walk)
    (folder / FACTS).write_text(json.dumps(facts_of(folder)))
    assert open_data_set(folder).num_images == 5
    assert len(seen) == 2  # the first record of each level
    (folder / FACTS).write_text(json.dumps(facts_of(folder, num_images=7)))
    data_set = open_data_set(folder)
    with refused("cats-r03.tfrecords", 5, 7):
        data_set.index(3)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{", '{"labels": []}', '{"num_images": 9}', '{"num_images": 9, "sizes": [1]}', "[" * 100_000, "\xff"]
    + ['{"num_images": 9, "sizes": {"cats-r03.tfrecords": 1, "cats-r02.tfrecords": null}}'],
)
def test_a_dataset_json_that_says_nothing_of_the_files_does_no_harm(compressed, text):
    folder, _ = compressed
    (folder / FACTS).write_bytes(text.encode("latin-1"))
    assert open_data_set(folder).num_images == 5


@pytest.mark.parametrize("number", ["5", 5.0, None, 0, -5, [5]])
def test_a_number_of_pictures_that_is_none_is_not_taken(compressed, number):
    folder, _ = compressed
    (folder / FACTS).write_text(json.dumps(facts_of(folder, num_images=number)))
    assert open_data_set(folder).num_images == 5
    assert read_facts(folder)["num_images"] == number


def test_a_large_compressed_set_is_counted_by_its_headers(tmp_path):
    tiny = encode_levels(NOISE[:1, :4, :4], "png")[0]
    with open(level_path(tmp_path, "cats", 2), "wb") as file:
        file.write(tiny)
        for length in range(69_999):
            file.write(framed(b"x" * (length % 99)))
    assert open_data_set(tmp_path).num_images == 70_000


@pytest.fixture
def labelled(folder):
    """The data set of `folder`, with labels, in a folder of its own."""
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, np.eye(COUNT, dtype=np.float32))
    return folder.rename(folder.with_name(f"{folder.name}-labelled"))


def test_identity_does_not_depend_on_the_place(labelled, tmp_path_factory):
    before = identity(open_data_set(labelled))
    assert json.loads(json.dumps(before)) == before
    assert {name: before[name] for name in ("name", "num_images", "resolution", "channels")} == {
        "name": "cats",
        "num_images": COUNT,
        "resolution": 16,
        "channels": 3,
    }
    elsewhere = labelled.rename(tmp_path_factory.mktemp("elsewhere") / "called otherwise")
    (elsewhere / "list_attr_cats.txt").write_text("1")
    (elsewhere / FACTS).write_text("{}")
    assert identity(open_data_set(elsewhere)) == before
    assert identity(open_data_set(os.path.relpath(elsewhere))) == before


def other_labels(folder):
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, np.eye(COUNT, dtype=np.float32)[::-1])


def another_picture(folder):
    for stage in (2, 3, 4):
        write_level(level_path(folder, "cats", stage), np.zeros((COUNT + 1, 3, 2**stage, 2**stage), np.uint8))
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, np.eye(COUNT + 1, dtype=np.float32))


def compressed_differently(folder):
    for stage in (2, 3, 4):
        blob = encode_levels(np.full((COUNT, 2**stage, 2**stage, 3), stage, np.uint8), "png")[0]
        level_path(folder, "cats", stage).write_bytes(blob)


@pytest.mark.parametrize(
    "change",
    [other_labels, another_picture, compressed_differently, remove("cats-rxx.labels"), remove("cats-r02.tfrecords")],
)
def test_identity_shows_what_changed(labelled, change):
    before = identity(open_data_set(labelled))
    change(labelled)
    assert identity(open_data_set(labelled)) != before


def npy(header: str, values: bytes = b"", version: int = 1) -> bytes:
    """A file of np.save with this header, whatever it says."""
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin-1") + values


FLOAT_ROWS = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\3\4" + bytes(40),
        b"PK\5\6" + bytes(18),
        b"\x80\4N.",
        b"\x93NUMPY\1",
        b"\x93NUMPY\x09\0" + bytes(20),
        npy(FLOAT_ROWS % "(-3, 2)", bytes(24)),
        npy(FLOAT_ROWS % "(3, -2)", bytes(24)),
        npy(FLOAT_ROWS % "(3, 99999999999999999999999)", bytes(24)),
        npy(FLOAT_ROWS % "(4611686018427387905, 4)", bytes(24)),  # the product is 4 in 64 bits
        npy(FLOAT_ROWS % "(3, 2.5)", bytes(24)),
        npy(FLOAT_ROWS % "(3, 'a')", bytes(24)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }", bytes(48)),
        npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2), }", bytes(24)),
        npy("{'descr': 7, 'fortran_order': False, 'shape': (3, 2), }", bytes(24)),
        npy("{" * 2000, version=2),
        npy("(" * 100 + ")" * 100),
        npy("{'shape': (3, 2)", bytes(24)),
        npy("9" * 5000, bytes(24)),
        npy("\xff\0", bytes(24), version=3),
    ],
)
def test_foreign_bytes_as_labels_are_one_sentence(folder, content):
    labels_path(folder, "cats").write_bytes(content)
    with pytest.raises(UserError) as caught:
        open_data_set(folder)
    check_refusal(
        str(caught.value)[:500], labels_path(folder, "cats"), "[pictures, label_size]"
    )  # numpy may quote all of it


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_labels_are_finite_numbers(folder, value):
    with open(labels_path(folder, "cats"), "wb") as file:
        np.save(file, np.array([[1, 0], [0, value], [0, value]]))
    with refused(labels_path(folder, "cats"), "label 1", "picture 1", value):
        open_data_set(folder)


@pytest.mark.parametrize("name", ["cats-r03.tfrecords", "cats-r04.tfrecords", "cats-rxx.labels"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_not_waited_for(folder, name, kind):
    path = folder / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with refused(path, "regular"):
        open_data_set(folder)


def test_a_pipe_as_dataset_json_says_nothing(folder):
    os.mkfifo(folder / FACTS)
    assert read_facts(folder) == {}


@pytest.mark.parametrize(
    "crop", ['"x"', "[0, 0, 17, 8]", "[-1, 0, 8, 8]", "[0, 0, 0, 8]", "[0.5, 0, 8, 8]", "[1, 2]", "9" * 4000, "{}"]
)
def test_a_crop_that_is_none_is_said(folder, crop):
    (folder / FACTS).write_text(f'{{"num_images": 3, "crop": {crop}}}')
    with refused(folder / FACTS, "'crop'", "[x, y, width, height]", "16x16"):
        open_data_set(folder)


@pytest.mark.parametrize(
    "text", ["[" * 100000, '{"num_images": ' + "9" * 5000 + "}", '{"num_images": 3, "a": ' + "[" * 100000, "\ud800"]
)
def test_numbers_and_nesting_that_json_cannot_bear_say_nothing(folder, text):
    (folder / FACTS).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_facts(folder) == {}
    assert open_data_set(folder).num_images == COUNT


def test_a_dataset_json_larger_than_any_of_ours_is_not_read(folder):
    (folder / FACTS).write_text('{"num_images": 3, "a": [' + "[],\n" * 2**22 + "0]}")
    with refused(folder / FACTS, "16,777,243"):
        open_data_set(folder)
