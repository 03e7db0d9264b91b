"""python train.py, killed at a random moment and started again, against the same command left alone: the same bits."""

import json
import os
import signal

import pytest
import tensorflow as tf
from early import Early
from killed_runs import (
    PATIENCE,
    TOTAL,
    VARIANTS,
    YEAR,
    command_of,
    finish,
    kill_at,
    killed_and_started_again,
    saved,
    start,
)

FIRST = 1  # the seed of the kill that is never left out
# Half a minute of another core, beside the tests before it.
first_kill = Early(lambda folder: ["tests/killed_runs.py", str(folder), str(FIRST)])


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    return command_of("F", tmp_path_factory.mktemp("F"))


def numbers(outdir):
    """Every number of the last checkpoint: networks, optimizers, loss scales."""
    (folder,) = outdir.glob(f"*/checkpoints/{TOTAL:09d}")
    reader = tf.train.load_checkpoint(str(folder / "state"))
    return {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


@pytest.fixture(scope="module")
def alone(command, tmp_path_factory):
    """The run that is never stopped and saves once a year, already started: (process, its outdir)."""
    outdir = tmp_path_factory.mktemp("alone") / "results"
    process = start(command, outdir, minutes=YEAR)
    yield process, outdir
    process.kill()
    process.wait()


@pytest.mark.early(first_kill)
def test_killed_and_started_again():
    folder = first_kill.wait()
    check_same(folder / "killed", folder / "alone", int((folder / "reached").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST + 1, 7))
def test_killed_at_other_moments(seed, command, alone, tmp_path):
    check(seed, command, alone, tmp_path / "results")


@pytest.mark.slow
@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
def test_variants_killed_and_started_again(variant, tmp_path):
    command = command_of(variant, tmp_path)
    undisturbed = tmp_path / "alone"
    check(7, command, (start(command, undisturbed, minutes=YEAR), undisturbed), tmp_path / "results")


def check(seed, command, alone, outdir):
    """Killed at a moment that depends on the seed, and started again, a run ends with the numbers of `alone`."""
    reached = killed_and_started_again(command, outdir, seed)
    finish(*alone)
    check_same(outdir, alone[1], reached)


def check_same(outdir, alone, reached):
    (run_dir,) = outdir.iterdir()  # the second start went on with the first one's run
    assert f"continuing at {reached / 1000:.1f} kimg" in (run_dir / "log.txt").read_text()
    expected, found = numbers(alone), numbers(outdir)
    assert len(expected) > 100 and expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []
    ours, theirs = (said(next(folder.iterdir())) for folder in (outdir, alone))
    assert ours == theirs and sum("Loss/G" in line for line in ours) == 4


def said(run_dir):
    """stats.jsonl without what time decides."""
    lines = map(json.loads, (run_dir / "stats.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if not name.startswith("Timing/")} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_first_graphs_are_made(number, command, alone, tmp_path):
    outdir = tmp_path / "results"
    process = start(command, outdir)
    kill_at(process, outdir, 0, 0.5, number, 128 + number)
    (run_dir,) = outdir.iterdir()
    (name,) = os.listdir(run_dir / "checkpoints")
    assert name == "000000000", "it was slower than the graphs"
    last = outdir.with_suffix(".log").read_text().splitlines()[-1]
    assert last == "stopped at 0.0 kimg; the same command continues"
    assert not list(run_dir.glob("network-snapshot-*")), "the checkpoint is all that there is time for"
    finish(start(command, outdir), outdir)
    finish(*alone)
    expected, found = numbers(alone[1]), numbers(outdir)
    assert [name for name in expected if expected[name] != found[name]] == []


@pytest.mark.slow
def test_stopped_by_a_scheduler(command, alone, tmp_path):
    """At once by --max_hours, then by SIGTERM in the middle of the training, with the exit code that asks for more."""
    outdir = tmp_path / "results"
    log = outdir.with_suffix(".log")
    assert start([*command, "--max_hours=1e-6"], outdir).wait(PATIENCE) == 143
    assert log.read_text().splitlines()[-1] == "stopped at 0.0 kimg; the same command continues"
    kill_at(start(command, outdir), outdir, 160, 0.1, signal.SIGTERM, 143)
    reached = saved(outdir)
    assert (
        log.read_text().splitlines()[-1] == f"stopped at {reached / 1000:.1f} kimg, saved; the same command continues"
    )
    (run_dir,) = outdir.iterdir()
    assert (run_dir / f"network-snapshot-{reached // 1000:06d}" / "Gs.keras").is_file()
    finish(start(command, outdir), outdir)
    finish(*alone)
    expected, found = numbers(alone[1]), numbers(outdir)
    assert [name for name in expected if expected[name] != found[name]] == []
