"""Flags, pictures and a start to an experiment; experiments that cannot be run say why, all at once."""

import re
from dataclasses import replace

import numpy as np
import pytest
from refusals import check_refusal, raises, refused

from stylegan_tf.configs.build import (
    FACES,
    FIELD_OF,
    Pictures,
    Start,
    changes,
    labelled,
    most_replicas,
    problems,
    replicas_problems,
    started_from,
    validate,
)
from stylegan_tf.configs.presets import ABLATIONS, experiment, with_labels
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    Experiment,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.configs.text import flat, override
from stylegan_tf.errors import UserError


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (["G.nonlinearity=gelu"], "G.nonlinearity gelu lrelu relu"),
        (["G.mapping_nonlinearity=tanh"], "G.mapping_nonlinearity tanh lrelu relu"),
        (["D.fused_scale=yes"], "D.fused_scale yes auto on off 16,32"),
        (["loss.D=r1"], "loss.D r1 logistic wgan hinge"),
        (["training.adam_beta1=-1"], "training.adam_beta1 -1"),
        (["replicas=-1"], "replicas -1 --replicas=0"),
        (
            ["training.precision=fp16"],
            "training.precision fp16 mixed_bfloat16 --precision=float32",
        ),
        (["output.grid=8"], "output.grid 8 1080p 4k 8x8"),
        (["output.grid=0x8"], "output.grid 0x8 1080p 4k 8x8"),
        (["G.z_dim=0"], "G.z_dim 0 --set=G.z_dim=512"),
        (["training.total_kimg=0"], "training.total_kimg 0 --total_kimg=25000"),
        (["loss.r1_gamma=-1"], "loss.r1_gamma -1 --gamma=10.0"),
        (["training.style_mixing_prob=1.5"], "training.style_mixing_prob 1 1.5"),
        (["schedule.minibatch.33=4"], "schedule.minibatch.33 4 32768"),
        (["schedule.G_lrate.64=0"], "schedule.G_lrate.64 0 --set=schedule.G_lrate.64=0.001"),
        (["schedule.initial_resolution=12"], "schedule.initial_resolution=12 --set=schedule.initial_resolution=8"),
        (["schedule.initial_resolution=128"], "schedule.initial_resolution=128 --set=schedule.initial_resolution=64"),
        (
            ["schedule.lod_training_kimg=0", "schedule.lod_transition_kimg=0"],
            "lod_training_kimg lod_transition_kimg --set=schedule.initial_resolution=64",
        ),
        (["G.resolution=128"], "G.resolution=128 D.resolution=64 data.resolution=64 --resolution"),
        (["D.num_channels=1"], "G.num_channels=3 D.num_channels=1"),
        (["G.label_size=3"], "G.label_size=3 D.label_size=0 data.max_label_size"),
        (["G.label_size=3", "D.label_size=3"], "G.label_size=3 data.max_label_size=0"),
        (["G.mapping_layers=0", "G.w_dim=64"], "G.w_dim 64 G.z_dim --set=G.w_dim=512"),
        (["G.use_styles=false"], "G.use_styles --set=G.const_input_layer=false"),
        (["G.use_styles=false", "G.const_input_layer=false"], "G.use_styles --set=training.style_mixing_prob=0"),
        (["training.num_gpus=3"], "32x32 64 training.num_gpus=3 --set=schedule.minibatch.32=72"),
        (
            ["training.num_gpus=2", "schedule.minibatch.32=4"],
            "training.num_gpus=2 D.mbstd_group_size=4 --set=schedule.minibatch.32=8",
        ),
        (["schedule.minibatch.32=6"], "32x32 6 D.mbstd_group_size=4 --set=schedule.minibatch.32=8"),
    ],
)
def test_mistakes(changes: list[str], names: str) -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    for change in changes:
        chosen = override(chosen, change)
    with refused(*names.split()):
        validate(chosen)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("G.pixelnorm_epsilon=0", "G.pixelnorm_epsilon 0 --set=G.pixelnorm_epsilon=1e-08"),
        ("G.fused_scale=yes", "G.fused_scale yes auto on off 16,32"),
        ("D.fused_scale=yes", "D.fused_scale yes auto on off 16,32"),
        ("G.z_dim=0", "G.z_dim 0 --set=G.z_dim=512"),
        ("D.mbstd_group_size=-1", "D.mbstd_group_size -1 --set=D.mbstd_group_size=4"),
        ("D.mbstd_group_size=3", "8x8 128 D.mbstd_group_size=3 --set=schedule.minibatch.8=129"),
        ("training.style_mixing_prob=0.9", "config --set=training.style_mixing_prob=0"),
        ("G.label_size=3", "G.label_size=3 D.label_size=0 data.max_label_size"),
        (
            "schedule.max_minibatch_per_gpu.256=6",
            "6 D.mbstd_group_size=4 --set=schedule.max_minibatch_per_gpu.256=8",
        ),
    ],
)
def test_mistakes_of_config_a(change: str, names: str) -> None:
    with refused(*names.split()):
        validate(override(experiment("A", "1gpu", resolution=256), change))


