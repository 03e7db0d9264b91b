"""Our .keras files: read as Keras reads them, and refused before anything is built where they are not ours."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from refusals import refused

from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.networks import kinds
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator
from stylegan_tf.weights import keras_file

TINY = {"resolution": 8, "fmap_base": 32, "fmap_max": 4}
MAPPING = {"z_dim": 4, "w_dim": 4, "mapping_layers": 1, "mapping_fmaps": 4}
# Names are written out: they are the file format.
EPILOGUES = ("b4_const", "b4_conv", "b8_conv0_up", "b8_conv1")
NAMES_OF_G = (
    {"vars/0", "layers/mapping/dense0/vars/0", "layers/mapping/dense0/vars/1"}
    | {f"layers/synthesis/vars/{index}" for index in range(5)}  # b4_const, noise0 to noise3
    | {f"layers/synthesis/{name}/vars/0" for name in EPILOGUES[1:]}
    | {f"layers/synthesis/{name}/vars/{index}" for name in ("b4_to_rgb", "b8_to_rgb") for index in (0, 1)}
    | {f"layers/synthesis/{name}_epilogue/vars/0" for name in EPILOGUES}
    | {f"layers/synthesis/{name}_epilogue/noise/vars/0" for name in EPILOGUES}
    | {f"layers/synthesis/{name}_epilogue/style/vars/{index}" for name in EPILOGUES for index in (0, 1)}
)
LAYERS_OF_D = ("b8_from_rgb", "b8_conv0", "b8_conv1_down", "b4_from_rgb", "b4_conv", "b4_dense0", "b4_dense1")
NAMES_OF_D = {f"{name}/vars/{index}" for name in LAYERS_OF_D for index in (0, 1)}


def randomized(network: keras.Model) -> keras.Model:
    """Numbers that no initialisation gives, so that a variable that is not read shows."""
    random = np.random.default_rng(3)
    for variable in network.variables:
        variable.assign(random.normal(size=variable.shape))
    return network


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with G.keras and D.keras, 8x8."""
    folder = tmp_path_factory.mktemp("networks")
    randomized(Generator(**TINY, **MAPPING)).save(folder / "G.keras")
    randomized(Discriminator(**TINY, dtype="mixed_bfloat16")).save(folder / "D.keras")
    return folder


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, to: Path, config: Callable[[Any], None] = id, h5: Callable[[Any], None] = id) -> Path:
    """The file with its configuration and its arrays changed in place by the two functions."""
    entries = parts(path)
    declared = json.loads(entries["config.json"])
    config(declared)
    buffer = io.BytesIO(entries["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        h5(file)
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("metadata.json", entries["metadata.json"])
        archive.writestr("config.json", json.dumps(declared))
        archive.writestr("model.weights.h5", buffer.getvalue())
    return to


def test_names_are_the_file_format(saved: Path) -> None:
    for name, expected in (("G", NAMES_OF_G), ("D", NAMES_OF_D)):
        found: set[str] = set()
        with h5py.File(io.BytesIO(parts(saved / f"{name}.keras")["model.weights.h5"])) as file:
            file.visititems(lambda path, item, found=found: isinstance(item, h5py.Dataset) and found.add(path) or None)
        assert found == expected


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(lambda: Generator(**TINY, **MAPPING, label_size=3), id="F"),
        pytest.param(
            lambda: Generator(
                **TINY,
                z_dim=4,
                w_dim=4,
                mapping_layers=0,
                use_styles=False,
                const_input_layer=False,
                use_noise=False,
                use_pixel_norm=True,
                use_instance_norm=False,
            ),
            id="B",
        ),
        pytest.param(lambda: Discriminator(**TINY, label_size=3, mbstd_num_features=2, dtype="mixed_bfloat16"), id="D"),
        pytest.param(lambda: ProganGenerator(**TINY, z_dim=4, label_size=3, pixelnorm_epsilon=1e-6), id="A"),
        pytest.param(lambda: ProganDiscriminator(**TINY, downscale_last=True, dtype="mixed_float16"), id="D of A"),
    ],
)
def test_reads_what_keras_reads(network: Callable[[], keras.Model], tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    randomized(network()).save(path)
    ours, theirs = keras_file.read(path), keras.models.load_model(path)
    assert type(ours) is type(theirs)
    assert len(ours.variables) == len(theirs.variables) > 10
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    own = {"dtype", "name"}
    assert {k: v for k, v in ours.get_config().items() if k not in own} == {
        k: v for k, v in theirs.get_config().items() if k not in own
    }
    assert {layer.compute_dtype for layer in ours._flatten_layers()} == {"float32"}


def set_argument(**arguments: Any) -> Callable[[Any], None]:
    return lambda config: config["config"].update(arguments)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (
            lambda config: config.update(registered_name="keras>Sequential", class_name="Sequential"),
            ("Sequential", "Generator"),
        ),
        (lambda config: config.update(registered_name=["a"], class_name="Lambda"), ("Lambda", "Generator")),
        (lambda config: config.update(config=[1]), ("table of arguments",)),
        (set_argument(architecture="progan"), ("argument architecture",)),
        (set_argument(z_dim=True), ("z_dim", "True")),
        (set_argument(resolution=48), ("resolution=48", "8", "32768")),
        (set_argument(resolution=2**40), ("resolution=1099511627776", "8", "32768")),
        (set_argument(mapping_layers=10**9), ("mapping_layers", "64", "1000000000")),
        (set_argument(fmap_decay=float("nan")), ("fmap_decay", "nan")),
        (set_argument(fmap_base=1), ("fmap_base=1",)),
        (set_argument(nonlinearity="swish"), ("nonlinearity", "swish", "lrelu", "relu")),
        (set_argument(mapping_nonlinearity="swish"), ("mapping_nonlinearity", "swish", "lrelu", "relu")),
        (set_argument(mapping_lrmul=0), ("mapping_lrmul", "0")),
        (set_argument(fused_scale="measured"), ("fused_scale", "measured")),
        (set_argument(nonlinearity="a\nb"), ("nonlinearity", "'a\\nb'", "lrelu", "relu")),
        (set_argument(mapping_layers=0, w_dim=5), ("mapping_layers=0", "w_dim", "4 (z_dim)", "5")),
        (set_argument(seed=-1), ("seed", "-1", "2**63 - 1")),
        (set_argument(resolution=1024, fmap_base=8192, fmap_max=512), ("weights", "bytes")),
        (set_argument(mapping_layers=64, mapping_fmaps=65536), ("weights", "bytes")),
        (set_argument(label_size=2**20, z_dim=65536), ("weights", "bytes")),
        (set_argument(resolution=32768, fmap_base=2**20, fmap_max=1), ("weights", "bytes")),
    ],
)
def test_refused_before_anything_is_built(
    config: Callable[[Any], None], names: Any, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*arguments: Any, **named: Any) -> None:
        raise AssertionError(f"built from {arguments}, {named}")

    monkeypatch.setitem(kinds.KINDS, GeneratorConfig, explode)
    path = rewritten(saved / "G.keras", tmp_path / "bad.keras", config=config)
    with refused(path, *names):
        keras_file.read(path)


