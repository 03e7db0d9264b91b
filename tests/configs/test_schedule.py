"""The schedule against the 14 tables recorded from the official code (golden/schedule.json), and by hand."""

import json
from pathlib import Path

import pytest

from stylegan_tf.configs.schedule import phase, reset_key
from stylegan_tf.configs.schema import ScheduleConfig

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "schedule.json").read_text())
OURS = {
    "minibatch_base": "minibatch_base",
    "minibatch_dict": "minibatch",
    "max_minibatch_per_gpu": "max_minibatch_per_gpu",
    "lod_initial_resolution": "initial_resolution",
    "lod_training_kimg": "lod_training_kimg",
    "lod_transition_kimg": "lod_transition_kimg",
    "lrate_rampup_kimg": "lrate_rampup_kimg",
    "G_lrate_dict": "G_lrate",
    "D_lrate_dict": "D_lrate",
}


def recorded_schedule(arguments: dict) -> ScheduleConfig:
    values = {
        OURS[name]: {int(key): item for key, item in value.items()} if isinstance(value, dict) else value
        for name, value in arguments.items()
    }
    # The official function starts at 4x4 and with minibatches of 16 where its caller does not say.
    return ScheduleConfig(**{"initial_resolution": 4, "minibatch_base": 16, **values})


@pytest.mark.parametrize("name", RECORDED["tables"])
def test_equals_official_table(name: str) -> None:
    recorded = RECORDED["tables"][name]
    schedule = recorded_schedule(recorded["sched_args"])
    final = int(name.split("_res")[1].split("_")[0])
    num_gpus = recorded["num_gpus"]
    for nimg, kimg, lod, resolution, minibatch, per_gpu, G_lrate, D_lrate, tick_kimg in recorded["rows"]:
        now = phase(nimg, schedule, final, num_gpus)
        assert nimg / 1000 == kimg
        assert (now.lod, now.resolution, now.minibatch, now.minibatch // num_gpus, now.tick_kimg) == (
            lod,
            resolution,
            minibatch,
            per_gpu,
            tick_kimg,
        )
        assert (now.G_lrate, now.D_lrate) == (G_lrate, D_lrate)


def test_fourteen_tables() -> None:
    assert len(RECORDED["tables"]) == 14


@pytest.mark.parametrize(
    ("nimg", "stage", "fade", "key"),
    [
        (0, 3, 1.0, (2, 2)),
        (10_000, 3, 1.0, (2, 2)),  # the last picture before the fade
        (12_500, 4, 0.25, (1, 2)),  # 2.5 of 10 kimg into the fade of 16x16
        (17_500, 4, 0.75, (1, 2)),
        (20_000, 4, 1.0, (1, 1)),
        (35_000, 5, 0.5, (0, 1)),
        (40_000, 5, 1.0, (0, 0)),
        (900_000, 5, 1.0, (0, 0)),
    ],
)
def test_stage_and_fade_by_hand(nimg: int, stage: int, fade: float, key: tuple[int, int]) -> None:
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=10)
    now = phase(nimg, schedule, resolution=32)
    assert (now.stage, now.fade, now.resolution, reset_key(now)) == (stage, fade, 2**stage, key)


def test_no_fade_where_transition_is_zero() -> None:
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=0)
    seen = [(now.stage, now.fade) for now in (phase(nimg, schedule, 32) for nimg in (9_999, 10_000, 20_000, 30_000))]
    assert seen == [(3, 1.0), (4, 1.0), (5, 1.0), (5, 1.0)]


def test_two_resets_per_doubling() -> None:
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=10)
    keys = [reset_key(phase(nimg, schedule, resolution=32)) for nimg in range(0, 60_000, 16)]
    assert sum(one != other for one, other in zip(keys, keys[1:], strict=False)) == 4
