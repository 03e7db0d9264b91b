import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from refusals import check_printed

from stylegan_tf.data.framing import offsets
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures, read_pictures
from stylegan_tf.data.writing import Writer

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
from stylegan_tf.data.writing import Writer
from stylegan_tf.errors import exit_code

def work():
    with Writer(f"{folder}/full", "full", 32, 3) as writer:
        for number in range(int(sys.argv[2])):
            writer.add(np.zeros((32, 32, 3), np.uint8))

def replace():
    random = np.random.RandomState(0)
    with Writer(f"{folder}/ours", "ours", 32, 3, compression="png", overwrite=True) as writer:
        for number in range(int(sys.argv[2])):
            writer.add(random.randint(0, 256, (32, 32, 3), np.uint8))

print(json.dumps([seen, exit_code(work), exit_code(replace), sorted(os.listdir(folder))]))
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
    seen, code, code_of_overwriting, left = json.loads(done.stdout)
    assert seen == [[[3, 8, 8], picture.tobytes().hex()] for picture in added]
    theirs = tmp_path / "theirs-r03.tfrecords"
    with open(theirs, "rb") as file:
        assert np.array_equal(read_pictures(file, *offsets(theirs)), added)
    assert code == code_of_overwriting == 1
    lines = done.stderr.splitlines(keepends=True)
    for line, name in zip(lines[-2:], ("full", "ours"), strict=True):
        check_printed(line, tmp_path / name, "File too large")
    assert "Traceback" not in done.stderr
    assert left == ["ours", "theirs-r03.tfrecords"]
    assert np.array_equal(np.stack(list(all_pictures(open_data_set(tmp_path / "ours")))).transpose(0, 3, 1, 2), added)
