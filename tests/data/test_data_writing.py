import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from refusals import check_printed, failed, raises, refused

import stylegan_tf
from stylegan_tf import files
from stylegan_tf.data import writing
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures, read_pictures
from stylegan_tf.data.writing import Writer, check_target, encode_levels


def noise(count, resolution=8, channels=3):
    return np.random.RandomState(2).randint(0, 256, (count, resolution, resolution, channels), np.uint8)


def read(data_set, stage):
    starts, lengths = data_set.index(stage)
    with open(data_set.path(stage), "rb") as file:
        return read_pictures(file, starts, lengths)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(tmp_path, channels):
    added = noise(5, channels=channels)
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
        "compression": "none",
        "sizes": {path.name: path.stat().st_size for path in (tmp_path / "new" / "cats").glob("*.tfrecords")},
        "stylegan_tf": stylegan_tf.__version__,
        "command": "test",
        "seed": 3,
    }


def test_many_small_batches_and_a_picture_that_changes_after_add(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "BATCH_VALUES", 2 * 4 * 4 * 3)  # two pictures at a time
    added = noise(5, 4)
    one = np.empty((4, 4, 3), np.uint8)
    with Writer(tmp_path / "cats", "cats", 4, 3) as writer:
        for picture in added:
            one[:] = picture
            writer.add(one)
    assert np.array_equal(read(open_data_set(tmp_path / "cats"), 2), added.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path, error):
    with pytest.raises(error), Writer(tmp_path / "new" / "cats", "cats", 8, 3) as writer:
        writer.add(noise(1)[0])
        raise error
    assert os.listdir(tmp_path) == []


def test_no_pictures_and_wrong_labels_leave_nothing(tmp_path):
    with refused(tmp_path / "cats", "no picture"), Writer(tmp_path / "cats", "cats", 8, 3):
        assert len(os.listdir(tmp_path)) == 1
    with (
        raises(ValueError, "labels", "[1, label_size]", "[2, 2]"),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(noise(1)[0])
        writer.set_labels(np.eye(2))
    assert os.listdir(tmp_path) == []


def test_a_full_folder_is_refused_and_kept(tmp_path):
    (tmp_path / "mine").touch()
    with refused(tmp_path, "empty", "--overwrite"), Writer(tmp_path, "cats", 8, 3):
        raise AssertionError("the block must not be entered")
    assert os.listdir(tmp_path) == ["mine"]


@pytest.mark.parametrize("resolution", [0, 2, 6, -8])
def test_resolutions(tmp_path, resolution):
    with refused("resolution", 4, resolution):
        Writer(tmp_path / "cats", "cats", resolution, 3)


@pytest.mark.parametrize("picture", [np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 3)), np.zeros((3, 8, 8), np.uint8)])
def test_other_pictures_are_refused(tmp_path, picture):
    with (
        raises(ValueError, "uint8 [8, 8, 3]", list(picture.shape)),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(picture)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self, blobs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Writer, "_write", full)
    with (
        failed(tmp_path / "cats", "No space left"),
        Writer(tmp_path / "cats", "cats", 8, 3) as writer,
    ):
        writer.add(noise(1)[0])
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fails_at_the_very_end(tmp_path, monkeypatch):
    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    write(tmp_path / "cats", noise(2))
    monkeypatch.setattr(files, "_flush_to_disk", broken)
    for name, overwrite in (("cats", True), ("new", False)):
        with failed("dataset.json", tmp_path / name, "Input/output error"):
            write(tmp_path / name, noise(3), overwrite=overwrite)
    assert os.listdir(tmp_path) == ["cats"]
    assert np.array_equal(list(all_pictures(open_data_set(tmp_path / "cats"))), noise(2))


def write(folder, added, compression="none", overwrite=False):
    shape = added.shape[1], added.shape[3]
    with Writer(folder, "cats", *shape, compression=compression, overwrite=overwrite) as writer:
        for picture in added:
            writer.add(picture)


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
def test_add_and_append_write_the_same(tmp_path, compression):
    added = noise(7)
    write(tmp_path / "one", added, compression)
    with Writer(tmp_path / "other", "cats", 8, 3, compression=compression) as writer:
        writer.append(encode_levels(added[:3], compression), 3)
        writer.add(added[3])
        writer.append(encode_levels(added[4:6], compression), 2)
        writer.add(added[6])
        assert writer.num_images == 7
    for name in ("cats-r02.tfrecords", "cats-r03.tfrecords", writing.FACTS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    data_set = open_data_set(tmp_path / "other")
    assert data_set.compression == compression and np.array_equal(list(all_pictures(data_set)), added)


def test_blobs_of_another_resolution_are_refused(tmp_path):
    with pytest.raises(ValueError, match="argument"), Writer(tmp_path / "cats", "cats", 8, 3) as writer:
        writer.append(encode_levels(noise(1, 16)), 1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((8, 3, "zip"), "'zip' none png gzip"),
        ((16384, 3, "png"), "8192x8192 16384x16384x3"),
        ((8, 2, "gzip"), "1 3 4 channels 8x8x2"),
    ],
)
def test_compressions_that_cannot_be(tmp_path, arguments, names):
    resolution, channels, compression = arguments
    with refused(*names.split()):
        Writer(tmp_path / "cats", "cats", resolution, channels, compression=compression)


def test_dataset_json_keeps_its_own_facts(tmp_path):
    with Writer(tmp_path / "cats", "cats", 8, 3, {"channels": "auto", "seed": 5}) as writer:
        writer.add(noise(1)[0])
    facts = json.loads((tmp_path / "cats" / "dataset.json").read_text())
    assert (facts["channels"], facts["seed"]) == (3, 5)