def test_every_field_that_a_flag_sets_exists() -> None:
    assert set(FIELD_OF.values()) <= set(flat(experiment("F")))


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
    with refused(resolution, "32768", "--resolution=32"):
        validate(experiment("F", "1gpu", resolution=resolution))


def test_w_holds_z_and_the_label_where_there_is_no_mapping() -> None:
    labelled = override(with_labels(experiment("B", "1gpu"), 10), "data.max_label_size=none")
    assert validate(labelled).G.w_dim == 1024
    with refused("G.mapping_layers=0", "G.z_dim", "512", "--set=G.w_dim=1024"):
        validate(override(labelled, "G.w_dim=512"))


def test_what_is_allowed() -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    for change in ("D.mbstd_group_size=0", "schedule.minibatch.32=6", "schedule.minibatch.512=3", "output.grid=3x2"):
        chosen = override(chosen, change)
    assert validate(chosen) is chosen  # 512 is never trained; without the stddev layer, 6 pictures are as good as 4


def test_enough_pictures() -> None:
    chosen = experiment("F", "1gpu", directory="few", data_resolution=64)
    few = Pictures("few", highest=64, num_images=128)
    validate(chosen, few)
    with refused("few", "127", "128", "8x8", "--set=schedule.minibatch.8=124", "--set=schedule.minibatch.16=124"):
        validate(chosen, replace(few, num_images=127))
    validate(override(chosen, 'schedule.max_minibatch_per_gpu={"8": 32, "16": 32}'), replace(few, num_images=64))


def fitted(chosen: Experiment, pictures: Pictures) -> Experiment:
    """As `build` does it."""
    return validate(labelled(chosen, pictures), pictures)


LABELLED = Pictures("some pictures", lowest=8, highest=64, num_images=128, label_columns=10)


def test_a_data_set_that_is_not_there_yet_may_have_any_number_of_pictures() -> None:
    unknown = Pictures("a data set", lowest=4, highest=1024)
    chosen = override(experiment("A", "8gpu", resolution=1024), "data.num_faces=1")
    assert fitted(chosen, unknown) == chosen


def test_what_fits_is_returned() -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    assert fitted(chosen, LABELLED) == chosen
    assert fitted(experiment("F", "cpu", resolution=16), FACES).G.resolution == 16


@pytest.mark.parametrize(("asked", "label_size"), [("none", 10), ("4", 4), ("0", 0)])
def test_networks_get_the_labels_that_are_asked_for(asked: str, label_size: int) -> None:
    chosen = override(experiment("B", "1gpu", resolution=64), f"data.max_label_size={asked}")
    G, D = fitted(chosen, LABELLED).G, fitted(chosen, LABELLED).D
    assert (G.label_size, D.label_size, G.w_dim) == (label_size, label_size, 1024 if label_size else 512)


@pytest.mark.parametrize(
    ("pictures", "resolution", "change", "names"),
    [
        (LABELLED, 64, "data.max_label_size=11", "some 10 labels --set=data.max_label_size=10"),
        (LABELLED, 64, "G.label_size=4", "G.label_size=4 D.label_size=0 data.max_label_size"),
        (LABELLED, 128, "replicas=0", "--resolution=128 some --resolution=64"),
        (LABELLED, 64, "schedule.initial_resolution=4", "4x4 some --set=schedule.initial_resolution=8"),
        (LABELLED, 64, "schedule.minibatch.8=256", "some 128 256 8x8 --set=schedule.minibatch.8=128"),
        (FACES, 2048, "replicas=0", "--resolution=2048 faces --resolution=1024"),
        (FACES, 8, "replicas=0", "8x8 faces --resolution=16"),
        (FACES, 64, "data.num_faces=100", "faces 100 128 8x8 --set=data.num_faces=128 --set=schedule.minibatch.8=100"),
    ],
)
def test_pictures_that_do_not_fit(pictures: Pictures, resolution: int, change: str, names: str) -> None:
    chosen = override(experiment("F", "1gpu", resolution=resolution), change)
    with refused(*names.split()):
        fitted(chosen, pictures)


