"""One step of D, one of G: what moves, what not, and the statistics. Untraced: `loop` and `replicas` trace them."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tiny
import tolerances

from stylegan_tf import draws
from stylegan_tf.data import reals
from stylegan_tf.devices import Replicas
from stylegan_tf.training.loss_scale import BACKOFF, GROWTH, START
from stylegan_tf.training.state import State
from stylegan_tf.training.step import SKIPPED, Steps

RATE = 0.001


class Bench:
    """A new state, with steps whose pictures are noise, and with Gs and w_avg away from where they start."""

    def __init__(self, stage=4, fade=0.5, minibatch=8, experiment=None, replicas=1):
        self.experiment = experiment or tiny.experiment()
        self.state = State(self.experiment, Replicas(replicas))
        tiny.unsettle(self.state.G)
        for variable in self.state.Gs.variables:
            variable.assign(variable + 0.5)
        self.state.G.w_avg.assign(tf.range(8.0))
        table = np.eye(tiny.LABEL_SIZE, dtype=np.float32)
        self.steps = Steps(self.state, self.experiment, stage, minibatch)
        noise = np.random.default_rng(0).integers(0, 256, [minibatch, 2**stage, 2**stage, 3])
        self.pictures = tf.constant(noise, tf.uint8)
        label_size = self.experiment.G.label_size
        self.labels = tf.constant(np.tile(table, (minibatch // 2, 1))[:, :label_size])
        self.fade = tf.constant(fade)

    def d_step(self, nimg=0, rate=RATE):
        """-> statistics by name."""
        arguments = self.pictures, self.labels, tf.constant(nimg, tf.int64), self.fade, tf.constant(rate)
        return by_name(self.steps._d_step(*arguments))

    def g_step(self, nimg=0, rate=RATE):
        return by_name(self.steps._g_step(self.labels, tf.constant(nimg, tf.int64), self.fade, tf.constant(rate)))

    def spoil(self, name, monkeypatch):
        """One element of one variable's gradient is not finite from now on. `name`: d_gradients or g_gradients."""
        whole = getattr(self.steps, name)

        def spoilt(*arguments):
            gradients, statistics, w_sum = whole(*arguments)
            flat = tf.reshape(gradients[3], [-1])
            flat = tf.concat([flat[:-1], [np.inf]], axis=0)
            return [*gradients[:3], tf.reshape(flat, gradients[3].shape), *gradients[4:]], statistics, w_sum

        monkeypatch.setattr(self.steps, name, spoilt)


def by_name(statistics):
    return {name: float(value) for name, value in statistics.items()}


def values(variables):
    return {variable.path: variable.numpy() for variable in variables}


def moved(before, variables):
    """The paths of those that have changed."""
    return {variable.path for variable in variables if not np.array_equal(before[variable.path], variable.numpy())}


def step_count(optimizer):
    """Adam's t."""
    return int(optimizer.iterations.numpy())


def mean_w(bench, purpose, nimg=0, count=8):
    """The mean of w over the first share."""
    z = draws.normal(bench.experiment.training.seed, f"{purpose} z", nimg, bench.steps.rows(), (8,))
    return bench.state.G.mapping(z).numpy()[:count].mean(axis=0)


