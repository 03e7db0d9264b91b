"""The presets: what each changes with respect to the one it is made from."""

import pytest

from stylegan_tf.configs.json_form import differences, flat
from stylegan_tf.configs.presets import CONFIGS
from stylegan_tf.configs.tables import LOSSES, TABLES, A, B, C, D, E, F


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
                "schedule.max_minibatch_per_gpu": {512: 16, 1024: 8},
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
