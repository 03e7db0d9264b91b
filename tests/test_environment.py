"""What TensorFlow is started with: ours where nobody says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from early import Early

from stylegan_tf import environment
from stylegan_tf.errors import UserError
from stylegan_tf.programs import classifiers, figures, metrics, project, train


def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    environment.prepare()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_importing_the_package_is_enough() -> None:
    told = {name: value for name, value in os.environ.items() if name not in environment.DEFAULTS}
    script = "import os, sys, stylegan_tf; print(os.environ['TF_ENABLE_ONEDNN_OPTS'], 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


@pytest.mark.parametrize(
    ("there", "allowed", "quota", "expected"),
    [
        (64, {3, 8, 9}, None, 3),  # a scheduler of jobs, docker run --cpuset-cpus
        (64, set(range(64)), "250000 100000", 3),  # docker run --cpus=2.5
        (64, {1, 2}, "800000 100000", 2),
        (64, {1, 2}, "max 100000", 2),
        (64, {1, 2}, "1000 100000", 1),
        (64, {1, 2}, "100000 0", 2),
        (64, {1, 2}, "nothing", 2),
        (8, None, None, 8),  # macOS, Windows
        (None, None, None, 1),
    ],
)
def test_the_cores_that_this_process_may_use(
    there: int | None,
    allowed: set[int] | None,
    quota: str | None,
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: there)
    if allowed is None:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed, raising=False)
    monkeypatch.setattr(environment, "QUOTA", tmp_path / "cpu.max")
    if quota is not None:
        environment.QUOTA.write_text(quota + "\n")
    assert environment.cores() == expected


def test_a_process_kept_to_one_core_starts_one_thread() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot keep a process to a core")
    script = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    script += "from stylegan_tf import environment; print(environment.cores())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "1\n"


GREETINGS = """WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795647198.408235   29132 port.cc:153] oneDNN custom operations are on.
W0000 00:00:1795647198.408235   29132 a_file.cc:153] a warning
E0000 00:00:1795647206.392558   29132 cuda_platform.cc:52] an error
I think that this line is no greeting
"""
SCRIPT = """import os, sys
from stylegan_tf import environment
with environment.without_greetings():
    os.write(2, sys.argv[1].encode())
    if len(sys.argv) > 2:
        os.abort()
os.write(2, b"after\\n")
"""


@pytest.mark.parametrize("level", "0123")
def test_greetings_are_left_out_and_errors_are_not(level: str) -> None:
    told = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": level}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, GREETINGS], env=told, capture_output=True, text=True, check=True
    )
    first, info, warning, error, other = GREETINGS.splitlines()
    shown = {"0": [first, info, warning, error], "1": [warning, error], "2": [error], "3": []}[level]
    assert done.stderr.splitlines() == [*shown, other, "after"]


def test_what_comes_just_before_a_crash_is_seen() -> None:
    told = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-c", SCRIPT, "the processor lacks AVX\n", "crash"]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.returncode < 0 and "the processor lacks AVX" in done.stderr


@pytest.mark.parametrize(
    ("device", "there"), [("nvidia0", True), ("nvidiactl", True), ("dxg", True), ("nvme0", False), ("null", False)]
)
def test_cards_by_their_device_files(device: str, there: bool, tmp_path: Path) -> None:
    (tmp_path / device).touch()
    assert environment.has_card(tmp_path) is there


# As a user starts it: tests set what the program sets where nobody did.
SILENT = """
import os, sys
from stylegan_tf import environment
for name in environment.DEFAULTS:
    os.environ.pop(name, None)
environment.prepare()
import tensorflow as tf
tf.constant(1)
"""
silent = Early(lambda folder: ["-c", SILENT])


@pytest.mark.skipif(environment.has_card(), reason="a card may have something to say")
@pytest.mark.early(silent)
def test_importing_tensorflow_says_nothing() -> None:
    said = (silent.wait() / "errors").read_text().splitlines()
    assert [line for line in said if "cc:" in line or "absl" in line] == []


@pytest.fixture
def without_keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Keras as if it had not been imported yet, and no backend asked for."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return monkeypatch


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (("tensorflow", "jax", "torch"), "tensorflow"),
        (("jax", "torch"), "jax"),
        (("torch",), "torch"),
        ((), "tensorflow"),
    ],
)
def test_the_first_backend_that_is_installed_is_taken(there: tuple[str, ...], taken: str, without_keras) -> None:
    without_keras.setattr(environment, "installed", lambda name: name in there)
    environment.prepare()
    assert environment.backend() == taken
    if there:
        environment.check_backend()
    else:
        with pytest.raises(UserError, match="pip install tensorflow"):
            environment.check_backend()


@pytest.mark.parametrize(
    ("text", "there", "taken"),
    [
        ('{"backend": "jax"}', ("tensorflow", "jax"), "jax"),
        ('{"backend": "tensorflow"}', ("jax", "torch"), "jax"),  # Keras wrote the file
        ('{"backend": "mxnet"}', ("torch",), "torch"),
        ('{"backend": ["jax"]}', ("tensorflow",), "tensorflow"),
        ("[]", ("tensorflow",), "tensorflow"),
        ("no JSON", ("torch",), "torch"),
    ],
)
def test_the_file_of_keras_counts(text: str, there: tuple, taken: str, without_keras, tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text(text)
    without_keras.setattr(environment, "installed", lambda name: name in there)
    environment.prepare()
    assert environment.backend() == taken


def test_the_backend_that_is_asked_for_is_taken_or_told(without_keras, tmp_path: Path) -> None:
    without_keras.setenv("KERAS_BACKEND", "torch")
    without_keras.setattr(environment, "installed", lambda name: name != "torch")
    environment.prepare()
    for arguments in (["--seeds=0"], ["mixing"]):
        with pytest.raises(UserError, match="torch.*pip install torch$"):
            figures.run([*arguments, f"--outdir={tmp_path / 'out'}"])
    without_keras.setenv("KERAS_BACKEND", "mxnet")
    with pytest.raises(UserError, match="KERAS_BACKEND=mxnet.*tensorflow, jax, torch"):
        environment.check_backend()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("run", "program"),
    [
        (train.run, "train.py"),
        (project.run, "project.py"),
        (metrics.run, "run_metrics.py"),
        (classifiers.run, "train_classifiers.py"),
    ],
)
def test_what_needs_tensorflow_says_so(run, program: str, there: bool, without_keras, tmp_path: Path) -> None:
    without_keras.setenv("KERAS_BACKEND", "jax")
    without_keras.setattr(environment, "installed", lambda name: there)
    without_keras.chdir(tmp_path)
    remedy = "KERAS_BACKEND=tensorflow" if there else "pip install tensorflow"
    with pytest.raises(UserError, match=f"{program}.*{remedy}"):
        run([])
    assert list(tmp_path.iterdir()) == []
