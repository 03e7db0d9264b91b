"""Every preset on every hardware row at 1024x1024, against the numbers of the official scripts; and the cpu row."""

import pytest

from stylegan_tf.configs.check import validate
from stylegan_tf.configs.json_form import differences
from stylegan_tf.configs.presets import CONFIGS, experiment
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import ProganGeneratorConfig, ScheduleConfig

STYLE = ["F", "E", "D", "C", "B", "mix0", "mix50", "mix90", "mix100", "traditional-0", "traditional-8"]
STYLE += ["stylebased-0", "stylebased-1", "stylebased-2", "stylebased-8"]
#                4    8    16   32  64  128 256 512 1024
MINIBATCHES = {
    "1gpu": [128, 128, 128, 64, 32, 16, 8, 4, 4],
    "2gpu": [256, 256, 128, 64, 32, 16, 8, 8, 8],
    "4gpu": [512, 256, 128, 64, 32, 16, 16, 16, 16],
    "8gpu": [512, 256, 128, 64, 32, 32, 32, 32, 32],
    "v1-1gpu": [16, 16, 16, 16, 16, 16, 14, 6, 3],
}
LRATES = {  # from 128x128 on; 0.001 below
    "style": [0.0015, 0.002, 0.003, 0.003],
    "style wgan_gp": [0.0015, 0.002, 0.002, 0.002],
    "1gpu": [0.001, 0.001, 0.001, 0.0015],
    "2gpu": [0.001, 0.001, 0.0015, 0.002],
    "4gpu": [0.001, 0.0015, 0.002, 0.003],
    "8gpu": [0.0015, 0.002, 0.003, 0.003],
    "v1-1gpu": [0.001, 0.001, 0.001, 0.001],
}
PROGAN = [(config, row, row, row) for config in ("A", "A-fp16") for row in ("1gpu", "2gpu", "4gpu", "8gpu")]
PROGAN += [("v2-1gpu", "1gpu", "1gpu", "1gpu"), ("v2-2gpus", "2gpu", "2gpu", "2gpu")]
PROGAN += [("v2-4gpus", "4gpu", "4gpu", "4gpu"), ("v2-8gpus", "8gpu", "8gpu", "8gpu")]
PROGAN += [("v1-1gpu", "1gpu", "v1-1gpu", "v1-1gpu")]
SHARES = {"1gpu": 1, "2gpu": 2, "4gpu": 4, "8gpu": 8}


def by_resolution(schedule: ScheduleConfig, shares: int, kimg_of_a_doubling: int) -> list:
    """(resolution, minibatch, learning rate of G, of D) in the middle of the training of each resolution."""
    first = schedule.initial_resolution.bit_length() - 1
    phases = [
        phase((doubling * kimg_of_a_doubling + 100) * 1000, schedule, 1024, shares) for doubling in range(11 - first)
    ]
    assert all(now.fade == 1 for now in phases)
    return [(now.resolution, now.minibatch, now.G_lrate, now.D_lrate) for now in phases]


@pytest.mark.parametrize("hardware", SHARES)
@pytest.mark.parametrize("config", STYLE)
def test_style_based_presets_and_b(config: str, hardware: str) -> None:
    chosen = validate(experiment(config, hardware, data_resolution=1024))
    schedule, rates = chosen.schedule, [0.001] * 4 + LRATES["style"]
    sides = [8, 16, 32, 64, 128, 256, 512, 1024]
    minibatches = MINIBATCHES[hardware][1:]
    expected = list(zip(sides, minibatches, rates, rates, strict=True))
    assert by_resolution(schedule, SHARES[hardware], 1200) == expected
    assert (schedule.initial_resolution, schedule.lod_training_kimg, schedule.lod_transition_kimg) == (8, 600, 600)
    assert schedule.max_minibatch_per_gpu == {}
    assert (chosen.training.total_kimg, chosen.training.num_gpus, chosen.output.grid) == (25000, SHARES[hardware], "4k")
    assert (chosen.loss.G, chosen.loss.D, chosen.loss.r1_gamma, chosen.loss.gp_weight) == (
        *("logistic_nonsaturating", "logistic"),
        *(10, 0),
    )


