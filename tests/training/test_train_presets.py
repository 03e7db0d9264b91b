"""Every preset, made tiny, trains through a change of stage."""

import numpy as np
import pytest
import tiny

from stylegan_tf.configs.presets import CONFIGS
from stylegan_tf.networks.kinds import KINDS
from stylegan_tf.official.keras_file import read
from stylegan_tf.replicas import Replicas
from stylegan_tf.training import loop
from stylegan_tf.training.state import State

FAST = ("A", "B", "F", "stylebased-1")
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
    loop.train(experiment, tmp_path, data_set, Replicas(1))
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
