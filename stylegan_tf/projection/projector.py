"""Pictures back to what a generator makes them from: w, or a w for each layer, and noise maps (Karras et al. 2020).

Every picture of a minibatch is a problem of its own: its loss, its Adam and its random numbers, which are the same for
all pictures, know nothing of the others.

Two things are not the paper's. w is moved along its principal axes, in standard deviations: Adam moves every number
alike, and would else carry w far along axes that hardly show in a picture. And the search begins at the nearest of some
random w, not at their mean: there are fewer local minima to get out of, so that it needs less noise on w.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from stylegan_tf import draws
from stylegan_tf.draws import Rows
from stylegan_tf.ops.pixels import from_uint8, to_uint8
from stylegan_tf.ops.resample import downscale
from stylegan_tf.progress import Eta
from stylegan_tf.projection.noise import correlation, normalized
from stylegan_tf.projection.settings import Settings, learning_rate, w_noise

W_SAMPLES = 10_000
EXAMPLES = 1000  # of them that are tried as a beginning, but not more than there are steps
LARGEST = 256  # sides of the pictures that the distance network sees

Embedding = Callable  # RGB float32 [n, H, W, 3] in 0..255 -> [n, F], whose squared differences sum up to the distance


class Statistics(NamedTuple):
    """Of w, float32: the mean [w_dim]; the principal axes [w_dim, w_dim], each row a standard deviation long; and some
    w at random [EXAMPLES, w_dim], in these: w = mean + example @ axes."""

    mean: np.ndarray
    axes: np.ndarray
    examples: np.ndarray


class Losses(NamedTuple):
    """Of each picture, [n] float32. What is minimised is their weighted sum."""

    distance: Any
    pixels: Any  # mean squared difference
    correlation: Any  # of the noise maps


def w_statistics(Gs, seed: int, label: np.ndarray | None = None) -> Statistics:
    """Of 10,000 random latents. label: one-hot [label_size], of all of them."""
    z = draws.normal(seed, "projection z", 0, Rows(W_SAMPLES), (Gs.z_dim,))
    labels = None if label is None else tf.tile(tf.constant(label)[None], (W_SAMPLES, 1))
    w = np.asarray(Gs.mapping(z, labels)).astype(np.float64)
    mean = w.mean(axis=0)
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(w, rowvar=False)))
    lengths = np.sqrt(np.maximum(variances, variances[-1] * 1e-12))
    examples = (w[:EXAMPLES] - mean) @ directions / lengths
    return Statistics(*(part.astype(np.float32) for part in (mean, (directions * lengths).T, examples)))


class Projector:
    """Projects minibatches of `count` pictures: `start` one, `step` as often as there are steps, look at `found`.

    Gs: networks.generator.Generator of 1 or 3 channels. stage, fade: how far it was trained. The graphs are
    made once.
    """

    def __init__(
        self, Gs, embedding: Embedding, settings: Settings, count: int, stage: int | None = None, fade: float = 1.0
    ):
        self.Gs, self.embedding, self.settings = Gs, embedding, settings
        self.count, self.stage, self.fade = count, stage, fade
        self._synthesis = Gs.as_graphs().synthesis
        layers = Gs.synthesis.num_layers if settings.space == "w+" else 1
        w_dim = Gs.synthesis.w_dim
        self.along = keras.Variable(np.zeros((count, layers, w_dim), np.float32), name="along")
        self._means, self._axes = (
            keras.Variable(np.zeros((count, length, w_dim), np.float32), trainable=False, name=name)
            for name, length in (("means", 1), ("axes", w_dim))
        )
        shapes = Gs.synthesis.noise_shapes(stage) if settings.space == "wn" else []
        self.noise = [
            keras.Variable(np.zeros((count, *shape), np.float32), name=f"noise{layer}")
            for layer, shape in enumerate(shapes)
        ]
        self.optimizer = keras.optimizers.Adam(settings.learning_rate, epsilon=1e-8)
        self.optimizer.build(self.variables)
        self.on_tried: Callable[[str], object] = lambda text: None  # is told how far the search for a beginning is
        self._step = tf.function(self._one_step, autograph=False)
        self._look = tf.function(self._looked_at, autograph=False)
        self._embed = tf.function(self._embedded, autograph=False)

    @property
    def variables(self) -> list[keras.Variable]:
        """What is optimised: w along its axes [count, 1 or num_layers, w_dim], and the noise maps [count, H, W, 1]."""
        return [self.along, *self.noise]

    def start(self, pixels: np.ndarray, statistics: list[Statistics]) -> None:
        """Begins with other pictures, uint8 [count, H, W, C] at the generator's stage, at the mean of w."""
        seed = self.settings.seed
        self.along.assign(tf.zeros_like(self.along.value))
        self._means.assign(np.stack([one.mean for one in statistics])[:, None])
        self._axes.assign(np.stack([one.axes for one in statistics]))
        self._examples = np.stack([one.examples for one in statistics], axis=1)
        for layer, noise in enumerate(self.noise):
            drawn = draws.normal(seed, f"projection noise{layer}", 0, Rows(1), tuple(noise.shape[1:]))
            noise.assign(tf.tile(normalized(drawn), (self.count, 1, 1, 1)))
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros_like(variable.value))
        self._targets = from_uint8(pixels)
        self._seen = self._embed(self._targets)

    def step(self, number: int) -> None:
        """Step `number`, from 0 on. Before the first, w goes to the nearest example."""
        if number == 0:
            self._go_near()
        rate, spread = learning_rate(self.settings, number), w_noise(self.settings, number)
        numbers = tf.constant(number, tf.int64), tf.constant(rate), tf.constant(spread)
        self._step(*numbers, self._targets, self._seen)

    def _go_near(self) -> None:
        """Of the examples and the mean, w is that whose picture is nearest, for each target by itself."""
        examples = self._examples[: self.settings.steps]
        nearest, chosen = self._distance(), np.zeros_like(self._examples[0])
        eta = Eta(len(examples), "beginnings tried")
        for tried, example in enumerate(examples, start=1):
            self.along.assign(np.broadcast_to(example[:, None], self.along.shape))
            distance = self._distance()
            chosen = np.where((distance < nearest)[:, None], example, chosen)
            nearest = np.minimum(distance, nearest)
            self.on_tried(eta.text(tried))
        self.along.assign(np.broadcast_to(chosen[:, None], self.along.shape))

    def _distance(self) -> np.ndarray:
        """[count], without copying the pictures."""
        return self._look(self._targets, self._seen)[1].distance.numpy()

    def found(self) -> tuple[np.ndarray, Losses]:
        """The pictures as they are now, without noise on w: uint8 [count, H, W, C], and their losses."""
        pixels, losses = self._look(self._targets, self._seen)
        return pixels.numpy(), Losses(*(loss.numpy() for loss in losses))

    def ws(self) -> np.ndarray:
        """[count, num_layers, w_dim] float32."""
        w = self._w(self.along.value).numpy()
        return np.repeat(w, self.Gs.synthesis.num_layers // w.shape[1], axis=1)

    def noise_maps(self) -> list[np.ndarray]:
        """Of each layer: those that were found, [count, H, W, 1], or the stored ones, [1, H, W, 1]."""
        if self.noise:
            return [noise.numpy() for noise in self.noise]
        synthesis = self.Gs.synthesis
        return [
            np.asarray(getattr(synthesis, f"noise{layer}")) for layer in range(len(synthesis.noise_shapes(self.stage)))
        ]

    def state(self) -> dict[str, np.ndarray]:
        """All that changes from step to step, by name."""
        groups = self._groups().items()
        return {f"{name}{index}": variable.numpy() for name, group in groups for index, variable in enumerate(group)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Puts a `state` back, after `start` with the same pictures."""
        for name, group in self._groups().items():
            for index, variable in enumerate(group):
                variable.assign(state[f"{name}{index}"])

    def _groups(self) -> dict[str, list]:
        """The axes too: which way they point is not the same on every machine."""
        return {"variable": self.variables, "adam": self.optimizer.variables, "w": [self._means, self._axes]}

    def _one_step(self, number, rate, spread, targets, seen):
        settings, values = self.settings, [variable.value for variable in self.variables]
        drawn = draws.normal(settings.seed, "projection w", number, Rows(1), tuple(self.along.shape[1:]))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            losses = self._losses(self._images(self.along + spread * drawn), targets, seen)
            weighted = losses.distance + settings.pixel_weight * losses.pixels
            total = tf.reduce_sum(weighted + settings.noise_weight * losses.correlation)
        gradients = tape.gradient(total, values)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(gradients, self.variables)
        for noise in self.noise:
            noise.assign(normalized(noise.value))

    def _looked_at(self, targets, seen):
        images = self._images(self.along.value)
        return to_uint8(images), self._losses(images, targets, seen)

    def _w(self, along):
        """w of places on its axes, [count, 1 or num_layers, w_dim]."""
        return self._means.value + tf.matmul(along, self._axes.value)

    def _images(self, along):
        """Places on the axes of w [count, 1 or num_layers, w_dim] -> [count, H, W, C] in about -1..1."""
        w = self._w(along)
        ws = tf.repeat(w, self.Gs.synthesis.num_layers // w.shape[1], axis=1)
        noise = [noise.value for noise in self.noise] or "const"
        return self._synthesis(ws, noise=noise, stage=self.stage, fade=self.fade)

    def _losses(self, images, targets, seen) -> Losses:
        distance = tf.reduce_sum(tf.square(self._embedded(images) - seen), axis=1)
        pixels = tf.reduce_mean(tf.square(images - targets), axis=(1, 2, 3))
        spoilt = tf.add_n([correlation(noise.value) for noise in self.noise]) if self.noise else tf.zeros(self.count)
        return Losses(distance, pixels, spoilt)

    def _embedded(self, images):
        """[n, H, W, C] in -1..1 -> [n, F]."""
        if images.shape[-1] == 1:
            images = tf.repeat(images, 3, axis=-1)
        return self.embedding((downscale(images, max(1, images.shape[1] // LARGEST)) + 1) * 127.5)
