"""Runs of train.py that are killed at a random moment and started again, and others that are left alone.

    python tests/killed_runs.py FOLDER SEED: one of each, as alone/ and killed/ in the folder

That needs no TensorFlow here, and may go on beside other tests.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import tiny

from stylegan_tf.data.faces.create import create_faces

ROOT = Path(__file__).parent.parent
TOTAL = 512  # pictures; 16x16 fades in from 128 to 192
PATIENCE = 600  # seconds for any process on a busy machine
YEAR = 525600  # minutes


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


def killed_and_started_again(command, outdir, seed):
    """At a moment that depends on the seed. -> pictures shown at the checkpoint that the second start found."""
    moment = random.Random(seed)
    nimg, delay = moment.randrange(32, 352, 32), moment.uniform(0, 0.2)
    print(f"seed {seed}: killed {delay:.3f} s after the checkpoint at {nimg} pictures")
    kill_at(start(command, outdir), outdir, nimg, delay)
    reached = saved(outdir)
    finish(start(command, outdir), outdir)
    return reached


def main(folder, seed):
    command = command_of("F", folder)
    alone = start(command, folder / "alone", minutes=YEAR)
    reached = killed_and_started_again(command, folder / "killed", seed)
    finish(alone, folder / "alone")
    (folder / "reached").write_text(str(reached))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
