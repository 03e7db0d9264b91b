"""Rectangles of pictures between black bars."""

import pytest
from refusals import refused

from stylegan_tf.configs.crop import at_side, rectangle, text_of


def test_text_and_back() -> None:
    assert rectangle("0,64,512,384", 512, "--crop") == (0, 64, 512, 384)
    assert rectangle("", 512, "--crop") is None
    assert [text_of((0, 64, 512, 384)), text_of(None)] == ["0,64,512,384", ""]


@pytest.mark.parametrize("text", ["1,2,3", "0,0,-1,4", "a,b,c,d", "0,64,512,384,", " 0,0,1,1", "auto"])
def test_no_rectangle(text: str) -> None:
    with refused(f"--crop={text}", "x,y,width,height", "0,64,512,384"):
        rectangle(text, 512, "--crop")


@pytest.mark.parametrize("text", ["0,0,0,4", "0,0,4,0", "13,0,4,4", "0,13,4,4", "0,0,17,1"])
def test_outside(text: str) -> None:
    with refused(f"data.crop={text}", "16x16"):
        rectangle(text, 16, "data.crop")


def test_a_long_text_of_a_file_is_shown_in_part() -> None:
    with refused("config.json: data.crop=", "0,64,512,384"):
        rectangle("a" * 5000, 16, "config.json: data.crop")


@pytest.mark.parametrize(
    ("new", "found"),
    [(512, (0, 64, 512, 384)), (256, (0, 32, 256, 192)), (4, (0, 0, 4, 4)), (1024, (0, 128, 1024, 768))],
)
def test_other_sizes(new: int, found: tuple[int, int, int, int]) -> None:
    """At 4x4 the edges 0.5 and 3.5 are rounded half to even: 0 and 4."""
    assert at_side((0, 64, 512, 384), 512, new) == found


def test_something_is_always_left() -> None:
    assert at_side((511, 511, 1, 1), 512, 4) == (3, 3, 1, 1)
