import os
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import pytest
from picture_files import encoded, noise, put
from refusals import failed

from stylegan_tf.data.importers import scan
from stylegan_tf.data.importers.check import Header
from stylegan_tf.data.importers.convert import convert
from stylegan_tf.data.importers.labels import Labels
from stylegan_tf.data.importers.plan import Plan
from stylegan_tf.data.importers.scan import Estimate, check_room, describe, estimate, foretell, free_space

PLAN = Plan(16, 3, (16, 16))


def test_formats_sizes_and_colours_are_counted():
    headers = [Header((8, 8), "RGB", "PNG")] * 3 + [Header((9, 8), "L", "JPEG"), Header(fault="damaged")]
    assert describe(headers, None) == ["formats  PNG 3, JPEG 1", "sizes    8x8 3, 9x8 1", "colours  RGB 3, grey 1"]
    many = [Header((side, side), "RGBA", "PNG") for side in range(1, 9)]
    assert describe(many, Labels({str(number): number for number in range(1000)}, 1000, None, "metadata.csv"))[1:] == [
        "sizes    1x1 1, 2x2 1, 3x3 1, 4x4 1, 5x5 1, and 3 others (3)",
        "colours  RGB with alpha 8",
        "labels   1,000 classes, from metadata.csv",
    ]
    assert describe([Header(fault="damaged")], None)[0] == "formats  none"


@pytest.fixture
def sources(tmp_path):
    return [put(tmp_path / f"{seed:02d}.png", encoded(noise(16, seed))) for seed in range(20)]


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def written(plan, compression, sources):
    return sum(len(blob) for blob in convert(plan, compression, sources).blobs)


def test_the_size_of_raw_records_is_exact(sources, pool):
    told = estimate(pool, 2, PLAN, "none", sources, label_size=5)
    assert told.exact
    assert told.records == 20
    assert told.size == written(PLAN, "none", sources) + 20 * 5 * 4
    assert told.seconds > 0
    mirrored = estimate(pool, 2, Plan(16, 3, (16, 16), mirror=True), "none", sources, label_size=5)
    assert (mirrored.records, mirrored.size) == (40, 2 * told.size)


@pytest.mark.parametrize("compression", ["png", "gzip"])
def test_the_size_of_others_is_near(sources, pool, compression):
    told = estimate(pool, 2, PLAN, compression, sources, 0)
    assert not told.exact
    assert told.size == pytest.approx(written(PLAN, compression, sources), rel=0.02)


def test_damaged_samples_do_not_stop_the_estimate(tmp_path, pool):
    damaged = [put(tmp_path / "a.png", b"")]
    told = estimate(pool, 1, PLAN, "png", damaged, 0)
    assert told.records == 1 and told.size > 16 * 16 * 3


def test_what_will_be_written():
    told = Estimate(2000, 3_100_000_000, False, 125.0)
    assert foretell(told, PLAN, "png", 50_000_000_000, 4) == (
        "data set 2,000 pictures of 16x16x3, compression png: about 3.1 GB of 50.0 GB free, about 2m 05s with 4 workers"
    )
    wide = Plan(16, 3, (16, 12))
    assert "16x16x3, picture 16x12 between black bars, compression none: 2.0 MB of" in foretell(
        Estimate(1, 2_000_000, True, 1.0), wide, "none", 10, 1
    )


def test_room_is_that_of_the_disk_where_the_folder_will_be(tmp_path, monkeypatch):
    asked = []

    def usage(path):
        asked.append(path)
        return namedtuple("Usage", "free")(free=1000)

    monkeypatch.setattr(scan.shutil, "disk_usage", usage)
    assert free_space(tmp_path / "new" / "set") == 1000
    assert asked == [tmp_path]


def test_a_full_disk_is_said_before_anything_is_written(tmp_path):
    check_room(tmp_path, 10, 10)
    with failed(tmp_path / "set", "2.0 GB", "1.5 MB", "--resolution", "--compression=png"):
        check_room(tmp_path / "set", 2_000_000_000, 1_500_000)
    assert os.listdir(tmp_path) == []
