"""generate.py: flags to pictures, what is written beside them, and what it refuses."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import check_printed, refused

from stylegan_tf import files
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import ScheduleConfig
from stylegan_tf.configs.text import to_json
from stylegan_tf.errors import UserError
from stylegan_tf.figures.directions import sefa, style_weights
from stylegan_tf.networks import sampling
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.sampling import latents, random_noise
from stylegan_tf.ops.pixels import to_uint8
from stylegan_tf.programs import generate, w_file
from stylegan_tf.programs.directions import MANY
from stylegan_tf.weights import load

TINY = {"resolution": 16, "fmap_base": 64, "fmap_max": 8}
MAPPING = {"z_dim": 8, "w_dim": 8, "mapping_fmaps": 8}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results/ of one run, whose snapshot was saved at 15 kimg, and two single networks."""
    folder = tmp_path_factory.mktemp("work")
    run = folder / "results/00000-tiny"
    snapshot = run / "network-snapshot-000015"
    snapshot.mkdir(parents=True)
    Generator(**TINY, **MAPPING).save(snapshot / "Gs.keras")
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=20, lod_transition_kimg=10)
    config = to_json(replace(experiment("F", "cpu", resolution=16), schedule=schedule))
    for place in (run, snapshot):
        files.write_json(place / "config.json", config)
    Generator(**TINY, **MAPPING, label_size=3).save(folder / "classes.keras")
    Generator(**TINY, **MAPPING, num_channels=1).save(folder / "grey.keras")
    Discriminator(**TINY).save(folder / "judge.keras")
    return folder


