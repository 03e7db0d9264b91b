"""What tests ask of a refusal: its kind, that it is one line, and the names in it. Its wording is free.

A name is what a reader looks for: the file, flag, field or value that was wrong, the flag, command or value that would
be right.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stylegan_tf.errors import Failure, UserError

LONGEST = 800  # characters; folders of tests are long themselves
SEVERAL = re.compile(r".*:")  # heads a list of what is wrong, a line each: "2 things are wrong:"


@contextmanager
def raises(kind: type[Exception], *names: object) -> Iterator[pytest.ExceptionInfo]:
    """A block that must raise `kind` with a message as `check_refusal` wants it."""
    with pytest.raises(kind) as caught:
        yield caught
    check_refusal(str(caught.value), *names)


def refused(*names: object):
    """A block that must raise a UserError, exit code 2."""
    return raises(UserError, *names)


def failed(*names: object):
    """A block that must raise a Failure, exit code 1."""
    return raises(Failure, *names)


def check_printed(printed: str, *names: object) -> None:
    """Asserts that a program printed nothing but such a message, after "error: "."""
    assert printed.startswith("error: ") and printed.endswith("\n"), printed
    check_refusal(printed.removeprefix("error: ").removesuffix("\n"), *names)


def check_refusal(message: str, *names: object) -> None:
    """Asserts that a message is a printable line with all the names, whole: 8 is not in 18, nor --seed in --seeds.

    Or a list of what is wrong: then one of its lines has them, with the heading.
    """
    texts = [str(name) for name in names]
    assert any(len(text) > 1 for text in texts), "name the file, the flag, the remedy"
    for text in texts:
        assert len(text) > 1 or (text.isalnum() and text != "a"), f"{text!r} is hardly a name"
        assert len(re.findall(r"(?<!\S)[a-zA-Z]{2,}(?!\S)", text)) <= 3, f"{text!r} is a sentence, not a name"
    heading, *lines = message.split("\n")
    if lines:
        assert SEVERAL.fullmatch(heading), message
        assert all(line.startswith("  ") for line in lines), message
    for line in (heading, *lines):
        assert line.isprintable() and 0 < len(line) <= LONGEST and "Traceback" not in line, message
    found = [missing(texts, f"{heading}\n{line}") for line in lines or [""]]
    assert [] in found, f"{min(found, key=len)} not in: {message}"


def missing(names: list[str], message: str) -> list[str]:
    ends = {name: r"(?!\w)" if name[-1].isalnum() else "" for name in names}  # a flag may end in =
    return [name for name, end in ends.items() if not re.search(rf"(?<!\w){re.escape(name)}{end}", message)]