def test_an_iteration_by_hand():
    """D step, then Gs <- lerp with G as it is before the G step, then the G step; w_avg moves in both."""
    bench = Bench(experiment=tiny.experiment(w_avg_beta=0.75))
    state, beta = bench.state, 0.5 ** (8 / 100)
    assert bench.steps.beta == pytest.approx(beta, abs=1e-9)
    G, D, Gs = values(state.G.variables), values(state.D.variables), values(state.Gs.trainable_variables)
    w_avg, mean_D = state.G.w_avg.numpy(), mean_w(bench, "D")

    bench.d_step()
    w_avg = mean_D + (w_avg - mean_D) * 0.75
    assert np.abs(state.G.w_avg.numpy() - w_avg).max() < tolerances.STATISTICS
    assert moved(G, state.G.variables) == {state.G.w_avg.path}
    assert moved(D, state.D.variables) == {variable.path for variable in bench.steps.D_variables()}

    mean_G = mean_w(bench, "G")
    found = bench.g_step()
    assert found["G"] > 0 and found[SKIPPED] == 0
    trained = {variable.path for variable in bench.steps.G_variables()}
    assert moved(G, state.G.variables) == {*trained, state.G.w_avg.path}
    for average, new in zip(state.Gs.trainable_variables, state.G.trainable_variables, strict=True):
        expected = G[new.path] + (Gs[average.path] - G[new.path]) * beta
        assert np.abs(average.numpy() - expected).max() < tolerances.BY_HAND
    assert np.abs(state.Gs.w_avg.numpy() - w_avg).max() < tolerances.STATISTICS, "Gs moves before the G step"
    w_avg = mean_G + (w_avg - mean_G) * 0.75
    assert np.abs(state.G.w_avg.numpy() - w_avg).max() < tolerances.STATISTICS
    for average, new in zip(state.Gs.non_trainable_variables, state.G.non_trainable_variables, strict=True):
        assert average is state.Gs.w_avg or np.array_equal(average, new)


def test_w_avg_sees_the_first_share_alone():
    """Of four shares of 16 rows, in groups of 4, the first is group 0: the rows 0, 4, 8 and 12."""
    bench = Bench(minibatch=16, experiment=tiny.experiment(w_avg_beta=0.0, num_gpus=4))
    bench.g_step()
    z = draws.normal(bench.experiment.training.seed, "G z", 0, draws.Rows(16), (8,))[::4]
    # The weights of G have moved, by 0.001 x 0.01: the mapping network's learning-rate multiplier.
    assert np.abs(bench.state.G.w_avg.numpy() - bench.state.G.mapping(z).numpy().mean(axis=0)).max() < 1e-3


def test_statistics_of_D_by_hand():
    bench = Bench(fade=1.0, experiment=tiny.experiment(seed=4))
    steps, state = bench.steps, bench.state
    real = reals.process(bench.pictures, None, 1.0)
    with tf.GradientTape() as tape:
        tape.watch(real)
        logits = state.D(real)
    r1 = np.square(tape.gradient(logits, real).numpy()).sum(axis=(1, 2, 3))
    fake = state.D(steps._fakes("D", None, 0, bench.fade, steps.rows())[0]).numpy().ravel()
    logits = logits.numpy().ravel()
    found = bench.d_step()
    expected = {"scores/real": logits.mean(), "scores/fake": fake.mean(), "r1_penalty": r1.mean(), "r2_penalty": 0}
    loss = np.logaddexp(0, fake) + np.logaddexp(0, -logits) + 5 * r1
    expected |= {"D": loss.mean(), "epsilon_penalty": (logits**2).mean(), "mixed_norms": 0, SKIPPED: 0}
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def lazy(interval: int, **loss):
    """The tiny experiment with penalties in every interval-th step."""
    chosen = tiny.experiment(r1_interval=interval)
    return replace(chosen, loss=replace(chosen.loss, **loss))


