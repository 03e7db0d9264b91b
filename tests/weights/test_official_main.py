"""The command line: python -m stylegan_tf.weights."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import official_files
import pytest

from stylegan_tf import files
from stylegan_tf.networks.generator import Generator
from stylegan_tf.weights import __main__ as command
from stylegan_tf.weights import keras_file

G = {"resolution": 8, "fmap_base": 8, "fmap_max": 3, "z_dim": 4, "w_dim": 4, "mapping_layers": 1, "mapping_fmaps": 4}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    network = official_files.randomized(Generator(**G))
    return official_files.write(tmp_path / "net.pkl", {"Gs": network}, lod=1.0, source="import this\n")


def test_describes(path: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main([str(path)]) == 0
    told = capsys.readouterr().out
    assert files.sha256(path) in told and "Gs: style-based generator, 8x8, 3 channels" in told


def test_converts(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "new" / "networks"
    assert command.main([str(path), f"--out={out}"]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["Gs.keras", "network.json"]
    assert capsys.readouterr().out.endswith(f"wrote Gs.keras and network.json to {out}\n")
    table = json.loads((out / "network.json").read_text())
    assert (table["from"], table["sha256"]) == (str(path), files.sha256(path))
    assert table["networks"]["Gs"]["lod"] == 1.0 and table["networks"]["Gs"]["arguments"]["z_dim"] == 4
    network: Any = keras_file.read(out / "Gs.keras")
    np.testing.assert_array_equal(network.w_avg, official_files.randomized(Generator(**G)).w_avg)
    assert command.main([str(out / "Gs.keras")]) == 0
    assert "style-based generator, 8x8, 3 channels" in capsys.readouterr().out
    assert command.main([str(path), f"--out={out}"]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert command.main([str(out / "Gs.keras"), f"--out={tmp_path / 'again'}"]) == 2
    assert "is a .keras file already" in capsys.readouterr().err and not (tmp_path / "again").exists()


def test_nothing_stays_of_a_network_that_cannot_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    def spoil(states: dict[str, dict]) -> None:
        states["Gs"]["variables"].append(("4x4/Conv/bias", np.ones(3, np.float32)))

    path = official_files.write(tmp_path / "bad.pkl", {"Gs": Generator(**G)}, spoil=spoil)
    assert command.main([str(path), f"--out={tmp_path / 'new' / 'networks'}"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}: its Gs cannot be one of G_style: ")
    assert [file.name for file in tmp_path.iterdir()] == ["bad.pkl"]


def test_source(path: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main([str(path), "--source"]) == 0
    assert capsys.readouterr().out == "import this\n"


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for what in (str(tmp_path), str(tmp_path / "none.pkl"), "ffqh", "ftp://host/file.pkl"):
        assert command.main([what]) == 2
        assert what in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a.pkl", "b.pkl"], ["a.pkl", "--outt=b"], ["a.pkl", "--out=b", "--source"]])
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2 and "usage: python -m stylegan_tf.weights" in capsys.readouterr().err


def test_published_names_and_addresses_are_fetched(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.download, "fetch", lambda what: path.with_name(f"fetched-{what}.pkl"))
    assert command.local("ffhq") == path.with_name("fetched-ffhq.pkl")
    assert command.local(str(path)) == path


def test_describing_needs_no_keras(path: Path) -> None:
    code = (
        "import sys; from stylegan_tf.weights.__main__ import main; code = main(sys.argv[1:]); "
        "sys.exit(code or ('keras' in sys.modules) or ('tensorflow' in sys.modules))"
    )
    for arguments in ([str(path)], ["--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "style-based generator" in done.stdout or "usage: python -m stylegan_tf.weights" in done.stdout