@pytest.fixture(autouse=True)
def here(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_numbers() -> None:
    assert generate.numbers("seeds", "0-3", 9) == [0, 1, 2, 3]
    assert generate.numbers("seeds", "1,5, 7-9", 9) == [1, 5, 7, 8, 9]
    assert generate.numbers("seeds", "4", 9) == [4]


def test_pictures_and_report(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "new/out"
    generate.run(["--network=grey.keras", "--seeds=0,12345", f"--outdir={out}", "--psi=0.5", "--noise=const"])
    assert sorted(path.name for path in out.iterdir()) == ["generate.json", "seed0000.png", "seed12345.png"]
    assert pixels(out / "seed0000.png").shape == (16, 16)  # grey
    report = json.loads((out / "generate.json").read_text())
    assert report == {
        "network": "grey.keras",
        "sha256": files.sha256("grey.keras"),
        "resolution": 16,
        "fade": 1.0,
        "crop": None,
        "psi": 0.5,
        "cutoff": 8,
        "noise": "const",
        "seeds": [0, 12345],
        "labels": None,
        "w": None,
        "pictures": ["seed0000.png", "seed12345.png"],
    }
    printed = capsys.readouterr().out
    assert "network: grey.keras, pictures of 16x16" in printed and "saved at" not in printed


def test_the_newest_run_at_the_stage_it_was_saved(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    generate.run([f"--outdir={tmp_path}", "--grid=3x2"])
    printed = capsys.readouterr().out
    assert "network: results/00000-tiny/network-snapshot-000015/Gs.keras, pictures of 8x8" in printed
    assert "it was saved at 8x8 of 16x16: pictures show it at that stage" in printed
    assert pixels(tmp_path / "grid.png").shape == (2 * 8 * 32, 3 * 8 * 32, 3)  # until it has 512 a side
    report = json.loads((tmp_path / "generate.json").read_text())
    assert report["seeds"] == [0, 1, 2, 3, 4, 5] and report["scale"] == 32


def test_grid_row_by_row(tmp_path: Path) -> None:
    common = ["--network=grey.keras", "--seeds=4-6", f"--outdir={tmp_path}"]
    generate.run(common)
    generate.run([*common, "--grid=2x2", "--scale=1"])
    sheet = pixels(tmp_path / "grid.png")
    for seed, row, column in ((4, 0, 0), (5, 0, 1), (6, 1, 0)):
        cell = sheet[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
        np.testing.assert_array_equal(cell, pixels(tmp_path / f"seed000{seed}.png"))
    assert not sheet[16:, 16:].any()
    generate.run([*common, "--grid=2x2", "--scale=3"])
    np.testing.assert_array_equal(pixels(tmp_path / "grid.png"), sheet.repeat(3, axis=0).repeat(3, axis=1))


def test_a_sheet_of_cropped_pictures_is_enlarged_by_what_is_kept(tmp_path: Path) -> None:
    generate.run(["--network=grey.keras", f"--outdir={tmp_path}", "--grid=3x1", "--crop=4,6,8,5"])
    assert pixels(tmp_path / "grid.png").shape == (5 * 103, 3 * 8 * 103)


def test_w_kept_and_used(tmp_path: Path) -> None:
    common = ["--network=classes.keras", "--psi=0.6"]
    generate.run([*common, "--seeds=3,8", "--labels=2", f"--save_w={tmp_path}/w.npz", f"--outdir={tmp_path}/a"])
    generate.run([*common, f"--w={tmp_path}/w.npz", f"--outdir={tmp_path}/b"])
    with np.load(tmp_path / "w.npz") as arrays:
        assert arrays["seeds"].tolist() == [3, 8] and arrays["w"].shape == (2, 8)
    for name in ("seed0003.png", "seed0008.png"):
        assert np.abs(pixels(tmp_path / "a" / name) - pixels(tmp_path / "b" / name)).max() <= 1
    assert json.loads((tmp_path / "b/generate.json").read_text())["seeds"] == [3, 8]


def test_classes_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The dataset.json beside a network says what the classes are called."""
    (tmp_path / "classes.keras").write_bytes(Path("classes.keras").read_bytes())
    network = f"--network={tmp_path}/classes.keras"
    (tmp_path / "dataset.json").write_text('{"classes": ["cat", "caf\u00e9", "2"]}', encoding="utf-8")
    ask = ["--seeds=5,6,7", f"--outdir={tmp_path}/out"]
    generate.run([network, "--labels=cafe\u0301, cat,1", *ask])
    assert json.loads((tmp_path / "out" / "generate.json").read_text())["labels"] == [1, 0, 1]
    with refused("--labels=dog", "cat, caf\u00e9, 2"):
        generate.run([network, "--labels=dog", *ask])
    with refused("--labels", 0, 2, "cat, caf\u00e9, 2"):
        generate.run([network, *ask])
    assert generate.class_numbers("0-1,2", ["a", "b", "0"]) == [0, 1, 2]
    assert generate.class_numbers("a,b", ["x", "a,b"]) == [1]


def test_vectors_as_labels(tmp_path: Path) -> None:
    ask = ["--network=classes.keras", "--seeds=5,6", f"--outdir={tmp_path}", "--noise=const"]
    generate.run([*ask, "--labels=1"])
    classes = pixels(tmp_path / "seed0005.png")
    generate.run([*ask, "--labels=[0,1,0],[0.5, -2, 1e1]"])
    np.testing.assert_array_equal(classes, pixels(tmp_path / "seed0005.png"))
    assert json.loads((tmp_path / "generate.json").read_text())["labels"] == [[0, 1, 0], [0.5, -2, 10]]
    for labels, name in (
        ("[1,2]", 3),
        ("[1,2,true]", "vectors"),
        ("[1,2,NaN]", "vectors"),
        ("[1,2,3", "vectors"),
        ("[1,2,3],1", "vectors"),
    ):
        with refused("--labels", name):
            generate.run([*ask, f"--labels={labels}"])


def test_labels_change_the_picture(tmp_path: Path) -> None:
    generate.run(["--network=classes.keras", "--seeds=5,5,5", "--labels=0-2", "--grid=3x1", f"--outdir={tmp_path}"])
    a, b, c = np.split(pixels(tmp_path / "grid.png"), 3, axis=1)
    assert min(np.abs(a - b).max(), np.abs(a - c).max(), np.abs(b - c).max()) > 8


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--seeds=5-3"], "--seeds=5-3 5-3"),
        (["--seeds=a"], "--seeds=a 1,5,7-9"),
        (["--seeds=-1"], "--seeds=-1 1,5,7-9"),
        (["--seeds=1,,2"], "--seeds=1,,2 1,5,7-9"),
        (["--seeds=4294967296"], "--seeds=4294967296 4294967295"),
        (["--seeds=0-4294967295"], "--seeds=0-4294967295 100000"),
        (["--psi=much"], "--psi=much number"),
        (["--psi=nan"], "--psi=nan number"),
        (["--cutoff=1.5"], "--cutoff=1.5 number"),
        (["--noise=fresh"], "--noise=fresh random const none"),
        (["--noise=maps"], "--noise=maps --w"),
        (["--grid=8"], "--grid=8 8x4"),
        (["--scale=2"], "--scale --grid=COLUMNSxROWS"),
        (["--grid=2x2", "--scale=0"], "--scale=0 1"),
        (["--grid=2x2", "--scale=4000"], "--scale=4000 64000x64000 268,435,456"),
        (["--grid=2x2", "--seeds=0-4"], "--grid=2x2 4 5"),
        (["--seeds=1,1"], "seed twice --grid=COLUMNSxROWS"),
        (["--network=nowhere/x.keras"], "nowhere/x.keras run .keras"),
        (["--network=ffhq.pkl"], "ffhq.pkl ffhq"),
        (["--network=judge.keras"], "judge.keras discriminator"),
        (["--network=grey.keras", "--labels=0"], "--labels classes"),
        (["--network=classes.keras"], "3 --labels 2"),
        (["--network=classes.keras", "--labels=0,3"], "--labels 0 2"),
        (["--network=classes.keras", "--labels=0,1", "--seeds=1-3"], "--labels 2"),
        (["--network=classes.keras", "--labels=x"], "--labels=x numbers"),
        (["--w=w.npz"], "--w=w.npz"),
        (["--w=w.npz", "--seeds=1"], "--w --seeds"),
        (["--w=w.npz", "--labels=1"], "--labels --w"),
        (["--save_w=w.txt"], "--save_w=w.txt .npz"),
        (["--save_w=nowhere/w.npz"], "--save_w=nowhere/w.npz folder"),
        (["--outdir=grey.keras"], "--outdir=grey.keras folder"),
        (["--mix_layers=fine"], "--mix_layers --mix"),
        (["--strength=1"], "--strength --direction"),
        (["--direction_layers=fine"], "--direction_layers --direction"),
        (["--network=grey.keras", "--mix=-1"], "--mix=-1"),
        (["--network=grey.keras", "--mix=1,2", "--seeds=1-3"], "--mix 3"),
        (["--network=grey.keras", "--mix=1", "--mix_layers=soft"], "--mix_layers=soft coarse"),
        (["--network=grey.keras", "--direction=nose"], "--direction=nose sefa0"),
        (["--network=grey.keras", "--direction=sefa0", "--strength=x"], "--strength=x"),
        (["--network=grey.keras", "--direction=sefa0", "--strength=1e9"], "--strength=1e9 1000"),
        (["--network=grey.keras", "--direction=sefa0", "--strength=1,2"], "--strength=1,2"),
        (["--network=grey.keras", "--direction=sefa0", "--direction_layers=9"], "--direction_layers=9 0-5"),
        (["--network=grey.keras", "--noise_layers=9"], "--noise_layers=9 0-5"),
        (["--noise_layers=fine", "--noise=none"], "--noise_layers --noise=none"),
        (["--noise_seed=1", "--noise=const"], "--noise_seed --noise=const"),
        (["--noise_seed=1-2"], "--noise_seed=1-2"),
        (["--seds=1"], "--seds --seeds"),
        (["--trunc=0.7"], "--trunc --psi"),
    ],
)
def test_mistakes_exit_2_with_one_line(
    arguments: list[str], names: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(Path().rglob("*"))
    monkeypatch.setattr(sys, "argv", ["generate.py", *arguments])
    assert generate.main() == 2
    check_printed(capsys.readouterr().err, *names.split())
    assert sorted(Path().rglob("*")) == before


def test_no_run_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """The network that comes along is taken, and said."""
    monkeypatch.chdir(tmp_path)
    generate.run(["--seeds=0"])
    assert (tmp_path / "generated" / "seed0000.png").exists()
    assert f"network: {load.SHIPPED}, pictures of 64x64" in capsys.readouterr().out


def test_a_network_that_is_not_the_one_its_folder_is_about(tmp_path: Path, results: Path) -> None:
    snapshot = tmp_path / "network-snapshot-000100"
    snapshot.mkdir()
    (snapshot / "Gs.keras").write_bytes((results / "grey.keras").read_bytes())
    files.write_json(snapshot / "config.json", to_json(experiment("F", "cpu", resolution=32)))
    with refused(snapshot / "Gs.keras", "16x16", "config.json"):
        generate.run([f"--network={snapshot}", f"--outdir={tmp_path}/out"])


def test_black_bars_are_cut_off(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's pictures were 16 wide and 8 high, between bars of 4; its snapshot is of 8x8."""
    snapshot = results / "results/00000-tiny/network-snapshot-000015"
    config = json.loads((snapshot / "config.json").read_text())
    config["data"]["crop"] = "0,4,16,8"
    (tmp_path / "network-snapshot-000015").mkdir()
    kept = tmp_path / "network-snapshot-000015"
    files.write_json(kept / "config.json", config)
    (kept / "Gs.keras").write_bytes((snapshot / "Gs.keras").read_bytes())
    made = {}
    for crop in ("auto", "none", "0,8,8,8"):
        generate.run([f"--network={kept}", "--seeds=3", f"--crop={crop}", f"--outdir={tmp_path / crop}"])
        made[crop] = pixels(tmp_path / crop / "seed0003.png")
    assert np.array_equal(made["auto"], made["none"][2:6]) and made["none"].shape == (8, 8, 3)
    assert np.array_equal(made["0,8,8,8"], made["none"][4:, :4])
    assert json.loads((tmp_path / "auto/generate.json").read_text())["crop"] == [0, 2, 8, 4]
    with refused("--crop=wide", "x,y,width,height"):
        generate.run([f"--network={kept}", "--crop=wide", f"--outdir={tmp_path / 'wide'}"])
    assert not (tmp_path / "wide").exists()


def test_ws_of_a_projector_are_shown_as_they_are(tmp_path: Path) -> None:
    Gs = load.load("grey.keras").Gs
    ws = np.random.default_rng(0).standard_normal((1, 6, 8)).astype(np.float32)
    np.savez(tmp_path / "projected_w.npz", w=ws)
    np.save(tmp_path / "latent.npy", ws[0])
    expected = np.asarray(to_uint8(Gs.synthesis(ws)))[0, :, :, 0].astype(int)
    for number, name in enumerate(("projected_w.npz", "latent.npy")):
        out = tmp_path / str(number)
        generate.run(["--network=grey.keras", f"--w={tmp_path}/{name}", "--noise=const", f"--outdir={out}"])
        assert np.abs(pixels(out / "seed0000.png") - expected).max() <= 1
        assert json.loads((out / "generate.json").read_text())["psi"] == 1
    generate.run(["--network=grey.keras", f"--w={tmp_path}/latent.npy", "--psi=0", f"--outdir={tmp_path}/2"])
    assert json.loads((tmp_path / "2/generate.json").read_text())["psi"] == 0  # nothing that is given is left out


def test_a_folder_holds_pictures_of_one_look(tmp_path: Path) -> None:
    common = ["--network=grey.keras", f"--outdir={tmp_path}"]
    generate.run([*common, "--seeds=0-2"])
    old = (tmp_path / "seed0001.png").read_bytes()
    generate.run([*common, "--seeds=2,7"])  # more of the same
    report = json.loads((tmp_path / "generate.json").read_text())
    assert report["pictures"] == ["seed0002.png", "seed0007.png"]
    assert [one["pictures"] for one in report["earlier"]] == [["seed0000.png", "seed0001.png"]]
    (tmp_path / "mine.png").write_bytes(b"of the user")
    for other in (["--psi=1"], ["--noise=none"], ["--network=classes.keras", "--labels=0"]):
        with refused(f"--outdir={tmp_path}", "3 pictures", "seed0001.png", "--overwrite"):
            generate.run([*common, *other, "--seeds=0"])
    assert (tmp_path / "seed0001.png").read_bytes() == old
    generate.run([*common, "--psi=1", "--seeds=0,1", "--overwrite"])
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == ["generate.json", "mine.png", "seed0000.png", "seed0001.png"]
    assert "earlier" not in json.loads((tmp_path / "generate.json").read_text())
    generate.run([*common, "--psi=0.3", "--seeds=0,1"])  # all are made anew
    assert json.loads((tmp_path / "generate.json").read_text())["psi"] == 0.3


def test_changes_compose(tmp_path: Path) -> None:
    """Mixing, then truncation, then directions, in standard deviations of w; noise by layers and from one seed."""
    Gs = load.load("grey.keras").Gs
    own, other = (np.asarray(Gs.broadcast(Gs.mapping(latents([seed], 8)))).copy() for seed in (5, 7))
    own[:, 2:4] = other[:, 2:4]
    own[:, :3] = np.asarray(Gs.w_avg) + 0.5 * (own[:, :3] - np.asarray(Gs.w_avg))
    many = np.asarray(Gs.mapping(np.random.RandomState(0).randn(MANY, 8).astype(np.float32)))
    for number, strength in ((0, 2), (1, -1.5)):
        vector = sefa(style_weights(Gs, range(4, 6)))[number]
        own[:, 4:6] += strength * np.std(many @ vector) * vector
    noise = [layer * (index < 2) for index, layer in enumerate(random_noise(Gs, 1, 9))]
    expected = np.asarray(to_uint8(Gs.synthesis(own, noise=noise)))[0, :, :, 0].astype(int)
    changes = ["--mix=7", "--mix_layers=2-3", "--direction=sefa0", "--direction=sefa1", "--strength=2,-1.5"]
    changes += ["--direction_layers=fine", "--noise_seed=9", "--noise_layers=0-1"]
    common = ["--network=grey.keras", "--psi=0.5", "--cutoff=3", f"--outdir={tmp_path}"]
    generate.run([*common, *changes, "--seeds=4,5"])
    assert np.abs(pixels(tmp_path / "seed0005.png") - expected).max() <= 1
    report = json.loads((tmp_path / "generate.json").read_text())
    assert report["mix"] == [7] and report["mix_layers"] == [2, 3] and report["noise_seed"] == 9
    assert report["directions"] == [["sefa0", 2], ["sefa1", -1.5]] and report["noise_layers"] == [0, 1]
    generate.run([*common, *changes, "--seeds=6"])  # more of the same
    for flag in ("--mix=7 --mix_layers=0-1", "--noise_seed=8", "--noise_layers=2-3", "--direction=sefa0"):
        with refused(f"--outdir={tmp_path}", "--overwrite"):
            generate.run([*common, *flag.split(), "--seeds=6"])


def test_a_mix_for_each_picture_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_PICTURES", 1)  # so that the last ones are made by a graph
    common = ["--network=classes.keras", "--noise=const", "--labels=1", "--mix_layers=fine", "--direction=sefa0"]
    generate.run([*common, "--seeds=1-4", "--mix=4-7", f"--outdir={tmp_path}/all"])
    for seed, mix in ((1, 4), (4, 7)):
        generate.run([*common, f"--seeds={seed}", f"--mix={mix}", f"--outdir={tmp_path}/{seed}"])
        name = f"seed000{seed}.png"
        assert np.abs(pixels(tmp_path / "all" / name) - pixels(tmp_path / str(seed) / name)).max() <= 1


def test_changes_of_given_w(tmp_path: Path) -> None:
    common = ["--network=grey.keras", "--psi=1", "--mix=4", "--mix_layers=coarse"]
    generate.run([*common, "--seeds=3", f"--save_w={tmp_path}/w.npz", f"--outdir={tmp_path}/a"])
    generate.run([*common, f"--w={tmp_path}/w.npz", f"--outdir={tmp_path}/b"])
    assert np.abs(pixels(tmp_path / "a/seed0003.png") - pixels(tmp_path / "b/seed0003.png")).max() <= 1
    with refused("--mix", "--w", "--labels"):
        generate.run(["--network=classes.keras", f"--w={tmp_path}/w.npz", "--mix=1", f"--outdir={tmp_path}/c"])


def test_pictures_that_nobody_knows_of(tmp_path: Path) -> None:
    (tmp_path / "seed0009.png").write_bytes(b"of another program")
    with refused(f"--outdir={tmp_path}", "1 pictures", "seed0009.png", "--overwrite"):
        generate.run(["--network=grey.keras", "--seeds=1", f"--outdir={tmp_path}"])
    (tmp_path / "generate.json").write_text("[1]")
    generate.run(["--network=grey.keras", "--seeds=9", f"--outdir={tmp_path}"])
    assert pixels(tmp_path / "seed0009.png").shape == (16, 16)


W_FILES = {
    "a scalar": np.float32(1),
    "no row": np.zeros((0, 4), np.float32),
    "NaN": np.full((1, 4), np.nan, np.float32),
    "too large for float32": np.full((1, 4), 1e300),
    "whole numbers": np.ones((1, 4), int),
    "texts": np.array([["a"] * 4]),
    "another length": np.ones((1, 5), np.float32),
}


@pytest.mark.parametrize("what", W_FILES)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_w_that_does_not_fit(what: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    np.save(path, W_FILES[what]) if suffix == ".npy" else np.savez(path, w=W_FILES[what])
    with pytest.raises(UserError, match=f"^--w={path}: w must be finite numbers of the shape"):
        w_file.read_w(path, 4, 6)


@pytest.mark.parametrize("seeds", [[-1], [2**32], [0.5], [1, 2], 3, [2**63]], ids=str)
def test_seeds_of_w_that_there_cannot_be(seeds, tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.ones((1, 4), np.float32), seeds=np.array(seeds))
    with pytest.raises(UserError, match=r"w.npz: seeds must be 1 whole numbers"):
        w_file.read_w(tmp_path / "w.npz", 4, 6)


def test_w_of_projectors(tmp_path: Path) -> None:
    """Packed, as float64, and a single picture's with one for each layer."""
    ws = np.random.RandomState(0).randn(6, 4)
    np.savez_compressed(tmp_path / "w.npz", w=ws[None], other=np.array("noise"))
    np.save(tmp_path / "w.npy", ws)
    for name in ("w.npz", "w.npy"):
        w, seeds = w_file.read_w(tmp_path / name, 4, 6)
        assert w.dtype == np.float32 and w.shape == (1, 6, 4) and seeds == [0]
    np.savez(tmp_path / "other.npz", latents=ws)
    with refused(f"--w={tmp_path}/other.npz", "'w'"):
        w_file.read_w(tmp_path / "other.npz", 4, 6)
