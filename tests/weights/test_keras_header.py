"""What a .keras file declares. (What is refused in one, header and all: test_keras_file.py.)"""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from refusals import refused

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import KINDS, make
from stylegan_tf.weights.keras_header import CONFIGS, declared, opened, refusing

TINY = {"resolution": 8, "fmap_base": 32, "fmap_max": 4}
NETWORKS = [
    GeneratorConfig(**TINY, z_dim=4, w_dim=4, mapping_layers=1, mapping_fmaps=4, mapping_nonlinearity="relu"),
    DiscriminatorConfig(**TINY, label_size=3),
    ProganGeneratorConfig(**TINY, z_dim=4, pixelnorm_epsilon=1e-6),
    ProganDiscriminatorConfig(**TINY, downscale_last=True),
]


@pytest.mark.parametrize("config", NETWORKS, ids=lambda config: type(config).__name__)
def test_declared(config, tmp_path: Path) -> None:
    network = make(config, seed=9)
    network.save(tmp_path / "net.keras")
    assert declared(tmp_path / "net.keras") == config
    with opened(tmp_path / "net.keras") as (found, seed, arrays):
        assert found == config and seed == 9
        assert sum(array.size for array in arrays.values()) == network.count_params()


def test_every_class_is_declared() -> None:
    assert set(CONFIGS.values()) == set(KINDS) == {type(config) for config in NETWORKS}
    for name, kind in CONFIGS.items():
        assert name == f"stylegan_tf>{KINDS[kind].__name__}"


def write_header(path: Path, config: dict) -> None:
    entries = {"metadata.json": {}, "model.weights.h5": {}, "config.json": config}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, json.dumps(content))


@pytest.mark.parametrize("name", ["\u2028", "a\nb", "\x1b[2J", "\ud800", "\u202e" * 100])
def test_names_are_said_so_that_a_terminal_can_show_them(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    for config in (
        {"registered_name": "stylegan_tf>Generator", "config": {name: 1}},
        {"registered_name": "x", "class_name": name},
    ):
        write_header(path, config)
        with pytest.raises(UserError) as caught:
            declared(path)
        assert str(caught.value).isprintable() and ascii(name)[1:5] in str(caught.value)
        assert len(str(caught.value)) < len(str(path)) + 250


@pytest.mark.parametrize(
    ("at", "address"), [(48, 2**63), (48, 2**63 + 5), (120, 2**64 - 2), (168, 2**64 - 2), (40, 2**62)]
)
def test_addresses_in_hdf5_that_no_file_has(at: int, address: int, tmp_path: Path) -> None:
    """Of its driver, its table of names and so on, as HDF5 writes them: at other places the file would be whole."""
    whole, path = tmp_path / "whole.keras", tmp_path / "net.keras"
    make(GeneratorConfig(**TINY)).save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = bytearray(source.read(name))
            if name == "model.weights.h5":
                content[at : at + 8] = address.to_bytes(8, "little")
            target.writestr(name, bytes(content))
    with refused(path, "damaged"), refusing(path), opened(path):
        pass


def test_an_argument_younger_than_the_file_has_its_default(tmp_path: Path) -> None:
    config = GeneratorConfig(**TINY, blur=False, use_noise=False)
    arguments = {name: value for name, value in vars(config).items() if name != "blur"}
    write_header(tmp_path / "net.keras", {"registered_name": "stylegan_tf>Generator", "config": arguments})
    assert declared(tmp_path / "net.keras") == replace(config, blur=True)


def test_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with refused(path, "no file"):
        declared(path)
    path.write_bytes(b"PK\x03\x04")
    with refused(path, "damaged", "zip"):
        declared(path)
