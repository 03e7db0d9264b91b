"""Nose, mouth and the moles of a plain face."""

import numpy as np

from stylegan_tf.data.faces.palette import Palette, apart, darkened, mix, shaded
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face

_ALONG = np.linspace(-1.0, 1.0, 17)
_BOW = (1.0 - _ALONG**2) ** 0.75
_CUPID = _BOW * (1.0 - 0.28 * np.exp(-((_ALONG / 0.16) ** 2)))


def draw_nose(pen: Pen, face: Face, paint: Palette) -> None:
    """A round button with two nostrils, or a long three-cornered wedge with Pointy_Nose; Big_Nose enlarges either."""
    has, traits = face.attributes, face.traits
    size = (1.95 if has["Big_Nose"] else 0.95) * traits.nose_size
    x, side = 1.5 * traits.turn, -1 if traits.turn > 0 else 1
    base, wide = 8.4 + (0.6 if has["Big_Nose"] else 0.0), 3.5 * size
    tone = darkened(paint.shade, [paint.skin], 46)
    if has["Pointy_Nose"]:
        low, tip = base - 1.2, (x - side * 0.8, base + 1.6 + 1.0 * size)
        pen.fill([(x + side * 0.2, -6.5), (x + side * 1.8, -3.0), (x + side * wide * 1.2, low), tip], tone)
        pen.fill([(x - side * wide * 0.75, low), (x, low + 0.6), (x + side * wide * 1.15, low), tip], paint.crease)
        return
    pen.blob([(x, -3.0), (x + side * wide * 0.5, base - 1.5), (x, base - 0.5)], paint.shade, 0.4)
    bulb = [(-0.8, -0.7), (0.0, -1.1), (0.8, -0.7), (1.05, 0.0), (0.6, 0.75), (-0.6, 0.75), (-1.05, 0.0)]
    pen.blob([(x + dx * wide, base + dy * 1.9 * size) for dx, dy in bulb], tone)
    bulb[:3] = [(-0.75, -1.2), (0.0, -1.3), (0.75, -1.2)]
    pen.blob([(x + dx * wide * 0.86, base - 0.95 * size + dy * 1.7 * size) for dx, dy in bulb], paint.skin)
    for way in (-1, 1):
        pen.oval(x + way * wide * 0.45, base + 0.72 * size, 0.95 * size, 0.6 * size, paint.crease)


def draw_mouth(pen: Pen, face: Face, paint: Palette) -> None:
    """Lips about a gap: Smiling bends and widens it, Mouth_Slightly_Open opens it, Big_Lips thicken its rims."""
    has, traits = face.attributes, face.traits
    wide = (10.0 if has["Smiling"] else 6.7) + traits.mouth_width
    bend = -4.0 if has["Smiling"] else 0.45
    skew = 0.0 if has["Attractive"] else 0.95 * np.sign(traits.lopsided)
    y = 16.8 + traits.mouth_height - bend * 0.3
    line = traits.turn * 1.1 + 0.5 * skew + _ALONG * wide + 1j * (y + bend * _ALONG**2 + skew * _ALONG)
    gap = (1.9 if has["Smiling"] else 1.5) if has["Mouth_Slightly_Open"] else 0.0
    lift, drop = 0.45 * gap * _BOW, 1.7 * gap * _BOW
    thick = (2.3 if gap else 2.7) if has["Big_Lips"] else 1.0
    above, below = lift + 1.25 * thick * _CUPID, drop + 1.55 * thick * _BOW
    pen.fill(np.concatenate([line - 1j * above, (line + 1j * below)[::-1]]), paint.lips)
    dark = apart(shaded(paint.lips, 0.5), [paint.lips], 60)
    if gap:
        hole = np.concatenate([line - 1j * lift, (line + 1j * drop)[::-1]])
        pen.fill(hole, mix(dark, (60, 14, 24), 0.7))
        rest = np.minimum(lift + drop, 1.35 * gap)
        inner = slice(1, -1)
        teeth = np.concatenate([(line - 1j * lift)[inner], (line - 1j * (lift - rest))[inner][::-1]])
        pen.fill(teeth, (255, 253, 248))
    else:
        seam = 0.6 * _BOW + 0.15
        pen.fill(np.concatenate([line - 1j * seam, (line + 1j * seam)[::-1]]), dark)
    if has["Smiling"]:
        for end, side in ((line[0], -1), (line[-1], 1)):
            x = end.real + side * 0.9
            pen.stroke(
                [(x - side * 0.2, end.imag - 1.5), (x + side * 0.7, end.imag), (x, end.imag + 1.3)],
                0.9,
                paint.crease,
                0.7,
            )


def draw_moles(pen: Pen, face: Face, paint: Palette) -> None:
    """Two small moles where Attractive is false."""
    if face.attributes["Attractive"]:
        return
    lean = 1 if face.traits.lopsided > 0 else -1
    for x, y, size in ((12.8, 12.0, 0.85), (-7.5, 21.0, 0.75)):
        pen.oval(face.traits.turn + lean * x, y, size, size, paint.crease)
