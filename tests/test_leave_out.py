"""Packages that are left out of an import, and come back."""

import subprocess
import sys

import pytest

from stylegan_tf.leave_out import left_out


def test_what_is_left_out_cannot_be_imported_meanwhile():
    sys.modules.pop("this", None)
    with left_out("this", "json"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules and sys.modules["json"] is not None


def test_they_come_back_after_an_error():
    with pytest.raises(RuntimeError), left_out("sndhdr_of_old"):
        raise RuntimeError
    assert "sndhdr_of_old" not in sys.modules


def test_what_is_there_already_stays():
    import json

    with left_out("json"):
        assert sys.modules["json"] is json
    assert sys.modules["json"] is json


def test_keras_does_without_them():
    script = (
        "import sys\n"
        "from stylegan_tf.programs.generate import _prepare_devices\n"
        "_prepare_devices()\n"
        "import keras\n"
        "print(sorted({'keras', 'sklearn', 'matplotlib', 'scipy.stats'} & set(sys.modules)))\n"
        "from sklearn.svm import LinearSVC\n"
        "from matplotlib import pyplot\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['keras']\n"