G = GeneratorConfig(resolution=256, label_size=5, num_channels=1, z_dim=32, w_dim=32, fmap_base=1024, fmap_max=64)
D = DiscriminatorConfig(resolution=256, label_size=5, num_channels=1, fmap_base=1024, fmap_max=64, mbstd_group_size=8)
PLAIN = experiment("F", "1gpu", resolution=1024)


def test_networks_of_the_file_for_the_pictures_here() -> None:
    chosen = validate(started_from(PLAIN, Start("faces.pkl", G, D, 256)))
    assert replace(G, resolution=1024, label_size=0, num_channels=3) == chosen.G
    assert replace(D, resolution=1024, label_size=0, num_channels=3) == chosen.D
    assert chosen.schedule == replace(PLAIN.schedule, initial_resolution=256)
    assert chosen.training == replace(PLAIN.training, init_from="faces.pkl")
    assert (chosen.data, chosen.loss, chosen.config) == (PLAIN.data, PLAIN.loss, "F")


@pytest.mark.parametrize(("reached", "first"), [(8, 8), (64, 64), (1024, 64)])
def test_growing_begins_where_the_file_ended(reached: int, first: int) -> None:
    chosen = started_from(experiment("F", "1gpu", resolution=64), Start("f", G, D, reached))
    assert (chosen.schedule.initial_resolution, chosen.G.resolution) == (first, 64)


def test_without_a_discriminator_it_is_as_wide_as_the_generator() -> None:
    chosen = started_from(PLAIN, Start("Gs.keras", G, None, 256))
    assert replace(PLAIN.D, fmap_base=1024, fmap_max=64) == chosen.D


def test_what_differs_from_the_config_is_said() -> None:
    lines = changes(PLAIN, Start("faces.pkl", replace(G, use_noise=False), D, 256))
    assert "G.z_dim=32, as in faces.pkl (config F: 512)" in lines
    assert "G.use_noise=False, as in faces.pkl (config F: True)" in lines
    assert "D.mbstd_group_size=8, as in faces.pkl (config F: 4)" in lines
    assert not any("resolution" in line for line in lines)
    assert changes(PLAIN, Start("same", PLAIN.G, PLAIN.D, 1024)) == []


def test_networks_that_cannot_be_started_from() -> None:
    with refused("--init_from=D.keras", "generator"):
        started_from(PLAIN, Start("D.keras", None, D, 256))
    progan = Start("a.pkl", ProganGeneratorConfig(), ProganDiscriminatorConfig(), 1024)
    with refused("--init_from=a.pkl", "config A", "config F", "--config"):
        started_from(PLAIN, progan)
    with refused("--init_from=f.pkl", "config A", "--config"):
        started_from(experiment("A", "1gpu"), Start("f.pkl", G, D, 256))
    assert started_from(experiment("A", "1gpu"), progan).G == experiment("A", "1gpu", resolution=256).G


def changed(chosen: Experiment, *settings: str) -> Experiment:
    for setting in settings:
        chosen = override(chosen, setting)
    return chosen


def test_all_problems_at_once() -> None:
    """One line for each, whatever part it is of; what follows from another one is not said again."""
    chosen = changed(
        experiment("F", "1gpu", resolution=64),
        *("G.z_dim=0", "D.nonlinearity=gelu", "loss.D=r1", "training.total_kimg=0", "output.grid=8"),
        *("schedule.minibatch.32=6", "data.max_label_size=11"),
    )
    with pytest.raises(UserError) as caught:
        validate(chosen, LABELLED)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("7 ") and len(lines) == 7
    for field in ("G.z_dim", "D.nonlinearity", "loss.D", "total_kimg", "output.grid", "max_label_size"):
        assert sum(field in line for line in lines) == 1
    assert sum("32x32" in line and "schedule.minibatch.32=8" in line for line in lines) == 1


