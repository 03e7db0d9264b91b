"""Draws depend on seed, purpose and sample alone; rows of the minibatch go to replicas in whole groups."""

import numpy as np
import pytest
import tensorflow as tf
from refusals import raises

from stylegan_tf import draws
from stylegan_tf.draws import Rows


def test_rows_of_a_replica_by_hand():
    """8 rows in groups of 4: group m holds the rows m, m + 2, m + 4, m + 6."""
    assert Rows(8, 4).numbers() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert Rows(8, 4, 2, 0).numbers() == [0, 2, 4, 6]
    assert Rows(8, 4, 2, 1).numbers() == [1, 3, 5, 7]
    assert Rows(8, 2, 2, 0).numbers() == [0, 1, 4, 5]
    assert Rows(8, 2, 2, 1).numbers() == [2, 3, 6, 7]
    assert Rows(6, 1, 3, 2).numbers() == [4, 5]
    assert Rows(8, 4, 2).count == 4


@pytest.mark.parametrize(("minibatch", "group", "replicas"), [(8, 4, 4), (6, 4, 1), (7, 1, 2)])
def test_rows_that_cannot_be_shared(minibatch, group, replicas):
    with raises(ValueError, "minibatch", group * replicas):
        Rows(minibatch, group, replicas)


@pytest.mark.parametrize("draw", [draws.normal, draws.uniform])
@pytest.mark.parametrize("kind", [int, lambda replica: tf.constant(replica, tf.int32)], ids=["int", "tensor"])
@pytest.mark.parametrize(("group", "replicas"), [(1, 1), (4, 1), (1, 2), (4, 2), (4, 4), (2, 4)])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 1)])
def test_pieces_are_the_whole_bitwise(draw, kind, group, replicas, shape):
    whole = draw(7, "noise", 100, Rows(16), shape).numpy()
    assert whole.shape == (16, *shape)
    seen = []
    for replica in range(replicas):
        rows = Rows(16, group, replicas, kind(replica))
        numbers = np.array(rows.numbers())
        assert draw(7, "noise", 100, rows, shape).numpy().tobytes() == whole[numbers].tobytes()
        seen += numbers.tolist()
    assert sorted(seen) == list(range(16))


@pytest.mark.parametrize("nimg", [0, 24, 25_000_000])
def test_a_sample_keeps_its_numbers_wherever_its_minibatch_begins(nimg):
    together = draws.normal(7, "z", nimg, Rows(16), (6,)).numpy()
    later = draws.normal(7, "z", tf.constant(nimg + 8, tf.int64), Rows(8), (6,)).numpy()
    assert later.tobytes() == together[8:].tobytes()


def test_no_number_comes_twice():
    """Neither along a row, nor in another row, purpose or seed."""
    numbers = [
        draws.normal(seed, purpose, 0, Rows(16), (9,)).numpy().ravel() for seed in (7, 8) for purpose in ("D z", "G z")
    ]
    assert len(np.unique(numbers)) == 4 * 16 * 9


def test_uniform_covers_its_range_evenly():
    numbers = draws.uniform(7, "factor", 0, Rows(100), (400,)).numpy()
    assert numbers.dtype == np.float32 and numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, 10, (0, 1))[0]
    assert np.abs(counts - 4000).max() < 5 * 60  # five standard deviations: sqrt(40000 x 0.1 x 0.9) = 60


def test_normal_moments():
    numbers = draws.normal(7, "z", 0, Rows(100), (400,)).numpy().astype(np.float64)
    error = 1 / np.sqrt(numbers.size)
    assert abs(numbers.mean()) < 5 * error
    assert abs(numbers.var() - 1) < 5 * np.sqrt(2) * error
    assert abs((numbers**4).mean() - 3) < 5 * np.sqrt(96) * error  # the variance of x^4 is 105 - 9
    rows = np.corrcoef(numbers) - np.eye(100)
    assert np.abs(rows).max() < 6 / np.sqrt(400)  # 4950 pairs


def test_half_of_the_pictures_are_mirrored():
    flipped = draws.mirrored(7, 0, Rows(10_000)).numpy()
    assert flipped.dtype == bool
    assert abs(flipped.sum() - 5000) < 5 * 50


def test_shares_by_hand():
    """16 rows in groups of 4 are 4 groups, row r in group r mod 4; two shares: groups 0 and 1, groups 2 and 3."""
    assert draws.share_of(Rows(16, 4), 2).numpy().tolist() == [0, 0, 1, 1] * 4
    assert draws.share_of(Rows(16, 4), 1).numpy().tolist() == [0] * 16
    assert draws.share_of(Rows(16, 4), 4).numpy().tolist() == [0, 1, 2, 3] * 4
    assert draws.share_of(Rows(16, 4, 2, 1), 2).numpy().tolist() == [1] * 8
    assert draws.share_of(Rows(16, 4, 2, tf.constant(1)), 4).numpy().tolist() == [2, 3] * 4
    assert draws.share_of(Rows(8, 1), 2).numpy().tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def cutoffs_of_many(shares, layers, probability, steps=100):
    """[steps, shares]: one number per share."""
    rows = Rows(4 * shares, 4)
    drawn = [
        draws.cutoffs(7, "D cutoff", step * rows.minibatch, rows, shares, layers, probability) for step in range(steps)
    ]
    return np.reshape(drawn, (steps, 4, shares))


def test_cutoffs_are_layers_above_the_first():
    drawn = cutoffs_of_many(shares=2, layers=6, probability=1.0)
    assert np.unique(drawn).tolist() == [1, 2, 3, 4, 5]
    assert np.all(drawn == drawn[:, :1]), "the rows of a share differ"
    assert np.mean(drawn[:, 0, 0] != drawn[:, 0, 1]) > 0.5, "the shares are alike"  # 4 in 5 differ
    assert np.all(cutoffs_of_many(shares=1, layers=2, probability=1.0, steps=20) == 1)


def test_cutoffs_without_mixing():
    assert np.all(cutoffs_of_many(shares=2, layers=6, probability=0.0, steps=20) == 6)


def test_cutoffs_mix_with_their_probability():
    drawn = cutoffs_of_many(shares=2, layers=6, probability=0.9)[:, 0]
    assert abs(np.mean(drawn < 6) - 0.9) < 5 * 0.3 / np.sqrt(200)


def test_cutoffs_of_replicas_are_those_of_the_whole():
    whole = draws.cutoffs(7, "D cutoff", 64, Rows(16, 2), 4, 10, 0.9).numpy()
    assert len(np.unique(whole)) > 1
    for replica in range(2):
        rows = Rows(16, 2, 2, replica)
        assert draws.cutoffs(7, "D cutoff", 64, rows, 4, 10, 0.9).numpy().tolist() == whole[rows.numbers()].tolist()
