"""Neck, ears, the outline of the face, its cheeks and its wrinkles."""

from dataclasses import dataclass

from stylegan_tf.data.faces.palette import Palette, apart, mix
from stylegan_tf.data.faces.pen import Pen, mirrored
from stylegan_tf.data.faces.traits import Face

TOP = -33.0  # of the skull
EARS = 3.0  # the height of their middle


@dataclass(frozen=True, slots=True)
class Outline:
    """Half-widths of the face at cheek, jaw and chin, and how low the chin reaches."""

    cheek: float
    jaw: float
    chin: float
    bottom: float

    def right(self) -> list[tuple[float, float]]:
        """The right half below the eyes, top to bottom."""
        low = self.bottom
        return [(self.cheek, 4), (self.jaw, low * 0.57), (self.chin, low - 3.2), (0, low)]


def outline(face: Face) -> Outline:
    """The face's outline: Oval_Face, Chubby and Male shape it, three traits vary it."""
    has, traits = face.attributes, face.traits
    cheek, jaw, chin, bottom = (19.3, 14.2, 6.2, 30.5) if has["Oval_Face"] else (20.3, 17.2, 9.2, 26.5)
    if has["Chubby"]:
        cheek, jaw, chin = cheek + 2.0, jaw + 4.2, chin + 3.4
    if has["Male"]:
        jaw, chin, bottom = jaw + 1.2, chin + 2.0, bottom + 0.6
    return Outline(
        cheek + 0.6 * traits.width, jaw + 0.6 * traits.jaw, chin + 0.6 * traits.chin, bottom + 0.5 * traits.chin
    )


def draw_neck(pen: Pen, face: Face, paint: Palette) -> None:
    """The neck and what the neckline leaves free, with the shadow of the chin."""
    wide = 11.5 if face.attributes["Male"] else 8.8
    pen.blob(
        [(-wide, 10), (-wide, 10), (-wide, 30), (-wide - 5, 37), (-6, 44), (6, 44), (wide + 5, 37), (wide, 30)]
        + [(wide, 10), (wide, 10)],
        paint.skin,
    )
    low = outline(face).bottom + 4.5
    pen.blob(
        [(-wide, 10), (-wide, 10), (-wide, low - 3), (0, low), (wide, low - 3), (wide, 10), (wide, 10)], paint.shade
    )


def draw_ears(pen: Pen, face: Face, paint: Palette) -> None:
    for side in (-1, 1):
        x = side * (outline(face).cheek + 1.0) + 0.4 * face.traits.turn
        pen.oval(x, EARS, 3.3, 5.2, paint.skin)
        pen.oval(x + 0.3 * side, EARS + 0.3, 1.6, 3.2, paint.shade)


def draw_head(pen: Pen, face: Face, paint: Palette) -> None:
    """The face without its features: double chin, outline, shading."""
    form = outline(face)
    if face.attributes["Double_Chin"]:
        wide, low = form.chin + 3.4, form.bottom
        fold = mirrored([(wide, low - 6), (wide, low - 0.5), (wide * 0.6, low + 4.4), (0, low + 5.6)])
        under = mix(paint.shade, paint.crease, 0.5)
        pen.blob([(x, y + 1.0) for x, y in fold], under)
        pen.blob(fold, paint.skin)
        pen.blob(mirrored([(form.jaw, low * 0.6), (form.chin + 1.0, low - 1.5), (0, low + 1.5)]), under)
    skull = mirrored([(0, TOP), (11.5, TOP + 2), (19, -22), (form.cheek + 0.3, -8), *form.right()])
    pen.blob(skull, paint.skin)
    side = -1 if face.traits.turn > 0 else 1
    pen.blob(
        [(side * form.cheek, -8), (side * form.cheek, 4), (side * form.jaw, form.bottom * 0.57)]
        + [(side * form.chin, form.bottom - 3.2), (0, form.bottom), (0, form.bottom)]
        + [(side * form.chin * 0.9, form.bottom - 5), (side * (form.jaw - 2.6), form.bottom * 0.5)]
        + [(side * (form.cheek - 2.4), 2)],
        paint.shade,
        0.55,
    )
    if face.attributes["Bald"]:
        pen.blob([(-9, -27), (-4, -30.5), (3, -31), (0, -28), (-5, -25.5)], (255, 255, 255), 0.5)


def draw_cheeks(pen: Pen, face: Face, paint: Palette) -> None:
    """Rosy_Cheeks, High_Cheekbones, and the blush of Heavy_Makeup."""
    has, turn = face.attributes, face.traits.turn
    for side in (-1, 1):
        x = turn + side * 12.6
        if has["Heavy_Makeup"]:
            blush = [(x + side * 5.4, 4.5), (x + side * 4.4, 9), (x - side * 2, 11.8), (x - side * 3, 8.8)]
            pen.blob(blush, (228, 84, 116), 0.3)
        if has["Rosy_Cheeks"]:
            pen.oval(x, 10.4, 5.1, 4.2, apart(mix(paint.skin, (236, 70, 78), 0.5), [paint.skin], 44), 0.9)
        if has["High_Cheekbones"]:
            ridge = [(x + side * 4.2, 5.0), (x + side * 3.2, 8.2), (x - side * 0.8, 9.8), (x - side * 4.0, 8.8)]
            pen.blob([*ridge, (x - side * 3.0, 6.2), (x + side * 1.0, 4.4)], paint.ridge)


def draw_wrinkles(pen: Pen, face: Face, paint: Palette) -> None:
    """What Young leaves out: lines on the forehead, beside the eyes and from the nose to the mouth."""
    if face.attributes["Young"]:
        return
    turn = face.traits.turn
    for y, wide in ((-18.5, 8.5), (-15.4, 7.0)):
        pen.stroke([(turn - wide, y + 0.5), (turn, y - 0.5), (turn + wide, y + 0.5)], 0.9, paint.crease, 0.8)
    for side in (-1, 1):
        x = turn + side * 16.2
        pen.stroke([(x - side, -1.5), (x + side * 2.2, -2.8)], 0.8, paint.crease, 0.6)
        pen.stroke([(x - side, 0.2), (x + side * 2.4, 0.8)], 0.8, paint.crease, 0.6)
        x = turn + side * 6.0
        pen.stroke([(x, 9.0), (x + side * 3.2, 12.5), (x + side * 4.0, 17.0)], 1.2, paint.crease, 0.8)
