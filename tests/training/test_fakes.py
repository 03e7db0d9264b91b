"""Latents, style mixing, noise, random labels, and the average of w."""

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from stylegan_tf import draws
from stylegan_tf.draws import Rows
from stylegan_tf.training import fakes

ROWS = Rows(8, 4)
LAYERS = 6  # of a 16x16 network


def z_of(purpose, nimg=0):
    return draws.normal(3, purpose, nimg, ROWS, (8,))


def mixed(G, purpose, stage=4, mixing=1.0, nimg=0):
    ws, w = fakes.mixed_ws(G, None, stage, 3, purpose, nimg, ROWS, 1, mixing)
    return ws.numpy(), w.numpy()


def test_second_latents_style_from_the_cutoff_on(tiny_G, monkeypatch):
    """Rows with the cutoffs 1, 2, ... 5 and 6, which mixes nothing."""
    cutoffs = [1, 2, 3, 4, 5, 6, 1, 6]
    monkeypatch.setattr(draws, "cutoffs", lambda *arguments: tf.constant(cutoffs))
    first, second = tiny_G.mapping(z_of("D z")).numpy(), tiny_G.mapping(z_of("D mixed z")).numpy()
    ws, w = mixed(tiny_G, "D")
    assert ws.shape == (8, LAYERS, 8)
    # Both latents are mapped at once: a matrix product of another height may round otherwise.
    assert np.abs(w - first).max() <= tolerances.SAME * np.abs(first).max(), "w_avg is made of the first latents"
    for row, cutoff in enumerate(cutoffs):
        for layer in range(LAYERS):
            expected = (first if layer < cutoff else second)[row]
            assert np.abs(ws[row, layer] - expected).max() <= tolerances.SAME * np.abs(first).max(), (row, layer)


@pytest.mark.parametrize(("stage", "layers"), [(3, 4), (4, 6)])
def test_cutoffs_lie_within_the_layers_of_the_stage(stage, layers, tiny_G, monkeypatch):
    asked = []

    def cutoffs(seed, purpose, nimg, rows, shares, layers, probability):
        asked.append((seed, purpose, nimg, rows, shares, layers, probability))
        return tf.fill([8], 1)

    monkeypatch.setattr(draws, "cutoffs", cutoffs)
    mixed(tiny_G, "G", stage, 0.9, nimg=40)
    assert asked == [(3, "G cutoff", 40, ROWS, 1, layers, 0.9)]


def test_without_mixing_every_layer_has_the_first_style(tiny_G):
    ws, w = mixed(tiny_G, "D", mixing=0.0)
    assert np.array_equal(ws, np.repeat(w[:, None], LAYERS, axis=1))
    assert np.array_equal(w, tiny_G.mapping(z_of("D z")).numpy())


def test_both_steps_have_draws_of_their_own(tiny_G):
    ws_D, w_D = mixed(tiny_G, "D")
    ws_G, w_G = mixed(tiny_G, "G")
    assert np.all(np.any(w_D != w_G, axis=1)) and not np.array_equal(ws_D, ws_G)
    assert np.array_equal(mixed(tiny_G, "D")[0], ws_D), "not a function of its arguments"
    assert np.all(np.any(mixed(tiny_G, "D", nimg=8)[1] != w_D, axis=1))


def test_noise_is_fresh_for_every_sample_layer_and_step(tiny_G):
    noise = fakes.fresh_noise(tiny_G, 4, 3, "D", 0, ROWS)
    assert [tuple(layer.shape) for layer in noise] == [(8, s, s, 1) for s in (4, 4, 8, 8, 16, 16)]
    assert len(fakes.fresh_noise(tiny_G, 3, 3, "D", 0, ROWS)) == 4
    others = fakes.fresh_noise(tiny_G, 4, 3, "G", 0, ROWS)
    numbers = np.concatenate([layer.numpy().ravel() for layer in (*noise, *others)])
    assert len(np.unique(numbers)) >= numbers.size - 3  # two of 10000 float32 may meet by chance


def test_sum_over_the_first_share_by_hand():
    """8 rows in 4 groups of 2; of two shares the first has the groups 0 and 1: the rows 0, 1, 4 and 5."""
    w = tf.constant([[1.0, 10], [2, 20], [4, 40], [8, 80], [16, 160], [32, 320], [64, 640], [128, 1280]])
    assert fakes.share_sum(w, Rows(8, 2), 2).numpy().tolist() == [51, 510]
    assert fakes.share_sum(w, Rows(8, 2), 1).numpy().tolist() == [255, 2550]
    parts = [Rows(8, 2, 2, replica) for replica in range(2)]
    sums = [fakes.share_sum(tf.gather(w, rows.numbers()), rows, 2).numpy().tolist() for rows in parts]
    assert sums == [[51, 510], [0, 0]]


def test_moved_average_by_hand():
    moved = fakes.moved_average(tf.constant([1.0, 2.0]), tf.constant([3.0, 6.0]), 0.75)
    assert moved.numpy().tolist() == [1.5, 3.0]  # 3 + (1 - 3) 3/4, 6 + (2 - 6) 3/4
    moved = fakes.moved_average(tf.constant([0.0]), tf.constant([1.0]), 0.995)
    assert abs(float(moved[0]) - 0.005) < tolerances.BY_HAND
