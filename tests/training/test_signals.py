"""Ctrl-C and SIGTERM while training."""

import os
import signal

import pytest

from stylegan_tf.training.signals import Stopped, StopRequest


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
    assert str(stopped) == "stopped and saved at 12.3 kimg; the same command continues"
