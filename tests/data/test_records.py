import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stylegan_tf.data.records import Writer, encode, offsets, open_data_set, read_pictures, verify, write_record
from stylegan_tf.mistakes import Mistake

ROOT = Path(__file__).parents[2]

# The package tfrecord registers the same protobuf names as TensorFlow: it needs a process of its own.
INDEPENDENT = """
import json, os, resource, sys
import numpy as np
from tfrecord import TFRecordWriter
from tfrecord.reader import tfrecord_loader

folder = sys.argv[1]
seen = []
for record in tfrecord_loader(f"{folder}/ours/ours-r03.tfrecords", None, {"shape": "int", "data": "byte"}):
    seen.append([np.asarray(record["shape"]).tolist(), bytes(record["data"]).hex()])
writer = TFRecordWriter(f"{folder}/theirs-r03.tfrecords")
for shape, data in seen:
    writer.write({"shape": (shape, "int"), "data": (bytes.fromhex(data), "byte")})
writer.close()

# A file may not grow beyond 20 kB any more, as if the disk were full.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from stylegan_tf.data.records import Writer
from stylegan_tf.mistakes import exit_code

def work():
    with Writer(f"{folder}/full", "full", 32, 3) as writer:
        for number in range(int(sys.argv[2])):
            writer.add(np.zeros((32, 32, 3), np.uint8))

print(json.dumps([seen, exit_code(work), sorted(os.listdir(folder))]))
"""


def make(folder, count=6):
    added = np.random.RandomState(3).randint(0, 256, (count, 8, 8, 3), np.uint8)
    with Writer(folder, folder.name, 8, 3) as writer:
        for picture in added:
            writer.add(picture)
    return added.transpose(0, 3, 1, 2)


def test_the_independent_package_reads_our_files_and_we_read_its(tmp_path):
    added = make(tmp_path / "ours")
    command = [sys.executable, "-c", INDEPENDENT, str(tmp_path), "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    seen, code, left = json.loads(done.stdout)
    assert seen == [[[3, 8, 8], picture.tobytes().hex()] for picture in added]
    theirs = tmp_path / "theirs-r03.tfrecords"
    with open(theirs, "rb") as file:
        assert np.array_equal(read_pictures(file, *offsets(theirs)), added)
    assert code == 1
    assert f"error: cannot write the data set {tmp_path}/full: File too large; nothing was left behind" in done.stderr
    assert "Traceback" not in done.stderr
    assert left == ["ours", "theirs-r03.tfrecords"]


def test_verify_reports_a_sound_set(tmp_path):
    make(tmp_path / "cats")
    report = verify(tmp_path / "cats")
    assert (report.name, report.stages, report.channels, report.num_images) == ("cats", (2, 3), 3, 6)
    assert report.label_size == 0
    assert report.size == sum(path.stat().st_size for path in (tmp_path / "cats").glob("*.tfrecords"))
    assert str(report).startswith("cats: 6 pictures of 8x8x3 at 2 resolutions, 0 labels each")


def test_verify_reads_the_recorded_official_files():
    golden = Path(__file__).parents[1] / "golden" / "dataset" / "rgb_shuffle"
    assert verify(golden).num_images == 12
    assert open_data_set(golden).resolution == 32


def test_verify_lists_every_fault(tmp_path):
    make(tmp_path / "cats")
    coarse, fine = (tmp_path / "cats" / f"cats-r0{stage}.tfrecords" for stage in (2, 3))
    starts, lengths = offsets(fine)
    with open(fine, "r+b") as file:
        for record in (0, 4):
            os.pwrite(file.fileno(), b"damage", starts[record] + lengths[record] - 6)
    os.truncate(coarse, coarse.stat().st_size - 1)
    with pytest.raises(Mistake) as raised:
        verify(tmp_path / "cats")
    lines = str(raised.value).splitlines()
    assert lines[0] == f"the data set {tmp_path}/cats is damaged:"
    assert [line.split(": ")[0].strip() for line in lines[1:4]] == [
        f"{coarse}, record 5",
        f"{fine}, record 0",
        f"{fine}, record 4",
    ]
    assert lines[4] == "  cats-r02.tfrecords holds 5 records, others 6"
    assert len(lines) == 5


def test_verify_checks_shapes_messages_and_labels(tmp_path):
    make(tmp_path / "cats", 2)
    with open(tmp_path / "cats" / "cats-r03.tfrecords", "ab") as file:
        write_record(file, encode(np.zeros((1, 8, 8), np.uint8)))
        write_record(file, b"junk")
    with open(tmp_path / "cats" / "cats-rxx.labels", "wb") as file:
        np.save(file, np.zeros((2, 3), np.float32))
    with pytest.raises(Mistake) as raised:
        verify(tmp_path / "cats")
    text = str(raised.value)
    assert "cats-r03.tfrecords, record 2: the picture is [1, 8, 8], expected [3, 8, 8]" in text
    assert "cats-r03.tfrecords, record 3: not an Example message" in text
    assert "cats-r02.tfrecords holds 2 records, others 4" in text
    assert "cats-rxx.labels holds labels of shape [2, 3], expected 4 rows" in text


def test_verify_lists_twenty_faults_and_counts_the_rest(tmp_path):
    make(tmp_path / "cats", 30)
    path = tmp_path / "cats" / "cats-r02.tfrecords"
    starts, _ = offsets(path)
    with open(path, "r+b") as file:
        for start in starts:
            os.pwrite(file.fileno(), b"\xff\xff", start)
    with pytest.raises(Mistake) as raised:
        verify(tmp_path / "cats")
    lines = str(raised.value).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 10 more"


def test_verify_says_when_there_is_nothing(tmp_path):
    (tmp_path / "cats-r02.tfrecords").touch()
    with pytest.raises(Mistake, match="it holds no pictures"):
        verify(tmp_path)
