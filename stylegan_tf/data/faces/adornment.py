"""Eyeglasses, hats and earrings: drawn last, over everything else."""

import numpy as np

from stylegan_tf.data.faces.eyes import eye_places
from stylegan_tf.data.faces.head import EARS, outline
from stylegan_tf.data.faces.palette import CLOTHES, Palette, among, apart, shaded
from stylegan_tf.data.faces.pen import Pen, circle, mirrored, smooth
from stylegan_tf.data.faces.traits import Face

FRAMES = ((40, 36, 44), (120, 40, 48), (36, 58, 110), (112, 72, 34))


def draw_glasses(pen: Pen, face: Face, paint: Palette) -> None:
    """Round or square frames about the eyes, the glass just tinted."""
    if not face.attributes["Eyeglasses"]:
        return
    kind = face.traits.glasses
    frame = apart(FRAMES[int(kind * 97) % len(FRAMES)], [paint.skin], 70)
    for side, centre in eye_places(face):
        level = complex(centre.real, -0.6)
        if kind < 0.5:
            rim = level + 7.6 * circle(32)
        else:
            corners = [
                (-7.6, -4.6),
                (-6.4, -6.0),
                (6.4, -6.0),
                (7.6, -4.6),
                (6.9, 4.6),
                (4.8, 6.2),
                (-4.8, 6.2),
                (-6.9, 4.6),
            ]
            rim = level + smooth(corners)
        pen.fill(rim, (255, 255, 255), 0.16)
        pen.ring(rim, 1.35, frame)
        pen.stroke([(level.real + side * 7.2, -1.8), (side * (outline(face).cheek + 1), -2.6)], 1.3, frame, 0.0)
    (_, left), (_, right) = eye_places(face)
    middle = (left.real + right.real) / 2
    pen.stroke([(left.real + 7.0, -1.2), (middle, -2.6), (right.real - 7.0, -1.2)], 1.3, frame, 0.0)


def draw_hat(pen: Pen, face: Face, paint: Palette) -> None:
    """A knitted hat, a cap or a brimmed hat; leaves the hair below the brim to be seen."""
    if not face.attributes["Wearing_Hat"]:
        return
    kind = face.traits.hat
    colour = among(CLOTHES, face.traits.hat_colour, [paint.hair, paint.skin], 60)
    dark = shaded(colour, 0.76)
    if kind < 0.4:
        pen.oval(0, -49, 5.0, 4.6, dark)
        pen.blob(mirrored([(0, -48), (14, -44), (23, -34), (26, -24), (0, -26)]), colour)
        pen.blob(mirrored([(0, -31.5), (20, -29.5), (27, -26.5), (26.5, -21), (18, -23), (0, -24.5)]), dark)
        for x in (-18, -12, -6, 0, 6, 12, 18):
            pen.stroke([(x, -30.5 + abs(x) * 0.06), (x * 1.03, -24.5 + abs(x) * 0.08)], 0.8, colour, 0.0)
    elif kind < 0.7:
        side = 1 if face.traits.turn > 0 else -1
        pen.blob(mirrored([(0, -47), (13, -44), (23, -35), (25.5, -24), (25.5, -22), (0, -24)]), colour)
        pen.blob(
            [(-20 * side, -27), (4 * side, -31), (24 * side, -29), (33 * side, -22), (22 * side, -22.5), (0, -23.5)],
            dark,
        )
        pen.oval(0, -47, 2.0, 1.2, dark)
    else:
        pen.blob(mirrored([(0, -46), (10, -48), (18, -44), (21.5, -30), (22, -24), (0, -24)]), colour)
        pen.blob(mirrored([(0, -31), (21.6, -30), (22.5, -24), (0, -25)]), dark)
        pen.blob(
            mirrored([(0, -26.5), (20, -26.5), (33, -24.5), (34, -22), (20, -21.5), (0, -22.5)]), shaded(colour, 0.9)
        )


def draw_earrings(pen: Pen, face: Face, paint: Palette) -> None:
    """A stud at each lobe and a drop below it, in a colour apart from hair, skin and clothes."""
    if not face.attributes["Wearing_Earrings"]:
        return
    rim = shaded(paint.jewel, 0.66)
    for side in (-1, 1):
        x = side * (outline(face).cheek + 1.9)
        pen.oval(x, EARS + 5.2, 1.5, 1.5, rim)
        drop = np.array([0, 2.2 + 4.4j, 1.9 + 6.4j, 7.4j, -1.9 + 6.4j, -2.2 + 4.4j])
        pen.blob(complex(x, EARS + 5.6) + drop, rim)
        pen.blob(complex(x, EARS + 6.2) + 0.76 * drop, paint.jewel)
