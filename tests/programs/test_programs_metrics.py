"""Metrics while a network trains; the rest is tested by way of run_metrics.py."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

from stylegan_tf.configs.schedule import Phase
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs.metrics import while_training
from stylegan_tf.training.log import RunLog
from stylegan_tf.training.state import State


def chosen(tmp_path: Path, metrics: str):
    """A tiny experiment at 32x32 on twenty faces."""
    create_faces(tmp_path / "faces", 32, 20, 0, 1)
    small = tiny.experiment()
    return replace(
        small,
        data=replace(small.data, directory=str(tmp_path / "faces"), resolution=32),
        G=replace(small.G, resolution=32),
        D=replace(small.D, resolution=32),
        output=replace(small.output, metrics=metrics),
    )


def phase_of(stage: int) -> Phase:
    return Phase(0.0, stage, 1.0, 2**stage, 8, 0.001, 0.001, 1.0)


def test_none_are_asked_for(tmp_path: Path) -> None:
    assert while_training(tiny.experiment(), tmp_path) is None
    with pytest.raises(UserError, match="there is no metric fid5; did you mean fid50k"):
        while_training(replace(tiny.experiment(), output=replace(tiny.experiment().output, metrics="fid5")), tmp_path)


def test_metrics_of_the_current_stage(tmp_path: Path) -> None:
    """They change nothing that training uses, and go into the run's files under their full names."""
    experiment = chosen(tmp_path, "fid0.016k@faces, ls_0.02k@faces")
    measure = while_training(experiment, tmp_path / "run")
    state = State(experiment, Replicas(1))
    before = tiny.numbers(state)
    phase = Phase(1.5, 4, 0.5, 16, 8, 0.001, 0.001, 1.0)
    found = measure(state, phase, 12_000)
    assert sorted(found) == ["fid0.016k@faces", "ls_0.02k@faces_w", "ls_0.02k@faces_z"]
    assert all(np.isfinite(list(found.values()))) and tiny.differing(before, tiny.numbers(state)) == []
    (row,) = map(json.loads, (tmp_path / "run/metric-fid0.016k@faces.jsonl").read_text().splitlines())
    assert (row["value"], row["network"]) == (found["fid0.016k@faces"], "nimg 12000")
    assert (row["conditions"]["stage"], row["conditions"]["fade"]) == (4, 0.5)
    with RunLog(tmp_path / "run") as log:
        log.metrics(found, 12_000)
    said = json.loads((tmp_path / "run/stats.jsonl").read_text())
    assert said == {"nimg": 12_000} | {f"Metrics/{name}": value for name, value in found.items()}


def test_pictures_that_do_not_fit(tmp_path: Path) -> None:
    experiment = chosen(tmp_path, "fid0.016k@faces")
    measure = while_training(experiment, tmp_path / "run")
    state = State(experiment, Replicas(1))
    state.Gs = make(replace(experiment.G, num_channels=1))
    with pytest.raises(UserError, match="faces have 3 channels, those of the network 1"):
        measure(state, phase_of(5), 0)
    state.Gs = make(replace(experiment.G, resolution=64))
    with pytest.raises(UserError, match="faces has no pictures of 64x64, which the network makes"):
        measure(state, phase_of(6), 0)
