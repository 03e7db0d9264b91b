"""Everything a run says: the official tick line, stats.jsonl, TensorBoard, and a live line on the console."""

import io
import json
import math
import os
import resource
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np
from PIL import Image

from stylegan_tf import files, rundir
from stylegan_tf.configs.schedule import Phase
from stylegan_tf.progress import LiveLine, format_time

EVENTS = "events.out.tfevents."
# Name, width and digits of each number in the tick line, in the official order.
TICK_LINE = (
    ("tick", "<5d"),
    ("kimg", "<8.1f"),
    ("lod", "<5.2f"),
    ("minibatch", "<4d"),
    ("time", "<12"),
    ("sec/tick", "<7.1f"),
    ("sec/kimg", "<7.2f"),
    ("maintenance", "<6.1f"),
    ("gpumem", "<4.1f"),
)


@dataclass(frozen=True)
class Tick:
    """What there is to say at the end of a tick. Seconds; GB of 2**30 bytes."""

    tick: int  # number of the tick, from 1
    nimg: int  # pictures shown so far
    phase: Phase
    total_seconds: float  # since the run began, earlier starts included
    tick_seconds: float  # of training in this tick
    tick_nimg: int  # pictures shown in this tick
    maintenance_seconds: float = 0.0  # grids, snapshots, metrics since the tick before
    peak_gpu_gb: float = 0.0
    skipped_steps: int = 0  # steps with a gradient that was not finite, in the whole run
    losses: Mapping[str, float] = field(default_factory=dict)  # means since the tick before: see scalars

    @property
    def seconds_per_kimg(self) -> float:
        return 1000 * self.tick_seconds / max(self.tick_nimg, 1)


def tick_line(tick: Tick) -> str:
    """The official line of log.txt, "tick 1     kimg 140.3    lod 7.00  minibatch 128  time 4m 02s ..."."""
    values = (
        *(tick.tick, tick.nimg / 1000, tick.phase.lod, tick.phase.minibatch, format_time(tick.total_seconds)),
        *(tick.tick_seconds, tick.seconds_per_kimg, tick.maintenance_seconds, tick.peak_gpu_gb),
    )
    pairs = zip(TICK_LINE, values, strict=True)
    return " ".join(f"{name} {value:{form}}" for (name, form), value in pairs).rstrip()


def scalars(tick: Tick) -> dict[str, float]:
    """The numbers of a tick under their official TensorBoard names.

    A loss called "G", "D", "scores/real", "scores/fake", "r1_penalty", ... gets "Loss/" in front.
    """
    return {
        **{f"Loss/{name}": value for name, value in tick.losses.items()},
        "Progress/tick": tick.tick,
        "Progress/kimg": tick.nimg / 1000,
        "Progress/lod": tick.phase.lod,
        "Progress/minibatch": tick.phase.minibatch,
        "Progress/skipped_steps": tick.skipped_steps,
        "Timing/total_sec": tick.total_seconds,
        "Timing/sec_per_tick": tick.tick_seconds,
        "Timing/sec_per_kimg": tick.seconds_per_kimg,
        "Timing/maintenance_sec": tick.maintenance_seconds,
        "Resources/peak_gpu_mem_gb": tick.peak_gpu_gb,
    }


def live_text(
    nimg: int,
    total_kimg: float,
    phase: Phase,
    seconds_per_image: float,
    losses: Mapping[str, float],
    peak_gpu_gb: float = 0.0,
    remaining: float | None = None,
) -> str:
    """The line that is rewritten while training; `remaining` seconds, None as long as nobody can tell.

    Names of losses as in `scalars`; those that are not there are left out.
    """
    fading = f" fade {phase.fade:.2f}" if phase.fade < 1 else ""
    names = {"G": "G", "D": "D", "scores/real": "real", "scores/fake": "fake"}
    parts = [
        f"{nimg / 1000:.1f} of {total_kimg:g} kimg",
        f"{phase.resolution}x{phase.resolution}{fading}",
        f"{1 / seconds_per_image:.4g} img/s",
        f"{1000 * seconds_per_image:.4g} s/kimg",
        " ".join(f"{short} {losses[name]:.2f}" for name, short in names.items() if name in losses),
        f"gpumem {peak_gpu_gb:.1f} GB" if peak_gpu_gb else f"mem {process_memory_gb():.1f} GB",
        "" if remaining is None else f"{format_time(remaining)} left",
    ]
    return "  ".join(filter(None, parts))


