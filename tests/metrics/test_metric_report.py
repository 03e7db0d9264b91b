import io
import json

import numpy as np
from refusals import failed

from stylegan_tf.metrics import report
from stylegan_tf.metrics.report import Live, Row
from stylegan_tf.progress import LiveLine


def test_the_official_line():
    line = report.line("network-final", 962, "fid50k", {"": 4.4159})
    assert line == "network-final                  time 16m 02s      fid50k 4.4159    "
    line = report.line("karras2019stylegan-ffhq-1024x1024", 36000, "ls", {"_z": 165.0106, "_w": 3.7447})
    assert line == "...019stylegan-ffhq-1024x1024  time 10h 00m 00s  ls_z 165.0106   ls_w 3.7447    "
    assert report.line("a" * 29, 1, "fid50k", {"": 1}).startswith("a" * 29 + "  time 1s           ")
    assert report.line("b" + "a" * 29, 1, "fid50k", {"": 1}).startswith("..." + "a" * 26 + "  time")


ROW = Row("fid5k@faces", {"": 1.25}, "aa", "bb", 2.00049, {"samples": 5000, "seed": 0})


def test_rows_are_added(tmp_path):
    path = report.append(tmp_path, ROW)
    assert report.append(tmp_path, ROW) == path
    assert path.name == "metric-fid5k@faces.jsonl"
    one, two = path.read_text().splitlines()
    assert one == two
    assert json.loads(one) == {
        "metric": "fid5k@faces",
        "value": 1.25,
        "network": "aa",
        "nets": "bb",
        "seconds": 2.0,
        "conditions": {"samples": 5000, "seed": 0},
    }


def test_several_values(tmp_path):
    path = report.append(tmp_path, Row("ls", {"_z": 1.5, "_w": 1.25}, "aa", "bb", 1, {}))
    row = json.loads(path.read_text())
    assert (row["value_z"], row["value_w"]) == (1.5, 1.25)


def test_a_cut_line_is_ended_first(tmp_path):
    path = report.append(tmp_path, ROW)
    with open(path, "a") as file:
        file.write('{"metric": "fid')
    report.append(tmp_path, ROW)
    lines = path.read_text().splitlines()
    assert len(lines) == 3 and json.loads(lines[2]) == json.loads(lines[0])


def test_what_is_not_finite_is_not_written(tmp_path):
    with failed("ls_w", "nan"):
        report.append(tmp_path, Row("ls", {"_z": 1.0, "_w": float("nan")}, "aa", "bb", 1, {}))
    assert list(tmp_path.iterdir()) == []


def test_directions(tmp_path):
    path = report.write_directions(tmp_path, "final", {"attributes": np.array(["smiling"]), "w": np.ones((1, 3))})
    assert path.name == "directions-final.npz"
    with np.load(path, allow_pickle=False) as file:
        assert file["attributes"].tolist() == ["smiling"]
        assert np.array_equal(file["w"], np.ones((1, 3)))


def test_live_progress():
    stream = io.StringIO()
    with Live("fid50k", LiveLine(stream, every=0)) as live:
        live("reals", 5, 10)
        live("reals", 10, 10)
        live("fakes", 2, 4)
        live("fakes", 4, 4)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("fid50k: 5/10 reals, ")
    assert lines[1].startswith("fid50k: 10 reals in 0s")
    assert lines[2].startswith("fid50k: 2/4 fakes, ")
    assert lines[-1].startswith("fid50k: 4 fakes in 0s")


def test_progress_counts_the_first_batch_too(monkeypatch):
    """It is reported when it is done: the time before belongs to it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Live("fid50k", LiveLine(stream, every=0)) as live:
        for what in ("reals", "fakes"):
            now[0] += 4
            live(what, 4, 8)
    assert stream.getvalue().splitlines() == [f"fid50k: 4/8 {what}, 1/s, 4s left" for what in ("reals", "fakes")]
