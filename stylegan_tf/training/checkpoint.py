"""Checkpoints: everything that a run needs to go on as if it had never stopped.

checkpoints/<nimg>/ holds the weights of G, D and Gs, the state of both optimizers and loss scales (a
tf.train.Checkpoint), and progress.json (checkpoint_files.py). A checkpoint appears in one rename. The last two are
kept, and the last one whose losses and weights were finite.
"""

import shutil
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from stylegan_tf import checkpoint_files, checkpoint_index, files, rundir
from stylegan_tf.checkpoint_files import PROGRESS, Progress
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.training.state import State

KEPT = 2
DAMAGED = ".damaged"  # behind the name of a checkpoint that could not be taken up where an older one could
UNREADABLE = (*checkpoint_files.UNREADABLE, DecodeError, tf.errors.OpError)


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
        return checkpoint_files.existing(self.folder)

    def last_finite(self) -> Path | None:
        """The newest one whose losses and weights were finite."""
        return next((path for path in reversed(self.existing()) if _is_finite(path)), None)

    def save(self, progress: Progress) -> None:
        """Writes a checkpoint, unless this picture has one, and removes those that are not to be kept."""
        target = self.folder / f"{progress.nimg:09d}"
        if not target.exists():
            try:
                with files.atomic_folder(target) as folder:
                    self.checkpoint.write(str(folder / checkpoint_files.STATE))
                    (folder / PROGRESS).write_text(checkpoint_files.sealed(folder, progress), encoding="utf-8")
            except (OSError, tf.errors.OpError) as error:
                before = "; the one before is whole" if self.existing() else ""
                raise Failure(f"{files.reason(error)}: the checkpoint {target} could not be written{before}") from None
        finite = self.last_finite()
        for old in self.existing()[:-KEPT]:
            if old != finite:
                shutil.rmtree(old)

    def note(self, progress: Progress) -> None:
        """Replaces the counters of the checkpoint of this picture, whose weights stay as they are."""
        folder = self.folder / f"{progress.nimg:09d}"
        files.write_text(folder / PROGRESS, checkpoint_files.sealed(folder, progress))

    def restore(self) -> tuple[Progress | None, list[str]]:
        """Takes up the newest checkpoint, or where it is damaged the one before, which is said in a line.

        None where there is no checkpoint. Raises UserError where none of them can be taken up.
        """
        self._tidy()
        damaged: dict[Path, str] = {}
        for folder in reversed(self.existing()):
            try:
                progress = checkpoint_files.read(folder, checked=True)
                checkpoint_index.check(folder / checkpoint_files.STATE)
                checkpoint_index.read(self.checkpoint, folder / checkpoint_files.STATE).assert_consumed()
            except UNREADABLE as error:
                damaged[folder] = str(error) if isinstance(error, UserError) else files.reason(error)
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
        """Removes what a process left that was killed while it wrote: checkpoints, snapshots, single files."""
        for folder in (self.folder.parent, self.folder, *self.existing()):
            files.remove_unfinished(folder)


def _is_finite(folder: Path) -> bool:
    try:
        return checkpoint_files.read(folder).finite
    except UNREADABLE:
        return False
