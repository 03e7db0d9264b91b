"""Networks of the metrics with weights from files: open ones and NVIDIA's; and what is said otherwise.

Then foreign names of weights, and batch norm folded by hand.
"""

import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import formula_weights
import keras
import numpy as np
import pytest
import tolerances
from official_files import write_states
from recorded import Recorded, relative
from refusals import failed, refused
from torch_files import write_older, write_zip

from stylegan_tf.weights import download, metric_weights, registry
from stylegan_tf.weights.metric_weights import check, inception_arrays, listed, lpips_arrays, translated

ROOT = Path(__file__).parents[2]
INCEPTION, VGG, LINS = "pt_inception-2015-12-05-6726825d.pth", "vgg16-397923af.pth", "vgg.pth"
OFFICIAL_LPIPS = "vgg16_zhang_perceptual.pkl"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with VGG16 and the linear weights in the formats of the published files, and some of the classifier."""
    folder = tmp_path_factory.mktemp("made")
    extra = {"classifier.6.bias": np.zeros(1000, np.float32)}
    write_older(folder / VGG, formula_weights.vgg_state() | extra, version=1)
    write_older(folder / LINS, formula_weights.lins_state())
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder, and a registry of files that cannot be downloaded; publish(folder) puts files into both."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(download.FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "BACK_OFF", ())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    unreachable = [replace(e, addresses=("http://127.0.0.1:9/x",), size=None, sha256=None) for e in registry.ENTRIES]
    monkeypatch.setattr(registry, "ENTRIES", tuple(unreachable))

    def publish(source: Path) -> Path:
        folder.mkdir(exist_ok=True)
        entries = list(registry.ENTRIES)
        for index, entry in enumerate(entries):
            path = source / entry.file
            if path.exists():
                (folder / entry.file).hardlink_to(path)
                entries[index] = replace(entry, size=path.stat().st_size, sha256=sha256(path))
        monkeypatch.setattr(registry, "ENTRIES", tuple(entries))
        return folder

    return SimpleNamespace(folder=folder, publish=publish)


def distance_is_right(network) -> bool:
    recording = Recorded("lpips_formula")
    a, b = (recording[f"{name}_64"][:1].transpose(0, 2, 3, 1) for name in "ab")
    found = np.asarray(network.distance_of_pixels(a, b))
    return relative(found, recording["d_ab_64"][:1]) <= tolerances.NETWORK


def test_inception_of_a_folder(tmp_path):
    path = write_zip(tmp_path / INCEPTION, formula_weights.inception_state())
    network, digest, name = metric_weights.inception(tmp_path)
    recording = Recorded("inception_formula")
    images = recording["images_64"][:1].transpose(0, 2, 3, 1)
    assert relative(network.features(images), recording["features2048_64"][:1]) <= tolerances.NETWORK
    assert digest == sha256(path)
    assert name == f"inception-2015-12-05 (sha256 {digest[:8]})"  # weights of one's own do not pass as published ones
    assert [entry.name for entry in tmp_path.iterdir()] == [INCEPTION]


def test_lpips_of_a_folder(made):
    network, digest, name = metric_weights.lpips(str(made))
    assert distance_is_right(network)
    assert digest == hashlib.sha256(f"{sha256(made / VGG)}\n{sha256(made / LINS)}".encode()).hexdigest()
    assert name == f"lpips-vgg16-0.1 (sha256 {digest[:8]})"


@pytest.fixture
def small(tmp_path, cache, monkeypatch):
    """In place of LPIPS a layer whose two weights are in the two open files, published; returns the cache folder."""
    weights = {VGG: {"kernel": np.float32([[1, 2], [3, 4]])}, LINS: {"bias": np.float32([5, 6])}}
    folder = tmp_path / "small"
    folder.mkdir()
    for file, state in weights.items():
        write_zip(folder / file, state)

    def make():
        layer = keras.layers.Dense(2)
        layer.build((None, 2))
        return layer

    def arrays(state, shapes):
        return {"vars/0": state["kernel"], "vars/1": state["bias"]}

    monkeypatch.setattr(metric_weights, "_LPIPS", replace(metric_weights._LPIPS, make=make, arrays=arrays))
    return cache.publish(folder)


def numbers(network) -> list:
    return [variable.numpy().tolist() for variable in network.variables]


def test_open_files_of_the_cache_folder(small):
    first = metric_weights.lpips()
    assert first.name == "lpips-vgg16-0.1 (open)"
    assert numbers(first.network) == [[[1, 2], [3, 4]], [5, 6]]
    again = metric_weights.lpips("open")
    assert (again.digest, again.name) == (first.digest, first.name)
    assert sorted(path.name for path in small.iterdir()) == sorted([VGG, LINS])


def test_another_file_than_the_published_one(small):
    content = bytearray((small / LINS).read_bytes())
    content[-1] ^= 1
    (small / LINS).unlink()
    (small / LINS).write_bytes(content)
    with failed(small / LINS, "sha256", "remove"):
        metric_weights.lpips("open")


def test_what_is_here(small):
    assert metric_weights.is_here("lpips")
    assert not metric_weights.is_here("inception")
    (small / VGG).unlink()
    assert not metric_weights.is_here("lpips")  # one of two
    (small / OFFICIAL_LPIPS).touch()
    assert metric_weights.is_here("lpips")


def test_joint_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert metric_weights.joint_digest([tmp_path / "a"]) == abc
    both = metric_weights.joint_digest([tmp_path / "a", tmp_path / "b"])
    assert both == hashlib.sha256(f"{abc}\n{empty}".encode()).hexdigest()


def test_offline(cache):
    for load, file in ((metric_weights.inception, INCEPTION), (metric_weights.lpips, VGG)):
        with failed(file, "http://127.0.0.1:9/x", cache.folder / file):
            load()
    with failed("inception_v3_features.pkl", "http://127.0.0.1:9/x"):
        metric_weights.inception("official")


def official_state(variables: dict) -> dict:
    """A network as NVIDIA's files have it, built by a function that is not known."""
    fields = {"version": 3, "name": "vgg", "static_kwargs": {}, "components": {}, "build_module_src": ""}
    return fields | {"build_func_name": "build", "variables": list(variables.items())}


