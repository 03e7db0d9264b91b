"""SIGINT, SIGTERM and the end of the time that was given, while training: finish the step, save, say so."""

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from stylegan_tf import files
from stylegan_tf.errors import Stopped

DEAF_SECONDS = 2.0  # that a signal may wait in work that may be broken off
MOST_ROOM = 300.0  # seconds


def stop_after(hours: float, started: float) -> float:
    """When to stop for a process that began at `started` (time.monotonic()) and must have ended `hours` later: what is
    left for the minibatches at hand and for saving is a twentieth of the time, five minutes at most."""
    seconds = 3600 * hours
    return started + seconds - min(seconds / 20, MOST_ROOM)


def leave(stopped: Stopped) -> NoReturn:
    """Says it, and ends the process as it is: to take TensorFlow's graphs apart first would take seconds."""
    sys.stdout.flush()
    print(stopped, file=sys.stderr, flush=True)
    os._exit(stopped.code)


class StopRequest:
    """Within the `with` block SIGINT and SIGTERM set `requested`; a second SIGINT stops at once.

    stop_at: when (time.monotonic()) a signal comes by itself, which counts as SIGTERM; inf: never. word: a file that is
    made when the run ends by request and holds the exit code, for other workers that miss this one.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)

    def __init__(self, stop_at: float = math.inf, word: Path | None = None):
        self._word = word
        self.requested = False
        self._stop_at = stop_at
        self.number = signal.SIGTERM  # or SIGINT where that was first
        self._may_break_off = False
        self._nimg = 0

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        ear, self._mouth = os.pipe()
        os.set_blocking(self._mouth, False)
        self._mouth_before = signal.set_wakeup_fd(self._mouth)
        threading.Thread(target=self._watch, args=(ear,), daemon=True).start()
        if self._stop_at < math.inf:
            signal.setitimer(signal.ITIMER_REAL, max(self._stop_at - time.monotonic(), 1e-6))  # 0 would be never
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(self._mouth_before)
        os.close(self._mouth)  # ends the thread
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def breaks_off(self, nimg: int, may: bool = True) -> Iterator[None]:
        """Within it a request raises Stopped wherever Python is, one that is there already at the beginning.

        For long work that the next start does again from what is saved at `nimg`: making graphs, metrics. Where the
        work goes on nevertheless, because TensorFlow does not return to Python (it compiles) or something catches what
        is raised, the process ends without more ado. may: False: changes nothing.
        """
        self._may_break_off, self._nimg = may, nimg
        try:
            if may and self.requested:
                raise self.stopped(nimg)
            yield
        finally:
            self._may_break_off = False

    def stopped(self, nimg: int) -> Stopped:
        """The exception that ends the run."""
        saved = ", saved" if nimg else ""  # before the first minibatch there is nothing to lose
        sentence = f"stopped at {nimg / 1000:.1f} kimg{saved}; the same command continues"
        stopped = Stopped(sentence, self.number)
        if self._word is not None:
            with suppress(OSError):  # the disk may be full
                files.write_text(self._word, str(stopped.code))
        return stopped

    def _note(self, number, frame):
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._request(number)
        if self._may_break_off:
            raise self.stopped(self._nimg)

    def _request(self, number: int) -> None:
        if not self.requested:
            self.requested, self.number = True, signal.SIGINT if number == signal.SIGINT else self.number

    def _watch(self, ear: int) -> None:
        """Reads the numbers of signals, which Python writes at once; `_note` is called between two steps of Python."""
        with open(ear, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                time.sleep(DEAF_SECONDS)
                if number[0] in self.SIGNALS and self._may_break_off:
                    self._request(number[0])  # `_note` may not have been called
                    leave(self.stopped(self._nimg))
