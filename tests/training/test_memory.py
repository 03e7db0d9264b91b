"""The estimate of the memory that training takes, against itself and against what processes took."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stylegan_tf.configs.memory import estimated, parameters, stages, table
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.text import override
from stylegan_tf.networks.kinds import make

RIGHT = 0.25  # of what was measured
GRAPHS = 0.25e9  # bytes: what the graphs themselves take, from machine to machine, and nobody estimates


def step(stage=8, minibatch=8, replicas=1, at_once=None, **training):
    chosen = experiment("F", "1gpu", resolution=256)
    chosen = replace(chosen, training=replace(chosen.training, **training))
    return estimated(chosen, stage, minibatch, replicas, at_once).step


def test_what_saves_memory():
    whole = step()
    assert step(stage=7) < whole and step(minibatch=16) > 1.5 * whole
    assert step(replicas=2) == step(at_once=4) < 0.7 * whole, "a device computes its own pictures alone"
    assert step(recompute=True) < 0.9 * whole
    assert step(at_once=1) < step(at_once=2) < step(at_once=4)
    assert step(batch_gpu="4") == step(at_once=4) and step(batch_gpu="auto") == whole
    assert step(precision="mixed_float16") < 0.7 * whole


@pytest.mark.parametrize("config", ["F", "B", "A"])
def test_weights_are_counted(config):
    """Biases and the like come on top."""
    chosen = experiment(config, None, resolution=32)
    for network in (chosen.G, chosen.D):
        network = replace(network, fused_scale="auto")
        weights = sum(variable.shape.num_elements() for variable in make(network).variables_at(5))
        assert weights / 1.02 <= parameters(network, 5) <= weights


def test_the_table():
    chosen = override(experiment("F", "8gpu", resolution=1024), "training.batch_gpu=2")
    lines = table(chosen, 8).splitlines()
    assert "each of 8 devices" in lines[0] and len(lines) == 2 + len(stages(chosen)) == 10
    assert lines[2].split()[:3] == ["8x8", "256", "2"] and lines[-1].split()[:3] == ["1024x1024", "32", "2"]
    assert all(line.endswith(" GB") and len(line) < 60 for line in lines[2:])


NARROW = [f"{role}.{name}" for role in "GD" for name in ("fmap_base=1024", "fmap_max=64")]
NARROW += ["G.z_dim=64", "G.w_dim=64", "G.mapping_fmaps=64"]
CASES = [
    {"settings": NARROW, "stage": 7, "minibatch": 8},
    {"settings": [*NARROW, "training.recompute=true"], "stage": 7, "minibatch": 8},
    {"settings": NARROW, "stage": 7, "minibatch": 8, "at_once": 1},
    {"settings": NARROW, "stage": 5, "minibatch": 64},
    {"settings": NARROW, "stage": 5, "minibatch": 64, "at_once": 16},
    {"settings": [], "stage": 4, "minibatch": 4},
    {"settings": [*NARROW, "training.r1_interval=16"], "stage": 8, "minibatch": 4},
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{2 ** case['stage']}-{len(case['settings'])}-{len(case)}")
def test_the_estimate_is_right_to_a_quarter(case):
    """In a process of its own; docs/GPU.md has the table of what it prints."""
    script = Path(__file__).with_name("memory_peaks.py")
    done = subprocess.run([sys.executable, script, json.dumps(case)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    peak = max(found.get(kind, 0) for kind in ("D", "R1", "G"))
    chosen = experiment("F", "1gpu", resolution=2 ** case["stage"])
    for setting in case["settings"]:
        chosen = override(chosen, setting)
    memory = estimated(chosen, case["stage"], case["minibatch"], at_once=case.get("at_once"))
    print(f"{case}: estimated {(memory.state + memory.step) / 1e9:.2f}, measured {peak / 1e9:.2f} GB")
    assert memory.state + memory.step == pytest.approx(peak, rel=RIGHT, abs=GRAPHS)
