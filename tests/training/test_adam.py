"""Adam in one op: Keras's numbers, and steps that leave no trace."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf.training.adam import Adam

SETTINGS = {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-8}
SHAPES = ((3, 4), (5,), ())


def gradients(number: int) -> list[tf.Tensor]:
    random = np.random.default_rng(number)
    return [tf.constant(random.normal(size=shape), tf.float32) for shape in SHAPES]


def made(kind=Adam):
    """-> (optimizer, its variables)."""
    variables = [keras.Variable(np.ones(shape, np.float32), name=f"v{at}") for at, shape in enumerate(SHAPES)]
    optimizer = kind(**SETTINGS)
    optimizer.build(variables)
    return optimizer, variables


def numbers(optimizer, variables) -> list[np.ndarray]:
    return [np.asarray(part) for part in (*variables, *optimizer.variables)]


def test_the_numbers_are_those_of_keras() -> None:
    ours, theirs = made(), made(keras.optimizers.Adam)
    assert [part.name for part in ours[0].variables] == [part.name for part in theirs[0].variables]
    for number in range(5):
        ours[0].apply(gradients(number), ours[1])
        theirs[0].apply(gradients(number), theirs[1])
    for one, other in zip(numbers(*ours), numbers(*theirs), strict=True):
        assert np.abs(one - other).max() <= tolerances.BY_HAND


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_step_that_is_left_out_changes_no_bit(bad: float) -> None:
    optimizer, variables = made()
    step = tf.function(lambda number, finite: optimizer.apply(number, variables, finite))
    step(gradients(0), tf.constant(True))
    before = numbers(optimizer, variables)
    spoilt = gradients(1)
    spoilt[0] = tf.tensor_scatter_nd_update(spoilt[0], [[1, 2]], [bad])
    step(spoilt, tf.constant(False))
    assert [part.tobytes() for part in numbers(optimizer, variables)] == [part.tobytes() for part in before]
    step(gradients(2), tf.constant(True))
    other, others = made()
    for number in (0, 2):
        other.apply(gradients(number), others)
    for one, same in zip(numbers(optimizer, variables), numbers(other, others), strict=True):
        assert np.abs(one - same).max() <= tolerances.BY_HAND


def test_gradients_are_divided_by_the_loss_scale() -> None:
    plain, scaled = made(), made()
    plain[0].apply(gradients(0), plain[1])
    scaled[0].apply([gradient * 1024 for gradient in gradients(0)], scaled[1], True, tf.constant(1024.0))
    assert [part.tobytes() for part in numbers(*scaled)] == [part.tobytes() for part in numbers(*plain)]
