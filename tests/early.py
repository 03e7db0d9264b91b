"""Processes that begin with the first test and go on beside the others, until the test that needs them has its turn."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 1200  # seconds on a busy machine


class Early:
    """One of them. Its test has the mark pytest.mark.early(it), and calls `wait`.

    command: a folder of its own -> what Python is to run, in the root of the project.
    """

    def __init__(self, command: Callable[[Path], Sequence[str]]):
        self.command = command

    def prepare(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self._ended = threading.Event()
        self._process: subprocess.Popen | None = None

    def run(self) -> None:
        """Begins, and waits for the end. Nice to the tests, which want one core."""
        with open(self.folder / "said", "wb") as said, open(self.folder / "errors", "wb") as errors:
            command = ["nice", sys.executable, *self.command(self.folder)]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}  # a script sees its own folder
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=said, stderr=errors, process_group=0
            )
        self._process.wait()
        self._ended.set()

    def wait(self) -> Path:
        """Its folder, once it has ended well; `said` and `errors` are what it printed."""
        assert self._ended.wait(PATIENCE), "it does not come to an end"
        said = "".join((self.folder / name).read_text() for name in ("said", "errors"))
        assert self._process is not None and self._process.returncode == 0, said[-3000:]
        print(said)
        return self.folder

    def end(self) -> None:
        """With all that it began."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._temporary.cleanup()


def begin(line: Iterable[Early]) -> Callable[[], None]:
    """Runs them in a line, each when the one before has ended. Returns what ends all that is left of it."""
    line, stopped = list(line), threading.Event()
    for early in line:
        early.prepare()

    def run() -> None:
        for early in line:
            if not stopped.is_set():
                early.run()

    thread = threading.Thread(target=run)
    thread.start()

    def end() -> None:
        stopped.set()
        for early in line:
            early.end()
        thread.join()

    return end
