"""Checkpoints: everything is in them, the last two stay, and a bad one is a clear sentence."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tiny
from refusals import check_refusal, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.errors import Failure
from stylegan_tf.training.checkpoint import Checkpoints, Progress
from stylegan_tf.training.state import State

PROGRESS = Progress(
    nimg=352,
    seconds=12.5,
    tick=3,
    tick_nimg=320,
    reset_key=[0, 1],
    skipped_steps=7,
    sums={"D": {"D": 0.1 + 0.2, "scores/real": float(np.float32(-1 / 3))}},
    seed=5,
    threads=[2, 1],
    phase_nimg=320,
    lengths={"stats.jsonl": 12},
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
    assert Checkpoints(saved, other).restore() == (PROGRESS, [])
    assert tiny.differing(tiny.numbers(state), tiny.numbers(other)) == []


def test_there_may_be_none(state, tmp_path):
    assert Checkpoints(tmp_path, state).restore() == (None, [])
    assert Checkpoints(tmp_path, state).existing() == []


def test_the_last_two_are_kept(state, other, tmp_path):
    checkpoints = Checkpoints(tmp_path, state)
    for nimg in (32, 64, 1_000_000_000, 999_999_999):
        checkpoints.save(replace(PROGRESS, nimg=nimg))
    assert [path.name for path in checkpoints.existing()] == ["999999999", "1000000000"]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["1000000000", "999999999"]
    assert Checkpoints(tmp_path, other).restore()[0].nimg == 1_000_000_000


def test_saving_where_it_is_saved_already(state, saved):
    Checkpoints(saved, state).save(replace(PROGRESS, tick=99))
    assert Checkpoints(saved, state).restore() == (PROGRESS, [])


def test_numbers_that_are_not_finite(state, other, tmp_path):
    """The statistics of a run that is about to diverge must not stop it from being saved."""
    progress = replace(PROGRESS, sums={"D": {"D": float("inf"), "epsilon_penalty": float("nan")}})
    Checkpoints(tmp_path, state).save(progress)
    sums = Checkpoints(tmp_path, other).restore()[0].sums["D"]
    assert sums["D"] == float("inf") and np.isnan(sums["epsilon_penalty"])


def test_what_a_killed_process_left_behind_is_removed(state, saved):
    for name in (".000000384.tmp-123", ".000000352.tmp-7"):
        (saved / "checkpoints" / name).mkdir()
        (saved / "checkpoints" / name / "state.index").touch()
    assert Checkpoints(saved, state).restore() == (PROGRESS, [])
    assert [path.name for path in (saved / "checkpoints").iterdir()] == ["000000352"]


def test_a_killed_process_may_have_written_elsewhere_too(state, saved):
    (saved / ".network-snapshot-000001.tmp-123").mkdir()
    (saved / ".network-snapshot-000001.tmp-123" / "G.keras").touch()
    for name in (".tmp-123-fakes000001.png", ".tmp-123-config.json", "log.txt"):
        (saved / name).touch()
    Checkpoints(saved, state).restore()
    assert sorted(path.name for path in saved.iterdir()) == ["checkpoints", "log.txt"]


LONG = f"/{'folder/' * 50}state.data-00000-of-00001"
FULL = "No space left on device"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, FULL, LONG),
        OSError(28, FULL),
        tf.errors.ResourceExhaustedError(None, None, f"{{{{function_node x}}}} {LONG}; {FULL} [Op:SaveV2]"),
        tf.errors.UnknownError(None, None, f"{LONG}; {FULL}"),
    ],
)
@pytest.mark.parametrize("before", [True, False], ids=["one before", "none before"])
def test_a_checkpoint_that_cannot_be_written_leaves_nothing(error, before, state, saved, monkeypatch):
    def write(self, path):
        Path(f"{path}.index").touch()
        raise error

    if not before:
        shutil.rmtree(saved / "checkpoints" / "000000352")
    monkeypatch.setattr(tf.train.Checkpoint, "write", write)
    with pytest.raises(Failure) as caught:
        Checkpoints(saved, state).save(replace(PROGRESS, nimg=384))
    said = str(caught.value)
    assert said.startswith(FULL) and "checkpoints/000000384 could not be written" in said and "\n" not in said
    assert ("before" in said) == before
    assert [path.name for path in (saved / "checkpoints").iterdir()] == ["000000352"] * before


def test_stray_entries_are_neither_checkpoints_nor_in_the_way(state, other, saved):
    folder = saved / "checkpoints"
    (folder / "000000999").write_text("a file")
    (folder / "\u00b2").mkdir()
    (folder / ".tmp-12-x").mkdir()
    (folder / ".y.tmp-12").write_text("a file")
    (saved / ".tmp-mine").mkdir()
    (saved / ".tmp-13-folder").mkdir()
    assert [path.name for path in Checkpoints(saved, other).existing()] == ["000000352"]
    assert Checkpoints(saved, other).restore() == (PROGRESS, [])
    for nimg in (384, 416, 448):
        Checkpoints(saved, state).save(replace(PROGRESS, nimg=nimg))
    assert sorted(path.name for path in folder.iterdir()) == ["000000416", "000000448", "000000999", "\u00b2"]
    assert (saved / ".tmp-mine").exists() and not (saved / ".tmp-13-folder").exists()


WRONG = [
    *({"nimg": value} for value in (None, "9", -1, 10**400, 2.0, True)),
    *({"seconds": value} for value in (float("nan"), "1", -1)),
    *({"lengths": value} for value in ([], {"stats.jsonl": -1}, {"stats.jsonl": "9"})),
    *({"sums": value} for value in ([], {"D": {"D": "x"}}, {"D": {"steps": None}})),
    *({"threads": "2"}, {"finite": 1}, {"reset_key": "01"}, {"files": []}, {"files": {"../config.json": "0" * 64}}),
]


@pytest.mark.parametrize("change", WRONG, ids=lambda change: str(change)[:30])
def test_progress_of_wrong_types_is_a_mistake(change, other, saved):
    folder = saved / "checkpoints" / "000000352"
    content = json.loads((folder / "progress.json").read_text()) | change
    del content["sha256"]
    (folder / "progress.json").write_text(json.dumps(content))
    with cannot_be_taken_up(folder):
        Checkpoints(saved, other).restore()


def test_counters_can_be_noted_later(state, other, saved):
    later = replace(PROGRESS, evaluate=True, lengths={"stats.jsonl": 99})
    Checkpoints(saved, state).note(later)
    assert Checkpoints(saved, other).restore() == (later, [])


def test_the_last_finite_one_is_kept(state, tmp_path):
    checkpoints = Checkpoints(tmp_path, state)
    assert checkpoints.last_finite() is None
    for nimg, finite in ((32, True), (64, True), (96, False), (128, False), (160, False)):
        checkpoints.save(replace(PROGRESS, nimg=nimg, finite=finite))
    assert [int(path.name) for path in checkpoints.existing()] == [64, 128, 160]
    assert checkpoints.last_finite().name == "000000064"
    checkpoints.save(replace(PROGRESS, nimg=192))
    assert [int(path.name) for path in checkpoints.existing()] == [160, 192]


def test_a_checkpoint_from_before_there_were_checksums(state, other, saved):
    path = saved / "checkpoints" / "000000352" / "progress.json"
    content = json.loads(path.read_text())
    assert set(content.pop("files")) == {"state.index", "state.data-00000-of-00001"}
    for name in ("sha256", "phase_nimg", "evaluate", "finite", "lengths", "tick_seconds"):
        del content[name]
    path.write_text(json.dumps(content))
    progress, _ = Checkpoints(saved, other).restore()
    assert progress == replace(PROGRESS, phase_nimg=352, lengths=None)
    assert tiny.differing(tiny.numbers(state), tiny.numbers(other)) == []


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


DAMAGE = [
    ("state.data-00000-of-00001", flip),
    ("state.data-00000-of-00001", lambda path: path.write_bytes(path.read_bytes()[:1000])),
    ("state.data-00000-of-00001", lambda path: path.unlink()),
    ("state.index", flip),
    ("state.index", lambda path: path.write_bytes(b"")),
    ("state.index", lambda path: path.unlink()),
    ("progress.json", lambda path: path.unlink()),
    ("progress.json", lambda path: path.write_text("{")),
    ("progress.json", lambda path: path.write_text('{"nimg": 1, "unheard_of": 2}')),
    ("progress.json", lambda path: path.write_text(path.read_text().replace('"tick": 3', '"tick": 4'))),
    ("progress.json", lambda path: path.write_text("[1]")),
]


@pytest.mark.parametrize(("file", "damage"), DAMAGE)
def test_damage_is_a_mistake_where_there_is_no_other(file, damage, other, saved):
    folder = saved / "checkpoints" / "000000352"
    damage(folder / file)
    with cannot_be_taken_up(folder):
        Checkpoints(saved, other).restore()


@pytest.mark.parametrize(("file", "damage"), DAMAGE)
def test_damage_falls_back_to_the_one_before(file, damage, state, other, saved):
    expected = tiny.numbers(state)
    bias = state.D.b4_dense1.bias
    before = bias.numpy()
    bias.assign(before + 1)
    Checkpoints(saved, state).save(replace(PROGRESS, nimg=384))
    bias.assign(before)
    folder = saved / "checkpoints" / "000000384"
    damage(folder / file)
    progress, (line,) = Checkpoints(saved, other).restore()
    assert progress == PROGRESS and tiny.differing(expected, tiny.numbers(other)) == []
    check_refusal(line, f"checkpoint {folder}", "000000384.damaged")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["000000352", "000000384.damaged"]
    assert Checkpoints(saved, other).restore() == (PROGRESS, [])


def test_two_damaged_ones(state, other, saved):
    Checkpoints(saved, state).save(replace(PROGRESS, nimg=384))
    for name in ("000000352", "000000384"):
        flip(saved / "checkpoints" / name / "state.index")
    with cannot_be_taken_up(saved / "checkpoints" / "000000384"):
        Checkpoints(saved, other).restore()
    assert sorted(path.name for path in (saved / "checkpoints").iterdir()) == ["000000352", "000000384"]


@contextmanager
def cannot_be_taken_up(folder):
    """A block that must refuse a checkpoint, with a reason and both remedies."""
    with refused(f"checkpoint {folder}", f"remove {folder.parent}", "--resume=never") as caught:
        yield
    assert "()" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("change", [{"fmap_max": 4}, {"label_size": 3}, {"resolution": 32}, {"resolution": 8}], ids=str)
def test_another_architecture_is_a_mistake(change, saved):
    with cannot_be_taken_up(saved / "checkpoints" / "000000352"):
        Checkpoints(saved, new_state(**change)).restore()
