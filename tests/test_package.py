"""What `pip install .` gives: the commands, and the networks that come along, away from any checkout."""

import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
LARGEST_WHEEL = 20e6  # bytes
KINDS = {".py", ".keras", ".npz", ".json", ".md"}
PIP, OFFLINE = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"), ("--no-index", "--no-deps")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves a folder `build` behind, which would be part of the next wheel."""
    pytest.importorskip("setuptools", "77", "setuptools>=77 builds the wheel")
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "stylegan_tf", folder / "stylegan_tf", ignore=shutil.ignore_patterns("__pycache__"))
    run(*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands, in an environment that has nothing of its own but the wheel."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    (libraries,) = folder.glob("lib/python*/site-packages")
    # This environment's packages come after its own. What is installed there as editable is not among them.
    (libraries / "rest.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    run(*PIP, "--python", folder / "bin" / "python", "install", *OFFLINE, wheel)
    return folder / "bin"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"stylegan_tf"}
    assert {"stylegan_tf/pretrained/faces/Gs.keras", "stylegan_tf/pretrained/faces/attributes.npz"} <= set(names)
    assert {path.suffix for path in map(Path, names) if path.parts[0] == "stylegan_tf"} <= KINDS
    assert wheel.stat().st_size < LARGEST_WHEEL


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers_help(command: str, installed: Path, tmp_path: Path) -> None:
    assert " --" in run(installed / command, "--help", cwd=tmp_path)


def test_pictures_and_networks_away_from_a_checkout(installed: Path, tmp_path: Path) -> None:
    run(installed / "stylegan-generate", "--seeds=0", cwd=tmp_path)
    with Image.open(tmp_path / "generated" / "seed0000.png") as image:
        assert image.size[0] >= 32
    script = "import stylegan_tf; print(stylegan_tf.__file__, stylegan_tf.load('faces').Gs.name)"
    where, _ = run(installed / "python", "-c", script, cwd=tmp_path).split()
    assert Path(where).is_relative_to(installed.parent)
