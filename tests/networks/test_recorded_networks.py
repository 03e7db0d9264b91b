"""Pictures, latents and scores against numbers recorded from the official code."""

import numpy as np
import pytest
import tolerances
from official_args import recorded_D, recorded_G, recorded_progan, stage_and_fade
from recorded import FOLDER, Recorded, relative, whole
from refusals import raises

import stylegan_tf
from stylegan_tf.ops.blend import mix_styles
from stylegan_tf.ops.pixels import to_uint8
from stylegan_tf.weights import names

GENERATORS = (
    "configF",
    "add_noise_inputs",
    "remove_traditional_input",
    "add_mapping_and_styles",
    "tuned_baseline",
    "traditional0",
    "mapping0",
    "no_norm",
    "no_normalize_latents",
    "pixelnorm_no_instancenorm",
)
IMAGES = [f"images_lod{level}" for level in range(3)]
DISCRIMINATORS = ("grey", "mbstd0", "mbstd_g8", "mbstd_nf2", "noblur", "nowscale", "relu")


def official(images, resolution: int) -> np.ndarray:
    """[N, H, W, C] as the official code gives it: upscaled to the final resolution, [N, C, H, W]."""
    images = whole(images)
    factor = resolution // images.shape[1]
    return images.repeat(factor, axis=1).repeat(factor, axis=2).transpose(0, 3, 1, 2)


def at_stage(images, stage: int) -> np.ndarray:
    """Official [N, C, H, W] -> [N, 2^stage, 2^stage, C], box means."""
    count, channels, side, _ = images.shape
    factor = side // 2**stage
    boxes = images.reshape(count, channels, 2**stage, factor, 2**stage, factor).mean((3, 5), dtype=np.float64)
    return boxes.transpose(0, 2, 3, 1).astype(np.float32)


def check(images, recorded, resolution: int) -> None:
    assert relative(official(images, resolution), recorded) <= tolerances.NETWORK


@pytest.fixture(scope="module")
def style32():
    recording = Recorded("style32_uncond")
    return recording, recorded_G(recording), recorded_D(recording)


@pytest.mark.parametrize("level", range(5))
def test_every_level_of_detail(style32, level):
    recording, G, D = style32
    stage, fade = stage_and_fade(recording["lods"][level], 32)
    check(G.synthesis(recording["dlatents"], stage=stage, fade=fade), recording[f"synth_lod{level}"], 32)
    scores = D(at_stage(recording["D_images_in"], stage), stage=stage, fade=fade)
    assert relative(scores, recording[f"D_scores_lod{level}"]) <= tolerances.NETWORK


def test_mapping(style32):
    recording, G, _ = style32
    assert relative(G.broadcast(G.mapping(recording["z"])), recording["dlatents"]) <= tolerances.NETWORK


def test_structure_fixed_is_the_final_stage(style32):
    recording, G, D = style32
    check(G.synthesis(recording["dlatents"]), recording["synth_fixed"], 32)
    assert relative(D(at_stage(recording["D_images_in"], 5)), recording["D_scores_fixed"]) <= tolerances.NETWORK


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("img_defaults", {}),
        ("img_psi07_cut8", {"psi": 0.7, "cutoff": 8}),
        ("img_psi07_cut4", {"psi": 0.7, "cutoff": 4}),
        ("img_psi07_cutNone", {"psi": 0.7, "cutoff": None}),
        ("img_psi1", {"psi": 1}),
        ("img_psi_none", {"psi": None}),
        ("img_validation", {"psi": None}),
        ("img_validation_psival07_cutval8", {"psi": 0.7, "cutoff": 8}),
    ],
)
def test_truncation(style32, key, arguments):
    recording, G, _ = style32
    check(G(recording["z"], **arguments), recording[key], 32)


def test_style_mixing(style32):
    recording, G, _ = style32
    ws = recording["dlatents"]
    mixed = mix_styles(ws[:4], ws[4:], np.array([3, 3, 3, 3]))
    assert relative(mixed, recording["mix_dlatents"]) <= tolerances.NETWORK
    check(G.synthesis(mixed), recording["mix_images"], 32)


def test_uint8_pictures(style32):
    recording, G, _ = style32
    difference = whole(to_uint8(G(recording["z"]))).astype(int) - recording["img_psi07_uint8_nhwc"]
    assert np.abs(difference).max() <= 1  # truncation: a number next to an integer may fall on either side
    assert np.mean(difference != 0) <= tolerances.UINT8_SHARE


