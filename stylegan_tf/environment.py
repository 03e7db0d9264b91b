"""Which backend Keras has, and what TensorFlow is started with, by the environment; what the user set stays. And
TensorFlow's greetings, left out."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from pathlib import Path

from stylegan_tf.errors import UserError

BACKEND = "KERAS_BACKEND"
BACKENDS = ("tensorflow", "jax", "torch")  # the first that is installed is taken; packages have these names too
LEVEL = "TF_CPP_MIN_LOG_LEVEL"
DEFAULTS = {
    # oneDNN's convolutions, which TensorFlow leaves off on CPUs without AVX-512: up to twice as fast there.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    LEVEL: "2",  # errors, not greetings
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # a GPU is shared with whatever else runs there
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the same with JAX
}
# Device files of NVIDIA cards: on Linux, in Windows' Linux, on Jetsons.
CARDS = ("nvidia*", "dxg", "nvhost*", "nvmap", "nvgpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # in a container: microseconds of all cores together, in so many


def prepare() -> None:
    """Sets what is not set. Importing stylegan_tf calls it; after TensorFlow has been imported it has no effect."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not os.environ.get(BACKEND):
        os.environ[BACKEND] = next(filter(installed, (*_of_keras_json(), *BACKENDS)), BACKENDS[0])
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Quiet) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Quiet())


def hide_errors() -> None:
    """Leaves out TensorFlow's own lines about errors too, unless the user asked for more than the default.

    For several workers: when one goes, the others write a page, beside what becomes an exception. Before TensorFlow.
    """
    if os.environ.get(LEVEL) == DEFAULTS[LEVEL]:
        os.environ[LEVEL] = "3"


def _of_keras_json() -> list[str]:
    """The backend that the user's file of Keras names, if it is one of ours. Keras writes the file itself, at its first
    start, so that what it names need not be installed."""
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        named = json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"]
        return [named] if named in BACKENDS else []
    return []


def installed(package: str) -> bool:
    """Whether a package can be imported, without doing so."""
    return importlib.util.find_spec(package) is not None


def backend() -> str:
    """The backend that Keras has, or will have once it is imported."""
    keras = sys.modules.get("keras")
    return keras.config.backend() if keras is not None else os.environ.get(BACKEND, BACKENDS[0])


def check_backend(program: str = "") -> None:
    """Raises UserError where the backend is none of BACKENDS or not installed.

    program: one that needs TensorFlow; then another backend is refused too.
    """
    name = backend()
    if program and name != "tensorflow":
        remedy = f"set {BACKEND}=tensorflow" if installed("tensorflow") else "pip install tensorflow"
        raise UserError(f"{program} needs TensorFlow, and the backend of Keras is {name}: {remedy}")
    if name not in BACKENDS:
        raise UserError(f"{BACKEND}={name}: choose from {', '.join(BACKENDS)}")
    if not installed(name):
        raise UserError(f"{name}, the backend of Keras ({BACKEND}), is not installed: pip install {name}")


class _Quiet(MetaPathFinder):
    """Imports TensorFlow `without_greetings`, the first time."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)  # it may be asked for the spec alone
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def quietly(module):
                sys.meta_path.remove(self)
                card = has_card()
                with without_greetings(also="" if card else r"E[0-9]{4} .*failed call to cuInit|"):
                    run(module)
                    if not card:  # CUDA calls that an error, the first time that it looks
                        module.config.list_physical_devices("GPU")

            spec.loader.exec_module = quietly  # type: ignore[method-assign]
        return spec


def cores() -> int:
    """How many cores this process may use: in a container or under a scheduler of jobs often a few of many, where a
    thread for each core there is would make all of them wait for each other."""
    may = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    found = len(may(0)) if may is not None else os.cpu_count() or 1
    with suppress(OSError, ValueError, ZeroDivisionError):  # no container, "max" or another kernel's form
        quota, period = map(int, QUOTA.read_text().split())
        found = min(found, -(-quota // period))
    return max(found, 1)


def has_card(devices: Path = Path("/dev")) -> bool:
    """Whether there may be an NVIDIA card, by the device files that drivers make."""
    return any(found for pattern in CARDS for found in devices.glob(pattern))


@contextmanager
def without_greetings(also: str = "") -> Iterator[None]:
    """Standard error without the lines that TF_CPP_MIN_LOG_LEVEL (1 information, 2 warnings too, 3 errors too) hides:
    while TensorFlow is imported it writes them whatever the level.

    also: further lines, as "pattern|". A process of its own filters, so that what comes just before a crash is seen.
    """
    level = os.environ.get(LEVEL, "0")
    hidden = "IWE"[: int(level)] if level in ("1", "2", "3") else ""
    if not hidden:
        yield
        return
    lines = rf"^({also}WARNING: All log messages before absl|[{hidden}][0-9]{{4}} [0-9:.]+ +[0-9]+ [a-z_]+\.cc:)"
    read, write = os.pipe()
    sys.stderr.flush()
    try:
        before = os.dup(2)
        grep = subprocess.Popen(["grep", "--line-buffered", "-avE", lines], stdin=read, stdout=2)
    except OSError:  # no standard error, or no grep
        os.close(read)
        os.close(write)
        yield
        return
    os.dup2(write, 2)
    os.close(read)
    os.close(write)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
        with suppress(subprocess.TimeoutExpired):  # a process that was started meanwhile may still write
            grep.wait(5)
