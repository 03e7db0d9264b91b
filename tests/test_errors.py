"""errors: what is quoted of libraries and files stays one printable line."""

import pytest

from stylegan_tf.errors import LONGEST, brief


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        (ValueError("first\nsecond"), "first"),
        (KeyError(), "KeyError"),
        ("a b", "a b"),
        ("\x1b[2J", "'\\x1b[2J'"),
        (["a", 1], "['a', 1]"),
    ],
)
def test_what_is_quoted(said, quoted):
    assert brief(said) == quoted


def test_what_is_quoted_is_short():
    assert brief("a" * 10_000) == "a" * LONGEST + " ..."
    assert len(brief("\n" * 10_000)) < LONGEST + 5
    assert brief("abc", 2) == "ab ..."
