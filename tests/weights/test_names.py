"""The official variable lists at 1024x1024, and by hand."""

import json

import numpy as np
import pytest
from official_args import ours
from recorded import FOLDER
from refusals import raises

from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator
from stylegan_tf.weights import names

VARS = json.loads((FOLDER / "vars_1024.json").read_text())


def network_of(key: str):
    """Our network with the arguments of a recorded list."""
    kinds = {"G": Generator, "D": Discriminator, "progan_G": ProganGenerator, "progan_D": ProganDiscriminator}
    kind = kinds[key[: key.rindex("G" if "G_" in key else "D") + 1]]
    return kind(**ours(VARS[key]["kwargs"]))


@pytest.mark.parametrize("key", VARS)
def test_variables_and_parameters_of_the_paper(key):
    """Every official variable is one of ours, of the same shape and as trainable, and the other way round."""
    recorded = VARS[key]
    network = network_of(key)
    shapes = {name: tuple(shape) for name, shape, _ in recorded["vars"]}
    trained = {name for name, _, trainable in recorded["vars"] if trainable}
    found = dict(names.pairs(network, shapes))
    assert set(shapes) - set(found) <= {"lod", "G_synthesis/lod"}
    assert sorted(map(id, found.values())) == sorted(map(id, network.variables))
    assert {id(found[name]) for name in trained} == set(map(id, network.trainable_variables))
    assert set(names.official_names(network)) == set(found)
    for name, variable in found.items():
        like = np.broadcast_to(np.float32(0), variable.shape)
        assert names.to_official(name, like).shape == shapes[name], name
        assert names.to_ours(name, np.broadcast_to(np.float32(0), shapes[name])).shape == variable.shape, name
    assert (
        network.count_params() - sum(np.prod(v.shape) for v in network.non_trainable_variables)
        == (recorded["trainable_params"])
    )
    if "trainable_params_mapping" in recorded:
        for part in ("mapping", "synthesis"):
            count = sum(int(np.prod(v.shape)) for v in getattr(network, part).trainable_variables)
            assert count == recorded[f"trainable_params_{part}"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("dlatent_avg", "w_avg"),
        ("G_mapping/LabelConcat/weight", "mapping.label_weight"),
        ("G_mapping/Dense7/bias", "mapping.dense7.bias"),
        ("G_synthesis/noise17", "synthesis.noise17"),
        ("G_synthesis/4x4/Const/const", "synthesis.b4_const"),
        ("G_synthesis/4x4/Const/Noise/weight", "synthesis.b4_const_epilogue.noise.weight"),
        ("G_synthesis/4x4/Dense/weight", "synthesis.b4_dense.weight"),
        ("G_synthesis/4x4/Dense/bias", "synthesis.b4_dense_epilogue.bias"),
        ("G_synthesis/8x8/Conv0_up/weight", "synthesis.b8_conv0_up.weight"),
        ("G_synthesis/8x8/Conv0_up/bias", "synthesis.b8_conv0_up_epilogue.bias"),
        ("G_synthesis/1024x1024/Conv1/StyleMod/bias", "synthesis.b1024_conv1_epilogue.style.bias"),
        ("G_synthesis/ToRGB_lod0/bias", "synthesis.b1024_to_rgb.bias"),
        ("G_synthesis/ToRGB_lod8/weight", "synthesis.b4_to_rgb.weight"),
        ("FromRGB_lod1/weight", "b512_from_rgb.weight"),
        ("8x8/Conv1_down/bias", "b8_conv1_down.bias"),
        ("4x4/Dense0/weight", "b4_dense0.weight"),
        ("4x4/Dense/weight", "b4_dense.weight"),
        ("4x4/Dense/bias", "b4_dense_bias"),
    ],
)
def test_attribute_path(name, path):
    assert names.attribute_path(name, 1024) == path


@pytest.mark.parametrize(
    "name",
    [
        "8x16/Conv0/weight",
        "G_synthesis/8x8/Conv2/weight",
        "8x8/Conv1/const",
        "4x4/Const/Noise/const",
        "Adam/beta1_power",
        "noise",
    ],
)
def test_names_of_other_networks_are_refused(name):
    with raises(ValueError, f"'{name}'"):
        names.attribute_path(name, 1024)


