"""Shapes on a canvas: points in hundredths of the picture's side, the origin at its centre, y downwards."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]] | np.ndarray

_STEPS = 6  # points that a smooth curve puts on each piece between two of its control points


def plane(points: Points) -> np.ndarray:
    """`[(x, y), ...]` -> complex numbers x + iy `[N]`; complex arrays pass through."""
    if isinstance(points, np.ndarray) and np.iscomplexobj(points):
        return points
    return np.asarray(points, np.float64).view(np.complex128).ravel()


def mirrored(half: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The right half of an outline (x >= 0, top to bottom) and its mirror image; points at x = 0 stay single."""
    return [*half, *((-x, y) for x, y in reversed(half) if x != 0)]


@lru_cache(maxsize=128)
def _spline(count: int, closed: bool) -> np.ndarray:
    """The matrix of a uniform Catmull-Rom curve through `count` points: control points -> points on the curve."""
    t = np.arange(_STEPS) / _STEPS
    pieces = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )
    spans = count if closed else count - 1
    matrix = np.zeros((spans * _STEPS + (not closed), count))
    for span in range(spans):
        for offset in range(4):
            index = span + offset - 1
            column = index % count if closed else min(max(index, 0), count - 1)
            matrix[span * _STEPS : (span + 1) * _STEPS, column] += pieces[:, offset]
    if not closed:
        matrix[-1, -1] = 1.0
    return matrix.astype(np.complex128)


@lru_cache(maxsize=16)
def circle(count: int = 28) -> np.ndarray:
    """`count` points on the unit circle, complex."""
    return np.exp(2j * np.pi * np.arange(count) / count)


def smooth(points: Points, closed: bool = True) -> np.ndarray:
    """A smooth curve through the points, complex; a point given twice makes a corner."""
    plain = plane(points)
    return _spline(len(plain), closed) @ plain


def scalloped(outline: np.ndarray, depth: float, length: float) -> np.ndarray:
    """Adds outward bumps `depth` high and about `length` long to a closed outline given clockwise on the screen."""
    closed = np.append(outline, outline[0])
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(closed)))])
    bumps = max(int(along[-1] / length), 3)
    where = np.linspace(0.0, along[-1], bumps * 8, endpoint=False)
    even = np.interp(where, along, closed.real) + 1j * np.interp(where, along, closed.imag)
    ahead = np.roll(even, -1) - np.roll(even, 1)
    outward = -1j * ahead / np.maximum(np.abs(ahead), 1e-6)
    return even + outward * (depth * np.abs(np.sin(np.arange(bumps * 8) * (np.pi / 8))))


class Pen:
    """Draws solid and translucent shapes on a square picture.

    `size`: side of the canvas in pixels. `place` moves all that follows: turned by `angle` degrees about (0, 30), where
    the neck is, scaled by `scale`, then moved by `shift`.
    """

    def __init__(self, picture: Image.Image):
        self.picture = picture
        self.size = picture.size[0]
        self._solid = ImageDraw.Draw(picture)
        self._glaze = ImageDraw.Draw(picture, "RGBA")
        self._factor: complex = 1.0
        self._offset: complex = 0.0
        self.place(0.0, 1.0, 0j)

    def place(self, angle: float, scale: float, shift: complex) -> None:
        turn = np.exp(1j * np.deg2rad(angle)) * scale
        self._factor = turn * self.size / 100.0
        self._offset = (30j - 30j * turn + shift + (50 + 50j)) * self.size / 100.0 - (0.5 + 0.5j)

    def fill(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """A filled polygon; `opacity` 0 to 1."""
        pixels = np.rint((plane(points) * self._factor + self._offset).view(np.float64)).tolist()
        if opacity >= 1.0:
            self._solid.polygon(pixels, fill=colour)
        else:
            self._glaze.polygon(pixels, fill=(*colour, round(255 * opacity)))

    def blob(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """A filled smooth shape through the points."""
        self.fill(smooth(points), colour, opacity)

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour, opacity: float = 1.0) -> None:
        """A filled ellipse about (x, y) with half-axes `wide` and `high`."""
        unit = circle()
        self.fill(complex(x, y) + wide * unit.real + 1j * high * unit.imag, colour, opacity)

    def stroke(self, points: Points, width: float, colour: Colour, taper: float = 1.0, opacity: float = 1.0) -> None:
        """A smooth open line; its ends are thinner by `taper` (0: even width, 1: pointed)."""
        line = smooth(points, closed=False)
        ahead = np.empty_like(line)
        ahead[1:-1] = line[2:] - line[:-2]
        ahead[0], ahead[-1] = line[1] - line[0], line[-1] - line[-2]
        profile = 1.0 - taper * np.linspace(-1.0, 1.0, len(line)) ** 2
        side = 0.5j * width * profile * ahead / np.maximum(np.abs(ahead), 1e-9)
        self.fill(np.concatenate([line + side, (line - side)[::-1]]), colour, opacity)

    def ring(self, outline: np.ndarray, width: float, colour: Colour) -> None:
        """A band of even width just inside a closed outline."""
        centre = outline.mean()
        inner = centre + (outline - centre) * (1.0 - width / np.abs(outline - centre))
        band = np.concatenate([outline, outline[:1], inner[:1], inner[::-1]])
        self.fill(band, colour)
