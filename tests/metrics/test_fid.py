import math

import numpy as np
import pytest
import tolerances
from metric_stubs import Painter, Pixels, noisy_G
from refusals import failed, raises, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import fid
from stylegan_tf.metrics.fid import Gaussian
from stylegan_tf.metrics.samples import Fakes


def gaussian(mean, covariance) -> Gaussian:
    return Gaussian(100, np.array(mean, float), np.array(covariance, float))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (([0, 0], np.eye(2)), ([3, 4], np.eye(2)), 25),
        (([0, 0], np.diag([4, 9])), ([0, 0], np.diag([1, 25])), 1 + 4),  # differences of the deviations, squared
        (([1, 0], np.diag([4, 0])), ([0, 0], np.diag([0, 9])), 1 + 4 + 9),  # singular, nothing in common
        (([5, 6], np.zeros((2, 2))), ([5, 6], np.zeros((2, 2))), 0),
        # In the plane tr sqrt(A B) = sqrt(tr(A B) + 2 sqrt(det(A B))), here sqrt(9 + 2 sqrt(9)).
        (([0, 0], [[2, 1], [1, 2]]), ([0, 0], [[3, 0], [0, 1.0]]), 4 + 4 - 2 * math.sqrt(8 + 2 * 3)),
    ],
)
def test_closed_form(a, b, expected):
    assert fid.frechet_distance(gaussian(*a), gaussian(*b)) == pytest.approx(expected, abs=1e-9)
    assert fid.frechet_distance(gaussian(*b), gaussian(*a)) == pytest.approx(expected, abs=1e-9)


def test_samples_of_two_gaussians():
    random = np.random.RandomState(0)
    near = fid.statistics_of(random.standard_normal((400, 3)) for _ in range(50))
    far = fid.statistics_of(random.standard_normal((400, 3)) * [1, 2, 3] + [0, 0, 2] for _ in range(50))
    assert fid.frechet_distance(near, far) == pytest.approx(0 + 1 + 4 + 4, rel=0.02)


REALS = np.random.RandomState(1).randint(0, 256, (40, 16, 16, 3)).astype(np.uint8)


def value(reals=None, **changes) -> float:
    fakes = Fakes(**({"Gs": noisy_G(), "replicas": Replicas(1), "batch": 8} | changes))
    return fid.evaluate(fakes, [REALS] if reals is None else reals, Pixels(), 40)


def test_repeatable_and_the_same_for_other_batches_and_replicas():
    first = value()
    assert first > 0.1
    assert value() == first
    assert value(batch=6, reals=[REALS[:5], REALS[5:]]) == pytest.approx(first, rel=tolerances.SAME)
    assert value(batch=3, replicas=Replicas(2)) == pytest.approx(first, rel=tolerances.REPLICAS)
    assert value(seed=1) != pytest.approx(first, rel=1e-4)


def test_kept_statistics_serve_as_reals():
    fakes = Fakes(noisy_G(), Replicas(1))
    kept = fid.of_reals([REALS, REALS[:10]], Pixels(), fakes, 40)
    assert kept.count == 40
    assert fid.evaluate(fakes, kept, Pixels(), 40) == value()


def test_one_picture_is_too_few():
    with refused(1, "covariance", 2):
        value(reals=[REALS[:1]])


def test_pictures_that_are_not_finite():
    G = Painter()
    G.mapping = lambda z, labels=None: z / 0
    with failed("sample 0", "finite"):
        value(Gs=G)


def test_other_features_cannot_be_compared():
    with raises(ValueError, "features", 2, 3):
        fid.frechet_distance(gaussian([0, 0], np.eye(2)), gaussian([0, 0, 0], np.eye(3)))


def test_mixed_latents():
    """One is FID, more are other distances, whatever the batch and the replicas."""

    def mixed(latents, replicas=1, batch=8):
        return fid.evaluate(Fakes(noisy_G(), Replicas(replicas), batch=batch), [REALS], Pixels(), 40, latents)

    found = [mixed(latents) for latents in (1, 2, 3, 4)]
    assert found[0] == value() and len(set(found)) == 4
    assert mixed(3, replicas=2, batch=3) == pytest.approx(found[2], rel=tolerances.REPLICAS)
