"""Directions along which a logit rises in as many pictures as possible."""

import numpy as np
import pytest
import tensorflow as tf
from metric_stubs import noisy_G

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import directions
from stylegan_tf.metrics.samples import Fakes


def light(images):
    return tf.reduce_mean(images, axis=(1, 2, 3))[:, None]


def red(images):
    return tf.reduce_mean(images[..., 0] - images[..., 2], axis=(1, 2))[:, None]


def found(replicas=1, **arguments):
    G = arguments.pop("G", None) or noisy_G()
    fakes = Fakes(G, Replicas(replicas), batch=16, **arguments)
    return directions.rising(fakes, [("light", light), ("red", red), ("none", lambda images: 0 * light(images))], 48)


def test_what_most_vectors_agree_on():
    random = np.random.RandomState(0)
    vectors = np.concatenate([[[3, 1, 0]] * 20, random.normal(0, 0.1, (20, 3)) + [0, 1, 0]])
    vector = directions.agreed(vectors)
    assert (vectors @ vector > 0).all() and np.linalg.norm(vector) == pytest.approx(1)
    assert directions.agreed(np.concatenate([vectors, np.zeros((5, 3))])) == pytest.approx(vector)
    assert not directions.agreed(np.zeros((4, 3))).any()


def test_the_logit_rises_along_them():
    G, vectors = noisy_G(), found()
    assert vectors["attributes"].tolist() == ["light", "red", "none"]
    assert vectors["w"].dtype == np.float32 and not vectors["w"][2].any()
    w = np.asarray(G.mapping(np.random.RandomState(1).randn(64, G.z_dim).astype(np.float32)))
    for vector, judge in zip(vectors["w"], (light, red), strict=False):
        steps = np.std(w @ vector) * np.linspace(-1, 1, 5)[:, None, None] * vector
        logits = [np.asarray(judge(G.synthesis(G.broadcast((w + step).astype(np.float32))))) for step in steps]
        rises = (np.diff(np.stack(logits), axis=0) > 0).all(axis=0)
        assert rises.mean() > 0.75


def test_they_are_the_same_again_and_on_two_replicas():
    one = found()["w"]
    assert np.array_equal(one, found()["w"])
    assert np.abs(one - found(replicas=2)["w"]).max() < 0.05


def test_coarse_stages_and_classes():
    assert found(stage=3)["w"].shape == (3, 8)
    assert found(G=noisy_G(label_size=2), labels=np.eye(2, dtype=np.float32))["w"][0].any()
