import io

import pytest

from stylegan_tf import progress
from stylegan_tf.progress import Eta, LiveLine, format_time, track


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves by hand: clock[0] is the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (5.4, "5s"),
        (59.6, "1m 00s"),
        (125, "2m 05s"),
        (3599.9, "1h 00m 00s"),
        (3723, "1h 02m 03s"),
        (86399.7, "1d 00h 00m"),
        (86400 + 4 * 3600 + 5 * 60 + 59, "1d 04h 05m"),
        (12 * 86400, "12d 00h 00m"),
    ],
)
def test_format_time(seconds, text):
    assert format_time(seconds) == text


def test_a_log_gets_a_line_now_and_then_and_the_last_one(clock):
    stream = io.StringIO()
    line = LiveLine(stream, every=10)
    for text in ("a", "b"):
        line.show(text)
    assert stream.getvalue() == ""
    clock[0] += 10
    line.show("c")
    line.show("d")
    assert stream.getvalue() == "c\n"
    line.close()
    assert stream.getvalue() == "c\nd\n"


def test_a_terminal_line_is_rewritten_and_fits(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "6")
    stream = Terminal()
    line = LiveLine(stream)
    line.show("one")
    line.show("held back")
    clock[0] += 0.1
    line.show("much too long")
    line.close()
    line.close()
    assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Kmuch \n"


def test_eta(clock):
    eta = Eta(1200, "pictures")
    assert eta.text(0) == "0/1,200 pictures, 0/s"
    clock[0] += 2
    assert eta.text(300) == "300/1,200 pictures, 150/s, 6s left"
    assert eta.text(3) == "3/1,200 pictures, 1.5/s, 13m 18s left"
    clock[0] += 6
    assert eta.text(1200) == "1,200 pictures in 8s, 150/s"
    assert Eta(None, "records").text(0) == "0 records in 0s, 0/s"


def test_track_yields_everything_and_sums_up(clock):
    stream = io.StringIO()
    seen = []
    for item in track(iter("abcd"), 4, "read", "letters", stream):
        seen.append(item)
        clock[0] += 5
    assert seen == ["a", "b", "c", "d"]
    assert stream.getvalue() == "read: 2/4 letters, 0.2/s, 10s left\nread: 4 letters in 20s, 0.2/s\n"


def test_track_ends_the_line_of_a_terminal_after_an_error(clock):
    stream = Terminal()
    with pytest.raises(RuntimeError):
        for number in track(range(9), 9, "read", "numbers", stream):
            clock[0] += 1
            if number == 1:
                raise RuntimeError
    assert stream.getvalue().endswith("read: 1/9 numbers, 1/s, 8s left\n")
