import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from refusals import check_refusal, refused

from stylegan_tf.data import layout, verifying
from stylegan_tf.data.example import encode
from stylegan_tf.data.framing import framed, offsets
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.verifying import verify
from stylegan_tf.data.writing import Writer, encode_levels
from stylegan_tf.errors import UserError


def make(folder, count=6, compression="none"):
    added = np.random.RandomState(3).randint(0, 256, (count, 8, 8, 3), np.uint8)
    with Writer(folder, folder.name, 8, 3, compression=compression) as writer:
        for picture in added:
            writer.add(picture)
    return added.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
def test_verify_reports_a_sound_set(tmp_path, compression):
    make(tmp_path / "cats", compression=compression)
    report = verify(tmp_path / "cats")
    assert (report.name, report.stages, report.channels, report.num_images) == ("cats", (2, 3), 3, 6)
    assert (report.label_size, report.recomputed) == (0, 6)
    assert report.size == sum(path.stat().st_size for path in (tmp_path / "cats").glob("*.tfrecords"))
    assert str(report).startswith("cats: 6 pictures of 8x8x3 at 2 resolutions, 0 labels each")


def test_verify_reads_the_recorded_official_files():
    golden = Path(__file__).parents[1] / "golden" / "dataset" / "rgb_shuffle"
    assert verify(golden, full=True).recomputed == 12
    assert open_data_set(golden).resolution == 32


def test_verify_lists_every_fault(tmp_path):
    make(tmp_path / "cats")
    coarse, fine = (tmp_path / "cats" / f"cats-r0{stage}.tfrecords" for stage in (2, 3))
    starts, lengths = offsets(fine)
    with open(fine, "r+b") as file:
        for record in (0, 4):
            os.pwrite(file.fileno(), b"damage", starts[record] + lengths[record] - 6)
    os.truncate(coarse, coarse.stat().st_size - 1)
    with pytest.raises(UserError) as raised:
        verify(tmp_path / "cats")
    lines = str(raised.value).splitlines()
    check_refusal(lines[0], tmp_path / "cats")
    assert [line.split(": ")[0].strip() for line in lines[1:4]] == [
        f"{coarse}, record 5",
        f"{fine}, record 0",
        f"{fine}, record 4",
    ]
    check_refusal(lines[4], "cats-r02.tfrecords", 5, 6)
    assert len(lines) == 5


def test_verify_checks_shapes_messages_and_labels(tmp_path):
    make(tmp_path / "cats", 2)
    with open(tmp_path / "cats" / "cats-r03.tfrecords", "ab") as file:
        file.write(framed(encode(np.zeros((1, 8, 8), np.uint8))))
        file.write(framed(b"junk"))
    with open(tmp_path / "cats" / "cats-rxx.labels", "wb") as file:
        np.save(file, np.zeros((2, 3), np.float32))
    with pytest.raises(UserError) as raised:
        verify(tmp_path / "cats")
    for names in (
        ("cats-r03.tfrecords", "record 2", "[1, 8, 8]", "[3, 8, 8]"),
        ("cats-r03.tfrecords", "record 3", "Example"),
        ("cats-r02.tfrecords", 2, 4),
        ("cats-rxx.labels", "[2, 3]", 4),
    ):
        check_refusal(str(raised.value), *names)


def test_verify_lists_twenty_faults_and_counts_the_rest(tmp_path):
    make(tmp_path / "cats", 30)
    path = tmp_path / "cats" / "cats-r02.tfrecords"
    starts, _ = offsets(path)
    with open(path, "r+b") as file:
        for start in starts:
            os.pwrite(file.fileno(), b"\xff\xff", start)
    with pytest.raises(UserError) as raised:
        verify(tmp_path / "cats")
    lines = str(raised.value).splitlines()
    assert len(lines) == 22
    assert "10" in lines[-1]


def test_verify_says_when_there_is_nothing(tmp_path):
    (tmp_path / "cats-r02.tfrecords").touch()
    with refused(tmp_path, "no pictures"):
        verify(tmp_path)


def replace_coarse(folder, numbers, compression="none"):
    """Makes the 4x4 copies of these pictures white."""
    path = folder / "cats-r02.tfrecords"
    starts, lengths = offsets(path)
    content = path.read_bytes()
    white = encode_levels(np.full((1, 4, 4, 3), 255, np.uint8), compression)[0]
    parts = [content[start - 12 : start + length + 4] for start, length in zip(starts, lengths, strict=True)]
    path.write_bytes(b"".join(white if number in numbers else part for number, part in enumerate(parts)))


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
def test_a_coarse_picture_that_is_not_the_mean_of_the_fine_one(tmp_path, compression):
    make(tmp_path / "cats", compression=compression)
    replace_coarse(tmp_path / "cats", [2], compression)
    with refused(tmp_path / "cats" / "cats-r02.tfrecords", "record 2", "8x8") as raised:
        verify(tmp_path / "cats")
    assert len(str(raised.value).splitlines()) == 2


def test_a_sample_is_spread_evenly_and_full_takes_all(tmp_path, monkeypatch):
    monkeypatch.setattr(verifying, "SAMPLE", 3)
    make(tmp_path / "cats", 9)
    assert verify(tmp_path / "cats").recomputed == 3
    assert verify(tmp_path / "cats", full=True).recomputed == 9
    for number in range(9):
        shutil.copytree(tmp_path / "cats", tmp_path / f"{number}")
        replace_coarse(tmp_path / f"{number}", [number])
        if number in (0, 4, 8):
            with refused(f"record {number}", "8x8"):
                verify(tmp_path / f"{number}")
        else:
            assert verify(tmp_path / f"{number}").num_images == 9
        with refused(f"record {number}", "8x8"):
            verify(tmp_path / f"{number}", full=True)


def test_dataset_json_that_says_another_number(tmp_path):
    make(tmp_path / "cats")
    path = tmp_path / "cats" / layout.FACTS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_images": 7}))
    with refused("dataset.json", 7, 6):
        verify(tmp_path / "cats")


@pytest.mark.parametrize(
    ("compression", "shape"),
    [("none", (3, 16, 16)), ("none", (3, 2, 2)), ("gzip", (3, 4096, 4096)), ("png", (1, 8, 8))],
)
def test_one_picture_of_another_size_is_a_fault_of_its_record(tmp_path, compression, shape):
    records = make(tmp_path / "cats")
    other = encode(np.zeros(shape, np.uint8), compression)
    content = [framed(encode(picture)) for picture in records]
    (tmp_path / "cats" / "cats-r03.tfrecords").write_bytes(b"".join([*content[:2], framed(other), *content[3:]]))
    with refused(tmp_path / "cats" / "cats-r03.tfrecords", "record 2", list(shape), "[3, 8, 8]") as raised:
        verify(tmp_path / "cats")
    assert len(str(raised.value).splitlines()) == 2
