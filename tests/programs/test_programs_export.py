"""generate.py export, and export() of a network: what is written computes what the network does."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

import stylegan_tf
from stylegan_tf import environment, files
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs import export, figures
from stylegan_tf.weights import names

TINY = {"resolution": 8, "z_dim": 8, "fmap_base": 64, "fmap_max": 8}
STYLES = {"w_dim": 8, "mapping_fmaps": 8, "mapping_layers": 2}
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^python generate\.py (export .+?)(?:  +#.*)?$", README, re.M)
CONFIGS = {
    "F": GeneratorConfig(**TINY, **STYLES, label_size=3),
    "A": ProganGeneratorConfig(**TINY),
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    for name, config in CONFIGS.items():
        make(config, seed=1).save(folder / f"{name}.keras")
    return {name: folder / f"{name}.keras" for name in CONFIGS}


def exported(network: Path, outdir: Path, *flags: str) -> dict:
    """export.json of a command that succeeded."""
    figures.run(["export", f"--network={network}", f"--outdir={outdir}", *flags])
    return json.loads((outdir / export.REPORT).read_text())


@pytest.mark.filterwarnings("ignore::UserWarning")  # TensorFlow's, about where its interpreter of LiteRT will move
@pytest.mark.parametrize(
    ("name", "opened"), [("onnx", export._onnx), ("savedmodel", export._saved_model), ("litert", export._litert)]
)
def test_what_is_exported_makes_the_pictures(name: str, opened, networks, tmp_path: Path, capsys) -> None:
    for package in export.FORMATS[name].packages:
        pytest.importorskip(package, reason=f"--format={name} needs {package}")
    out = tmp_path / "out"
    about = exported(networks["F"], out, f"--format={name}", "--psi=0.5", "--noise=none")
    z, labels = np.random.RandomState(7).randn(3, 8).astype(np.float32), np.eye(3, dtype=np.float32)
    found = opened(out / export.FORMATS[name].file)({"z": z, "labels": labels})
    Gs = stylegan_tf.load(networks["F"]).Gs
    np.testing.assert_allclose(found, Gs(z, labels, psi=0.5, noise="none"), atol=1e-5)
    assert (about["psi"], about["noise"], about["crop"]) == (0.5, "none", None) and about["difference"] < 1e-5
    assert about["inputs"] == {"z": ["N", 8], "labels": ["N", 3]} and about["pictures"] == ["N", 8, 8, 3]
    assert about["sha256"] == files.sha256(networks["F"])
    assert str(out) in capsys.readouterr().out


@pytest.mark.parametrize("config", CONFIGS)
def test_npz_has_the_official_names(config: str, networks, tmp_path: Path) -> None:
    about = exported(networks[config], tmp_path / "out", "--format=npz")
    assert about["difference"] == 0 and "psi" not in about
    with np.load(tmp_path / "out" / "Gs.npz") as tensors:
        shapes = {name: tensors[name].shape for name in tensors}
    scope = {"F": "G_synthesis/", "A": ""}[config]
    assert shapes[f"{scope}8x8/Conv0_up/weight"] == (3, 3, 8, 8) and shapes[f"{scope}ToRGB_lod0/bias"] == (3,)
    if config == "F":
        assert shapes["G_synthesis/noise2"] == (1, 1, 8, 8) and shapes["dlatent_avg"] == (8,)
    assert len(shapes) == len(make(CONFIGS[config]).variables)


def test_pictures_are_cropped_as_those_of_generate(networks, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(figures.load, "crop_of_snapshot", lambda path: ((0, 2, 8, 4), 8))
    assert exported(networks["A"], tmp_path / "1", "--format=savedmodel")["pictures"] == ["N", 4, 8, 3]
    assert exported(networks["A"], tmp_path / "2", "--format=savedmodel", "--crop=none")["crop"] is None


def test_what_makes_other_pictures_is_not_kept(networks, tmp_path: Path, monkeypatch) -> None:
    tensors = names.to_tensors
    monkeypatch.setattr(names, "to_tensors", lambda Gs: {name: array + 1 for name, array in tensors(Gs).items()})
    with pytest.raises(Failure, match="--format=npz"):
        exported(networks["A"], tmp_path / "new" / "out", "--format=npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--format=pkl"], "--format=pkl.*onnx, savedmodel, litert, npz"),
        (["--format=npz", "--psi=0.5"], "--psi.*--format=npz"),
        (["--noise=random"], "--noise=random.*const, none"),
        (["--psi=nan"], "--psi=nan"),
        (["--noise=none"], "A.keras.*--noise"),
        (["--psi=0.5"], "A.keras.*--psi"),
    ],
)
def test_what_cannot_be_is_refused(flags: list[str], told: str, networks, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(environment, "installed", lambda name: True)
    with pytest.raises(UserError, match=told):
        exported(networks["A"], tmp_path / "out", *flags)
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_told_before_a_network_is_looked_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(environment, "installed", lambda name: name != "tf2onnx")
    with pytest.raises(UserError, match=r"--format=onnx.*pip install tf2onnx$"):
        exported(tmp_path / "none.keras", tmp_path / "out", "--format=onnx")


def test_a_folder_that_is_in_use_stays(networks, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        exported(networks["A"], tmp_path, "--format=npz")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_networks_export_themselves(networks, tmp_path: Path) -> None:
    """Keras's own method, with the arguments of a call."""
    tf = importlib.import_module("tensorflow")
    Gs = stylegan_tf.load(networks["F"]).Gs
    Gs.export(tmp_path / "Gs", verbose=False, psi=0.3)
    z, labels = np.float32(np.eye(2, 8)), np.float32(np.eye(2, 3))
    found = tf.saved_model.load(str(tmp_path / "Gs")).signatures["serving_default"](z=z, labels=labels)
    np.testing.assert_allclose(found["output_0"], Gs(z, labels, psi=0.3), atol=1e-5)
    model = Gs.synthesis.as_functional(stage=2)
    assert model.input_shape == (None, 4, 8) and model.output_shape == (None, 4, 4, 3)


@pytest.mark.parametrize("line", EXAMPLES)
def test_commands_of_the_readme(line: str, networks, tmp_path: Path, monkeypatch) -> None:
    """With another network in the place of the one that they name."""
    monkeypatch.chdir(tmp_path)
    arguments = [word for word in line.split() if not word.startswith("--network=")]
    name = next((word.removeprefix("--format=") for word in arguments if word.startswith("--format=")), "onnx")
    for package in export.FORMATS[name].packages:
        pytest.importorskip(package, reason=f"--format={name} needs {package}")
    figures.run([*arguments, f"--network={networks['F']}"])
    assert (tmp_path / "exported" / name / export.FORMATS[name].file).exists()
