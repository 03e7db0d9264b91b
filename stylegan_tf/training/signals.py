"""SIGINT and SIGTERM while training: finish the step, save, say so."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

STOPPED = 130  # exit code
DEAF_SECONDS = 2.0  # that a signal may wait in work that may be broken off


class Stopped(KeyboardInterrupt):
    """Training was asked to stop, and everything is saved."""


def leave(stopped: Stopped) -> NoReturn:
    """Says it, and ends the process as it is: to take TensorFlow's graphs apart first would take seconds."""
    sys.stdout.flush()
    print(stopped, file=sys.stderr, flush=True)
    os._exit(STOPPED)


class StopRequest:
    """Within the `with` block SIGINT and SIGTERM set `requested`; a second SIGINT stops at once.

    word: a file that gets the exit code when the run ends by request, for other workers that miss this one.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, word: Path | None = None):
        self._word = word
        self.requested = False
        self._may_break_off = False
        self._nimg = 0

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        ear, self._mouth = os.pipe()
        os.set_blocking(self._mouth, False)
        self._mouth_before = signal.set_wakeup_fd(self._mouth)
        threading.Thread(target=self._watch, args=(ear,), daemon=True).start()
        return self

    def __exit__(self, *_):
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
        if self._word is not None:
            with suppress(OSError):  # the disk may be full
                self._word.write_text(str(STOPPED), encoding="ascii")
        saved = ", saved" if nimg else ""  # before the first minibatch there is nothing to lose
        return Stopped(f"stopped at {nimg / 1000:.1f} kimg{saved}; the same command continues")

    def _note(self, number, frame):
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self._may_break_off:
            raise self.stopped(self._nimg)

    def _watch(self, ear: int) -> None:
        """Reads the numbers of signals, which Python writes at once; `_note` is called between two steps of Python."""
        with open(ear, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                time.sleep(DEAF_SECONDS)
                if number[0] in self.SIGNALS and self._may_break_off:
                    leave(self.stopped(self._nimg))
