"""Everything that has a name: the paper's tables, hardware rows against the official scripts, losses, data sets."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from refusals import check_refusal, refused

from stylegan_tf.configs.build import validate
from stylegan_tf.configs.presets import (
    CONFIGS,
    DATA_SETS,
    GPUS,
    HARDWARE,
    LOSSES,
    PRESETS,
    TABLES,
    A,
    B,
    C,
    D,
    E,
    F,
    auto_hardware,
    description,
    experiment,
    missing_data_set,
    named_data_set,
    with_labels,
)
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import ProganGeneratorConfig, ScheduleConfig
from stylegan_tf.configs.text import differences, flat


def changed(newer: str, older: str) -> dict:
    return {path: value for path, _, value in differences(CONFIGS[older], CONFIGS[newer]) if path != "config"}


def test_each_row_of_table_1_is_one_change() -> None:
    assert [row.config for row in (A, B, C, D, E, F)] == list(CONFIGS)[:6] == ["A", "B", "C", "D", "E", "F"]
    assert changed("E", "F") == {"training.style_mixing_prob": 0.0}
    assert changed("D", "E") == {"G.use_noise": False}
    assert changed("C", "D") == {"G.const_input_layer": False}
    assert changed("B", "C") == {
        "G.use_styles": False,
        "G.use_pixel_norm": True,
        "G.use_instance_norm": False,
        "G.mapping_layers": 0,
    }


def test_config_f_is_the_paper() -> None:
    values = flat(F)
    widths = ("G.z_dim", "G.w_dim", "G.mapping_layers", "G.mapping_lrmul", "G.fmap_base", "G.fmap_max")
    assert [values[path] for path in widths] == [512, 512, 8, 0.01, 8192, 512]
    training = F.training
    assert (training.total_kimg, training.style_mixing_prob, training.ema_half_life_kimg) == (25000, 0.9, 10)
    assert (F.loss.G, F.loss.D, F.loss.r1_gamma) == ("logistic_nonsaturating", "logistic", 10)


def test_config_a_is_progressive_gan() -> None:
    values = flat(A)
    assert [values[f"G.{name}"] for name in ("z_dim", "fmap_base", "fmap_max", "fused_scale")] == [512, 8192, 512, "on"]
    assert (values["G.use_pixelnorm"], values["G.pixelnorm_epsilon"], values["D.downscale_last"]) == (True, 1e-8, False)
    assert (A.loss, A.training.total_kimg, A.training.style_mixing_prob) == (LOSSES["wgan_gp"], 12000, 0)
    assert (A.training.minibatch_repeats, A.training.ema_half_life_kimg, A.training.reset_optimizer) == (4, 10, True)


@pytest.mark.parametrize(
    ("newer", "older", "changes"),
    [
        ("mix0", "F", {"training.style_mixing_prob": 0.0}),
        ("mix50", "F", {"training.style_mixing_prob": 0.5}),
        ("mix90", "F", {}),
        ("mix100", "F", {"training.style_mixing_prob": 1.0}),
        ("traditional-0", "B", {}),
        ("traditional-8", "B", {"G.mapping_layers": 8}),
        ("stylebased-0", "F", {"G.mapping_layers": 0}),
        ("stylebased-1", "F", {"G.mapping_layers": 1}),
        ("stylebased-2", "F", {"G.mapping_layers": 2}),
        ("stylebased-8", "F", {}),
        (
            "A-fp16",
            "A",
            {
                "G.pixelnorm_epsilon": 1e-4,
                "schedule.max_minibatch_per_gpu.256": None,
                "schedule.max_minibatch_per_gpu.512": 16,
                "schedule.max_minibatch_per_gpu.1024": 8,
                "training.precision": "mixed_float16",
            },
        ),
        (
            "v1-1gpu",
            "A",
            {
                "D.mbstd_group_size": 16,
                "schedule.lod_training_kimg": 800,
                "schedule.lod_transition_kimg": 800,
                "training.total_kimg": 19000,
            },
        ),
        ("v2-1gpu", "A", {}),
        ("v2-2gpus", "A", {}),
        ("v2-4gpus", "A", {}),
        ("v2-8gpus", "A", {}),
    ],
)
def test_other_tables(newer: str, older: str, changes: dict) -> None:
    assert changed(newer, older) == changes


def test_losses() -> None:
    assert LOSSES["wgan_gp"].gp_weight == 10 and LOSSES["wgan_gp"].drift_weight == 0.001
    assert LOSSES["hinge_gp"].gp_weight == 10 and LOSSES["hinge_gp"].drift_weight == 0
    assert [name for name, loss in LOSSES.items() if loss.r1_gamma] == ["logistic", "logistic_saturating"]


def test_published_numbers_fill_their_columns() -> None:
    for table in TABLES:
        for preset in table.presets:
            assert all(len(line.split()) == len(table.columns) for line in preset.published.split("; "))


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
    with refused(f"config {config}", row, other, "--hardware"):
        experiment(config, other)


def test_presets_for_every_row() -> None:
    assert experiment("A").hardware == "1gpu"
    assert [auto_hardware("A", machine) for machine in HARDWARE] == list(HARDWARE)
    with refused("v2-8gpu", "v2-8gpus"):
        auto_hardware("v2-8gpu", "8gpu")


def test_the_data_set_is_taken_over() -> None:
    chosen = experiment("A", "1gpu", directory="x", data_resolution=512, num_channels=1, mirror=True)
    assert (chosen.G.resolution, chosen.G.num_channels, chosen.D.num_channels) == (512, 1, 1)
    assert (chosen.data.directory, chosen.data.mirror) == ("x", True)
    assert experiment("F", "1gpu").data.mirror is False


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"config": "G"}, "config mix0 mix100 traditional-0 stylebased-8 A-fp16 v2-8gpus"),
        ({"config": "a"}, "config A"),
        ({"config": "mix"}, "config mix mix0"),
        ({"config": "style-based-8"}, "style-based-8 stylebased-8"),
        ({"hardware": "8gpus"}, "hardware 8gpus 8gpu"),
        ({"loss": "wgangp"}, "loss wgangp wgan_gp"),
    ],
)
def test_misspelt_names(arguments: dict, names: str) -> None:
    with refused(*names.split()):
        experiment(**arguments)


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


@pytest.mark.parametrize(
    ("name", "folder", "resolution", "mirror"),
    [
        ("ffhq", "ffhq", 1024, True),
        ("ffhq512", "ffhq", 512, True),
        ("ffhq256", "ffhq", 256, True),
        ("celebahq", "celebahq", 1024, True),
        ("lsun-bedroom-full", "lsun-bedroom-full", 256, False),
        ("lsun-car-512x384", "lsun-car-512x384", 512, False),
        ("lsun-cat-full", "lsun-cat-full", 256, False),
    ],
)
def test_named_data_sets(
    name: str, folder: str, resolution: int, mirror: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = named_data_set(name)
    assert row is not None and row == DATA_SETS[name]
    assert (row.folder, row.resolution, row.mirror) == (folder, resolution, mirror)
    assert row.highest >= row.resolution


def test_no_more_rows_than_those() -> None:
    assert len(DATA_SETS) == 7


def test_a_folder_wins_over_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ffhq").mkdir()
    assert named_data_set("ffhq") is None and named_data_set("ffhq512") is not None


def test_paths_and_misspelt_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_data_set("datasets/ffhq") is None and named_data_set("mine") is None
    with refused("--dataset=FFHQ", "ffhq"):
        named_data_set("FFHQ")
    with refused("--dataset=lsun-cats-full", "lsun-cat-full"):
        named_data_set("lsun-cats-full")


def test_missing_says_where_and_how() -> None:
    command = "python dataset_tool.py create_from_images elsewhere/ffhq PICTURES"
    check_refusal(
        str(missing_data_set("ffhq512", "elsewhere/ffhq")), "--dataset=ffhq512", command, "TFRecords", "--data_dir"
    )