def official_lpips() -> dict:
    """The weights of the formula as TensorFlow lays them out."""
    state, variables = formula_weights.vgg_state(), {}
    for layer, place in metric_weights.VGG16.items():
        variables[f"{layer}/weight"] = np.ascontiguousarray(state[f"features.{place}.weight"].transpose(2, 3, 1, 0))
        variables[f"{layer}/bias"] = state[f"features.{place}.bias"]
    return variables | {name.split(".")[0]: array.reshape(-1) for name, array in formula_weights.lins_state().items()}


def test_the_official_file_where_its_names_are_known(cache):
    cache.folder.mkdir()
    path = write_states(cache.folder / OFFICIAL_LPIPS, official_state(official_lpips()))
    network, digest, name = metric_weights.lpips()  # it alone is there
    assert digest == sha256(path)
    assert name == "lpips-vgg16-0.1 (official)"
    assert distance_is_right(network)


def check_refused(path: Path, *names: str) -> None:
    load = metric_weights.lpips if path.name == OFFICIAL_LPIPS else metric_weights.inception
    with refused(path, "inception-pth" if load == metric_weights.inception else "lpips-pth", *names) as caught:
        load(path.parent)
    assert str(caught.value).count(str(path)) == 1


def test_official_files_whose_names_are_not_known(tmp_path):
    path = tmp_path / OFFICIAL_LPIPS
    names = {f"some/layer{index}": np.float32([1]) for index in range(30)}
    write_states(path, official_state({"conv1_1/bias": np.zeros(64, np.float32)} | names))
    check_refused(path, "some/layer0, some/layer1", "30", "vgg16-pth")
    check_refused(write_states(path, official_state({})), "no variables")
    inside = official_state({}) | {"components": {"net": official_state({"w": np.float32([1])}) | {"name": "part"}}}
    check_refused(write_states(tmp_path / "inception_v3_features.pkl", inside), "part/w")


def test_official_files_that_lack_something(tmp_path):
    path = tmp_path / OFFICIAL_LPIPS
    variables = official_lpips()
    del variables["conv3_2/bias"]
    check_refused(write_states(path, official_state(variables)), "features.12.bias", "conv1_1/weight")
    path.write_bytes(b"cos\nsystem\n(U\x04trueptR.")
    check_refused(path, "os.system")
    others = {"Git LFS pointer": b"version https://git-lfs.github.com/", "web page": b"<html>", "gzip": b"\x1f\x8b"}
    for what, start in others.items():
        path.write_bytes(start + bytes(99))
        with refused(path, what):
            metric_weights.lpips(path.parent)


def test_open_files_that_do_not_fit(tmp_path, made):
    write_older(tmp_path / VGG, {"features.0.bias": np.zeros(64, np.float32)})
    (tmp_path / LINS).hardlink_to(made / LINS)
    with refused(tmp_path / VGG, tmp_path / LINS, "features.0.weight"):
        metric_weights.lpips(tmp_path)
    (tmp_path / VGG).write_bytes(b"\x80\x02K\x05.")
    with refused(tmp_path / VGG, "torch.save"):
        metric_weights.lpips(tmp_path)
    write_older(tmp_path / VGG, formula_weights.lins_state())
    with refused(tmp_path / VGG, tmp_path / LINS, "lin0.model.1.weight"):
        metric_weights.lpips(tmp_path)


