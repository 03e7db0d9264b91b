"""Blending of latents, styles and pictures."""

from numbers import Real

from keras import ops


def lerp(a, b, t):
    """a + (b - a) t: linear interpolation."""
    return a + (b - a) * t


def slerp(a, b, t):
    """Spherical interpolation of the directions of a and b (paper sec. 4.1, eq. 2). a, b: [..., z_dim], t: [...].

    Returns unit vectors; where a and b point the same way, that direction.
    """
    a, b = ops.normalize(a, axis=-1), ops.normalize(b, axis=-1)
    cosine = ops.sum(a * b, axis=-1, keepdims=True)
    angle = ops.expand_dims(t, -1) * ops.arccos(ops.clip(cosine, -1, 1))
    across = ops.normalize(b - cosine * a, axis=-1)
    return ops.normalize(a * ops.cos(angle) + across * ops.sin(angle), axis=-1)


def crossfade(fine, coarse, fade):
    """fine where fade is 1, coarse where it is 0 (growing, Karras et al. 2017 fig. 2). Same shapes, fade: scalar.

    Exactly `fine` at fade 1: coarse then counts times zero.
    """
    return lerp(fine, coarse, ops.cast(1 - fade, fine.dtype))


def is_one(weight) -> bool:
    """Whether a weight is known to be 1 when a graph is made, so that what it weighs against can be left out of it."""
    return isinstance(weight, Real) and weight == 1


def truncates(psi, cutoff: int | None) -> bool:
    """Whether `truncate` changes anything, as far as is known when the graph is made."""
    return psi is not None and not is_one(psi) and cutoff is not None and cutoff > 0


def truncate(ws, w_avg, psi, cutoff: int | None):
    """w_avg + psi (w - w_avg) in the layers below `cutoff` (paper app. B). ws: [N, num_layers, w_dim], w_avg: [w_dim].

    psi: float or scalar tensor. psi None or 1, or cutoff None or <= 0: ws unchanged.
    """
    if not truncates(psi, cutoff):
        return ws
    layers = ops.reshape(ops.arange(ws.shape[1]), (1, -1, 1))
    return ops.where(layers < cutoff, lerp(w_avg, ws, psi), ws)


def with_styles(ws, other, layers: range):
    """ws with those of `other` in some layers. Both [N, num_layers, w_dim]."""
    return ops.concatenate([ws[:, : layers.start], other[:, layers.start : layers.stop], ws[:, layers.stop :]], axis=1)


def mix_styles(ws, other, cutoffs):
    """ws in the layers below a sample's cutoff, other from there on (paper sec. 3.1).

    ws, other: [N, num_layers, w_dim]; cutoffs: integers [N].
    """
    layers = ops.reshape(ops.arange(ws.shape[1]), (1, -1, 1))
    return ops.where(layers < ops.reshape(ops.cast(cutoffs, layers.dtype), (-1, 1, 1)), ws, other)
