"""Style mixing and the average of w, as they are in training, against what was recorded from the official code."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tolerances
from official_args import of_D, ours, stage_and_fade
from recorded import Recorded, relative, worst

from stylegan_tf import draws
from stylegan_tf.configs.presets import LOSSES, F
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.data import reals
from stylegan_tf.devices import Replicas
from stylegan_tf.networks.kinds import make
from stylegan_tf.networks.stages import num_layers
from stylegan_tf.training import fakes
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps
from stylegan_tf.weights import names

STEPS = 10
ROWS = draws.Rows(8)
COUNTED = [(lod, probability) for lod in (0.0, 0.4, 1.0, 1.4, 2.0) for probability in (1.0, 0.9)]


@pytest.fixture(scope="module")
def mixing16():
    return Recorded("mixing16")


@pytest.fixture(scope="module")
def trained(mixing16):
    """The experiment, and what its training changes, with the recorded weights."""
    G, D = GeneratorConfig(**ours(mixing16.kwargs)), DiscriminatorConfig(**of_D(mixing16.kwargs))
    training = replace(F.training, w_avg_beta=float(mixing16["dlatent_avg_beta"]))
    experiment = replace(F, G=G, D=D, loss=LOSSES["hinge"], training=training)
    state = State(experiment, Replicas(1))
    names.assign(state.G, mixing16.group("G"))
    names.assign(state.D, mixing16.group("D"))
    return experiment, state


@pytest.fixture
def eagerly():
    """Steps are not made into graphs, which at 16x16 takes longer than computing them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def give(step: dict, layers: int, monkeypatch) -> None:
    """Both recorded latents, and the two uniform numbers that the cutoff comes from: u decides whether styles are
    mixed, the other one is in the middle of those that mean the recorded cutoff."""
    place = (float(step["cutoff"]) - 0.5) / (layers - 1)  # above 1, and without effect, where nothing is mixed
    numbers = {"z": step["z"], "mixed z": step["z2"], "cutoff": np.float32([[step["u"], place]])}

    def given(seed, purpose, nimg, rows, shape=()):
        return tf.constant(numbers[purpose[2:]])

    monkeypatch.setattr(draws, "normal", given)
    monkeypatch.setattr(draws, "uniform", given)
    monkeypatch.setattr(fakes, "fresh_noise", lambda *arguments: "const")
    monkeypatch.setattr(reals, "process", lambda pictures, flipped, fade: pictures)


def check_images(images, official) -> None:
    """[N, H, W, C] upscaled to 16x16, as the official code gives it."""
    images = np.transpose(images, (0, 3, 1, 2))
    factor = 16 // images.shape[2]
    assert relative(images.repeat(factor, axis=2).repeat(factor, axis=3), official) <= tolerances.NETWORK


@pytest.mark.parametrize("number", range(STEPS))
def test_style_mixing(number, mixing16, trained, monkeypatch, eagerly):
    """The first latents below the cutoff, the second from there on; w_avg follows the first alone, in either step."""
    step, (experiment, state), purpose = mixing16.group(f"step{number}"), trained, "DG"[number % 2]
    stage, fade = stage_and_fade(step["lod"], 16)
    give(step, num_layers(stage), monkeypatch)
    probability, fade, nimg = float(step["prob"]), tf.constant(fade, tf.float32), tf.constant(0, tf.int64)
    mixed, _ = fakes.mixed_ws(state.G, None, stage, 0, purpose, nimg, ROWS, 1, probability)
    assert relative(mixed, step["mixed_dlatents"]) <= tolerances.NETWORK
    training = replace(experiment.training, style_mixing_prob=probability)
    steps = Steps(state, replace(experiment, training=training), stage, 8)
    images, _ = steps._fakes(purpose, None, nimg, fade, ROWS)
    check_images(images, step["images"])
    state.G.w_avg.assign(step["dlatent_avg_before"])
    if purpose == "D":
        steps.d_step(images, None, nimg, fade, 0.0)  # at a rate of 0 the weights stay
    else:
        steps.g_step(None, nimg, fade, 0.0)
    assert worst(state.G.w_avg, step["dlatent_avg_after"]) <= tolerances.FIRST_AVERAGE


def test_style_mixing_with_labels(mixing16, monkeypatch):
    """Both latents have the same labels."""
    step, labels = mixing16.group("cond_step"), mixing16["cond_labels"]
    G = make(GeneratorConfig(**ours(mixing16.kwargs | {"label_size": labels.shape[1]})))
    synthesis = {name: array for name, array in mixing16.group("G").items() if name.startswith("G_synthesis/")}
    names.assign(G, synthesis | mixing16.group("cond_G"))
    give(step, num_layers(4), monkeypatch)
    mixed, w = fakes.mixed_ws(G, labels, 4, 0, "G", 0, ROWS, 1, 1.0)
    assert relative(mixed, step["mixed_dlatents"]) <= tolerances.NETWORK
    check_images(G.synthesis(mixed), step["images"])
    mean, beta = fakes.share_sum(w, ROWS, 1) / 8, float(mixing16["dlatent_avg_beta"])
    moved = fakes.moved_average(step["dlatent_avg_before"], mean, beta)
    assert worst(moved, step["dlatent_avg_after"]) <= tolerances.FIRST_AVERAGE


@pytest.mark.parametrize(("lod", "probability"), COUNTED)
def test_how_often_each_cutoff_comes_up(lod, probability, mixing16):
    """2000 of ours beside 2000 official draws: the same values, and a chi-squared that chance exceeds once in 1000."""
    official = mixing16[f"cutoff_counts/lod{lod}_p{probability}"]
    layers, count = num_layers(stage_and_fade(lod, 16)[0]), int(official.sum())
    drawn = draws.cutoffs(0, "D cutoff", 0, draws.Rows(count), count, layers, probability)
    counts, possible = np.bincount(drawn, minlength=7), official > 0
    assert np.array_equal(counts > 0, possible)
    if possible.sum() > 1:
        assert scipy.stats.chi2_contingency([counts[possible], official[possible]]).pvalue > 1e-3


def test_all_that_was_recorded_is_compared(mixing16):
    assert mixing16["steps"] == STEPS
    assert set(mixing16.group("cutoff_counts")) == {f"lod{lod}_p{probability}" for lod, probability in COUNTED}
