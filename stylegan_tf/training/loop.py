"""The training loop (official training_loop)."""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import tensorflow as tf

from stylegan_tf import pictures, rundir
from stylegan_tf.checkpoint_files import Progress
from stylegan_tf.configs import schedule
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.text import to_json
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.pipeline import Feed, Reader
from stylegan_tf.devices import Replicas, peak_gpu_gb
from stylegan_tf.draws import Rows
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.training.checkpoint import Checkpoints
from stylegan_tf.training.eta import Pace, remaining_seconds
from stylegan_tf.training.fitting import FittingSteps, fitting_steps
from stylegan_tf.training.log import NoLog, RunLog, Tick, live_text
from stylegan_tf.training.signals import StopRequest
from stylegan_tf.training.snapshots import Grid, save_networks
from stylegan_tf.training.state import State, lazy_correction
from stylegan_tf.training.step import SKIPPED, Steps

# (state, phase, nimg) -> (a line for people, {name: value}) of each metric.
Callback = Callable[[State, schedule.Phase, int], Iterable[tuple[str, Mapping[str, float]]]]


def training_loop(
    experiment: Experiment,
    run_dir: Path,
    data_set: DataSet,
    replicas: Replicas,
    init: Callable[[State], list[str]] | None = None,
    callbacks: Sequence[Callback] = (),
    say_first: Sequence[str] = (),
    stop_at: float = math.inf,
) -> None:
    """Trains to the end of the schedule, from the newest checkpoint if there is one.

    init: changes the state of a new run before it starts, and returns lines that say how. callbacks: called with Gs as
    it is at the ticks 1, output.metric_ticks, twice that, ..., and the last; what they yield goes into log.txt,
    stats.jsonl and TensorBoard. say_first: lines for the console and log.txt. stop_at: when (time.monotonic()) to stop.
    Raises Stopped (a KeyboardInterrupt) after SIGINT, SIGTERM or at `stop_at`, with everything saved; Failure where a
    whole tick had no finite gradient.

    Several workers each go through all of this with the same numbers. The chief alone writes, and calls the callbacks.
    """
    # ------------------------------------------------------------------------------------------------ set up
    training, output = experiment.training, experiment.output
    workers = replicas.workers
    (evaluates,) = workers.any(bool(callbacks))  # the chief's
    total = round(training.total_kimg * 1000)
    state, grid, pace = State(experiment, replicas), Grid(experiment, data_set), Pace()
    checkpoints = Checkpoints(run_dir, state)
    steps: FittingSteps | None = None  # the graphs of a stage
    maintenance, saved_at = 0.0, time.monotonic()

    # ------------------------------------------------------------------------------------------------ resume
    # 1. From the newest checkpoint that is whole; one that is damaged is set aside, and said.
    # 2. stats.jsonl and TensorBoard's files are cut to their lengths of then; log.txt keeps all that was ever said.
    # 3. The tick goes on, with the sums of its statistics; an evaluation that was broken off is done again.
    # 4. Pictures and random numbers are functions of nimg, so they go on by themselves.
    # 5. The optimizers are reset if that was due at this picture: the checkpoint may have been written just before.
    saved, lines = workers.chief_first(checkpoints.restore)
    workers.same("the checkpoint", {"pictures shown": saved and saved.nimg})
    progress = saved or Progress(seed=training.seed, threads=_threads(), lengths={})
    begins = saved is None
    if begins:
        lines += init(state) if init else []
    else:
        lines.append(f"continuing at {progress.nimg / 1000:.1f} kimg")
        if progress.threads != _threads():
            lines.append(
                f"threads are {_threads()} here and were {progress.threads}: the last bits of the weights may "
                "differ from those of an uninterrupted run"
            )
        if any(not isinstance(values, dict) for values in progress.sums.values()):
            lines.append("the checkpoint is older than this program: the means of the current tick begin anew")
        if progress.nimg >= total:
            lines.append(f"already at {progress.nimg / 1000:.1f} kimg: {training.total_kimg:g} are asked for")
    phase, ticker = _phase(progress.phase_nimg, experiment), Ticker(progress.sums)

    word = run_dir / rundir.STOPPED
    workers.watch(word)
    with (
        RunLog(run_dir, progress.nimg, progress.lengths) if workers.is_chief else NoLog() as log,
        StopRequest(stop_at, None if workers.is_alone else word) as stop,
        ExitStack() as feeds,  # one, that of the stage
    ):
        for line in (*say_first, *lines):
            log.say(line)
        about = {"Software": "stylegan_tf", "config": json.dumps(to_json(experiment))}
        if begins and workers.is_chief:
            pictures.save_png(run_dir / rundir.REALS, grid.reals(data_set), about | {"nimg": "0"})

        def checkpoint() -> None:
            nonlocal saved_at
            if workers.is_chief:
                progress.sums, progress.lengths = ticker.sums(), log.lengths()
                progress.finite = ticker.is_finite() and state.is_finite()
                checkpoints.save(progress)
            saved_at = time.monotonic()

        while True:
            began = time.monotonic()
            nimg, done = progress.nimg, progress.nimg >= total
            due = workers.is_chief and began - saved_at >= output.checkpoint_minutes * 60
            due, stopping = workers.any(due, stop.requested)

            # ---------------------------------------------------------------------------------------- report
            tick_ends = ticker.has_steps() and (done or nimg >= progress.tick_nimg + phase.tick_kimg * 1000)
            if tick_ends:
                progress.tick += 1
                progress.skipped_steps += ticker.skipped()
                log.tick(
                    Tick(
                        tick=progress.tick,
                        nimg=nimg,
                        phase=phase,
                        total_seconds=progress.seconds,
                        tick_seconds=progress.tick_seconds,
                        tick_nimg=nimg - progress.tick_nimg,
                        maintenance_seconds=maintenance,
                        peak_gpu_gb=peak_gpu_gb(),
                        skipped_steps=progress.skipped_steps,
                        losses=ticker.means(),
                    )
                )
                if ticker.has_diverged():
                    good = checkpoints.last_finite()
                    where = f" and so is {good}, the last one that had finite losses and weights" if good else ""
                    raise Failure(
                        f"training has diverged: no step since kimg {progress.tick_nimg / 1000:.1f} had finite "
                        f"gradients; the last snapshots are whole{where}. Try another --seed, lower learning rates or "
                        "--precision=float32"
                    )
                progress.tick_nimg, progress.tick_seconds = nimg, 0.0
                ticker, maintenance = Ticker({}), 0.0
                progress.evaluate = evaluates and (
                    done or progress.tick == 1 or progress.tick % output.metric_ticks == 0
                )

            # -------------------------------------------------------------------------------------- stopping
            if stopping and not begins:
                checkpoint()  # before all else: whoever sent the signal may not wait for the pictures

            # -------------------------------------------------------------------------------------- snapshot
            show = begins or tick_ends and (done or progress.tick % output.image_ticks == 0)
            if workers.is_chief and (show or done or stopping):
                with stop.breaks_off(nimg, begins):  # the pictures of the first grid need a graph
                    fakes = grid.fakes(state.Gs, phase.stage, phase.fade)
                pictures.save_png(rundir.fakes_path(run_dir, nimg), fakes, about | {"nimg": str(nimg)})
                if show:  # the others would be missing in a run that nobody stops
                    log.image("fakes", fakes, nimg)
            keep = tick_ends and (progress.tick == 1 or progress.tick % output.snapshot_ticks == 0)
            if workers.is_chief and (keep or done or stopping):
                save_networks(run_dir, state, experiment, nimg)
            begins = False

            # ------------------------------------------------------------------------------------ checkpoint
            if (due or progress.evaluate or done) and not stopping:
                checkpoint()

            # -------------------------------------------------------------------------------------- evaluate
            if progress.evaluate and not stopping:
                with stop.breaks_off(nimg):
                    for callback in callbacks if workers.is_chief else ():
                        try:
                            for line, values in callback(state, phase, nimg):
                                log.say(line)
                                log.metrics(values, nimg)
                        except Exception as error:
                            reason = str(error) if isinstance(error, (UserError, Failure)) else repr(error)
                            log.say(f"evaluation failed, training goes on: {reason}")
                    workers.meet()  # the others wait, and may be stopped meanwhile
                progress.evaluate, progress.lengths = False, log.lengths()
                if workers.is_chief:
                    checkpoints.note(progress)

            # ----------------------------------------------------------------------------------------- done?
            if stopping or done:
                if stopping and show and workers.is_chief:
                    progress.lengths = log.lengths()  # with the picture
                    checkpoints.note(progress)
                if done and not stopping and workers.is_chief:
                    rundir.mark_finished(run_dir, nimg)
                workers.part()
                if stopping:
                    raise stop.stopped(nimg)
                return

            # ------------------------------------------------------------------------------------------ step
            # minibatch_repeats times: D_repeats steps of D, each with new pictures, then one of G. Every r1_interval-th
            # step of D is followed by one on the penalties where they are lazy. Nothing waits for devices.
            phase = _phase(nimg, experiment)
            key = list(schedule.reset_key(phase))  # changes when a fade begins and when it ends
            if key != progress.reset_key:
                if progress.reset_key is not None and training.reset_optimizer:
                    state.reset_optimizers()
                progress.reset_key = key
                checkpoint()
            progress.phase_nimg = nimg
            new_graphs = steps is None or (steps.stage, steps.minibatch) != (phase.stage, phase.minibatch)
            if steps is None or new_graphs:
                make = partial(Steps, state, experiment, phase.stage, phase.minibatch)
                steps = fitting_steps(make, state, experiment, phase, progress.at_once, log.say)
                rows = Rows(phase.minibatch, steps.group, replicas.count)
                reader = Reader(data_set, phase.stage, experiment.G.label_size)
                feeds.close()
                feed = feeds.enter_context(closing(Feed(reader, training.seed, nimg, rows, replicas)))
            fade, G_lrate = tf.constant(phase.fade, tf.float32), tf.constant(phase.G_lrate, tf.float32)
            D_lrate = tf.constant(phase.D_lrate * lazy_correction(training), tf.float32)
            maintenance += time.monotonic() - began
            began = time.monotonic()
            with stop.breaks_off(nimg, new_graphs):
                for _ in range(training.minibatch_repeats):
                    for _ in range(training.D_repeats):
                        reals, labels, random_labels = next(feed)
                        at = tf.constant(progress.nimg, tf.int64)
                        ticker.add("D", steps.d_step(reals, labels, at, fade, D_lrate))
                        if training.r1_interval > 1 and progress.d_steps % training.r1_interval == 0:
                            ticker.add("R1", steps.r1_step(reals, labels, at, fade, D_lrate))
                        progress.d_steps += 1
                        progress.nimg += phase.minibatch
                    ticker.add("G", steps.g_step(random_labels, at, fade, G_lrate))
                if new_graphs:
                    ticker.sums()  # waits for the devices
            seconds = time.monotonic() - began
            progress.tick_seconds += seconds
            progress.seconds += seconds
            if not new_graphs:
                pace.add(phase.stage, progress.nimg - nimg, seconds)
            if log.line.due() and phase.stage in (paces := pace.seconds_per_image()):
                left = remaining_seconds(experiment, progress.nimg, paces)
                log.line.show(
                    live_text(
                        *(progress.nimg, training.total_kimg, phase, paces[phase.stage]),
                        *(ticker.means(), peak_gpu_gb(), left),
                    )
                )


