"""What a metric says: the official line, a row of metric-<name>.jsonl, its curve, latent directions, progress."""

import json
import math
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import files
from stylegan_tf.errors import Failure
from stylegan_tf.progress import Eta, LiveLine, format_time

LARGEST = 1e30  # of a result that can be drawn
_WIDTH = 29  # characters of a file's name in the line


@dataclass(frozen=True)
class Row:
    """One evaluation, and what its numbers depend on."""

    metric: str  # with the networks: fid50k@faces
    values: dict[str, float]  # result name without the metric's ('', '_z', '_w', ...) -> value
    network: str  # digest of the generator's file
    nets: str  # digest of what the metric looked through
    seconds: float
    conditions: dict[str, Any]  # samples, seed, data set, mirror, ...: whatever else the numbers depend on


def line(file_name: str, seconds: float, metric: str, values: Mapping[str, float]) -> str:
    """The line of the official code, for instance
    'network-final                  time 16m 02s      fid50k 4.4159    '."""
    name = file_name if len(file_name) <= _WIDTH else "..." + file_name[3 - _WIDTH :]
    results = "".join(f" {metric + suffix} {value:<10.4f}" for suffix, value in values.items())
    return f"{name:<30s} time {format_time(seconds):<12s}{results}"


def append(folder: Path, row: Row) -> Path:
    """Adds the row to metric-<name>.jsonl in `folder`, and returns the file's path.

    Raises Failure where a value is not finite. A line that a killed process left unfinished is ended first.
    """
    for suffix, value in row.values.items():
        if not math.isfinite(value):
            raise Failure(f"{row.metric}{suffix} is {value}: it is not written down")
    path = folder / f"metric-{row.metric}.jsonl"
    fields: dict[str, Any] = {"metric": row.metric}
    fields |= {f"value{suffix}": value for suffix, value in row.values.items()}
    fields |= {"network": row.network, "nets": row.nets, "seconds": round(row.seconds, 3)}
    fields |= {"conditions": row.conditions}
    text = json.dumps(fields, allow_nan=False) + "\n"
    with files.naming(path), open(path, "ab") as file:
        if not files.ends_a_line(path):
            text = "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    return path


def write_directions(folder: Path, network: str, directions: Mapping[str, Any]) -> Path:
    """Writes directions-<network>.npz (names, vectors, the network's digest), whole or not at all; returns its path."""
    path = folder / f"directions-{network}.npz"
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **directions)
    return path


def curve(path: Path) -> Path | None:
    """A picture of how a metric went over the snapshots of a run, beside its metric-<name>.jsonl; None for one value.

    The last row of each snapshot counts.
    """
    import matplotlib

    matplotlib.use("Agg")  # draws into files, where there is no screen too
    from matplotlib import pyplot

    metric, points, lost = _points(path)
    if lost:
        print(f"{path}: {lost} lines are left out, which are no results", flush=True)
    if len(points) < 2:
        return None
    figure, axes = pyplot.subplots(figsize=(8, 5), dpi=120)
    for key in next(iter(points.values())):
        there = sorted(kimg for kimg in points if key in points[kimg])
        axes.plot(there, [points[kimg][key] for kimg in there], marker="o", label=key[6:] or metric)
    axes.set(xlabel="kimg", ylabel=metric, title=path.parent.name)
    axes.grid(alpha=0.3)
    if len(next(iter(points.values()))) > 1:
        axes.legend()
    target = path.with_suffix(".png")
    with files.atomic_path(target) as temporary:
        figure.savefig(temporary, format="png")
    pyplot.close(figure)
    return target


def _points(path: Path) -> tuple[str, dict[int, dict[str, float]], int]:
    """(metric, kimg -> results of the snapshot, how many lines are no results) of a metric-<name>.jsonl."""
    rows, lost = files.read_json_lines(path)
    metric = ""
    points: dict[int, dict[str, float]] = {}
    for row in rows:
        values = {key: value for key, value in row.items() if key.startswith("value")}
        conditions = row.get("conditions")
        file = conditions.get("file") if isinstance(conditions, dict) else None
        numbers = all(type(value) in (int, float) and abs(value) < LARGEST for value in values.values())
        if not isinstance(file, str) or not values or not numbers or not isinstance(row.get("metric"), str):
            lost += 1
            continue
        metric = row["metric"]
        if kimg := re.fullmatch(r"network-snapshot-(\d{6,12})", Path(file).parent.name):
            points[int(kimg[1])] = values
    return metric, points, lost


class Live:
    """The progress of one metric as a line: '<metric>: 300/1,200 fakes, 150/s, 6s left'. A context manager."""

    def __init__(self, metric: str, live: LiveLine | None = None):
        self.metric, self.live = metric, live or LiveLine()
        self._what, self._eta, self._since = "", Eta(None, ""), time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self._what, self._eta = what, Eta(total, what)
            self._eta.start = self._since  # the first call comes when a batch is done, not when it begins
        self._eta.total, self._since = total, time.monotonic()
        if done >= total or self.live.due():
            self.live.show(f"{self.metric}: {self._eta.text(done)}")

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *error) -> None:
        self.live.close()
