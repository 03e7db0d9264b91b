"""The loop: a run through a change of stage, interrupted in every way, and what it leaves in its directory."""

import json
import os
import re
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from refusals import check_refusal, failed, raises

from stylegan_tf import rundir
from stylegan_tf.configs.schema import OutputConfig
from stylegan_tf.data.pipeline import Reader, pictures_of
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Stopped
from stylegan_tf.progress import LiveLine
from stylegan_tf.training import loop
from stylegan_tf.training.state import State
from stylegan_tf.training.step import SKIPPED, Steps

TICKS = [64, 128, 192]  # pictures shown at the ends of the ticks


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("data") / "noise")


class Reused:
    """One state and its traced steps for all runs: tracing takes seconds. Every run finds the state as new."""

    def __init__(self):
        self.state = State(tiny.experiment(), Replicas(1))
        parts = self.state.G, self.state.D, self.state.Gs, self.state.G_optimizer, self.state.D_optimizer
        first = [(variable.value, variable.numpy()) for part in parts for variable in part.variables]

        @tf.function
        def renew():
            for variable, number in first:
                variable.assign(number)

        self.renew, self.steps = renew, {}
        graphs = self.state.Gs.as_graphs()
        self.state.Gs.as_graphs = lambda: graphs

    def new_state(self, experiment, replicas):
        self.renew()
        return self.state

    def same_steps(self, state, experiment, stage, minibatch, at_once):
        key = stage, minibatch
        if key not in self.steps:
            self.steps[key] = Steps(state, experiment, stage, minibatch)
        return self.steps[key]


@pytest.fixture(scope="module")
def reused():
    return Reused()


@pytest.fixture
def train(reused, data_set, monkeypatch, tmp_path):
    """Trains the tiny experiment, with some of its fields changed, in tmp_path; returns the final numbers.

    Snapshots take as long as all else together: only the whole run saves them; of the others `train.snapshots` says
    where they would have been saved.
    """

    def run(folder="run", **changes):
        (tmp_path / folder).mkdir(exist_ok=True)
        more = {name: changes.pop(name) for name in ("callbacks", "say_first", "stop_at") if name in changes}
        loop.training_loop(replace(tiny.experiment(), **changes), tmp_path / folder, data_set, Replicas(1), **more)
        return tiny.numbers(reused.state)

    run.snapshots = []
    monkeypatch.setattr(loop, "State", reused.new_state)
    monkeypatch.setattr(loop, "Steps", reused.same_steps)
    monkeypatch.setattr(loop, "save_networks", lambda *arguments: run.snapshots.append(arguments[-1]))
    return run


def until(kimg):
    return replace(tiny.experiment().training, total_kimg=kimg)