def test_overwrite_replaces_a_data_set_at_the_end(tmp_path):
    write(tmp_path / "cats", noise(2, 16))
    with Writer(tmp_path / "cats", "dogs", 8, 3, overwrite=True) as writer:
        writer.add(noise(1)[0])
        assert open_data_set(tmp_path / "cats").num_images == 2
    data_set = open_data_set(tmp_path / "cats")
    assert (data_set.name, data_set.num_images, data_set.stages) == ("dogs", 1, (2, 3))
    assert os.listdir(tmp_path) == ["cats"]
    write(tmp_path / "new", noise(3), overwrite=True)  # there need not be anything
    assert open_data_set(tmp_path / "new").num_images == 3


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_overwrite_keeps_the_old_set_after_an_error(tmp_path, error):
    write(tmp_path / "cats", noise(2))
    with pytest.raises(error), Writer(tmp_path / "cats", "cats", 8, 3, overwrite=True) as writer:
        writer.add(noise(1)[0])
        raise error
    assert os.listdir(tmp_path) == ["cats"]
    assert np.array_equal(list(all_pictures(open_data_set(tmp_path / "cats"))), noise(2))


def test_the_old_set_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    write(tmp_path / "cats", noise(2))
    replace = os.replace

    def refuse(source, target):
        if ".tmp-" in str(source) and str(target).endswith("cats"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", refuse)
    with failed(tmp_path / "cats", "Input/output error"):
        write(tmp_path / "cats", noise(3), overwrite=True)
    assert os.listdir(tmp_path) == ["cats"] and open_data_set(tmp_path / "cats").num_images == 2


def test_what_is_there_is_only_replaced_when_asked_and_when_a_data_set(tmp_path):
    write(tmp_path / "cats", noise(2))
    with refused(tmp_path / "cats", "empty", "--overwrite"):
        check_target(tmp_path / "cats")
    check_target(tmp_path / "cats", overwrite=True)
    (tmp_path / "cats" / "holiday").mkdir()
    with refused("--overwrite", tmp_path / "cats", "holiday"):
        check_target(tmp_path / "cats", overwrite=True)
    (tmp_path / "letters").mkdir()
    check_target(tmp_path / "letters")
    (tmp_path / "letters" / "mine.txt").touch()
    with refused("--overwrite", tmp_path / "letters", "*-rNN.tfrecords"):
        check_target(tmp_path / "letters", overwrite=True)
    for name in ("letters/mine.txt", "link"):
        if name == "link":
            (tmp_path / name).symlink_to(tmp_path / "cats")
        for overwrite in (False, True):
            with refused(tmp_path / name, "folder"):
                check_target(tmp_path / name, overwrite)
    with refused(tmp_path / "letters" / "mine.txt", tmp_path / "letters" / "mine.txt" / "new" / "set"):
        check_target(tmp_path / "letters" / "mine.txt" / "new" / "set")


def test_what_came_meanwhile_is_kept(tmp_path):
    write(tmp_path / "cats", noise(2))
    with (
        refused("--overwrite", tmp_path / "cats", "holiday"),
        Writer(tmp_path / "cats", "cats", 8, 3, overwrite=True) as writer,
    ):
        writer.add(noise(1)[0])
        (tmp_path / "cats" / "holiday").mkdir()
    assert (tmp_path / "cats" / "holiday").is_dir() and os.listdir(tmp_path) == ["cats"]


def test_a_read_only_folder(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    user = os.geteuid()
    if user == 0:  # root may write anywhere, nobody may not even look into root's folders
        os.seteuid(65534)
    try:
        with refused("read-only") as caught:
            write(locked / "deep" / "cats", noise(1))
        assert any(f" {folder} " in str(caught.value) for folder in (locked, *locked.parents))
    finally:
        os.seteuid(user)
    assert os.listdir(locked) == []


def test_what_a_killed_process_left_is_removed_before_its_disk_space_is_wanted(tmp_path, capsys):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    left = tmp_path / f".cats.tmp-{process.pid}"
    left.mkdir()
    (left / "cats-r02.tfrecords").write_bytes(b"half")
    check_target(tmp_path / "cats")
    assert os.listdir(tmp_path) == [] and str(left) in capsys.readouterr().err


FULL = """
import resource, sys
import numpy as np
from pathlib import Path
from stylegan_tf.data.importers.extract import extract
from stylegan_tf.data.importers.store import PLAIN, store
from stylegan_tf.errors import exit_code
place, which, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
pictures = np.random.RandomState(1).randint(0, 256, (100, 16, 16, 3), np.uint8)

def write():
    if which == "extract":
        store(place / "a", pictures, (16, 3), 100, {"command": "x"}, PLAIN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return extract(place / "a", place / "out")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    labels = np.zeros((100, 1000), np.float32) if which == "labels" else None
    origin = {"command": "x", "long": "x" * limit * (which == "facts")}
    store(place / "a", pictures, (16, 3), 100, origin, PLAIN, labels)

sys.exit(exit_code(write))
"""


def test_what_was_written_when_the_disk_was_full_is_said_behind_the_reason(tmp_path):
    raw = 100 * (16 * 16 * 3 + 100)
    for which, limit, file in (
        ("pictures", 20000, "a-r04.tfrecords"),
        ("labels", raw, "a-rxx.labels"),
        ("facts", raw, "dataset.json"),
        ("extract", 300, "img00000000.png"),
    ):
        place = tmp_path / which
        place.mkdir()
        command = [sys.executable, "-c", FULL, str(place), which, str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert done.returncode == 1
        *_, last = done.stderr.splitlines(keepends=True)
        check_printed(last, file, "File too large")
        assert os.listdir(place) == (["a"] if which == "extract" else [])
