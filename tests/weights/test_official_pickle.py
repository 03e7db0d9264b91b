"""Official network files: the recorded ones, files made of our networks, and every way to spoil them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import official_files
import pytest
from refusals import refused

from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.weights import official_pickle

TINY = {"resolution": 8, "fmap_base": 32, "fmap_max": 4}
MAPPING = {"z_dim": 4, "w_dim": 4, "mapping_layers": 1, "mapping_fmaps": 4}


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    makers = {"G": lambda: Generator(**TINY, **MAPPING), "D": lambda: Discriminator(**TINY)}
    makers["Gs"] = makers["G"]
    return {role: official_files.randomized(make(), seed) for seed, (role, make) in enumerate(makers.items())}


@pytest.mark.parametrize("name", ["network32", "network32_proto4"])
def test_recorded_networks(name: str, tmp_path: Path) -> None:
    states = official_pickle.read(official_files.recorded_file(name, tmp_path))
    assert list(states) == ["G", "D", "Gs"]
    assert [state.function for state in states.values()] == ["G_style", "D_basic", "G_style"]
    assert [len(state.variables) for state in states.values()] == [2 + 57 + 16, 27, 2 + 57 + 16]
    for role, state in states.items():
        assert (state.role, state.name, state.version, state.source, state.lod) == (role, role, 3, "", 0.0)
        assert {array.dtype for array in state.variables.values()} == {np.dtype("f4")}
        sizes = {"resolution": 32, "num_channels": 3, "label_size": 0, "fmap_base": 512, "fmap_max": 64}
        latents = {} if role == "D" else {"latent_size": 64, "dlatent_size": 64, "mapping_fmaps": 64}
        assert state.arguments == sizes | latents
        assert list(state.parts) == ([] if role == "D" else ["G_synthesis", "G_mapping"])
    G = states["G"].variables
    assert G["G_synthesis/4x4/Conv/StyleMod/weight"].shape == (64, 128) and G["dlatent_avg"].shape == (64,)


@pytest.mark.parametrize("name", ["classifier32", "classifier32_proto4"])
def test_recorded_classifier(name: str, tmp_path: Path) -> None:
    states = official_pickle.read(official_files.recorded_file(name, tmp_path))
    assert list(states) == ["D"]
    assert states["D"].name == "celebahq-classifier" and states["D"].arguments["mbstd_group_size"] == 0


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_protocol_and_version(protocol: int, version: int, networks: dict[str, Any], tmp_path: Path) -> None:
    path = official_files.write(
        tmp_path / "net.pkl", networks, protocol, easy=version == 2, version=version, lod=1.75, source="import os\n"
    )
    states = official_pickle.read(path)
    for role, state in states.items():
        assert (state.version, state.lod, state.source, state.file) == (version, 1.75, "import os\n", str(path))
        for name, array in state.variables.items():
            if not name.endswith("lod"):
                expected = official_files.official_array(networks[role], name, "auto")
                np.testing.assert_array_equal(array, expected, err_msg=name, strict=True)


def test_a_generator_alone_is_the_average(networks: dict[str, Any], tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "net.pkl", {"G": networks["G"]})
    states = official_pickle.read(path)
    assert list(states) == ["Gs"] and states["Gs"].name == "G" and states["Gs"].role == "Gs"


def test_what_may_be_left_out(networks: dict[str, Any], tmp_path: Path) -> None:
    def spoil(states: dict[str, dict]) -> None:
        del states["D"]["components"]
        del states["D"]["variables"][0]

    path = official_files.write(tmp_path / "net.pkl", {"D": networks["D"]}, spoil=spoil)
    assert official_pickle.read(path)["D"].lod == 0.0


def test_arguments_become_plain(networks: dict[str, Any], tmp_path: Path) -> None:
    given = {"a": np.int64(3), "b": (1, 2), "c": {"d": [None, True]}, "e": np.array([1.0, 2.0])}
    path = official_files.write(tmp_path / "net.pkl", {"D": networks["D"]}, **given)
    arguments = official_pickle.read(path)["D"].arguments
    found = {name: arguments[name] for name in given}
    assert found == {"a": 3, "b": [1, 2], "c": {"d": [None, True]}, "e": [1.0, 2.0]}
    assert type(found["a"]) is int


def of_G(**fields: Any):
    return lambda states: states["G"].update(fields)


def without(role: str, field: str):
    return lambda states: states[role].pop(field)


def of_part(key: str, **fields: Any):
    return lambda states: states["G"]["components"][key].update(fields)


def added(*variables: Any):
    return lambda states: states["G"]["variables"].extend(variables)


def argument(**arguments: Any):
    return lambda states: states["G"]["static_kwargs"].update(arguments)


def swapped(states: dict[str, dict]) -> None:
    states["G"], states["D"] = states["D"], states["G"]


def shared(states: dict[str, dict]) -> None:
    """One array under many names: few bytes in the file, many in sum."""
    array = np.ones(1000, np.float32)
    states["D"]["variables"] += [(f"fill{index}", array) for index in range(1000)]


ONES = np.ones(3000, np.float32)


def test_what_honest_files_share(networks: dict[str, Any], tmp_path: Path) -> None:
    """(G, D, Gs) with one network twice, and one with an array under two names."""
    D = official_files.state(networks["D"], "D")
    D["variables"] += [("one", ONES), ("again", ONES)]
    G = official_files._network(official_files.state(networks["G"], "G"), easy=True)
    path = tmp_path / "twice.pkl"
    with official_files.official_modules():
        path.write_bytes(pickle.dumps((G, official_files._network(D, easy=True), G), 4))
    states = official_pickle.read(path)
    np.testing.assert_array_equal(states["D"].variables["again"], ONES)
    for name, array in states["G"].variables.items():
        np.testing.assert_array_equal(array, states["Gs"].variables[name])
    arrays = [array for state in states.values() for array in state.variables.values()]
    assert sum(array.nbytes for array in arrays) > path.stat().st_size


def doubled(times: int, pair: Any) -> Any:
    """2**times paths to what is there once."""
    value: Any = 1
    for _ in range(times):
        value = pair(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        doubled(25, lambda value: (value, value)),
        doubled(25, lambda value: [value, value]),
        doubled(25, lambda value: {"a": value, "b": value}),
        [np.zeros(5000)] * 5000,
        [["a" * 5000] * 100] * 101,
        "a" * 20_000,
    ],
)
def test_sharing_in_arguments_is_bounded(value: Any, networks: dict[str, Any], tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "net.pkl", {"D": networks["D"]}, anything=value)
    with refused(path, "argument 'anything'", 10000):
        official_pickle.read(path)


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (of_G(version=1), ("G", "version 1", "2, 3, 4")),
        (of_G(version=5), ("G", "version 5", "2, 3, 4")),
        (of_G(version=True), ("version of G", "True", "int")),
        (of_G(version="3"), ("version of G", "'3'", "int")),
        (without("G", "version"), ("G", "version")),
        (without("D", "static_kwargs"), ("D", "static_kwargs")),
        (without("Gs", "build_module_src"), ("Gs", "build_module_src")),
        (of_G(name=""), ("name of G", "0 letters")),
        (of_G(name="x" * 201), ("name of G", "201 letters")),
        (
            of_G(build_func_name="G_mapping"),
            ("G", "'G_mapping'", "G_style, D_basic, G_paper, D_paper"),
        ),
        (of_G(build_func_name="G_main"), ("G", "'G_main'", "G_style, D_basic, G_paper, D_paper")),
        (of_G(build_func_name="\x1b[2J"), ("G", "'\\x1b[2J'", "G_style, D_basic, G_paper, D_paper")),
        (of_G(build_func_name="D_basic"), ("components", "dict of 2", "D_basic")),
        (of_G(build_func_name="D_basic", components={}), ("G", "D_basic", "G, D, Gs")),
        (swapped, ("G", "D_basic", "G, D, Gs")),
        (of_G(build_module_src=b"import os"), ("build_module_src of G", "b'import os'", "str")),
        (of_G(static_kwargs=[1]), ("static_kwargs of G", "list of 1", "dict")),
        (argument(fmap_decay=float("nan")), ("'fmap_decay' of G", "nan", "finite")),
        (argument(anything=[{"deep": float("inf")}]), ("'anything' of G", "inf", "finite")),
        (argument(anything=b"x"), ("'anything' of G", "b'x'")),
        (of_G(static_kwargs={3: 4}), ("argument", "G", "3")),
        (of_G(components=[]), ("components", "list of 0", "synthesis, mapping")),
        (lambda states: states["G"]["components"].pop("mapping"), ("components", "dict of 1", "synthesis, mapping")),
        (lambda states: states["G"]["components"].update(mapping=3), ("component mapping", "3")),
        (
            of_part("mapping", name="G_map"),
            ("component mapping", "'G_map'", "'G_mapping'"),
        ),
        (of_part("synthesis", build_func_name="G_paper"), ("component synthesis", "'G_paper'", "G_synthesis")),
        (of_part("synthesis", components={"a": 1}), ("component synthesis", "components")),
        (of_part("mapping", variables=None), ("variables of G_mapping", "None", "list")),
        (added(("x", ONES), ("x", ONES)), ("G", "'x' twice")),
        (added(("G_mapping/Dense0/bias", ONES)), ("G", "G_mapping/Dense0/bias twice")),
        (added(("x", ONES, ONES)), ("G", "tuple of 3")),
        (added((1, ONES)), ("G", "tuple of 2")),
        (added(("x" * 201, ONES)), ("variable", "G", "201 letters")),
        (added(("x", "y")), ("variable 'x'", "'y'", "array")),
        (added(("x", [1.0])), ("variable 'x'", "list of 1", "array")),
        (added(("x", ONES.astype("f8"))), ("variable 'x'", "float64", "float32")),
        (added(("x", np.array([1, np.nan], "f4"))), ("variable 'x'", "finite")),
        (added(("x", -np.full(2, np.inf, "f4"))), ("variable 'x'", "finite")),
        (shared, ("variables", "bytes", "4 times")),
        (lambda states: states.pop("Gs"), ("list of 2", "three")),
        (lambda states: states.update(H=states["G"]), ("list of 4", "three")),
        (lambda states: states.update(Gs=3), ("list of 3", "G, D and Gs")),
        (lambda states: states.update(G=[1]), ("list of 3", "G, D and Gs")),
    ],
)
def test_refused(spoil: Any, names: Any, networks: dict[str, Any], tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "bad.pkl", networks, spoil=spoil)
    with refused(path, *names):
        official_pickle.read(path)


@pytest.mark.parametrize("lod", [-0.5, 17.0, np.ones(2, np.float32), np.float32(np.nan)])
def test_levels_of_detail_that_cannot_be(lod: Any, networks: dict[str, Any], tmp_path: Path) -> None:
    def spoil(states: dict[str, dict]) -> None:
        states["D"]["variables"][0] = ("lod", lod)

    path = official_files.write(tmp_path / "bad.pkl", networks, spoil=spoil)
    with refused(path, "lod", "D", "0 to 16"):
        official_pickle.read(path)


def test_files_of_another_kind(tmp_path: Path) -> None:
    with refused(tmp_path / "none.pkl"):
        official_pickle.read(tmp_path / "none.pkl")
    (tmp_path / "text.pkl").write_text("hello")
    with refused(tmp_path / "text.pkl", "text (hello)"):
        official_pickle.read(tmp_path / "text.pkl")
    with refused("number.pkl", 3, "G, D and Gs"):
        official_pickle.read(official_files.write_states(tmp_path / "number.pkl", 3))
    with refused("list.pkl", "list of 0", "three"):
        official_pickle.read(official_files.write_states(tmp_path / "list.pkl", []))
