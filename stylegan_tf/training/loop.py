"""The training loop (official training_loop)."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import tensorflow as tf

from stylegan_tf import pictures, rundir
from stylegan_tf.configs import schedule
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.text import to_json
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.pipeline import Feed, Reader
from stylegan_tf.devices import Replicas, peak_gpu_gb
from stylegan_tf.draws import Rows
from stylegan_tf.errors import Failure
from stylegan_tf.training.checkpoint import Checkpoints, Progress
from stylegan_tf.training.eta import Pace, remaining_seconds
from stylegan_tf.training.log import RunLog, Tick, live_text
from stylegan_tf.training.signals import StopRequest
from stylegan_tf.training.snapshots import Grid, save_networks
from stylegan_tf.training.state import State, lazy_correction
from stylegan_tf.training.step import D_STATISTICS, G_STATISTICS, R1_STATISTICS, Steps

STATISTICS = {"D": D_STATISTICS, "G": G_STATISTICS, "R1": R1_STATISTICS}  # of each kind of step
NAMES = [name for names in STATISTICS.values() for name in names]
# (state, phase, nimg) -> for each metric the official line, and name -> value
Evaluate = Callable[[State, schedule.Phase, int], Iterable[tuple[str, Mapping[str, float]]]]


def train(
    experiment: Experiment,
    run_dir: Path,
    data_set: DataSet,
    replicas: Replicas,
    begin: Callable[[State], list[str]] | None = None,
    evaluate: Evaluate | None = None,
) -> None:
    """Trains to the end of the schedule, from the newest checkpoint if there is one.

    `begin` changes the state of a new run before it starts, and returns lines that say how. `evaluate` computes metrics
    of Gs every output.metric_ticks. Raises Stopped (a
    KeyboardInterrupt) after SIGINT or SIGTERM, with everything saved; Failure where a whole tick had no finite
    gradient.
    """
    state = State(experiment, replicas)
    checkpoints = Checkpoints(run_dir, state)
    progress, begun = checkpoints.restore(), []
    if progress is None:
        progress = Progress(seed=experiment.training.seed, threads=_threads())
        begun = begin(state) if begin else []
    total = round(experiment.training.total_kimg * 1000)
    with RunLog(run_dir, progress.nimg) as log, StopRequest() as stop:
        run = _Run(experiment, run_dir, data_set, state, progress, checkpoints, log, evaluate)
        run.greet(begun)
        while progress.nimg < total:
            phase = run.look_at_schedule()
            run.train_minibatches(phase)
            if progress.nimg >= min(progress.tick_nimg + phase.tick_kimg * 1000, total):
                run.end_tick(phase, last=progress.nimg >= total)
            if stop.requested or run.checkpoint_due():
                run.checkpoint()
            if stop.requested:
                raise stop.stopped(progress.nimg)
        run.checkpoint()
        rundir.mark_finished(run_dir, progress.nimg)


class _Run:
    """What the loop does with a run, one method per word of the loop."""

    def __init__(self, experiment, run_dir, data_set, state, progress, checkpoints, log, evaluate=None):
        self.evaluate = evaluate
        self.experiment, self.run_dir, self.data_set, self.state = experiment, run_dir, data_set, state
        self.progress, self.checkpoints, self.log = progress, checkpoints, log
        self.grid = Grid(experiment, data_set)
        self.pace = Pace()
        self.current: tuple[Steps, Feed] | None = None
        self.traced = False  # whether the current graphs exist: the first step of each is spent on making them
        self.sums = tf.constant([progress.sums.get(name, 0.0) for name in NAMES])
        self.minibatches = round(progress.sums.get("minibatches", 0))
        self.penalties = round(progress.sums.get("penalties", 0))
        self.no_penalty = tf.zeros(len(R1_STATISTICS))
        self.tick_seconds = progress.sums.get("seconds", 0.0)
        self.maintenance = 0.0
        self.saved_at = time.monotonic()

    def greet(self, begun: list[str]) -> None:
        """Says where training begins; the first grids, and a warning where the last bits will differ."""
        progress = self.progress
        for line in begun:
            self.log.say(line)
        if progress.nimg:
            self.log.say(f"continuing at {progress.nimg / 1000:.1f} kimg")
            if progress.threads != _threads():
                self.log.say(
                    f"threads are {_threads()} here and were {progress.threads}: the last bits of the weights may "
                    "differ from those of an uninterrupted run"
                )
            return
        pictures.save_png(self.run_dir / rundir.REALS, self.grid.reals(self.data_set), self.about())
        phase = self._phase()
        self.save_grid(phase)

    def look_at_schedule(self) -> schedule.Phase:
        """The current phase. A new stage, or the end of a fade, resets the optimizers and saves a checkpoint."""
        phase = self._phase()
        key = list(schedule.reset_key(phase))
        if key != self.progress.reset_key:
            if self.progress.reset_key is not None:
                if self.experiment.training.reset_optimizer:
                    self.state.reset_optimizers()
                self.progress.reset_key = key
                self.checkpoint()
            self.progress.reset_key = key
        return phase

    def _steps_and_feed(self, phase) -> tuple[Steps, Feed]:
        """The graphs and the pictures of the phase; new ones for another stage or size of minibatch."""
        if self.current and (self.current[0].stage, self.current[0].minibatch) == (phase.stage, phase.minibatch):
            return self.current
        experiment, replicas = self.experiment, self.state.replicas
        label_size = experiment.G.label_size
        labels = self.data_set.labels[:, :label_size] if label_size else None
        steps = Steps(self.state, experiment, phase.stage, phase.minibatch, labels)
        rows = Rows(phase.minibatch, steps.group, replicas.count)
        reader = Reader(self.data_set, phase.stage, label_size)
        self.current = steps, Feed(reader, experiment.training.seed, self.progress.nimg, rows, replicas)
        self.traced = False
        return self.current

    def train_minibatches(self, phase) -> None:
        """minibatch_repeats times: D_repeats steps of D, each with new pictures, then one of G.

        Every r1_interval-th D step is followed by one on the penalties where they are lazy. Nothing waits for devices.
        """
        training, progress, began = self.experiment.training, self.progress, time.monotonic()
        before = progress.nimg
        steps, feed = self._steps_and_feed(phase)
        fade, G_lrate = tf.constant(phase.fade, tf.float32), tf.constant(phase.G_lrate, tf.float32)
        D_lrate = tf.constant(phase.D_lrate * lazy_correction(training), tf.float32)
        for _ in range(training.minibatch_repeats):
            told_d, told_r1 = [], [self.no_penalty]
            for _ in range(training.D_repeats):
                reals, labels = next(feed)
                nimg = tf.constant(progress.nimg, tf.int64)
                told_d.append(steps.d_step(reals, labels, nimg, fade, D_lrate))
                if training.r1_interval > 1 and progress.d_steps % training.r1_interval == 0:
                    told_r1.append(steps.r1_step(reals, labels, nimg, fade, D_lrate))
                    self.penalties += 1
                progress.d_steps += 1
                progress.nimg += phase.minibatch
            told_g = steps.g_step(nimg, fade, G_lrate)
            self.sums += tf.concat([tf.add_n(told_d), told_g, tf.add_n(told_r1)], axis=0)
            self.minibatches += 1
        if not self.traced:
            float(self.sums[0])  # waits for the devices
        seconds = time.monotonic() - began
        self.tick_seconds += seconds
        progress.seconds += seconds
        if self.traced:
            self.pace.add(phase.stage, progress.nimg - before, seconds)
        self.traced = True
        if self.log.line.due():
            self._show(phase)

    def _show(self, phase) -> None:
        paces = self.pace.seconds_per_image()
        if phase.stage not in paces:
            return
        left = remaining_seconds(self.experiment, self.progress.nimg, paces)
        total = self.experiment.training.total_kimg
        self.log.line.show(
            live_text(self.progress.nimg, total, phase, paces[phase.stage], self.means(), peak_gpu_gb(), left)
        )

    def means(self) -> dict[str, float]:
        """Means since the tick began, over the steps that were not skipped; NaN where there was none."""
        sums, tried = dict(zip(NAMES, self.sums.numpy().tolist(), strict=True)), self._tried()
        good = {kind: tried[kind] - sums.pop(f"{kind}_skipped") for kind in STATISTICS}
        means = {
            name: sums[name] / good[kind] if good[kind] else float("nan")
            for kind, names in STATISTICS.items()
            for name in names
            if name in sums
        }
        lazy = {name.removeprefix("lazy "): means.pop(name) for name in R1_STATISTICS if name in means}
        return means | lazy if self.experiment.training.r1_interval > 1 else means

    def end_tick(self, phase, last: bool) -> None:
        """The tick line, the grid of fakes, and now and then a snapshot of the networks."""
        progress, output = self.progress, self.experiment.output
        progress.tick += 1
        skipped = self._skipped()
        progress.skipped_steps += sum(skipped.values())
        self.log.tick(
            Tick(
                progress.tick,
                progress.nimg,
                phase,
                progress.seconds,
                self.tick_seconds,
                progress.nimg - progress.tick_nimg,
                self.maintenance,
                peak_gpu_gb(),
                progress.skipped_steps,
                self.means(),
            )
        )
        tried = self._tried()
        # Of the lazy penalties a tick may have but one, so they say nothing.
        if any(0 < tried[kind] <= skipped[kind] for kind in ("D", "G")):
            raise Failure(
                f"training has diverged: no step since kimg {progress.tick_nimg / 1000:.1f} had finite gradients; the "
                "last snapshots are whole. Try another --seed, lower learning rates or --precision=float32"
            )
        began = time.monotonic()
        if last or progress.tick % output.image_ticks == 0:
            self.save_grid(phase)
        if last or progress.tick == 1 or progress.tick % output.snapshot_ticks == 0:
            save_networks(self.run_dir, self.state, self.experiment, progress.nimg)
        if self.evaluate and (last or progress.tick % output.metric_ticks == 0):
            for line, values in self.evaluate(self.state, phase, progress.nimg):
                self.log.say(line)
                self.log.metrics(values, progress.nimg)
        self.maintenance = time.monotonic() - began
        progress.tick_nimg, self.minibatches, self.penalties, self.tick_seconds = progress.nimg, 0, 0, 0.0
        self.sums = tf.zeros_like(self.sums)

    def save_grid(self, phase) -> None:
        """fakes<kimg>.png and the same in TensorBoard."""
        grid = self.grid.fakes(self.state.Gs, phase.stage, phase.fade)
        pictures.save_png(rundir.fakes_path(self.run_dir, self.progress.nimg), grid, self.about())
        self.log.image("fakes", grid, self.progress.nimg)

    def about(self) -> dict[str, str]:
        """What the pictures say about where they come from."""
        return {
            "Software": "stylegan_tf",
            "config": json.dumps(to_json(self.experiment)),
            "nimg": str(self.progress.nimg),
        }

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is older than the setting says."""
        return time.monotonic() - self.saved_at >= self.experiment.output.checkpoint_minutes * 60

    def checkpoint(self) -> None:
        """Saves everything."""
        self.progress.sums = dict(zip(NAMES, self.sums.numpy().tolist(), strict=True))
        self.progress.sums |= {"minibatches": self.minibatches, "penalties": self.penalties}
        self.progress.sums |= {"seconds": self.tick_seconds}
        self.checkpoints.save(self.progress)
        self.saved_at = time.monotonic()

    def _tried(self) -> dict[str, int]:
        """Steps of each network since the tick began."""
        D_steps = self.minibatches * self.experiment.training.D_repeats
        return {"D": D_steps, "G": self.minibatches, "R1": self.penalties}

    def _skipped(self) -> dict[str, int]:
        sums = self.sums.numpy()
        return {kind: round(float(sums[NAMES.index(f"{kind}_skipped")])) for kind in STATISTICS}

    def _phase(self) -> schedule.Phase:
        experiment = self.experiment
        return schedule.phase(
            self.progress.nimg, experiment.schedule, experiment.data.resolution, experiment.training.num_gpus
        )


def _threads() -> list[int]:
    threading = tf.config.threading
    return [threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()]