@pytest.mark.parametrize("hardware", SHARES)
@pytest.mark.parametrize("config", STYLE)
def test_with_wgan_gp_their_learning_rates_are_capped(config: str, hardware: str) -> None:
    chosen = validate(experiment(config, hardware, "wgan_gp", data_resolution=1024))
    rates = [row[2:] for row in by_resolution(chosen.schedule, SHARES[hardware], 1200)]
    assert rates == [(rate, rate) for rate in [0.001] * 4 + LRATES["style wgan_gp"]]
    assert (chosen.training.total_kimg, chosen.loss.gp_weight, chosen.loss.r1_gamma) == (25000, 10, 0)


@pytest.mark.parametrize(("config", "hardware", "minibatches", "rates"), PROGAN)
def test_progressive_gan(config: str, hardware: str, minibatches: str, rates: str) -> None:
    chosen = validate(experiment(config, hardware, data_resolution=1024))
    schedule, v1 = chosen.schedule, config == "v1-1gpu"
    sides = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    all_rates = [0.001] * 5 + LRATES[rates]
    expected = list(zip(sides, MINIBATCHES[minibatches], all_rates, all_rates, strict=True))
    assert by_resolution(schedule, SHARES[hardware], 1600 if v1 else 1200) == expected
    kimg = 800 if v1 else 600
    assert (schedule.initial_resolution, schedule.lod_training_kimg, schedule.lod_transition_kimg) == (4, kimg, kimg)
    most = {512: 16, 1024: 8} if config == "A-fp16" else {256: 16, 512: 8, 1024: 4}
    assert schedule.max_minibatch_per_gpu == most
    assert (chosen.training.total_kimg, chosen.training.num_gpus) == (19000 if v1 else 12000, SHARES[hardware])
    assert (chosen.output.grid, chosen.D.mbstd_group_size) == ("1080p", 16 if v1 else 4)
    loss = chosen.loss
    assert (loss.G, loss.D, loss.r1_gamma, loss.r2_gamma, loss.gp_weight, loss.gp_target, loss.drift_weight) == (
        *("wgan", "wgan", 0, 0),
        *(10, 1, 0.001),
    )


def test_the_tests_above_cover_every_preset() -> None:
    assert sorted({*STYLE, *(config for config, *_ in PROGAN)}) == sorted(CONFIGS)


def test_a_smaller_resolution_changes_nothing_but_itself() -> None:
    for config in ("F", "A"):
        changes = differences(experiment(config, "4gpu", resolution=1024), experiment(config, "4gpu", resolution=256))
        assert changes == [(f"{where}.resolution", 1024, 256) for where in ("data", "G", "D")]


def test_cpu_row_trains_the_final_resolution() -> None:
    row = experiment("F", "cpu")
    assert row.G.resolution == 32
    doublings = 2  # 8 -> 16 -> 32
    schedule = row.schedule
    assert row.training.total_kimg > doublings * (schedule.lod_training_kimg + schedule.lod_transition_kimg)
    assert experiment("F", "cpu", directory="x", data_resolution=16).G.resolution == 16
    assert experiment("F", "cpu", directory="x", data_resolution=64).G.resolution == 32
    assert experiment("F", "cpu", directory="x", data_resolution=64, resolution=64).G.resolution == 64
    longer = experiment("F", "cpu", resolution=64).training.total_kimg
    assert longer == row.training.total_kimg + schedule.lod_training_kimg + schedule.lod_transition_kimg
    # Config A has one doubling more, from 4x4.
    assert experiment("A", "cpu").training.total_kimg == longer


@pytest.mark.parametrize("config", ["A", "A-fp16", "v1-1gpu", "v2-8gpus"])
def test_cpu_row_of_progressive_gan(config: str) -> None:
    row = validate(experiment(config, "cpu"))
    assert isinstance(row.G, ProganGeneratorConfig) and row.G.resolution == 32
    assert (row.G.z_dim, row.G.fmap_base, row.G.fmap_max) == (64, 512, 64)
    assert (row.hardware, row.schedule.initial_resolution, row.training.num_gpus) == ("cpu", 4, 1)
    assert (row.loss.gp_weight, row.loss.drift_weight, row.loss.r1_gamma) == (10, 0.001, 0)


@pytest.mark.parametrize(("resolution", "gamma"), [(32, 0.512), (64, 2.048), (256, 10.0)])
def test_r1_of_the_cpu_row_grows_with_the_picture_up_to_the_papers(resolution: int, gamma: float) -> None:
    assert experiment("F", "cpu", resolution=resolution).loss.r1_gamma == pytest.approx(gamma)
    assert experiment("F", "cpu", "wgan_gp", resolution=resolution).loss.r1_gamma == 0
