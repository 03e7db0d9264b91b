"""Pictures on Keras's other backends, where those are installed: the same as TensorFlow's."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.environment import installed

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {  # file -> arguments of generate.py
    "seed0001.png": ("--seeds=0-1",),
    "truncation.png": ("truncation", "--seeds=3", "--psis=1,0.5"),
    "edit.png": ("edit", "--seeds=3", "--steps=3", "--direction=smiling"),
}

pytestmark = pytest.mark.slow


def picture(backend: str, file: str, outdir: Path) -> np.ndarray:
    command = [sys.executable, str(ROOT / "generate.py"), *COMMANDS[file], "--network=faces", f"--outdir={outdir}"]
    told = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.asarray(Image.open(outdir / file)).astype(int)


@pytest.mark.parametrize("file", COMMANDS)
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_pictures_are_those_of_tensorflow(backend: str, file: str, tmp_path: Path) -> None:
    """But for roundings of a value to the next one."""
    if not installed(backend):
        pytest.skip(f"{backend} is not installed")
    difference = np.abs(picture(backend, file, tmp_path / "other") - picture("tensorflow", file, tmp_path / "own"))
    assert difference.max() <= 1
