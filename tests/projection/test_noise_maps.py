"""Noise maps: what is like noise, what is not, and that they stay of variance 1."""

import numpy as np
import pytest

from stylegan_tf.projection.noise import correlation, normalized


def maps(side, count=2):
    return np.random.default_rng(0).standard_normal((count, side, side, 1)).astype(np.float32)


def by_loops(noise):
    """The formula of app. D, pixel by pixel. noise: [H, H]."""
    total = 0.0
    while True:
        side = len(noise)
        for dy, dx in ((1, 0), (0, 1)):
            products = [noise[y, x] * noise[y - dy, x - dx] for y in range(side) for x in range(side)]
            total += (sum(products) / side**2) ** 2
        if side <= 8:
            return total
        noise = noise.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3)) * 2


@pytest.mark.parametrize("side", [4, 8, 32])
def test_the_formula(side):
    noise = maps(side)
    expected = [by_loops(one[:, :, 0].astype(np.float64)) for one in noise]
    assert np.asarray(correlation(noise)) == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_signal_in_a_map_is_seen_at_every_scale():
    noise = maps(32, 1)
    plain = float(correlation(noise)[0])
    assert plain < 0.1
    for size in (2, 8, 16):  # blocks of one value: correlated, whatever their size
        blocks = maps(32 // size, 1).repeat(size, axis=1).repeat(size, axis=2)
        assert float(correlation(normalized(blocks))[0]) > 10 * plain + 0.2


def test_mean_0_variance_1_of_each_map():
    found = np.asarray(normalized(3 * maps(16) + 5))
    assert found.mean(axis=(1, 2, 3)) == pytest.approx(np.zeros(2), abs=1e-5)
    assert found.std(axis=(1, 2, 3)) == pytest.approx(np.ones(2), rel=1e-5)
