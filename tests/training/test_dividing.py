"""Less memory, the same numbers: minibatches in parts, pictures of a group in slices, units that are computed again.

And memory that runs out all the same.
"""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tiny
from refusals import check_refusal, failed

from stylegan_tf import draws, rundir
from stylegan_tf.cluster import Workers
from stylegan_tf.configs.memory import division
from stylegan_tf.configs.schedule import phase
from stylegan_tf.devices import Replicas
from stylegan_tf.training import fitting, loop
from stylegan_tf.training.fitting import FittingSteps, fitting_steps, free_memory
from stylegan_tf.training.state import State
from stylegan_tf.training.step import SKIPPED, Steps

ALIKE = 2e-6  # of the norm of all gradients: float32, added in another order
STAGE, FADE = 4, 0.5


def lazy():
    chosen = tiny.experiment(r1_interval=4)
    return replace(chosen, loss=replace(chosen.loss, r2_gamma=3.0))


EXPERIMENTS = {
    "F": tiny.experiment,
    "labels": lambda: tiny.experiment(labels=True),
    "wgan_gp": lambda: tiny.experiment(loss="wgan_gp"),
    "lazy R1 and R2": lazy,
    "A": lambda: tiny.experiment("A"),
    "without styles": lambda: tiny.experiment("B"),
}