def test_folders_without_them(tmp_path):
    with refused(tmp_path / "nowhere", "auto", "open", "official"):
        metric_weights.inception(tmp_path / "nowhere")
    with refused(tmp_path, VGG, LINS, OFFICIAL_LPIPS):
        metric_weights.lpips(tmp_path)


def test_fetching_needs_no_keras(small, cache):
    metric_weights.fetch("lpips", "open")
    metric_weights.fetch("lpips", small)
    with failed(INCEPTION, "http://127.0.0.1:9/x"):
        metric_weights.fetch("inception", "open")
    with refused(small, INCEPTION):
        metric_weights.fetch("inception", small)
    script = "import sys; from stylegan_tf.weights import metric_weights; metric_weights.is_here('lpips'); "
    script += "sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT).returncode == 0


# The scopes of convolutions in TensorFlow's graph of 2015-12-05.
GRAPH = {
    "": "conv conv_1 conv_2 conv_3 conv_4",
    "mixed/ mixed_1/ mixed_2/": "conv tower/conv tower/conv_1 tower_1/conv tower_1/conv_1 tower_1/conv_2 tower_2/conv",
    "mixed_3/": "conv tower/conv tower/conv_1 tower/conv_2",
    "mixed_4/ mixed_5/ mixed_6/ mixed_7/": "conv tower/conv tower/conv_1 tower/conv_2 tower_1/conv tower_1/conv_1 "
    "tower_1/conv_2 tower_1/conv_3 tower_1/conv_4 tower_2/conv",
    "mixed_8/": "tower/conv tower/conv_1 tower_1/conv tower_1/conv_1 tower_1/conv_2 tower_1/conv_3",
    "mixed_9/ mixed_10/": "conv tower/conv tower/mixed/conv tower/mixed/conv_1 tower_1/conv tower_1/conv_1 "
    "tower_1/mixed/conv tower_1/mixed/conv_1 tower_2/conv",
}
GRAPH_PARTS = ("conv2d_params", *(f"batchnorm/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")))


def graph_names() -> list[str]:
    scopes = [
        f"{block}{scope}"
        for blocks, inside in GRAPH.items()
        for block in (blocks.split() or [""])
        for scope in inside.split()
    ]
    return [f"{scope}/{part}" for scope in scopes for part in GRAPH_PARTS] + ["softmax/weights", "softmax/biases"]


def test_every_name_of_the_graph_of_2015():
    state, unknown = translated({name: np.zeros((1, 1, 1, 1)) for name in graph_names()}, "inception")
    counters = {name for name in formula_weights.inception_state() if name.endswith("num_batches_tracked")}
    assert state.keys() == formula_weights.inception_state().keys() - counters
    assert unknown == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv_3/conv2d_params", "Conv2d_3b_1x1.conv.weight"),
        ("InceptionV3/mixed_1/tower/conv_1/batchnorm/beta", "Mixed_5c.branch5x5_2.bn.bias"),
        ("mixed_3/tower/conv/batchnorm/moving_variance", "Mixed_6a.branch3x3dbl_1.bn.running_var"),
        ("mixed_7/tower_1/conv_4/conv2d_params", "Mixed_6e.branch7x7dbl_5.conv.weight"),
        ("mixed_8/tower_1/conv_3/batchnorm/gamma", "Mixed_7a.branch7x7x3_4.bn.weight"),
        ("mixed_9/tower/mixed/conv_1/conv2d_params", "Mixed_7b.branch3x3_2b.conv.weight"),
        ("mixed_10/tower_1/mixed/conv/batchnorm/moving_mean", "Mixed_7c.branch3x3dbl_3a.bn.running_mean"),
    ],
)
def test_names_of_inception(name, expected):
    state, unknown = translated({name: np.zeros(3)}, "inception")
    assert expected in state
    assert unknown == []


@pytest.mark.parametrize(
    "name",
    [
        *("lod", "conv_5/conv2d_params", "mixed_11/conv/conv2d_params", "mixed/conv_1/conv2d_params", "conv/weights"),
        *("mixed_8/conv/conv2d_params", "mixed_3/tower_1/conv/conv2d_params", "logits/weights", ""),
    ],
)
def test_names_that_inception_does_not_have(name):
    assert translated({name: np.zeros(3)}, "inception") == ({}, [name])


def test_names_of_vgg16():
    given = {"vgg/conv1_2/weight": np.zeros((3, 3, 64, 64)), "conv5_3/bias": np.zeros(512), "lin4": np.zeros(512)}
    state, unknown = translated(given | {"conv1_3/weight": np.zeros(1), "fc6/weight": np.zeros(1)}, "lpips")
    shapes = {name: array.shape for name, array in state.items()}
    assert shapes == {
        "features.2.weight": (64, 64, 3, 3),
        "features.28.bias": (512,),
        "lin4.model.1.weight": (1, 512, 1, 1),
    }
    assert unknown == ["conv1_3/weight", "fc6/weight"]


