"""The moving average of the generator."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from stylegan_tf.devices import Replicas
from stylegan_tf.training import ema


def test_decay_by_hand():
    assert ema.decay(10_000, 10.0) == pytest.approx(0.5)
    assert ema.decay(20_000, 10.0) == pytest.approx(0.25)
    assert ema.decay(8, 10.0) == pytest.approx(0.99944564, abs=1e-8)  # exp(-0.0008 ln 2)
    assert ema.decay(8, 0.0) == 0.0


def network(replicas, trained, fixed):
    with replicas.scope():
        return SimpleNamespace(
            trainable_variables=[keras.Variable(np.array(trained, np.float32))],
            non_trainable_variables=[keras.Variable(np.array(fixed, np.float32), trainable=False)],
        )


@pytest.mark.parametrize("count", [1, 2])
def test_trained_variables_are_averaged_and_the_others_copied(count):
    replicas = Replicas(count)
    G, Gs = network(replicas, [3.0, -1.0], [5.0]), network(replicas, [1.0, -1.0], [7.0])
    ema.update(replicas, Gs, G, 0.25)
    assert Gs.trainable_variables[0].numpy().tolist() == [2.5, -1.0]  # 3 + (1 - 3) / 4
    assert Gs.non_trainable_variables[0].numpy().tolist() == [5.0]
    assert G.trainable_variables[0].numpy().tolist() == [3.0, -1.0]
    ema.update(replicas, Gs, G, 0.0)
    assert Gs.trainable_variables[0].numpy().tolist() == [3.0, -1.0]


def test_every_replica_has_the_average():
    replicas = Replicas(2)
    G, Gs = network(replicas, [3.0], [5.0]), network(replicas, [1.0], [7.0])
    ema.update(replicas, Gs, G, 0.25)
    for variable, value in ((Gs.trainable_variables[0], 2.5), (Gs.non_trainable_variables[0], 5.0)):
        copies = replicas.strategy.experimental_local_results(variable.value)
        assert [copy.numpy().tolist() for copy in copies] == [[value], [value]]