def test_lazy_penalties_by_hand():
    """k (gamma1 / 2 r1 + gamma2 / 2 r2), alone: its gradient, and the same penalties that every step has otherwise."""
    bench = Bench(fade=1.0, experiment=lazy(4, r1_gamma=10.0, r2_gamma=3.0))
    steps, state = bench.steps, bench.state
    arguments = bench.pictures, bench.labels, tf.constant(0, tf.int64), bench.fade
    gradients, statistics = steps.r1_gradients(*arguments)
    fake = steps._fakes("D", None, 0, bench.fade, steps.rows())[0]
    variables = [variable.value for variable in steps.D_variables()]
    with tf.GradientTape() as tape:
        norms = []
        for images in (reals.process(bench.pictures, None, 1.0), fake):
            with tf.GradientTape() as inner:
                inner.watch(images)
                logits = tf.reduce_sum(state.D(images))
            norms.append(tf.reduce_mean(tf.reduce_sum(tf.square(inner.gradient(logits, images)), axis=(1, 2, 3))))
        loss = 4 * (10 / 2 * norms[0] + 3 / 2 * norms[1])
    expected = tape.gradient(loss, variables, unconnected_gradients="zero")
    for one, other in zip(gradients, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-4 * max(1.0, np.abs(other).max())
    assert by_name(statistics) == pytest.approx(
        {"r1_penalty": float(norms[0]), "r2_penalty": float(norms[1])}, rel=1e-4
    )
    whole = Bench(fade=1.0, experiment=lazy(1, r1_gamma=10.0, r2_gamma=3.0)).d_step()
    assert [whole["r1_penalty"], whole["r2_penalty"]] == pytest.approx([float(norm) for norm in norms], rel=1e-4)


def test_the_step_of_D_is_without_lazy_penalties():
    found = Bench(experiment=lazy(4, r1_gamma=10.0)).d_step()
    whole = Bench(experiment=lazy(1, r1_gamma=10.0)).d_step()
    assert "r1_penalty" not in found and whole["r1_penalty"] > 0
    assert found["D"] == pytest.approx(whole["D"] - 5 * whole["r1_penalty"], rel=1e-4)


def test_a_lazy_step_moves_D_alone_and_can_be_skipped(monkeypatch):
    bench = Bench(experiment=lazy(4, r1_gamma=10.0))
    arguments = bench.pictures, bench.labels, tf.constant(0, tf.int64), bench.fade, tf.constant(RATE)
    parts = {name: getattr(bench.state, name) for name in ("G", "D", "Gs")}
    before = {name: values(part.variables) for name, part in parts.items()}
    found = by_name(bench.steps._r1_step(*arguments))
    assert found[SKIPPED] == 0 < found["r1_penalty"]
    assert [bool(moved(before[name], part.variables)) for name, part in parts.items()] == [False, True, False]
    assert step_count(bench.state.D_optimizer) == 1
    whole = bench.steps.r1_gradients
    monkeypatch.setattr(
        bench.steps, "r1_gradients", lambda *given: ([g * np.nan for g in whole(*given)[0]], whole(*given)[1])
    )
    before = values(bench.state.D.variables)
    assert by_name(bench.steps._r1_step(*arguments)) == {"r1_penalty": 0, "r2_penalty": 0, SKIPPED: 1}
    assert not moved(before, bench.state.D.variables) and step_count(bench.state.D_optimizer) == 1


def test_reals_are_mirrored_where_it_is_asked_for(monkeypatch):
    seen = []
    process = reals.process
    monkeypatch.setattr(reals, "process", lambda *arguments: seen.append(arguments[1]) or process(*arguments))
    chosen = tiny.experiment()
    Bench(experiment=chosen).d_step()
    Bench(experiment=replace(chosen, data=replace(chosen.data, mirror=True))).d_step(nimg=16)
    assert seen[0] is None
    assert np.array_equal(seen[1], draws.mirrored(chosen.training.seed, 16, draws.Rows(8)))


def test_the_first_step_is_as_long_as_the_learning_rate():
    """Adam's first step is lr g / (|g| + small), and the optimizer keeps the rate it was given."""
    bench = Bench()
    before = values(bench.state.D.trainable_variables)
    bench.d_step(rate=0.25)
    steps = [np.abs(variable.numpy() - before[variable.path]) for variable in bench.state.D.trainable_variables]
    assert max(step.max() for step in steps) == pytest.approx(0.25, rel=1e-4)
    assert float(bench.state.D_optimizer.learning_rate) == 0.25
    assert float(bench.state.G_optimizer.learning_rate) == 0.0


@pytest.mark.parametrize(("stage", "fade", "unused"), [(3, 0.5, "b16_"), (4, 0.5, "b4_to_rgb|b4_from_rgb")])
def test_variables_of_other_stages_do_not_move(stage, fade, unused):
    bench = Bench(stage, fade)
    networks = bench.state.G, bench.state.D
    before = {**values(networks[0].variables), **values(networks[1].variables)}
    bench.d_step()
    bench.g_step()
    for network in networks:
        trainable = {variable.path for variable in network.trainable_variables}
        still = {path for path in trainable if any(word in path for word in unused.split("|"))}
        assert still
        assert moved(before, network.trainable_variables) == trainable - still


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_step_of_D_with_a_gradient_that_is_not_finite(replicas, monkeypatch):
    bench = Bench() if replicas == 1 else TwoReplicas()
    state, before = bench.state, tiny.numbers(bench.state)
    with monkeypatch.context() as patched:
        bench.spoil("d_gradients", patched)
        found = bench.d_step()
    assert {"D", "scores/real", "r1_penalty"} < found.keys()
    assert found == dict.fromkeys(found, 0.0) | {SKIPPED: 1.0}
    changed = tiny.differing(before, tiny.numbers(state))
    assert changed, "w_avg and Gs move all the same"
    assert step_count(state.D_optimizer) == 0
    rate = next(at for at, v in enumerate(state.D_optimizer.variables) if v is state.D_optimizer._learning_rate)
    names = {name.rpartition(" ")[0] for name in changed if name != f"D Adam {rate}"}
    assert names == {"G", "Gs"}
    assert [name for name in changed if name.startswith("G ")] == [f"G {w_avg_at(state)}"]
    assert len([name for name in changed if name.startswith("Gs ")]) == len(state.Gs.variables)
    assert bench.d_step()[SKIPPED] == 0
    assert step_count(state.D_optimizer) == 1


class TwoReplicas(Bench):
    """The same on two replicas, of which only the second meets a gradient that is not finite."""

    def __init__(self):
        super().__init__(replicas=2)
        strategy = self.state.replicas.strategy
        whole = self.pictures, self.labels

        def part(tensor):
            return strategy.experimental_distribute_values_from_function(
                lambda context: tf.gather(tensor, draws.Rows(8, 4, 2, context.replica_id_in_sync_group).numbers())
            )

        self.pictures, self.labels = map(part, whole)

    def spoil(self, name, monkeypatch):
        whole = getattr(self.steps, name)

        def spoilt(*arguments):
            gradients, statistics, w_sum = whole(*arguments)
            second = int(tf.distribute.get_replica_context().replica_id_in_sync_group) == 1
            return [g * np.nan if second else g for g in gradients], statistics, w_sum

        monkeypatch.setattr(self.steps, name, spoilt)


def w_avg_at(state):
    return next(at for at, variable in enumerate(state.G.variables) if variable is state.G.w_avg)


def test_a_step_of_G_with_a_gradient_that_is_not_finite(monkeypatch):
    bench = Bench()
    before = tiny.numbers(bench.state)
    bench.spoil("g_gradients", monkeypatch)
    assert bench.g_step(rate=0.0) == {"G": 0.0, SKIPPED: 1.0}
    assert tiny.differing(before, tiny.numbers(bench.state)) == [f"G {w_avg_at(bench.state)}"]


def test_float16_scales_the_loss(monkeypatch):
    """The scale moves, never what is learnt: Adam gets the gradients divided by it."""
    bench = Bench(experiment=tiny.experiment(precision="mixed_float16"))
    state = bench.state
    velocity = [variable for variable in state.D_optimizer.variables if "velocity" in variable.path]
    bench.d_step()
    assert float(state.D_scale.log2) == pytest.approx(START + GROWTH, abs=2e-6) and step_count(state.D_optimizer) == 1
    assert float(state.G_scale.log2) == START
    gradients, _, _ = Bench().steps.d_gradients(bench.pictures, None, tf.constant(0, tf.int64), bench.fade)
    largest = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in gradients)
    assert max(v.numpy().max() for v in velocity) == pytest.approx(0.01 * largest**2, rel=0.1)

    bench.spoil("d_gradients", monkeypatch)
    before = values(state.D.variables)
    assert bench.d_step()[SKIPPED] == 1
    assert (
        float(state.D_scale.log2) == pytest.approx(START + GROWTH - BACKOFF, abs=2e-6)
        and step_count(state.D_optimizer) == 1
    )
    assert moved(before, state.D.variables) == set()
    assert float(state.G_scale.log2) == START


