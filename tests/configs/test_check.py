"""Experiments that cannot be run say why."""

import pytest

from stylegan_tf.configs.check import (
    ABOVE_ZERO,
    AT_LEAST_ONE,
    BETWEEN_0_AND_1,
    CHOICES,
    NOT_NEGATIVE,
    check_enough_pictures,
    validate,
)
from stylegan_tf.configs.json_form import flat, override
from stylegan_tf.configs.presets import experiment, with_labels
from stylegan_tf.configs.tables import ABLATIONS
from stylegan_tf.errors import UserError


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["G.nonlinearity=gelu"], "G.nonlinearity is gelu; choose from lrelu, relu"),
        (["G.mapping_nonlinearity=tanh"], "G.mapping_nonlinearity is tanh; choose from lrelu, relu"),
        (["D.fused_scale=yes"], "D.fused_scale is yes; choose from auto, on, off"),
        (["loss.D=r1"], "loss.D is r1; choose from logistic, wgan, hinge"),
        (["training.precision=fp16"], "choose from auto, float32, mixed_bfloat16, mixed_float16"),
        (["output.grid=8"], "output.grid is 8; choose 1080p, 4k, or columns x rows"),
        (["output.grid=0x8"], "output.grid is 0x8"),
        (["G.z_dim=0"], "G.z_dim must be at least 1, not 0"),
        (["training.total_kimg=0"], "training.total_kimg must be above 0, not 0"),
        (["loss.r1_gamma=-1"], "loss.r1_gamma must not be negative, not -1"),
        (["training.style_mixing_prob=1.5"], "training.style_mixing_prob must be between 0 and 1, not 1.5"),
        (["schedule.minibatch.33=4"], "schedule.minibatch.33: 33 must be a power of two"),
        (["schedule.G_lrate.64=0"], "schedule.G_lrate.64 must be above 0, not 0"),
        (["schedule.initial_resolution=12"], "schedule.initial_resolution=12 must be a power of two"),
        (["schedule.initial_resolution=128"], "is above the resolution that is trained, 64"),
        (["schedule.lod_training_kimg=0", "schedule.lod_transition_kimg=0"], "set it to 64"),
        (["G.resolution=128"], "--resolution sets all three"),
        (["D.num_channels=1"], "G.num_channels=3 and D.num_channels=1 must be equal"),
        (["G.label_size=3"], "G.label_size=3 and D.label_size=0 must be equal"),
        (["G.label_size=3", "D.label_size=3"], "does not fit data.max_label_size=0"),
        (["G.mapping_layers=0", "G.w_dim=64"], "G.w_dim must be 512 (G.z_dim), not 64"),
        (["G.use_styles=false"], "G.const_input_layer must be false"),
        (["G.use_styles=false", "G.const_input_layer=false"], "training.style_mixing_prob must be 0"),
        (["training.num_gpus=3"], "must be a multiple of training.num_gpus=3"),
        (["training.num_gpus=2", "schedule.minibatch.32=4"], "2 pictures, fewer than D.mbstd_group_size=4"),
        (["schedule.minibatch.32=6"], "6 pictures, which must be a multiple of D.mbstd_group_size=4"),
    ],
)
def test_mistakes(changes: list[str], sentence: str) -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    for change in changes:
        chosen = override(chosen, change)
    with pytest.raises(UserError) as caught:
        validate(chosen)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("G.pixelnorm_epsilon=0", "G.pixelnorm_epsilon must be above 0, not 0"),
        ("G.fused_scale=yes", "G.fused_scale is yes; choose from auto, on, off"),
        ("D.fused_scale=yes", "D.fused_scale is yes; choose from auto, on, off"),
        ("G.z_dim=0", "G.z_dim must be at least 1, not 0"),
        ("D.mbstd_group_size=-1", "D.mbstd_group_size must not be negative, not -1"),
        ("D.mbstd_group_size=3", "8 pictures, which must be a multiple of D.mbstd_group_size=3"),
        ("training.style_mixing_prob=0.9", "config A has no styles to mix: training.style_mixing_prob must be 0"),
        ("G.label_size=3", "G.label_size=3 and D.label_size=0 must be equal"),
        ("schedule.max_minibatch_per_gpu.256=6", "6 pictures, which must be a multiple of D.mbstd_group_size=4"),
    ],
)
def test_mistakes_of_config_a(change: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        validate(override(experiment("A", "1gpu", resolution=256), change))
    assert sentence in str(caught.value)


def test_every_path_that_is_checked_exists() -> None:
    known = {path for config in ("A", "F") for path in flat(experiment(config))}
    listed = {*CHOICES, *AT_LEAST_ONE, *ABOVE_ZERO, *NOT_NEGATIVE, *BETWEEN_0_AND_1}
    assert listed <= known


def test_config_a_with_labels() -> None:
    labelled = override(with_labels(experiment("A", "1gpu"), 10), "data.max_label_size=none")
    assert (validate(labelled).G.label_size, labelled.D.label_size, labelled.G.z_dim) == (10, 10, 512)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_of_config_a(name: str) -> None:
    chosen = experiment("A", "1gpu", resolution=1024)
    for setting in ABLATIONS[name]:
        chosen = override(chosen, setting)
    if name.startswith("cond"):
        chosen = with_labels(chosen, 1)
    assert validate(chosen) != validate(experiment("A", "1gpu", resolution=1024))


@pytest.mark.parametrize("resolution", [0, -8, 4, 48, 65536])
def test_resolution_is_a_power_of_two(resolution: int) -> None:
    with pytest.raises(UserError, match="must be a power of two from 8"):
        validate(experiment("F", "1gpu", resolution=resolution))


def test_w_holds_z_and_the_label_where_there_is_no_mapping() -> None:
    labelled = override(with_labels(experiment("B", "1gpu"), 10), "data.max_label_size=none")
    assert validate(labelled).G.w_dim == 1024
    with pytest.raises(UserError, match="must be 1024 .twice G.z_dim"):
        validate(override(labelled, "G.w_dim=512"))


def test_what_is_allowed() -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    for change in ("D.mbstd_group_size=0", "schedule.minibatch.32=6", "schedule.minibatch.512=3", "output.grid=3x2"):
        chosen = override(chosen, change)
    assert validate(chosen) is chosen  # 512 is never trained; without the stddev layer, 6 pictures are as good as 4


def test_enough_pictures() -> None:
    chosen = experiment("F", "1gpu", directory="few", data_resolution=64)
    check_enough_pictures(chosen, 128)
    with pytest.raises(UserError, match="few: 127 pictures are fewer than a minibatch, 128 at 8x8"):
        check_enough_pictures(chosen, 127)
    check_enough_pictures(override(chosen, 'schedule.max_minibatch_per_gpu={"8": 32, "16": 32}'), 64)
