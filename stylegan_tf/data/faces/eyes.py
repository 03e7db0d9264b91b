"""Eyes, brows, bags and eye shadow."""

import numpy as np

from stylegan_tf.data.faces.palette import SHADOWS, Palette, among, apart, mix, shaded
from stylegan_tf.data.faces.pen import Pen, circle
from stylegan_tf.data.faces.traits import Face

LASH = (44, 30, 34)
WHITE = (252, 250, 248)
_ALONG = np.linspace(-1.0, 1.0, 13)
_LID = (1.0 - _ALONG**2) ** 0.62


def eye_places(face: Face) -> tuple[tuple[int, complex], tuple[int, complex]]:
    """The side (-1 left, 1 right) and the centre of each eye; not quite level where Attractive is false."""
    traits = face.traits
    gap = 9.6 + traits.eye_gap
    lean = 0.0 if face.attributes["Attractive"] else 0.85 * np.sign(traits.lopsided)
    left = complex(traits.turn - gap * (1 + 0.02 * traits.turn), -1.0 + lean)
    right = complex(traits.turn + gap * (1 - 0.02 * traits.turn), -1.0 - lean)
    return (-1, left), (1, right)


def eye_size(face: Face) -> tuple[float, float]:
    """Half the width and half the height of an eye: Young eyes are larger, Narrow_Eyes half as high."""
    has = face.attributes
    wide, high = (5.0, 3.6) if has["Young"] else (4.3, 2.7)
    if not has["Male"]:
        wide, high = wide * 1.05, high * 1.05
    return wide * face.traits.eye_size, high * face.traits.eye_size * (0.5 if has["Narrow_Eyes"] else 1.0)


def draw_eyes(pen: Pen, face: Face, paint: Palette) -> None:
    for side, centre in eye_places(face):
        _draw_shadow_and_bag(pen, face, paint, side, centre)
        _draw_eye(pen, face, paint, side, centre)


def _draw_shadow_and_bag(pen: Pen, face: Face, paint: Palette, side: int, centre: complex) -> None:
    has = face.attributes
    wide, high = eye_size(face)
    x, y = centre.real, centre.imag
    if has["Bags_Under_Eyes"]:
        dusk = apart(mix(paint.skin, (112, 66, 108), 0.36), [paint.skin], 44)
        bag = [(-wide, 0.8), (-wide * 0.6, high + 2.2), (0, high + 3.3), (wide * 0.6, high + 2.2), (wide, 0.8)]
        pen.blob([(x + dx, y + dy) for dx, dy in bag], dusk)
    if has["Heavy_Makeup"]:
        colour = among(SHADOWS, face.traits.shadow, [paint.skin], 60)
        lid = [(-wide - 0.8, 0.6), (-wide * 0.5, -high - 2.4), (wide * 0.5, -high - 2.4), (wide + 0.8, 0.6)]
        if side > 0:
            lid[2:] = [(wide * 0.6, -high - 2.8), (wide + 2.2, -1.4), (wide, 0.6)]
        else:
            lid[:2] = [(-wide, 0.6), (-wide - 2.2, -1.4), (-wide * 0.6, -high - 2.8)]
        pen.blob([(x + dx, y + dy) for dx, dy in lid], colour, 0.85)


def _draw_eye(pen: Pen, face: Face, paint: Palette, side: int, centre: complex) -> None:
    has, traits = face.attributes, face.traits
    wide, high = eye_size(face)
    slant = -0.35 - traits.eye_slant
    upper = _ALONG * wide + 1j * (slant * side * _ALONG - high * _LID)
    lower = _ALONG * wide + 1j * (slant * side * _ALONG + 0.82 * high * _LID)
    pen.fill(centre + np.concatenate([upper, lower[::-1]]), WHITE)
    size = min((3.5 if has["Attractive"] else 2.85) * (1.0 if has["Young"] else 0.86), high * 1.5)
    gaze = complex(0.25 * traits.turn, 0.15)
    for radius, colour in ((size, shaded(paint.iris, 0.7)), (size * 0.82, paint.iris), (size * 0.5, (24, 18, 22))):
        disc = gaze + radius * circle(20)
        top = np.interp(disc.real, upper.real, upper.imag)
        low = np.interp(disc.real, lower.real, lower.imag)
        pen.fill(centre + disc.real + 1j * np.clip(disc.imag, top, low), colour)
    glint = min(0.95 if has["Attractive"] else 0.65, high * 0.42)
    pen.oval(centre.real + gaze.real + 0.9, centre.imag - 0.28 * high, glint, glint, (255, 255, 255))
    _draw_lashes(pen, face, paint, side, centre, upper)


def _draw_lashes(pen: Pen, face: Face, paint: Palette, side: int, centre: complex, upper: np.ndarray) -> None:
    """The upper lid: a thin line on a plain man, thicker and winged with lashes, thickest with Heavy_Makeup."""
    has = face.attributes
    long = (not has["Male"]) + has["Attractive"]
    thick = 0.75 + 0.3 * long + (0.9 if has["Heavy_Makeup"] else 0.0)
    colour = LASH if long or has["Heavy_Makeup"] else mix(LASH, paint.crease, 0.3)
    lid = upper + centre - 0.25j * thick
    pen.fill(np.concatenate([lid - 1j * thick * (0.35 + 0.65 * _LID), lid[::-1] + 0.35j * thick]), colour)
    if not long and not has["Heavy_Makeup"]:
        return
    out = lid[-1] if side > 0 else lid[0]
    reach = 1.0 + 0.7 * long + (0.8 if has["Heavy_Makeup"] else 0.0)
    root = lid[-4] if side > 0 else lid[3]
    pen.fill(np.array([root - 0.3j, out + complex(side * reach, -reach), out + 0.5j]), colour)
    if long == 2:
        middle = lid[-3] if side > 0 else lid[2]
        pen.fill(np.array([root, middle + complex(side * 1.5, -2.4), middle]), colour)


def draw_brows(pen: Pen, face: Face, paint: Palette) -> None:
    """Arched_Eyebrows peak, the others are nearly level; Bushy_Eyebrows are thick."""
    has, traits = face.attributes, face.traits
    thick = (3.9 if has["Bushy_Eyebrows"] else 1.65) + (0.35 if has["Male"] else 0.0)
    skew = 0.0 if has["Attractive"] else 0.9 * np.sign(traits.lopsided)
    for side, centre in eye_places(face):
        x, y = centre.real, -9.4 - traits.brow_height - skew * side
        if has["Arched_Eyebrows"]:
            line = [(-5.6, -1.3), (-1.6, -3.1), (1.8, -3.9), (4.6, -2.2), (6.6, 1.6)]
        else:
            line = [(-5.2, 1.0), (-1.5, 0.5), (2.4, 0.5), (6.0, 1.5)]
        pen.stroke([(x + side * dx, y + dy) for dx, dy in line], thick, paint.brow, 0.55)
