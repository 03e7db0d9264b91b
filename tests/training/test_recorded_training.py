"""Losses, gradients, Adam, and three iterations of training, against numbers recorded from the official code."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from official_args import of_D, ours, stage_and_fade
from recorded import Recorded, Thinned, elements, relative, relative_l2, share_within, thin, worst

from stylegan_tf import draws
from stylegan_tf.configs.presets import LOSSES, A, F
from stylegan_tf.configs.schema import Experiment, LossConfig
from stylegan_tf.data import reals
from stylegan_tf.devices import Replicas
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.training import ema, fakes, penalties
from stylegan_tf.training.state import State, make_optimizer
from stylegan_tf.training.step import Steps
from stylegan_tf.weights import names

RATE = 0.001  # of every recorded step
D_LOSSES = {
    "D_wgan": LOSSES["wgan"],
    "D_wgan_gp": LOSSES["wgan_gp"],
    "D_hinge": LOSSES["hinge"],
    "D_hinge_gp": LOSSES["hinge_gp"],
    "D_logistic": replace(LOSSES["logistic"], r1_gamma=0.0),
    "D_logistic_simplegp": LOSSES["logistic"],
    "D_logistic_simplegp_r1r2": replace(LOSSES["logistic"], r2_gamma=10.0),
    "D_logistic_simplegp_r2only": replace(LOSSES["logistic"], r1_gamma=0.0, r2_gamma=10.0),
}


class Session:
    """The recorded weights, and training steps that are given the recorded z, labels, noise, reals, mixing factors.

    Gs starts at 0.9 G + 0.01 where it was not recorded.
    """

    def __init__(self, recording, weights, loss: LossConfig, monkeypatch, preset: Experiment = F):
        self.recording, self.weights = recording, weights
        self.experiment = experiment(recording.kwargs, loss, preset)
        self.state = State(self.experiment, Replicas(1))
        assign(self.state.G, weights.group("G"))
        assign(self.state.D, weights.group("D"))
        below = {name: np.float32(0.9) * array + np.float32(0.01) for name, array in weights.group("G").items()}
        assign(self.state.Gs, weights.group("Gs") or below)
        conditional = self.experiment.G.label_size > 0
        self.labels, self.labels_G = (recording[key] if conditional else None for key in ("labels", "labels_G"))
        lod = float(recording["lod"]) if "lod" in recording else 0.0
        self.stage, fade = stage_and_fade(lod, self.experiment.G.resolution)
        self.fade = tf.constant(fade, tf.float32)
        self.steps = Steps(self.state, self.experiment, self.stage, 8)
        self.reals = tf.constant(recording["reals"].transpose(0, 2, 3, 1))
        self.nimg = tf.constant(0, tf.int64)
        self.pictures = tf.zeros(self.reals.shape, tf.uint8)  # stands for self.reals
        monkeypatch.setattr(draws, "normal", self._latents)
        monkeypatch.setattr(draws, "uniform", self._factors)
        monkeypatch.setattr(fakes, "fresh_noise", lambda *arguments: "const")
        monkeypatch.setattr(reals, "process", lambda pictures, flipped, fade: self.reals)

    def _latents(self, seed, purpose, nimg, rows, shape):
        assert purpose in {"D z", "G z"}
        return tf.constant(self.recording["z"])

    def _factors(self, seed, purpose, nimg, rows, shape=()):
        assert purpose == "gradient penalty"
        assert shape == (1, 1, 1)
        return tf.constant(self.recording["mixing_factors"])

    def use(self, loss: LossConfig):
        self.steps.experiment = replace(self.experiment, loss=loss)

    def d_step(self):
        self.steps.d_step(self.pictures, self.labels, self.nimg, self.fade, RATE)

    def g_step(self):
        self.steps.g_step(self.labels_G, self.nimg, self.fade, RATE)

    def d_gradients(self):
        """{id of a variable: gradient}, statistics. Not as a graph: making one takes longer than computing it."""
        gradients, statistics, _ = self.steps.d_gradients(self.pictures, self.labels, self.nimg, self.fade)
        return by_id(self.steps.D_variables(), gradients), statistics

    def g_gradients(self):
        gradients, statistics, _ = self.steps.g_gradients(self.labels_G, self.nimg, self.fade)
        return by_id(self.steps.G_variables(), gradients), statistics

    def per_sample(self):
        """D's loss of every sample: base loss and penalties. [N]."""
        return self.steps.d_loss(self.reals, self.fakes(), self.labels, self.nimg, self.fade, self.steps.rows())[0]

    def fakes(self):
        """Pictures of G as the D step sees them."""
        return self.steps._fakes("D", self.labels, self.nimg, self.fade, self.steps.rows())[0]


