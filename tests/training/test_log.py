"""What a run says, on the console and in its files; the tick lines are from logs of the official code family."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from stylegan_tf.configs.schedule import Phase
from stylegan_tf.progress import LiveLine
from stylegan_tf.training.log import RunLog, Tick, cut_back, live_text, scalars, tick_line

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


def test_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    assert cut_back(path, 1000) == -1
    whole = '{"nimg": 1000, "Loss/G": 1}\n{"nimg": 2000}\n{"nimg": 3000}\n'
    for text, nimg, kept, last in [
        (whole, 2000, 2, 2000),
        (whole, 2999, 2, 2000),
        (whole, 9999, 3, 3000),
        (whole, 999, 0, -1),
        (whole + '{"nimg": 40', 9999, 3, 3000),
        (whole + '{"nimg": 4000}', 9999, 3, 3000),  # without its newline the line may have been longer
        (whole + "5", 9999, 3, 3000),
    ]:
        path.write_text(text)
        assert cut_back(path, nimg) == last
        assert path.read_text() == "".join(whole.splitlines(keepends=True)[:kept])
    assert [left.name for left in tmp_path.iterdir()] == ["stats.jsonl"]


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


@pytest.fixture
def resumed_run(tmp_path: Path) -> Path:
    """Ticks at 2, 4, 6 and 8 kimg, killed; resumed twice from a checkpoint at 4 kimg; 10 kimg at the end."""
    grid = np.zeros((4, 6, 3), np.uint8)
    with RunLog(tmp_path) as log:
        log.image("fakes", grid, 0)
        for number, nimg in enumerate((2000, 4000, 6000, 8000), 1):
            log.tick(tick(number, nimg, tick_seconds=1.0))
            log.image("fakes", grid, nimg)
    with RunLog(tmp_path, 4000) as log:
        log.tick(tick(3, 6500, tick_seconds=2.0))
    with RunLog(tmp_path, 4000) as log:
        log.tick(tick(2, 4000, tick_seconds=3.0))  # the checkpoint was written before this tick was said
        log.image("fakes", grid, 4000)
        for number, nimg in enumerate((6000, 8000, 10_000), 3):
            log.tick(tick(number, nimg, tick_seconds=3.0))
            log.image("fakes", grid, nimg)
    return tmp_path


def test_resumed_stats_have_each_tick_once(resumed_run: Path) -> None:
    found = [(line["nimg"], line["Progress/tick"], line["Timing/sec_per_tick"]) for line in lines_of(resumed_run)]
    assert found == [(2000, 1, 1.0), (4000, 2, 1.0), (6000, 3, 3.0), (8000, 4, 3.0), (10_000, 5, 3.0)]


def test_resumed_tensorboard_has_each_step_once(resumed_run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(resumed_run), size_guidance={"images": 0}).Reload()  # 0: keep all
    points = [(point.step, point.value) for point in events.Scalars("Timing/sec_per_tick")]
    assert points == [(2000, 1.0), (4000, 1.0), (6000, 3.0), (8000, 3.0), (10_000, 3.0)]
    assert [picture.step for picture in events.Images("fakes")] == [0, 2000, 4000, 6000, 8000, 10_000]


def test_a_tick_that_another_start_did_not_repeat_is_gone(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with RunLog(tmp_path) as log:
        for number, nimg in enumerate((2000, 4000, 6000, 8000), 1):
            log.tick(tick(number, nimg))
    with RunLog(tmp_path, 4500) as log:
        log.tick(tick(3, 6500))
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [point.step for point in events.Scalars("Loss/G")] == [2000, 4000, 6500]
    assert [line["nimg"] for line in lines_of(tmp_path)] == [2000, 4000, 6500]


def test_a_run_killed_before_its_first_checkpoint_starts_over(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        with RunLog(tmp_path) as log:
            log.image("fakes", np.zeros((4, 4, 1), np.uint8), 0)
            log.tick(tick(1, 2000))
    assert [line["nimg"] for line in lines_of(tmp_path)] == [2000]
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [point.step for point in events.Scalars("Loss/G")] == [2000]
    assert [picture.step for picture in events.Images("fakes")] == [0]
