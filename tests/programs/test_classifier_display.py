"""What is shown while classifiers are trained."""

import io
import signal
from types import SimpleNamespace

from refusals import raises

from stylegan_tf.errors import Stopped
from stylegan_tf.programs.classifiers import Display
from stylegan_tf.progress import LiveLine


def display(stream, requested=False):
    return Display(SimpleNamespace(requested=requested, number=signal.SIGTERM), 3000, LiveLine(stream, every=0))


def test_the_rest_counts_all_trainings(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = io.StringIO()
    show = display(stream)
    show.begin("male")
    now[0] += 2
    show.say(500, 0.25)  # 250 a second; 2500 are left
    show.say(1000, 0.25)
    show.begin("smiling")
    now[0] += 1
    show.say(500, 0.125)  # 1500 in 3 seconds; 1500 are left
    assert stream.getvalue().splitlines() == [
        "male: 0.5 kimg  loss 0.250  250 img/s  10s left in all",
        "male: 1.0 kimg  loss 0.250  500 img/s  4s left in all",
        "smiling: 0.5 kimg  loss 0.125  500 img/s  3s left in all",
    ]


def test_a_request_to_stop_ends_it():
    show = display(io.StringIO(), requested=True).begin("bald")
    with raises(Stopped, "bald", "same command") as caught:
        show.say(1, 0.5)
    assert caught.value.code == 143


def test_lines_that_stay(capsys):
    display(io.StringIO()).end("00-male: accuracy 0.9000")
    assert capsys.readouterr().out == "00-male: accuracy 0.9000\n"
