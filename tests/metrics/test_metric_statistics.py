import tracemalloc

import numpy as np
import pytest
from refusals import failed, raises, refused

from stylegan_tf.metrics.fid import Gaussian, statistics_of


def running(parts) -> Gaussian:
    return statistics_of(np.asarray(part) for part in parts)


def test_by_hand():
    found = running([[[1.0, 2.0]], [[3.0, 6.0], [5.0, 1.0]]])
    assert found.count == 3
    assert found.mean.tolist() == [3, 3]
    # Deviations (-2, -1), (0, 3), (2, -2): sums of products 8, -2, 14, over 3 - 1.
    assert found.covariance == pytest.approx(np.array([[4, -1], [-1, 7]]))


@pytest.fixture(scope="module")
def features():
    random = np.random.RandomState(0)
    return (random.standard_normal((1000, 7)) @ random.standard_normal((7, 7)) + 50).astype(np.float32)


@pytest.mark.parametrize("size", [1, 64, 700, 1000])
def test_batches(features, size):
    found = running(features[first : first + size] for first in range(0, 1000, size))
    assert found.mean == pytest.approx(features.mean(axis=0, dtype=np.float64), rel=1e-12)
    assert found.covariance == pytest.approx(np.cov(features, rowvar=False), rel=1e-9)
    assert found.covariance.tobytes() == running([features]).covariance.tobytes()


def test_memory_is_flat():
    random = np.random.default_rng(0)
    tracemalloc.start()
    try:
        found = running(random.standard_normal((50, 64), np.float32) for _ in range(1000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.count == 50_000
    assert peak < 2_000_000  # the features would be 12.8 MB


def test_bad_features():
    with refused(1, "covariance", 2):
        running([[[1.0, 2.0]]])
    with refused(0, "covariance", 2):
        running([np.zeros((0, 3))])
    with failed("feature", "finite"):
        running([[[1.0, np.nan]]])
    with raises(ValueError, "features", 3, 2):
        running([np.zeros((2, 2)), np.zeros((2, 3))])
    with raises(ValueError, "features", "[n, F]", "[3]"):
        running([np.zeros(3)])
