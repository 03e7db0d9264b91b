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
from stylegan_tf.configs.presets import LOSSES, F
from stylegan_tf.configs.schema import DiscriminatorConfig, Experiment, GeneratorConfig, LossConfig
from stylegan_tf.data import reals
from stylegan_tf.devices import Replicas
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
    """The recorded weights, and training steps that are given the recorded z, noise, reals and mixing factors."""

    def __init__(self, recording, weights, loss: LossConfig, monkeypatch):
        self.recording, self.weights = recording, weights
        self.experiment = experiment(recording.kwargs, loss)
        self.state = State(self.experiment, Replicas(1))
        for network, prefix in ((self.state.G, "G"), (self.state.D, "D"), (self.state.Gs, "Gs")):
            names.assign(network, weights.group(prefix))
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
        self.steps.d_step(self.pictures, None, self.nimg, self.fade, RATE)

    def g_step(self):
        self.steps.g_step(None, self.nimg, self.fade, RATE)

    def d_gradients(self):
        """{id of a variable: gradient}, statistics."""
        run = tf.function(lambda: self.steps.d_gradients(self.pictures, None, self.nimg, self.fade))
        gradients, statistics, _ = run()
        return by_id(self.steps.D_variables(), gradients), statistics

    def g_gradients(self):
        run = tf.function(lambda: self.steps.g_gradients(None, self.nimg, self.fade))
        gradients, statistics, _ = run()
        return by_id(self.steps.G_variables(), gradients), statistics

    def per_sample(self):
        """D's loss of every sample: base loss and penalties. [N]."""
        rows = self.steps.rows()
        images, _ = self.steps._fakes("D", None, self.nimg, self.fade, rows)
        return self.steps.d_loss(self.reals, images, None, self.nimg, self.fade, rows)[0]


def experiment(kwargs: dict, loss: LossConfig) -> Experiment:
    """Config F with the recorded widths, mixing and the average of w off."""
    training = replace(F.training, style_mixing_prob=0.0, w_avg_beta=1.0)
    G, D = GeneratorConfig(**ours(kwargs)), DiscriminatorConfig(**of_D(kwargs))
    return replace(F, G=G, D=D, loss=loss, training=training)


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
        gradient = names.to_official(name, np.asarray(gradient))
        assert relative(gradient, theirs) <= tolerances.GRADIENT, name
        assert relative_l2(gradient, theirs) <= tolerances.GRADIENT_L2, name


def largest(array) -> float:
    return array.largest if isinstance(array, Thinned) else float(np.abs(array).max())


def check_loss(ours, official) -> None:
    official = np.asarray(official)
    assert worst(ours, official) <= tolerances.LOSS * max(1, np.abs(official).max())


@pytest.fixture(scope="module")
def losses32():
    return Recorded("losses32")


@pytest.fixture(scope="module")
def session(losses32):
    """One for all the tests that leave the weights as they are."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Session(losses32, losses32, LOSSES["logistic"], monkeypatch)


def test_fakes_and_scores_equal_the_recorded_ones(losses32, session):
    images, _ = session.steps._fakes("D", None, session.nimg, session.fade, session.steps.rows())
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
    images, _ = session.steps._fakes("D", None, session.nimg, session.fade, session.steps.rows())
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


@pytest.mark.parametrize("name", ["G_wgan", "G_logistic_nonsaturating", "D_wgan_gp", "D_logistic_simplegp"])
def test_one_step_of_Adam_from_recorded_gradients(name, losses32):
    """On the elements that are left of the gradients: Adam treats each by itself."""
    gradients, after = losses32.group(f"grad/{name}"), losses32.group(f"adam1/{name}")
    before = losses32.group(name[0])
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
    return [(names.to_official(name, np.asarray(variable)), official[name]) for name, variable in found]
