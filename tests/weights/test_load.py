"""What a user may name to load networks, and how far a snapshot had come."""

import gc
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from refusals import refused

from stylegan_tf import files
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import GeneratorConfig, ScheduleConfig
from stylegan_tf.configs.text import put, to_json
from stylegan_tf.errors import UserError
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.kinds import make
from stylegan_tf.weights import load as loading
from stylegan_tf.weights.load import (
    Networks,
    crop_of_snapshot,
    declared,
    generator_file,
    load,
    network_files,
    newest_network,
    opened,
    stage_of_lod,
    stage_of_snapshot,
)

TINY = {"resolution": 8, "fmap_base": 32, "fmap_max": 4}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/ with a run of two snapshots, and a newer run without any. The networks differ in their w_avg."""
    folder = tmp_path_factory.mktemp("results")
    for run in ("00000-first", "00001-second"):
        (folder / run).mkdir()
        files.write_json(folder / run / "config.json", {})
    for kimg in (10, 20):
        snapshot = folder / "00000-first" / f"network-snapshot-{kimg:06d}"
        snapshot.mkdir()
        for number, name in enumerate(("G", "Gs")):
            network = Generator(**TINY, z_dim=4, w_dim=4, mapping_layers=1)
            network.w_avg.assign(np.full(4, kimg + number))
            network.save(snapshot / f"{name}.keras")
        Discriminator(**TINY).save(snapshot / "D.keras")
    return folder


def w_avg(network: Generator | None) -> float:
    assert network is not None
    return float(network.w_avg.numpy()[0])


def test_run_and_snapshot_directories(results: Path) -> None:
    run = results / "00000-first"
    for what, kimg in ((run, 20), (str(run / "network-snapshot-000010"), 10)):
        nets = load(what)
        assert isinstance(nets, Networks) and nets._fields == ("G", "D", "Gs")
        assert (w_avg(nets.G), w_avg(nets.Gs)) == (kimg, kimg + 1)
        assert isinstance(nets.D, Discriminator) and nets.D.resolution == 8


def test_single_files(results: Path, tmp_path: Path) -> None:
    snapshot = results / "00000-first/network-snapshot-000010"
    assert [load(snapshot / f"{name}.keras").index(None) for name in ("G", "D", "Gs")] == [1, 0, 0]
    assert load(snapshot / "D.keras").Gs is None and load(snapshot / "Gs.keras").D is None
    other = tmp_path / "faces.keras"
    other.write_bytes((snapshot / "G.keras").read_bytes())
    nets = load(other)
    assert w_avg(nets.Gs) == 10 and nets.G is nets.D is None
    wrong = tmp_path / "D.keras"
    wrong.write_bytes((snapshot / "G.keras").read_bytes())
    with refused(wrong, "generator"):
        load(wrong)


def test_which_file_makes_pictures(results: Path, tmp_path: Path) -> None:
    run = results / "00000-first"
    snapshot = run / "network-snapshot-000020"
    assert generator_file(run) == snapshot / "Gs.keras"
    assert generator_file(snapshot / "G.keras") == snapshot / "G.keras"
    for name in ("G", "D"):
        (tmp_path / f"{name}.keras").write_bytes(b"")
    assert generator_file(tmp_path) == tmp_path / "G.keras"
    (tmp_path / "G.keras").unlink()
    with refused(tmp_path, "discriminator"):
        generator_file(tmp_path)
    assert newest_network(results) == run  # the newer run has saved nothing
    with refused(tmp_path, "no run", "run directory", ".keras"):
        newest_network(tmp_path)


def test_mistakes(results: Path, tmp_path: Path) -> None:
    accepted = ("run directory", "network-snapshot directory", "checkpoints directory", ".keras", ".pkl")
    with refused(results / "00001-second"):
        load(results / "00001-second")
    with refused(tmp_path, *accepted):
        load(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with refused(tmp_path, "SavedModel", *accepted):
        load(tmp_path)
    with refused(tmp_path / "nowhere/Gs.keras", *accepted):
        load(tmp_path / "nowhere/Gs.keras")
    with refused("celebaqh", "celebahq"):
        load("celebaqh")
    with refused("my-own-network", *accepted):
        load("my-own-network")
    with refused("vgg16-lpips", "metrics"):
        load("vgg16-lpips")


@pytest.mark.parametrize(
    ("kimg", "stage", "fade"),
    [(5, 3, 1.0), (15, 4, 0.5), (20, 4, 1.0), (32, 5, 0.2), (40, 5, 1.0), (1000, 5, 1.0)],
)
def test_stage_of_a_snapshot(kimg: int, stage: int, fade: float, tmp_path: Path) -> None:
    """8x8 until 10 kimg, 16x16 fades in until 20 and stays until 30, 32x32 fades in until 40 and stays."""
    chosen = experiment("F", "cpu", resolution=32)
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=10)
    snapshot = tmp_path / f"network-snapshot-{kimg:06d}"
    snapshot.mkdir()
    (snapshot / "Gs.keras").write_bytes(b"")
    assert stage_of_snapshot(snapshot / "Gs.keras", 32) == (None, 1.0)  # nothing says what was trained
    files.write_json(snapshot / "config.json", to_json(replace(chosen, schedule=schedule)))
    assert stage_of_snapshot(snapshot / "Gs.keras", 32) == (stage, pytest.approx(fade))


def test_stage_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "Gs.keras").write_bytes(b"")
    (tmp_path / "config.json").write_text("{}")
    assert stage_of_snapshot(tmp_path / "Gs.keras", 32) == (None, 1.0)
    snapshot = tmp_path / "network-snapshot-000007"
    snapshot.mkdir()
    (snapshot / "Gs.keras").write_bytes(b"")
    (snapshot / "config.json").write_text('{"config": "F"}')
    with refused(snapshot / "config.json", "hardware"):
        stage_of_snapshot(snapshot / "Gs.keras", 32)
    assert network_files(tmp_path) == [tmp_path / "Gs.keras"]


@pytest.mark.parametrize(
    ("lod", "stage", "fade"), [(0.0, None, 1.0), (1.0, 9, 1.0), (1.25, 9, 0.75), (0.5, 10, 0.5), (8.0, 2, 1.0)]
)
def test_stage_of_official_files(lod: float, stage: int | None, fade: float) -> None:
    assert stage_of_lod(lod, 10) == (stage, fade)


def test_stage_of_converted_files(tmp_path: Path) -> None:
    (tmp_path / "Gs.keras").write_bytes(b"")
    report = {"networks": {"Gs": {"lod": 1.25, "arguments": {"resolution": 64}}}}
    files.write_json(tmp_path / "network.json", report)
    assert stage_of_snapshot(tmp_path / "Gs.keras", 64) == (5, 0.75)
    assert stage_of_snapshot(tmp_path / "other.keras", 64) == (None, 1.0)
    entries = (
        '{"lod": "x"}',
        "3",
        *(f'{{"lod": {lod}, "arguments": {{"resolution": 64}}}}' for lod in ("1e999", "NaN", "-1")),
    )
    entries = (*entries, '{"lod": 0, "arguments": {"resolution": 32}}')
    for wrong in ("[]", "{", *(f'{{"networks": {{"Gs": {entry}}}}}' for entry in entries)):
        (tmp_path / "network.json").write_text(wrong)
        with pytest.raises(UserError, match="network.json is no report of a conversion"):
            stage_of_snapshot(tmp_path / "Gs.keras", 64)


def test_a_network_that_its_config_is_not_about(tmp_path: Path) -> None:
    snapshot = tmp_path / "network-snapshot-000007"
    snapshot.mkdir()
    make(GeneratorConfig(**TINY, z_dim=4, w_dim=4, mapping_fmaps=4)).save(snapshot / "Gs.keras")
    for side in (16, 1024):
        files.write_json(snapshot / "config.json", to_json(experiment("F", "cpu", resolution=side)))
        for look in (opened, declared):
            with pytest.raises(UserError, match=f"Gs.keras .* 8x8.*config.json .* {side}x{side}"):
                look(snapshot)


@pytest.mark.parametrize(
    ("path", "value"),
    [("schedule.lod_training_kimg", 5e-324), ("G.z_dim", -1), ("G.fmap_base", 10**30), ("data.resolution", 24)],
)
def test_a_config_that_cannot_be(path: str, value: float, tmp_path: Path) -> None:
    snapshot = tmp_path / "network-snapshot-000007"
    snapshot.mkdir()
    chosen = put(experiment("F", "cpu", resolution=32), "schedule.lod_transition_kimg", 0.0)
    files.write_json(snapshot / "config.json", to_json(put(chosen, path, value)))
    with pytest.raises(UserError, match="config.json") as caught:
        stage_of_snapshot(snapshot / "Gs.keras", 32)
    assert "\n" not in str(caught.value)


def numbers(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A run with two checkpoints and no snapshot, and the networks of the newer one. 16x16 fades in from 10 to 20."""
    run = tmp_path_factory.mktemp("results") / "00000-run"
    chosen = experiment("F", "cpu", resolution=16)
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=10)
    narrow = {"fmap_base": 32, "fmap_max": 4, "fused_scale": "auto"}
    G = replace(chosen.G, **narrow, z_dim=4, w_dim=4, mapping_layers=1, mapping_fmaps=4)
    data = replace(chosen.data, crop="0,2,16,12")
    chosen = replace(chosen, G=G, D=replace(chosen.D, **narrow), schedule=schedule, data=data)
    networks = {"G": make(chosen.G, 1), "D": make(chosen.D, 2), "Gs": make(chosen.G, 3)}
    adam = keras.optimizers.Adam()
    adam.build(networks["G"].trainable_variables)
    for nimg in (12_000, 15_000):
        folder = run / "checkpoints" / f"{nimg:09d}"
        folder.mkdir(parents=True)
        networks["Gs"].w_avg.assign(np.full(4, nimg))
        tf.train.Checkpoint(**networks, G_optimizer=adam, D_optimizer=adam).write(str(folder / "state"))
        files.write_json(folder / "progress.json", {"nimg": nimg, "seconds": 1.5, "sums": {}})
    files.write_json(run / "config.json", to_json(chosen))
    return run, chosen, networks


