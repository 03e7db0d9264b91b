"""Checkpoints: everything that a run needs to go on as if it had never stopped.

checkpoints/<nimg>/ holds the weights of G, D and Gs, the state of both optimizers and loss scales (a
tf.train.Checkpoint), and progress.json with the counters, the SHA-256 of the other files, and its own. A checkpoint
appears in one rename. The last two are kept, and the last one whose losses and weights were finite.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from stylegan_tf import files, rundir
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.training.state import State

KEPT = 2
PROGRESS = "progress.json"
DAMAGED = ".damaged"  # behind the name of a checkpoint that could not be taken up where an older one could
# What Python and TensorFlow raise for a file that is missing, cut short, damaged, or of another network.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, RuntimeError, AssertionError, tf.errors.OpError)


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
    lengths: dict[str, int] | None = None  # of stats.jsonl and the event files, in bytes; None: not known


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, run_dir: Path, state: State):
        self.folder = run_dir / rundir.CHECKPOINTS
        self.checkpoint = tf.train.Checkpoint(
            G=state.G,
            D=state.D,
            Gs=state.Gs,
            G_optimizer=state.G_optimizer,
            D_optimizer=state.D_optimizer,
            G_scale=state.G_scale,
            D_scale=state.D_scale,
        )

    def existing(self) -> list[Path]:
        """The whole checkpoints, oldest first."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((path for path in found if path.name.isdigit()), key=lambda path: int(path.name))

    def last_finite(self) -> Path | None:
        """The newest one whose losses and weights were finite."""
        return next((path for path in reversed(self.existing()) if _is_finite(path)), None)

    def save(self, progress: Progress) -> None:
        """Writes a checkpoint, unless this picture has one, and removes those that are not to be kept."""
        target = self.folder / f"{progress.nimg:09d}"
        if not target.exists():
            try:
                with files.atomic_folder(target) as folder:
                    self.checkpoint.write(str(folder / "state"))
                    (folder / PROGRESS).write_text(_sealed(folder, progress), encoding="utf-8")
            except (OSError, tf.errors.OpError) as error:
                raise Failure(
                    f"the checkpoint {target} could not be written ({_reason(error)}); the one before is whole"
                ) from None
        finite = self.last_finite()
        for old in self.existing()[:-KEPT]:
            if old != finite:
                shutil.rmtree(old)

    def note(self, progress: Progress) -> None:
        """Replaces the counters of the checkpoint of this picture, whose weights stay as they are."""
        folder = self.folder / f"{progress.nimg:09d}"
        files.write_text(folder / PROGRESS, _sealed(folder, progress))

    def restore(self) -> tuple[Progress | None, list[str]]:
        """Takes up the newest checkpoint, or where it is damaged the one before, which is said in a line.

        None where there is no checkpoint. Raises UserError where none of them can be taken up.
        """
        self._tidy()
        damaged: dict[Path, str] = {}
        for folder in reversed(self.existing()):
            try:
                progress = _read(folder, checked=True)
                self.checkpoint.read(str(folder / "state")).assert_consumed()
            except UNREADABLE as error:
                damaged[folder] = _reason(error)
                continue
            lines = []
            for other, reason in damaged.items():
                aside = other.with_name(other.name + DAMAGED)
                shutil.rmtree(aside, ignore_errors=True)
                other.rename(aside)
                lines.append(f"the checkpoint {other} cannot be taken up ({reason}): it is {aside.name} now")
            return progress, lines
        if not damaged:
            return None, []
        newest = next(iter(damaged))
        others = ", and none before it can" if len(damaged) > 1 else " and is the only one"
        raise UserError(
            f"the checkpoint {newest} cannot be taken up ({damaged[newest]}){others}: remove {self.folder} to begin "
            "this run again, or start a new run with --resume=never"
        ) from None

    def _tidy(self) -> None:
        """Removes what a process left that was killed while it wrote: a checkpoint, a snapshot, a single file."""
        run_dir = self.folder.parent
        for leftover in (*self.folder.glob(".*.tmp-*"), *run_dir.glob(".*.tmp-*")):
            shutil.rmtree(leftover)
        for leftover in (*run_dir.glob(".tmp-*"), *self.folder.glob("*/.tmp-*")):
            leftover.unlink()


def _sealed(folder: Path, progress: Progress) -> str:
    """progress.json of a checkpoint whose other files are there.

    The sums of a run that is about to diverge may be NaN, so it is JSON as Python alone reads it.
    """
    content: dict[str, Any] = asdict(progress)
    content["files"] = {path.name: files.sha256(path) for path in sorted(folder.glob("state.*"))}
    return json.dumps(content | {"sha256": _digest(content)}, indent=2) + "\n"


def _read(folder: Path, checked: bool = False) -> Progress:
    """What progress.json says; `checked`: and all files are as they were. Raises one of UNREADABLE.

    Those that were written before there were checksums have none.
    """
    if not (folder / PROGRESS).is_file():  # a pipe would wait for somebody to write into it
        raise ValueError(f"it has no file {PROGRESS}")
    content = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("files", {}), dict):
        raise ValueError(f"{PROGRESS} is none of a checkpoint")
    own = content.pop("sha256", None)
    if own not in (None, _digest(content)):
        raise ValueError(f"the checksum of {PROGRESS} is wrong")
    for name, digest in content.pop("files", {}).items():
        if checked and files.sha256(folder / name) != digest:
            raise ValueError(f"the checksum of {name} is wrong")
    progress = Progress(**{"phase_nimg": content["nimg"]} | content)
    for name, default in asdict(Progress(reset_key=[], lengths={})).items():
        value = getattr(progress, name)
        kinds = (int, float) if type(default) is float else (type(default),)
        if type(value) not in kinds and not (value is None and name in ("reset_key", "lengths")):
            raise ValueError(f"the {name} of {PROGRESS} is of another type")
    return progress


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_finite(folder: Path) -> bool:
    try:
        return _read(folder).finite
    except UNREADABLE:
        return False


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