def test_float16_recovers_from_a_scale_that_is_too_large():
    bench = Bench(experiment=tiny.experiment(precision="mixed_float16"))
    bench.state.D_scale.log2.assign(40.0)  # float16 ends at 2^16
    before = values(bench.state.D.variables)
    assert bench.d_step()[SKIPPED] == 1
    assert moved(before, bench.state.D.variables) == set()
    assert float(bench.state.D_scale.log2) == 39.0


@pytest.mark.parametrize("config", ["B", "C", "D", "E"])
def test_every_preset_trains(config):
    check_training(Bench(experiment=tiny.experiment(config)))


@pytest.mark.parametrize("loss", ["wgan_gp", "hinge"])
def test_other_losses_train(loss):
    found = check_training(Bench(experiment=tiny.experiment(loss=loss)))
    assert (found["mixed_norms"] > 0) == (loss == "wgan_gp") and found["r1_penalty"] == 0


def test_labels_reach_both_networks():
    bench = Bench(experiment=tiny.experiment(labels=True))
    found = check_training(bench)
    bench.labels = bench.labels[:, ::-1]
    assert bench.d_step(nimg=24)["scores/real"] != found["scores/real"]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(precision):
    check_training(Bench(experiment=tiny.experiment(precision=precision)))


def check_training(bench):
    """Two iterations: all weights of the stage move and stay finite. -> statistics of the last D step."""
    state = bench.state
    before = {**values(state.G.variables), **values(state.D.variables)}
    for nimg in (0, 8):
        found = bench.d_step(nimg)
        assert np.isfinite([*found.values(), *bench.g_step(nimg).values()]).all()
        assert found[SKIPPED] == 0
    for network, used in ((state.G, bench.steps.G_variables()), (state.D, bench.steps.D_variables())):
        assert {variable.path for variable in used} <= moved(before, network.variables)
    assert all(np.isfinite(number).all() for number in tiny.numbers(state).values())
    return found


