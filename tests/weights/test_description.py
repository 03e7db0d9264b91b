"""What is told about a file, by hand."""

import json
from pathlib import Path
from typing import Any

import official_files
import pytest

from stylegan_tf import files
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.errors import UserError
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.weights import description

TINY = {"resolution": 8, "fmap_base": 8, "fmap_max": 3}  # 3 channels at 4x4, 2 at 8x8
MAPPING: Any = {"z_dim": 4, "w_dim": 5, "mapping_layers": 2, "mapping_fmaps": 6}
# Weights and biases, by hand.
MAPPING_OF_G = 4 * 6 + 6 + 6 * 5 + 5
SYNTHESIS = 16 * 3 + 9 * 3 * 3 + 9 * 3 * 2 + 9 * 2 * 2 + 3 * 3 + 3 + 2 * 3 + 3  # const, convolutions, to_rgb twice
EPILOGUES = 2 * (3 + 3 + 5 * 6 + 6) + 2 * (2 + 2 + 5 * 4 + 4)  # noise, bias and style of four layers
D = 3 * 2 + 2 + 3 * 3 + 3 + 9 * 2 * 2 + 2 + 9 * 2 * 3 + 3 + 9 * 4 * 3 + 3 + 48 * 3 + 3 + 3 * 2 + 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    networks = {"G": Generator(**TINY, **MAPPING), "D": Discriminator(**TINY, label_size=2)}
    networks["Gs"] = networks["G"]
    return official_files.write(tmp_path / "net.pkl", networks, lod=0.25, source="a = 1\nb = '\x1b'\n", later=1)


def test_described(path: Path) -> None:
    networks = description.described(path)
    assert list(networks) == ["G", "D", "Gs"]
    assert networks["G"].config == GeneratorConfig(**TINY, **MAPPING)
    assert networks["D"].config == DiscriminatorConfig(**TINY, label_size=2)
    assert [one.parameters for one in networks.values()] == [
        MAPPING_OF_G + SYNTHESIS + EPILOGUES,
        D,
        MAPPING_OF_G + SYNTHESIS + EPILOGUES,
    ]
    assert networks["D"].ignored == ["later"]


def test_lines(path: Path) -> None:
    lines = list(description.lines(path, description.described(path)))
    assert lines[0] == f"{path}: {path.stat().st_size:,} bytes, sha256 {files.sha256(path)}"
    start = lines.index("D: discriminator of a style-based generator, 8x8, 3 channels, labels of length 2")
    assert lines[start + 1 : start + 5] == [
        f"  parameters  {D}",
        "  stored      as 'D', by D_basic, version 3",
        "  lod         0.25, trained to 8x8, which has faded in to 0.75",
        "  source      2 lines embedded, never run (--source prints them)",
    ]
    assert "  ignored     'later'" in lines and "" in lines
    assert max(map(len, lines[1:])) <= 120


@pytest.mark.parametrize(
    ("lod", "line"),
    [
        (0.0, "0, trained to the final resolution"),
        (1.0, "1, trained to 4x4"),
        (0.5, "0.5, trained to 8x8, which has faded in to 0.5"),
    ],
)
def test_level_of_detail(lod: float, line: str, tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "net.pkl", {"D": Discriminator(**TINY)}, lod=lod)
    assert f"  lod         {line}" in list(description.lines(path, description.described(path)))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (lambda: Generator(**TINY, **MAPPING, num_channels=1), "style-based generator, 8x8, 1 channel"),
        (lambda: ProganGenerator(**TINY, z_dim=3), "Progressive GAN generator, 8x8, 3 channels"),
        (
            lambda: Discriminator(**TINY, mbstd_group_size=0),
            "discriminator of a style-based generator, 8x8, 3 channels, without minibatch deviation (as attribute "
            "classifiers are)",
        ),
    ],
)
def test_architecture(network: Any, words: str, tmp_path: Path) -> None:
    path = official_files.write(tmp_path / "net.pkl", {"one": network()})
    (one,) = description.described(path).values()
    assert description.architecture(one) == words


def test_keras_files(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    ProganGenerator(**TINY, z_dim=3).save(path)
    networks = description.described(path)
    convolutions = 9 * 3 * 3 + 9 * 3 * 2 + 9 * 2 * 2 + 3 * 3 + 2 * 3
    biases = 3 + 3 + 2 + 2 + 3 + 3
    config = ProganGeneratorConfig(**TINY, z_dim=3)
    assert networks == {"": description.Described(config, 16 * 3 * 3 + convolutions + biases, [], None)}
    lines = list(description.lines(path, networks))
    assert lines[2:4] == ["Progressive GAN generator, 8x8, 3 channels", f"  parameters  {networks[''].parameters}"]
    assert lines[4].startswith("  arguments   resolution 8, num_channels 3, ") and not any("lod" in x for x in lines)


def test_table(path: Path) -> None:
    table = description.table(path, "ffhq", description.described(path))
    assert json.loads(json.dumps(table)) == table
    assert {name: table[name] for name in ("from", "bytes", "sha256")} == {
        "from": "ffhq",
        "bytes": path.stat().st_size,
        "sha256": files.sha256(path),
    }
    told = table["networks"]["D"]
    assert (told["class"], told["function"], told["version"], told["lod"]) == ("Discriminator", "D_basic", 3, 0.25)
    assert (told["parameters"], told["ignored"], told["source_lines"]) == (D, ["later"], 2)
    assert told["arguments"]["fmap_max"] == 3 and told["official_arguments"]["blur_filter"] == [1, 2, 1]


def test_source_is_text_that_a_terminal_only_prints(path: Path, tmp_path: Path) -> None:
    assert description.source(path, description.described(path)) == "a = 1\nb = '\\x1b'"
    bare = official_files.write(tmp_path / "bare.pkl", {"D": Discriminator(**TINY)})
    with pytest.raises(UserError, match=f"{bare} holds no source text"):
        description.source(bare, description.described(bare))
