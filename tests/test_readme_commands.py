"""README: its commands of data, training, measuring and network files are what the programs take.

Those of generate.py and project.py are run in tests/programs, from the same lines.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.programs import compare, dataset_tool, metrics, train
from stylegan_tf.weights import __main__ as weights
from stylegan_tf.weights import download, load

ROOT = Path(__file__).parent.parent
COMMANDS = re.findall(
    r"^python (?:-m )?([\w.]+) (.*?)(?:  +#.*)?$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
)
OFFICIAL = ROOT / "tests" / "golden" / "network32.pkl"
NUM_PICTURES = 40


def lines_of(program: str) -> list[str]:
    return [line for name, line in COMMANDS if name == program]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with pictures, in which the README's first two commands were run."""
    home = tmp_path_factory.mktemp("home")
    (home / "pictures").mkdir()
    for number in range(NUM_PICTURES):
        picture = Image.fromarray(np.full((256, 300, 3), number, np.uint8))
        picture.save(home / "pictures" / f"{number}.png", compress_level=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.chdir(home)
        assert len(lines_of("dataset_tool.py")) == 2
        for line in lines_of("dataset_tool.py"):
            assert dataset_tool.main(shlex.split(line)) == 0
    return home


@pytest.mark.parametrize("line", lines_of("train.py"))
def test_training_as_in_the_readme(line, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr(download, "fetch", lambda what: OFFICIAL)  # in place of ffhq
    train.run(list(dict.fromkeys([*shlex.split(line), *([] if line == "--list" else ["--dry_run"])])))
    printed = capsys.readouterr().out
    config = re.search(r"--config=(\w+)", line)
    assert "Table 1" in printed if config is None else f"config {config[1]} at " in printed
    assert not (home / "results").exists()


@pytest.mark.parametrize("line", [line for line in lines_of("run_metrics.py") if not line.startswith("compare")])
def test_measuring_as_in_the_readme(line, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(metrics, "networks_of", lambda values: [values.network or values.run_dir])
    monkeypatch.setattr(metrics, "evaluate", lambda evaluation, *rest: asked.append(evaluation) or [])
    metrics.run(shlex.split(line))
    if line == "--list":
        assert "fid50k" in capsys.readouterr().out
    else:
        assert [metric.name for metric in asked[0].metrics] == re.findall(r"--metrics=(\S+)", line)[0].split(",")


@pytest.mark.parametrize("line", [line for line in lines_of("run_metrics.py") if line.startswith("compare")])
def test_comparing_as_in_the_readme(line, home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    asked = []
    monkeypatch.setattr(compare, "compare", lambda sides, *rest: asked.extend(sides))
    metrics.run(shlex.split(line))
    assert [(side.place, side.size, side.count) for side in asked] == [
        (str(home / "pictures"), (256, 256), NUM_PICTURES),
        ("datasets/mine", (256, 256), NUM_PICTURES),
    ]


@pytest.mark.parametrize("line", lines_of("stylegan_tf.weights"))
def test_network_files_as_in_the_readme(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(download, "fetch", lambda what: OFFICIAL)
    (tmp_path / "karras2019stylegan-ffhq-1024x1024.pkl").write_bytes(OFFICIAL.read_bytes())
    network = load.load(OFFICIAL).Gs
    (tmp_path / "results" / "00000-...").mkdir(parents=True)
    network.save(tmp_path / "results" / "00000-..." / "Gs.keras")
    assert weights.main(shlex.split(line)) == 0
    out = re.search(r"--(?:out|pack)=(\w+)", line)
    assert "32x32" in capsys.readouterr().out if out is None else (tmp_path / out[1] / "Gs.keras").is_file()


def test_every_program_of_the_readme_is_tested():
    tested = {"dataset_tool.py", "train.py", "run_metrics.py", "stylegan_tf.weights", "generate.py", "project.py"}
    assert {name for name, _ in COMMANDS} == tested
