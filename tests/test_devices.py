"""Hardware rows from what the driver shows, devices that share a minibatch, and one replica against two: the same
experiment, rounding apart."""

import json
import subprocess
import sys
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from refusals import refused

import stylegan_tf
from stylegan_tf import devices, draws, environment
from stylegan_tf.cluster import Cluster, Workers
from stylegan_tf.configs.presets import experiment
from stylegan_tf.data.pipeline import Feed, Reader, pictures_of
from stylegan_tf.devices import Replicas, auto_row, describe, start_devices, visible_gpus
from stylegan_tf.training.state import State
from stylegan_tf.training.step import SKIPPED, Steps

ITERATIONS, STAGE, RATE, FADE = 10, 4, 0.001, 0.75


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        ("tensorflow", {"config.experimental.enable_tensor_float_32_execution": False}),
        ("jax", {"config.update": ("jax_default_matmul_precision", "highest")}),
        ("torch", {"backends.cudnn.allow_tf32": False, "backends.cuda.matmul.allow_tf32": False}),
    ],
)
def test_full_float32_is_asked_for_by_the_name_that_each_backend_has_for_it(
    backend: str, settings: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes of it only a GPU shows. Whether the names are there, tests/test_backends.py does."""
    library = MagicMock()
    monkeypatch.setattr(environment, "backend", lambda: backend)
    monkeypatch.setitem(sys.modules, backend, library)
    stylegan_tf.full_float32()
    for name, value in settings.items():
        found = attrgetter(name)(library)
        if isinstance(found, MagicMock):
            found.assert_called_once_with(*(value if isinstance(value, tuple) else [value]))
        else:
            assert found is value


@pytest.mark.parametrize(
    ("gpus", "row"),
    [(0, "cpu"), (1, "1gpu"), (2, "2gpu"), (3, "2gpu"), (4, "4gpu"), (7, "4gpu"), (8, "8gpu"), (16, "8gpu")],
)
def test_auto_row(gpus: int, row: str) -> None:
    assert auto_row(gpus) == row


def test_counts_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == 0
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "sda1"):
        (tmp_path / "dev" / name).touch()
    assert visible_gpus(tmp_path) == 2
    for bus in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"):
        (tmp_path / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
    assert visible_gpus(tmp_path) == 4


@pytest.mark.parametrize(
    ("allowed", "count"), [("", 0), ("-1", 0), ("1", 1), ("0,1", 2), ("0,-1,1", 1), ("0,1,2,3", 2)]
)
def test_visible_devices(allowed: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / "dev" / name).touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert visible_gpus(tmp_path) == count


def test_the_row_is_found_without_tensorflow() -> None:
    script = "import sys; from stylegan_tf.devices import auto_row; auto_row(); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture
def machine(monkeypatch):
    """A machine with the GPUs in a list of names; what TensorFlow is told does not reach it."""
    names = []
    monkeypatch.setattr(devices, "gpus", lambda: names)
    monkeypatch.setattr(devices, "Replicas", lambda count, workers: SimpleNamespace(count=count, on_cpu=not names))
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda n: None)
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda n: None)
    return names


def test_a_gpu_row_where_tensorflow_sees_no_gpu(machine):
    chosen = experiment("F", "1gpu", resolution=64)
    with refused("1gpu", "pip install tensorflow[and-cuda]", "--hardware=cpu"):
        start_devices(chosen, hardware_asked=False)
    replicas, (warning,) = start_devices(chosen)
    assert replicas.count == 1 and warning.startswith("warning: ") and "pip install tensorflow[and-cuda]" in warning
    assert start_devices(experiment("F", "cpu"), hardware_asked=False)[1] == []


@pytest.mark.parametrize(("row", "gpus", "used"), [("2gpu", 3, 2), ("4gpu", 6, 4), ("4gpu", 7, 4), ("8gpu", 8, 8)])
def test_as_many_gpus_as_divide_every_minibatch(row, gpus, used, machine):
    machine += ["NVIDIA H100"] * gpus
    chosen = experiment("F", row, resolution=1024)
    replicas, lines = start_devices(chosen)
    assert replicas.count == used
    assert [line.startswith(f"{used} of {gpus} GPUs are used") for line in lines] == [True] * (used < gpus)
    with refused("--replicas=3", "8x8", "--replicas=2"):
        start_devices(replace(chosen, replicas=3))


def test_what_trains_in_one_line(machine, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    chosen = replace(experiment("F", "1gpu"), threads=2)
    one = SimpleNamespace(count=1, on_cpu=True, workers=Workers())
    assert describe(chosen, one) == "training on 1 CPU, 2 threads, oneDNN, float32"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    two = SimpleNamespace(count=2, on_cpu=True, workers=Workers())
    assert describe(replace(chosen, threads=1), two) == "training on 2 virtual CPUs, 1 thread, float32"
    machine += ["A100", "A100", "H100"]
    chosen = replace(chosen, training=replace(chosen.training, tf32=True))
    two = SimpleNamespace(count=2, on_cpu=False, workers=Workers())
    assert describe(chosen, two) == "training on 2 x A100 (of 3 GPUs), float32 with TF32"
    machines = Workers(Cluster(("a:1", "b:1"), 1))
    four = SimpleNamespace(count=4, on_cpu=False, workers=machines)
    assert describe(chosen, four) == "training on 2 machines, each with 2 x A100 (of 3 GPUs), float32 with TF32"


def test_names_of_gpus(monkeypatch):
    assert devices.gpus() == []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:0"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": f"name of {gpu}"})
    assert devices.gpus() == ["name of GPU:0"]


def test_one_cpu_needs_no_strategy():
    for replicas in (Replicas(), Replicas(1)):
        assert (replicas.count, replicas.devices, replicas.number()) == (1, ["CPU:0"], 0)
        assert not tf.distribute.has_strategy()
        assert replicas.run(lambda x: x + 1, 2) == 3


def test_two_virtual_cpus():
    replicas = Replicas(2)
    assert (replicas.count, replicas.devices) == (2, ["CPU:0", "CPU:1"])

    @tf.function
    def numbers():
        return replicas.run(lambda: (tf.cast(replicas.number(), tf.int32), tf.constant(10)))

    number, ten = numbers()
    assert [int(one) for one in replicas.strategy.experimental_local_results(number)] == [0, 1]
    assert [int(total) for total in replicas.all_reduce((number, ten))] == [1, 20]


def test_assign_reaches_every_copy():
    replicas = Replicas(2)
    with replicas.scope():
        one, other = keras.Variable([1.0, 2.0]), keras.Variable([10.0, 20.0])
    replicas.assign([one], lambda own, new: own + 3 * new, [other])
    copies = replicas.strategy.experimental_local_results(one.value)
    assert [copy.numpy().tolist() for copy in copies] == [[31, 62], [31, 62]]


def test_elements_go_to_the_replicas_in_turn():
    replicas = Replicas(2)
    iterator = replicas.distribute(lambda turns: turns.take(6))
    taken = [replicas.strategy.experimental_local_results(next(iterator)) for _ in range(3)]
    assert [[int(own) for own in pair] for pair in taken] == [[0, 1], [2, 3], [4, 5]]
    assert [int(element) for element in Replicas(1).distribute(lambda turns: turns.take(3))] == [0, 1, 2]


def test_tf_config_is_for_training_alone(monkeypatch):
    """Other programs neither wait for other workers nor take what is wrong with it for theirs."""
    for text in ("{", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}})):
        monkeypatch.setenv("TF_CONFIG", text)
        assert float(Replicas(1).run(lambda: tf.constant(1.0))) == 1
        replicas = Replicas(2)
        assert float(replicas.all_reduce(replicas.run(lambda: tf.constant(3.0)))) == 6
        assert replicas.of_this_worker() is replicas


def test_virtual_cpus_come_before_tensorflow():
    with refused("3 virtual CPUs", 2):
        Replicas(3)


def test_more_replicas_than_gpus(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"] if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *arguments: None)
    with refused("--replicas=2", "1 GPUs"):
        Replicas(2)


class Trained:
    """What a run of ten iterations on so many replicas saw, drew and lost."""

    def __init__(self, data_set, count):
        experiment = tiny.experiment(labels=True)
        self.replicas = Replicas(count)
        self.state = State(experiment, self.replicas)
        tiny.unsettle(self.state.G)
        self.steps = Steps(self.state, experiment, STAGE, tiny.MINIBATCH)
        rows = draws.Rows(tiny.MINIBATCH, self.steps.group, count)
        reader = Reader(data_set, STAGE, tiny.LABEL_SIZE)
        self.feed = Feed(reader, experiment.training.seed, 0, rows, self.replicas)
        self.fade, self.rate = tf.constant(FADE), tf.constant(RATE)
        self.pictures, self.labels, self.random_labels, self.losses = [], [], [], []
        self.gradients_before_training()
        for iteration in range(ITERATIONS):
            self.iterate(iteration * tiny.MINIBATCH)

    def gradients_before_training(self):
        """Of D and its penalties on pictures that do not count, and of G. Untraced, which saves seconds."""
        nimg = tf.constant(0, tf.int64)
        real, label, random_label = next(self.feed)

        D = self.replicas.run(self.steps.d_gradients, real, label, nimg, self.fade)[0]
        G = self.replicas.run(self.steps.g_gradients, random_label, nimg, self.fade)[0]
        R1 = self.replicas.run(self.steps.r1_gradients, real, label, nimg, self.fade)[0]
        self.D_gradients, self.G_gradients = self.replicas.all_reduce(D), self.replicas.all_reduce(G)
        self.R1_gradients = self.replicas.all_reduce(R1)

        @tf.function
        def drawn():
            rows = self.steps.rows
            return self.replicas.run(lambda: draws.normal(3, "z", nimg, rows(), (8,)))

        self.z = self.whole(drawn())

    def iterate(self, nimg):
        real, label, random_label = next(self.feed)
        self.pictures.append(self.whole(real))
        self.labels.append(self.whole(label))
        self.random_labels.append(self.whole(random_label))
        at = tf.constant(nimg, tf.int64)
        D = self.steps.d_step(real, label, at, self.fade, self.rate)
        G = self.steps.g_step(random_label, at, self.fade, self.rate)
        self.losses.append([{name: float(value) for name, value in of.items()} for of in (D, G)])

    def whole(self, parts):
        """The minibatch, in its order, from what the replicas have of it."""
        parts = self.replicas.strategy.experimental_local_results(parts)
        whole = np.empty((tiny.MINIBATCH, *parts[0].shape[1:]), parts[0].numpy().dtype)
        for number, part in enumerate(parts):
            rows = draws.Rows(tiny.MINIBATCH, self.steps.group, self.replicas.count, number)
            whole[rows.numbers()] = part.numpy()
        return whole


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data_set = tiny.data_set(tmp_path_factory.mktemp("data") / "noise")
    both = SimpleNamespace(one=Trained(data_set, 1), two=Trained(data_set, 2), data_set=data_set)
    yield both
    for one in (both.one, both.two):
        one.feed.close()


def test_same_pictures_are_seen(trained):
    reader = Reader(trained.data_set, STAGE, tiny.LABEL_SIZE)
    shown = np.arange(tiny.MINIBATCH, tiny.MINIBATCH * (ITERATIONS + 1))
    pictures, labels = reader.read(pictures_of(shown, tiny.experiment().training.seed, tiny.PICTURES))
    for run in (trained.one, trained.two):
        assert np.array_equal(np.concatenate(run.pictures), pictures)
        assert np.array_equal(np.concatenate(run.labels), labels)
    one, two = (np.concatenate(run.random_labels) for run in (trained.one, trained.two))
    assert one.tobytes() == two.tobytes() and not np.array_equal(one, labels)


def test_same_latents_are_drawn(trained):
    assert trained.one.z.tobytes() == trained.two.z.tobytes()
    assert len(np.unique(trained.two.z)) == trained.two.z.size


@pytest.mark.parametrize("network", ["D", "G"])
def test_first_gradients(network, trained):
    one, two = (getattr(run, f"{network}_gradients") for run in (trained.one, trained.two))
    assert len(one) == len(two) > 15
    for ours, theirs in zip(one, two, strict=True):
        assert np.linalg.norm(theirs) > 0
        assert np.linalg.norm(ours - theirs) <= 2e-4 * np.linalg.norm(ours)


def test_gradients_of_lazy_penalties(trained):
    """That of the last bias is zero."""
    for ours, theirs in zip(trained.one.R1_gradients, trained.two.R1_gradients, strict=True):
        assert np.linalg.norm(ours - theirs) <= 2e-4 * np.linalg.norm(ours)
    assert sum(np.linalg.norm(gradient) > 0 for gradient in trained.two.R1_gradients) > 10


def test_losses_of_the_first_iterations(trained):
    one, two = trained.one.losses, trained.two.losses
    assert len(one) == ITERATIONS and all(np.isfinite([*D.values(), *G.values()]).all() for D, G in one)
    assert not any(D[SKIPPED] or G[SKIPPED] for D, G in one), "a step was skipped"
    for at, name in enumerate(("D", "G")):
        ours, theirs = (np.array([losses[at][name] for losses in run]) for run in (one, two))
        assert np.abs(theirs - ours).max() <= 0.01 * np.abs(ours).min()
    ours = [D["D"] for D, _ in one]
    assert np.ptp(ours) > 0.01 * ours[0], "the losses do not move, so their equality says little"


def test_average_of_w(trained):
    """float32: sums over replicas are added in another order."""
    one, two = (run.state.G.w_avg.numpy() for run in (trained.one, trained.two))
    assert np.abs(one).max() > 0.01
    assert np.abs(one - two).max() < 1e-3 * np.abs(one).max()


def test_the_copies_of_two_replicas_are_equal(trained):
    state, strategy = trained.two.state, trained.two.replicas.strategy
    for network in (state.G, state.D, state.Gs):
        for variable in network.variables:
            first, second = strategy.experimental_local_results(variable.value)
            assert first.numpy().tobytes() == second.numpy().tobytes(), variable.path


def test_a_step_that_is_not_finite_is_skipped_on_both(trained):
    run = trained.two
    variable = run.state.D.b4_dense1.bias
    before = variable.numpy()
    variable.assign(np.full(variable.shape, np.nan, np.float32))
    numbers, t = tiny.numbers(run.state), int(run.state.D_optimizer.iterations.numpy())
    run.iterate(ITERATIONS * tiny.MINIBATCH)
    assert run.losses.pop() == [dict.fromkeys(of, 0.0) | {SKIPPED: 1.0} for of in run.losses[0]]
    changed = {name.split()[0] for name in tiny.differing(numbers, tiny.numbers(run.state))}
    assert changed == {"G", "Gs"}, "w_avg and Gs move, nothing else"
    assert int(run.state.D_optimizer.iterations.numpy()) == t
    variable.assign(before)
