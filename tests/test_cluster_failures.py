"""Workers that are killed, stopped and cut off at random moments: all end, and the same commands go on bit by bit."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
import tensorflow as tf
import tiny
import workers_of_a_test as of_a_test

from stylegan_tf import rundir
from stylegan_tf.cluster import LEFT
from stylegan_tf.data.faces.create import create_faces

pytestmark = pytest.mark.slow
TOTAL = 256  # pictures; 16x16 fades in from 64 to 128
MINUTE = 60.0


class Run:
    """Two workers of one run."""

    def __init__(self, folder, data, minutes=1e-6, hosts=("127.0.0.1", "127.0.0.1"), before=((), ())):
        self.folder, self.before = folder, before
        folder.mkdir()
        self.outdir, self.logs = folder / "results", [folder / f"{task}.log" for task in (0, 1)]
        growing = {"schedule__lod_training_kimg": 0.064, "schedule__lod_transition_kimg": 0.064}
        self.flags = of_a_test.flags_of(
            data, self.outdir, TOTAL / 1000, output__checkpoint_minutes=minutes, schedule__tick_kimg_base=0.1, **growing
        )
        self.hosts = hosts

    def start(self):
        """Both, with a checkpoint at every look at the schedule, unless `minutes` says otherwise."""
        ports = [address.rpartition(":")[2] for address in of_a_test.addresses()]
        addresses = [f"{host}:{port}" for host, port in zip(self.hosts, ports, strict=True)]
        self.processes = [
            of_a_test.start(task, addresses, self.logs[task], ["train.py", *self.flags], self.before[task])
            for task in (0, 1)
        ]

    def wait(self):
        """The exit codes."""
        return [of_a_test.wait(process, log) for process, log in zip(self.processes, self.logs, strict=True)]

    def reach(self, nimg):
        """Waits for the checkpoint of that picture."""
        until = time.monotonic() + of_a_test.PATIENCE
        while self.saved() < nimg:
            ended = any(process.poll() is not None for process in self.processes)
            assert not ended and time.monotonic() < until, self.logs[0].read_text()[-3000:]
            time.sleep(0.002)

    def saved(self):
        """Pictures shown at the newest checkpoint, -1 without."""
        found = (path.name for path in self.outdir.glob("*/checkpoints/*[0-9]"))
        return max((int(name) for name in found if name.isdigit()), default=-1)

    def last_line(self, task):
        return self.logs[task].read_text().splitlines()[-1]

    def numbers(self):
        """Every number of the last checkpoint: networks, optimizers, loss scales."""
        (folder,) = self.outdir.glob(f"*/checkpoints/{TOTAL:09d}")
        reader = tf.train.load_checkpoint(str(folder / "state"))
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names if name != "_CHECKPOINTABLE_OBJECT_GRAPH"}

    def goes_on_like(self, undisturbed):
        """Started again it continues its run, to the numbers of another."""
        reached = self.saved()
        self.start()
        assert self.wait() == [0, 0]
        (run_dir,) = rundir.runs(self.outdir)
        assert f"continuing at {reached / 1000:.1f} kimg" in (run_dir / rundir.LOG).read_text()
        assert tiny.differing(self.numbers(), undisturbed) == []


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "noise"
    tiny.data_set(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """The numbers that a run of two workers has that nothing happens to."""
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run", data, minutes=525600)
    run.start()
    assert run.wait() == [0, 0]
    return run.numbers()


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("seed", range(1, 11))
def test_killed_and_started_again(seed, victim, data, undisturbed, tmp_path):
    moment = random.Random(10 * seed + victim)
    nimg, delay = moment.randrange(0, TOTAL - 32, 32), moment.uniform(0, 0.5)
    print(f"worker {victim} killed {delay:.3f} s after the checkpoint at {nimg} pictures")
    run = Run(tmp_path / "run", data)
    run.start()
    run.reach(nimg)
    time.sleep(delay)
    run.processes[victim].kill()
    began = time.monotonic()
    assert run.wait()[1 - victim] == 1
    assert time.monotonic() - began < MINUTE
    assert run.last_line(1 - victim).startswith("error: ") and run.last_line(1 - victim).endswith(LEFT)
    run.goes_on_like(undisturbed)


@pytest.mark.parametrize(("number", "victim", "nimg"), [
    (signal.SIGTERM, 1, 0), (signal.SIGTERM, 0, 0), (signal.SIGTERM, 1, 160), (signal.SIGTERM, 0, 160),
    (signal.SIGINT, 1, 160),
])  # fmt: skip
def test_stopped_and_started_again(number, victim, nimg, data, undisturbed, tmp_path):
    """Whichever of them is told to; at 0 while graphs are made."""
    run = Run(tmp_path / "run", data)
    run.start()
    run.reach(nimg)
    time.sleep(0.5)
    run.processes[victim].send_signal(number)
    codes = run.wait()
    assert codes[victim] == 128 + number and codes[1 - victim] in (128 + number, 128 + signal.SIGTERM)
    for task in (0, 1):
        assert run.last_line(task).startswith("stopped") and " continues" in run.last_line(task)
    if nimg:
        assert list(run.outdir.glob("*/network-snapshot-*/Gs.keras")), "there was time for a snapshot"
    run.goes_on_like(undisturbed)


def test_the_chief_measures(tmp_path):
    """Metrics are of the chief's devices, precision and fused scaling of its choice."""
    create_faces(tmp_path / "data", 32, 64, 0, 1)
    run = Run(tmp_path / "run", tmp_path / "data", minutes=525600)
    chosen = ["--precision=auto", "--set=G.fused_scale=measured", "--set=D.fused_scale=measured"]
    run.flags += [*chosen, "--set=schedule.initial_resolution=32", "--metrics=fid0.016k@faces", "--metric_ticks=2"]
    run.start()
    assert run.wait() == [0, 0]
    (run_dir,) = rundir.runs(run.outdir)
    assert "evaluation failed" not in (run_dir / rundir.LOG).read_text()
    stats = [json.loads(line) for line in (run_dir / rundir.STATS).read_text().splitlines()]
    assert [line["nimg"] for line in stats if "Metrics/fid0.016k@faces" in line] == [128, 256]
    experiment = rundir.experiment_of(run_dir)
    assert experiment.training.precision != "auto" and experiment.G.fused_scale != "measured"