def experiment(kwargs: dict, loss: LossConfig, preset: Experiment = F) -> Experiment:
    """A preset, config F or A, with the recorded widths, mixing and the average of w off."""
    training = replace(preset.training, style_mixing_prob=0.0, w_avg_beta=1.0)
    G, D = type(preset.G)(**ours(kwargs)), type(preset.D)(**of_D(kwargs))
    return replace(preset, G=G, D=D, loss=loss, training=training)


def fused_scale(network):
    """The official switch of the recorded networks: config A turns the kernels of all its layers that upscale."""
    return True if isinstance(network, ProganGenerator) else "auto"


def assign(network, tensors: dict) -> None:
    names.assign(network, tensors, fused_scale(network))


def in_official_layout(network, name: str, array) -> np.ndarray:
    return names.to_official(name, np.asarray(array), names.is_flipped(name, fused_scale(network)))


def by_id(variables, gradients) -> dict:
    return {id(variable): gradient for variable, gradient in zip(variables, gradients, strict=True)}


def check_gradients(network, trainables, gradients: dict, official: dict) -> None:
    """Every trainable variable: the recorded gradient, or zero or none at all where that is zero or was left out."""
    assert set(official) <= {str(name) for name in trainables}
    for name, variable in names.pairs(network, [str(name) for name in trainables]):
        gradient = gradients.get(id(variable))
        theirs = official.get(name)
        if theirs is None or largest(theirs) == 0:
            assert gradient is None or not np.any(gradient), f"{name} has a gradient, the official one is zero"
            continue
        assert gradient is not None, f"{name} has no gradient"
        gradient = in_official_layout(network, name, gradient)
        assert relative(gradient, theirs) <= tolerances.GRADIENT, name
        assert relative_l2(gradient, theirs) <= tolerances.GRADIENT_L2, name


def largest(array) -> float:
    return array.largest if isinstance(array, Thinned) else float(np.abs(array).max())


def check_loss(ours, official) -> None:
    official = np.asarray(official)
    assert worst(ours, official) <= tolerances.LOSS * max(1, np.abs(official).max())


@pytest.fixture
def eagerly():
    """Steps are not made into graphs, which at 16x16 takes longer than computing them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def losses32():
    return Recorded("losses32")


@pytest.fixture(scope="module")
def session(losses32):
    """One for all the tests that leave the weights as they are."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Session(losses32, losses32, LOSSES["logistic"], monkeypatch)


def test_fakes_and_scores_equal_the_recorded_ones(losses32, session):
    images = session.fakes()
    assert relative(np.transpose(images, (0, 3, 1, 2)), losses32["fake_images"]) <= tolerances.NETWORK
    for pictures, key in ((session.reals, "scores_real"), (images, "scores_fake")):
        assert relative(session.state.D(pictures), losses32[key]) <= tolerances.NETWORK


@pytest.mark.parametrize("name", D_LOSSES)
def test_losses_and_gradients_of_D(name, losses32, session):
    session.use(D_LOSSES[name])
    official = losses32[f"loss/{name}"]
    if official.ndim == 2:  # penalties [N] and base losses [N, 1] broadcast: sample i's own sum is on the diagonal
        check_loss(session.per_sample(), np.diagonal(official))
    else:
        check_loss(session.per_sample(), official)
    gradients, statistics = session.d_gradients()
    check_loss(statistics["D"], official.mean())
    check_gradients(session.state.D, losses32["D_trainables"], gradients, losses32.group(f"grad/{name}"))


@pytest.mark.parametrize("name", ["G_wgan", "G_logistic_saturating", "G_logistic_nonsaturating"])
def test_losses_and_gradients_of_G(name, losses32, session):
    session.use(replace(LOSSES["logistic"], G=name.removeprefix("G_")))
    gradients, statistics = session.g_gradients()
    check_loss(statistics["G"], losses32[f"loss/{name}"].mean())
    check_gradients(session.state.G, losses32["G_trainables"], gradients, losses32.group(f"grad/{name}"))


def test_gradient_of_the_scores_by_the_reals(session):
    """What R1 squares: differentiated as a sum, because the minibatch deviation couples the samples."""
    recording = Recorded("losses32_r1_realgrads")
    logits, gradient = penalties.logits_and_gradient(session.state.D, session.reals)
    assert relative(logits, recording["scores_real"]) <= tolerances.NETWORK
    gradient = np.transpose(gradient, (0, 3, 1, 2))
    assert relative(gradient, recording["real_grads"]) <= tolerances.GRADIENT
    assert relative_l2(gradient, recording["real_grads"]) <= tolerances.GRADIENT_L2
    squared = penalties.squared_norm(tf.transpose(gradient, (0, 2, 3, 1)))
    check_loss(squared, recording["penalty_sumsq"])