class Ticker:
    """The statistics of the steps since the tick began, by kind of step (D, G, R1) and name. Nothing waits for devices
    but what returns numbers.

    sums: what `sums` returned when the checkpoint was written that the run goes on from. Older checkpoints have them in
    another form, which is not read: the tick then begins anew.
    """

    def __init__(self, sums: Mapping[str, Any]):
        counts = {"steps", SKIPPED}
        self._sums = {
            kind: dict(values)
            for kind, values in sums.items()
            if isinstance(values, dict)
            and counts <= values.keys()
            and all(math.isfinite(values[name]) for name in counts)
        }

    def add(self, kind: str, statistics: Mapping[str, Any]) -> None:
        """One more step."""
        of_kind = self._sums.setdefault(kind, {})
        for name, value in {"steps": 1, **statistics}.items():
            of_kind[name] = of_kind[name] + value if name in of_kind else value

    def sums(self) -> dict[str, dict[str, float]]:
        """kind -> name -> sum; "steps" and SKIPPED are among the names."""
        return {kind: {name: float(value) for name, value in of.items()} for kind, of in self._sums.items()}

    def means(self) -> dict[str, float]:
        """name -> mean over the steps that were not skipped; NaN where there was none."""
        means: dict[str, float] = {}
        for of_kind in self.sums().values():
            good = of_kind.pop("steps") - of_kind.pop(SKIPPED)
            means |= {name: value / good if good else math.nan for name, value in of_kind.items()}
        return means

    def has_steps(self) -> bool:
        """Whether there was a step since the tick began."""
        return bool(self._sums)

    def skipped(self) -> int:
        """Skipped steps of every kind."""
        return round(sum(of_kind[SKIPPED] for of_kind in self.sums().values()))

    def has_diverged(self) -> bool:
        """Whether all steps of D or of G were skipped. Of lazy penalties a tick may have but one: they say nothing."""
        return any(of["steps"] <= of[SKIPPED] for kind, of in self.sums().items() if kind != "R1")

    def is_finite(self) -> bool:
        """Whether the losses were finite."""
        found = self.sums().values()
        return not self.has_diverged() and all(math.isfinite(value) for of_kind in found for value in of_kind.values())


def _phase(nimg: int, experiment: Experiment) -> schedule.Phase:
    return schedule.phase(nimg, experiment.schedule, experiment.data.resolution, experiment.training.num_gpus)


def _threads() -> list[int]:
    threading = tf.config.threading
    return [threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()]