@pytest.fixture(scope="module")
def whole(reused, data_set, tmp_path_factory):
    """The run that nothing interrupts: (its folder, its final numbers)."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "State", reused.new_state)
        patched.setattr(loop, "Steps", reused.same_steps)
        loop.training_loop(tiny.experiment(), folder, data_set, Replicas(1))
    return folder, tiny.numbers(reused.state)


def stats(folder):
    """stats.jsonl without what time decides."""
    lines = [json.loads(line) for line in (folder / rundir.STATS).read_text().splitlines()]
    return [{name: value for name, value in line.items() if not name.startswith("Timing/")} for line in lines]


def after(monkeypatch, nimg, act):
    """Calls `act` once, right after the minibatches of a new run that end with this picture."""
    add, due, shown, pending = loop.Ticker.add, LiveLine.due, [0], [act]

    def counted(self, kind, statistics):
        add(self, kind, statistics)
        shown[0] += tiny.MINIBATCH * (kind == "D")

    def acted(self):
        if shown[0] == nimg and pending:
            pending.pop()()
        return due(self)

    monkeypatch.setattr(loop.Ticker, "add", counted)
    monkeypatch.setattr(LiveLine, "due", acted)


def test_what_a_run_leaves(whole):
    folder, _ = whole
    found = {re.sub(r"tfevents.*", "tfevents", path.name) for path in folder.iterdir()}
    assert found == {
        *("checkpoints", "events.out.tfevents", "fakes000000.png", "finished", "log.txt", "network-snapshot-000000"),
        *("reals.png", "stats.jsonl"),
    }
    assert rundir.finished_nimg(folder) == 192
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["000000128", "000000192"]
    assert sorted(path.name for path in (folder / "network-snapshot-000000").iterdir()) == [
        *("D.keras", "G.keras", "Gs.keras", "config.json")
    ]


def test_ticks(whole):
    told = stats(whole[0])
    assert [line["nimg"] for line in told] == TICKS
    assert [line["Progress/tick"] for line in told] == [1, 2, 3]
    # The schedule is looked at every 32 pictures; at 64 the fade begins, and 96 is half way through it.
    assert [line["Progress/lod"] for line in told] == [1.0, 0.5, 0.0]
    assert all(line["Progress/skipped_steps"] == 0 and line["Progress/minibatch"] == 8 for line in told)
    losses = [line["Loss/D"] for line in told]
    assert np.isfinite(losses).all() and len(set(losses)) == 3
    lines = (whole[0] / "log.txt").read_text().splitlines()
    assert [line.split()[:4] for line in lines if line.startswith("tick")] == [
        ["tick", str(number), "kimg", f"{nimg / 1000:.1f}"] for number, nimg in enumerate(TICKS, 1)
    ]


def test_optimizers_are_reset_when_a_fade_begins_and_when_it_ends(whole, train, reused):
    def counts():
        return [int(optimizer.iterations) for optimizer in (reused.state.D_optimizer, reused.state.G_optimizer)]

    train("faded", training=until(0.128))
    assert counts() == [4, 4]  # since picture 96: at 64, where the fade begins, lod is 1 still
    assert (whole[1]["D Adam 0"], whole[1]["G Adam 0"]) == (8, 8)  # since picture 128
    train("never", training=replace(until(0.192), reset_optimizer=False))
    assert counts() == [24, 24]


def test_a_finished_run_trains_no_more(whole, train, monkeypatch, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    monkeypatch.setattr(loop, "Steps", None)
    assert tiny.differing(train(), whole[1]) == []


def test_a_larger_total_continues(whole, train, tmp_path):
    train(training=until(0.096))
    assert rundir.finished_nimg(tmp_path / "run") == 96
    assert tiny.differing(train(), whole[1]) == []
    assert rundir.finished_nimg(tmp_path / "run") == 192
    assert [line["nimg"] for line in stats(tmp_path / "run")] == [64, 96, 160, 192]


@pytest.mark.parametrize(("number", "nimg"), [(signal.SIGTERM, 32), (signal.SIGINT, 64), (signal.SIGINT, 160)])
def test_a_stopped_run_continues_as_if_it_had_not(number, nimg, whole, train, tmp_path, monkeypatch):
    after(monkeypatch, nimg, lambda: os.kill(os.getpid(), number))
    with raises(Stopped, f"{nimg / 1000:.1f} kimg", "same command"):
        train()
    assert train.snapshots[-1] == nimg
    about = Image.open(tmp_path / "run" / "fakes000000.png").text
    assert (about["nimg"], rundir.STATS in os.listdir(tmp_path / "run")) == (str(nimg), True)
    assert rundir.finished_nimg(tmp_path / "run") is None
    assert max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == f"{nimg:09d}"
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])
    assert f"continuing at {nimg / 1000:.1f} kimg" in (tmp_path / "run" / "log.txt").read_text()


def test_a_run_whose_time_is_over_continues(whole, train, tmp_path, monkeypatch):
    after(monkeypatch, 64, lambda: signal.setitimer(signal.ITIMER_REAL, 1e-6))  # not by chance somewhere
    with raises(Stopped, "0.1 kimg", "same command") as caught:
        train(stop_at=time.monotonic() + 3600)
    assert caught.value.code == 143 and train.snapshots[-1] == 64
    with raises(Stopped, "0.1 kimg", "same command") as caught:
        train(stop_at=time.monotonic() - 1)  # before its first step, with nothing new
    assert caught.value.code == 143
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])


def test_who_does_not_wait_for_the_pictures_finds_a_checkpoint(whole, train, tmp_path, monkeypatch):
    """SIGTERM, and SIGKILL while the grid is made; at 64 a tick ends."""
    fakes = loop.Grid.fakes

    def killed(self, *arguments):
        if (tmp_path / "run" / "checkpoints").exists():
            raise SystemError("killed")
        return fakes(self, *arguments)

    with monkeypatch.context() as patched:
        after(patched, 64, lambda: os.kill(os.getpid(), signal.SIGTERM))
        patched.setattr(loop.Grid, "fakes", killed)
        with pytest.raises(SystemError):
            train()
    assert max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == "000000064"
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])


def test_the_picture_of_a_stopped_tick_stays_in_tensorboard(train, tmp_path, monkeypatch):
    after(monkeypatch, 64, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Stopped):
        train(output=replace(tiny.experiment().output, image_ticks=1))
    (events,) = (tmp_path / "run").glob("events.*")
    before = events.read_bytes()
    assert before.count(b"IHDR") == 2  # at 0 and at 64
    train(output=replace(tiny.experiment().output, image_ticks=1))
    assert events.read_bytes() == before


def test_stopped_at_the_very_end(whole, train, monkeypatch, tmp_path):
    after(monkeypatch, 192, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Stopped):
        train()
    assert tiny.differing(train(), whole[1]) == []
    assert rundir.finished_nimg(tmp_path / "run") == 192


@pytest.mark.parametrize("nimg", [32, 160])
def test_a_killed_run_continues_from_its_checkpoint(nimg, whole, train, tmp_path, monkeypatch):
    """Whatever it had written after the checkpoint. The checkpoints are those of the resets, at 96 and 128."""

    def die():
        raise SystemError("killed")

    after(monkeypatch, nimg, die)
    with pytest.raises(SystemError):
        train()
    with open(tmp_path / "run" / rundir.STATS, "a") as file:
        file.write('{"nimg": 190, "Progress/tick": 3}\n{"nim')
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])


def test_killed_between_the_reset_and_its_checkpoint(whole, train, tmp_path, monkeypatch):
    """The checkpoint of that picture was written before the optimizers forgot: they forget after the start."""
    chosen = OutputConfig(grid="2x2", checkpoint_minutes=1e-9)
    reset, pending = State.reset_optimizers, [True]

    def reset_optimizers(self):
        reset(self)
        if pending and pending.pop():
            raise SystemError("killed")

    monkeypatch.setattr(State, "reset_optimizers", reset_optimizers)
    with pytest.raises(SystemError):
        train(output=chosen)
    assert max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == "000000096"
    assert tiny.differing(train(output=chosen), whole[1]) == []


def test_how_often_is_saved_changes_no_number(whole, train, monkeypatch):
    saved = []
    save = loop.Checkpoints.save
    monkeypatch.setattr(
        loop.Checkpoints, "save", lambda self, progress: saved.append(progress.nimg) or save(self, progress)
    )
    numbers = train(output=OutputConfig(grid="3x1", checkpoint_minutes=1e-9, image_ticks=2, snapshot_ticks=2))
    assert set(saved) == {0, 32, 64, 96, 128, 160, 192}
    assert tiny.differing(numbers, whole[1]) == []


def test_other_threads_are_mentioned(train, tmp_path, monkeypatch):
    train(training=until(0.032))
    monkeypatch.setattr(loop, "_threads", lambda: [64, 65])
    train(training=until(0.064))
    assert "threads are [64, 65] here and were [" in (tmp_path / "run" / "log.txt").read_text()


def test_a_run_that_has_diverged_fails(train, reused, tmp_path, monkeypatch):
    def broken_state(experiment, replicas):
        state = reused.new_state(experiment, replicas)
        state.D.b4_dense1.bias.assign([np.nan])
        return state

    saved = []
    monkeypatch.setattr(loop, "State", broken_state)
    monkeypatch.setattr(loop, "save_networks", lambda *arguments: saved.append(arguments))
    with failed("kimg 0.0", "--seed", "--precision=float32"):
        train()
    line = json.loads((tmp_path / "run" / rundir.STATS).read_text())
    assert (line["nimg"], line["Progress/skipped_steps"], line["Loss/D"]) == (64, 16, None)
    assert rundir.finished_nimg(tmp_path / "run") is None
    assert saved == []


def test_a_run_with_labels(data_set, tmp_path, monkeypatch):
    """Untraced, at 16x16 only, in few pictures."""

    class Untraced(Steps):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.d_step, self.g_step = self._d_step, self._g_step

    monkeypatch.setattr(loop, "Steps", Untraced)
    chosen = tiny.experiment(labels=True, total_kimg=0.016, minibatch_repeats=2)
    chosen = replace(chosen, schedule=replace(chosen.schedule, initial_resolution=16))
    loop.training_loop(chosen, tmp_path, data_set, Replicas(1))
    (line,) = stats(tmp_path)
    assert line["nimg"] == 16 and line["Progress/skipped_steps"] == 0 and np.isfinite(line["Loss/G"])


class Noted:
    """Stands for the steps: notes what they are called with, and says that some were skipped."""

    calls: list = []

    def __init__(self, state, experiment, stage, minibatch, at_once):
        self.stage, self.minibatch, self.group = stage, minibatch, 4

    def d_step(self, pictures, labels, nimg, fade, rate):
        self.calls.append(("D", self.stage, int(nimg), float(fade), float(rate), pictures.numpy()))
        return {"D": tf.constant(1.0), SKIPPED: tf.constant(float(int(nimg) == 0))}

    def r1_step(self, pictures, labels, nimg, fade, rate):
        self.calls.append(("R1", self.stage, int(nimg), float(fade), float(rate), pictures.numpy()))
        return {"r1_penalty": tf.constant(2.0), SKIPPED: tf.constant(0.0)}

    def g_step(self, labels, nimg, fade, rate):
        self.calls.append(("G", self.stage, int(nimg), float(fade), float(rate), None))
        return {"G": tf.constant(3.0), SKIPPED: tf.constant(0.0)}


@pytest.fixture
def noted(train, monkeypatch):
    monkeypatch.setattr(loop, "Steps", Noted)
    monkeypatch.setattr(Noted, "calls", [])
    return Noted.calls


def test_several_steps_of_D_for_one_of_G(noted, train, tmp_path):
    """Each D step has new pictures, the G step the nimg of the last; a skipped one counts wherever it is."""
    train(training=replace(until(0.032), minibatch_repeats=1, D_repeats=2))
    assert [call[:3] for call in noted] == [
        ("D", 3, 0),
        ("D", 3, 8),
        ("G", 3, 8),
        ("D", 3, 16),
        ("D", 3, 24),
        ("G", 3, 24),
    ]
    (line,) = stats(tmp_path / "run")
    assert (line["Progress/skipped_steps"], line["Loss/G"]) == (1, 3.0)


def test_order_of_pictures_across_stages_and_minibatches(noted, train, data_set):
    """The minibatch of 16x16 is half that of 8x8: not a picture is left out or shown twice."""
    chosen = tiny.experiment()
    train(schedule=replace(chosen.schedule, minibatch={16: 4}, D_lrate={16: 0.5}))
    calls = [call for call in noted if call[0] == "D"]
    starts = [nimg for _, _, nimg, *_ in calls]
    assert starts == [*range(0, 96, 8), *range(96, 192, 4)]
    assert [stage for _, stage, *_ in calls] == [3] * 12 + [4] * 24
    # 96: half way through the fade; 112 (four minibatches of 4 later): three quarters; from 128 on it is over.
    fades = [fade for _, _, _, fade, *_ in calls]
    assert fades == pytest.approx([1.0] * 12 + [0.5] * 4 + [0.75] * 4 + [1.0] * 16, abs=1e-6)
    assert [rate for *_, rate, _ in calls] == pytest.approx([0.001] * 12 + [0.5] * 24)
    for stage, numbers in ((3, range(96)), (4, range(96, 192))):
        shown = np.concatenate([call[5] for call in calls if call[1] == stage])
        order = pictures_of(np.array(numbers), chosen.training.seed, tiny.PICTURES)
        assert np.array_equal(shown, Reader(data_set, stage, 0).read(order)[0])


def test_every_third_step_of_D_has_the_lazy_penalties_wherever_it_was_stopped(noted, train, tmp_path):
    """On the pictures of that step, at 3/4 of the rate; their mean is over the steps that have them."""
    for total in (0.04, 0.096):
        train(training=replace(until(total), minibatch_repeats=1, r1_interval=3))
    assert [call[2] for call in noted if call[0] == "D"] == [*range(0, 96, 8)]
    lazy = [call for call in noted if call[0] == "R1"]
    assert [call[2] for call in lazy] == [*range(0, 96, 24)]
    for call in lazy:
        of_D = next(other for other in noted if other[0] == "D" and other[2] == call[2])
        assert np.array_equal(of_D[5], call[5]) and of_D[4] == call[4] == pytest.approx(0.00075)
    assert {line["Loss/r1_penalty"] for line in stats(tmp_path / "run")} == {2.0}


def test_a_tick_whose_only_penalty_was_skipped_has_not_diverged(noted, train, tmp_path, monkeypatch):
    """It is counted, and its mean is unknown."""
    monkeypatch.setattr(Noted, "r1_step", lambda *arguments: {"r1_penalty": 0.0, SKIPPED: 1.0})
    train(training=replace(until(0.032), minibatch_repeats=1, r1_interval=16))
    (line,) = stats(tmp_path / "run")
    assert line["Progress/skipped_steps"] == 2 and line["Loss/r1_penalty"] is None


def test_what_is_said_first(noted, train, tmp_path, capsys):
    train(training=until(0.032), say_first=["training on an abacus", "data: beads"])
    assert capsys.readouterr().out.startswith("training on an abacus\ndata: beads\ntick 1 ")
    assert (tmp_path / "run" / "log.txt").read_text().startswith("training on an abacus\ndata: beads\ntick 1 ")


def test_fewer_pictures_than_were_shown(noted, train, tmp_path):
    """The tick ends where the run is, with its grid and snapshot."""
    train(training=until(0.16))
    train(training=until(0.032))
    assert rundir.finished_nimg(tmp_path / "run") == 160 and train.snapshots[-2:] == [160, 160]
    assert "already at 0.2 kimg: 0.032 are asked for" in (tmp_path / "run" / "log.txt").read_text()
    assert [line["nimg"] for line in stats(tmp_path / "run")] == [64, 128, 160]


def metric(calls):
    def callback(state, phase, nimg):
        calls.append((nimg, phase.fade))
        yield f"the metric at {nimg}", {"metric": nimg / 2}

    return callback


def test_callbacks_at_the_first_tick_every_few_ticks_and_the_last(noted, train, tmp_path):
    """After a checkpoint of that picture; their lines and numbers are kept."""
    calls, saved = [], []

    def look(state, phase, nimg):
        saved.append((tmp_path / "run" / "checkpoints" / f"{nimg:09d}").is_dir())
        return ()

    output = OutputConfig(grid="2x2", metric_ticks=3)
    train(output=output, training=until(0.448), callbacks=[metric(calls), look])
    assert [nimg for nimg, _ in calls] == [64, 192, 384, 448] and saved == [True] * 4
    lines = (tmp_path / "run" / "log.txt").read_text().splitlines()
    assert [line for line in lines if "metric" in line] == [f"the metric at {nimg}" for nimg, _ in calls]
    found = {line["nimg"]: line["Metrics/metric"] for line in stats(tmp_path / "run") if "Metrics/metric" in line}
    assert found == {nimg: nimg / 2 for nimg, _ in calls}


def test_a_callback_that_fails_ends_nothing(noted, train, tmp_path):
    def broken(state, phase, nimg):
        raise RuntimeError("no such network\nat all")

    calls = []
    train(callbacks=[broken, metric(calls)])
    lines = (tmp_path / "run" / "log.txt").read_text().splitlines()
    failed = "evaluation failed, training goes on: RuntimeError('no such network\\nat all')"
    assert rundir.finished_nimg(tmp_path / "run") == 192 and lines.count(failed) == len(calls) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemError])
def test_an_evaluation_that_was_broken_off_is_done_again(error, noted, train, tmp_path):
    """By Ctrl-C, with everything saved and without waiting for its end; or by a kill."""
    calls, pending = [], [True]

    def stopped_once(state, phase, nimg):
        yield from metric(calls)(state, phase, nimg)
        if nimg == 192 and pending:
            pending.pop()
            if error is KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGINT)
            raise SystemExit("as good as killed")

    with pytest.raises(Stopped if error is KeyboardInterrupt else SystemExit):
        train(training=until(0.256), output=OutputConfig(grid="2x2", metric_ticks=3), callbacks=[stopped_once])
    assert rundir.finished_nimg(tmp_path / "run") is None
    train(training=until(0.256), output=OutputConfig(grid="2x2", metric_ticks=3), callbacks=[stopped_once])
    assert calls == [(64, 1.0), (192, 1.0), (192, 1.0), (256, 1.0)]
    lines = [(line["nimg"], "Metrics/metric" in line) for line in stats(tmp_path / "run")]
    assert lines == [(64, False), (64, True), (128, False), (192, False), (192, True), (256, False), (256, True)]
    train(training=until(0.256), callbacks=[stopped_once])
    assert len(calls) == 4, "an evaluation that was finished is done again"


@pytest.mark.parametrize(("kind", "nimg"), [("d_step", 0), ("g_step", 96)])
def test_a_stop_while_graphs_are_made_goes_back_to_before_the_step(
    kind, nimg, whole, train, reused, tmp_path, monkeypatch
):
    """Of D at the beginning; of G at a new stage, when D has made its step already."""

    class Tracing(Steps):
        def __init__(self, *arguments):
            self.real = reused.same_steps(*arguments)
            self.stage, self.minibatch, self.group = self.real.stage, self.real.minibatch, self.real.group

        def __getattribute__(self, name):
            if name not in ("d_step", "g_step"):
                return super().__getattribute__(name)
            if name == kind and self.stage == (3 if nimg == 0 else 4):
                return slow
            return getattr(self.real, name)

    def slow(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("tracing went on")

    with monkeypatch.context() as patched:
        patched.setattr(loop, "Steps", Tracing)
        with raises(Stopped, f"{nimg / 1000:.1f} kimg", "same command"):
            train()
    assert max(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == f"{nimg:09d}"
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])


def test_a_stop_while_the_first_grid_is_made(whole, train, tmp_path, monkeypatch):
    """Nothing is saved yet, and the run begins anew."""

    def slow(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    with monkeypatch.context() as patched:
        patched.setattr(loop.Grid, "fakes", slow)
        with pytest.raises(Stopped, match="stopped at 0.0 kimg"):
            train()
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])


def test_a_damaged_checkpoint_is_set_aside(whole, train, tmp_path):
    train(training=until(0.16))
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == ["000000128", "000000160"]
    path = tmp_path / "run" / "checkpoints" / "000000160" / "progress.json"
    path.write_text(path.read_text().replace('"tick": 3', '"tick": 2'))
    assert tiny.differing(train(), whole[1]) == []
    assert stats(tmp_path / "run") == stats(whole[0])
    text = (tmp_path / "run" / "log.txt").read_text()
    (line,) = [line for line in text.splitlines() if "000000160.damaged" in line]
    check_refusal(line, "checksum", "progress.json")
    assert "continuing at 0.1 kimg" in text


def test_the_last_finite_checkpoint_is_kept_and_named(train, reused, tmp_path, monkeypatch):
    output = OutputConfig(grid="2x2", checkpoint_minutes=1e-9)
    after(monkeypatch, 128, lambda: reused.state.D.b4_dense1.bias.assign([np.nan]))
    good = tmp_path / "run" / "checkpoints" / "000000096"
    with failed(good, "--seed", "--precision=float32"):
        train(output=output, training=until(0.256))
    assert sorted(path.name for path in good.parent.iterdir()) == ["000000096", "000000128", "000000160"]


def test_means_of_an_older_program_begin_anew_and_are_said(train, tmp_path):
    """It kept its sums in another form, and no checksums."""
    train(training=until(0.032))
    path = max((tmp_path / "run" / "checkpoints").glob("*/progress.json"))
    kept = json.loads(path.read_text())
    for name in ("sha256", "files"):
        del kept[name]
    path.write_text(json.dumps(kept | {"sums": {"D": 1.0, "minibatches": 4}}))
    train(training=until(0.064))
    log = (tmp_path / "run" / rundir.LOG).read_text()
    assert "the means of the current tick begin anew" in log
