"""The ramps of app. D: where the paper's numbers put them in 1000 steps, and with fewer."""

import pytest

from stylegan_tf.projection.settings import Settings, learning_rate, w_noise

PAPER = Settings()


def test_the_learning_rate_rises_in_50_steps_and_falls_in_the_last_250():
    rates = [learning_rate(PAPER, step) for step in (0, 25, 50, 400, 750, 875, 999)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.1, 0.1, 0.05, 0], abs=1e-5)


def test_the_noise_on_w_ends_after_three_quarters():
    lengths = [w_noise(Settings(w_noise=0.05), step) for step in (0, 375, 750, 999)]
    assert lengths == pytest.approx([0.05, 0.0125, 0, 0])


def test_fewer_steps_have_the_same_ramps():
    few = Settings(steps=20)
    for ramp in (learning_rate, w_noise):
        assert [ramp(few, step) for step in range(20)] == pytest.approx([ramp(PAPER, 50 * step) for step in range(20)])
