"""What TensorFlow is started with: ours where nobody says otherwise."""

import os
import subprocess
import sys

import pytest

from stylegan_tf import environment


def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    environment.prepare()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_importing_the_package_is_enough() -> None:
    told = {name: value for name, value in os.environ.items() if name not in environment.DEFAULTS}
    script = "import os, sys, stylegan_tf; print(os.environ['TF_ENABLE_ONEDNN_OPTS'], 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
