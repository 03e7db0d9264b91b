"""What a run says, on the console and in its files; the tick lines are from logs of the official code family."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from stylegan_tf.configs.schedule import Phase
from stylegan_tf.progress import LiveLine
from stylegan_tf.training.log import EventFile, RunLog, Tick, live_text, scalars, tick_line

FINAL = Phase(lod=0.0, stage=7, fade=1.0, resolution=128, minibatch=32, G_lrate=0.001, D_lrate=0.001, tick_kimg=6)
FADING = Phase(lod=1.6, stage=4, fade=0.4, resolution=16, minibatch=128, G_lrate=0.001, D_lrate=0.001, tick_kimg=6)


def tick(number: int, nimg: int, **changes) -> Tick:
    losses = {"scores/real": 0.5, "scores/fake": -0.25, "G": 0.75}
    values = {"phase": FINAL, "total_seconds": 10.0, "tick_seconds": 4.0, "tick_nimg": 2000, "losses": losses}
    return Tick(number, nimg, **{**values, **changes})


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            tick(
                1,
                6_080,
                total_seconds=736,
                tick_seconds=648.1,
                tick_nimg=6016,
                maintenance_seconds=30.5,
                peak_gpu_gb=5.1,
            ),
            "tick 1     kimg 6.1      lod 0.00  minibatch 32   time 12m 16s      "
            "sec/tick 648.1   sec/kimg 107.73  maintenance 30.5   gpumem 5.1",
        ),
        (
            tick(0, 128, total_seconds=58, tick_seconds=57.7, tick_nimg=128, peak_gpu_gb=5.1),
            "tick 0     kimg 0.1      lod 0.00  minibatch 32   time 58s          "
            "sec/tick 57.7    sec/kimg 450.78  maintenance 0.0    gpumem 5.1",
        ),
    ],
)
def test_official_tick_line(words: Tick, line: str) -> None:
    assert tick_line(words) == line


def test_scalars_have_the_official_names() -> None:
    assert scalars(tick(3, 6000, skipped_steps=2, maintenance_seconds=1.5, peak_gpu_gb=0.5)) == {
        "Loss/scores/real": 0.5,
        "Loss/scores/fake": -0.25,
        "Loss/G": 0.75,
        "Progress/tick": 3,
        "Progress/kimg": 6.0,
        "Progress/lod": 0.0,
        "Progress/minibatch": 32,
        "Progress/skipped_steps": 2,
        "Timing/total_sec": 10.0,
        "Timing/sec_per_tick": 4.0,
        "Timing/sec_per_kimg": 2.0,
        "Timing/maintenance_sec": 1.5,
        "Resources/peak_gpu_mem_gb": 0.5,
    }


def test_live_text() -> None:
    losses = {"G": 0.712, "D": 1.2, "scores/real": 0.5, "scores/fake": -0.4, "r1_penalty": 3.0}
    text = live_text(12_345, 70, FADING, 1 / 160, losses, peak_gpu_gb=1.25, remaining=312.0)
    assert text == (
        "12.3 of 70 kimg  16x16 fade 0.40  160 img/s  6.25 s/kimg  "
        "G 0.71 D 1.20 real 0.50 fake -0.40  gpumem 1.2 GB  5m 12s left"
    )
    plain = live_text(0, 25000, FINAL, 0.05, {})
    assert re.fullmatch(r"0\.0 of 25000 kimg  128x128  20 img/s  50 s/kimg  mem \d+\.\d GB", plain)


def lines_of(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "stats.jsonl").read_text().splitlines()]


def test_writes_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with RunLog(tmp_path) as log:
        log.say("training for 70 kimg")
        log.tick(tick(1, 2000, losses={"G": float("nan"), "D": 2.0}))
    log_text = (tmp_path / "log.txt").read_text()
    assert log_text == capsys.readouterr().out
    assert log_text.splitlines() == ["training for 70 kimg", tick_line(tick(1, 2000))]
    (line,) = lines_of(tmp_path)
    assert (line["nimg"], line["Loss/G"], line["Loss/D"], line["Progress/tick"]) == (2000, None, 2.0, 1)


def test_a_tick_line_does_not_run_into_the_live_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", screen)
    with RunLog(tmp_path, line=LiveLine(screen)) as log:
        log.line.show("0.1 of 70 kimg")
        log.say("a tick")
    assert screen.getvalue().endswith("0.1 of 70 kimg\na tick\n")


GRID = np.zeros((4, 6, 3), np.uint8)


def say_ticks(log: RunLog, ticks: dict[int, int], seconds: float) -> None:
    """ticks: number -> nimg."""
    for number, nimg in ticks.items():
        log.tick(tick(number, nimg, tick_seconds=seconds))
        log.image("fakes", GRID, nimg)


@pytest.fixture
def resumed_run(tmp_path: Path) -> Path:
    """Ticks at 2, 4, 6 and 8 kimg, killed in a line; resumed twice from a checkpoint at 4 kimg; 10 kimg at the end."""
    with RunLog(tmp_path, lengths={}) as log:
        log.image("fakes", GRID, 0)
        say_ticks(log, {1: 2000, 2: 4000}, 1.0)
        lengths = log.lengths()
        log.metrics({"fid": 10.0}, 4000)  # broken off: it is computed again
        say_ticks(log, {3: 6000, 4: 8000}, 1.0)
    for path in map(tmp_path.joinpath, lengths):
        with open(path, "ab") as file:
            file.write(b"half a li")
    assert set(lengths) == {path.name for path in tmp_path.iterdir()} - {"log.txt"} and len(lengths) == 2
    with RunLog(tmp_path, 4000, lengths) as log:
        log.tick(tick(3, 6500, tick_seconds=2.0))
    with RunLog(tmp_path, 4000, lengths) as log:
        log.metrics({"fid": 20.0}, 4000)
        say_ticks(log, {3: 6000, 4: 8000, 5: 10_000}, 3.0)
    return tmp_path


def test_resumed_stats_have_each_tick_once(resumed_run: Path) -> None:
    found = [(line["nimg"], line.get("Timing/sec_per_tick"), line.get("Metrics/fid")) for line in lines_of(resumed_run)]
    assert found == [
        *((2000, 1.0, None), (4000, 1.0, None), (4000, None, 20.0)),
        *((6000, 3.0, None), (8000, 3.0, None), (10_000, 3.0, None)),
    ]


def test_resumed_tensorboard_has_each_step_once(resumed_run: Path) -> None:
    events = EventAccumulator(str(resumed_run), size_guidance={"images": 0}).Reload()  # 0: keep all
    points = [(point.step, point.value) for point in events.Scalars("Timing/sec_per_tick")]
    assert points == [(2000, 1.0), (4000, 1.0), (6000, 3.0), (8000, 3.0), (10_000, 3.0)]
    assert [(point.step, point.value) for point in events.Scalars("Metrics/fid")] == [(4000, 20.0)]
    assert [picture.step for picture in events.Images("fakes")] == [0, 2000, 4000, 6000, 8000, 10_000]


def test_a_run_killed_before_its_first_checkpoint_starts_over(tmp_path: Path) -> None:
    for _ in range(2):
        with RunLog(tmp_path, lengths={}) as log:
            say_ticks(log, {1: 2000}, 1.0)
    assert [line["nimg"] for line in lines_of(tmp_path)] == [2000]
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [point.step for point in events.Scalars("Loss/G")] == [2000]
    assert [picture.step for picture in events.Images("fakes")] == [2000]


def test_what_an_older_version_wrote_stays(tmp_path: Path) -> None:
    """Its checkpoints do not know the lengths."""
    for nimg in (2000, 4000):
        with RunLog(tmp_path, nimg - 2000) as log:
            say_ticks(log, {1: nimg}, 1.0)
    assert [line["nimg"] for line in lines_of(tmp_path)] == [2000, 4000]


def read(folder: Path) -> list[list[Event]]:
    return [
        [Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()] for path in sorted(folder.iterdir())
    ]


def test_what_tensorboard_reads(tmp_path: Path) -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    events = EventFile(tmp_path, 4001)
    events.scalars({"Loss/G": 0.5, "Loss/D": 2.0}, 6000)
    events.image("fakes", pixels, 6000)
    events.image("grey", pixels[:, :, :1], 6000)
    ((version, start, numbers, picture, grey),) = read(tmp_path)  # before close: a kill loses nothing
    events.file.close()
    assert version.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (4001, SessionLog.START)
    assert [(value.tag, value.simple_value) for value in numbers.summary.value] == [("Loss/G", 0.5), ("Loss/D", 2.0)]
    assert numbers.step == picture.step == 6000
    shown = picture.summary.value[0].image
    assert (shown.height, shown.width, shown.colorspace) == (4, 6, 3)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(shown.encoded_image_string))), pixels)
    assert grey.summary.value[0].image.colorspace == 1


def test_event_files_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.9999999900.other").touch()  # a clock that was ahead
    names = ["events.out.tfevents.9999999900.other"]
    for _ in range(12):
        EventFile(tmp_path, 0).file.close()
        names += {path.name for path in tmp_path.iterdir()} - set(names)
    assert len(names) == 13 and names == sorted(names)


def test_a_line_that_was_cut_short_is_ended(tmp_path: Path) -> None:
    (tmp_path / "stats.jsonl").write_text('{"nimg": 1}\n{"nim')
    with RunLog(tmp_path) as log:
        log.metrics({"fid": 1.0}, 2)
    assert (tmp_path / "stats.jsonl").read_text().splitlines()[1:] == ['{"nim', '{"nimg": 2, "Metrics/fid": 1.0}']


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.txt").mkdir()
    with pytest.raises(OSError, match="log.txt"):
        RunLog(tmp_path)


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "log.txt").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*log.txt"), RunLog(tmp_path) as log:
        log.say("a line")
