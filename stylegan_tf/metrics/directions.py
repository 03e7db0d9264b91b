"""Directions in W along which what a classifier says rises in as many pictures as possible, for edits.

The normals of linear separability's hyperplanes are another thing. They separate the most confident samples, are zeros
where these are of one class, and say nothing about the way between them: in the network that comes along the logit
rises step by step in less than a third of the pictures (docs/RESULTS.md). Here the gradient of the logit is taken at
many w, and a logistic regression finds the vector with which most of them agree.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from stylegan_tf.draws import Rows
from stylegan_tf.metrics.ls_samples import Classifiers, fitted
from stylegan_tf.metrics.samples import Fakes, all_finite, each_batch, kept, label_rows, latents, to_rgb
from stylegan_tf.ops.resample import upscale

POINTS, ROUNDS = 256, 4  # from the second on w are moved along what the rounds before have found
REACH = 2.0  # standard deviations of w, in which the logit is to rise
PSI = 0.7  # of the pictures, as edits show them
# Of the regression: the larger, the more it heeds the few pictures that do not agree, and the less the strength of the
# change (docs/RESULTS.md has both, for some).
C = 20.0
MANY = 4096  # w that the standard deviation is taken from


def rising(fakes: Fakes, classifiers: Classifiers, points: int = POINTS) -> dict[str, np.ndarray]:
    """{'attributes': names [A], 'w': unit vectors [A, w_dim] towards more of each}, for a generator that has a w.

    classifiers: see ls_samples. points: w of each round. Pictures have the stored noise. A vector is zeros where no
    picture can change a logit.
    """
    Gs = fakes.Gs
    samples = each_batch(fakes, _w, MANY + ROUNDS * points, "w for directions", "directions w")
    many, *rounds = np.split(np.concatenate([w for (w,) in samples]), [MANY + k * points for k in range(ROUNDS)])
    drawn = [np.asarray(Gs.w_avg) + PSI * (w - np.asarray(Gs.w_avg)) for w in rounds]
    paint, pull = _graphs(fakes)
    random = np.random.RandomState(fakes.seed)
    names, found = [], []
    for name, network in classifiers:
        vector, gradients = np.zeros(many.shape[1]), np.zeros((0, many.shape[1]))
        for own in drawn:
            far = random.uniform(-REACH, REACH, (points, 1)) * np.std(many @ vector)
            moved = (own + far * vector).astype(np.float32)
            gradients = np.concatenate([gradients, _gradients(fakes, moved, name, network, paint, pull)])
            vector = agreed(gradients)
        names.append(name)
        found.append(vector)
        fakes.on_progress("directions", len(names), max(len(names), 40))
    return {"attributes": np.array(names), "w": np.array(found, np.float32)}


def agreed(gradients: np.ndarray) -> np.ndarray:
    """The unit vector with which as many of the vectors [N, dim] as possible agree; zeros where all are zeros."""
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    unit = (gradients / np.maximum(lengths, 1e-30))[lengths[:, 0] > 0]
    if not len(unit):
        return np.zeros(gradients.shape[1])
    sides = np.repeat([1, 0], len(unit))
    machine = LogisticRegression(C=C, fit_intercept=False, max_iter=1000).fit(np.concatenate([unit, -unit]), sides)
    return machine.coef_[0] / np.linalg.norm(machine.coef_[0])


def _w(fakes: Fakes, first, rows: Rows) -> tuple[tf.Tensor, tf.Tensor]:
    w = fakes.Gs.mapping(latents(fakes, "directions", first, rows), label_rows(fakes, first, rows))
    return all_finite(w), w


def _graphs(fakes: Fakes) -> tuple[Callable, Callable]:
    """(w -> RGB pictures; w and gradients by them -> gradients by w), traced once for all classifiers and fades."""
    Gs, stage, growing = fakes.Gs, fakes.stage, fakes.fade != 1

    def painted(w, fade):
        images = Gs.synthesis(Gs.broadcast(w), noise="const", stage=stage, fade=fade if growing else 1.0)
        return upscale(to_rgb(images), Gs.resolution // images.shape[1])

    def pulled(w, fade, by_images):
        with tf.GradientTape() as tape:
            tape.watch(w)
            images = painted(w, fade)
        return tape.gradient(images, w, output_gradients=by_images)

    key = (stage, growing)
    paint = kept(fakes.graphs, ("directions paint", *key), lambda: tf.function(painted, autograph=False))
    pull = kept(fakes.graphs, ("directions pull", *key), lambda: tf.function(pulled, autograph=False))
    fade = tf.constant(fakes.fade, tf.float64)
    return lambda w: paint(w, fade), lambda w, by_images: pull(w, fade, by_images)


def _gradients(fakes: Fakes, w: np.ndarray, name: str, network: Any, paint: Callable, pull: Callable) -> np.ndarray:
    """Of the logits by w. [N, w_dim] -> [N, w_dim]."""
    found = []
    for start in range(0, len(w), fakes.batch):
        rows = tf.constant(w[start : start + fakes.batch])
        images = paint(rows)
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = network(fitted(images, name, network))
        found.append(pull(rows, tape.gradient(logits, images)).numpy())
    return np.concatenate(found)
