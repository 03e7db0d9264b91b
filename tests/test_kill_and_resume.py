"""python train.py, killed at a random moment and started again, against the same command left alone: the same bits."""

import json
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

from stylegan_tf.data.faces.create import create_faces

ROOT = Path(__file__).parent.parent
TOTAL = 512  # pictures; 16x16 fades in from 128 to 192
PATIENCE = 600  # seconds for any process on a busy machine


SETTINGS = {
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
# Flags and settings beside these, None for one that a config does not have. The metric is of 32x32.
VARIANTS: dict[str, tuple[list[str], dict]] = {
    "F": ([], {}),
    "bfloat16": (["--precision=mixed_bfloat16"], {}),
    "labels": ([], {"data.max_label_size": "none"}),
    "A": (["--config=A"], {"G.mapping_layers": None, "training.r1_interval": None, "training.D_repeats": 2}),
    "replicas": (["--replicas=2"], {}),
    "metrics": (["--metrics=fid0.016k@faces", "--metric_ticks=2"], {}),
}


def command_of(variant, folder):
    """The command but for its --outdir."""
    if variant == "metrics":
        create_faces(folder / "data", 32, tiny.PICTURES, 0, 1)
    else:
        tiny.data_set(folder / "data")
    more, other = VARIANTS[variant]
    settings = [f"--set={path}={value}" for path, value in (SETTINGS | other).items() if value is not None]
    flags = ["--config=F", "--hardware=cpu", f"--dataset={folder / 'data'}", f"--total_kimg={TOTAL / 1000}"]
    return [sys.executable, "train.py", *flags, "--threads=1", "--precision=float32", *more, *settings]


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    return command_of("F", tmp_path_factory.mktemp("F"))


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
    """Pictures shown at the newest checkpoint, -1 without."""
    return max((int(path.name) for path in outdir.glob("*/checkpoints/*[0-9]") if path.name.isdigit()), default=-1)


def kill_at(process, outdir, nimg, delay, number=signal.SIGKILL, code=-signal.SIGKILL):
    """A signal some time after the checkpoint of that picture."""
    deadline = time.monotonic() + PATIENCE
    while saved(outdir) < nimg:
        assert process.poll() is None and time.monotonic() < deadline, outdir.with_suffix(".log").read_text()[-3000:]
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(number)
    assert process.wait(PATIENCE) == code, "it was quicker than the signal"


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
    check(seed, command, alone, tmp_path / "results")


@pytest.mark.slow
@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
def test_variants_killed_and_started_again(variant, tmp_path):
    command = command_of(variant, tmp_path)
    undisturbed = tmp_path / "alone"
    check(7, command, (start(command, undisturbed, minutes=525600), undisturbed), tmp_path / "results")


def check(seed, command, alone, outdir):
    """Killed at a moment that depends on the seed, and started again, a run ends with the numbers of `alone`."""
    moment = random.Random(seed)
    nimg, delay = moment.randrange(32, 352, 32), moment.uniform(0, 0.2)
    print(f"seed {seed}: killed {delay:.3f} s after the checkpoint at {nimg} pictures")
    kill_at(start(command, outdir), outdir, nimg, delay)
    reached = saved(outdir)
    finish(start(command, outdir), outdir)
    finish(*alone)
    (run_dir,) = outdir.iterdir()  # the second start went on with the first one's run
    assert f"continuing at {reached / 1000:.1f} kimg" in (run_dir / "log.txt").read_text()
    expected, found = numbers(alone[1]), numbers(outdir)
    assert len(expected) > 100 and expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []
    ours, theirs = (said(next(folder.iterdir())) for folder in (outdir, alone[1]))
    assert ours == theirs and sum("Loss/G" in line for line in ours) == 4


def said(run_dir):
    """stats.jsonl without what time decides."""
    lines = map(json.loads, (run_dir / "stats.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if not name.startswith("Timing/")} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_first_graphs_are_made(number, command, alone, tmp_path):
    outdir = tmp_path / "results"
    process = start(command, outdir)
    kill_at(process, outdir, 0, 0.5, number, 128 + number)
    (run_dir,) = outdir.iterdir()
    (name,) = os.listdir(run_dir / "checkpoints")
    assert name == "000000000", "it was slower than the graphs"
    last = outdir.with_suffix(".log").read_text().splitlines()[-1]
    assert last == "stopped at 0.0 kimg; the same command continues"
    assert not list(run_dir.glob("network-snapshot-*")), "the checkpoint is all that there is time for"
    finish(start(command, outdir), outdir)
    finish(*alone)
    expected, found = numbers(alone[1]), numbers(outdir)
    assert [name for name in expected if expected[name] != found[name]] == []


@pytest.mark.slow
def test_stopped_by_a_scheduler(command, alone, tmp_path):
    """At once by --max_hours, then by SIGTERM in the middle of the training, with the exit code that asks for more."""
    outdir = tmp_path / "results"
    log = outdir.with_suffix(".log")
    assert start([*command, "--max_hours=1e-6"], outdir).wait(PATIENCE) == 143
    assert log.read_text().splitlines()[-1] == "stopped at 0.0 kimg; the same command continues"
    kill_at(start(command, outdir), outdir, 160, 0.1, signal.SIGTERM, 143)
    reached = saved(outdir)
    assert (
        log.read_text().splitlines()[-1] == f"stopped at {reached / 1000:.1f} kimg, saved; the same command continues"
    )
    (run_dir,) = outdir.iterdir()
    assert (run_dir / f"network-snapshot-{reached // 1000:06d}" / "Gs.keras").is_file()
    finish(start(command, outdir), outdir)
    finish(*alone)
    expected, found = numbers(alone[1]), numbers(outdir)
    assert [name for name in expected if expected[name] != found[name]] == []
