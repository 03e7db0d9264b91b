"""What lies in a checkpoint's folder, without TensorFlow: progress.json, and which files the weights are in.

checkpoints/<nimg>/ holds state.index, state.data-* (a tf.train.Checkpoint) and progress.json: the counters, the SHA-256
of the other files, and its own.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stylegan_tf import files
from stylegan_tf.errors import UserError

PROGRESS = "progress.json"
STATE = "state"  # what TensorFlow's files begin with
MOST = 2**62  # pictures, bytes, steps
# What Python raises for files that are missing, cut short, damaged, or of other networks; TensorFlow has errors beside.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, RuntimeError, AssertionError)
STATE_FILE = re.compile(r"state\.(index|data-\d{5}-of-\d{5})")


@dataclass
class Progress:
    """How far a run is, apart from its weights. Fields that older checkpoints do not have are at the end."""

    nimg: int = 0  # pictures shown
    seconds: float = 0.0  # trained, by all starts of the run together
    d_steps: int = 0  # of the discriminator, those that were skipped too
    tick: int = 0  # ticks ended
    tick_nimg: int = 0  # where the current tick began
    reset_key: list[int] | None = None  # schedule.reset_key at the last look at the schedule
    skipped_steps: int = 0
    sums: dict[str, Any] = field(default_factory=dict)  # of the statistics since the tick began: see loop.Ticker
    seed: int = 0
    threads: list[int] = field(default_factory=list)  # intra, inter
    tick_seconds: float = 0.0  # trained since the tick began
    phase_nimg: int = 0  # where the schedule was looked at for the last step
    evaluate: bool = False  # whether the tick that ended at nimg still waits for its evaluation
    finite: bool = True  # the weights, and the losses since the tick began
    at_once: dict[str, int] = field(default_factory=dict)  # resolution -> pictures for which there was memory
    lengths: dict[str, int] | None = None  # of stats.jsonl and the event files, in bytes; None: not known


def existing(folder: Path) -> list[Path]:
    """The checkpoints in a folder of them, oldest first; other files and folders do not count."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if path.name.isdecimal() and path.is_dir()), key=lambda path: int(path.name))


def sealed(folder: Path, progress: Progress) -> str:
    """progress.json of a checkpoint whose other files are there.

    The sums of a run that is about to diverge may be NaN, so it is JSON as Python alone reads it.
    """
    content: dict[str, Any] = asdict(progress)
    content["files"] = {path.name: files.sha256(path) for path in sorted(folder.glob(f"{STATE}.*"))}
    return json.dumps(content | {"sha256": _digest(content)}, indent=2) + "\n"


def read(folder: Path, checked: bool = False) -> Progress:
    """What progress.json says; `checked`: and all files are as they were. Raises UserError that says which is not.

    Those that were written before there were checksums have none.
    """
    content = files.read_json(folder / PROGRESS)
    own = content.pop("sha256", None)
    if own not in (None, _digest(content)):
        raise UserError(f"the checksum of {PROGRESS} is wrong")
    digests = content.pop("files", {})
    if not isinstance(digests, dict) or not all(map(STATE_FILE.fullmatch, digests)):
        raise UserError(f"{PROGRESS} lists files that no checkpoint has")
    for name, digest in digests.items():
        if checked and not (folder / name).is_file():
            raise UserError(f"there is no {name}")
        if checked and files.sha256(folder / name) != digest:
            raise UserError(f"the checksum of {name} is wrong")
    if unknown := sorted(content.keys() - asdict(Progress()).keys()):
        raise UserError(f"{PROGRESS} has the unknown field {ascii(unknown[0])[:40]}")
    fields: dict[str, Any] = {"phase_nimg": content.get("nimg")} | content
    progress = Progress(**fields)
    if wrong := next((name for name, fits in _fits(progress).items() if not fits), None):
        raise UserError(f"the {wrong} of {PROGRESS} is {ascii(getattr(progress, wrong))[:40]}, which it cannot be")
    return progress


def _fits(progress: Progress) -> dict[str, bool]:
    """Whether each field has a value that it can have."""
    lengths, sums, threads, at_once = progress.lengths, progress.sums, progress.threads, progress.at_once
    counts = ("nimg", "d_steps", "tick", "tick_nimg", "skipped_steps", "seed", "phase_nimg")
    return {
        **{name: _is_count(getattr(progress, name)) for name in counts},
        **{name: _is_seconds(getattr(progress, name)) for name in ("seconds", "tick_seconds")},
        **{name: type(getattr(progress, name)) is bool for name in ("evaluate", "finite")},
        "threads": type(threads) is list and all(map(_is_count, threads)),
        "reset_key": progress.reset_key is None or type(progress.reset_key) is list,
        "at_once": type(at_once) is dict and all(_is_count(number) and number for number in at_once.values()),
        "lengths": lengths is None or type(lengths) is dict and all(map(_is_count, lengths.values())),
        "sums": type(sums) is dict and all(map(_are_sums, sums.values())),
    }


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < MOST


def _are_sums(values: Any) -> bool:
    """Whether it is a table of sums of one kind of step; older checkpoints have other forms, which are not read."""
    return type(values) is not dict or all(type(value) is float or _is_count(value) for value in values.values())


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
