import numpy as np
import pytest
from picture_files import RGB, encoded, noise, put
from refusals import check_refusal

from stylegan_tf.data.importers.convert import convert, tasks
from stylegan_tf.data.importers.plan import Plan
from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.writing import encode_levels


def test_files_become_records_and_faults(tmp_path):
    pictures = [noise(8, seed) for seed in range(3)]
    sources = [put(tmp_path / f"{number}.png", encoded(picture)) for number, picture in enumerate(pictures)]
    cut = put(tmp_path / "cut.png", encoded(RGB)[:-40])
    empty = put(tmp_path / "empty.png", b"")
    gone = Source("gone.png", str(tmp_path / "gone.png"), 5)
    opaque = put(tmp_path / "opaque.png", encoded(pictures[2], "RGBA"))
    done = convert(Plan(8, 3, (8, 8)), "none", [cut, sources[0], empty, sources[1], gone, opaque])
    assert done.kept == [1, 3, 5]
    assert done.count == 3
    assert done.opaque == 1
    assert done.blobs == encode_levels(np.array(pictures))
    for number, what in {0: "damaged", 2: "empty", 4: "No such file"}.items():
        check_refusal(done.faults[number], what)
    assert done.seconds > 0


def test_mirror_images_follow_their_pictures(tmp_path):
    source = put(tmp_path / "a.png", encoded(RGB))
    done = convert(Plan(8, 3, (8, 8), mirror=True), "png", [source, source])
    assert (done.kept, done.count) == ([0, 1], 4)
    assert done.blobs == encode_levels(np.array([RGB, RGB[:, ::-1]] * 2), "png")


def test_nothing_is_kept(tmp_path):
    done = convert(Plan(8, 3, (8, 8)), "none", [put(tmp_path / "a.png", b"")])
    assert (done.blobs, done.kept, done.count) == ([], [], 0)


@pytest.mark.parametrize(
    ("plan", "size"),
    [
        (Plan(64, 3, (64, 64)), 42),
        (Plan(64, 3, (64, 64), mirror=True), 21),
        (Plan(256, 1, (256, 256)), 8),
        (Plan(1024, 3, (1024, 1024)), 1),
    ],
)
def test_a_task_makes_half_a_million_numbers_or_one_picture(plan, size):
    sources = [Source(str(number), "nowhere", 100) for number in range(2 * size + 1)]
    assert tasks(plan, sources) == [sources[:size], sources[size : 2 * size], sources[-1:]]


def test_a_task_reads_two_megabytes_or_one_file():
    sources = [Source(str(size), "nowhere", size) for size in (2**20, 2**20, 1, 2**22, 5, 2**21)]
    assert tasks(Plan(64, 3, (64, 64)), sources) == [sources[:2], sources[2:3], sources[3:4], sources[4:5], sources[5:]]
    assert tasks(Plan(64, 3, (64, 64)), []) == []
