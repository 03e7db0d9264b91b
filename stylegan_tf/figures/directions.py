"""Directions in W: those that separability found, and those that the weights themselves have (SeFa)."""

import numpy as np

MOST = 10  # of SeFa that have a name


def layer_name(Gs, number: int) -> str:
    """The layer of the synthesis network that a number means: two for each resolution, from 4x4."""
    side = 2 ** (number // 2 + 2)
    if side > 4:
        return f"b{side}_conv1" if number % 2 else f"b{side}_conv0_up"
    return "b4_conv" if number else "b4_const" if Gs.synthesis.const_input_layer else "b4_dense"


def style_weights(Gs, layers: range) -> np.ndarray:
    """What maps w to the styles of some layers, [sum of 2 channels, w_dim], as w is multiplied by it (paper eq. 1)."""
    found = []
    for number in layers:
        style = getattr(Gs.synthesis, f"{layer_name(Gs, number)}_epilogue").style
        found.append(np.asarray(style.weight).T * style.coefficient)
    return np.concatenate(found)


def sefa(weights: np.ndarray, count: int = MOST) -> np.ndarray:
    """Closed-form factorisation (Shen and Zhou 2021, arXiv 2007.06600, eq. 5): eigenvectors of A^T A.

    weights: A [rows, w_dim]; each row is normalised first, as published. -> unit vectors [count, w_dim], those that
    move the styles most first; the sign is such that the largest component is positive.
    """
    normal = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-12)
    _, vectors = np.linalg.eigh(normal.T @ normal)
    found = vectors.T[::-1][:count]
    signs = np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])
    return (found * signs[:, None]).astype(np.float32)


def spread(w: np.ndarray, direction: np.ndarray) -> float:
    """The standard deviation of w [N, w_dim] along a unit vector [w_dim]: what a step of 1 stands for.

    Some components of w vary ten times as much as others, and each step should be as bold in all directions.
    """
    return float(np.std(w @ direction))


def moved(ws: np.ndarray, direction: np.ndarray, steps: np.ndarray, layers: range) -> np.ndarray:
    """ws [N, layers, w_dim] moved along a vector [w_dim] by each of `steps`, in some layers alone.

    -> [N, len(steps), layers, w_dim].
    """
    found = np.repeat(ws[:, None], len(steps), axis=1)
    found[:, :, layers.start : layers.stop] += steps[None, :, None, None] * direction
    return found.astype(np.float32)
