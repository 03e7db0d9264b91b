"""What the user sees while classifiers are trained: one line for all of them, and a line for each that is ready."""

import time
from collections.abc import Mapping
from typing import Any

from stylegan_tf.progress import LiveLine, format_time


class Display:
    """The line that is rewritten while training, and the end after SIGINT or SIGTERM.

    request: a training.signals.StopRequest. total: pictures that all trainings together will be shown.
    """

    def __init__(self, request: Any, total: int, line: LiveLine | None = None):
        self.request, self.total = request, total
        self.line = line if line is not None else LiveLine()
        self.start, self.done = time.monotonic(), 0
        self.name, self.shown = "", 0

    def begin(self, name: str) -> "Display":
        """The next training is that of `name`."""
        self.name, self.shown = name, 0
        return self

    def say(self, nimg: int, loss: float) -> None:
        """After a few minibatches; nimg: pictures shown in this training. Raises Stopped where that was asked for."""
        from stylegan_tf.training.signals import Stopped

        self.done, self.shown = self.done + nimg - self.shown, nimg
        if self.request.requested:
            self.line.close()
            raise Stopped(f"stopped in {self.name}; what is finished is kept, and the same command continues")
        rate = self.done / max(time.monotonic() - self.start, 1e-9)
        left = format_time(max(self.total - self.done, 0) / rate)
        if self.line.due():
            self.line.show(
                f"{self.name}: {nimg / 1000:.1f} kimg  loss {loss:.3f}  {rate:,.0f} img/s  {left} left in all"
            )

    def end(self, text: str) -> None:
        """A line that stays."""
        if self.line.live:
            self.line.close()
        print(text, flush=True)


def told(score: Mapping[str, float]) -> str:
    """A score in words."""
    return "accuracy {accuracy:.4f}, balanced {balanced:.4f}, majority {majority:.4f}".format(**score)
