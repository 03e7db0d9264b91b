"""A preset on a hardware row, with a loss, for a data set."""

from dataclasses import replace

import pytest
import tiny

from stylegan_tf.configs.check import validate
from stylegan_tf.configs.presets import (
    CONFIGS,
    GPUS,
    HARDWARE,
    LOSSES,
    PRESETS,
    A,
    F,
    auto_hardware,
    description,
    experiment,
    with_labels,
)
from stylegan_tf.errors import UserError


def test_every_combination_is_valid() -> None:
    for config, preset in PRESETS.items():
        for hardware in HARDWARE if preset.hardware is None else ("cpu", preset.hardware):
            for loss in LOSSES:
                for resolution in (8, 32, 1024):
                    chosen = validate(experiment(config, hardware, loss, resolution=resolution))
                    assert (chosen.config, chosen.hardware, chosen.G.resolution) == (config, hardware, resolution)
                    assert chosen.D.resolution == chosen.data.resolution == resolution


def test_names_of_the_rows() -> None:
    assert HARDWARE == ("cpu", "1gpu", "2gpu", "4gpu", "8gpu") and list(GPUS) == ["1gpu", "2gpu", "4gpu", "8gpu"]
    assert CONFIGS["F"] is F and CONFIGS["A"] is A and len(CONFIGS) == 22


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_of_a_config_and_another_one(loss: str) -> None:
    assert experiment("F").loss == LOSSES["logistic"] and experiment("A").loss == LOSSES["wgan_gp"]
    assert experiment("A", loss=loss).loss == experiment("F", loss=loss).loss == LOSSES[loss]
    # Those of config A are made for WGAN-GP.
    of_a = experiment("A", "8gpu", loss).schedule
    assert of_a.G_lrate == of_a.D_lrate == {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
    most = 0.002 if loss == "wgan_gp" else 0.003
    of_f = experiment("F", "8gpu", loss).schedule
    assert of_f.G_lrate == of_f.D_lrate == {128: 0.0015, 256: 0.002, 512: most, 1024: most}


@pytest.mark.parametrize(
    ("config", "row"),
    [("v1-1gpu", "1gpu"), ("v2-1gpu", "1gpu"), ("v2-2gpus", "2gpu"), ("v2-4gpus", "4gpu"), ("v2-8gpus", "8gpu")],
)
def test_presets_with_a_hardware_row_of_their_own(config: str, row: str) -> None:
    assert experiment(config) == experiment(config, row)
    assert experiment(config, "cpu").hardware == "cpu"
    for machine in GPUS:
        assert auto_hardware(config, machine) == row
    assert auto_hardware(config, "cpu") == "cpu"
    other = "4gpu" if row == "8gpu" else "8gpu"
    with pytest.raises(UserError, match=f"config {config} is made for the hardware row {row}, not {other}: leave"):
        experiment(config, other)


def test_presets_for_every_row() -> None:
    assert experiment("A").hardware == "1gpu"
    assert [auto_hardware("A", machine) for machine in HARDWARE] == list(HARDWARE)
    with pytest.raises(UserError, match="did you mean v2-8gpus"):
        auto_hardware("v2-8gpu", "8gpu")


def test_the_data_set_is_taken_over() -> None:
    chosen = experiment("A", "1gpu", directory="x", data_resolution=512, num_channels=1, mirror=True)
    assert (chosen.G.resolution, chosen.G.num_channels, chosen.D.num_channels) == (512, 1, 1)
    assert (chosen.data.directory, chosen.data.mirror) == ("x", True)
    assert experiment("F", "1gpu").data.mirror is False


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"config": "G"}, "there is no config G; choose from A, B, C, D, E, F, mix0, mix50, mix90, mix100, tradit"),
        ({"config": "a"}, "did you mean A?"),
        ({"config": "mix"}, "did you mean mix"),
        ({"config": "style-based-8"}, "did you mean stylebased-8?"),
        ({"hardware": "8gpus"}, "did you mean 8gpu?"),
        ({"loss": "wgangp"}, "did you mean wgan_gp?"),
    ],
)
def test_misspelt_names(arguments: dict, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        experiment(**arguments)
    assert hint in str(caught.value)


def test_labels_widen_w_where_there_is_no_mapping() -> None:
    labelled = with_labels(experiment("B", "1gpu"), 10)
    assert (labelled.G.label_size, labelled.D.label_size, labelled.G.w_dim) == (10, 10, 1024)
    assert with_labels(experiment("stylebased-0", "1gpu"), 10).G.w_dim == 1024
    assert with_labels(experiment("F", "1gpu"), 10).G.w_dim == 512
    validate(replace(labelled, data=replace(labelled.data, max_label_size=None)))


def test_labels_of_config_a() -> None:
    before = experiment("A", "1gpu")
    after = with_labels(before, 10)
    assert after == replace(before, G=replace(before.G, label_size=10), D=replace(before.D, label_size=10))


def test_description() -> None:
    ffhq = experiment("F", "8gpu", directory="data/my ffhq/", data_resolution=1024)
    assert description(ffhq) == "sgan-my-ffhq-1024-F-8gpu"
    assert description(experiment("B", "cpu")) == "sgan-faces-32-B-cpu"
    assert description(experiment("v2-8gpus", resolution=64)) == "sgan-faces-64-v2-8gpus-8gpu"


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("labels", [False, True])
def test_every_preset_can_be_made_tiny(config: str, labels: bool) -> None:
    chosen = validate(tiny.experiment(config, labels=labels, seed=3))
    assert type(chosen.G) is type(CONFIGS[config].G) and chosen.loss == CONFIGS[config].loss
    assert (chosen.training.num_gpus, chosen.training.seed, chosen.G.label_size) == (1, 3, 2 if labels else 0)