def test_layout_of_constant_and_noise():
    array = np.arange(2 * 3 * 4).reshape(1, 2, 3, 4)
    for name in ("G_synthesis/4x4/Const/const", "G_synthesis/noise3"):
        there = names.to_ours(name, array)
        assert there.shape == (1, 3, 4, 2)
        assert there[0, 2, 1, 1] == array[0, 1, 2, 1]
        assert np.array_equal(names.to_official(name, there), array)


def test_layout_of_the_flattened_dense_layer():
    """The official row c 16 + y 4 + x is ours (y 4 + x) C + c."""
    array = np.arange(3 * 16 * 2).reshape(48, 2)
    there = names.to_ours("4x4/Dense0/weight", array)
    assert np.array_equal(there[(2 * 4 + 3) * 3 + 1], array[1 * 16 + 2 * 4 + 3])
    assert np.array_equal(names.to_official("4x4/Dense0/weight", there), array)


def test_layout_of_the_traditional_input():
    array = np.arange(2 * 48).reshape(2, 48)
    there = names.to_ours("G_synthesis/4x4/Dense/weight", array)
    assert np.array_equal(there[:, (2 * 4 + 3) * 3 + 1], array[:, 1 * 16 + 2 * 4 + 3])
    assert np.array_equal(names.to_official("G_synthesis/4x4/Dense/weight", there), array)


def test_turned_kernels():
    name = "G_synthesis/128x128/Conv0_up/weight"
    array = np.arange(9).reshape(3, 3, 1, 1)
    assert names.to_ours(name, array, flipped=True).ravel().tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert np.array_equal(names.to_official(name, names.to_ours(name, array, True), True), array)
    assert np.array_equal(names.to_ours(name, array), array)


@pytest.mark.parametrize(
    ("name", "fused_scale", "flipped"),
    [
        ("G_synthesis/64x64/Conv0_up/weight", "auto", False),
        ("G_synthesis/128x128/Conv0_up/weight", "auto", True),
        ("G_synthesis/8x8/Conv0_up/weight", True, True),
        ("G_synthesis/1024x1024/Conv0_up/weight", False, False),
        ("G_synthesis/128x128/Conv1/weight", "auto", False),
        ("128x128/Conv1_down/weight", "auto", False),
    ],
)
def test_which_kernels_are_turned(name, fused_scale, flipped):
    assert names.is_flipped(name, fused_scale) == flipped


def official_tensors(network, like) -> dict:
    """Numbers for every official variable of a network, and the schedule's own."""
    random = np.random.RandomState(1)
    shapes = {name: names.to_official(name, np.zeros(v.shape)).shape for name, v in names.pairs(network, like)}
    return {"lod": np.float32(0)} | {name: random.randn(*shape).astype(np.float32) for name, shape in shapes.items()}


LIKE = [
    *(
        f"{layer}/{part}"
        for layer in ("8x8/Conv0", "8x8/Conv1_down", "4x4/Conv", "4x4/Dense0")
        for part in ("weight", "bias")
    ),
    *(f"{layer}/{part}" for layer in ("4x4/Dense1", "FromRGB_lod0", "FromRGB_lod1") for part in ("weight", "bias")),
]


def test_assign_fills_every_variable_or_says_what_is_wrong():
    D = Discriminator(resolution=8, fmap_max=4)
    tensors = official_tensors(D, LIKE)
    names.assign(D, tensors)
    assert np.array_equal(D.b8_conv0.weight, tensors["8x8/Conv0/weight"])
    with raises(ValueError, "b4_conv/bias"):
        names.assign(D, {name: array for name, array in tensors.items() if name != "4x4/Conv/bias"})
    with raises(ValueError, "'4x4/Conv/bias'", "[5]", "[4]"):
        names.assign(D, tensors | {"4x4/Conv/bias": np.zeros(5)})
    with raises(ValueError, "b16_conv0.weight", "'16x16/Conv0/weight'"):
        names.assign(D, tensors | {"16x16/Conv0/weight": np.zeros((3, 3, 4, 4))})


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Generator, {"resolution": 128, "fmap_base": 64, "w_dim": 4, "mapping_layers": 1, "label_size": 2}),
        (ProganGenerator, {"resolution": 16}),
    ],
)
def test_tensors_of_a_network_make_it_again(kind, arguments):
    network = kind(**arguments, fmap_max=4, z_dim=4)
    fused, again = names.default_fused_scale(network), type(network)(network.config, seed=1)
    names.assign(again, names.to_tensors(network), fused)
    assert all(np.array_equal(one, other) for one, other in zip(network.variables, again.variables, strict=True))
