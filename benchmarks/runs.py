"""Runs of the programs that go into docs/RESULTS.md, and what is kept of each: a line of JSON in docs/results.

The lines are committed, the networks are not. What has a line is not run again, so that the work can be divided over
days and machines; tables are made of the lines alone.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page import RESULTS
from stylegan_tf import files, rundir
from stylegan_tf.environment import cores
from stylegan_tf.errors import Failure, UserError

ROOT = Path(__file__).resolve().parents[1]
LINES = RESULTS.parent / "results"  # the folder of the lines
NOT_RUN = "not run yet"
MORE_KIMG = 1  # than was asked: a run ends with a whole look at the schedule
STOPPED = "stopped; the same command goes on"


def add_arguments(parser: argparse.ArgumentParser, outdir: Path, lines: Path) -> None:
    """Where runs, lines and tables are, and what becomes of those that are there."""
    parser.add_argument("--outdir", type=Path, default=outdir, help="of the runs (default: %(default)s)")
    parser.add_argument("--lines", type=Path, default=lines, help="of what was measured (default: %(default)s)")
    parser.add_argument("--page", type=Path, default=RESULTS, help="into which tables go (default: %(default)s)")
    parser.add_argument("--write_only", action="store_true", help="only write the tables of the lines that there are")
    parser.add_argument("--redo", action="store_true", help="remove lines and runs first; not to go on after a stop")


def lines(path: Path) -> list[dict[str, Any]]:
    """What was kept so far. Raises UserError where a line is none, as after a merge, or the file is a folder."""
    found, others = files.read_json_lines(path) if path.exists() else ([], 0)
    if others:
        raise UserError(
            f"{path}: {others} of its lines are no JSON; mend or remove them, and what they stood for is run"
        )
    return found


def keep(path: Path, line: Mapping[str, Any], instead: Callable[[Mapping[str, Any]], bool] | None = None) -> None:
    """Adds a line to a file, whole or not at all, in the place of those of which `instead` is true.

    What another command has written meanwhile stays.
    """
    write(path, [*(one for one in lines(path) if not (instead and instead(one))), line])


def write(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Replaces all lines of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in found))


def check_alike(path: Path, found: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> None:
    """Raises UserError where a line was measured otherwise than is asked now: one table cannot hold both."""
    for line in found:
        other = [f"{name} {line.get(name)}, not {value}" for name, value in asked.items() if line.get(name) != value]
        if other:
            raise UserError(f"{path} has lines of {'; '.join(other)}: ask for the same, or name another --lines")


def program(name: str, *flags: str, capture: bool = False) -> str:
    """Runs train.py or another program to its end. -> what it printed, where that is captured, else "".

    SIGINT and SIGTERM are passed on to it, which may save before it ends: it has a process group of its own, so that
    Ctrl-C reaches it once. Raises KeyboardInterrupt where it was stopped, Failure where it failed.
    """
    children: list[subprocess.Popen] = []
    asked: list[int] = []

    def pass_on(number, frame):
        asked.append(number)
        for child in children:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        command = [sys.executable, str(ROOT / name), *flags]
        out = subprocess.PIPE if capture else None
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, text=True, process_group=0)
        children.append(child)
        if asked:  # before there was a child to pass it on to
            child.send_signal(asked[0])
        told, _ = child.communicate()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked or child.returncode in (130, 143):  # Ctrl-C, SIGTERM
        raise KeyboardInterrupt(STOPPED)
    if child.returncode:
        raise Failure(f"{name} failed: see above; once that is mended the same command goes on")
    return told or ""


def trained(outdir: Path, kimg: float) -> Path:
    """The run directory of what was just trained. Raises UserError where an older command trained it for longer."""
    run_dir = rundir.runs(outdir)[-1]
    shown = rundir.shown_nimg(run_dir) / 1000
    if shown > kimg + MORE_KIMG:
        raise UserError(f"{run_dir} has shown {shown:g} kimg, not {kimg:g}: name another --outdir, or remove that run")
    return run_dir


def measured(run_dir: Path, metric: str) -> list[dict[str, Any]]:
    """What was measured of the snapshots of a run, the last where one was twice: kimg, values, what they depend on.

    [] where the newest snapshot was not measured.
    """
    path = run_dir / f"metric-{metric}.jsonl"
    found = {}
    for row in files.read_json_lines(path)[0] if path.is_file() else ():
        conditions = dict(row.pop("conditions"))
        kimg = _kimg(Path(conditions.pop("file")).parent)
        conditions.pop("dataset", None)  # a path
        found[kimg] = {"kimg": kimg, **row, "conditions": conditions}
    newest = rundir.newest_snapshot(run_dir)
    return [found[kimg] for kimg in sorted(found)] if newest and _kimg(newest) in found else []


def _kimg(snapshot: Path) -> int:
    return int(snapshot.name.rpartition("-")[2])


def circumstances(run_dir: Path) -> dict[str, Any]:
    """How long a run trained, and what decided that and the last bits of its numbers."""
    name = "Timing/total_sec"
    ticks = [tick[name] for tick in files.read_json_lines(run_dir / rundir.STATS)[0] if name in tick]
    return {
        "train_seconds": round(ticks[-1]),
        "precision": rundir.experiment_of(run_dir).training.precision,
        "machine": machine(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
        },
    }


def machine() -> str:
    """For instance 'Intel Xeon, 2 cores'."""
    count = cores()
    kind = cpu().get("model name", platform.processor() or platform.machine())
    return f"{kind}, {count} core{'' if count == 1 else 's'}"


def cpu() -> dict[str, str]:
    """The fields of /proc/cpuinfo of the last core; {} where there is none."""
    text = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    fields = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in fields}
