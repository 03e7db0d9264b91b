"""Packages that are left out of an import, and come back."""

import sys

import pytest
from early import Early

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


WITHOUT = """
import sys
from stylegan_tf.programs.generate import _prepare_devices
_prepare_devices()
import keras
print(sorted({'keras', 'sklearn', 'matplotlib', 'scipy.stats'} & set(sys.modules)))
from sklearn.svm import LinearSVC
from matplotlib import pyplot
"""
without = Early(lambda folder: ["-c", WITHOUT])


@pytest.mark.early(without)
def test_keras_does_without_them():
    assert (without.wait() / "said").read_text() == "['keras']\n"
