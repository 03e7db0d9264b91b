"""train_classifiers.py: flags to a job, and what it refuses. Training itself is tested with programs/classifiers.py."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data.writing import Writer
from stylegan_tf.programs import classifiers

ROOT = Path(__file__).parents[1]
LIST = "20\nMale Stripes Smiling\n" + "".join(f"{number}.png 1 -1 1\n" for number in range(20))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "stripes"
    with Writer(folder, "stripes", 16, 3) as writer:
        for picture in np.random.default_rng(1).integers(0, 256, [20, 16, 16, 3], dtype=np.uint8):
            writer.add(picture)
    (folder / "list_attr_stripes.txt").write_text(LIST)
    return folder


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[classifiers.Job]:
    """The jobs that are asked for; nothing is trained."""
    asked: list[classifiers.Job] = []
    monkeypatch.setattr(classifiers, "train", asked.append)
    return asked


def test_flags_reach_the_job(dataset: Path, jobs: list[classifiers.Job], tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(LIST)
    classifiers.run(
        [
            *(f"--dataset={dataset}", f"--attributes={other}", "--only=smiling,Male", "--resolution=8"),
            *("--total_kimg=2.5", "--seed=7", "--hardware=1gpu", "--threads=2", "--outdir=there"),
            *("--features", "--pack=it.npz"),
        ]
    )
    (job,) = jobs
    assert (job.names, job.attributes.path, job.outdir) == (["male", "smiling"], other, Path("there"))
    recipe = job.recipe
    assert (recipe.hardware, recipe.resolution, recipe.total_kimg, recipe.seed) == ("1gpu", 8, 2.5, 7)
    assert (job.features, job.pack, job.threads) == (True, "it.npz", 2)


def test_defaults(dataset: Path, jobs: list[classifiers.Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifiers, "auto_row", lambda: "4gpu")
    classifiers.run([f"--dataset={dataset}"])
    monkeypatch.setattr(classifiers, "auto_row", lambda: "cpu")
    classifiers.run([f"--dataset={dataset}"])
    assert [job.recipe.hardware for job in jobs] == ["1gpu", "cpu"]
    assert jobs[1].attributes.path == dataset / "list_attr_stripes.txt"
    assert jobs[1].names == ["male", "smiling", "stripes"]
    assert jobs[1].outdir == Path("results/classifiers-stripes-16")
    assert (jobs[1].features, jobs[1].pack) == (False, None)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "--dataset dataset_tool.py create_faces"),
        (["--dataset=nowhere"], "nowhere dataset_tool.py"),
        (["--dataset={}", "--only=Smilling"], "--only smilling Smiling"),
        (["--dataset={}", "--attributes=none.txt"], "none.txt"),
        (["--dataset={}", "--hardware=tpu"], "--hardware=tpu auto cpu 1gpu"),
        (["--dataset={}", "--resolution=12"], "resolution 8 12"),
        (["--dataset={}", "--threads=0"], "--threads=0 1"),
        (["--dataset={}", "--pack=it.zip"], "--pack=it.zip .npz"),
        (["--dataset={}", "--total_kimg=-1"], "--total_kimg=-1 0"),
    ],
)
def test_mistakes(dataset: Path, jobs: list[classifiers.Job], arguments: list[str], names: str) -> None:
    with refused(*names.split()):
        classifiers.run([argument.format(dataset) for argument in arguments])
    assert not jobs


def test_a_list_of_another_set_is_refused(dataset: Path, jobs: list[classifiers.Job], tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("\n".join(LIST.splitlines()[:12]))
    with refused(short, "line 1", 20, 10):
        classifiers.run([f"--dataset={dataset}", f"--attributes={short}"])
    short.write_text(short.read_text().replace("20", "10", 1))
    with refused(short, 10, 20):
        classifiers.run([f"--dataset={dataset}", f"--attributes={short}"])


def test_help_without_tensorflow() -> None:
    script = (
        "import sys; from stylegan_tf.programs import classifiers; classifiers.run(['--help']); "
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Trains networks that say whether a face has an attribute")
    assert "--attributes" in done.stdout and done.stdout.endswith("\n[]\n")


def test_only_that_names_nothing(dataset: Path, jobs: list[classifiers.Job]) -> None:
    with refused("--only=,", dataset / "list_attr_stripes.txt"):
        classifiers.run([f"--dataset={dataset}", "--only=,"])
    assert not jobs
