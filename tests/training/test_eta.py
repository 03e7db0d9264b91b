"""How long training still takes, in cases worked by hand."""

from dataclasses import replace

import pytest

from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig, ScheduleConfig
from stylegan_tf.training.eta import (
    Pace,
    discriminator_cost,
    generator_cost,
    multiplications,
    remaining_seconds,
    stage_kimg,
)

GROWING = ScheduleConfig(initial_resolution=8, lod_training_kimg=10, lod_transition_kimg=10)
TWO_WIDE_G = GeneratorConfig(resolution=256, fmap_max=2, z_dim=5, w_dim=7, mapping_layers=2, mapping_fmaps=3)
TWO_WIDE_D = DiscriminatorConfig(resolution=256, fmap_max=2)


def test_kimg_per_stage() -> None:
    # 8x8 until 10, 16x16 (fade included) until 30, then 32x32.
    assert stage_kimg(GROWING, 32, 0, 70) == {3: 10, 4: 20, 5: 40}
    assert stage_kimg(GROWING, 32, 25, 70) == {4: 5, 5: 40}
    assert stage_kimg(GROWING, 32, 60, 70) == {5: 10}
    assert stage_kimg(GROWING, 32, 0, 15) == {3: 10, 4: 5}
    assert stage_kimg(GROWING, 32, 70, 70) == {}


def test_kimg_per_stage_without_fades_and_without_growing() -> None:
    assert stage_kimg(replace(GROWING, lod_transition_kimg=0), 32, 0, 70) == {3: 10, 4: 10, 5: 50}
    fixed = replace(GROWING, initial_resolution=32, lod_training_kimg=0, lod_transition_kimg=0)
    assert stage_kimg(fixed, 32, 0, 70) == {5: 70}


@pytest.mark.parametrize("transition", [0, 4, 10])
def test_kimg_per_stage_agrees_with_the_schedule(transition: int) -> None:
    schedule = replace(GROWING, lod_transition_kimg=transition)
    counted: dict[int, int] = {}
    for kimg in range(70):
        # The middle of each thousand, for a stage begins just after its first picture.
        stage = phase(kimg * 1000 + 500, schedule, 64).stage
        counted[stage] = counted.get(stage, 0) + 1
    assert stage_kimg(schedule, 64, 0, 70) == counted


def test_generator_cost_by_hand() -> None:
    mapping = 5 * 3 + 3 * 7
    conv_4 = 16 * 9 * 2 * 2
    assert generator_cost(TWO_WIDE_G, 2) == mapping + conv_4 + 16 * 2 * 3
    block_8 = 64 * (9 * 2 * 2 + 9 * 2 * 2)
    assert generator_cost(TWO_WIDE_G, 3) == mapping + conv_4 + block_8 + 64 * 2 * 3
    dense_input = replace(TWO_WIDE_G, const_input_layer=False, mapping_layers=0, w_dim=5)
    assert generator_cost(dense_input, 2) == 5 * 16 * 2 + conv_4 + 16 * 2 * 3


def test_discriminator_cost_by_hand() -> None:
    top = 16 * 9 * (2 + 1) * 2 + 16 * 2 * 2 + 2
    assert discriminator_cost(TWO_WIDE_D, 2) == 16 * 3 * 2 + top
    assert discriminator_cost(TWO_WIDE_D, 3) == 64 * 3 * 2 + 64 * (36 + 36) + top
    plain = replace(TWO_WIDE_D, mbstd_group_size=0, label_size=10)
    assert discriminator_cost(plain, 2) == 16 * 3 * 2 + 16 * 9 * 2 * 2 + 16 * 2 * 2 + 2 * 10


def test_fused_convolutions_cost_four_ninths_from_128_up() -> None:
    off = replace(TWO_WIDE_D, fused_scale="off")
    saved_at_128 = 4**7 * 36 * 5 / 9
    assert discriminator_cost(TWO_WIDE_D, 6) == discriminator_cost(off, 6)
    assert discriminator_cost(off, 7) - discriminator_cost(TWO_WIDE_D, 7) == pytest.approx(saved_at_128)
    on = replace(TWO_WIDE_G, fused_scale="on")
    assert generator_cost(TWO_WIDE_G, 3) - generator_cost(on, 3) == pytest.approx(64 * 36 * 5 / 9)


def test_remaining_seconds_by_hand() -> None:
    cpu = experiment("F", "cpu")
    run = replace(cpu, schedule=GROWING, training=replace(cpu.training, total_kimg=70))
    assert remaining_seconds(run, 0, {}) is None
    # 5 kimg of 8x8, 20 of 16x16, 40 of 32x32.
    seen = {3: 0.001, 4: 0.002, 5: 0.01}
    assert remaining_seconds(run, 5_000, seen) == pytest.approx(5 + 40 + 400)
    # 32x32 has not been seen: as slow as 16x16 times the work; 8x8 is over.
    ratio = multiplications(run, 5) / multiplications(run, 4)
    assert remaining_seconds(run, 25_000, {3: 0.001, 4: 0.002}) == pytest.approx(5 * 2 + 40 * 2 * ratio)
    assert remaining_seconds(run, 70_000, seen) == 0


def test_the_end_of_a_1024_run_is_the_slowest() -> None:
    run = experiment("F", "1gpu", resolution=1024)
    # 25,000 kimg at the speed of 8x8, 1 ms per picture, would be 7 hours; nearly half of them are at 1024x1024.
    assert multiplications(run, 10) > 20 * multiplications(run, 3)
    spans = stage_kimg(run.schedule, 1024, 0, 25000)
    assert spans[10] == 25000 - 7800
    left = remaining_seconds(run, 0, {3: 0.001})
    assert left is not None and left > 17_200 * 20


def test_pace_is_a_mean_over_the_recent_past() -> None:
    pace = Pace()
    assert pace.seconds_per_image() == {}
    pace.add(3, 100, 1.0)
    pace.add(3, 300, 1.0)
    pace.add(4, 10, 2.0)
    # (0.9 x 1 + 1) seconds for (0.9 x 100 + 300) pictures
    assert pace.seconds_per_image() == {3: pytest.approx(1.9 / 390), 4: pytest.approx(0.2)}
    for _ in range(200):
        pace.add(3, 100, 4.0)
    assert pace.seconds_per_image()[3] == pytest.approx(0.04, rel=1e-6)
