"""How far a long job is: a line that rewrites itself on a terminal, now and then a line in a log."""

import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeVar

from stylegan_tf.errors import LONGEST, brief

Item = TypeVar("Item")


def format_time(seconds: float) -> str:
    """'5s', '2m 05s', '1h 02m 03s' or '1d 04h 05m', rounded to whole seconds (official `format_time`)."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days}d {h:02d}h {m:02d}m"
    if hours:
        return f"{h}h {m:02d}m {s:02d}s"
    if minutes:
        return f"{m}m {s:02d}s"
    return f"{s}s"


def few(names: Sequence[str], most: int = 8) -> str:
    """'a, b, c and 5 more': names of the user's, for a sentence."""
    longest = LONGEST if len(names) == 1 else LONGEST // 5
    shown = ", ".join(brief(name, longest) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


class LiveLine:
    """One line of text that changes: `show(text)` rewrites it on a terminal, ten times a second at most.

    Where `stream` (default: standard error) is not a terminal, a line is printed at most every `every` seconds. The
    last text is not lost: `close` shows it if it was held back.
    """

    def __init__(self, stream: TextIO | None = None, every: float = 10.0):
        self.stream = stream if stream is not None else sys.stderr
        self.live = self.stream.isatty()
        self.every = 0.1 if self.live else every
        self._next = time.monotonic() if self.live else time.monotonic() + every
        self._held: str | None = None
        self._open = False  # a line on the terminal waits for its newline

    def due(self) -> bool:
        """Whether `show` would show: lets a quick loop skip making texts that nobody sees."""
        return time.monotonic() >= self._next

    def show(self, text: str) -> None:
        """Shows `text` now, or holds it back when the last one is too fresh."""
        if self.due():
            self._print(text)
            self._next = time.monotonic() + self.every
        else:
            self._held = text

    def close(self) -> None:
        """Shows what was held back and ends the line."""
        if self._held is not None:
            self._print(self._held)
        if self._open:
            self.stream.write("\n")
            self.stream.flush()
            self._open = False

    def _print(self, text: str) -> None:
        self._held = None
        if self.live:
            width = shutil.get_terminal_size().columns - 1  # a full line would wrap and could not be rewritten
            self.stream.write(f"\r\x1b[K{text[:width]}")
            self._open = True
        else:
            self.stream.write(text + "\n")
        self.stream.flush()


class Eta:
    """Counts what is done of `total` (None: unknown) since it was made, and says how fast and how much longer."""

    def __init__(self, total: int | None, unit: str):
        self.total = total
        self.unit = unit
        self.start = time.monotonic()

    def text(self, done: int) -> str:
        """For instance '300/1,200 pictures, 150/s, 6s left' or, at the end, '1,200 pictures in 8s, 150/s'."""
        seconds = max(time.monotonic() - self.start, 1e-9)
        rate = done / seconds
        speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        if self.total is None or done >= self.total:
            return f"{done:,} {self.unit} in {format_time(seconds)}, {speed}"
        left = f", {format_time((self.total - done) / rate)} left" if done else ""
        return f"{done:,}/{self.total:,} {self.unit}, {speed}{left}"


def track(
    items: Iterable[Item], total: int | None, label: str, unit: str, stream: TextIO | None = None
) -> Iterator[Item]:
    """Yields the items and shows '<label>: <how many, how fast, how much longer>' meanwhile (see LiveLine, Eta)."""
    line, eta, done = LiveLine(stream), Eta(total, unit), 0
    try:
        for item in items:
            yield item
            done += 1
            if done != total and line.due():
                line.show(f"{label}: {eta.text(done)}")
        line.show(f"{label}: {eta.text(done)}")
    finally:
        line.close()
