"""Ctrl-C and SIGTERM while training."""

import os
import signal
import subprocess
import sys
import time

import pytest
from refusals import check_refusal

from stylegan_tf.errors import Stopped, exit_code
from stylegan_tf.programs import train
from stylegan_tf.training.signals import StopRequest, stop_after


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


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (signal.SIGINT, signal.SIGTERM, 130),
        (signal.SIGTERM, signal.SIGALRM, 143),
        (signal.SIGALRM, signal.SIGTERM, 143),
    ],
)
def test_stopping_is_no_error_and_the_first_signal_decides_the_code(first, second, code, capsys):
    def work():
        with StopRequest() as stop:
            os.kill(os.getpid(), first)
            os.kill(os.getpid(), second)
            raise stop.stopped(3_800)

    assert exit_code(work) == code
    check_refusal(capsys.readouterr().err.removesuffix("\n"), "3.8 kimg", "same command")


def test_the_time_that_was_given_leaves_some_for_saving():
    assert stop_after(1.0, 1000.0) == 1000 + 3600 - 180
    assert stop_after(24.0, 1000.0) == 1000 + 24 * 3600 - 300


@pytest.mark.parametrize("seconds", [0.05, -1.0])
def test_when_the_time_is_over_it_is_as_after_sigterm(seconds):
    before = signal.getsignal(signal.SIGALRM)
    with StopRequest(time.monotonic() + seconds) as stop:
        until = time.monotonic() + 60
        while not stop.requested and time.monotonic() < until:
            time.sleep(0.01)
        assert stop.requested and stop.stopped(1).code == 143
    assert signal.getsignal(signal.SIGALRM) == before


def test_the_time_is_forgotten_with_the_request():
    with StopRequest(time.monotonic() + 1000):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_run_that_is_stopped_ends_as_it_is(monkeypatch, capsys):
    """Without taking TensorFlow's graphs apart."""

    def stopped(arguments):
        raise Stopped("stopped at 3.8 kimg, saved; the same command continues", signal.SIGTERM)

    monkeypatch.setattr(train, "run", stopped)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as ended:
        train.main()
    assert ended.value.code == 143
    assert capsys.readouterr().err == "stopped at 3.8 kimg, saved; the same command continues\n"


def test_what_may_be_broken_off_is():
    with StopRequest() as stop:
        with pytest.raises(Stopped), stop.breaks_off(0):
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("it went on")
        with pytest.raises(Stopped), stop.breaks_off(0):
            raise AssertionError("it began")
        with stop.breaks_off(0, False):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_may_not_be_broken_off_is_not():
    with StopRequest() as stop:
        with stop.breaks_off(0, False):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested


ENDED = (143, "", "stopped at 12.3 kimg, saved; the same command continues\n")


@pytest.mark.parametrize(
    "work",
    [
        # As TensorFlow where it compiles.
        'hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)',
        # As Python does in what it calls while it frees objects.
        "while True:\n        with contextlib.suppress(KeyboardInterrupt): time.sleep(9999)",
    ],
)
@pytest.mark.parametrize("by", ["SIGTERM", "the time"])
def test_work_that_goes_on_nevertheless_is_ended(by, work):
    """Without a watcher this would take hours."""
    stop_at = "time.monotonic() + 1" if by == "the time" else ""
    kill = "" if stop_at else "threading.Timer(1, os.kill, [os.getpid(), signal.SIGTERM]).start()"
    program = f"""
import contextlib, hashlib, os, signal, threading, time
from stylegan_tf.training.signals import StopRequest
with StopRequest({stop_at}) as stop, stop.breaks_off(12_345):
    {kill}
    {work}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == ENDED
