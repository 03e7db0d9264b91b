"""Checkpoints: everything is in them, the last two stay, and a bad one is a clear sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tiny

from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.training.checkpoint import Checkpoints, Progress
from stylegan_tf.training.state import State

PROGRESS = Progress(
    nimg=352,
    seconds=12.5,
    tick=3,
    tick_nimg=320,
    reset_key=[0, 1],
    skipped_steps=7,
    sums={"D": 0.1 + 0.2, "scores/real": float(np.float32(-1 / 3))},
    seed=5,
    threads=[2, 1],
)


def new_state(seed=5, **changes):
    """`changes`: fields of both networks."""
    experiment = tiny.experiment(seed=seed, precision="mixed_float16")
    G, D = replace(experiment.G, **changes), replace(experiment.D, **changes)
    return State(replace(experiment, G=G, D=D), Replicas(1))


@pytest.fixture(scope="module")
def state():
    """One that differs from a new one in every number."""
    state = new_state()
    generator = np.random.default_rng(0)
    for part in (state.G, state.D, state.Gs, state.G_optimizer, state.D_optimizer):
        for variable in part.variables:
            variable.assign(generator.integers(1, 1000, variable.shape))
    state.G_scale.log2.assign(11.5)
    state.D_scale.log2.assign(13.25)
    return state


@pytest.fixture
def other():
    return new_state(seed=6)


@pytest.fixture
def saved(state, tmp_path):
    checkpoints = Checkpoints(tmp_path, state)
    checkpoints.save(PROGRESS)
    return tmp_path


def test_everything_comes_back(state, other, saved):
    assert len(tiny.differing(tiny.numbers(state), tiny.numbers(other))) > 100
    assert Checkpoints(saved, other).restore() == PROGRESS
    assert tiny.differing(tiny.numbers(state), tiny.numbers(other)) == []


def test_there_may_be_none(state, tmp_path):
    assert Checkpoints(tmp_path, state).restore() is None
    assert Checkpoints(tmp_path, state).existing() == []


def test_the_last_two_are_kept(state, other, tmp_path):
    checkpoints = Checkpoints(tmp_path, state)
    for nimg in (32, 64, 1_000_000_000, 999_999_999):
        checkpoints.save(replace(PROGRESS, nimg=nimg))
    assert [path.name for path in checkpoints.existing()] == ["999999999", "1000000000"]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["1000000000", "999999999"]
    assert Checkpoints(tmp_path, other).restore().nimg == 1_000_000_000


def test_saving_where_it_is_saved_already(state, saved):
    Checkpoints(saved, state).save(replace(PROGRESS, tick=99))
    assert Checkpoints(saved, state).restore() == PROGRESS


def test_numbers_that_are_not_finite(state, other, tmp_path):
    """The statistics of a run that is about to diverge must not stop it from being saved."""
    progress = replace(PROGRESS, sums={"D": float("inf"), "epsilon_penalty": float("nan")})
    Checkpoints(tmp_path, state).save(progress)
    sums = Checkpoints(tmp_path, other).restore().sums
    assert sums["D"] == float("inf") and np.isnan(sums["epsilon_penalty"])


def test_what_a_killed_process_left_behind_is_removed(state, saved):
    for name in (".000000384.tmp-123", ".000000352.tmp-7"):
        (saved / "checkpoints" / name).mkdir()
        (saved / "checkpoints" / name / "state.index").touch()
    assert Checkpoints(saved, state).restore() == PROGRESS
    assert [path.name for path in (saved / "checkpoints").iterdir()] == ["000000352"]


def test_a_killed_process_may_have_written_elsewhere_too(state, saved):
    (saved / ".network-snapshot-000001.tmp-123").mkdir()
    (saved / ".network-snapshot-000001.tmp-123" / "G.keras").touch()
    for name in (".tmp-123-fakes000001.png", ".tmp-123-config.json", "log.txt"):
        (saved / name).touch()
    Checkpoints(saved, state).restore()
    assert sorted(path.name for path in saved.iterdir()) == ["checkpoints", "log.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), tf.errors.ResourceExhaustedError(None, None, "full")])
def test_a_checkpoint_that_cannot_be_written_leaves_nothing(error, state, saved, monkeypatch):
    def write(self, path):
        Path(f"{path}.index").touch()
        raise error

    monkeypatch.setattr(tf.train.Checkpoint, "write", write)
    with pytest.raises(Failure, match=r"checkpoints/000000384 could not be written \(.+\); the one before is whole"):
        Checkpoints(saved, state).save(replace(PROGRESS, nimg=384))
    assert [path.name for path in (saved / "checkpoints").iterdir()] == ["000000352"]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("state.data-00000-of-00001", flip),
        ("state.data-00000-of-00001", lambda path: path.write_bytes(path.read_bytes()[:1000])),
        ("state.data-00000-of-00001", lambda path: path.unlink()),
        ("state.index", flip),
        ("state.index", lambda path: path.write_bytes(b"")),
        ("state.index", lambda path: path.unlink()),
        ("progress.json", lambda path: path.unlink()),
        ("progress.json", lambda path: path.write_text("{")),
        ("progress.json", lambda path: path.write_text('{"nimg": 1, "unheard_of": 2}')),
        ("progress.json", lambda path: path.write_text("[1]")),
    ],
)
def test_damage_is_a_mistake(file, damage, other, saved):
    folder = saved / "checkpoints" / "000000352"
    damage(folder / file)
    with pytest.raises(UserError) as caught:
        Checkpoints(saved, other).restore()
    check_sentence(caught.value, folder)


def check_sentence(mistake, folder):
    assert str(mistake).startswith(f"the checkpoint {folder} cannot be taken up (")
    assert str(mistake).endswith(
        "remove that folder to go back to the one before, or start a new run with --resume=never"
    )
    assert "\n" not in str(mistake) and " ()" not in str(mistake)
    assert mistake.__suppress_context__


@pytest.mark.parametrize("change", [{"fmap_max": 4}, {"label_size": 3}, {"resolution": 32}, {"resolution": 8}], ids=str)
def test_another_architecture_is_a_mistake(change, saved):
    with pytest.raises(UserError) as caught:
        Checkpoints(saved, new_state(**change)).restore()
    check_sentence(caught.value, saved / "checkpoints" / "000000352")
