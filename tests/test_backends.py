"""Pictures on Keras's other backends, where those are installed: the same as TensorFlow's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.environment import installed

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "networks" / "test_recorded_networks.py"
EXAMPLES = re.findall(
    r"^KERAS_BACKEND=(\w+) python generate\.py (.+?)(?:  +#.*)?$",
    (ROOT / "README.md").read_text(encoding="utf-8"),
    re.M,
)
EDIT = "edit --network=faces --seeds=3 --steps=3 --direction=smiling"

pytestmark = pytest.mark.slow


def pictures(backend: str, line: str, outdir: Path) -> dict[str, np.ndarray]:
    """name -> pixels of what a command makes."""
    command = [sys.executable, str(ROOT / "generate.py"), *line.split(), f"--outdir={outdir}"]
    told = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {}
    for path in outdir.glob("*.png"):
        with Image.open(path) as image:
            found[path.name] = np.asarray(image).astype(int)
    return found


@pytest.mark.parametrize(("backend", "line"), [*EXAMPLES, ("jax", EDIT), ("torch", EDIT)])
def test_pictures_are_those_of_tensorflow(backend: str, line: str, tmp_path: Path) -> None:
    """But for roundings of a value to the next one. With the commands of README, and an edit."""
    if not installed(backend):
        pytest.skip(f"{backend} is not installed")
    other, own = (pictures(name, line, tmp_path / name) for name in (backend, "tensorflow"))
    assert other and other.keys() == own.keys()
    assert all(np.abs(other[name] - own[name]).max() <= 1 for name in own)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_pictures_latents_and_scores_are_the_official_ones(backend: str) -> None:
    """By the tests of what was recorded, in a process where Keras has another backend."""
    if not installed(backend):
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(RECORDED)]
    done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^\d+ passed", done.stdout, re.M), done.stdout[-3000:]
