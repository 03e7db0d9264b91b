"""Training of attribute classifiers: scores and losses worked by hand, and a network that learns the obvious."""

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from refusals import failed

from stylegan_tf.configs.classifiers import CPU, PAPER
from stylegan_tf.networks.kinds import make
from stylegan_tf.training.classifier import Score, Trainer, cross_entropy, learning_rates, score

SMALL = replace(CPU, resolution=16, fmap_base=32, fmap_max=8, minibatch=16, total_kimg=0.48)
COUNT = 64


def test_score_by_hand():
    logits = np.array([2.0, -1.0, 0.5, -3.0, 1.0])
    truth = np.array([True, True, False, False, False])  # right: 1 of 2, 1 of 3
    assert score(logits, truth) == Score(accuracy=0.4, balanced=pytest.approx(5 / 12), majority=0.6, pictures=5)


def test_score_of_a_single_kind():
    assert score(np.array([1.0, -1.0]), np.array([True, True])) == Score(0.5, 0.5, 1.0, 2)


def test_cross_entropy_is_that_of_the_softmax_of_the_logit_and_its_negative():
    logits, signs = tf.constant([[0.7, -0.2], [1.5, 0.0]]), tf.constant([[1.0, -1.0], [-1.0, 1.0]])

    def one(logit, present):
        chance = math.exp(logit) / (math.exp(logit) + math.exp(-logit))  # of class 0, present
        return -math.log(chance if present else 1 - chance)

    expected = [(one(0.7, True) + one(-0.2, False)) / 2, (one(1.5, False) + one(0.0, True)) / 2]
    np.testing.assert_allclose(cross_entropy(logits, signs), expected, rtol=1e-6)


def test_learning_rates():
    assert learning_rates(PAPER, 3).tolist() == [np.float32(0.001)] * 3
    recipe = replace(CPU, learning_rate=1.0, decay_from=0.5)
    np.testing.assert_allclose(learning_rates(recipe, 8), [1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


@pytest.fixture(scope="module")
def trainer():
    return Trainer(make(SMALL.network(3), seed=1), SMALL, 3)


@pytest.fixture(scope="module")
def pictures():
    """Noise that is brighter in every other picture."""
    noise = np.random.default_rng(0).integers(0, 150, [COUNT, 16, 16, 3])
    return (noise + 80 * (np.arange(COUNT) % 2)[:, None, None, None]).astype(np.uint8)


def bright(names=1):
    return np.tile(np.arange(COUNT)[:, None] % 2 == 1, (1, names))


def weights(network):
    return [variable.numpy().tobytes() for variable in network.variables]


def test_an_obvious_attribute_is_learnt_and_again_to_the_same_bits(trainer, pictures):
    seen, train, rest = [], np.arange(0, 48), np.arange(48, COUNT)
    trainer.fit(pictures.__getitem__, train, bright(), lambda nimg, loss: seen.append((nimg, loss)))
    assert seen[-1][0] == 480 and trainer.steps == 30
    first = weights(trainer.network)
    assert score(trainer.logits(pictures.__getitem__, rest)[:, 0], bright()[rest, 0]).accuracy > 0.95
    trainer.fit(pictures.__getitem__, train, ~bright(), lambda *_: None)
    assert weights(trainer.network) != first
    trainer.fit(pictures.__getitem__, train, bright(), lambda *_: None)
    assert weights(trainer.network) == first


def test_only_pictures_to_train_on_are_shown(trainer, pictures):
    shown = []

    def read(numbers):
        shown.extend(numbers)
        return pictures[numbers]

    trainer.fit(read, np.arange(5, 37), bright(), lambda *_: None)
    assert sorted(set(shown)) == list(range(5, 37))
    assert {shown.count(number) for number in range(5, 37)} == {480 // 32}


def test_conversions_of_coarser_pictures_are_left_alone(trainer):
    names = {variable.path.split("/")[-2] for variable in trainer.variables}
    assert "b16_from_rgb" in names and not names & {"b4_from_rgb", "b8_from_rgb"}


def test_a_loss_that_is_not_finite_ends_it(trainer, pictures):
    broken = trainer.network.b4_dense1.bias
    at = next(index for index, variable in enumerate(trainer._changing) if variable is broken)
    before = trainer._first[at]
    trainer._first[at] = np.array([np.nan], np.float32)
    try:
        with failed("loss", "finite"):
            trainer.fit(pictures.__getitem__, np.arange(COUNT), bright(), lambda *_: None)
    finally:
        trainer._first[at] = before
