"""Pictures from seeds or from w, the same ones whether they are made alone or with others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganGenerator

LARGEST_SEED = 2**32 - 1  # of numpy's RandomState
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
    mix_layers: range = range(0)  # whose styles are those of the inputs' `mix`
    noise_layers: range | None = None  # that have noise; None: all
    noise_seed: int | None = None  # of random noise; None: the picture's
    offset: np.ndarray | None = None  # [num_layers, w_dim], what w is moved by after truncation


@dataclass(frozen=True)
class Inputs:
    """What the pictures are made from, one row each; either w, or seeds (and labels)."""

    seeds: Sequence[int]
    labels: Sequence[Label] | None = None
    w: np.ndarray | None = None  # [N, w_dim], or [N, num_layers, w_dim] with one for each layer
    noise: Sequence[np.ndarray] = ()  # [N, H, W, 1] per layer of the synthesis
    mix: Sequence[int] = ()  # seeds of the styles in Look.mix_layers; (): none


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
    offset = None if look.offset is None else look.offset[None]
    if len(inputs.seeds) > FEW_BATCHES * size:
        paint = graph_of(Gs, paint)
    for start in range(0, len(inputs.seeds), size):
        rows = slice(start, start + size)
        seeds = inputs.seeds[rows]
        z = latents(seeds, Gs.z_dim) if inputs.w is None else None
        labels = None if inputs.labels is None else label_rows(inputs.labels[rows], Gs.label_size)
        w = None if inputs.w is None else inputs.w[rows]
        other = latents(inputs.mix[rows], Gs.z_dim) if inputs.mix else None
        w, pixels = paint(z, labels, w, _noise(Gs, look, seeds, [layer[rows] for layer in inputs.noise]), other, offset)
        yield from zip(ops.convert_to_numpy(w), ops.convert_to_numpy(pixels), strict=True)


def _noise(Gs, look: Look, seeds: Sequence[int], maps: list[np.ndarray]) -> str | list[np.ndarray]:
    """The noise of pictures of some seeds, as networks.synthesis takes it. maps: those of the inputs."""
    from keras import ops

    match look.noise:
        case "random":
            each = [random_noise(Gs, 1, seed if look.noise_seed is None else look.noise_seed) for seed in seeds]
            maps = [np.concatenate(layer) for layer in zip(*each, strict=True)]
        case "const" if look.noise_layers is not None:
            stored = range(len(Gs.synthesis.noise_shapes(look.stage)))
            maps = [ops.convert_to_numpy(getattr(Gs.synthesis, f"noise{index}")) for index in stored]
        case "const" | "none":
            return look.noise
    return maps if look.noise_layers is None else kept(maps, look.noise_layers)


def kept(noise: Sequence[np.ndarray], layers: range) -> list[np.ndarray]:
    """The noise of some layers, and zeros in the others."""
    return [value if index in layers else np.zeros_like(value) for index, value in enumerate(noise)]


def _painter(Gs: "Generator | ProganGenerator", look: Look) -> Callable:
    """(z, labels, w, noise, other, offset) -> (w, or z without one; pixels uint8 [N, H, W, C]).

    w is given instead of z and labels. other: z of the styles in look.mix_layers, or None.
    """
    from stylegan_tf.ops.blend import truncate, with_styles
    from stylegan_tf.ops.pixels import to_uint8

    def paint(z, labels, w, noise, other, offset):
        if not has_w(Gs):
            return z, to_uint8(Gs(z, labels, stage=look.stage, fade=look.fade))
        w = Gs.mapping(z, labels) if w is None else w
        ws = w if len(w.shape) == 3 else Gs.broadcast(w)
        if other is not None:
            ws = with_styles(ws, Gs.broadcast(Gs.mapping(other, labels)), look.mix_layers)
        if Gs.synthesis.use_styles:
            ws = truncate(ws, Gs.w_avg, look.psi, look.cutoff)
        if offset is not None:
            ws = ws + offset
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
