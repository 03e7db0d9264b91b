"""The presets against the paper's Table 1 and the official training script's numbers."""

from dataclasses import replace

import pytest

from stylegan_tf.configs.check import validate
from stylegan_tf.configs.json_form import differences
from stylegan_tf.configs.presets import CONFIGS, HARDWARE, LOSSES, B, C, D, E, F, description, experiment, with_labels
from stylegan_tf.mistakes import Mistake


def changed(newer, older) -> dict:
    return {path: value for path, _, value in differences(older, newer)}


def test_each_config_is_one_change() -> None:
    assert changed(E, F) == {"config": "E", "training.style_mixing_prob": 0.0}
    assert changed(D, E) == {"config": "D", "G.use_noise": False}
    assert changed(C, D) == {"config": "C", "G.const_input_layer": False}
    assert changed(B, C) == {
        "config": "B",
        "G.use_styles": False,
        "G.use_pixel_norm": True,
        "G.use_instance_norm": False,
        "G.mapping_layers": 0,
    }


def test_config_f_is_the_paper() -> None:
    G, training = F.G, F.training
    assert (G.z_dim, G.w_dim, G.mapping_layers, G.mapping_lrmul, G.fmap_base, G.fmap_max) == (
        512,
        512,
        8,
        0.01,
        8192,
        512,
    )
    assert (training.total_kimg, training.style_mixing_prob, training.ema_half_life_kimg) == (25000, 0.9, 10)
    assert (F.loss.G, F.loss.D, F.loss.r1_gamma) == ("logistic_nonsaturating", "logistic", 10)
    assert F.schedule.G_lrate == F.schedule.D_lrate == {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
    assert (F.schedule.initial_resolution, F.schedule.lod_training_kimg, F.schedule.lod_transition_kimg) == (
        8,
        600,
        600,
    )


def test_config_a_says_which_there_are() -> None:
    with pytest.raises(Mistake, match="configs B to F"):
        experiment("A")


@pytest.mark.parametrize(
    ("hardware", "shares", "at_4", "at_128", "at_1024"),
    [("1gpu", 1, 128, 16, 4), ("2gpu", 2, 256, 16, 8), ("4gpu", 4, 512, 16, 16), ("8gpu", 8, 512, 32, 32)],
)
def test_hardware_rows(hardware: str, shares: int, at_4: int, at_128: int, at_1024: int) -> None:
    row = experiment("F", hardware, resolution=1024)
    minibatch, base = row.schedule.minibatch, row.schedule.minibatch_base
    assert row.training.shares == shares
    assert (minibatch[4], minibatch.get(128, base), minibatch.get(1024, base)) == (at_4, at_128, at_1024)
    # A hardware row is minibatches alone, and a smaller resolution changes nothing but itself.
    small = changed(experiment("F", hardware, resolution=256), row)
    assert small == {"data.resolution": 256, "G.resolution": 256, "D.resolution": 256}


def test_losses() -> None:
    assert LOSSES["wgan_gp"].gp_weight == 10 and LOSSES["wgan_gp"].drift_weight == 0.001
    assert LOSSES["hinge_gp"].gp_weight == 10 and LOSSES["hinge_gp"].drift_weight == 0
    assert [name for name, loss in LOSSES.items() if loss.r1_gamma] == ["logistic", "logistic_saturating"]
    rates = {128: 0.0015, 256: 0.002, 512: 0.002, 1024: 0.002}
    celebahq = experiment("F", "8gpu", "wgan_gp", resolution=1024).schedule
    assert celebahq.G_lrate == celebahq.D_lrate == rates


def test_every_combination_is_valid() -> None:
    for config in CONFIGS:
        for hardware in HARDWARE:
            for loss in LOSSES:
                for resolution in (8, 32, 1024):
                    chosen = validate(experiment(config, hardware, loss, resolution=resolution))
                    assert (chosen.config, chosen.hardware, chosen.G.resolution) == (config, hardware, resolution)


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


def test_gpu_rows_take_the_resolution_of_the_data() -> None:
    assert experiment("F", "1gpu", directory="x", data_resolution=512, num_channels=1).G.resolution == 512
    assert experiment("F", "1gpu", directory="x", data_resolution=512, num_channels=1).D.num_channels == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"config": "G"}, "choose from F, E, D, C, B"),
        ({"hardware": "8gpus"}, "did you mean 8gpu?"),
        ({"loss": "wgangp"}, "did you mean wgan_gp?"),
    ],
)
def test_misspelt_names(arguments: dict, hint: str) -> None:
    with pytest.raises(Mistake) as caught:
        experiment(**arguments)
    assert hint in str(caught.value)


def test_labels_widen_w_where_there_is_no_mapping() -> None:
    labelled = with_labels(experiment("B", "1gpu"), 10)
    assert (labelled.G.label_size, labelled.D.label_size, labelled.G.w_dim) == (10, 10, 1024)
    assert with_labels(experiment("F", "1gpu"), 10).G.w_dim == 512
    validate(replace(labelled, data=replace(labelled.data, max_label_size=None)))


def test_description() -> None:
    assert (
        description(experiment("F", "8gpu", directory="data/my ffhq/", data_resolution=1024))
        == "sgan-my-ffhq-1024-F-8gpu"
    )
    assert description(experiment("B", "cpu")) == "sgan-faces-32-B-cpu"


@pytest.mark.parametrize(("resolution", "gamma"), [(32, 0.512), (64, 2.048), (256, 10.0)])
def test_r1_of_the_cpu_row_grows_with_the_picture_up_to_the_papers(resolution: int, gamma: float) -> None:
    assert experiment("F", "cpu", resolution=resolution).loss.r1_gamma == pytest.approx(gamma)
    assert experiment("F", "cpu", "wgan_gp", resolution=resolution).loss.r1_gamma == 0