def test_layouts_and_a_batch_norm_without_gamma():
    kernel = np.arange(24.0).reshape(1, 2, 3, 4)  # [height, width, in, out]
    weights = np.arange(6.0).reshape(2, 3)
    given = {"conv/conv2d_params": kernel, "softmax/weights": weights, "conv/batchnorm/beta": np.float32([5, 6])}
    state, _ = translated(given, "inception")
    assert state["Conv2d_1a_3x3.conv.weight"].shape == (4, 3, 1, 2)
    assert state["Conv2d_1a_3x3.conv.weight"][3, 2, 0, 1] == kernel[0, 1, 2, 3]
    assert state["fc.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert state["Conv2d_1a_3x3.bn.weight"].tolist() == [1, 1]


def test_two_names_for_one_tensor():
    given = {"conv/batchnorm/beta": np.zeros(2), "scope/conv/batchnorm/beta": np.zeros(2)}
    assert translated(given, "inception")[1] == ["scope/conv/batchnorm/beta"]


SHAPES = {"a/b/vars/0": (1, 1, 2, 1), "a/b/vars/1": (1,), "fc/vars/0": (1, 2), "fc/vars/1": (2,)}


def one_convolution() -> dict[str, np.ndarray]:
    """One convolution of two channels to one, and two classes."""
    return {
        "a.b.conv.weight": np.float32([[[[2]], [[4]]]]),
        "a.b.bn.weight": np.float32([3]),
        "a.b.bn.bias": np.float32([10]),
        "a.b.bn.running_mean": np.float32([5]),
        "a.b.bn.running_var": np.float32([2.249]),  # with the epsilon of 0.001 the root is 1.5
        "a.b.bn.num_batches_tracked": np.int64(0),
        "AuxLogits.conv0.conv.weight": np.zeros((2, 2), np.float32),
        "fc.weight": np.float32([[7], [8]]),
        "fc.bias": np.float32([1, 2]),
    }


def test_batch_norm_by_hand():
    arrays = inception_arrays(one_convolution(), SHAPES)
    assert arrays["a/b/vars/0"].ravel() == pytest.approx([4, 8])  # times 3 / 1.5
    assert arrays["a/b/vars/1"] == pytest.approx([0], abs=1e-5)  # 10 - 5 x 3 / 1.5
    assert arrays["fc/vars/0"].tolist() == [[7, 8]]
    assert arrays["fc/vars/1"].tolist() == [1, 2]
    assert arrays.keys() == SHAPES.keys()


@pytest.mark.parametrize(
    ("name", "array", "names"),
    [
        ("fc.bias", None, ["lacks"]),
        ("more", np.zeros(1), ["no place"]),
        ("fc.bias", np.float32([1]), ["[1]", "[2]"]),
        ("fc.bias", np.float64([1, 2]), ["float64", "float32"]),
        ("fc.bias", np.float32([1, np.nan]), ["finite"]),
        ("a.b.bn.running_var", np.float32([-1]), ["negative"]),
    ],
)
def test_tensors_that_do_not_fit(name, array, names):
    state = {key: value for key, value in (one_convolution() | {name: array}).items() if value is not None}
    with refused(name, *names):
        inception_arrays(state, SHAPES)


def test_vgg16_and_its_classifier():
    shapes = {f"vars/{k}": (2,) for k in range(5)}
    state = {f"lin{k}.model.1.weight": np.float32([k, 1]).reshape(1, 2, 1, 1) for k in range(5)}
    for layer, place in metric_weights.VGG16.items():
        shapes |= {f"{layer}/vars/0": (3, 3, 1, 2), f"{layer}/vars/1": (2,)}
        state[f"features.{place}.weight"] = np.full((2, 1, 3, 3), place, np.float32)
        state[f"features.{place}.bias"] = np.full(2, -place, np.float32)
    state["classifier.0.weight"] = np.zeros(5, np.float32)
    arrays = lpips_arrays(state, shapes)
    assert arrays.keys() == shapes.keys()
    assert arrays["vars/3"].tolist() == [3, 1]
    assert arrays["conv5_1/vars/0"].shape == (3, 3, 1, 2)
    assert (arrays["conv5_1/vars/0"] == 24).all()
    assert arrays["conv2_2/vars/1"].tolist() == [-7, -7]


def test_long_lists_and_control_characters():
    assert listed([f"n{index}" for index in range(40)]).endswith("n5, ... (40 in all)")
    assert listed(["a\x1b[31m"]) == r"a\x1b[31m"


def test_check_needs_nothing_else():
    check({"a": np.float32([1])}, {"a": (1,)}, "b.*")
    with refused("c", "network"):
        check({"a": np.float32([1]), "c": np.float32([1])}, {"a": (1,)}, "b.*")