def ip(*words):
    subprocess.run(["/usr/sbin/ip", *words], check=True, capture_output=True)


@contextmanager
def two_machines():
    """The names of two network namespaces with a link between them, and their addresses."""
    names, hosts = [f"sgan{os.getpid()}{end}" for end in "ab"], ["10.199.77.1", "10.199.77.2"]
    try:
        for name in names:
            ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces cannot be made here: {error}")
    try:
        ip("link", "add", "link0", "netns", names[0], "type", "veth", "peer", "name", "link0", "netns", names[1])
        for name, host in zip(names, hosts, strict=True):
            ip("-n", name, "addr", "add", f"{host}/24", "dev", "link0")
            for device in ("lo", "link0"):
                ip("-n", name, "link", "set", device, "up")
        yield names, hosts
    finally:
        for name in names:
            ip("netns", "del", name)


@pytest.mark.parametrize("side", [0, 1])
def test_cut_off_and_started_again(side, data, undisturbed, tmp_path):
    """A link that goes down: no connection is closed, there is only silence."""
    with two_machines() as (names, hosts):
        before = [["/usr/sbin/ip", "netns", "exec", name] for name in names]
        run = Run(tmp_path / "run", data, hosts=hosts, before=before)
        run.start()
        run.reach(96)
        ip("-n", names[side], "link", "set", "link0", "down")
        began = time.monotonic()
        assert run.wait() == [1, 1]
        assert time.monotonic() - began < MINUTE
        for task in (0, 1):
            assert run.last_line(task).startswith("error: ") and run.last_line(task).endswith(LEFT)
        ip("-n", names[side], "link", "set", "link0", "up")
        run.goes_on_like(undisturbed)
