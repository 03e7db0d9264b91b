"""Ways through latents for videos: each frame a point on a line, an arc, or a smooth closed curve."""

from collections.abc import Iterator

import numpy as np

KINDS = ("lerp", "slerp", "spline")


def positions(keys: int, frames: int, loop: bool) -> np.ndarray:
    """Where each frame is between the keys, [frames] from 0 to keys (loop: back at the first) or to keys - 1.

    In a loop the last frame is the first one again, so that a player that repeats it shows no jump.
    """
    return np.linspace(0, keys if loop else keys - 1, frames)


def walk(keys: np.ndarray, frames: int, kind: str = "spline", loop: bool = True) -> Iterator[np.ndarray]:
    """Points on the way through `keys` [K, ...], `frames` of them, one at a time.

    lerp: straight lines. slerp: arcs between directions, with the length in between (for z, which lies on a sphere).
    spline: a cubic through all keys with continuous curvature, closed in a loop. One key alone stands still.
    """
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    if len(keys) == 1:
        return iter(np.repeat(keys, frames, axis=0))
    at = positions(len(keys), frames, loop)
    knots = np.concatenate([keys, keys[:1]]) if loop else keys
    if kind == "spline":
        return _spline(knots, at, loop)
    return _between(knots, at, _slerp if kind == "slerp" else _lerp)


def _spline(knots: np.ndarray, at: np.ndarray, loop: bool) -> Iterator[np.ndarray]:
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(np.arange(len(knots)), knots, bc_type="periodic" if loop else "natural")
    return (curve(one).astype(knots.dtype) for one in at)


def _between(knots: np.ndarray, at: np.ndarray, way) -> Iterator[np.ndarray]:
    for one in at:
        first = min(int(one), len(knots) - 2)
        yield way(knots[first], knots[first + 1], one - first).astype(knots.dtype)


def _lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    return a + (b - a) * t


def _slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Along the last axis; lengths change evenly."""
    from_length, to_length = (np.linalg.norm(vector, axis=-1, keepdims=True) for vector in (a, b))
    one, other = a / np.maximum(from_length, 1e-12), b / np.maximum(to_length, 1e-12)
    angle = np.arccos(np.clip(np.sum(one * other, axis=-1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    small = sine < 1e-6
    safe = np.where(small, 1, sine)
    weights = [np.where(small, 1 - t, np.sin((1 - t) * angle) / safe), np.where(small, t, np.sin(t * angle) / safe)]
    return (weights[0] * one + weights[1] * other) * _lerp(from_length, to_length, t)