@pytest.mark.parametrize(
    "settings",
    [
        ["G.z_dim=0", "loss.D=r1", "schedule.minibatch.32=6"],
        ["G.fmap_base=1"],
        ["G.fmap_max=0", "D.fmap_max=100000"],
        ["D.fmap_base=16", "D.fmap_decay=2"],
        ["D.mbstd_num_features=3"],
        ["G.fused_scale=always", "output.grid=8", "output.image_ticks=0", "training.style_mixing_prob=-1"],
        ["training.num_gpus=2", "schedule.minibatch.32=4", "schedule.minibatch.64=30"],
        ["training.num_gpus=3"],
        ["schedule.max_minibatch_per_gpu.64=6", "training.r1_interval=0"],
        ["training.r1_interval=4", "loss.r1_gamma=0"],
        ["G.use_styles=false"],
        ["schedule.lod_training_kimg=0", "schedule.lod_transition_kimg=0"],
        ["schedule.initial_resolution=128"],
        ["schedule.initial_resolution=4", "data.max_label_size=11"],
        ["data.crop=1,2"],
        ["G.mapping_layers=0", "G.w_dim=64"],
        ["schedule.minibatch.8=2000", "schedule.minibatch.16=1024"],
    ],
)
def test_the_flags_that_are_named_mend_it(settings: list[str]) -> None:
    """Perhaps in two turns: some things are seen only when others are right."""
    chosen = changed(experiment("F", "1gpu", resolution=64), *settings)
    many = replace(LABELLED, num_images=1000)
    assert problems(chosen, many)
    for _ in range(3):
        flags = re.findall(r"--set=([^ )]*)", " ".join(problems(chosen, many)))
        chosen = labelled(changed(chosen, *flags), many)
    assert problems(chosen, many) == []


def test_what_is_fine_can_be_built() -> None:
    """Where `problems` has none, Keras makes the networks; where it has one, Keras does not."""
    from stylegan_tf.networks.kinds import make

    small = changed(experiment("F", "1gpu", resolution=16), "G.z_dim=8", "G.w_dim=8", "G.mapping_fmaps=8")
    small = changed(small, "G.fmap_max=8", "D.fmap_max=8")
    for settings in (["D.mbstd_num_features=2"], ["G.fmap_base=8", "D.fmap_base=8"]):
        chosen = validate(changed(small, *settings))
        images = make(chosen.G)(np.zeros((4, 8), np.float32))
        assert make(chosen.D)(images).shape == (4, 1)
    with raises(ValueError, "mbstd_num_features=3", "8", "4x4"):
        make(changed(small, "D.mbstd_num_features=3").D)(np.zeros((4, 16, 16, 3), np.float32))


@pytest.mark.parametrize(("channels", "wrong"), [(1, False), (2, True), (3, False), (4, False), (5, True)])
def test_channels_of_the_pictures(channels: int, wrong: bool) -> None:
    pictures = replace(LABELLED, channels=channels)
    chosen = experiment("F", "1gpu", resolution=64, num_channels=channels)
    found = problems(chosen, pictures)
    assert len(found) == wrong and (not wrong or f"{channels} channels" in found[0])
    (found_too,) = problems(changed(experiment("F", "1gpu", resolution=64)), replace(LABELLED, channels=1))
    check_refusal(found_too, "some", "1 channels")


def test_replicas_are_checked_with_the_rest() -> None:
    chosen = override(experiment("F", "1gpu", resolution=1024), "replicas=2")
    (found,) = problems(chosen)
    assert found.startswith("--replicas=2: the minibatch at 512x512, 4, must be a multiple of 8 (replicas times")
    assert "--replicas=1 fits, or --set=schedule.minibatch.512=8 --set=schedule.minibatch.1024=8" in found
    assert problems(changed(chosen, "schedule.minibatch.512=8", "schedule.minibatch.1024=8")) == []


@pytest.mark.parametrize(
    ("row", "gpus", "replicas"),
    [("1gpu", 1, 1), ("2gpu", 3, 2), ("4gpu", 5, 4), ("4gpu", 6, 4), ("4gpu", 7, 4), ("8gpu", 8, 8), ("8gpu", 0, 1)],
)
def test_the_most_replicas(row: str, gpus: int, replicas: int) -> None:
    chosen = experiment("F", row, resolution=1024)
    assert most_replicas(chosen, gpus) == replicas and replicas_problems(chosen, replicas) == []
    assert all(replicas_problems(chosen, more) for more in range(replicas + 1, gpus + 1))
