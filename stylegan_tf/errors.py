"""What goes wrong, in one clear sentence: the user's mistakes (exit code 2), work that failed (exit code 1), and work
that a signal ended (128 and its number)."""

import signal
import sys
from collections.abc import Callable

LONGEST = 150  # characters of what a library or a file says


class UserError(ValueError):
    """The user asked for what cannot be: says what was wrong, in which file or flag, and what would be right."""


class Failure(RuntimeError):
    """The request was fine but the work failed (disk full, connection lost): says what and where."""


class Stopped(KeyboardInterrupt):
    """Work was asked to stop by the signal `number`, and what it says is kept: 130 after Ctrl-C, 143 after SIGTERM.

    That is what shells, Docker and Kubernetes make of a process that a signal kills, so a scheduler sees one code
    whether the signal was handled or came too early for that.
    """

    def __init__(self, sentence: str, number: int = signal.SIGINT):
        super().__init__(sentence)
        self.code = 128 + number


def brief(value: object, longest: int = LONGEST) -> str:
    """What a library or a file says, to be quoted in a sentence: printable and not long; of an exception the first line
    of its message."""
    text = str(value)
    if isinstance(value, BaseException):
        text = next(iter(text.splitlines()), "") or type(value).__name__
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= longest else f"{text[:longest]} ..."


def exit_code(work: Callable[[], object]) -> int:
    """Runs `work`; returns 0, 2 after a UserError, 1 after a Failure or an operating-system error, 130 after Ctrl-C,
    the code of a Stopped.

    Mistakes and failures are printed to stderr as one line without a traceback, which begins with "error:" unless the
    user stopped the work. Anything else is a bug of ours and keeps its traceback.
    """
    try:
        work()
    except UserError as error:
        return _say(f"error: {error}", 2)
    except Failure as failure:
        return _say(f"error: {failure}", 1)
    except OSError as error:
        named = error.strerror and error.filename is not None
        return _say(f"error: {error.strerror}: {error.filename}" if named else f"error: {error}", 1)
    except Stopped as stop:
        return _say(str(stop), stop.code)
    except KeyboardInterrupt:
        return _say("stopped by Ctrl-C", 130)
    return 0


def _say(line: str, code: int) -> int:
    print(line, file=sys.stderr, flush=True)
    return code