def test_checkpoints(trained) -> None:
    run, chosen, networks = trained
    nets, stage, fade = opened(run / "checkpoints")
    assert (stage, fade) == (4, 0.5)
    for role, original in networks.items():
        for found, expected in zip(numbers(getattr(nets, role)), numbers(original), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert w_avg(load(run / "checkpoints" / "000012000").Gs) == 12_000
    file = generator_file(run / "checkpoints")
    assert file.parent == run / "checkpoints" / "000015000" and generator_file(file) == file
    assert opened(file).fade == 0.5 and crop_of_snapshot(file) == ((0, 2, 16, 12), 16)
    assert declared(run / "checkpoints") == ({"G": chosen.G, "D": chosen.D, "Gs": chosen.G}, 4)
    with refused(run / "checkpoints"):
        load(run)


def copied(trained, folder: Path) -> Path:
    """The newer checkpoint of a copy of the run."""
    shutil.copytree(trained[0], folder / "run")
    return folder / "run" / "checkpoints" / "000015000"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def write(name: str, text: str):
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (lambda folder: damage(next(folder.glob("state.data-*"))), "run/checkpoints/000015000"),
        (lambda folder: damage(folder / "state.index"), "run/checkpoints/000015000"),
        (lambda folder: next(folder.glob("state.data-*")).unlink(), "run/checkpoints/000015000"),
        (write("state.index", ""), "run/checkpoints/000015000"),
        (write("progress.json", '{"nimg": 15'), "000015000/progress.json"),
        (write("progress.json", '{"nimg": "15000"}'), "000015000 progress.json"),
        (lambda folder: (folder / "progress.json").unlink(), "000015000/progress.json"),
        (lambda folder: (folder.parents[1] / "config.json").unlink(), "000015000 config.json"),
        (write("../../config.json", "{}"), "run/config.json field"),
    ],
)
def test_damaged_checkpoints(trained, tmp_path: Path, spoil, names: str) -> None:
    folder = copied(trained, tmp_path)
    spoil(folder)
    with refused(*names.split()):
        load(folder.parent)