@pytest.mark.parametrize("file", ["losses32_lod1p6", "losses32_lod2p0"])
def test_below_the_final_stage(file, losses32, monkeypatch):
    """The penalties see the full-resolution picture."""
    recording = Recorded(file)
    session = Session(recording, losses32, LOSSES["logistic"], monkeypatch)
    images = session.fakes()
    assert relative(np.transpose(images, (0, 3, 1, 2)), recording["fake_images"]) <= tolerances.NETWORK
    gradients, statistics = session.g_gradients()
    check_loss(statistics["G"], recording["loss_mean/G_logistic_nonsaturating"])
    official = recording.group("grad/G_logistic_nonsaturating")
    check_gradients(session.state.G, losses32["G_trainables"], gradients, official)
    for name in ("D_wgan_gp", "D_logistic_simplegp", "D_logistic_simplegp_r1r2"):
        session.use(D_LOSSES[name])
        gradients, statistics = session.d_gradients()
        check_loss(statistics["D"], recording[f"loss_mean/{name}"])
        check_gradients(session.state.D, losses32["D_trainables"], gradients, recording.group(f"grad/{name}"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("losses32", "G_wgan"),
        ("losses32", "G_logistic_nonsaturating"),
        ("losses32", "D_wgan_gp"),
        ("losses32", "D_logistic_simplegp"),
        ("progan16_cond", "D_wgan_gp"),
    ],
)
def test_one_step_of_Adam_from_recorded_gradients(file, name):
    """On the elements that are left of the gradients: Adam treats each by itself."""
    recording = Recorded(file)
    gradients, after = recording.group(f"grad/{name}"), recording.group(f"adam1/{name}")
    before = recording.group(name[0])
    weights = keras.Variable(np.concatenate([left(before[key], like) for key, like in gradients.items()]))
    optimizer = make_optimizer(F, SimpleNamespace(trainable_variables=[weights]))
    optimizer.learning_rate.assign(RATE)
    optimizer.apply([tf.constant(np.concatenate([left(like, like) for like in gradients.values()]))], [weights])
    official = np.concatenate([left(after[key], like) for key, like in gradients.items()])
    assert of_weight(weights, official) <= tolerances.ADAM


def of_weight(ours, official) -> float:
    """The largest difference in units of max(1, |weight|): float32 has 24 bits, and some weights are of order 100."""
    ours, official = elements(ours, official)
    return float(np.abs((ours - official) / np.maximum(1, np.abs(official))).max())


def left(array, like) -> np.ndarray:
    """The elements of an array that are left of `like`."""
    if isinstance(array, Thinned):
        return array.elements
    return thin(array)[2:] if isinstance(like, Thinned) else array.ravel()


# Recorded at 16x16, with the preset of its networks and what its fakes are called there.
AT_16 = {
    "cond16": (F, "fake_images"),
    "chan16_1": (F, "images_psi1_lod0"),
    "chan16_4": (F, "images_psi1_lod0"),
    "progan16_cond": (A, "images_lod0"),
    "traintwo": (A, "images_lod0"),
}


@pytest.mark.parametrize("name", AT_16)
def test_labels_channels_and_config_a(name, monkeypatch):
    """Losses and gradients. In the D step the labels of the reals go to D and G, in the G step random ones to both."""
    recording, (preset, fakes_key) = Recorded(name), AT_16[name]
    session = Session(recording, recording, preset.loss, monkeypatch, preset)
    images = session.fakes()
    assert relative(np.transpose(images, (0, 3, 1, 2)), recording[fakes_key]) <= tolerances.NETWORK
    for pictures, key in ((session.reals, "scores_real"), (images, "scores_fake")):
        assert relative(session.state.D(pictures, session.labels), recording[key]) <= tolerances.NETWORK
    for loss, official in recording.group("loss").items():
        gradients_of = session.g_gradients
        if loss.startswith("D_"):
            session.use(D_LOSSES[loss])
            official = np.diagonal(official) if official.ndim == 2 else official
            check_loss(session.per_sample(), official)
            gradients_of = session.d_gradients
        else:
            session.use(replace(preset.loss, G=loss.removeprefix("G_")))
        recorded = recording.group(f"grad/{loss}")
        if not recorded:
            continue
        gradients, statistics = gradients_of()
        check_loss(statistics[loss[0]], recording[f"loss/{loss}"].mean())
        network, trainables = getattr(session.state, loss[0]), recording[f"{loss[0]}_trainables"]
        check_gradients(network, recorded if name.startswith("chan16") else trainables, gradients, recorded)


