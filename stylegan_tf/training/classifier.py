"""Training of networks that say whether a picture has an attribute (paper sec. 4.2 and app. C)."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from stylegan_tf.configs.classifiers import Recipe
from stylegan_tf.data.pipeline import pictures_of
from stylegan_tf.errors import Failure

CALL_PIXELS = 2**20  # of the minibatches that one call of the graph trains on
LOGITS_PIXELS = 2**19  # of the pictures that are judged at once

Read = Callable[[np.ndarray], np.ndarray]  # int64 [n] -> uint8 [n, H, W, C], the pictures of these numbers
Say = Callable[[int, float], None]  # (pictures shown, mean loss of the last ones)


@dataclass(frozen=True)
class Score:
    """How well logits tell pictures that have an attribute from others, on pictures that were not trained on."""

    accuracy: float  # share that is right
    balanced: float  # mean over both kinds of pictures (those that occur) of the share that is right
    majority: float  # accuracy of saying the same about every picture
    pictures: int


def score(logits: np.ndarray, truth: np.ndarray) -> Score:
    """Judges logits [n] by the truth, bool [n]. A positive logit says that the attribute is present."""
    right = (logits > 0) == truth
    balanced = np.mean([right[truth == kind].mean() for kind in (True, False) if (truth == kind).any()])
    share = truth.mean()
    return Score(float(right.mean()), float(balanced), float(max(share, 1 - share)), len(truth))


def cross_entropy(logits, signs):
    """-log softmax([l, -l])[class] = softplus(-2 s l), s = 1 where the attribute is present (class 0), else -1.

    logits, signs: [n, A] -> [n], the mean over the attributes.
    """
    return tf.reduce_mean(tf.nn.softplus(-2 * signs * logits), axis=1)


def learning_rates(recipe: Recipe, steps: int) -> np.ndarray:
    """The learning rate of every step, float32 [steps]: constant up to decay_from, then linear to nothing."""
    done = np.arange(steps) / steps
    falling = (1 - done) / max(1 - recipe.decay_from, 1e-9)
    return (recipe.learning_rate * np.minimum(1, falling)).astype(np.float32)


class Trainer:
    """Trains one network again and again, always from its first weights: the graph is made once.

    network: float [n, H, W, C] in [-1, 1] -> logits [n, A].
    """

    def __init__(self, network: keras.Model, recipe: Recipe, num_channels: int):
        self.network, self.recipe = network, recipe
        side = recipe.resolution
        self.variables = _used(network, tf.zeros([1, side, side, num_channels]))
        self.optimizer = keras.optimizers.Adam(recipe.learning_rate)
        self.optimizer.build(self.variables)
        self._changing = [*network.variables, *self.optimizer.variables]
        self._first = [variable.numpy() for variable in self._changing]
        shape = [None, recipe.minibatch, side, side, num_channels]
        steps = (
            tf.TensorSpec(shape, tf.uint8),
            tf.TensorSpec([None, recipe.minibatch, None]),
            tf.TensorSpec([None]),
        )
        judged = (tf.TensorSpec([None, *shape[2:]], tf.uint8),)
        self._train = tf.function(self._steps, input_signature=steps, autograph=False)
        self._judge = tf.function(self._logits, input_signature=judged, autograph=False)

    @property
    def steps(self) -> int:
        """Of one training."""
        return max(1, round(self.recipe.total_kimg * 1000 / self.recipe.minibatch))

    def fit(self, read: Read, numbers: np.ndarray, truth: np.ndarray, say: Say) -> None:
        """Trains from the first weights. truth: bool [pictures, A] by picture number. Raises Failure where it diverges.

        Epoch after epoch shows the pictures of `numbers` in an order that depends on the seed alone.
        """
        for variable, first in zip(self._changing, self._first, strict=True):
            variable.assign(first)
        recipe, rates = self.recipe, learning_rates(self.recipe, self.steps)
        signs = np.where(truth, 1, -1).astype(np.float32)
        together = max(1, CALL_PIXELS // (recipe.minibatch * recipe.resolution**2))
        for start in range(0, self.steps, together):
            rate = rates[start : start + together]
            samples = start * recipe.minibatch + np.arange(len(rate) * recipe.minibatch)
            shown = numbers[pictures_of(samples, recipe.seed, len(numbers))]
            pictures = read(shown)
            minibatches = pictures.reshape(-1, recipe.minibatch, *pictures.shape[1:])
            loss = float(self._train(minibatches, signs[shown].reshape(*minibatches.shape[:2], -1), rate))
            if not np.isfinite(loss):
                raise Failure("the loss is no longer finite; the pictures or the recipe are at fault")
            say(int(samples[-1]) + 1, loss)

    def logits(self, read: Read, numbers: np.ndarray) -> np.ndarray:
        """float32 [len(numbers), A] of the pictures of these numbers."""
        batch = max(1, LOGITS_PIXELS // self.recipe.resolution**2)
        parts = [self._judge(read(numbers[at : at + batch])).numpy() for at in range(0, len(numbers), batch)]
        return np.concatenate(parts)

    def _steps(self, pictures, signs, rates):
        """Trains on minibatches uint8 [steps, n, H, W, C], signs [steps, n, A]. -> the mean of the losses."""
        steps = tf.shape(rates)[0]

        def train(step, total):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([variable.value for variable in self.variables])
                loss = tf.reduce_mean(cross_entropy(self._logits(pictures[step]), signs[step]))
            gradients = tape.gradient(loss, [variable.value for variable in self.variables])
            self.optimizer.learning_rate.assign(rates[step])
            self.optimizer.apply(gradients, self.variables)
            return step + 1, total + loss

        _, total = tf.while_loop(lambda step, _: step < steps, train, (tf.constant(0), tf.zeros([])))
        return total / tf.cast(steps, tf.float32)

    def _logits(self, pictures):
        return self.network(tf.cast(pictures, tf.float32) / 127.5 - 1)


def _used(network: keras.Model, images) -> list:
    """The trainable variables that the output depends on: a discriminator has conversions from RGB for every stage."""
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(images))
    gradients = tape.gradient(total, [variable.value for variable in network.trainable_variables])
    return [
        variable
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
        if gradient is not None
    ]
