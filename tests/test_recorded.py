"""The loader of recorded numbers, by hand."""

import math
import runpy

import numpy as np
import pytest
import recorded
from recorded import FOLDER, Recorded, Thinned, relative, relative_l2, share_within, thin, worst

GOLDEN = recorded.Path(recorded.__file__).parent / "golden"


def test_thin():
    row = thin(np.arange(-126, 1).reshape(1, 127))  # 127 elements: every second one is left
    assert row[0] == 126
    assert row[1] == pytest.approx(math.sqrt(126 * 127 * 253 / 6))  # sum of squares 1 .. 126
    assert row[2:].tolist() == list(range(-126, 1, 2))


def test_thin_repeats_the_elements_of_small_arrays():
    row = thin([3.0, -4.0])
    assert row[:2].tolist() == [4, 5]
    assert set(row[2:].tolist()) == {3, -4}


def test_thinned_and_whole_arrays_are_compared_alike():
    ours, official = np.float32([1, 2, 5]), np.float32([1, 2, 4])
    for theirs in (official, Thinned(thin(official))):
        assert worst(ours, theirs) == 1
        assert relative(ours, theirs) == pytest.approx(1 / 4)
    assert share_within([(ours, official), (ours, ours)], 0.5) == pytest.approx(5 / 6)
    assert relative_l2(ours, official) == pytest.approx(1 / math.sqrt(21))
    assert relative_l2(ours, Thinned(thin(official))) == pytest.approx((math.sqrt(30) - math.sqrt(21)) / math.sqrt(21))


def test_a_wrong_shape_is_an_error():
    with pytest.raises(AssertionError, match="the shape is"):
        worst(np.zeros((2, 3)), np.zeros((3, 2)))


def test_files_made_by_the_script(tmp_path, monkeypatch):
    whole = {"z": np.float32([[1, 2]]), "grad/D/weight": np.arange(127, dtype=np.float32), "grad/D/lod": np.float32(0)}
    np.savez(tmp_path / "source.npz", **whole)
    thinned = runpy.run_path(str(GOLDEN / "make_thinned.py"))["thinned"]
    np.savez(tmp_path / "made.npz", **thinned(tmp_path / "source.npz", "grad/"))
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    recording = Recorded("made")
    assert np.array_equal(recording["z"], whole["z"])
    assert set(recording.group("grad")) == {"D/weight", "D/lod"}
    assert recording["grad/D/weight"].largest == 126
    assert relative(whole["grad/D/weight"], recording["grad/D/weight"]) == 0


def test_recordings_are_small():
    assert sum(path.stat().st_size for path in GOLDEN.rglob("*")) < 30e6
    assert FOLDER.is_dir()
