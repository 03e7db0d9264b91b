"""Arrays of an HDF5 file are taken only where their numbers lie in that file, plainly."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from refusals import refused

from stylegan_tf.weights.keras_header import plain_arrays


def read(write: Callable[[Any], None]) -> dict[str, np.ndarray]:
    """What plain_arrays finds in a file that `write` has written."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    with h5py.File(buffer, "r") as file:
        return {path: array[()] for path, array in plain_arrays(file, len(buffer.getvalue())).items()}


def test_arrays_by_path() -> None:
    def write(file: Any) -> None:
        file["a/b/vars/0"] = np.arange(6, dtype="f4").reshape(2, 3)
        file["vars/0"] = np.float32([7])
        file.create_group("empty/vars")

    found = read(write)
    assert set(found) == {"a/b/vars/0", "vars/0"}
    np.testing.assert_array_equal(found["a/b/vars/0"], [[0, 1, 2], [3, 4, 5]])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


def circle(file: Any) -> None:
    file["group/again"] = file


def many(file: Any) -> None:
    """A few groups that hold each other twice: 2^40 paths."""
    group = file
    for _ in range(40):
        below = group.create_group("a")
        group["b"] = below
        group = below


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (lambda file: file.create_dataset("x", (10**9,), "f4"), ("4000000000 bytes",)),
        (lambda file: file.create_dataset("x", (10,), "f4"), ("x", "numbers")),
        (lambda file: file.create_dataset("x", (10**6,), "f4", chunks=(100,), fillvalue=1), ("4000000 bytes",)),
        (lambda file: file.create_dataset("x", data=np.zeros(99, "f4"), compression="gzip"), ("x", "block")),
        (lambda file: file.create_dataset("x", (9,), "f4", external=[("other", 0, 36)]), ("x", "block")),
        (lambda file: file.create_dataset("x", data=h5py.Empty("f4")), ("x", "float32")),
        (lambda file: file.create_dataset("x", data=np.zeros(3, "f8")), ("x", "float64", "float32")),
        (lambda file: file.create_dataset("x", data="text"), ("x", "object", "float32")),
        (lambda file: file.update({"x": h5py.ExternalLink("other.h5", "y")}), ("x", "link")),
        (lambda file: file.update({"x": h5py.SoftLink("/y")}), ("x", "link")),
        (lambda file: file.update({"x": np.dtype("f4")}), ("x", "array")),
        (virtual, ("x", "block")),
        (circle, ("names",)),
        (many, ("names",)),
    ],
)
def test_refused(write: Callable[[Any], None], names: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(*names):
        read(write)


def test_one_block_under_many_names() -> None:
    def write(file: Any) -> None:
        file["x0"] = np.zeros(1000, "f4")
        for index in range(1, 20):
            file[f"x{index}"] = file["x0"]

    with refused("80000 bytes"):
        read(write)
