"""python train.py, killed at a random moment and started again, against the same command left alone: the same bits."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
import tiny

ROOT = Path(__file__).parent.parent
TOTAL = 512  # pictures; 16x16 fades in from 128 to 192
PATIENCE = 600  # seconds for any process on a busy machine


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The command but for its --outdir."""
    data = tmp_path_factory.mktemp("data") / "noise"
    tiny.data_set(data)
    settings = {
        "G.fmap_base": 64,
        "D.fmap_base": 64,
        "G.fmap_max": 8,
        "D.fmap_max": 8,
        "G.mapping_layers": 2,
        "schedule.lod_training_kimg": 0.128,
        "schedule.lod_transition_kimg": 0.064,
        "schedule.minibatch": "{}",
        "schedule.minibatch_base": 8,
        "schedule.tick_kimg_base": 0.1,
        "output.grid": "2x2",
        "training.r1_interval": 3,
        # Not measured: two runs, one killed and one not, may find different ones faster.
        "G.fused_scale": "8",
        "D.fused_scale": "16",
    }
    flags = ["--config=F", "--hardware=cpu", f"--dataset={data}", f"--total_kimg={TOTAL / 1000}", "--threads=1"]
    flags += ["--precision=float32", *(f"--set={path}={value}" for path, value in settings.items())]
    return [sys.executable, "train.py", *flags]


def start(command, outdir, minutes=1e-6):
    """With a checkpoint at every look at the schedule, unless `minutes` says otherwise."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    log = open(outdir.with_suffix(".log"), "ab")  # noqa: SIM115 (the process holds it)
    flags = f"--outdir={outdir}", f"--set=output.checkpoint_minutes={minutes}"
    with log:
        return subprocess.Popen([*command, *flags], cwd=ROOT, env=environment, stdout=log, stderr=log)


def finish(process, outdir):
    assert process.wait(PATIENCE) == 0, outdir.with_suffix(".log").read_text()[-3000:]


def saved(outdir):
    """Pictures shown at the newest checkpoint, 0 without."""
    return max((int(path.name) for path in outdir.glob("*/checkpoints/*[0-9]") if path.name.isdigit()), default=0)


def kill_at(process, outdir, nimg, delay):
    """SIGKILL some time after the checkpoint of that picture."""
    deadline = time.monotonic() + PATIENCE
    while saved(outdir) < nimg:
        assert process.poll() is None and time.monotonic() < deadline, outdir.with_suffix(".log").read_text()[-3000:]
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL, "it was quicker than the signal"


def numbers(outdir):
    """Every number of the last checkpoint: networks, optimizers, loss scales."""
    (folder,) = outdir.glob(f"*/checkpoints/{TOTAL:09d}")
    reader = tf.train.load_checkpoint(str(folder / "state"))
    return {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


@pytest.fixture(scope="module")
def alone(command, tmp_path_factory):
    """The run that is never stopped and saves once a year, already started: (process, its outdir)."""
    outdir = tmp_path_factory.mktemp("alone") / "results"
    process = start(command, outdir, minutes=525600)
    yield process, outdir
    process.kill()
    process.wait()


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))])
def test_killed_and_started_again(seed, command, alone, tmp_path):
    moment = random.Random(seed)
    nimg, delay = moment.randrange(32, 352, 32), moment.uniform(0, 0.2)
    print(f"seed {seed}: killed {delay:.3f} s after the checkpoint at {nimg} pictures")
    outdir = tmp_path / "results"
    kill_at(start(command, outdir), outdir, nimg, delay)
    reached = saved(outdir)
    finish(start(command, outdir), outdir)
    finish(*alone)
    (run_dir,) = outdir.iterdir()  # the second start went on with the first one's run
    assert f"continuing at {reached / 1000:.1f} kimg" in (run_dir / "log.txt").read_text()
    expected, found = numbers(alone[1]), numbers(outdir)
    assert len(expected) > 200 and expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []
    lines = [line.partition(", ")[0] for line in (run_dir / "stats.jsonl").read_text().splitlines()]
    assert len(lines) == len(set(lines)) == 4
