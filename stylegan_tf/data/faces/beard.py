"""Stubble, beard, sideburns, moustache, goatee."""

from stylegan_tf.data.faces.head import Outline, outline
from stylegan_tf.data.faces.palette import Palette
from stylegan_tf.data.faces.pen import Pen, mirrored, scalloped, smooth
from stylegan_tf.data.faces.traits import Face


def draw_stubble(pen: Pen, face: Face, paint: Palette) -> None:
    """5_o_Clock_Shadow: reaches higher on the cheeks than a beard, so that it shows beside one too."""
    if not face.attributes["5_o_Clock_Shadow"]:
        return
    form = outline(face)
    inner = mirrored([(form.cheek - 1.0, 2), (form.cheek - 5.5, 7.8), (9, 9.4), (0, 10.4)])[::-1]
    pen.blob([*_jaw(form, 0.0), *inner], paint.stubble)


def draw_beard(pen: Pen, face: Face, paint: Palette) -> None:
    """The full beard where No_Beard is false, and Sideburns."""
    has = face.attributes
    form = outline(face)
    if not has["No_Beard"]:
        inner = [(-form.cheek + 2.0, 5), (-form.jaw + 2.5, 12), (-9.5, 14.2), (-4, 12.3), (0, 12.5)]
        inner += [(-x, y) for x, y in reversed(inner[:-1])]
        shape = smooth([*_jaw(form, 1.1), *inner])
        pen.fill(scalloped(shape, 0.6, 3.0), paint.beard)
    if has["Sideburns"]:
        for side in (-1, 1):
            x = side * (form.cheek + 0.2)
            strip = [(x, -9), (x, -9), (x, 4), (x - side * 0.8, 12), (x - side * 3.2, 13.5)]
            strip += [(x - side * 4.8, 12), (x - side * 3.8, 3), (x - side * 3.2, -9), (x - side * 3.2, -9)]
            pen.blob(strip, paint.tuft)


def draw_moustache(pen: Pen, face: Face, paint: Palette) -> None:
    """Mustache, over the mouth, and Goatee, over the beard; both darker than it."""
    has, turn = face.attributes, face.traits.turn
    if has["Goatee"]:
        low = outline(face).bottom
        pen.blob(
            mirrored([(0, 22.2), (3.0, 21.8), (5.0, low - 3.5), (3.8, low + 2.2), (0, low + 5.6), (0, low + 5.6)][:-1]),
            paint.tuft,
        )
    if has["Mustache"]:
        half = [(0, 11.6), (3.5, 11.2), (7.5, 13.2), (10.6, 16.6), (10.6, 16.6), (6.2, 15.9), (3.0, 15.0), (0, 14.6)]
        pen.blob([(turn * 1.1 + x, y) for x, y in mirrored(half)], paint.tuft)


def _jaw(form: Outline, beyond: float) -> list[tuple[float, float]]:
    """The lower edge of the face from the left cheek round the chin to the right one, `beyond` further out."""
    right = [(x + beyond if x else 0.0, y + beyond * (y > 20)) for x, y in form.right()]
    return [*((x, y) for x, y in right), *((-x, y) for x, y in reversed(right[:-1]))]
