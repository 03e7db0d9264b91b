"""python -m stylegan_tf.weights: what is told about a file, by hand; conversion; the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import official_files
import pytest
from refusals import check_printed, refused

from stylegan_tf import files
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.weights import __main__ as command
from stylegan_tf.weights import keras_file

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
    networks = command.described(path)
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
    lines = list(command.lines(path, command.described(path)))
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
    assert f"  lod         {line}" in list(command.lines(path, command.described(path)))


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
    (one,) = command.described(path).values()
    assert command.architecture(one) == words


def test_keras_files(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    ProganGenerator(**TINY, z_dim=3).save(path)
    networks = command.described(path)
    convolutions = 9 * 3 * 3 + 9 * 3 * 2 + 9 * 2 * 2 + 3 * 3 + 2 * 3
    biases = 3 + 3 + 2 + 2 + 3 + 3
    config = ProganGeneratorConfig(**TINY, z_dim=3)
    assert networks == {"": command.Described(config, 16 * 3 * 3 + convolutions + biases, [], None)}
    lines = list(command.lines(path, networks))
    assert lines[2:4] == ["Progressive GAN generator, 8x8, 3 channels", f"  parameters  {networks[''].parameters}"]
    assert lines[4].startswith("  arguments   resolution 8, num_channels 3, ") and not any("lod" in x for x in lines)


def test_table(path: Path) -> None:
    table = command.table(path, "ffhq", command.described(path))
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
    assert command.source(path, command.described(path)) == "a = 1\nb = '\\x1b'"
    bare = official_files.write(tmp_path / "bare.pkl", {"D": Discriminator(**TINY)})
    with refused(bare, "no source text"):
        command.source(bare, command.described(bare))


SMALL: Any = {**TINY, "z_dim": 4, "w_dim": 4, "mapping_layers": 1, "mapping_fmaps": 4}


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    network = official_files.randomized(Generator(**SMALL))
    return official_files.write(tmp_path / "net.pkl", {"Gs": network}, lod=1.0, source="import this\n")


def test_describes(alone: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main([str(alone)]) == 0
    told = capsys.readouterr().out
    assert files.sha256(alone) in told and "Gs: style-based generator, 8x8, 3 channels" in told


def test_converts(alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "new" / "networks"
    assert command.main([str(alone), f"--out={out}"]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["Gs.keras", "network.json"]
    assert capsys.readouterr().out.endswith(f"wrote Gs.keras and network.json to {out}\n")
    table = json.loads((out / "network.json").read_text())
    assert (table["from"], table["sha256"]) == (str(alone), files.sha256(alone))
    assert table["networks"]["Gs"]["lod"] == 1.0 and table["networks"]["Gs"]["arguments"]["z_dim"] == 4
    network: Any = keras_file.read(out / "Gs.keras")
    np.testing.assert_array_equal(network.w_avg, official_files.randomized(Generator(**SMALL)).w_avg)
    assert command.main([str(out / "Gs.keras")]) == 0
    assert "style-based generator, 8x8, 3 channels" in capsys.readouterr().out
    assert command.main([str(alone), f"--out={out}"]) == 2
    check_printed(capsys.readouterr().err, out, "empty")
    assert command.main([str(out / "Gs.keras"), f"--out={tmp_path / 'again'}"]) == 2
    check_printed(capsys.readouterr().err, out / "Gs.keras", ".keras file")
    assert not (tmp_path / "again").exists()


def test_nothing_stays_of_a_network_that_cannot_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    def spoil(states: dict[str, dict]) -> None:
        states["Gs"]["variables"].append(("4x4/Conv/bias", np.ones(3, np.float32)))

    path = official_files.write(tmp_path / "bad.pkl", {"Gs": Generator(**SMALL)}, spoil=spoil)
    assert command.main([str(path), f"--out={tmp_path / 'new' / 'networks'}"]) == 2
    check_printed(capsys.readouterr().err, path, "its Gs", "G_style", "4x4/Conv/bias")
    assert [file.name for file in tmp_path.iterdir()] == ["bad.pkl"]


def test_source(alone: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main([str(alone), "--source"]) == 0
    assert capsys.readouterr().out == "import this\n"


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for what in (str(tmp_path), str(tmp_path / "none.pkl"), "ffqh", "ftp://host/file.pkl"):
        assert command.main([what]) == 2
        check_printed(capsys.readouterr().err, what)


@pytest.mark.parametrize("arguments", [[], ["a.pkl", "b.pkl"], ["a.pkl", "--outt=b"], ["a.pkl", "--out=b", "--source"]])
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2 and "usage: python -m stylegan_tf.weights" in capsys.readouterr().err


def test_published_names_and_addresses_are_fetched(
    alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(command.download, "fetch", lambda what: fetched.append(what) or alone)
    assert command.main(["ffhq"]) == command.main([str(alone)]) == 0
    assert fetched == ["ffhq"]
    assert capsys.readouterr().out.count(f"{alone}: ") == 2


def test_describing_needs_no_keras(alone: Path) -> None:
    code = (
        "import sys; from stylegan_tf.weights.__main__ import main; code = main(sys.argv[1:]); "
        "sys.exit(code or ('keras' in sys.modules) or ('tensorflow' in sys.modules))"
    )
    for arguments in ([str(alone)], ["--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "style-based generator" in done.stdout or "usage: python -m stylegan_tf.weights" in done.stdout


def test_paths_are_taken_as_a_shell_takes_them(
    alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(alone.parent))
    assert command.main([f"~/{alone.name}"]) == 0
    with pytest.raises(SystemExit) as stop:
        command.main([str(alone), "--out=~nobody-of-that-name/x"])
    assert stop.value.code == 2 and "--out" in (said := capsys.readouterr().err) and "~nobody-of-that-name" in said
