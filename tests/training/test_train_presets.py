"""Every preset, made tiny, trains through a change of stage."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny

from stylegan_tf.configs import presets
from stylegan_tf.configs.presets import CONFIGS
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.devices import Replicas
from stylegan_tf.networks.kinds import KINDS
from stylegan_tf.training import loop
from stylegan_tf.training.autotune import measured
from stylegan_tf.training.state import State
from stylegan_tf.weights.keras_file import read

FAST = ("A", "B", "F")
TOTAL = 128  # pictures: 64 at 8x8, 64 while 16x16 fades in


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("data") / "noise")


@pytest.mark.parametrize("config", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CONFIGS])
def test_preset_trains(config, data_set, tmp_path, monkeypatch):
    """Its weights are finite, and every one that the last stage uses has moved; what is saved is what was trained."""
    experiment = tiny.experiment(config, total_kimg=TOTAL / 1000)
    made = []

    def kept(*arguments):
        made.append(State(*arguments))
        return made[0]

    monkeypatch.setattr(loop, "State", kept)
    loop.training_loop(experiment, tmp_path, data_set, Replicas(1))
    new, (trained,) = State(experiment, Replicas(1)), made
    assert type(trained.G) is KINDS[type(experiment.G)] and type(trained.D) is KINDS[type(experiment.D)]
    for role in ("G", "D", "Gs"):
        network, before = getattr(trained, role), getattr(new, role)
        first = {id(now): then for now, then in zip(network.variables, before.variables, strict=True)}
        for variable in network.variables:
            assert np.isfinite(variable.numpy()).all(), variable.path
        stuck = [v.path for v in network.variables_at(4) if np.array_equal(v.numpy(), first[id(v)].numpy())]
        assert stuck == []
    log = (tmp_path / "log.txt").read_text()
    assert "lod 1.00" in log and "lod 0.50" in log
    saved = read(tmp_path / "network-snapshot-000000" / "Gs.keras")
    for ours, theirs in zip(trained.Gs.variables, saved.variables, strict=True):
        assert ours.path.split("/", 1)[1] == theirs.path.split("/", 1)[1]
        assert np.array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.slow
def test_float16_preset_of_config_a(tmp_path):
    """1 kimg at 32x32 in mixed_float16: every weight finite, under 5 % of the steps skipped."""
    experiment = measured(presets.experiment("A-fp16", "cpu", resolution=32))[0]
    assert (experiment.training.precision, experiment.G.pixelnorm_epsilon) == ("mixed_float16", 1e-4)
    schedule = replace(experiment.schedule, initial_resolution=32, lod_training_kimg=0, lod_transition_kimg=0)
    experiment = replace(
        experiment,
        schedule=replace(schedule, tick_kimg_base=0.25),
        training=replace(experiment.training, total_kimg=1),
        data=replace(experiment.data, num_faces=500),
    )
    faces = create_faces(tmp_path / "faces", 32, 500, 0, 2)
    (tmp_path / "run").mkdir()
    loop.training_loop(experiment, tmp_path / "run", faces, Replicas(1))
    told = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    steps = 2 * 1024 / 16  # of D and of G, in 64 minibatches each
    assert told[-1]["nimg"] == 1024 and told[-1]["Progress/skipped_steps"] < 0.05 * steps
    for role in ("G", "D", "Gs"):
        network = read(tmp_path / "run" / "network-snapshot-000001" / f"{role}.keras")
        assert all(np.isfinite(variable.numpy()).all() for variable in network.variables)
