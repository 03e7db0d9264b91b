"""Checkpoints: everything that a run needs to go on as if it had never stopped.

checkpoints/<nimg>/ holds the weights of G, D and Gs, the state of both optimizers and loss scales (a
tf.train.Checkpoint), and progress.json with the counters. A checkpoint appears in one rename; the last two are kept.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import tensorflow as tf

from stylegan_tf import files, rundir
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.training.state import State

KEPT = 2
# What Python and TensorFlow raise for a file that is missing, cut short, damaged, or of another network.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, RuntimeError, AssertionError, tf.errors.OpError)


@dataclass
class Progress:
    """How far a run is, apart from its weights."""

    nimg: int = 0  # pictures shown
    seconds: float = 0.0  # trained, by all starts of the run together
    d_steps: int = 0  # of the discriminator, those that were skipped too
    tick: int = 0  # ticks ended
    tick_nimg: int = 0  # where the current tick began
    reset_key: list[int] | None = None  # schedule.reset_key at the last look at the schedule
    skipped_steps: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the statistics since the tick began
    seed: int = 0
    threads: list[int] = field(default_factory=list)  # intra, inter


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

    def save(self, progress: Progress) -> None:
        """Writes a checkpoint and removes all but the last two."""
        target = self.folder / f"{progress.nimg:09d}"
        if not target.exists():
            try:
                with files.atomic_folder(target) as folder:
                    self.checkpoint.write(str(folder / "state"))
                    # The sums of a run that is about to diverge may be NaN, which write_json refuses.
                    files.write_text(folder / "progress.json", json.dumps(asdict(progress), indent=2) + "\n")
            except (OSError, tf.errors.OpError) as error:
                raise Failure(
                    f"the checkpoint {target} could not be written ({_reason(error)}); the one before is whole"
                ) from None
        for old in self.existing()[:-KEPT]:
            shutil.rmtree(old)

    def restore(self) -> Progress | None:
        """Takes up the newest checkpoint; None where there is none. Raises UserError for one that does not fit."""
        found = self.existing()
        self._tidy()
        if not found:
            return None
        try:
            progress = Progress(**json.loads((found[-1] / "progress.json").read_text(encoding="utf-8")))
            self.checkpoint.read(str(found[-1] / "state")).assert_consumed()
        except UNREADABLE as error:
            raise UserError(
                f"the checkpoint {found[-1]} cannot be taken up ({_reason(error)}); remove that folder to go back to "
                "the one before, or start a new run with --resume=never"
            ) from None
        return progress

    def _tidy(self) -> None:
        """Removes what a process left that was killed while it wrote: a checkpoint, a snapshot, a single file."""
        run_dir = self.folder.parent
        for leftover in (*self.folder.glob(".*.tmp-*"), *run_dir.glob(".*.tmp-*")):
            shutil.rmtree(leftover)
        for leftover in run_dir.glob(".tmp-*"):
            leftover.unlink()


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