def test_of_a_checkpoint_that_is_refused_tensorflow_says_nothing(trained, tmp_path: Path, monkeypatch) -> None:
    """It would list what it has not come to when it forgets the checkpoint, behind our sentence."""
    said: list[str] = []
    logger = logging.getLogger("tensorflow")
    monkeypatch.setattr(logger, "warning", lambda message, *values: said.append(message % values))
    tf.train.Checkpoint().read(tf.train.Checkpoint(number=tf.Variable(1.0)).write(str(tmp_path / "other")))
    gc.collect()
    assert "Value in checkpoint could not be found" in "".join(said)
    said.clear()
    folder = copied(trained, tmp_path)
    damage(next(folder.glob("state.data-*")))
    with refused("checkpoints/000015000"):
        load(folder)
    gc.collect()
    assert said == []


def test_checkpoints_that_do_not_fit(trained, tmp_path: Path) -> None:
    folder = copied(trained, tmp_path)
    chosen = trained[1]
    config = folder.parents[1] / "config.json"
    files.write_json(config, to_json(replace(chosen, G=replace(chosen.G, fmap_max=3))))
    with refused(folder, "shape (4, 8)", "name another checkpoint"):
        load(folder)
    files.write_json(config, to_json(replace(chosen, G=replace(chosen.G, mapping_layers=2))))
    with refused(folder, "not bound"):
        load(folder)
    files.write_json(config, to_json(chosen))
    networks = {"G": make(chosen.G), "D": make(chosen.D), "Gs": make(chosen.G)}
    networks["D"].variables[0].assign(np.full(networks["D"].variables[0].shape, np.nan))
    tf.train.Checkpoint(**networks).write(str(folder / "state"))
    with refused(folder, "D", "finite"):
        load(folder)
    shutil.rmtree(folder)
    shutil.rmtree(folder.with_name("000012000"))
    with refused(folder.parent, "no networks"):
        load(folder.parent)


@pytest.mark.parametrize(
    "content", ["", "[", "[1]", '{"classes": 3}', '{"classes": [1]}', '{"name": "cats"}', "[" * 10**5]
)
def test_names_of_classes_that_are_not_known(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    assert loading.classes_of_snapshot(tmp_path / "Gs.keras") == ()


def test_names_of_classes_of_a_checkpoint_are_those_of_its_run(tmp_path):
    (tmp_path / "dataset.json").write_text('{"classes": ["cat", "dog"]}')
    assert loading.classes_of_snapshot(tmp_path / "checkpoints" / "000000000512" / "state.index") == ("cat", "dog")


def test_the_networks_that_come_along_have_two_names_in_a_checkout() -> None:
    folder = Path(__file__).parents[2] / "pretrained" / "faces"
    assert [path.resolve() for path in loading.network_files(folder)] == loading.network_files("faces")
