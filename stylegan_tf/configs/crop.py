"""Where pictures lie between black bars: a rectangle as text, "x,y,width,height" in pixels; "" for no bars."""

import re

from stylegan_tf.configs.text import shown
from stylegan_tf.errors import UserError

Rectangle = tuple[int, int, int, int]  # x, y, width, height


def rectangle(text: str, side: int, what: str) -> Rectangle | None:
    """The rectangle that `text` says, None for "". Raises UserError that begins with `what`, a flag or field, where it
    is none, or reaches out of a picture of side x side."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,5}(,\d{1,5}){3}", text):
        raise UserError(f"{what}={shown(text)}: expected x,y,width,height in pixels, such as 0,64,512,384")
    x, y, width, height = map(int, text.split(","))
    if not (width and height) or x + width > side or y + height > side:
        raise UserError(f"{what}={text} is no part of a picture of {side}x{side}")
    return x, y, width, height


def at_side(found: Rectangle, old: int, new: int) -> Rectangle:
    """A rectangle of a picture of old x old in the same picture of new x new, rounded, one pixel at least."""
    left, top, right, bottom = (
        round(edge * new / old) for edge in (found[0], found[1], found[0] + found[2], found[1] + found[3])
    )
    left, top = min(left, new - 1), min(top, new - 1)
    return left, top, max(right - left, 1), max(bottom - top, 1)


def text_of(found: Rectangle | None) -> str:
    """The inverse of `rectangle`."""
    return "" if found is None else ",".join(map(str, found))
