"""The backdrop, clothes, necktie and necklace."""

import numpy as np
from PIL import Image

from stylegan_tf.data.faces.head import outline
from stylegan_tf.data.faces.palette import BACKDROPS, CLOTHES, Palette, among, ramp, shaded
from stylegan_tf.data.faces.pen import Pen, mirrored
from stylegan_tf.data.faces.traits import Face

WHITE = (250, 250, 252)


def backdrop(face: Face, size: int) -> Image.Image:
    """A square of `size` pixels: a soft diagonal gradient between two pastel colours."""
    traits = face.traits
    near = shaded(ramp(BACKDROPS, traits.backdrop), 1.01)
    far = shaded(
        ramp(BACKDROPS, abs(traits.backdrop + traits.backdrop_drift) % 1.0), 0.95 - 0.09 * traits.backdrop_depth
    )
    share = (np.add.outer(np.arange(8), np.arange(8)) / 14.0)[:, :, None]
    grid = np.rint((1.0 - share) * np.array(near) + share * np.array(far)).astype(np.uint8)
    return Image.fromarray(grid).resize((size, size), Image.Resampling.BILINEAR)


def draw_shoulders(pen: Pen, face: Face, paint: Palette) -> None:
    """Shoulders in a jumper, or in a jacket with a Wearing_Necktie."""
    wide = 44.0 if face.attributes["Male"] else 37.0
    pen.blob(
        mirrored([(0, 32), (10, 33), (20, 36.5), (wide - 5, 41), (wide, 50), (wide + 2, 70), (0, 70)]), paint.cloth
    )


def draw_neckline(pen: Pen, face: Face, paint: Palette) -> None:
    """What lies over the neck: collar and tie, or the edge of the jumper; then the necklace."""
    has, traits = face.attributes, face.traits
    wide = 11.5 if has["Male"] else 8.8
    dark = shaded(paint.cloth, 0.78)
    if has["Wearing_Necktie"]:
        _draw_tie(pen, face, paint, wide)
    elif traits.neckline < 0.4:  # round
        pen.blob(
            [
                (-wide - 5.5, 35),
                (-wide, 39.5),
                (0, 42.5),
                (wide, 39.5),
                (wide + 5.5, 35),
                (wide + 9, 60),
                (-wide - 9, 60),
            ],
            paint.cloth,
        )
        pen.stroke([(-wide - 5, 35), (-wide + 1, 40.4), (0, 43.2), (wide - 1, 40.4), (wide + 5, 35)], 1.8, dark, 0.2)
    elif traits.neckline < 0.7:  # an open collar
        pen.fill([(-wide - 7, 33), (0, 49), (wide + 7, 33), (wide + 14, 60), (-wide - 14, 60)], paint.cloth)
        for side in (-1, 1):
            pen.fill(
                [(side * (wide - 0.5), 31), (side * (wide + 5), 33), (side * (wide + 1), 46), (side * 1.5, 47)], dark
            )
    else:  # high
        pen.fill(
            [
                (-wide - 9, 36.2),
                (-wide - 1, 33),
                (0, 36),
                (wide + 1, 33),
                (wide + 9, 36.2),
                (wide + 12, 60),
                (-wide - 12, 60),
            ],
            paint.cloth,
        )
        pen.blob([(-wide - 1.5, 32), (0, 35), (wide + 1.5, 32), (wide + 3, 40), (0, 43.5), (-wide - 3, 40)], dark)
    if has["Wearing_Necklace"]:
        _draw_necklace(pen, face, paint, wide)


def _draw_tie(pen: Pen, face: Face, paint: Palette, wide: float) -> None:
    pen.fill([(-wide - 2, 31), (0, 38), (wide + 2, 31), (7, 60), (-7, 60)], WHITE)
    for side in (-1, 1):
        pen.fill(
            [(side * (wide + 2), 31), (side * (wide + 6), 34), (side * 6, 60), (side * 14, 60), (side * 30, 60)],
            paint.cloth,
        )
        lapel = [(side * (wide + 1), 32), (side * (wide + 7), 35), (side * (wide + 6), 44), (side * 5.5, 56)]
        pen.fill(lapel, shaded(paint.cloth, 0.74))
        pen.fill([(side * wide, 30), (side * (wide + 2.5), 32), (side * 7, 42.5), (side * 1.5, 37.5)], (226, 228, 236))
    tie = among(CLOTHES, (face.traits.clothes + 0.4) % 1.0, [paint.cloth, WHITE], 80)
    pen.fill([(-3.6, 37), (3.6, 37), (2.4, 42), (-2.4, 42)], shaded(tie, 0.8))
    pen.fill([(-2.4, 42), (2.4, 42), (5.2, 60), (-5.2, 60)], tie)


def _draw_necklace(pen: Pen, face: Face, paint: Palette, wide: float) -> None:
    """Beads from shoulder to shoulder, below the second chin if there is one."""
    low = max(42.5, outline(face).bottom + 12.0)
    angle = np.linspace(0.06, 0.94, 9) * np.pi
    for bead in (wide + 1.0) * np.cos(angle) + 1j * (34.5 + (low - 34.5) * np.sin(angle)):
        pen.oval(bead.real, bead.imag, 1.75, 1.75, shaded(paint.jewel, 0.72))
        pen.oval(bead.real - 0.2, bead.imag - 0.2, 1.4, 1.4, paint.jewel)
    pen.oval(0, low + 3.2, 2.5, 2.9, shaded(paint.jewel, 0.72))
    pen.oval(-0.2, low + 3.0, 2.0, 2.4, paint.jewel)
