"""Run directories: numbers, what is the newest, and which run a command continues."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny
from refusals import refused

from stylegan_tf import rundir
from stylegan_tf.configs.text import from_json, to_json
from stylegan_tf.errors import UserError

TINY = tiny.experiment(total_kimg=70)
CONFIG = to_json(TINY)
DATA = {"name": "noise", "num_images": 64, "bytes": {"8": 1000, "16": 4000}, "labels": None}


def make_run(outdir: Path, config: dict = CONFIG, finished: int | None = None, data: dict | None = None) -> Path:
    run = rundir.create(outdir, "sgan-faces")
    (run / rundir.CONFIG).write_text(json.dumps(config))
    if data is not None:
        (run / rundir.DATA_SET).write_text(json.dumps(data))
    if finished is not None:
        rundir.mark_finished(run, finished)
    return run


def with_changes(**groups: dict) -> dict:
    return {**CONFIG, **{name: {**CONFIG[name], **changes} for name, changes in groups.items()}}


def choice_of(resume: str, outdir: Path, config: dict, *data) -> rundir.Choice:
    return rundir.resume_choice(resume, outdir, from_json(config), *data)


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
    with refused(tmp_path / "file" / "results", "--outdir"):
        rundir.create(tmp_path / "file" / "results", "sgan-faces")


def test_runs(tmp_path: Path) -> None:
    assert rundir.runs(tmp_path / "nowhere") == []
    first, second = make_run(tmp_path), make_run(tmp_path)
    rundir.create(tmp_path, "died-before-its-configuration-was-written")
    assert rundir.runs(tmp_path) == [first, second]


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
        with_changes(output={"grid": "8x8", "image_ticks": 2, "snapshot_ticks": 3, "checkpoint_minutes": 1.0}),
        with_changes(training={"total_kimg": 100}),
    ],
)
def test_auto_continues_an_equal_unfinished_run(tmp_path: Path, config: dict) -> None:
    run = make_run(tmp_path)
    choice = choice_of("auto", tmp_path, config)
    assert (choice.run_dir, choice.finished) == (run, False)
    assert str(run) in choice.sentence


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({**CONFIG, "config": "E"}, ["config", "F", "E"]),
        (with_changes(training={"seed": 1}), ["training.seed", 1000, 1]),
        (with_changes(schedule={"minibatch": {"8": 32, "16": 4}}), ["schedule.minibatch.8", "none", 32, "16", 4]),
        (with_changes(G={"fmap_max": 7}), ["G.fmap_max", 8, 7]),
        (with_changes(data={"mirror": True}), ["data.mirror", "false", "true"]),
    ],
)
def test_auto_starts_anew_where_the_configuration_differs(tmp_path: Path, config: dict, names: list) -> None:
    run = make_run(tmp_path)
    assert choice_of("auto", tmp_path, config).run_dir is None
    with refused(f"--resume={run}", *names):
        choice_of(str(run), tmp_path, config)


def test_auto_takes_the_newest_unfinished(tmp_path: Path) -> None:
    make_run(tmp_path)
    newest = make_run(tmp_path)
    make_run(tmp_path, finished=70_000)
    make_run(tmp_path, {**CONFIG, "config": "E"})
    (rundir.create(tmp_path, "broken") / rundir.CONFIG).write_text("{")
    assert choice_of("auto", tmp_path, CONFIG).run_dir == newest


def test_finished(tmp_path: Path) -> None:
    make_run(tmp_path, finished=70_000)
    newest = make_run(tmp_path, finished=70_016)
    choice = choice_of("auto", tmp_path, CONFIG)
    assert (choice.run_dir, choice.finished) == (newest, True)
    assert "is finished, after 70.016 kimg" in choice.sentence and "--total_kimg" in choice.sentence
    more = choice_of("auto", tmp_path, with_changes(training={"total_kimg": 100}))
    assert (more.run_dir, more.finished) == (newest, False)
    assert choice_of(str(newest), tmp_path, CONFIG).finished


def test_never(tmp_path: Path) -> None:
    make_run(tmp_path)
    assert choice_of("never", tmp_path, CONFIG).run_dir is None


def test_a_directory(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    choice = choice_of(str(run), tmp_path / "unused", {**CONFIG, "replicas": 2})
    assert (choice.run_dir, choice.finished) == (run, False)
    other = with_changes(G={"fmap_max": 512}, schedule={"minibatch": {"16": 4}})
    with refused(f"--resume={run}", "G.fmap_max", 8, 512, "schedule.minibatch.16", "none", 4):
        choice_of(str(run), tmp_path, other)


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    with refused("--resume=atuo", "auto", "never", "--init_from"):
        choice_of("atuo", tmp_path, CONFIG)
    with refused(tmp_path, "config.json"):
        choice_of(str(tmp_path), tmp_path, CONFIG)
    for text in ("{", "[1]", "", "{}"):
        (tmp_path / rundir.CONFIG).write_text(text)
        with refused(tmp_path / "config.json"):
            choice_of(str(tmp_path), tmp_path, CONFIG)


def test_finished_marker(tmp_path: Path) -> None:
    assert rundir.finished_nimg(tmp_path) is None
    rundir.mark_finished(tmp_path, 70_000)
    assert rundir.finished_nimg(tmp_path) == 70_000
    assert [path.name for path in tmp_path.iterdir()] == [rundir.FINISHED]


def with_choices(precision: str, fused: str) -> dict:
    return with_changes(training={"precision": precision}, G={"fused_scale": fused})


@pytest.mark.parametrize(("precision", "fused"), [("float32", "8,16"), ("mixed_bfloat16", "off")])
def test_a_run_is_continued_with_what_it_chose_by_measuring(tmp_path: Path, precision: str, fused: str) -> None:
    run, asked = make_run(tmp_path, with_choices(precision, fused)), with_choices("auto", "measured")
    assert choice_of("auto", tmp_path, asked).run_dir == run
    assert rundir.kept(run, from_json(asked)) == {"training.precision": precision, "G.fused_scale": fused}
    assert rundir.kept(run, from_json(with_choices("float32", "measured"))) == {"G.fused_scale": fused}
    explicit = with_choices("mixed_float16", fused)
    assert choice_of("auto", tmp_path, explicit).run_dir is None


def test_a_run_older_than_a_field_did_what_the_field_says(tmp_path: Path) -> None:
    """And one that has another name for a field means the same."""
    training = {("shares" if name == "num_gpus" else name): value for name, value in CONFIG["training"].items()}
    for name in ("r1_interval", "deterministic", "xla", "batch_gpu", "recompute"):
        del training[name]
    run = make_run(tmp_path, {**CONFIG, "training": training})
    assert choice_of("auto", tmp_path, with_changes(training={"r1_interval": 1})).run_dir == run
    assert choice_of("auto", tmp_path, with_changes(training={"r1_interval": 16})).run_dir is None


def test_a_run_that_nearly_fits_is_named(tmp_path: Path) -> None:
    """Not silently left behind: as by a default that changed."""
    run = make_run(tmp_path)
    choice = choice_of("auto", tmp_path, with_changes(training={"r1_interval": 16}))
    assert choice.run_dir is None
    assert choice.sentence == ("starting a new run: 00000 differs in training.r1_interval (1 there)")
    rundir.mark_finished(run, 70_000)
    again = choice_of("auto", tmp_path, with_changes(training={"r1_interval": 16}))
    assert again.sentence == "starting a new run"


def test_the_nearest_run_names_its_values_as_flags_do(tmp_path: Path) -> None:
    make_run(tmp_path, with_changes(data={"mirror": True}, loss={"r1_gamma": 1.0}))
    choice = choice_of("auto", tmp_path, with_changes(data={"mirror": False}))
    assert choice.sentence == "starting a new run: 00000 differs in data.mirror (true there), loss.r1_gamma (1.0 there)"


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"training": 3}', "\0\xff", "[" * 100_000])
def test_a_garbled_configuration_of_another_run_does_not_matter(text: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (rundir.create(tmp_path, "garbled") / rundir.CONFIG).write_text(text)
    assert choice_of("auto", tmp_path, CONFIG).run_dir == run
    assert choice_of("auto", tmp_path, with_changes(data={"mirror": True})).run_dir is None


def at(directory: object) -> dict:
    return with_changes(data={"directory": str(directory)})


def test_spelling_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of an older version, which does not say what its data set was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    run = make_run(tmp_path, at("data"))
    for spelt in ("./data", "data/", tmp_path / "data", "../" + tmp_path.name + "/data", "link"):
        assert choice_of("auto", tmp_path, at(spelt), DATA).run_dir == run
    assert choice_of("auto", tmp_path, at("other"), DATA).run_dir is None
    start = make_run(tmp_path, with_changes(training={"init_from": "data"}))
    there = os.path.join(tmp_path, "data")
    assert choice_of("auto", tmp_path, with_changes(training={"init_from": there})).run_dir == start


def test_a_data_set_that_moved(tmp_path: Path) -> None:
    run = make_run(tmp_path, at("old"), data=DATA)
    assert choice_of("auto", tmp_path, at("new"), DATA).run_dir == run
    assert choice_of(str(run), tmp_path, at("new"), DATA).run_dir == run
    other = choice_of("auto", tmp_path, at("new"), {**DATA, "num_images": 65})
    assert other.run_dir is None and other.sentence.endswith("00000 differs in data.directory (old there)")


def test_a_data_set_that_changed(tmp_path: Path) -> None:
    """It is said; the run goes on with it only where that is allowed."""
    run, now = make_run(tmp_path, at("data"), data=DATA), {**DATA, "num_images": 65}
    for resume in ("auto", str(run)):
        with refused(run, "num_images", 64, 65, "--allow_changed_data", "--resume=never"):
            choice_of(resume, tmp_path, at("./data"), now)
        choice = choice_of(resume, tmp_path, at("data"), now, True)
        assert choice.run_dir == run and "the data set has changed: num_images was 64, is 65" in choice.sentence
    assert choice_of("never", tmp_path, at("data"), now).run_dir is None
    # A newer run that began with the data set as it is now comes first; a finished one is in nobody's way.
    newer = make_run(tmp_path, at("data"), data=now)
    assert choice_of("auto", tmp_path, at("data"), now).run_dir == newer
    rundir.mark_finished(newer, 70_000)
    assert choice_of("auto", tmp_path, at("data"), now).finished
    rundir.mark_finished(run, 70_000)
    again = choice_of("auto", tmp_path, at("data"), {**DATA, "num_images": 66})
    assert (again.run_dir, again.finished) == (None, False)


def test_less_than_a_run_has_shown_already(tmp_path: Path) -> None:
    """Nothing is left to do, and the last pictures and networks are named."""
    run = make_run(tmp_path)
    for nimg in (1920, 3840):
        (run / rundir.CHECKPOINTS / f"{nimg:09d}").mkdir(parents=True)
        rundir.fakes_path(run, nimg).touch()
    snapshot = rundir.snapshot_dir(run, 1920)
    snapshot.mkdir()
    (snapshot / "Gs.keras").touch()
    choice = choice_of("auto", tmp_path, with_changes(training={"total_kimg": 2}))
    assert (choice.run_dir, choice.finished) == (run, True)
    assert f"{run} is already at 3.84 kimg; a larger --total_kimg continues it" in choice.sentence
    assert choice.sentence.splitlines()[1:] == [f"  last: {run}/fakes000003.png", f"  last: {snapshot}"]
    # It had shown all that is asked for when it was stopped before saying so: the loop ends it.
    assert not choice_of("auto", tmp_path, with_changes(training={"total_kimg": 3.84})).finished


def test_the_names_of_classes_decide_no_number(tmp_path: Path) -> None:
    run = make_run(tmp_path, data=DATA | {"classes": ["cat", "dog"]})
    assert choice_of("auto", tmp_path, CONFIG, DATA).run_dir == run
    assert choice_of(str(run), tmp_path, CONFIG, DATA).run_dir == run


GARBLED = [
    "",
    "[]",
    "{",
    "[" * 100_000,
    '{"training": ' * 5000,
    '{"x": "\\ud800"}',
    '{"x": ' + "9" * 5000 + "}",
    "\ufeff[]",
    "null",
]


@pytest.mark.parametrize("text", GARBLED, ids=lambda text: text[:12])
def test_garbled_files_of_a_run(text: str, tmp_path: Path) -> None:
    """Its configuration is a sentence, all else as if it were not there."""
    run = make_run(tmp_path, data=DATA)
    for name in (rundir.DATA_SET, rundir.FINISHED, rundir.STATS):
        (run / name).write_text(text)
    assert choice_of("auto", tmp_path, CONFIG, DATA).run_dir == run and rundir.finished_nimg(run) is None
    (run / rundir.CONFIG).write_text(text)
    assert choice_of("auto", tmp_path, CONFIG, DATA).run_dir is None
    with pytest.raises(UserError, match=r"config.json") as caught:
        choice_of(str(run), tmp_path, CONFIG, DATA)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


@pytest.mark.parametrize("number", ["-1", "9" * 400, "9" * 5000, "nan", "1e3"])
def test_a_count_that_there_cannot_be(number: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run / rundir.FINISHED).write_text(number)
    assert rundir.finished_nimg(run) is None and rundir.shown_nimg(run) == 0


@pytest.mark.parametrize(
    ("group", "field", "value"),
    [
        *(("data", "directory", value) for value in ("\0", 7, None)),
        *(("training", "total_kimg", value) for value in (float("nan"), float("inf"), "1", 10**400)),
        *(("schedule", "minibatch", value) for value in ([], {"x": 1}, {"9" * 100: 1}, {"32": 1.5})),
        *(("training", "\x1b[2J" * 100, 1), ("G", "resolution", True)),
    ],
)
def test_values_that_no_run_has(group: str, field: str, value: object, tmp_path: Path) -> None:
    run = make_run(tmp_path, with_changes(**{group: {field: value}}))
    assert choice_of("auto", tmp_path, CONFIG).run_dir is None
    with pytest.raises(UserError) as caught:
        choice_of(str(run), tmp_path, CONFIG)
    assert str(run) in str(caught.value) and str(caught.value).isprintable() and len(str(caught.value)) < 400
