"""Workers as processes of this machine.

python tests/workers_of_a_test.py FOLDER: two that train as one, and a process alone with two devices
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import tiny

ROOT = Path(__file__).parents[1]
PATIENCE = 600  # seconds for any process on a busy machine
WIDTHS = {"G.fmap_base": 64, "D.fmap_base": 64, "G.fmap_max": 8, "D.fmap_max": 8, "G.mapping_layers": 2}
# Not measured: runs that are compared may find different ones faster.
SETTINGS = WIDTHS | {"G.fused_scale": "8", "D.fused_scale": "16", "training.r1_interval": 1, "output.grid": "2x2"}


def flags_of(data, outdir, total_kimg, **settings):
    """Flags of train.py for a tiny experiment; in the names of settings __ stands for a dot."""
    changes = SETTINGS | {name.replace("__", "."): value for name, value in settings.items()}
    return [
        *("--config=F", "--hardware=cpu", f"--dataset={data}", f"--outdir={outdir}", f"--total_kimg={total_kimg}"),
        *("--batch=8", "--gamma=0", "--threads=1", "--precision=float32"),
        *(f"--set={path}={value}" for path, value in changes.items()),
    ]


def addresses(count=2, host="127.0.0.1"):
    """Free ports."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((host, 0))
        return [f"{host}:{one.getsockname()[1]}" for one in sockets]


def tf_config(workers, task):
    """The variable for one of them."""
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": task}})


def start(task, workers, log, command, before=()):
    """One of the workers, by TF_CONFIG; its output goes to the end of `log`. before: what starts the command.

    workers: their addresses; none: a process alone.
    """
    variables = {"TF_CONFIG": tf_config(workers, task)} if workers else {}
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **variables}
    with open(log, "ab") as file:
        return subprocess.Popen(
            [*before, sys.executable, *command], cwd=ROOT, env=environment, stdout=file, stderr=file
        )


def wait(process, log):
    """Its exit code."""
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()
        print(Path(log).read_text()[-3000:])


def main(folder):
    """What they saw and have goes into 0.npz, 1.npz, alone.npz, what they said into 0.log and so on."""
    tiny.data_set(folder / "data")
    workers, started = addresses(), {}
    for name, task, more in (("0", 0, []), ("1", 1, []), ("alone", 0, ["--replicas=2"])):
        flags = flags_of(
            folder / "data", folder / ("alone" if more else "results"), 0.032, schedule__initial_resolution=8
        )
        command = ["tests/cluster_worker.py", f"{folder / name}.npz", "--resolution=8", *flags, *more]
        log = folder / f"{name}.log"
        started[log] = start(task, [] if more else workers, log, command)
    codes = [wait(process, log) for log, process in started.items()]
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