def test_no_step_waits_for_the_host():
    """A branch would: whether a gradient is finite is a number of the device. Float16, whose steps are skipped most."""
    bench = Bench(stage=3, experiment=tiny.experiment(precision="mixed_float16", r1_interval=4))
    phase = tf.constant(0, tf.int64), bench.fade, tf.constant(RATE)
    pictures = bench.pictures, bench.labels
    for step, arguments in (
        (bench.steps.d_step, (*pictures, *phase)),
        (bench.steps.r1_step, (*pictures, *phase)),
        (bench.steps.g_step, (bench.labels, *phase)),
    ):
        kinds = {operation.type for operation in step.get_concrete_function(*arguments).graph.get_operations()}
        assert "ResourceApplyAdam" in kinds and not kinds & {"If", "StatelessIf", "While", "StatelessWhile", "Cond"}


@pytest.mark.slow
def test_gradients_under_xla():
    """The same numbers, compiled."""
    plain, compiled = (Bench(experiment=tiny.experiment(xla=xla)) for xla in (False, True))
    arguments = plain.pictures, plain.labels, tf.constant(0, tf.int64), plain.fade
    for one, other in zip(
        plain.steps.d_gradients(*arguments)[0], compiled.steps.d_gradients(*arguments)[0], strict=True
    ):
        assert np.abs(one - other).max() <= tolerances.GRADIENT * np.abs(one).max()
    for one, other in zip(
        plain.steps.g_gradients(*arguments[1:])[0], compiled.steps.g_gradients(*arguments[1:])[0], strict=True
    ):
        assert np.abs(one - other).max() <= tolerances.GRADIENT * np.abs(one).max()


def test_labels_are_an_input_of_the_graphs():
    """A constant of 700,000 x 800 labels would not fit into one."""
    bench = Bench(stage=2, experiment=tiny.experiment(labels=True))
    phase = tf.constant(0, tf.int64), bench.fade, tf.constant(RATE)
    other = tf.reverse(bench.labels, axis=[0])
    losses = [bench.steps.g_step(labels, *phase[:2], tf.constant(0.0))["G"].numpy() for labels in (bench.labels, other)]
    assert losses[0] != losses[1]
    graph = bench.steps.g_step.get_concrete_function(bench.labels, *phase).graph
    (labels,) = [one for one in graph.inputs if one.dtype == tf.float32 and one.shape == bench.labels.shape]
    assert labels.consumers()
