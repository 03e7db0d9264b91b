"""Ctrl-C and SIGTERM while training."""

import os
import signal
import subprocess
import sys

import pytest
from refusals import check_refusal

from stylegan_tf.errors import exit_code
from stylegan_tf.training.signals import BrokenOff, Stopped, StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_nothing_interrupted(number):
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested


def test_a_second_sigint_stops_at_once():
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # whoever sends it again wants nothing else
        assert stop.requested
        with pytest.raises(KeyboardInterrupt) as caught:
            os.kill(os.getpid(), signal.SIGINT)
        assert not isinstance(caught.value, Stopped)


def test_the_handlers_before_come_back():
    noted, of_ctrl_c = [], signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGTERM, lambda *_: noted.append("before"))
    try:
        with StopRequest():
            os.kill(os.getpid(), signal.SIGTERM)
        assert noted == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert noted == ["before"]
    finally:
        signal.signal(signal.SIGTERM, before)
    with pytest.raises(KeyboardInterrupt), StopRequest():
        raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is of_ctrl_c


def test_what_stopped_says():
    stopped = StopRequest().stopped(12_345)
    assert isinstance(stopped, KeyboardInterrupt)
    check_refusal(str(stopped), "12.3 kimg", "same command")


def test_stopping_is_no_error(capsys):
    def work():
        raise StopRequest().stopped(3_800)

    assert exit_code(work) == 130
    check_refusal(capsys.readouterr().err.removesuffix("\n"), "3.8 kimg", "same command")


def test_what_may_be_broken_off_is():
    with StopRequest() as stop:
        with pytest.raises(BrokenOff), stop.breaks_off(0):
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("it went on")
        with pytest.raises(BrokenOff), stop.breaks_off(0):
            raise AssertionError("it began")
        with stop.breaks_off(0, False):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_may_not_be_broken_off_is_not():
    with StopRequest() as stop:
        with stop.breaks_off(0, False):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested


def test_work_that_does_not_return_to_python_is_ended():
    """As TensorFlow where it compiles. Without a watcher this would take hours."""
    program = """
import hashlib, os, signal, threading
from stylegan_tf.training.signals import StopRequest
with StopRequest() as stop, stop.breaks_off(12_345):
    threading.Timer(1, os.kill, [os.getpid(), signal.SIGTERM]).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (130, "")
    check_refusal(done.stderr.removesuffix("\n"), "12.3 kimg", "same command")
