"""train.py: flags to an experiment, its notes, and what it refuses. Training itself is tested with the loop."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import train
from stylegan_tf.configs.json_form import from_json
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data.writing import Writer
from stylegan_tf.mistakes import Mistake, exit_code

ROOT = Path(train.__file__).parent


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 grey pictures of 16x16 with two columns of labels."""
    folder = tmp_path_factory.mktemp("data") / "grey"
    pictures = np.random.default_rng(1).integers(0, 256, [128, 16, 16, 1], dtype=np.uint8)
    with Writer(folder, "grey", 16, 1) as writer:
        for picture in pictures:
            writer.add(picture)
        writer.set_labels(np.eye(2, dtype=np.float32)[np.arange(128) % 2])
    return folder


def dry_run(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[Experiment, str]:
    """The experiment that is printed as JSON, and all that is printed before it."""
    train.run(["--dry_run", *arguments])
    before, brace, after = capsys.readouterr().out.partition("\n{\n")
    return from_json(json.loads(brace + after)), before


def test_config_alone_works_without_a_gpu(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "auto_row", lambda: "cpu")
    chosen, before = dry_run(capsys, "--config=F")
    assert (chosen.hardware, chosen.data.directory, chosen.G.resolution) == ("cpu", "", 32)
    assert "on the built-in faces (your own pictures: --dataset=DIR" in before
    assert "python train.py --config=F --dataset=DIR --hardware=8gpu" in before
    assert "G.fmap_max  " in before


def test_flags_reach_their_fields(capsys: pytest.CaptureFixture, dataset: Path) -> None:
    chosen, before = dry_run(
        capsys,
        *("--config=D", f"--dataset={dataset}/", "--hardware=1gpu", "--total_kimg=7.5", "--mirror", "--seed=7"),
        *("--outdir=elsewhere", "--precision=mixed_float16", "--tf32", "--loss=wgan_gp", "--replicas=2"),
        *("--threads=3", "--set=G.fmap_max=64", "--set=schedule.minibatch.8=32", "--set=data.max_label_size=none"),
    )
    assert (chosen.config, chosen.hardware, chosen.data.directory) == ("D", "1gpu", str(dataset))
    assert (chosen.G.resolution, chosen.D.num_channels, chosen.G.label_size) == (16, 1, 2)
    training = chosen.training
    assert (training.total_kimg, training.seed, training.precision, training.tf32) == (7.5, 7, "mixed_float16", True)
    assert (chosen.data.mirror, chosen.output.outdir, chosen.loss.gp_weight) == (True, "elsewhere", 10)
    assert (chosen.replicas, chosen.threads) == (2, 3)
    assert (chosen.G.fmap_max, chosen.schedule.minibatch[8]) == (64, 32)
    assert not (ROOT / "elsewhere").exists() and "built-in" not in before and "8gpu" not in before


def test_flags_that_are_not_given_leave_the_preset_alone(capsys: pytest.CaptureFixture) -> None:
    from stylegan_tf.configs.presets import experiment

    assert dry_run(capsys, "--hardware=cpu")[0] == experiment("F", "cpu")
    assert dry_run(capsys, "--hardware=8gpu", "--config=B")[0] == experiment("B", "8gpu")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dataset=nowhere"], "the data set folder nowhere does not exist"),
        (["--resolution=48"], "the resolution 48 must be a power of two"),
        (["--resolution=4096"], "too much for the built-in faces: 1024 at most"),
        (["--config=A"], "configs B to F"),
        (["--hardware=9gpu"], "did you mean"),
        (["--loss=wgangp"], "did you mean wgan_gp?"),
        (["--precision=fp16"], "choose from float32, mixed_bfloat16, mixed_float16"),
        (["--total_kimg=0"], "training.total_kimg must be above 0"),
        (["--total_kimg=inf"], "training.total_kimg must be a finite number"),
        (["--replicas=-1"], "replicas must not be negative"),
        (["--set=data.directory=x"], "data.directory is set by --dataset"),
        (["--set=G.fmap_mx=3"], "did you mean G.fmap_max?"),
        (["--set=data.max_label_size=2"], "there are 0 columns of labels"),
        (["--outdir=train.py/x"], "is a file, not a folder"),
        (["--datset=x"], "did you mean --dataset?"),
    ],
)
def test_mistakes_exit_2_with_one_line(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    assert train.main() == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.err.startswith("error: ") and printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_data_set_too_small(dataset: Path) -> None:
    with pytest.raises(Mistake, match="--resolution=32 is too much for .*grey: 16 at most"):
        train.run([f"--dataset={dataset}", "--resolution=32"])
    with pytest.raises(Mistake, match="128 pictures are fewer than a minibatch, 256 at 8x8"):
        train.run([f"--dataset={dataset}", "--hardware=2gpu"])


def test_an_outdir_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(Mistake, match=f"{tmp_path} is not writable"):
        train.run([f"--outdir={tmp_path}/new"])


def test_help(capsys: pytest.CaptureFixture) -> None:
    assert exit_code(lambda: train.run(["--help"])) == 0
    printed = capsys.readouterr().out
    assert printed.index("What is trained:") < printed.index("--config ") < printed.index("Runs:")
    assert "verbosity" not in printed


def test_help_and_dry_run_import_no_tensorflow() -> None:
    script = (
        "import sys, train\n"
        "train.run(['--help'])\n"
        "train.run(['--dry_run', '--hardware=auto'])\n"
        "print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")