@pytest.mark.parametrize("count", [1, 2, 4])
def test_small_minibatches(style32, count):
    """The groups of the minibatch deviation are as large as the minibatch."""
    recording, _, D = style32
    scores = D(at_stage(recording["D_images_in"][:count], 5))
    assert relative(scores, recording[f"D_scores_mb{count}"]) <= tolerances.NETWORK


@pytest.fixture(scope="module")
def style256():
    return Recorded("style256")


@pytest.mark.parametrize("fused_scale", ["auto", "on", "off"])
def test_256(style256, fused_scale):
    """Kernels from 128x128 up are turned in the file, however ours are computed. 'off' at the finest level alone."""
    G, D = (make(style256, fused_scale=fused_scale) for make in (recorded_G, recorded_D))
    assert relative(G.broadcast(G.mapping(style256["z"])), style256["dlatents"]) <= tolerances.NETWORK
    for level, lod in enumerate(style256["lods"][: 4 if fused_scale == "auto" else 1]):
        stage, fade = stage_and_fade(lod, 256)
        check(G.synthesis(style256["dlatents"], stage=stage, fade=fade), style256[f"synth_lod{level}"], 256)
        scores = D(at_stage(style256["D_images_in"], stage), stage=stage, fade=fade)
        assert relative(scores, style256[f"D_scores_lod{level}"]) <= tolerances.NETWORK
    for forced in (True, False):  # the official switch, which turns either every kernel or none
        names.assign(G, style256.group("G"), fused_scale=forced)
        check(G.synthesis(style256["dlatents"]), style256[f"synth_fused{forced:d}"], 256)
        scores = D(at_stage(style256["D_images_in"], 8))
        assert relative(scores, style256[f"D_scores_fused{forced:d}"]) <= tolerances.NETWORK


@pytest.mark.parametrize("tag", GENERATORS)
def test_ablated_generators(tag):
    recording = Recorded(f"ablation16_{tag}")
    kwargs = recording.kwargs
    G = recorded_G(recording)
    assert relative(G.broadcast(G.mapping(recording["z"])), recording["dlatents"]) <= tolerances.NETWORK
    check(G.synthesis(recording["dlatents"]), recording["synth_lod0"], 16)
    check(G.synthesis(recording["dlatents"], stage=3, fade=0.7), recording["synth_lod1p3"], 16)
    check(G(recording["z"], psi=1), recording["img_psi1"], 16)
    check(G(recording["z"], psi=kwargs.get("truncation_psi", 0.7)), recording["img_defaults"], 16)


def test_every_recorded_ablation_is_tested():
    found = {path.stem.removeprefix("ablation16_") for path in FOLDER.glob("ablation16_*.npz")}
    assert found == {*GENERATORS, *(f"D_{tag}" for tag in DISCRIMINATORS)}


@pytest.mark.parametrize("tag", DISCRIMINATORS)
def test_ablated_discriminators(tag):
    recording = Recorded(f"ablation16_D_{tag}")
    D = recorded_D(recording, recording.kwargs)
    images = recording["images"]
    assert relative(D(at_stage(images, 4)), recording["scores_lod0"]) <= tolerances.NETWORK
    assert relative(D(at_stage(images[:4], 4)), recording["scores_lod0_mb4"]) <= tolerances.NETWORK
    scores = D(at_stage(images, 3), stage=3, fade=0.7)
    assert relative(scores, recording["scores_lod1p3"]) <= tolerances.NETWORK


@pytest.mark.parametrize("fused_scale", ["on", "off"])
@pytest.mark.parametrize("name", ["progan32", "progan32_nofused"])
def test_config_a(name, fused_scale):
    """Either official form of the networks, however ours are computed."""
    recording = Recorded(name)
    G, D = recorded_progan(recording, fused_scale=fused_scale)
    for level, lod in enumerate(recording["lods"]):
        stage, fade = stage_and_fade(lod, 32)
        check(G(recording["z"], stage=stage, fade=fade), recording[f"images_lod{level}"], 32)
        scores = D(at_stage(recording["D_images_in"], stage), stage=stage, fade=fade)
        assert relative(scores, recording[f"D_scores_lod{level}"]) <= tolerances.NETWORK


def labels_of(recording, kind: str) -> np.ndarray:
    """'': one-hot, '_soft': rows that sum to 1. '_zero': of zeros, which the official code takes for labels=None."""
    if kind == "_zero":
        return np.zeros_like(recording["labels"])
    return recording["labels" + kind]


