"""What goes wrong, in one clear sentence: the user's mistakes (exit code 2) and work that failed (exit code 1)."""

import sys
from collections.abc import Callable

LONGEST = 150  # characters of what a library or a file says


class UserError(ValueError):
    """The user asked for what cannot be: says what was wrong, in which file or flag, and what would be right."""


class Failure(RuntimeError):
    """The request was fine but the work failed (disk full, connection lost): says what and where."""


def brief(value: object, longest: int = LONGEST) -> str:
    """What a library or a file says, to be quoted in a sentence: printable and not long; of an exception the first line
    of its message."""
    text = str(value)
    if isinstance(value, BaseException):
        text = next(iter(text.splitlines()), "") or type(value).__name__
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= longest else f"{text[:longest]} ..."


def exit_code(work: Callable[[], object]) -> int:
    """Runs `work`; returns 0, 2 after a UserError, 1 after a Failure or an operating-system error, 130 after Ctrl-C.

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
    except KeyboardInterrupt as stop:
        return _say(str(stop) or "stopped by Ctrl-C", 130)
    return 0


def _say(line: str, code: int) -> int:
    print(line, file=sys.stderr, flush=True)
    return code
