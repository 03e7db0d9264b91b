import numpy as np
import pytest
from metric_stubs import Pixels, noisy_G
from refusals import refused

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import precision_recall as pr
from stylegan_tf.metrics.samples import Fakes


def column(*values) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


# Third nearest others: of the reals at 3, 2, 2, 3, 99; of the fakes at 7.5, 8.5, 11.5, 11.5.
REALS, FAKES = column(0, 1, 2, 3, 100), column(4, 5, 8, -3.5)


def test_radii_by_hand():
    assert np.sqrt(pr.radii(REALS)).tolist() == [3, 2, 2, 3, 99]
    assert np.sqrt(pr.radii(FAKES)).tolist() == [7.5, 8.5, 11.5, 11.5]
    assert np.sqrt(pr.radii(REALS, 1)).tolist() == [1, 1, 1, 1, 97]


@pytest.mark.parametrize("at_once", [1, 12, 2**24])  # distances: one row, two rows, everything
def test_by_hand(monkeypatch, at_once):
    monkeypatch.setattr(pr, "MOST_DISTANCES", at_once)
    # -3.5 is 3.5 from 0, too far; 8 is within 99 of 100. Nothing reaches 100: the nearest is 92 away.
    assert pr.precision_recall(FAKES, REALS) == (0.75, 0.8)


def test_touching_counts():
    assert pr.share_within(column(3), column(0), np.float32([9])) == 1
    assert pr.share_within(column(3.5), column(0), np.float32([9])) == 0


def test_the_same_set_and_sets_apart():
    features = np.random.RandomState(0).standard_normal((200, 3)).astype(np.float32)
    assert pr.precision_recall(features, features) == (1, 1)
    assert pr.precision_recall(features, features + 100) == (0, 0)


def test_dropped_modes_cost_recall():
    random = np.random.RandomState(0)
    reals = random.standard_normal((400, 2)) + np.repeat([[0, 0], [50, 0]], 200, axis=0)
    precision, recall = pr.precision_recall(random.standard_normal((400, 2)), reals)
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.05)


def test_evaluate():
    pictures = np.random.RandomState(1).randint(0, 256, (20, 16, 16, 3)).astype(np.uint8)
    told = []
    fakes = Fakes(noisy_G(), Replicas(1), on_progress=lambda *call: told.append(call))
    found = pr.evaluate(fakes, [pictures], Pixels(), 20)
    assert 0 <= found.precision <= 1 and 0 <= found.recall <= 1
    assert pr.evaluate(Fakes(noisy_G(), Replicas(2), batch=3), [pictures], Pixels(), 20) == found
    assert told[-1] == ("neighbours", 4, 4)
    with refused("pr50k3", 20, 50000, "--num_samples=20"):
        pr.evaluate(fakes, [pictures], Pixels())


def test_too_few_for_neighbours():
    with refused(3, "nearest", 4):
        pr.radii(REALS[:3])
