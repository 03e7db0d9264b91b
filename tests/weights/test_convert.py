"""Networks of official files compute what was recorded; files made of ours come back bit by bit."""

from pathlib import Path
from typing import Any

import numpy as np
import official_files
import pytest
import tolerances
from recorded import Recorded, relative
from refusals import refused

from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator
from stylegan_tf.weights import official_pickle
from stylegan_tf.weights.convert import save, to_network
from stylegan_tf.weights.keras_file import named_variables, read

TINY = {"resolution": 8, "fmap_base": 32, "fmap_max": 4}
MAPPING = {"z_dim": 4, "w_dim": 4, "mapping_layers": 2, "mapping_fmaps": 4}


def nchw(images: Any) -> np.ndarray:
    return np.asarray(images).transpose(0, 3, 1, 2)


def check(ours: Any, official: np.ndarray) -> None:
    assert relative(ours, official) <= tolerances.NETWORK


@pytest.mark.parametrize("twin", ["", "_proto4"])
def test_recorded_files(twin: str, tmp_path: Path) -> None:
    recording = Recorded("network32_outputs")
    states = official_pickle.read(official_files.recorded_file(f"network32{twin}", tmp_path))
    states |= {"C": official_pickle.read(official_files.recorded_file(f"classifier32{twin}", tmp_path))["D"]}
    networks: Any = {role: to_network(state) for role, state in states.items()}
    z, images = recording["z"], recording["images"].transpose(0, 2, 3, 1)
    check(nchw(networks["Gs"](z, psi=0.7, cutoff=8)), recording["Gs_psi07"])
    check(nchw(networks["Gs"](z, psi=1)), recording["Gs_psi1"])
    check(nchw(networks["G"](z, psi=1)), recording["G_psi1"])
    check(networks["D"](images), recording["D_scores"])
    check(networks["C"](images), recording["C_logits"])


def recorded_state(recording: Recorded, role: str, **changes: Any) -> official_pickle.State:
    """A recorded network as it would come from a file of its own. Of arguments that only one has, the other ignores."""
    progan = any(name.startswith("4x4/Dense/") for name in recording.group("G"))
    function = {"G": "G_paper" if progan else "G_style", "D": "D_paper" if progan else "D_basic"}[role]
    arguments = recording.kwargs | changes
    return official_pickle.State("net.pkl", role, 3, role, function, arguments, {}, recording.group(role), "", 0.0)


@pytest.mark.parametrize("name", ["progan32", "progan32_nofused"])
def test_recorded_progressive_gan(name: str) -> None:
    recording = Recorded(name)
    G, D = (to_network(recorded_state(recording, role)) for role in "GD")
    check(nchw(G(recording["z"])), recording["images_lod0"])
    check(D(recording["D_images_in"].transpose(0, 2, 3, 1)), recording["D_scores_lod0"])


@pytest.mark.parametrize(
    ("fused_scale", "key"), [("auto", "synth_lod0"), (True, "synth_fused1"), (False, "synth_fused0")]
)
def test_recorded_kernels_are_turned_as_the_file_says(fused_scale: Any, key: str) -> None:
    recording = Recorded("style256")
    G: Any = to_network(recorded_state(recording, "G", fused_scale=fused_scale))
    check(nchw(G.synthesis(recording["dlatents"])), recording[key])


STYLE_LESS = {"use_styles": False, "const_input_layer": False, "use_noise": False, "use_pixel_norm": True}
STYLE_LESS |= {"use_instance_norm": False, "mapping_layers": 0, "z_dim": 4, "w_dim": 4}
NETWORKS = {
    "F": (lambda: Generator(**TINY, **MAPPING), {}),
    "E conditional": (lambda: Generator(**TINY, **MAPPING, label_size=3), {"label_size": None}),
    "D": (lambda: Generator(**TINY, **MAPPING, use_noise=False), {"fused_scale": True}),
    "C": (lambda: Generator(**TINY, **MAPPING, use_noise=False, const_input_layer=False), {"fused_scale": False}),
    "B": (lambda: Generator(**TINY, **STYLE_LESS), {"resolution": None, "num_channels": None, "label_size": None}),
    "F without styles": (lambda: Generator(**TINY, **MAPPING, use_styles=False), {}),
    "F 128": (lambda: Generator(**{**TINY, "resolution": 128, "fmap_base": 128, "fmap_max": 2}, **MAPPING), {}),
    "relu": (lambda: Generator(**TINY, **MAPPING, nonlinearity="relu", mapping_nonlinearity="relu", blur=False), {}),
    "grey": (lambda: Discriminator(**TINY, num_channels=1, mbstd_num_features=2), {"num_channels": None}),
    "conditional": (lambda: Discriminator(**TINY, label_size=3), {"label_size": None, "resolution": None}),
    "classifier": (lambda: Discriminator(**TINY, mbstd_group_size=0), {}),
    "A": (lambda: ProganGenerator(**TINY, z_dim=4), {"latent_size": None, "resolution": None}),
    "A conditional": (lambda: ProganGenerator(**TINY, z_dim=5, label_size=3), {"label_size": None}),
    "A not fused": (lambda: ProganGenerator(**TINY, z_dim=5, use_pixelnorm=False), {"fused_scale": False}),
    "A judge": (lambda: ProganDiscriminator(**TINY, label_size=3), {}),
    "A judge not fused": (lambda: ProganDiscriminator(**TINY, downscale_last=True, mbstd_group_size=0), {}),
}
NOT_OF_THE_FUNCTION = ("name", "dtype", "fused_scale")  # fused_scale: how fast, in ours


