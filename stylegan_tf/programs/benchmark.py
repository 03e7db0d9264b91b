"""How fast an experiment trains on the machine at hand, and how long all of it would take, without training it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import tensorflow as tf

from stylegan_tf.configs.schedule import minibatch_of
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.devices import Replicas, describe, start_devices
from stylegan_tf.draws import Rows
from stylegan_tf.progress import format_time
from stylegan_tf.training.autotune import measured
from stylegan_tf.training.eta import remaining_seconds, stage_kimg
from stylegan_tf.training.fitting import FittingSteps
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps

SECONDS = 3.0  # that a stage is timed, one iteration at least
MOST_ITERATIONS = 40


@dataclass(frozen=True)
class Stage:
    """What was measured at one stage. `seconds`: of one picture; `graphs`: until the first iteration was done."""

    stage: int
    minibatch: int
    seconds: float
    graphs: float


def benchmark(experiment: Experiment, hardware_asked: bool = True) -> None:
    """Prints a line for every stage that the experiment trains, and the time that all of it would take.

    Feeding, grids, snapshots and metrics come on top: some percent on a CPU.
    """
    replicas, about_devices = start_devices(experiment, hardware_asked)
    experiment, chosen = measured(experiment)
    lines = [*about_devices, *chosen, describe(experiment, replicas)]
    spans = stage_kimg(experiment.schedule, experiment.data.resolution, 0, experiment.training.total_kimg)
    print(
        "\n".join([*lines, "", "resolution  minibatch     img/s  s/kimg    kimg       time   graphs made in"]),
        flush=True,
    )
    found = []
    for one in stages(experiment, replicas, list(spans)):
        found.append(one)
        side, kimg = f"{2**one.stage}x{2**one.stage}", spans[one.stage]
        print(
            f"{side:<10} {one.minibatch:10d} {1 / one.seconds:9.1f} {1000 * one.seconds:7.2f} {kimg:7g} "
            f"{format_time(1000 * kimg * one.seconds):>10} {one.graphs:12.1f} s",
            flush=True,
        )
    seconds = projected(experiment, {one.stage: one.seconds for one in found}, sum(one.graphs for one in found))
    print(f"all {experiment.training.total_kimg:g} kimg: {format_time(seconds)}")


def projected(experiment: Experiment, seconds_per_image: dict[int, float], graphs: float = 0.0) -> float:
    """Seconds of a whole run; stages that were not measured by their arithmetic, from the nearest one that was."""
    return graphs + (remaining_seconds(experiment, 0, seconds_per_image) or 0.0)


def stages(experiment: Experiment, replicas: Replicas, which: list[int]) -> Iterator[Stage]:
    """Times D steps, G steps and lazy penalties, in the proportion of the experiment, on pictures of noise."""
    state = State(experiment, replicas)
    for stage in which:
        yield _timed(state, experiment, stage)


def _timed(state: State, experiment: Experiment, stage: int) -> Stage:
    training = experiment.training
    minibatch = minibatch_of(experiment.schedule, 2**stage, training.num_gpus)
    steps = FittingSteps(partial(Steps, state, experiment, stage, minibatch), None, {}, print)
    pictures, labels = next(_feed(experiment, state.replicas, stage, minibatch, steps))
    fade, rate = tf.constant(1.0), tf.constant(0.0)

    def iteration(number: int):
        nimg = tf.constant(number, tf.int64)
        for _ in range(training.D_repeats):
            steps.d_step(pictures, labels, nimg, fade, rate)
        return steps.g_step(labels, nimg, fade, rate)["G"]

    def penalty(number: int):
        return steps.r1_step(pictures, labels, tf.constant(number, tf.int64), fade, rate)["r1_penalty"]

    begin = time.perf_counter()
    iteration(0).numpy()
    if steps.steps.is_lazy():
        penalty(0).numpy()
    graphs = time.perf_counter() - begin
    seconds = _seconds(iteration)
    if steps.steps.is_lazy():
        seconds += _seconds(penalty) * training.D_repeats / training.r1_interval
    return Stage(stage, minibatch, seconds / (minibatch * training.D_repeats), graphs)


def _feed(experiment: Experiment, replicas: Replicas, stage: int, minibatch: int, steps: FittingSteps):
    count = Rows(minibatch, steps.group, replicas.count).count
    shape = (count, 2**stage, 2**stage, experiment.G.num_channels)
    noise = tf.cast(tf.random.stateless_uniform(shape, (0, 0), 0, 256, tf.int32), tf.uint8)
    labels = tf.one_hot(tf.zeros(count, tf.int32), experiment.G.label_size)
    return replicas.distribute(lambda turns: turns.map(lambda turn: (noise, labels)))


def _seconds(work) -> float:
    """Mean seconds of one call, over some seconds; every call is waited for."""
    begin, count = time.perf_counter(), 0
    while count < MOST_ITERATIONS and (not count or time.perf_counter() - begin < SECONDS):
        work(count).numpy()
        count += 1
    return (time.perf_counter() - begin) / count
