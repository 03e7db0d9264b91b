"""SIGINT and SIGTERM while training: finish the step, save, say so."""

import signal


class Stopped(KeyboardInterrupt):
    """Training was asked to stop, and everything is saved."""


class StopRequest:
    """Within the `with` block SIGINT and SIGTERM set `requested`; a second SIGINT stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested = False

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stopped(self, nimg: int) -> Stopped:
        """The exception that ends the run."""
        return Stopped(f"stopped and saved at {nimg / 1000:.1f} kimg; the same command continues")

    def _note(self, number, frame):
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