@pytest.mark.parametrize("name", NETWORKS)
def test_round_trip(name: str, tmp_path: Path) -> None:
    make, options = NETWORKS[name]
    ours = official_files.randomized(make())
    role = "D" if type(ours).__name__.endswith("Discriminator") else "G"
    path = official_files.write(tmp_path / "net.pkl", {role: ours}, easy=True, lod=0.5, **options)
    (state,) = official_pickle.read(path).values()
    found = to_network(state)
    assert type(found) is type(ours) and state.lod == 0.5
    configs = [{k: v for k, v in net.get_config().items() if k not in NOT_OF_THE_FUNCTION} for net in (found, ours)]
    assert configs[0] == configs[1]
    expected = named_variables(ours)
    for path_in, variable in named_variables(found).items():
        np.testing.assert_array_equal(variable, expected[path_in], err_msg=path_in, strict=True)
    assert {layer.compute_dtype for layer in found._flatten_layers()} == {"float32"}


def test_saved_networks_are_the_same(tmp_path: Path) -> None:
    networks = {"G": Generator(**TINY, **MAPPING), "D": ProganDiscriminator(**TINY), "Gs": Generator(**TINY, **MAPPING)}
    for seed, network in enumerate(networks.values()):
        official_files.randomized(network, seed)
    save(official_pickle.read(official_files.write(tmp_path / "net.pkl", networks)), tmp_path)
    for role, network in networks.items():
        expected, found = named_variables(network), named_variables(read(tmp_path / f"{role}.keras"))
        for name, variable in expected.items():
            np.testing.assert_array_equal(found[name], variable, err_msg=f"{role} {name}", strict=True)


def replaced(name: str, array: Any = None, by: str = ""):
    """Changes one of D's variables: leaves it out, gives it another array, or another name."""

    def spoil(states: dict[str, dict]) -> None:
        kept = [pair for pair in states["D"]["variables"] if pair[0] != name]
        old = [pair[1] for pair in states["D"]["variables"] if pair[0] == name]
        states["D"]["variables"] = kept + ([(by or name, old[0] if array is None else array)] if old or by else [])
        if array is None and not by:
            states["D"]["variables"] = kept

    return spoil


ONES = np.ones(4, np.float32)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (replaced("8x8/Conv0/bias"), ("b8_conv0/bias",)),
        (replaced("8x8/Conv0/bias", ONES[:3]), ("'8x8/Conv0/bias'", "[3]", "[4]")),
        (replaced("8x8/Conv0/bias", np.ones((2, 2), "f4")), ("'8x8/Conv0/bias'", "[2, 2]", "[4]")),
        (
            replaced("16x16/Conv0/bias", ONES, "16x16/Conv0/bias"),
            ("b16_conv0.bias", "'16x16/Conv0/bias'"),
        ),
        (
            replaced("Adam", ONES, "Adam/beta1_power"),
            ("'Adam/beta1_power'",),
        ),
        (replaced("x", ONES, "8x8/Conv1/const"), ("'8x8/Conv1/const'",)),
        (replaced("x", ONES, "8x8/Conv1/bias"), ("'8x8/Conv1/bias'", "another name")),
        (replaced("x", ONES, "ToRGB_lod0/bias"), ("b8_to_rgb.bias", "'ToRGB_lod0/bias'")),
        (replaced("x", ONES, f"FromRGB_lod{'9' * 150}/bias"), ("b0_from_rgb.bias",)),
        (
            replaced("4x4/Dense0/weight", np.ones((63, 4), "f4")),
            ("'4x4/Dense0/weight'", "[63, 4]", "[64, 4]"),
        ),
        (replaced("4x4/Dense0/weight", np.ones(256, "f4")), ("'4x4/Dense0/weight'", "[256]", "[64, 4]")),
        (
            lambda states: states["D"]["static_kwargs"].update(fmap_max=2),
            ("'8x8/Conv0/weight'", "[3, 3, 4, 4]", "[3, 3, 2, 2]"),
        ),
    ],
)
def test_every_tensor_once(spoil: Any, names: Any, tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "bad.pkl", {"D": Discriminator(**TINY)}, spoil=spoil)
    state = official_pickle.read(path)["D"]
    with refused(path, "its D", "D_basic", *names):
        to_network(state)


def test_arguments_that_do_not_go_together(tmp_path: Path) -> None:
    G = Generator(**TINY, **MAPPING)
    path = official_files.write(tmp_path / "bad.pkl", {"Gs": G}, latent_size=9, mapping_layers=0)
    with refused(path, "its Gs", "G_style", "mapping_layers=0", "w_dim", 9):
        to_network(official_pickle.read(path)["Gs"])
