"""What a run starts from: networks, optimizers, loss scales."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tiny
import tolerances

from stylegan_tf.configs.presets import F
from stylegan_tf.devices import Replicas
from stylegan_tf.training.state import State, lazy_correction, make_optimizer


@pytest.fixture(scope="module")
def state():
    return State(tiny.experiment(seed=5), Replicas(1))


def weights(network):
    return [variable.numpy() for variable in network.variables]


def test_Gs_starts_as_G(state):
    assert len(weights(state.G)) > 20
    for G, Gs in zip(weights(state.G), weights(state.Gs), strict=True):
        assert np.array_equal(G, Gs)
    assert all(one is not other for one, other in zip(state.G.variables, state.Gs.variables, strict=True))


def test_the_seed_makes_the_weights(state):
    same, other = (State(tiny.experiment(seed=seed), Replicas(1)) for seed in (5, 6))
    for network in ("G", "D"):
        first = weights(getattr(state, network))
        assert all(map(np.array_equal, first, weights(getattr(same, network))))
        assert not all(map(np.array_equal, first, weights(getattr(other, network))))


def test_two_replicas_start_with_the_same_numbers(state):
    one, two = tiny.numbers(state), tiny.numbers(State(tiny.experiment(seed=5), Replicas(2)))
    assert tiny.differing(one, two) == []


@pytest.mark.parametrize(("precision", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False)])
def test_precision(precision, scaled):
    state = State(tiny.experiment(precision=precision), Replicas(1))
    for network in (state.G.synthesis, state.D, state.Gs.synthesis):
        assert network.compute_dtype == precision.removeprefix("mixed_")
        assert {variable.dtype for variable in network.variables} == {"float32"}
    assert (state.G_scale.enabled, state.D_scale.enabled) == (scaled, scaled)


def test_two_steps_of_Adam_by_hand():
    """v1 = 0.01 x 4, v2 = 0.99 v1 + 0.01; the steps are lr sqrt(1 - 0.99^t) g / sqrt(v)."""
    weight = keras.Variable(np.array([1.0], np.float32))
    optimizer = make_optimizer(F, SimpleNamespace(trainable_variables=[weight]))
    optimizer.learning_rate.assign(0.5)
    optimizer.apply([np.array([2.0], np.float32)], [weight])
    assert abs(weight.numpy()[0] - 0.5) < tolerances.BY_HAND  # 1 - 0.5 x 0.1 x 2 / 0.2
    optimizer.apply([np.array([1.0], np.float32)], [weight])
    assert abs(weight.numpy()[0] - (0.5 - 0.5 * np.sqrt(0.0199) / np.sqrt(0.0496))) < tolerances.BY_HAND


def test_reset_forgets_all_but_the_learning_rate():
    state = State(tiny.experiment(), Replicas(1))
    for optimizer in (state.G_optimizer, state.D_optimizer):
        optimizer.learning_rate.assign(0.25)
        for variable in optimizer.variables:
            if variable is not optimizer._learning_rate:
                variable.assign(np.full(variable.shape, 3))
    before = weights(state.G), weights(state.D)
    state.reset_optimizers()
    for optimizer in (state.G_optimizer, state.D_optimizer):
        assert float(optimizer.learning_rate) == 0.25 and int(optimizer.iterations) == 0
        others = [variable.numpy() for variable in optimizer.variables if variable is not optimizer._learning_rate]
        assert len(others) > 20 and not any(map(np.any, others))
    assert all(map(np.array_equal, before[0], weights(state.G)))
    assert all(map(np.array_equal, before[1], weights(state.D)))


def test_lazy_penalties_correct_Adam_by_hand():
    """c = k / (k + 1): 16 / 17 of the rate, and beta to that power (StyleGAN2 app. B); nothing where k is 1."""
    chosen = tiny.experiment(r1_interval=16, adam_beta1=0.5)
    assert lazy_correction(chosen.training) == pytest.approx(0.9411765)
    assert lazy_correction(tiny.experiment().training) == 1
    state = State(chosen, Replicas(1))
    assert state.D_optimizer.beta_1 == pytest.approx(0.5208080) and state.D_optimizer.beta_2 == pytest.approx(0.9905854)
    assert (state.G_optimizer.beta_1, state.G_optimizer.beta_2) == (0.5, 0.99)
