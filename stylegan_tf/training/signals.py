"""SIGINT and SIGTERM while training: finish the step, save, say so."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """Training was asked to stop, and everything is saved."""


class BrokenOff(KeyboardInterrupt):
    """What may be broken off was, because training was asked to stop."""


class StopRequest:
    """Within the `with` block SIGINT and SIGTERM set `requested`; a second SIGINT stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested = False
        self._may_break_off = False

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def breaks_off(self, may: bool = True) -> Iterator[None]:
        """Within it a request raises BrokenOff wherever Python is, one that is there already at the beginning.

        For long work that can be done again from what is saved: making graphs, metrics. may: False: changes nothing.
        """
        self._may_break_off = may
        try:
            if may and self.requested:
                raise BrokenOff
            yield
        finally:
            self._may_break_off = False

    def stopped(self, nimg: int) -> Stopped:
        """The exception that ends the run."""
        return Stopped(f"stopped at {nimg / 1000:.1f} kimg, saved; the same command continues")

    def _note(self, number, frame):
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self._may_break_off:
            raise BrokenOff
