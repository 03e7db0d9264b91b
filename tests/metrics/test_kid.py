import numpy as np
import pytest
import tolerances
from metric_stubs import Pixels, noisy_G
from refusals import raises, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import kid
from stylegan_tf.metrics.samples import Fakes


def column(*values) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_kernel_by_hand():
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])
    assert kid.polynomial_kernel(x, y) == pytest.approx(np.array([[(11 / 2 + 1) ** 3, 1]]))


def test_squared_mmd_by_hand():
    # k(0, 1) = 1, k(1, 2) = 27; between the sets 1, 1, 8, 27: (2 + 54) / 2 - 2 37/4.
    assert kid.squared_mmd(column(0, 1), column(1, 2)) == pytest.approx(9.5)
    # Unbiased, so below zero for a set and itself: k(0, 1) = 1 within, 1, 1, 1, 8 between.
    assert kid.squared_mmd(column(0, 1), column(0, 1)) == pytest.approx(2 - 11 / 2)


def test_squared_mmd_wants_equal_sets():
    with raises(ValueError, "same size", 2, 3):
        kid.squared_mmd(column(0, 1), column(0, 1, 2))


def test_small_sets_are_used_whole():
    # Every subset is then everything, and the mean of equal numbers is that number.
    assert kid.kernel_distance(column(0, 1), column(2, 1)) == pytest.approx((9.5, 0))
    with refused(1, "kernel distance", 2):
        kid.kernel_distance(column(0), column(2, 1))


def test_deviation_by_hand(monkeypatch):
    """Two of the three are drawn: k(0, 1) = 1 within the reals, and of the fakes 1 and 1 (0, 1 and 0, 2), or 27."""
    reals, fakes = column(0, 1), column(0, 1, 2)
    each = [kid.squared_mmd(fakes[[a, b]], reals) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert each == pytest.approx([1 + 1 - 2 * 11 / 4, 1 + 1 - 2 * 30 / 4, 27 + 1 - 2 * 37 / 4])
    random, shares = np.random.default_rng(5), np.zeros(3)
    for _ in range(kid.SUBSETS):
        shares[sum(random.choice(3, 2, replace=False)) - 1] += 1 / kid.SUBSETS
        random.choice(2, 2, replace=False)  # of the reals
    mean = shares @ each
    found = kid.kernel_distance(fakes, reals, seed=5)
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx(np.sqrt(shares @ (each - mean) ** 2)) and found.deviation > 5


def test_distributions(monkeypatch):
    monkeypatch.setattr(kid, "SUBSETS", 20)
    random = np.random.RandomState(0)
    one, same = random.standard_normal((2, 3000, 4))
    assert abs(kid.kernel_distance(one, same).mean) < 0.01
    # For N(0, I) and N(m, I), with c = |m|^2 / 4: the means of (s + 1)^3 over s = <x, y> / 4 are 1 + 3 / 4 within the
    # first, and follow from the moments of s within the second and between them. m = (2, 0, 0, 0):
    # between: mean 0, variance (4 + 4) / 16 -> 1 + 3 / 2; within: mean 1, variance (4 + 8) / 16, third moment
    # 6 m^2 / 64 = 24 / 64 -> 8 + 3 2 (12 / 16) + 24 / 64.
    far = random.standard_normal((3000, 4)) + [2, 0, 0, 0]
    expected = (1 + 3 / 4) + (8 + 6 * 12 / 16 + 24 / 64) - 2 * (1 + 3 / 2)
    assert kid.kernel_distance(one, far).mean == pytest.approx(expected, rel=0.05)


REALS = np.random.RandomState(1).randint(0, 256, (20, 16, 16, 3)).astype(np.uint8)


def test_evaluate():
    def value(replicas, batch):
        return kid.evaluate(Fakes(noisy_G(), Replicas(replicas), batch=batch), [REALS], Pixels(), 20)

    first = value(1, 8)
    assert first.mean > 0.1 and first.deviation == pytest.approx(0, abs=1e-12)  # every subset is all of them
    assert value(1, 8) == first
    assert value(2, 3) == pytest.approx(first, rel=tolerances.REPLICAS, abs=1e-12)


def test_too_few_reals():
    with refused("kid5k", 20, 5000, "--num_samples=20"):
        kid.evaluate(Fakes(noisy_G(), Replicas(1)), [REALS], Pixels(), 5000, "kid5k")
