import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny

from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.writing import Writer
from stylegan_tf.metrics import cache
from stylegan_tf.metrics.cache import Key
from stylegan_tf.metrics.fid import Gaussian

KEY = Key("ab" * 32, "cd" * 32, 50_000, False)
FOUND = Gaussian(50_000, np.array([1.0, 2.0]), np.array([[3.0, 0.5], [0.5, 4.0]]))


class Work:
    """What would be computed, and how often it was."""

    def __init__(self):
        self.times = 0

    def __call__(self) -> Gaussian:
        self.times += 1
        return FOUND


def asked(folder, key=KEY) -> int:
    """How often the statistics had to be computed; checks that they are right."""
    work = Work()
    found = cache.statistics(folder, key, work)
    assert found.count == FOUND.count
    assert np.array_equal(found.mean, FOUND.mean) and np.array_equal(found.covariance, FOUND.covariance)
    return work.times


def test_computed_once(tmp_path):
    folder = tmp_path / "new" / "cache"
    assert [asked(folder), asked(folder)] == [1, 0]
    assert [path.name for path in folder.iterdir()] == [KEY.file_name()]


@pytest.mark.parametrize("change", [{"data_set": "ef" * 32}, {"network": "ef" * 32}, {"count": 5000}, {"mirror": True}])
def test_everything_in_the_key_matters(tmp_path, change):
    asked(tmp_path)
    assert asked(tmp_path, replace(KEY, **change)) == 1
    assert asked(tmp_path) == 0


def damaged(path) -> dict:
    """name -> what damages the file."""
    content = path.read_bytes()

    def saved(writer=np.savez, **changes):
        with np.load(path) as file:
            arrays = dict(file)
        with open(path, "wb") as out:
            writer(out, **(arrays | changes))

    return {
        "cut": lambda: path.write_bytes(content[: len(content) // 2]),
        "empty": lambda: path.write_bytes(b""),
        "text": lambda: path.write_text("statistics"),
        "flipped": lambda: path.write_bytes(content.replace(np.float64(3).tobytes(), np.float64(5).tobytes())),
        "other": lambda: shutil.copy(path, path.with_name(replace(KEY, mirror=True).file_name())),
        "shape": lambda: saved(mean=np.zeros(3)),
        "nan": lambda: saved(mean=np.array([1, np.nan])),
        "dtype": lambda: saved(mean=np.float32([1, 2])),
        "objects": lambda: saved(mean=np.array([1, None])),
        "missing": lambda: saved(key=np.array("[1]")),
    }


@pytest.mark.parametrize(
    "how",
    ["cut", "empty", "text", "flipped", "other", "shape", "nan", "dtype", "objects", "missing"],
)
def test_damaged_and_foreign_files_are_made_anew(tmp_path, capsys, how):
    asked(tmp_path)
    damaged(tmp_path / KEY.file_name())[how]()
    key = replace(KEY, mirror=True) if how == "other" else KEY
    assert asked(tmp_path, key) == 1
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert f"{key.file_name()} does not hold the statistics that its name says" in told
    assert asked(tmp_path, key) == 0


def test_a_failed_computation_leaves_nothing(tmp_path):
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.statistics(tmp_path / "cache", KEY, fail)
    assert not (tmp_path / "cache").exists()


def test_fingerprint(tmp_path):
    def written(name, change=0):
        pictures = np.arange(3 * 8 * 8 * 3).reshape(3, 8, 8, 3).astype(np.uint8)
        pictures[1, 4, 4, 1] += change
        with Writer(tmp_path / name, name, 8, 3) as writer:
            for picture in pictures:
                writer.add(picture)
        return cache.fingerprint(open_data_set(tmp_path / name))

    assert written("one") == written("other")
    assert written("changed", 1) != written("one-more")
    assert cache.fingerprint(tiny.data_set(tmp_path / "noise")) != written("last")