def inputs(experiment, stage=STAGE, minibatch=tiny.MINIBATCH):
    """(pictures, labels) of a whole minibatch."""
    noise = np.random.default_rng(0).integers(0, 256, [minibatch, 2**stage, 2**stage, 3])
    table = np.eye(tiny.LABEL_SIZE, dtype=np.float32)
    labels = np.tile(table, (minibatch // 2, 1))[:, : experiment.G.label_size]
    return tf.constant(noise, tf.uint8), tf.constant(labels)


def gradients(state, experiment, at_once=None, stage=STAGE):
    """What the functions of a step return, untraced; graphs are made in the runs below."""
    steps = Steps(state, experiment, stage, tiny.MINIBATCH, at_once)
    pictures, labels = inputs(experiment, stage)
    nimg, fade = tf.constant(0, tf.int64), tf.constant(FADE)
    found = [steps.d_gradients(pictures, labels, nimg, fade), steps.g_gradients(labels, nimg, fade)]
    if steps.is_lazy():
        found.append(steps.r1_gradients(pictures, labels, nimg, fade))
    return steps.division, found


def check_alike(ones, others):
    """Gradients, statistics, sums of w."""
    for (one, *more), (other, *rest) in zip(ones, others, strict=True):
        norm = np.linalg.norm([np.linalg.norm(each) for each in one])
        assert norm > 0 and len(one) == len(other) > 10
        assert max(np.linalg.norm(a - b) for a, b in zip(one, other, strict=True)) <= ALIKE * norm
        for a, b in zip(tf.nest.flatten(more), tf.nest.flatten(rest), strict=True):
            assert np.allclose(a, b, rtol=1e-5, atol=1e-6)


def new_state(experiment):
    state = State(experiment, Replicas(1))
    if hasattr(state.G, "synthesis"):
        tiny.unsettle(state.G)
    return state


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_gradients_of_parts_and_of_units_that_are_computed_again(name):
    experiment = EXPERIMENTS[name]()
    state = new_state(experiment)
    _, whole = gradients(state, experiment)
    divided, parts = gradients(state, experiment, at_once=4)
    assert divided == (2, 0, 4)
    check_alike(whole, parts)
    again = replace(experiment, training=replace(experiment.training, recompute=True))
    check_alike(whole, gradients(state, again)[1])


def test_units_that_are_computed_again_in_mixed_precision():
    """G's gradients to the last bit. Keras casts variables where a layer is called outside of a network: not these."""
    experiment = tiny.experiment(precision="mixed_bfloat16")
    state = new_state(experiment)
    again = replace(experiment, training=replace(experiment.training, recompute=True))
    nimg, fade, (_, labels) = tf.constant(0, tf.int64), tf.constant(FADE), inputs(experiment, stage=3)
    ones, others = (
        Steps(state, each, 3, tiny.MINIBATCH).g_gradients(labels, nimg, fade) for each in (experiment, again)
    )
    for one, other in zip(tf.nest.flatten(ones), tf.nest.flatten(others), strict=True):
        assert np.array_equal(one, other)


def test_gradients_of_fewer_pictures_than_a_group():
    """Graphs: untraced it takes a minute."""
    experiment = tiny.experiment()
    state = new_state(experiment)
    _, whole = gradients(state, experiment, stage=3)
    steps = Steps(state, experiment, 3, tiny.MINIBATCH, at_once=3)
    assert steps.division == (2, 2, 2), "3 does not divide a group of 4"
    pictures, labels = inputs(experiment, stage=3)
    at = tf.constant(0, tf.int64), tf.constant(FADE)
    D = tf.function(steps.d_gradients)(pictures, labels, *at)
    check_alike(whole, [D, tf.function(steps.g_gradients)(labels, *at)])


@pytest.mark.parametrize(
    ("minibatch", "replicas", "at_once", "expected"),
    [
        (8, 1, 8, (1, 0, 8)),
        (8, 1, 100, (1, 0, 8)),
        (8, 1, 7, (2, 0, 4)),
        (8, 2, 4, (1, 0, 4)),
        (8, 2, 3, (1, 2, 2)),
        (32, 1, 12, (4, 0, 8)),
        (24, 1, 12, (2, 0, 12)),
        (4, 1, 1, (1, 1, 1)),
        (2, 1, 1, (1, 1, 1)),
    ],
)
def test_how_a_minibatch_is_divided(minibatch, replicas, at_once, expected):
    chosen = tiny.experiment()
    assert division(chosen, minibatch, replicas, at_once) == expected
    chosen = replace(chosen, training=replace(chosen.training, batch_gpu=str(at_once)))
    assert division(chosen, minibatch, replicas) == expected


def test_parts_of_two_replicas():
    """16 pictures on two devices, each of which computes its two groups one after the other; in a graph."""
    experiment = tiny.experiment(labels=True)
    pictures, labels = inputs(experiment, stage=3, minibatch=16)
    found = []
    for count in (1, 2):
        state = State(experiment, Replicas(count))
        tiny.unsettle(state.G)
        steps = Steps(state, experiment, 3, 16, None if count == 1 else 4)
        assert steps.division.parts == count
        rows = [tf.constant(draws.Rows(16, 4, count, number).numbers()) for number in range(count)]
        own = [of_replicas(state.replicas, [tf.gather(whole, each) for each in rows]) for whole in (pictures, labels)]
        arguments = *own, tf.constant(0, tf.int64), tf.constant(FADE)

        def all_gradients(arguments, steps=steps, replicas=state.replicas):
            D = replicas.run(steps.d_gradients, *arguments)
            G = replicas.run(steps.g_gradients, *arguments[1:])
            return [replicas.all_reduce(D), replicas.all_reduce(G)]

        found.append((all_gradients if count == 1 else tf.function(all_gradients))(arguments))
    check_alike(*found)


def of_replicas(replicas, tensors):
    if replicas.count == 1:
        return tensors[0]
    return replicas.strategy.experimental_distribute_values_from_function(
        lambda context: tensors[context.replica_id_in_sync_group]
    )


# ----------------------------------------------------------------------------------------------------------------------
# Whole runs, and memory that runs out


class Scarce(Steps):
    """Steps whose device has too little memory at the pictures in `at`, for more than `enough` pictures at once.

    The error comes late, when what does not wait for it has long been done.
    """

    at: set = set()
    enough = 4

    def d_gradients(self, *arguments):
        return self._failing(super().d_gradients, *arguments)

    def g_gradients(self, *arguments):
        return self._failing(super().g_gradients, *arguments)

    def r1_gradients(self, *arguments):
        return self._failing(super().r1_gradients, *arguments)

    def _failing(self, whole, *arguments):
        (*gradients, last), *others = whole(*arguments)

        def allocate(nimg):
            if int(nimg) in self.at and self.division.at_once > self.enough:
                time.sleep(0.5)
                raise MemoryError("the device is full")
            return np.float32(0)

        nothing = tf.numpy_function(allocate, [arguments[-2]], tf.float32, stateful=False)  # stateful ops wait in turn
        return [*gradients, last + nothing], *others


@pytest.mark.parametrize("kind", ["d_step", "r1_step", "g_step"])
def test_a_step_that_runs_out_of_memory_has_done_nothing(kind, monkeypatch):
    """Not even to w_avg and Gs, which do not depend on the gradients, or to a learning rate."""
    experiment = lazy()
    state = new_state(experiment)
    for variable in state.Gs.variables:
        variable.assign(variable + 0.5)
    pictures, labels = inputs(experiment, stage=3)
    steps = Scarce(state, experiment, 3, tiny.MINIBATCH)
    reals = () if kind == "g_step" else (pictures,)
    arguments = *reals, labels, tf.constant(8, tf.int64), tf.constant(FADE), tf.constant(0.25)
    before = tiny.numbers(state)
    monkeypatch.setattr(Scarce, "at", {8})
    with pytest.raises(tf.errors.ResourceExhaustedError):
        getattr(steps, kind)(*arguments)
    assert tiny.differing(before, tiny.numbers(state)) == []
    monkeypatch.setattr(Scarce, "at", set())
    assert float(getattr(steps, kind)(*arguments)[SKIPPED]) == 0
    assert len(tiny.differing(before, tiny.numbers(state))) > 10


class Reused:
    """One state and its traced steps for all runs; every run finds the state as new."""

    def __init__(self):
        self.state = State(tiny.experiment(), Replicas(1))
        tiny.unsettle(self.state.G)
        parts = self.state.G, self.state.D, self.state.Gs, self.state.G_optimizer, self.state.D_optimizer
        self.first = [(variable, variable.numpy()) for part in parts for variable in part.variables]
        self.steps: dict = {}

    def new_state(self, experiment, replicas):
        for variable, number in self.first:
            variable.assign(number)
        return self.state

    def same_steps(self, state, experiment, stage, minibatch, at_once=None):
        divided = division(experiment, minibatch, 1, at_once)
        if divided not in self.steps:
            self.steps[divided] = Scarce(state, experiment, stage, minibatch, at_once)
        return self.steps[divided]


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("data") / "noise")


@pytest.fixture(scope="module")
def reused():
    return Reused()


@pytest.fixture
def train(reused, data_set, monkeypatch, tmp_path):
    """train(folder, pictures, batch_gpu) -> (final numbers, lines of stats.jsonl, log.txt, the last progress.json)."""
    monkeypatch.setattr(loop, "State", reused.new_state)
    monkeypatch.setattr(loop, "Steps", reused.same_steps)
    monkeypatch.setattr(loop, "save_networks", lambda *arguments: None)

    def run(folder, shown=64, batch_gpu="all"):
        chosen = tiny.experiment(batch_gpu=batch_gpu, total_kimg=shown / 1000)
        chosen = replace(chosen, schedule=replace(chosen.schedule, initial_resolution=16, tick_kimg_base=0.032))
        (tmp_path / folder).mkdir(exist_ok=True)
        loop.training_loop(chosen, tmp_path / folder, data_set, Replicas(1))
        stats = [json.loads(line) for line in (tmp_path / folder / rundir.STATS).read_text().splitlines()]
        newest = max((tmp_path / folder / "checkpoints").iterdir()) / "progress.json"
        log = (tmp_path / folder / rundir.LOG).read_text()
        return tiny.numbers(reused.state), stats, log, json.loads(newest.read_text())

    return run


def check_same_run(stats, others):
    """Within what one and two replicas may differ by."""
    assert [line["nimg"] for line in stats] == [line["nimg"] for line in others] == [32, 64]
    for one, other in zip(stats, others, strict=True):
        for name in ("Loss/D", "Loss/G", "Loss/r1_penalty"):
            assert other[name] == pytest.approx(one[name], rel=0.01), name
        assert other["Progress/skipped_steps"] == 0


def test_a_run_in_parts_is_the_same_run_and_is_resumed_bit_by_bit(train):
    _, whole, _, _ = train("whole")
    numbers, parts, _, _ = train("parts", batch_gpu="4")
    check_same_run(whole, parts)
    train("stopped", 32, batch_gpu="4")
    assert tiny.differing(train("stopped", 64, batch_gpu="4")[0], numbers) == []


def test_memory_that_runs_out_in_the_middle_of_a_run(train, monkeypatch):
    """At the second look at the schedule, in the third minibatch: the run goes on at half, and so do later starts."""
    _, whole, log, kept = train("whole")
    assert "memory ran out" not in log and kept["at_once"] == {}
    monkeypatch.setattr(Scarce, "at", {48})
    numbers, halved, log, kept = train("scarce")
    check_same_run(whole, halved)
    assert log.count("memory ran out") == 1
    check_refusal(next(line for line in log.splitlines() if "ran out" in line), "16x16", 8, 4, "--batch_gpu=4")
    assert kept["at_once"] == {"16": 4}
    monkeypatch.setattr(Scarce, "at", set(range(64, 128)))
    log = train("scarce", 96)[2]
    assert log.count("memory ran out") == 1, "the next start has forgotten what there is memory for"


def steps_of(at_once, failures):
    """Stands for steps: fails for as many pictures at once as are in `failures`."""

    def step(*arguments):
        if at_once in failures:
            raise tf.errors.ResourceExhaustedError(None, None, "full")
        return {"at_once": at_once, "arguments": arguments}

    divided = SimpleNamespace(at_once=at_once)
    return SimpleNamespace(stage=4, minibatch=8, group=4, division=divided, d_step=step, r1_step=step, g_step=step)


@pytest.mark.parametrize("kind", ["d_step", "r1_step", "g_step"])
def test_halved_until_it_fits(kind):
    found, lines = {}, []
    steps = FittingSteps(lambda at_once: steps_of(at_once or 8, {8, 4, 2}), None, found, lines.append)
    for _ in range(2):
        assert getattr(steps, kind)("pictures") == {"at_once": 1, "arguments": ("pictures",)}
    assert found == {"16": 1} and len(lines) == 3


def test_several_machines_do_not_change_it_alone():
    steps = FittingSteps(lambda at_once: steps_of(at_once or 8, {8}), None, {}, lambda line: None, alone=False)
    with failed("16x16", "--batch_gpu=4"):
        steps.d_step()


def test_too_little_for_a_single_picture():
    steps = FittingSteps(lambda at_once: steps_of(at_once or 2, {2, 1}), None, {}, lambda line: None)
    with failed("16x16", "--resolution", "--set=G.fmap_base=4096", "--precision=mixed_bfloat16"):
        steps.g_step()


@pytest.mark.parametrize(
    ("batch_gpu", "found", "on_cpu", "free", "expected"),
    [
        ("all", {}, True, 0, None),
        ("all", {"16": 2}, True, 0, 2),
        ("2", {"16": 1}, True, 0, None),
        ("auto", {}, False, 0, None),
        ("auto", {"16": 4}, False, 0, 4),
        ("auto", {"16": 4}, True, 0, 4),
        ("auto", {}, True, 2**40, 8),
        ("auto", {}, True, 0, 1),
        ("auto", {"8": 2}, True, 2**40, 8),
    ],
)
def test_how_many_at_once_a_stage_begins_with(batch_gpu, found, on_cpu, free, expected, monkeypatch):
    monkeypatch.setattr(fitting, "free_memory", lambda: free)
    chosen = tiny.experiment(batch_gpu=batch_gpu)
    state = SimpleNamespace(replicas=SimpleNamespace(on_cpu=on_cpu, count=1, workers=Workers()))
    asked, lines = [], []
    now = phase(10**6, chosen.schedule, tiny.RESOLUTION)
    before = dict(found)
    fitting_steps(lambda at_once: asked.append(at_once) or steps_of(8, ()), state, chosen, now, found, lines.append)
    assert asked == [expected]
    estimated = batch_gpu == "auto" and on_cpu and "16" not in before
    assert found == before | ({"16": expected} if estimated else {})
    assert len(lines) == (estimated and expected < 8)


def test_free_memory(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  16 kB\nMemFree:  4 kB\nMemAvailable:   8 kB\n")
    assert free_memory(tmp_path) == 8192
    group = tmp_path / "sys/fs/cgroup"
    (group / "memory").mkdir(parents=True)
    (group / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (group / "memory/memory.usage_in_bytes").write_text("5000\n")
    (group / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) == 8192
    (group / "memory.max").write_text("6000\n")
    (group / "memory.current").write_text("5000\n")
    assert free_memory(tmp_path) == 1000
    assert free_memory() > 2**20
