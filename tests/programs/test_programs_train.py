"""A run from its experiment: data set, run directory, lock. The loop itself is replaced, it has its own tests."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tiny
from refusals import refused

from stylegan_tf import files, rundir
from stylegan_tf.configs.presets import with_labels
from stylegan_tf.configs.text import put, to_json
from stylegan_tf.data import layout, training_set
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs.train import pace_of, train
from stylegan_tf.training import autotune, loop


@pytest.fixture
def settings(monkeypatch):
    """What TensorFlow is told; it has started already and would not listen."""
    told = {}
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda n: told.update(intra=n))
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda n: told.update(inter=n))
    monkeypatch.setattr(
        tf.config.experimental, "enable_tensor_float_32_execution", lambda allowed: told.update(tf32=allowed)
    )
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: told.update(deterministic=True))
    return told


@pytest.fixture
def trained(settings, monkeypatch):
    """The arguments of every call of the loop, which finishes at once."""
    calls = []

    def finish(experiment, run_dir, data_set, replicas, init, callbacks, say_first, stop_at):
        state = SimpleNamespace(G=make(experiment.G), D=make(experiment.D))
        assert [line.split()[0] for line in init(state)] == ["networks:"]
        assert (len(callbacks) == 0) == (experiment.output.metrics == "")
        print("\n".join(say_first))
        calls.append((experiment, run_dir, data_set, replicas))
        with refused(run_dir, f"process {os.getpid()}"), files.Lock(run_dir / rundir.LOCK):
            raise AssertionError("nobody holds the lock")
        rundir.mark_finished(run_dir, round(experiment.training.total_kimg * 1000))

    monkeypatch.setattr(loop, "training_loop", finish)
    return calls


@pytest.fixture
def chosen(tmp_path):
    """The tiny experiment on a data set of its own."""
    tiny.data_set(tmp_path / "noise")
    experiment = tiny.experiment()
    data = replace(experiment.data, directory=str(tmp_path / "noise"))
    return replace(experiment, data=data, output=replace(experiment.output, outdir=str(tmp_path / "results")))


def test_a_new_run(chosen, trained, settings, capsys, tmp_path):
    run_dir = train(replace(chosen, threads=3))
    assert run_dir == tmp_path / "results" / "00000-sgan-noise-16-F-1gpu"
    ((experiment, at, data_set, replicas),) = trained
    assert (at, data_set.num_images, data_set.resolution, replicas.count) == (run_dir, 64, 16, 1)
    assert json.loads((run_dir / "config.json").read_text()) == to_json(experiment)
    assert settings == {"intra": 3, "inter": 3, "tf32": False, "deterministic": True}
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "starting a new run"
    assert lines[0].startswith("warning: the hardware row 1gpu is for GPUs, and TensorFlow sees none")
    assert lines[1].startswith("training on 1 CPU, 3 threads, ") and lines[1].endswith(", float32")
    assert lines[2:] == [
        f"data set: {tmp_path / 'noise'}, 64 pictures, trained at 16x16x3",
        "schedule: 8x8 to 16x16, 0.192 kimg",
        f"run directory: {run_dir}",
    ]


@pytest.mark.parametrize("deterministic", [False, True, None])
def test_determinism_by_the_setting_or_by_the_device(chosen, trained, settings, deterministic):
    """None: on a CPU."""
    train(replace(chosen, training=replace(chosen.training, deterministic=deterministic)))
    assert settings.get("deterministic", False) is (deterministic is not False)


def test_what_is_measured_is_stored_and_kept(chosen, trained, monkeypatch, capsys):
    """Also where another time something else would be faster."""
    times = {"float32": 1.0, "mixed_bfloat16": 2.0}
    monkeypatch.setattr(autotune, "convolution_seconds", lambda precision: times[precision])
    monkeypatch.setattr(autotune, "fused_resolutions", lambda experiment, role: {"G": [16], "D": []}[role])
    chosen = replace(
        chosen,
        G=replace(chosen.G, fused_scale="measured"),
        D=replace(chosen.D, fused_scale="measured"),
        training=replace(chosen.training, precision="auto"),
    )
    run_dir = train(chosen)
    stored = json.loads((run_dir / "config.json").read_text())
    assert (stored["training"]["precision"], stored["G"]["fused_scale"], stored["D"]["fused_scale"]) == (
        *("float32", "16", "off"),
    )
    assert trained[0][0].G.fused_scale == "16" and "G.fused_scale 16: measured here" in capsys.readouterr().out
    (run_dir / rundir.FINISHED).unlink()
    times["mixed_bfloat16"] = 0.5
    assert train(chosen) == run_dir and trained[1][0] == trained[0][0]
    assert "training.precision float32, as this run began" in capsys.readouterr().out


def test_replicas_on_one_cpu_are_warned_of(chosen, trained, capsys):
    train(replace(chosen, replicas=2))
    assert "2 replicas on one CPU are slower than one" in capsys.readouterr().out


def test_how_long_where_it_is_known(chosen, trained, capsys):
    """From the ticks of a run that computes the same: 64 pictures of a second at 8x8, 128 of two at 16x16."""
    first = train(chosen)
    assert "to go" not in capsys.readouterr().out
    ticks = [(1.0, 1000), (0.5, 2000)]
    lines = [json.dumps({"nimg": 1, "Progress/lod": lod, "Timing/sec_per_kimg": pace}) for lod, pace in ticks]
    (first / rundir.STATS).write_text("\n".join([*lines, '{"nimg": 1, "Metrics/fid": 3}']) + "\n")
    assert pace_of(first, chosen) == {3: 1.0, 4: 2.0}
    no_stages = [json.dumps({"Progress/lod": lod, "Timing/sec_per_kimg": 1}) for lod in (1e9, 3.0, -1)]  # 3: 2x2
    damaged = ["garbage", lines[0], "{", *no_stages, "[]", lines[1]]
    (first / rundir.STATS).write_text("\n".join(damaged))
    assert pace_of(first, chosen) == {3: 1.0, 4: 2.0}, "good lines count, whatever stands before them"
    assert "stats.jsonl: 3 lines are left out" in capsys.readouterr().out
    train(replace(chosen, training=replace(chosen.training, seed=1)))
    assert "0.192 kimg; about 5m 20s to go" in capsys.readouterr().out
    train(replace(chosen, G=replace(chosen.G, fmap_max=4)))
    assert "to go" not in capsys.readouterr().out


def test_nothing_to_do_for_less_than_was_shown(chosen, trained, capsys):
    """And the run that is there stays unfinished, as it was."""
    run_dir = train(chosen)
    (run_dir / rundir.FINISHED).unlink()
    (run_dir / rundir.CHECKPOINTS / "000000160").mkdir(parents=True)
    capsys.readouterr()
    assert train(replace(chosen, training=replace(chosen.training, total_kimg=0.1))) == run_dir
    assert f"{run_dir} is already at 0.16 kimg" in capsys.readouterr().out
    assert len(trained) == 1 and not (run_dir / rundir.FINISHED).exists()


def test_the_same_data_set_elsewhere(chosen, trained, tmp_path):
    run_dir = train(chosen)
    (run_dir / rundir.FINISHED).unlink()
    (tmp_path / "noise").rename(tmp_path / "moved")
    moved = replace(chosen, data=replace(chosen.data, directory=str(tmp_path / "moved")))
    assert train(moved) == run_dir
    assert json.loads((run_dir / "config.json").read_text())["data"]["directory"] == str(tmp_path / "moved")


def test_a_data_set_that_changed_under_a_run(chosen, trained, tmp_path, capsys):
    run_dir = train(chosen)
    (run_dir / rundir.FINISHED).unlink()
    labels = tmp_path / "noise" / "noise-rxx.labels"
    with labels.open("wb") as file:
        np.save(file, np.zeros((64, 2), np.float32))
    with refused(run_dir, "labels", "--allow_changed_data", "--resume=never"):
        train(chosen)
    assert len(trained) == 1
    assert train(chosen, allow_changed_data=True) == train(chosen) == run_dir
    assert "though the data set has changed: labels was" in capsys.readouterr().out


def test_identity_of_a_data_set(chosen, tmp_path):
    found = layout.identity(open_data_set(tmp_path / "noise"))
    assert {name: found[name] for name in ("name", "num_images", "resolution", "channels")} == {
        **{"name": "noise", "num_images": 64, "resolution": 16, "channels": 3}
    }
    assert list(found["bytes"]) == ["4", "8", "16"] and len(found["labels"]) == 64
    (tmp_path / "noise" / "noise-rxx.labels").unlink()
    assert layout.identity(open_data_set(tmp_path / "noise")) == {**found, "labels": None}


def test_the_same_command_again_is_finished(chosen, trained, capsys):
    run_dir = train(chosen)
    capsys.readouterr()
    assert train(chosen) == run_dir and len(trained) == 1
    assert f"{run_dir} is finished, after 0.192 kimg" in capsys.readouterr().out


def test_a_larger_total_continues_the_same_run(chosen, trained, capsys):
    run_dir = train(chosen)
    longer = replace(chosen, training=replace(chosen.training, total_kimg=0.5))
    assert train(longer) == run_dir
    assert json.loads((run_dir / "config.json").read_text())["training"]["total_kimg"] == 0.5
    assert [experiment.training.total_kimg for experiment, *_ in trained] == [0.192, 0.5]
    assert f"continuing {run_dir}" in capsys.readouterr().out


def test_never_and_a_directory(chosen, trained):
    first = train(chosen)
    second = train(chosen, resume="never")
    assert (first.name[:5], second.name[:5], len(trained)) == ("00000", "00001", 2)
    (first / rundir.FINISHED).unlink()
    assert train(chosen, resume=str(first)) == first and len(trained) == 3
    other = replace(chosen, training=replace(chosen.training, seed=1))
    with refused(f"--resume={first}", "training.seed", 1000, 1):
        train(other, resume=str(first))


def test_a_run_that_another_process_trains(chosen, trained):
    run_dir = train(chosen)
    (run_dir / rundir.FINISHED).unlink()
    before = (run_dir / "config.json").stat().st_mtime_ns
    with files.Lock(run_dir / rundir.LOCK), refused(run_dir, f"process {os.getpid()}"):
        train(chosen)
    assert len(trained) == 1 and (run_dir / "config.json").stat().st_mtime_ns == before


def test_the_lock_is_given_back(chosen, trained):
    with files.Lock(train(chosen) / rundir.LOCK):
        assert len(trained) == 1


def test_replicas_that_cannot_share_a_minibatch(chosen, trained, tmp_path):
    chosen = replace(chosen, replicas=2, schedule=replace(chosen.schedule, minibatch={16: 12}))
    with refused("--replicas=2", "16x16", 12, 8, "--replicas=1", "--set=schedule.minibatch.16=16"):
        train(chosen)
    assert trained == [] and not (tmp_path / "results").exists()
    train(replace(chosen, schedule=replace(chosen.schedule, minibatch={16: 16})))
    assert trained[0][3].count == 2


def test_mistakes_leave_no_run_directory(chosen, trained, tmp_path):
    with refused(tmp_path / "nowhere", "dataset_tool.py"):
        train(replace(chosen, data=replace(chosen.data, directory=str(tmp_path / "nowhere"))))
    with refused(f"--resume={tmp_path}/nowhere", "auto", "never"):
        train(chosen, resume=str(tmp_path / "nowhere"))
    assert trained == [] and not (tmp_path / "results").exists()


def test_faces_are_drawn_once(chosen, trained, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    chosen = replace(chosen, data=replace(chosen.data, directory="", num_faces=4))
    train(chosen)
    drawn = Path(training_set.FACES_DIR) / "faces-16-4"
    assert trained[0][2].num_images == 4 and trained[0][2].resolution == 16
    stamp = (drawn / "dataset.json").stat().st_mtime_ns
    train(chosen, resume="never")
    assert trained[1][2].directory == trained[0][2].directory and (drawn / "dataset.json").stat().st_mtime_ns == stamp


def test_a_run_keeps_the_names_of_its_classes(chosen, trained, capsys):
    facts_file = Path(chosen.data.directory) / "dataset.json"
    facts_file.write_text(json.dumps(json.loads(facts_file.read_text()) | {"classes": ["cat", "dog"]}))
    run_dir = train(put(with_labels(chosen, 2), "data.max_label_size", 2))
    assert json.loads((run_dir / "dataset.json").read_text())["classes"] == ["cat", "dog"]
    assert "2 classes: cat, dog" in capsys.readouterr().out
