"""Small files whose values are there so often that whoever walks them tree by tree never ends. None may take long."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import official_files
import pytest

from stylegan_tf import safe_pickle
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import make
from stylegan_tf.weights import metric_weights, official_pickle, torch_file
from stylegan_tf.weights.load import declared, load

SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}
STYLE = {"z_dim": 4, "w_dim": 4, "mapping_fmaps": 4, "mapping_layers": 2}
LEVELS = 28  # as deep as values may lie, or nearly


def doubled(pair, levels: int = LEVELS):
    value: object = None
    for _ in range(levels):
        value = pair(value)
    return value


def thousandfold(levels: int = 4):
    value: object = 1
    for _ in range(levels):
        value = [value] * 1000
    return value


LAUGHS = {
    "tuples": lambda: doubled(lambda value: (value, value)),
    "lists": lambda: doubled(lambda value: [value, value]),
    "tables": lambda: doubled(lambda value: {"a": value, "b": value}),
    "of both": lambda: doubled(lambda value: [{"a": value}, {"a": value}], LEVELS // 2),
    "wide lists": thousandfold,
    "texts": lambda: ["letters" * 1000] * 9000,
    "arrays": lambda: [np.zeros(9000, np.float32)] * 9000,
}


@pytest.fixture(scope="module")
def G():
    return make(GeneratorConfig(**SMALL, **STYLE))


@pytest.mark.parametrize("kind", LAUGHS)
@pytest.mark.parametrize("place", ["static_kwargs", "name", "variables", "components", "build_module_src"])
def test_official_files(kind, place, G, tmp_path):
    def spoil(states):
        value = LAUGHS[kind]()
        states["Gs"][place] = {"resolution": value} if place == "static_kwargs" else value

    path = official_files.write(tmp_path / "net.pkl", {"Gs": G}, spoil=spoil)
    with pytest.raises(UserError) as caught:
        official_pickle.read(path)
    assert str(caught.value).startswith(str(path)) and len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", LAUGHS)
def test_pickles_are_walked_once(kind, tmp_path):
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(LAUGHS[kind](), 4))
    assert type(safe_pickle.read(path)) in (list, tuple, dict)


def memo_chain() -> bytes:
    """Every value is a list of the one before, twice, by the memo alone: deeper than values may lie."""
    return b"\x80\x04]\x94" + b"".join(b"](h%ch%ce\x94" % (n, n) for n in range(200)) + b"."


def build_with_tuples() -> bytes:
    """An array whose shape is a tuple of tuples, each in the next one twice."""
    shape = b"K\x01" + b"2\x86" * LEVELS
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
    return b"\x80\x04" + array + b"(K\x01" + shape + b"cnumpy\ndtype\n(U\x02f4K\x00K\x01tR\x89C\x04abcdtb."


def build_copies() -> bytes:
    """One large table copied into a table a thousand times."""
    table = b"}(" + b"".join(b"M%sN" % struct.pack("<H", n) for n in range(5000)) + b"u"
    return b"\x80\x04" + table + b"\x940" + b"}h\x00b" * 1000 + b"."


def circle() -> bytes:
    return b"\x80\x04]\x94(h\x00h\x00e."


def huge_number(code: bytes, size: str) -> bytes:
    return (
        b"\x80\x04"
        + code
        + struct.pack(size, 10**6 if size == "<I" else 255)
        + b"\x7f" * (10**6 if size == "<I" else 255)
        + b"."
    )


@pytest.mark.parametrize(
    "content",
    [
        memo_chain(),
        build_with_tuples(),
        build_copies(),
        circle(),
        huge_number(b"\x8b", "<I"),
        huge_number(b"\x8a", "<B"),
    ],
    ids=["memo chain", "BUILD with tuples", "BUILD with one table", "circle", "LONG4", "LONG1"],
)
def test_pickles_that_are_refused(content, tmp_path):
    (tmp_path / "data.pkl").write_bytes(content)
    with pytest.raises(UserError, match="data.pkl: .*(refused|damaged)") as caught:
        safe_pickle.read(tmp_path / "data.pkl")
    assert len(str(caught.value)) < 500


def torch_zip(path: Path, table: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table)
        archive.writestr("archive/data/0", bytes(64))
    return path


LONG_TUPLE = b"(" + b"K\x01" * 20_000 + b"t"
STORAGE = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x10tQ"


@pytest.mark.parametrize(
    "table",
    [
        b"\x80\x02" + LONG_TUPLE + b"q\x00" + b"h\x00Q0" * 20_000 + b".",
        b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x10" + b"K\x01" + b"2\x86" * LEVELS + b"tQ.",
        b"\x80\x02" + LONG_TUPLE + b"q\x000ctorch._utils\n_rebuild_tensor\n(" + STORAGE + b"K\x00h\x00h\x00tR.",
        b"\x80\x02}(" + b"K\x01K\x01" * 9 + b"uQ.",
    ],
    ids=["long references", "nested references", "long shapes", "a table"],
)
def test_persistent_ids(table, tmp_path):
    path = torch_zip(tmp_path / "w.pth", table)
    with pytest.raises(UserError, match="w.pth is no file of weights"):
        torch_file.read(path)


def test_long_names_of_variables_are_not_multiplied(tmp_path):
    name, array = "x" * 10**6, np.ones(1, np.float32)
    fields = {"version": 3, "name": "net", "static_kwargs": {}, "components": {}, "build_func_name": "net"}
    state = fields | {"build_module_src": "", "variables": [(name, array)] * 5000}
    path = official_files.write_states(tmp_path / "inception_v3_features.pkl", state)
    assert metric_weights._variables(safe_pickle.read(path)) == []


# ----------------------------------------------------------------------------------------------------------------------
# What is shared and honest


@pytest.mark.parametrize("same", [("G", "Gs"), ("G", "D", "Gs")])
def test_networks_that_are_one_object(same, G, tmp_path):
    """A training that keeps no average writes (G, D, G)."""
    D = make(DiscriminatorConfig(**SMALL))
    states = {role: official_files.state(network, role) for role, network in (("G", G), ("D", D))}
    made = {role: official_files._network(state, False) for role, state in states.items()}
    content = [made["G"], made["G"] if "D" in same else made["D"], made["G"]]
    path = tmp_path / "net.pkl"
    with official_files.official_modules():
        path.write_bytes(pickle.dumps(content, 4))
    if "D" in same:
        with pytest.raises(UserError, match="net.pkl: its D, .*, is no discriminator"):
            load(path)
        return
    networks = load(path)
    pairs = zip(networks.G.variables, networks.Gs.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs) and networks.D is not None


def test_arrays_that_networks_share(G, tmp_path):
    D = make(DiscriminatorConfig(**SMALL))
    states = [official_files.state(network, role) for role, network in (("G", G), ("D", D), ("Gs", G))]
    whole = official_files.write_states(tmp_path / "whole.pkl", states).stat().st_size
    for part in ("synthesis", "mapping"):
        states[2]["components"][part]["variables"] = states[0]["components"][part]["variables"]
    path = official_files.write_states(tmp_path / "net.pkl", states)
    assert path.stat().st_size < 0.8 * whole
    assert load(path).Gs is not None


def test_more_than_sharing_explains(G, tmp_path):
    """A network of which all tensors but one are the same bytes, many times the file."""
    large = make(GeneratorConfig(**SMALL, **STYLE | {"mapping_layers": 60, "mapping_fmaps": 64}))

    def spoil(states):
        mapping = states["Gs"]["components"]["mapping"]
        first = {array.shape: array for _, array in mapping["variables"]}
        mapping["variables"] = [(name, first[array.shape]) for name, array in mapping["variables"]]

    path = official_files.write(tmp_path / "net.pkl", {"Gs": large}, spoil=spoil)
    with pytest.raises(UserError, match=r"net.pkl: .*some are there again and again"):
        load(path)


def test_styles_off_and_a_const_input(tmp_path):
    """An ablation: every z gives the same picture, up to the noise."""
    plain = official_files.randomized(make(GeneratorConfig(**SMALL, **STYLE, use_styles=False)))
    path = official_files.write(tmp_path / "net.pkl", {"Gs": plain})
    Gs, z = load(path).Gs, np.random.RandomState(0).randn(2, 4)
    assert not Gs.use_styles and Gs.const_input_layer
    assert declared(path)[0]["Gs"] == plain.config
    assert np.array_equal(Gs(z), plain(z)) and np.allclose(Gs(z)[0], Gs(z)[1])


def test_pytorch_tensors_that_share_a_storage(tmp_path):
    """Tied weights are there twice, and that is fine."""
    storage = b"q\x01".join((STORAGE[:-1], b"Q"))
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00K\x10\x85K\x01\x85tR"
    found = torch_file.read(torch_zip(tmp_path / "w.pth", b"\x80\x02}(U\x01a" + tensor + b"U\x01b" + tensor + b"u."))
    assert found["a"].shape == found["b"].shape == (16,)
