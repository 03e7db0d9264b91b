"""Classifiers from a data set to files: a whole run, an interrupted one, the pack, and what is refused."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from refusals import failed, raises, refused

from stylegan_tf.configs.classifiers import CPU
from stylegan_tf.data.attributes import read_attributes
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.writing import Writer
from stylegan_tf.errors import Stopped
from stylegan_tf.programs import classifiers
from stylegan_tf.programs.classifiers import Job, check, train
from stylegan_tf.training.classifier import Trainer
from stylegan_tf.weights import faces_bundle, keras_file

COUNT = 64
RECIPE = replace(CPU, resolution=16, fmap_base=32, fmap_max=8, minibatch=16, total_kimg=0.64)
NAMES = ["male", "smiling"]


def answers():
    """Male: the brighter pictures. Smiling: the redder ones. Bald: none. Hat: all."""
    numbers = np.arange(COUNT)
    return np.stack([numbers % 2 == 1, numbers % 4 > 1, numbers < 0, numbers >= 0], axis=1)


def write_set(folder, side=16, channels=3):
    noise = np.random.default_rng(0).integers(0, 60, [COUNT, side, side, channels])
    bright, red = answers()[:, :2].T
    noise += 90 * bright[:, None, None, None]
    noise[..., 0] += 90 * red[:, None, None]
    with Writer(folder, "it", side, channels) as writer:
        for picture in noise.astype(np.uint8):
            writer.add(picture)
    rows = [f"{number}.png " + " ".join("1" if on else "-1" for on in row) for number, row in enumerate(answers())]
    path = folder / "list_attr_it.txt"
    path.write_text("\n".join([str(COUNT), "Male Smiling Bald Wearing_Hat", *rows]))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data") / "it")


def job(folder, outdir, **changes):
    data_set = open_data_set(folder)
    listed = read_attributes(folder / "list_attr_it.txt", COUNT)
    return replace(Job(data_set, listed, NAMES, RECIPE, outdir), **changes)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("trained") / "new"
    return outdir, train(job(folder, outdir))


def weights(path):
    return [variable.numpy().tobytes() for variable in keras_file.read(path).variables]


def test_obvious_attributes_are_learnt(trained):
    outdir, scores = trained
    assert list(scores) == NAMES
    assert all(score["accuracy"] > 0.95 and score["pictures"] == 6 for score in scores.values())
    facts = json.loads((outdir / "01-smiling.json").read_text())
    assert facts["conditions"]["attributes"] == ["smiling"] and facts["conditions"]["minibatch"] == 16
    assert facts["score"] == scores["smiling"]
    assert json.loads((outdir / "accuracy.json").read_text())["attributes"] == scores
    network = keras_file.read(outdir / "00-male.keras")
    assert (network.resolution, network.mbstd_group_size) == (16, 0)
    dark, bright = np.full((1, 16, 16, 3), -0.8, np.float32), np.full((1, 16, 16, 3), -0.05, np.float32)
    assert network(dark) < 0 < network(bright)


def test_an_interrupted_run_ends_with_the_same_weights(folder, trained, tmp_path, monkeypatch):
    fit, calls = Trainer.fit, []

    def stopped(self, *arguments):
        calls.append(self)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        fit(self, *arguments)

    monkeypatch.setattr(Trainer, "fit", stopped)
    with raises(Stopped, "smiling", "same command"):
        train(job(folder, tmp_path))
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"00-male.json", "00-male.keras", "lock"}
    (tmp_path / ".tmp-1-01-smiling.keras").write_bytes(b"half")  # of a process that was killed
    assert train(job(folder, tmp_path)) == trained[1]
    assert len(calls) == 3
    for name in ("00-male.keras", "01-smiling.keras"):
        assert weights(tmp_path / name) == weights(trained[0] / name)
    assert not list(tmp_path.glob(".tmp-*"))


def test_what_is_finished_is_not_trained_again(folder, trained, monkeypatch):
    monkeypatch.setattr(Trainer, "fit", None)
    assert train(job(folder, trained[0])) == trained[1]


def test_other_settings_do_not_go_into_the_same_folder(folder, trained):
    with refused(trained[0] / "00-male.keras", "seed", 1000, 3, "--outdir"):
        train(job(folder, trained[0], recipe=replace(RECIPE, seed=3)))


def test_features_and_the_pack(tmp_path):
    data = write_set(tmp_path / "set", side=32)
    recipe = replace(RECIPE, resolution=32, fmap_base=64)
    pack = tmp_path / "pack.npz"
    scores = train(job(data, tmp_path / "out", recipe=recipe, features=True, pack=str(pack)))
    assert [name for name, _ in faces_bundle.classifiers(pack).networks] == NAMES
    seeing = faces_bundle.features(pack).network
    assert seeing.num_attributes == 2
    assert faces_bundle.facts(pack)["scores"] == scores
    facts = json.loads((tmp_path / "out/features.json").read_text())
    assert facts["conditions"]["total_kimg"] == 1.28
    assert facts["score"]["male"]["accuracy"] > 0.95
    images = np.full((2, 32, 32, 3), 40, np.float32)
    images[1] += 90
    dark, bright = np.asarray(seeing(images / 127.5 - 1))[:, 0]
    assert dark < 0 < bright


def test_a_set_that_does_not_fit_into_memory_is_read_as_it_is_needed(folder, monkeypatch):
    data_set = open_data_set(folder)
    numbers = np.array([5, 0, 63, 5])
    expected = classifiers._reader(data_set, 4)(numbers)
    monkeypatch.setattr(classifiers, "MEMORY", 0)
    found = classifiers._reader(data_set, 4)(numbers)
    assert found.shape == (4, 16, 16, 3) and np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (
            {"names": ["bald"]},
            ("bald", "58", "--attributes"),
        ),
        ({"names": ["male", "wearing-hat"]}, ("wearing-hat", "58", "--only=male")),
        (
            {"names": ["bald", "male", "wearing-hat"]},
            ("bald", "wearing-hat", "58", "--only=male", "list_attr_it.txt"),
        ),
        ({"recipe": replace(RECIPE, resolution=32)}, ("32x32", "4, 8, 16")),
        ({"features": True}, ("--features", "RGB", "--resolution=32")),
    ],
)
def test_mistakes(folder, tmp_path, changes, names):
    with refused(*names):
        train(job(folder, tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


def test_channels(tmp_path):
    check(job(write_set(tmp_path / "grey", channels=1), tmp_path / "out"))
    with refused(tmp_path / "grey", "RGB", "grey"):
        data = job(tmp_path / "grey", tmp_path / "out").data_set
        check(job(tmp_path / "grey", tmp_path / "out", data_set=replace(data, channels=4)))


def test_files_in_the_way(folder, tmp_path):
    (tmp_path / "file").write_text("here")
    with refused("--outdir", tmp_path / "file", "folder"):
        train(job(folder, tmp_path / "file"))
    with refused("--pack", tmp_path / "file", "folder"):
        train(job(folder, tmp_path / "out", pack=str(tmp_path / "file/it.npz")))


def test_a_disk_that_is_full(tmp_path):
    class Network:
        def save(self, path):
            path.write_bytes(b"half")
            raise RuntimeError("no space left")

    with failed(tmp_path / "00-male.keras", "no space left"):
        classifiers._save(Network(), tmp_path / "00-male.keras")
    assert not list(tmp_path.iterdir())
