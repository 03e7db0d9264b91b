"""Official keyword arguments in our words, by hand, and what cannot be."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.weights.official_pickle import State, Translated, declared, translated

SIZES = {"resolution": 16, "num_channels": 1, "label_size": 0}
UP, DOWN = "16x16/Conv0_up/weight", "16x16/Conv1_down/weight"
TENSORS = {"G_style": f"G_synthesis/{UP}", "D_basic": DOWN, "G_paper": UP, "D_paper": DOWN}


def zeros(*shape: int) -> np.ndarray:
    """As large as they say, and without memory."""
    return np.broadcast_to(np.float32(0), shape)


def state(function: str, arguments: dict[str, Any], variables: Any = None, parts: Any = None) -> State:
    """A network with tensors enough for any arguments."""
    tensors = {TENSORS[function]: zeros(3, 3, 4, 4)} if variables is None else variables
    tensors = tensors | {"fill": zeros(10**9)}
    role = "D" if function.startswith("D") else "G"
    return State("net.pkl", role, 3, "net", function, arguments, parts or {}, tensors, "", 0.0)


SMALL = {"resolution": 16, "num_channels": 1}


@pytest.mark.parametrize(
    ("function", "official", "config"),
    [
        ("G_style", {}, GeneratorConfig(**SMALL)),
        (
            "G_style",
            {
                **{"latent_size": 3, "dlatent_size": 5, "mapping_layers": 2, "mapping_fmaps": 7, "mapping_lrmul": 0.1},
                **{"mapping_nonlinearity": "relu", "normalize_latents": False, "fmap_base": 64, "fmap_decay": 0.5},
                **{"fmap_max": 9, "use_styles": False, "const_input_layer": False, "use_noise": False},
                **{"use_pixel_norm": True, "use_instance_norm": False, "use_wscale": False, "nonlinearity": "relu"},
                **{"blur_filter": None, "fused_scale": True},
            },
            GeneratorConfig(
                **SMALL,
                z_dim=3,
                w_dim=5,
                mapping_layers=2,
                mapping_fmaps=7,
                mapping_lrmul=0.1,
                mapping_nonlinearity="relu",
                normalize_latents=False,
                fmap_base=64,
                fmap_decay=0.5,
                fmap_max=9,
                use_styles=False,
                const_input_layer=False,
                use_noise=False,
                use_pixel_norm=True,
                use_instance_norm=False,
                use_wscale=False,
                nonlinearity="relu",
                blur=False,
                fused_scale="on",
            ),
        ),
        ("D_basic", {}, DiscriminatorConfig(**SMALL)),
        (
            "D_basic",
            {"mbstd_group_size": 0, "mbstd_num_features": 2, "blur_filter": [1, 2, 1], "fused_scale": False},
            DiscriminatorConfig(**SMALL, mbstd_group_size=0, mbstd_num_features=2, fused_scale="off"),
        ),
        ("G_paper", {}, ProganGeneratorConfig(**SMALL)),
        ("G_paper", {"latent_size": None, "fmap_base": 64}, ProganGeneratorConfig(**SMALL, fmap_base=64, z_dim=64)),
        ("G_paper", {"fmap_max": 33}, ProganGeneratorConfig(**SMALL, fmap_max=33, z_dim=33)),
        (
            "G_paper",
            {"latent_size": 8, "use_pixelnorm": False, "pixelnorm_epsilon": 1e-6, "use_leakyrelu": False},
            ProganGeneratorConfig(
                **SMALL, z_dim=8, use_pixelnorm=False, pixelnorm_epsilon=1e-6, use_leakyrelu=False, fused_scale="on"
            ),
        ),
        ("D_paper", {"mbstd_group_size": 0}, ProganDiscriminatorConfig(**SMALL, mbstd_group_size=0)),
    ],
)
def test_by_hand(function: str, official: dict[str, Any], config: Any) -> None:
    assert declared(state(function, SIZES | official)) == config


def test_arguments_that_say_nothing_about_the_tensors() -> None:
    calls = {"structure": "auto", "truncation_psi": 0.5, "truncation_cutoff": None, "truncation_psi_val": None}
    calls |= {"dlatent_avg_beta": 0.9, "style_mixing_prob": None, "randomize_noise": True, "dtype": "float32"}
    found = translated(state("G_style", SIZES | calls | {"later": 3, "another": None}))
    assert found == Translated(GeneratorConfig(**SMALL), ["another", "later"], "auto")


@pytest.mark.parametrize("given", ["auto", True, False])
def test_fused_scale_says_which_kernels_are_turned(given: Any) -> None:
    found = translated(state("G_style", SIZES | {"fused_scale": given}))
    assert found.fused_scale is given or found.fused_scale == given == "auto"
    assert found.config.fused_scale == {"auto": "auto", True: "on", False: "off"}[given]


@pytest.mark.parametrize(
    ("function", "layer", "given", "fused"),
    [
        ("G_paper", "Conv0_up", {}, True),
        ("G_paper", "Conv0", {"fused_scale": False}, False),
        ("G_paper", "Conv0", {}, False),
        ("D_paper", "Conv1_down", {"fused_scale": True}, True),
        ("D_paper", "Conv1", {}, False),
    ],
)
def test_progressive_gan_says_it_by_its_names(function: str, layer: str, given: dict, fused: bool) -> None:
    names = {f"{side}x{side}/{layer}/weight": zeros(3, 3, 4, 4) for side in (8, 16)}
    found = translated(state(function, SIZES | given, names))
    assert found.fused_scale is fused and found.config.fused_scale == ("on" if fused else "off")
    if function == "D_paper":
        assert found.config == ProganDiscriminatorConfig(
            **SMALL, fused_scale="on" if fused else "off", downscale_last=not fused
        )


@pytest.mark.parametrize(
    ("function", "arguments", "variables", "sizes"),
    [
        (
            "G_style",
            {},
            {
                "G_synthesis/ToRGB_lod0/weight": zeros(1, 1, 8, 4),
                "G_synthesis/16x16/Conv1/bias": zeros(2),
                "G_synthesis/32x32/Conv1/bias": zeros(2),
                "G_mapping/LabelConcat/weight": zeros(7, 512),
            },
            (32, 4, 7),
        ),
        (
            "G_style",
            {"resolution": 8, "label_size": 0},
            {"G_synthesis/ToRGB_lod0/weight": zeros(1, 1, 8, 3)},
            (8, 3, 0),
        ),
        (
            "D_basic",
            {},
            {"FromRGB_lod0/weight": zeros(1, 1, 3, 8), "64x64/Conv0/bias": zeros(1), "4x4/Dense1/weight": zeros(8, 1)},
            (64, 3, 0),
        ),
        ("D_basic", SMALL, {"4x4/Dense1/weight": zeros(8, 5)}, (16, 1, 5)),
        (
            "G_paper",
            SMALL | {"latent_size": 6},
            {UP: zeros(3, 3, 4, 4), "4x4/Dense/weight": zeros(9, 8192)},
            (16, 1, 3),
        ),
        ("G_paper", SMALL, {UP: zeros(3, 3, 4, 4), "4x4/Dense/weight": zeros(512, 8192)}, (16, 1, 0)),
        ("D_paper", {}, {DOWN: zeros(3, 3, 4, 4), "FromRGB_lod0/weight": zeros(1, 1, 2, 8)}, (16, 2, 0)),
    ],
)
def test_sizes_told_by_the_tensors(function: str, arguments: Any, variables: Any, sizes: tuple) -> None:
    config = declared(state(function, arguments, variables))
    assert (config.resolution, config.num_channels, config.label_size) == sizes


PARTS = {"G_synthesis": SIZES | {"use_noise": False}, "G_mapping": SIZES | {"use_noise": False, "dlatent_broadcast": 6}}


def test_parts_that_agree() -> None:
    given = SIZES | {"use_noise": False}
    assert declared(state("G_style", given, parts=PARTS)) == replace(GeneratorConfig(**SMALL), use_noise=False)


@pytest.mark.parametrize(
    ("function", "arguments", "variables", "parts", "names"),
    [
        ("G_style", SIZES, None, PARTS, ("G_synthesis", "use_noise=False", "True")),
        (
            "G_style",
            SIZES | {"latent_size": 4},
            None,
            {"G_mapping": {"latent_size": 8}},
            ("G_mapping", "latent_size=8", "4"),
        ),
        (
            "G_style",
            SIZES | {"blur_filter": [1, 3, 3, 1]},
            None,
            None,
            ("blur_filter", "[1, 3, 3, 1]", "[1, 2, 1]"),
        ),
        ("D_basic", SIZES | {"blur_filter": True}, None, None, ("blur_filter", "True", "[1, 2, 1]")),
        ("G_style", SIZES | {"fused_scale": "yes"}, None, None, ("fused_scale", "'yes'", "'auto'", "true", "false")),
        ("G_style", SIZES | {"fused_scale": [1]}, None, None, ("fused_scale", "[1]", "'auto'", "true", "false")),
        ("G_paper", SIZES | {"fused_scale": "auto"}, None, None, ("fused_scale", "'auto'", "true", "false")),
        ("G_paper", SIZES | {"fused_scale": False}, None, None, ("fused_scale", "False", "Conv0_up")),
        ("D_paper", SIZES, {}, None, ("Conv1_down", "Conv1")),
        (
            "D_paper",
            SIZES,
            {DOWN: zeros(1), "8x8/Conv1/weight": zeros(1)},
            None,
            ("Conv1_down", "Conv1"),
        ),
        ("G_style", SIZES | {"resolution": 24}, None, None, ("resolution=24", "8", "32768")),
        ("G_style", SIZES | {"resolution": 4}, None, None, ("resolution=4", "8", "32768")),
        ("G_style", SIZES | {"nonlinearity": "swish"}, None, None, ("nonlinearity", "swish", "lrelu", "relu")),
        (
            "G_style",
            SIZES | {"mapping_nonlinearity": "elu"},
            None,
            None,
            ("mapping_nonlinearity", "elu", "lrelu", "relu"),
        ),
        ("G_style", SIZES | {"latent_size": None}, None, None, ("z_dim", "None")),
        ("G_style", SIZES | {"fmap_max": 10**30}, None, None, ("fmap_max", "65536", "1000000000000000000000000000000")),
        ("G_paper", SIZES | {"fmap_base": "x"}, None, None, ("fmap_base", "'x'")),
        ("G_paper", SIZES | {"pixelnorm_epsilon": 0.0}, None, None, ("pixelnorm_epsilon", "0.0")),
        ("D_basic", {"num_channels": 3, "label_size": 0}, {}, None, ("resolution=0", "8", "32768")),
        ("D_basic", {"resolution": 8}, {}, None, ("FromRGB_lod0/weight", "4 axes")),
        (
            "G_paper",
            SMALL | {"latent_size": 9},
            {UP: zeros(1), "4x4/Dense/weight": zeros(5, 8)},
            None,
            ("label_size", "-4"),
        ),
        (
            "G_style",
            SIZES | {"resolution": 32768, "fmap_base": 2**30, "fmap_max": 65536},
            None,
            None,
            ("4000000576",),
        ),
    ],
)
def test_refused(function: str, arguments: Any, variables: Any, parts: Any, names: Any) -> None:
    with refused("net.pkl", f"its {function[0]}", function, *names):
        declared(state(function, arguments, variables, parts))
