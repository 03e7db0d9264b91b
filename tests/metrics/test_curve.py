"""The picture of a metric over a run."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.metrics.report import curve


def rows(path: Path, *points: tuple[str, float]) -> Path:
    lines = [{"metric": "fid5k@faces", "value": value, "conditions": {"file": file}} for file, value in points]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("kimgs", [[100], [100, 100]])
def test_one_snapshot_is_no_curve(kimgs: list[int], tmp_path: Path) -> None:
    points = [(f"run/network-snapshot-{kimg:06d}/Gs.keras", 3.0) for kimg in kimgs]
    assert curve(rows(tmp_path / "metric-fid5k@faces.jsonl", *points)) is None
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


def test_two_snapshots(tmp_path: Path) -> None:
    """The order of the rows does not matter, other files are left out."""
    points = [(f"run/network-snapshot-{kimg:06d}/Gs.keras", value) for kimg, value in ((200, 3.0), (100, 9.0))]
    one = curve(rows(tmp_path / "metric-one.jsonl", *points))
    other = curve(rows(tmp_path / "metric-two.jsonl", *reversed(points), ("elsewhere/ffhq.pkl", 99.0)))
    assert one == tmp_path / "metric-one.png" and other is not None
    with Image.open(one) as a, Image.open(other) as b:
        assert np.asarray(a).std() > 10 and np.array_equal(a, b)


def test_lines_that_are_no_results(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Good ones count, whatever stands before them; how many do not is said."""
    points = [(f"run/network-snapshot-{kimg:06d}/Gs.keras", value) for kimg, value in ((200, 3.0), (100, 9.0))]
    path = rows(tmp_path / "metric-one.jsonl", *points)
    wrong = ["garbage", "[]", '{"metric": 1}', '{"metric": "x", "value": "y", "conditions": {"file": "a"}}']
    wrong += [
        '{"metric": "x", "value": 1e999, "conditions": {"file": "a"}}',
        '{"metric": "x", "value": 1, "conditions": []}',
    ]
    first, second = path.read_text().splitlines()
    path.write_text("\n".join([*wrong[:3], first, *wrong[3:], second]))
    assert curve(path) == path.with_suffix(".png")
    assert "metric-one.jsonl: 6 lines are left out" in capsys.readouterr().out
