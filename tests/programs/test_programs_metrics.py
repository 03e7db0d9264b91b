"""Metrics while a network trains; the rest is tested by way of run_metrics.py."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from refusals import failed, refused

from stylegan_tf import draws
from stylegan_tf.configs.schedule import Phase
from stylegan_tf.data import training_set
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Failure
from stylegan_tf.metrics import cache, feature_extractors, features
from stylegan_tf.programs.metrics import callback, check
from stylegan_tf.programs.train import train
from stylegan_tf.training.log import RunLog
from stylegan_tf.training.state import State
from stylegan_tf.weights import download


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


def measured(measure, *now) -> dict[str, float]:
    """Values by name; the lines are those of the official code."""
    found = {}
    for line, values in measure(*now):
        assert line.startswith("network-snapshot-") and all(f" {name} " in line for name in values)
        found |= values
    return found


def test_none_are_asked_for(tmp_path: Path) -> None:
    def asking(metrics: str):
        return replace(tiny.experiment(), output=replace(tiny.experiment().output, metrics=metrics))

    assert callback(tiny.experiment(), tmp_path) is None
    assert callback(asking("none"), tmp_path) is None
    with refused("--metrics=fid5", "fid50k"):
        callback(asking("fid5"), tmp_path)


def test_metrics_of_the_current_stage(tmp_path: Path, two_classifiers: None) -> None:
    """They change nothing that training uses, and go into the run's files under their full names."""
    experiment = chosen(tmp_path, "fid0.016k@faces, ls_0.02k@faces")
    measure = callback(experiment, tmp_path / "run")
    state = State(experiment, Replicas(1))
    before = tiny.numbers(state)
    phase = Phase(1.5, 4, 0.5, 16, 8, 0.001, 0.001, 1.0)
    found = measured(measure, state, phase, 12_000)
    assert sorted(found) == ["fid0.016k@faces", "ls_0.02k@faces_w", "ls_0.02k@faces_z"]
    assert all(np.isfinite(list(found.values()))) and tiny.differing(before, tiny.numbers(state)) == []
    (row,) = map(json.loads, (tmp_path / "run/metric-fid0.016k@faces.jsonl").read_text().splitlines())
    assert (row["value"], row["network"]) == (found["fid0.016k@faces"], "nimg 12000")
    assert (row["conditions"]["stage"], row["conditions"]["fade"]) == (4, 0.5)
    with RunLog(tmp_path / "run") as log:
        log.metrics(found, 12_000)
    said = json.loads((tmp_path / "run/stats.jsonl").read_text())
    assert said == {"nimg": 12_000} | {f"Metrics/{name}": value for name, value in found.items()}


def test_the_second_evaluation_makes_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_classifiers: None
) -> None:
    """Neither networks nor graphs, at another fade of the stage too; and its numbers are those of a new evaluation."""
    names = "fid0.016k@faces,kid0.016k@faces,ppl_wend_0.016k@faces,ls_0.02k@faces"
    experiment = chosen(tmp_path, names)
    state = State(experiment, Replicas(1))
    tiny.unsettle(state.Gs)
    made: list[str] = []

    def noted(module, name: str) -> None:
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, **named: made.append(name) or original(*given, **named))

    noted(draws, "normal")  # which runs in Python while a graph is made, and only then
    noted(features, "_checked")  # for reals too
    noted(feature_extractors, "feature_extractor")
    noted(training_set, "open_data_set")
    measure = callback(experiment, tmp_path / "run")
    first = measured(measure, state, Phase(1.5, 4, 0.5, 16, 8, 0.001, 0.001, 1.0), 1000)
    assert set(made) == {"normal", "_checked", "feature_extractor", "open_data_set"}
    made.clear()
    weight = state.Gs.synthesis.b16_to_rgb.weight
    weight.assign(2 * weight)
    phase = Phase(1.5, 4, 0.3, 16, 8, 0.001, 0.001, 1.0)
    second = measured(measure, state, phase, 2000)
    assert made == []
    assert all(second[name] != first[name] for name in ("fid0.016k@faces", "ppl_wend_0.016k@faces"))
    assert measured(callback(experiment, tmp_path / "other"), state, phase, 2000) == second
    made.clear()
    measured(measure, state, phase_of(4), 3000)  # it has faded in
    assert set(made) == {"normal", "_checked"}


def test_metrics_that_fail_do_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = chosen(tmp_path, "fid0.016k@faces,kid0.016k@faces,ppl_wend_0.016k@faces")
    measure, state = callback(experiment, tmp_path / "run"), State(experiment, Replicas(1))

    def full(*given):
        raise OSError("the disk is full")

    monkeypatch.setattr(cache, "statistics", full)
    found = []
    with failed("fid0.016k@faces", "the disk"):
        found.extend(name for _, values in measure(state, phase_of(5), 0) for name in values)
    assert found == ["kid0.016k@faces", "kid0.016k@faces_std", "ppl_wend_0.016k@faces"]


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ("kid0.5k@faces", "kid0.5k@faces 20 500"),
        ("ppl_wend_labels@faces", "ppl_wend_labels@faces ppl_wend"),
        ("ls_2k@open", "ls_2k 32x32 256x256 --nets"),
    ],
)
def test_what_cannot_be_had_is_refused_before_training(metrics: str, names: str, tmp_path: Path) -> None:
    experiment = chosen(tmp_path, metrics)
    for ask in (lambda: check(experiment), lambda: callback(experiment, tmp_path / "run")):
        with refused(*names.split()):
            ask()
    with refused(*names.split()):
        train(replace(experiment, output=replace(experiment.output, outdir=str(tmp_path / "results"))))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces"]


def test_networks_are_fetched_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path / "cache"))
    fetched: list[str] = []
    monkeypatch.setattr(download, "fetch", lambda entry: fetched.append(entry.name))
    check(chosen(tmp_path, "fid5k@open,is50k@official,ppl_wend@open,ls_2k@faces"))
    assert fetched == ["inception-pth", "inception", "vgg16-pth", "lpips-pth"]

    def unreachable(entry):
        raise Failure(f"could not download {entry.file}")

    monkeypatch.setattr(download, "fetch", unreachable)
    with failed("pt_inception-2015-12-05-6726825d.pth"):
        check(replace(tiny.experiment(), output=replace(tiny.experiment().output, metrics="is50k@open")))