def process_memory_gb() -> float:
    """The most memory that this process ever had, in GB of 2**30 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class RunLog:
    """Writes what a run says into its directory and on the console: log.txt, stats.jsonl, TensorBoard's event files.

    nimg: where this start of the run begins. lengths: what `lengths` returned when the checkpoint was written that the
    run goes on from: whatever was written after it is taken back, so that a resumed run is one line; {} for a run that
    begins, None where that is not known and all stays. log.txt is a diary, and nothing in it is taken back.
    """

    def __init__(
        self,
        run_dir: Path,
        nimg: int = 0,
        lengths: Mapping[str, int] | None = None,
        line: LiveLine | None = None,
    ):
        self.run_dir = run_dir
        self.line = line if line is not None else LiveLine()
        if lengths is not None:
            for path in self._measured():
                if path.name not in lengths:
                    path.unlink()
                elif path.stat().st_size > lengths[path.name]:
                    os.truncate(path, lengths[path.name])
        self._log = open(run_dir / rundir.LOG, "a", encoding="utf-8")  # noqa: SIM115 (closed by close)
        self._stats = open(run_dir / rundir.STATS, "a", encoding="utf-8")  # noqa: SIM115 (closed by close)
        if not files.ends_a_line(run_dir / rundir.STATS):
            self._stats.write("\n")
        self._events = EventFile(run_dir, 0 if lengths == {} else nimg + 1)

    def lengths(self) -> dict[str, int]:
        """Name of each file that `__init__` may cut back -> its length, all of which is on the disk."""
        for file in (self._stats, self._events.file):
            with files.naming(file.name):
                file.flush()
                os.fsync(file.fileno())
        return {path.name: path.stat().st_size for path in self._measured()}

    def _measured(self) -> list[Path]:
        return [*self.run_dir.glob(rundir.STATS), *self.run_dir.glob(f"{EVENTS}*")]

    def say(self, text: str) -> None:
        """A line on the console and in log.txt."""
        if self.line.live:
            self.line.close()
        print(text, flush=True)
        self._append(self._log, text)

    def tick(self, tick: Tick) -> None:
        """The tick line, a line of stats.jsonl and a point on TensorBoard's curves."""
        self.say(tick_line(tick))
        self._write(scalars(tick), tick.nimg)

    def metrics(self, values: Mapping[str, float], nimg: int) -> None:
        """Metrics by name: a line of stats.jsonl, and points on TensorBoard's curves, as Metrics/<name>."""
        self._write({f"Metrics/{name}": value for name, value in values.items()}, nimg)

    def _write(self, values: Mapping[str, float], nimg: int) -> None:
        with files.naming(self._events.file.name):
            self._events.scalars(values, nimg)
        # JSON has no NaN and no infinity.
        plain = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._append(self._stats, json.dumps({"nimg": nimg} | plain))

    @staticmethod
    def _append(file: TextIO, line: str) -> None:
        with files.naming(file.name):
            file.write(line + "\n")
            file.flush()

    def image(self, tag: str, pixels: np.ndarray, nimg: int) -> None:
        """A grid for TensorBoard, uint8 [H, W, C]; `tag` such as "fakes"."""
        with files.naming(self._events.file.name):
            self._events.image(tag, pixels, nimg)

    def close(self) -> None:
        """Ends the live line and closes the files."""
        if self.line.live:
            self.line.close()
        with ExitStack() as closing:
            for file in (self._events.file, self._log, self._stats):
                closing.enter_context(files.naming(file.name))
                closing.callback(file.close)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class NoLog(RunLog):
    """What workers beside the chief say: nothing, for they would say the same."""

    def __init__(self):
        self.line = LiveLine(io.StringIO(), every=math.inf)

    def lengths(self) -> dict[str, int]:
        return {}

    def say(self, text: str) -> None:
        """Nothing."""

    def image(self, tag: str, pixels: np.ndarray, nimg: int) -> None:
        """Nothing."""

    def _write(self, values: Mapping[str, float], nimg: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """There is nothing to close."""


class EventFile:
    """One start of a run in TensorBoard's format, by its own writer of records, which needs no TensorFlow.

    TensorBoard reads the event files of a folder in the order of their names, as one run. `step`: where this start
    begins; a TensorBoard that is running and has read what was taken back since drops all from there on.
    """

    def __init__(self, folder: Path, step: int):
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        # Later in the alphabet than every event file in the folder, even if the clock went backwards.
        stamps = [path.name.removeprefix(EVENTS).split(".")[0] for path in folder.glob(f"{EVENTS}*")]
        newest = max((int(stamp) for stamp in stamps if stamp.isdecimal()), default=0)
        name = f"{EVENTS}{max(int(time.time()), newest + 1):010d}.{socket.gethostname()}"
        self.file = open(folder / name, "xb")  # noqa: SIM115 (closed by RunLog)
        self._records = RecordWriter(self.file)
        self._write(file_version="brain.Event:2")
        self._write(step=step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, values: Mapping[str, float], nimg: int) -> None:
        """One point on the line of each name."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(step=nimg, summary=Summary(value=points))

    def image(self, tag: str, pixels: np.ndarray, nimg: int) -> None:
        """A picture, uint8 [H, W, 1 or 3]."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        height, width, channels = pixels.shape
        png = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(png, format="PNG")
        picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue())
        self._write(step=nimg, summary=Summary(value=[Summary.Value(tag=tag, image=picture)]))

    def _write(self, **fields: Any) -> None:
        """Appends an event and hands it to the operating system, where a kill does not reach it."""
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **fields).SerializeToString())
        self._records.flush()
