"""Run directories: numbers, what is the newest, and which run a command continues."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stylegan_tf import rundir
from stylegan_tf.errors import UserError

CONFIG = {
    "config": "F",
    "G": {"fmap_max": 64},
    "schedule": {"minibatch": {"8": 32}},
    "training": {"total_kimg": 70, "seed": 1000},
    "output": {"outdir": "results", "grid": "4k"},
    "replicas": 0,
    "threads": 0,
}


def make_run(outdir: Path, config: dict = CONFIG, finished: int | None = None) -> Path:
    run = rundir.create(outdir, "sgan-faces")
    (run / rundir.CONFIG).write_text(json.dumps(config))
    if finished is not None:
        rundir.mark_finished(run, finished)
    return run


def with_changes(**groups: dict) -> dict:
    return {**CONFIG, **{name: {**CONFIG[name], **changes} for name, changes in groups.items()}}


def test_create_takes_the_next_number(tmp_path: Path) -> None:
    outdir = tmp_path / "some" / "results"
    assert rundir.create(outdir, "sgan-faces").name == "00000-sgan-faces"
    (outdir / "00007-sgan-old").mkdir()
    (outdir / "notes").mkdir()
    assert rundir.create(outdir, "sgan-new").name == "00008-sgan-new"
    assert rundir.create(outdir, "sgan-new").name == "00009-sgan-new"


def test_create_gives_every_process_its_own_number(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda index: rundir.create(tmp_path, f"run{index}"), range(40)))
    numbers = {path.name[:5] for path in made}
    assert len(numbers) == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in made)


def test_create_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no run directory can be made in .*file/results: Not a directory"):
        rundir.create(tmp_path / "file" / "results", "sgan-faces")


def test_runs_and_newest(tmp_path: Path) -> None:
    assert rundir.runs(tmp_path / "nowhere") == [] and rundir.newest_run(tmp_path) is None
    first, second = make_run(tmp_path), make_run(tmp_path)
    rundir.create(tmp_path, "died-before-its-configuration-was-written")
    assert rundir.runs(tmp_path) == [first, second]
    assert rundir.newest_run(tmp_path) == second


def test_snapshots(tmp_path: Path) -> None:
    assert rundir.newest_snapshot(tmp_path) is None
    for nimg in (140_352, 1_204_992, 20_000):
        folder = rundir.snapshot_dir(tmp_path, nimg)
        folder.mkdir()
        (folder / "Gs.keras").touch()
    rundir.snapshot_dir(tmp_path, 5_000_000).mkdir()  # without networks
    assert rundir.newest_snapshot(tmp_path) == tmp_path / "network-snapshot-001204"
    assert rundir.fakes_path(tmp_path, 140_352).name == "fakes000140.png"


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, "replicas": 2},
        {**CONFIG, "threads": 1},
        with_changes(output={"metrics": "fid5k@faces", "metric_ticks": 1}),
        with_changes(output={"outdir": "elsewhere"}),
        with_changes(training={"total_kimg": 100}),
    ],
)
def test_auto_continues_an_equal_unfinished_run(tmp_path: Path, config: dict) -> None:
    run = make_run(tmp_path)
    choice = rundir.resume_choice("auto", tmp_path, config)
    assert (choice.run_dir, choice.finished) == (run, False)
    assert str(run) in choice.sentence


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, "config": "E"},
        with_changes(training={"seed": 1}),
        with_changes(schedule={"minibatch": {"8": 32, "16": 4}}),
        with_changes(G={"fmap_max": 64.5}),
        with_changes(output={"grid": "8x8"}),
    ],
)
def test_auto_starts_anew_where_the_configuration_differs(tmp_path: Path, config: dict) -> None:
    run = make_run(tmp_path)
    assert rundir.resume_choice("auto", tmp_path, config).run_dir is None
    with pytest.raises(UserError, match="another configuration"):
        rundir.resume_choice(str(run), tmp_path, config)


def test_auto_takes_the_newest_unfinished(tmp_path: Path) -> None:
    make_run(tmp_path)
    newest = make_run(tmp_path)
    make_run(tmp_path, finished=70_000)
    make_run(tmp_path, {**CONFIG, "config": "E"})
    (rundir.create(tmp_path, "broken") / rundir.CONFIG).write_text("{")
    assert rundir.resume_choice("auto", tmp_path, CONFIG).run_dir == newest


def test_finished(tmp_path: Path) -> None:
    make_run(tmp_path, finished=70_000)
    newest = make_run(tmp_path, finished=70_016)
    choice = rundir.resume_choice("auto", tmp_path, CONFIG)
    assert (choice.run_dir, choice.finished) == (newest, True)
    assert "is finished, after 70.016 kimg" in choice.sentence and "--total_kimg" in choice.sentence
    more = rundir.resume_choice("auto", tmp_path, with_changes(training={"total_kimg": 100}))
    assert (more.run_dir, more.finished) == (newest, False)
    assert rundir.resume_choice(str(newest), tmp_path, CONFIG).finished


def test_never(tmp_path: Path) -> None:
    make_run(tmp_path)
    assert rundir.resume_choice("never", tmp_path, CONFIG).run_dir is None


def test_a_directory(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    choice = rundir.resume_choice(str(run), tmp_path / "unused", {**CONFIG, "replicas": 2})
    assert (choice.run_dir, choice.finished) == (run, False)
    other = with_changes(G={"fmap_max": 512}, schedule={"minibatch": {"8": 32, "16": 4}})
    with pytest.raises(UserError) as caught:
        rundir.resume_choice(str(run), tmp_path, other)
    assert "G.fmap_max: 64 there, 512 here; schedule.minibatch.16: (not there) there, 4 here" in str(caught.value)


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such run directory; choose auto, never or a run directory"):
        rundir.resume_choice("atuo", tmp_path, CONFIG)
    with pytest.raises(UserError, match=r"no run directory: it has no config.json"):
        rundir.resume_choice(str(tmp_path), tmp_path, CONFIG)
    for text in ("{", "[1]"):
        (tmp_path / rundir.CONFIG).write_text(text)
        with pytest.raises(UserError, match=r"config.json"):
            rundir.resume_choice(str(tmp_path), tmp_path, CONFIG)


def test_finished_marker(tmp_path: Path) -> None:
    assert rundir.finished_nimg(tmp_path) is None
    rundir.mark_finished(tmp_path, 70_000)
    assert rundir.finished_nimg(tmp_path) == 70_000
    assert [path.name for path in tmp_path.iterdir()] == [rundir.FINISHED]


def with_choices(precision: str, fused: str) -> dict:
    return {**CONFIG, "training": {**CONFIG["training"], "precision": precision}, "G": {"fused_scale": fused}}


@pytest.mark.parametrize(("precision", "fused"), [("float32", "8,16"), ("mixed_bfloat16", "off")])
def test_a_run_is_continued_with_what_it_chose_by_measuring(tmp_path: Path, precision: str, fused: str) -> None:
    run, asked = make_run(tmp_path, with_choices(precision, fused)), with_choices("auto", "measured")
    assert rundir.resume_choice("auto", tmp_path, asked).run_dir == run
    assert rundir.kept(run, asked) == {"training.precision": precision, "G.fused_scale": fused}
    assert rundir.kept(run, with_choices("float32", "measured")) == {"G.fused_scale": fused}
    explicit = with_choices("mixed_float16", fused)
    assert rundir.resume_choice("auto", tmp_path, explicit).run_dir is None


def test_a_run_older_than_a_field_did_what_the_field_says(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert rundir.resume_choice("auto", tmp_path, with_changes(training={"r1_interval": 1})).run_dir == run
    assert rundir.resume_choice("auto", tmp_path, with_changes(training={"r1_interval": 16})).run_dir is None


def test_a_run_that_nearly_fits_is_named(tmp_path: Path) -> None:
    """Not silently left behind: as by a default that changed."""
    run = make_run(tmp_path)
    choice = rundir.resume_choice("auto", tmp_path, with_changes(training={"r1_interval": 16}))
    assert choice.run_dir is None
    assert choice.sentence == (
        f"starting a new run: {run} is unfinished, but differs in training.r1_interval (1 there, 16 here)"
    )
    rundir.mark_finished(run, 70_000)
    again = rundir.resume_choice("auto", tmp_path, with_changes(training={"r1_interval": 16}))
    assert again.sentence == "starting a new run"