def test_three_iterations(losses32, monkeypatch):
    """{D step and Gs update, G step} three times over, with the real steps."""
    session = Session(losses32, losses32, LOSSES["logistic"], monkeypatch)
    assert session.steps.beta == pytest.approx(float(losses32["Gs_beta"]), abs=1e-7)
    networks = {"G": session.state.G, "D": session.state.D, "Gs": session.state.Gs}
    for iteration in (1, 2, 3):
        session.d_step()
        session.g_step()
        if iteration == 1:
            for prefix, network in networks.items():
                official = losses32.group(f"train_iter1/{prefix}")
                share = share_within(weights_beside(network, official), tolerances.ITERATION)
                assert share >= tolerances.ITERATION_SHARE, f"{prefix}: {share}"
            for weights, theirs in weights_beside(networks["Gs"], losses32.group("train_iter1/Gs")):
                assert of_weight(weights, theirs) <= tolerances.FIRST_AVERAGE
    for prefix, network in networks.items():
        most = tolerances.AVERAGE if prefix == "Gs" else tolerances.ITERATIONS_OF_RATE * RATE * 3
        for weights, theirs in weights_beside(network, losses32.group(f"train_iter3/{prefix}")):
            assert worst(weights, theirs) <= most


def test_one_step_of_config_a_with_labels(monkeypatch, eagerly):
    """The real step; variables whose gradient is zero stay where they are."""
    recording = Recorded("progan16_cond")
    session = Session(recording, recording, A.loss, monkeypatch, A)
    session.d_step()
    for weights, official in weights_beside(session.state.D, recording.group("adam1/D_wgan_gp")):
        assert worst(weights, official) <= tolerances.ITERATION


def test_three_iterations_of_config_a(monkeypatch, eagerly):
    """{D step and Gs update, G step} with WGAN-GP: every weight to 1e-5 after 1 and 3 iterations, and the losses.

    The bar of the test above for single weights, 2 x rate x n = 6e-3, misses Adam's beta2 .999 in place of .99: weights
    are then 2.5e-5 off at most after the first iteration, by epsilon alone, and 1.2e-3 after the third. Gs moves by
    6e-7 of what G moves in a step: only a bar below that sees whether it moves before the G step or after.
    """
    recording = Recorded("traintwo")
    session = Session(recording, recording, A.loss, monkeypatch, A)
    assert session.steps.beta == pytest.approx(float(recording["Gs_beta"]), abs=1e-7)
    for iteration in (1, 2, 3):
        session.d_step()
        session.g_step()
        G_loss, D_loss = recording[f"train_iter{iteration}/mean_losses_after"]
        check_loss(session.g_gradients()[1]["G"], G_loss)
        check_loss(np.mean(session.per_sample()), D_loss)
        for prefix in ("G", "D", "Gs"):
            official = recording.group(f"train_iter{iteration}/{prefix}")
            assert bool(official) == (iteration == 3 or (iteration == 1 and prefix != "Gs"))
            most = tolerances.FIRST_AVERAGE if prefix == "Gs" else tolerances.ITERATION
            for weights, theirs in weights_beside(getattr(session.state, prefix), official):
                assert worst(weights, theirs) <= most


def test_average_after_a_step_of_G(losses32, monkeypatch):
    """The G step alone, then Gs moves: what is not trained is copied."""
    session = Session(losses32, losses32, LOSSES["logistic"], monkeypatch)
    session.g_step()
    ema.update(session.state.replicas, session.state.Gs, session.state.G, session.steps.beta)
    for weights, theirs in weights_beside(session.state.Gs, losses32.group("ema_after_Gstep/Gs")):
        assert worst(weights, theirs) <= tolerances.AVERAGE
    share = share_within(weights_beside(session.state.G, losses32.group("ema_after_Gstep/G")), tolerances.ITERATION)
    assert share >= tolerances.ITERATION_SHARE
    Gs, G = session.state.Gs.non_trainable_variables, session.state.G.non_trainable_variables
    assert all(np.array_equal(copy, variable) for copy, variable in zip(Gs, G, strict=True))


def weights_beside(network, official: dict) -> list:
    """[(ours in the official layout, official)] of every variable."""
    found = names.pairs(network, official)
    return [(in_official_layout(network, name, variable), official[name]) for name, variable in found]
