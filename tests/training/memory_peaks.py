"""Peaks of this process's memory in steps of training: python memory_peaks.py CASE ..., a line of JSON for each.

A case is JSON: "settings", as --set takes them, of config F on the row 1gpu; "stage"; "minibatch"; "at_once" (null: as
the settings say). "D", "R1" and "G" of the answer are bytes above what TensorFlow itself takes, "state" those of the
networks and optimizers. Stands alone, because a process's peak is the highest of all that it ever did.
"""

import ctypes
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tensorflow as tf

from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.text import override
from stylegan_tf.devices import Replicas
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps


def memory(what: str) -> int:
    """VmRSS, what is taken now, or VmHWM, the most since the last `forget`; in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


def forget() -> None:
    """What was freed goes back to the system, and the peak is what is taken now."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def measured(case: dict, base: int) -> dict:
    stage, minibatch = case["stage"], case["minibatch"]
    chosen = experiment("F", "1gpu", resolution=2**stage)
    for setting in case["settings"]:
        chosen = override(chosen, setting)
    state = State(chosen, Replicas(1))
    found = {"state": memory("VmRSS") - base}
    steps = Steps(state, chosen, stage, minibatch, case.get("at_once"))
    pictures = tf.zeros((minibatch, 2**stage, 2**stage, 3), tf.uint8)
    labels, phase = tf.zeros((minibatch, 0)), (tf.constant(0, tf.int64), tf.constant(1.0), tf.constant(0.0))
    for name, step, arguments in (
        ("D", steps.d_step, (pictures, labels, *phase)),
        ("R1", steps.r1_step if steps.is_lazy() else None, (pictures, labels, *phase)),
        ("G", steps.g_step, (labels, *phase)),
    ):
        if step is not None:
            step.get_concrete_function(*arguments)
            forget()
            found[f"{name} graph"] = memory("VmRSS") - base
            {key: float(value) for key, value in step(*arguments).items()}
            found[name] = memory("VmHWM") - base
    return found


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.experimental.enable_op_determinism()
    tf.constant(0.0).numpy()
    for text in sys.argv[1:]:
        forget()
        print(json.dumps(measured(json.loads(text), memory("VmRSS"))), flush=True)


if __name__ == "__main__":
    main()
