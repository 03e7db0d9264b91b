"""Pictures from seeds or from w, the same ones whether they are made alone or with others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganGenerator

MOST_NUMBERS = 2**24  # in the largest layer of the pictures that are generated at once
MOST_PICTURES = 64  # at once
FEW_BATCHES = 3  # are made sooner without a graph, which takes half a second (32x32) to two (1024x1024) to make


Label = int | list[float]  # the number of a class, or a vector of as many numbers as the network takes


class Look(NamedTuple):
    """What all pictures have in common; see networks.generator.Generator."""

    psi: float = 0.7
    cutoff: int = 8
    noise: str = "random"  # random: by the picture's seed; const; none; maps: those of the inputs
    stage: int | None = None
    fade: float = 1.0


@dataclass(frozen=True)
class Inputs:
    """What the pictures are made from, one row each; either w, or seeds (and labels)."""

    seeds: Sequence[int]
    labels: Sequence[Label] | None = None
    w: np.ndarray | None = None  # [N, w_dim], or [N, num_layers, w_dim] with one for each layer
    noise: Sequence[np.ndarray] = ()  # [N, H, W, 1] per layer of the synthesis


def has_w(Gs) -> bool:
    """Whether a generator maps z to w first; config A's does not."""
    return hasattr(Gs, "mapping")


def random_noise(Gs: "Generator | ProganGenerator", num: int, seed: int) -> list[np.ndarray]:
    """Fresh noise for `num` pictures, N(0, 1): a list of float32 [num, H, W, 1], one per layer of the synthesis.

    Picture i of a larger `num` has other noise than picture i of a smaller one; ask for one picture at a time, each
    with its own seed, where that matters. Networks without noise have an empty list.
    """
    if not has_w(Gs):
        return []
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((num, *shape), np.float32) for shape in Gs.synthesis.noise_shapes()]


def to_uint8(images) -> np.ndarray:
    """Pictures [..., H, W, C] in about [-1, 1], of any backend -> uint8, each what PIL's Image.fromarray takes.

    A grey one it takes without its last axis: pixels[0, :, :, 0].
    """
    from keras import ops

    from stylegan_tf.ops import pixels

    return ops.convert_to_numpy(pixels.to_uint8(images))


def latents(seeds: Sequence[int], z_dim: int) -> np.ndarray:
    """z of every seed, [N, z_dim] float32: RandomState(seed).randn(z_dim), as in the official figures."""
    return np.stack([np.random.RandomState(seed).randn(z_dim) for seed in seeds]).astype(np.float32)


def pictures_of(
    Gs: "Generator | ProganGenerator", inputs: Inputs, look: Look
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(w, a row of inputs.w or [w_dim]; pixels uint8 [H, W, C]) of every picture, in batches that keep memory flat.

    Without a w (config A) its place is taken by z.
    """
    from keras import ops

    from stylegan_tf.networks.as_graphs import graph_of

    size, paint = batch_size(Gs), _painter(Gs, look)
    if len(inputs.seeds) > FEW_BATCHES * size:
        paint = graph_of(Gs, paint)
    for start in range(0, len(inputs.seeds), size):
        rows = slice(start, start + size)
        seeds = inputs.seeds[rows]
        z = latents(seeds, Gs.z_dim) if inputs.w is None else None
        labels = None if inputs.labels is None else label_rows(inputs.labels[rows], Gs.label_size)
        w = None if inputs.w is None else inputs.w[rows]
        noise: str | list[np.ndarray] = look.noise
        if noise == "random":
            each = [random_noise(Gs, 1, seed) for seed in seeds]
            noise = [np.concatenate(layer) for layer in zip(*each, strict=True)]
        elif noise == "maps":
            noise = [layer[rows] for layer in inputs.noise]
        w, pixels = paint(z, labels, w, noise)
        yield from zip(ops.convert_to_numpy(w), ops.convert_to_numpy(pixels), strict=True)


def _painter(Gs: "Generator | ProganGenerator", look: Look) -> Callable:
    """(z, labels, w, noise) -> (w, or z without one; pixels uint8 [N, H, W, C]). w is given instead of z and labels."""
    from stylegan_tf.ops.blend import truncate
    from stylegan_tf.ops.pixels import to_uint8

    def paint(z, labels, w, noise):
        if not has_w(Gs):
            return z, to_uint8(Gs(z, labels, stage=look.stage, fade=look.fade))
        w = Gs.mapping(z, labels) if w is None else w
        ws = w if len(w.shape) == 3 else Gs.broadcast(w)
        if Gs.synthesis.use_styles:
            ws = truncate(ws, Gs.w_avg, look.psi, look.cutoff)
        return w, to_uint8(Gs.synthesis(ws, noise=noise, stage=look.stage, fade=look.fade))

    return paint


def label_rows(labels: Sequence[Label], label_size: int) -> np.ndarray:
    """float32 [len(labels), label_size]: classes one-hot, and vectors as they are."""
    one_hot = np.eye(label_size, dtype=np.float32)
    return np.stack([one_hot[each] if isinstance(each, int) else np.array(each, np.float32) for each in labels])


def batch_size(Gs: "Generator | ProganGenerator") -> int:
    """Pictures to generate at once, so that the memory for them is about the same for every network."""
    largest = max(4**stage * Gs.width(stage) for stage in range(2, Gs.last_stage + 1))
    return min(max(1, MOST_NUMBERS // largest), MOST_PICTURES)
