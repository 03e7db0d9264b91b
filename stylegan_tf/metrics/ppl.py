"""Perceptual path length (paper sec. 4.1, eqs. 2 and 3; official perceptual_path_length)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.draws import Rows
from stylegan_tf.errors import UserError
from stylegan_tf.metrics.definitions import NO_W
from stylegan_tf.metrics.samples import (
    Fakes,
    all_finite,
    each_batch,
    label_rows,
    latents,
    pictures_of_w,
    pictures_of_z,
)
from stylegan_tf.networks.sampling import has_w
from stylegan_tf.ops.blend import lerp, slerp
from stylegan_tf.ops.resample import downscale

SPACES, SAMPLINGS = ("z", "w"), ("full", "end")
EPSILON = 1e-4
MINIBATCH = 16  # pairs that share their noise, whatever is computed at once
LARGEST = 256  # sides of the pictures that the distance network sees

Distance = Callable  # (a, b), RGB float32 [n, H, W, 3] in 0..255 -> [n]; runs in a graph


def evaluate(
    fakes: Fakes,
    distance: Distance,
    space: str = "w",
    sampling: str = "end",
    num_samples: int = 100_000,
    epsilon: float = EPSILON,
    crop: bool = True,
) -> float:
    """Mean perceptual distance of pictures whose latents are `epsilon` apart, over epsilon^2, without the extremes.

    space: z, or w. sampling: 'full' along the whole path between two latents, 'end' at its beginning. num_samples is
    rounded up to whole minibatches of 16. Without the crop, at the end, in w, and with 50,000 samples this is the
    ppl2_wend of StyleGAN2. Raises UserError for w of a network without.
    """
    return trimmed_mean(distances(fakes, distance, space, sampling, num_samples, epsilon, crop))


def distances(
    fakes: Fakes, distance: Distance, space: str, sampling: str, num_samples: int, epsilon: float, crop: bool
) -> np.ndarray:
    """The distance of each pair of pictures over epsilon^2. -> [num_samples], rounded up to minibatches."""
    if space not in SPACES or sampling not in SAMPLINGS:
        raise ValueError(f"expected a space of {SPACES} and a sampling of {SAMPLINGS}, got {space!r}, {sampling!r}")
    if space == "w" and not has_w(fakes.Gs):
        raise UserError(NO_W)

    def function(fakes, first, rows):
        start, end = latents(fakes, "path start", first, rows), latents(fakes, "path end", first, rows)
        t = tf.zeros(rows.count)
        if sampling == "full":
            t = draws.uniform(fakes.seed, "metric path", first, rows)
        labels, noise = label_rows(fakes, first, rows), shared_noise(fakes, first, rows)
        images = pair(fakes, space, (start, end), t, epsilon, labels, noise)
        found = between(images, distance, crop) / epsilon**2
        return all_finite(images[: rows.count]) & all_finite(images[rows.count :]) & all_finite(found), found

    count = -(-num_samples // MINIBATCH) * MINIBATCH
    key = ("path", distance, space, sampling, epsilon, crop)
    parts = each_batch(fakes, function, count, "pairs", key, batch=whole_batch(fakes.batch))
    return np.concatenate([found for (found,) in parts])


def pair(fakes: Fakes, space: str, z: tuple[tf.Tensor, tf.Tensor], t, epsilon: float, labels, noise) -> tf.Tensor:
    """Pictures at t and at t + epsilon of the paths between two latents. -> [2 n, H, W, 3], first those at t.

    z: two of [n, z_dim]; t: [n]; noise: per layer, [1 or n, H, W, 1], of both. In z the path is a great circle, which
    is mapped; in w a line between mapped latents, the same in every layer. t + epsilon may exceed 1.
    """
    labels = None if labels is None else tf.concat([labels, labels], axis=0)
    noise = [tf.concat([layer, layer], axis=0) if layer.shape[0] > 1 else layer for layer in noise]
    if space == "z":
        start, end = z
        both = tf.concat([slerp(start, end, t), slerp(start, end, t + epsilon)], axis=0)
        return pictures_of_z(fakes, both, labels, noise)
    start, end = tf.split(fakes.Gs.mapping(tf.concat(z, axis=0), labels), 2)
    both = tf.concat([lerp(start, end, t[:, None]), lerp(start, end, t[:, None] + epsilon)], axis=0)
    return pictures_of_w(fakes, both, noise)


def between(images, distance: Distance, crop: bool):
    """Distances of the first half of the pictures from the second. [2 n, H, W, 3] in [-1, 1] -> [n]."""
    images = shrunk(cropped(images) if crop else images, LARGEST)
    return distance(*tf.split((images + 1) * 127.5, 2))


def cropped(images):
    """Rows 3/8 to 7/8 and columns 2/8 to 6/8: where the face is in FFHQ. [n, H, W, C] -> [n, H/2, W/2, C]."""
    unit = images.shape[1] // 8
    return images[:, 3 * unit : 7 * unit, 2 * unit : 6 * unit]


def shrunk(images, largest: int):
    """Means of square blocks, so that the sides are `largest` or less than twice that; smaller ones as they are."""
    return downscale(images, images.shape[1] // largest) if images.shape[1] > largest else images


def trimmed_mean(values: np.ndarray) -> float:
    """Mean of the values from the 1st percentile (the one below) to the 99th (the one above)."""
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    return float(np.mean(values[(values >= low) & (values <= high)], dtype=np.float64))


def whole_batch(batch: int) -> int:
    """The largest batch, `batch` at most, that fits into minibatches of 16 or is made of them."""
    return batch // MINIBATCH * MINIBATCH if batch >= MINIBATCH else 1 << (batch.bit_length() - 1)


def shared_noise(fakes: Fakes, first, rows: Rows) -> list[tf.Tensor]:
    """Noise of every layer, new for each minibatch of 16 and shared in it. [[1 or n, H, W, 1], ...]."""
    if not has_w(fakes.Gs):
        return []
    groups = rows.count // MINIBATCH
    number = tf.cast(first, tf.int64)
    if groups:
        number, whole = number // MINIBATCH, Rows(groups * rows.replicas, replicas=rows.replicas, replica=rows.replica)
    else:
        number, whole = (number + tf.cast(rows.starts()[0], tf.int64)) // MINIBATCH, Rows(1)
    noise = []
    for layer, shape in enumerate(fakes.Gs.synthesis.noise_shapes(fakes.stage)):
        each = draws.normal(fakes.seed, f"metric path noise{layer}", number, whole, shape)
        noise.append(tf.repeat(each, MINIBATCH, axis=0) if groups else each)
    return noise