def check_levels(recording, G, D, keys, labels=None, **arguments) -> None:
    """The pictures called `keys` and the scores of the reals, at the three recorded levels of detail."""
    for level, (lod, key) in enumerate(zip(recording["lods"], keys, strict=True)):
        stage, fade = stage_and_fade(lod, 16)
        check(G(recording["z"], labels=labels, stage=stage, fade=fade, **arguments), recording[key], 16)
        scores = D(at_stage(recording["reals"], stage), labels=labels, stage=stage, fade=fade)
        assert relative(scores, recording[f"D_scores_lod{level}"]) <= tolerances.NETWORK


@pytest.fixture(scope="module")
def cond16():
    recording = Recorded("cond16")
    return recording, recorded_G(recording), recorded_D(recording)


@pytest.mark.parametrize("kind", ["", "_zero", "_soft"])
def test_labels(cond16, kind):
    recording, G, D = cond16
    z, labels = recording["z"], labels_of(recording, kind)
    assert relative(G.broadcast(G.mapping(z, labels)), recording[f"dlatents{kind}"]) <= tolerances.NETWORK
    keys = {"img_psi07_cut4": {"psi": 0.7, "cutoff": 4}, "img_defaults": {}}
    compared = [key for key in keys if f"{key}{kind}" in recording]
    assert compared
    for key in compared:
        check(G(z, labels, **keys[key]), recording[f"{key}{kind}"], 16)
    scores, official = D(at_stage(recording["reals"], 4), labels), recording[f"D_scores{kind}"]
    if kind == "_zero":
        assert not np.any(official)
        assert not whole(scores).any()
    else:
        assert relative(scores, official) <= tolerances.NETWORK


def test_labels_at_every_level_of_detail(cond16):
    recording, G, D = cond16
    keys = [f"img_psi07_cut4{lod}" for lod in ("", "_lod1", "_lod2")]
    check_levels(recording, G, D, keys, recording["labels"], psi=0.7, cutoff=4)


def test_config_a_with_labels():
    """They stand beside z as they are; its discriminator is given them and does not look at them."""
    recording = Recorded("progan16_cond")
    G, D = recorded_progan(recording)
    check_levels(recording, G, D, IMAGES, recording["labels"])
    zeros = labels_of(recording, "_zero")
    check(G(recording["z"], zeros), recording["images_zero"], 16)
    assert relative(D(at_stage(recording["reals"], 4), zeros), recording["D_scores_zero"]) <= tolerances.NETWORK
    assert np.array_equal(recording["D_scores_zero"], recording["D_scores_lod0"])
    with raises(ValueError, "labels", "[N, 3]", None):
        G(recording["z"])


def test_config_a_without_labels():
    recording = Recorded("traintwo")
    check_levels(recording, *recorded_progan(recording), IMAGES)


@pytest.mark.parametrize("num_channels", [1, 4])
def test_grey_and_rgba(num_channels):
    recording = Recorded(f"chan16_{num_channels}")
    G, D = recorded_G(recording), recorded_D(recording)
    check_levels(recording, G, D, [f"images_psi1_lod{level}" for level in range(3)], psi=1)
    if num_channels == 1:
        check(G(recording["z"], psi=0.7, cutoff=4), recording["img_psi07_cut4"], 16)


@pytest.mark.parametrize("name", ["cond16", "progan16_cond"])
def test_network_files_with_labels(name):
    """Official pickles: their Gs is not in the other files; their G and D are the same, number by number."""
    recording, networks = Recorded(name), stylegan_tf.load(FOLDER / f"{name}.pkl")
    z, labels = recording["z"], recording["labels"]
    if name == "cond16":
        G, D = recorded_G(recording), recorded_D(recording)
        for kind in ("", "_zero"):
            images = networks.Gs(z, labels_of(recording, kind), psi=0.7, cutoff=4)
            check(images, recording[f"Gs_img_psi07_cut4{kind}"], 16)
        check(networks.G(z, labels), recording["img_defaults"], 16)
    else:
        G, D = recorded_progan(recording)
        check(networks.Gs(z, labels), recording["Gs_images"], 16)
        check(networks.G(z, labels), recording["images_lod0"], 16)
    assert relative(networks.D(at_stage(recording["reals"], 4), labels), recording["scores_real"]) <= tolerances.NETWORK
    for loaded, like in ((networks.G, G), (networks.D, D)):
        for variable, expected in zip(loaded.variables, like.variables, strict=True):
            np.testing.assert_array_equal(variable, expected, err_msg=variable.path)