def replaced(path: str, array: np.ndarray) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        if path in file:
            del file[path]
        file[path] = array

    return change


@pytest.mark.parametrize(
    ("h5", "names"),
    [
        (lambda file: file.pop("layers/synthesis/b8_to_rgb/vars/1"), ("synthesis/b8_to_rgb/vars/1",)),
        (replaced("layers/synthesis/b16_conv1/vars/0", np.zeros(3, "f4")), ("layers/synthesis/b16_conv1/vars/0",)),
        (replaced("mapping/dense0/vars/0", np.zeros((4, 4), "f4")), ("layers/mapping/dense0/vars/0",)),
        (replaced("vars/0", np.zeros(5, "f4")), ("vars/0", "[5]", "[4]")),
        (replaced("vars/0", np.full(4, np.inf, "f4")), ("vars/0", "finite")),
        (replaced("vars/0", np.zeros(4, "f8")), ("vars/0", "float64", "float32")),
    ],
)
def test_every_array_once(h5: Callable[[Any], None], names: Any, saved: Path, tmp_path: Path) -> None:
    path = rewritten(saved / "G.keras", tmp_path / "bad.keras", h5=h5)
    with refused(path, *names):
        keras_file.read(path)


def test_archives_that_are_not_ours(saved: Path, tmp_path: Path) -> None:
    whole = (saved / "G.keras").read_bytes()
    entries = parts(saved / "G.keras")
    path = tmp_path / "bad.keras"

    def check_refused(*names: str) -> None:
        with refused(path, *names):
            keras_file.read(path)

    check_refused("no file")
    path.write_bytes(whole[: len(whole) // 2])
    check_refused("damaged", "zip")
    path.write_bytes(b"")
    check_refused("empty")
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    check_refused("damaged", "CRC-32", "'model.weights.h5'")

    def write(changed: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in changed.items():
                archive.writestr(name, content)

    write(entries | {"assets/code.py": b"print()"})
    check_refused("config.json", "metadata.json", "model.weights.h5")
    write({"config.json": entries["config.json"]})
    check_refused("config.json", "metadata.json", "model.weights.h5")
    write(entries | {"model.weights.h5": bytes(10**6)}, zipfile.ZIP_DEFLATED)
    check_refused("metadata.json", "compressed")
    write(entries | {"model.weights.h5": b"no HDF5"})
    check_refused("damaged", "signature")
    write(entries | {"config.json": b"[" * 5000})
    check_refused("damaged", "JSON")
    write(entries | {"config.json": b" " * 70000})
    check_refused("config.json", "70000 bytes")
    write(entries | {"config.json": b"{"})
    check_refused("damaged", "line 1")
