"""Files of w: back as they were, and refused where they are something else."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.programs.w_file import read_noise, read_w, save_w


def test_back_as_they_were(tmp_path: Path) -> None:
    w = np.float32([[1, 2, 3], [4, 5, -6.5]])
    save_w(tmp_path / "w.npz", w, [7, 2**32 - 1])
    again, seeds = read_w(tmp_path / "w.npz", 3, 6)
    np.testing.assert_array_equal(again, w)
    assert (again.dtype, seeds) == (np.float32, [7, 2**32 - 1])
    np.savez(tmp_path / "edited.npz", w=w.astype(np.float64))
    again, seeds = read_w(tmp_path / "edited.npz", 3, 6)
    assert (again.dtype, again.tolist(), seeds) == (np.float32, w.tolist(), [0, 1])
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["edited.npz", "w.npz"]


@pytest.mark.parametrize(
    ("arrays", "names"),
    [
        ({"w": np.zeros((2, 4))}, ("[N, 3]", "float64 [2, 4]")),
        ({"w": np.zeros((2, 18, 3))}, ("[N, 3]", "float64 [2, 18, 3]")),
        ({"w": np.zeros((0, 3))}, ("[N, 3]", "float64 [0, 3]")),
        ({"w": np.zeros((2, 3), int)}, ("[N, 3]", "int64 [2, 3]")),
        ({"w": np.full((2, 3), np.nan)}, ("finite",)),
        ({"w": np.zeros((2, 3)), "seeds": np.zeros(3, int)}, ("seeds", "2")),
        ({"w": np.zeros((2, 3)), "seeds": np.zeros(2)}, ("seeds", "2")),
        ({"w": np.zeros((2, 3)), "seeds": np.int64([0, -1])}, ("seeds", "2")),
        ({"z": np.zeros((2, 3))}, ("--save_w", "'w'")),
        ({"w": np.array([{}])}, ("--save_w", "type is object")),
    ],
)
def test_refused(arrays: dict[str, np.ndarray], names: tuple, tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **arrays)
    with refused(f"--w={tmp_path}/w.npz", *names):
        read_w(tmp_path / "w.npz", 3, 6)


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with refused(f"--w={path}"):
        read_w(path, 3, 6)
    path.write_bytes(b"PK")
    with refused(f"--w={path}", "--save_w", "zip"):
        read_w(path, 3, 6)
    for start, what in (
        (b"<html><title>Sign in</title>", "web page"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
    ):
        path.write_bytes(start)
        with refused(f"--w={path}", what):
            read_w(path, 3, 6)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 3)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", header.getvalue())
    with refused(f"--w={path}", "shape is (1099511627776, 3)"):
        read_w(path, 3, 6)


@pytest.mark.parametrize(
    ("shape", "read"),
    [((1, 6, 3), (1, 6, 3)), ((2, 6, 3), (2, 6, 3)), ((6, 3), (1, 6, 3)), ((3,), (1, 3)), ((5, 3), (5, 3))],
)
def test_files_of_a_projector(shape: tuple, read: tuple, tmp_path: Path) -> None:
    w = np.random.default_rng(0).standard_normal(shape)
    np.save(tmp_path / "latent.npy", w)
    found, seeds = read_w(tmp_path / "latent.npy", 3, 6)
    assert (found.shape, found.dtype, seeds) == (read, np.float32, list(range(read[0])))
    np.testing.assert_array_equal(found.ravel(), w.astype(np.float32).ravel())
    np.savez(tmp_path / "projected_w.npz", w=w)
    np.testing.assert_array_equal(read_w(tmp_path / "projected_w.npz", 3, 6)[0], found)


def test_noise_maps_beside_w(tmp_path: Path) -> None:
    path, shapes = tmp_path / "w.npz", [(4, 4, 1), (4, 4, 1)]
    first, second = np.ones((1, 4, 4, 1), np.float32), np.ones((2, 4, 4, 1), np.float32)
    np.savez(path, w=np.zeros((2, 6, 3)), noise0=first, noise1=second)
    assert [maps.shape for maps in read_noise(path, 2, shapes)] == [(2, 4, 4, 1)] * 2  # one for all pictures, or each
    np.savez(path, w=np.zeros((2, 6, 3)))
    assert read_noise(path, 2, shapes) == []
    for wrong in (
        {"noise0": first},
        {"noise0": first, "noise1": second[:, :2]},
        {"noise0": first, "noise1": first * np.inf},
    ):
        np.savez(path, w=np.zeros((2, 6, 3)), **wrong)
        with refused(f"--w={path}", "noise maps", "[2, H, W, 1]"):
            read_noise(path, 2, shapes)


@pytest.mark.parametrize("shape", [(18, 4), (1, 5, 3), (0, 6, 3), (2, 1, 6, 3), ()])
def test_files_of_a_projector_for_another_network(shape: tuple, tmp_path: Path) -> None:
    np.save(tmp_path / "latent.npy", np.zeros(shape))
    with refused(f"--w={tmp_path}/latent.npy", "[N, 3]", list(shape), "[N, 6, 3]"):
        read_w(tmp_path / "latent.npy", 3, 6)


def test_archives_that_are_not_plain(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, w=np.zeros((2, 3)))
    whole = bytearray(path.read_bytes())
    for start in (whole.find(b"PK\3\4") + 6, whole.find(b"PK\1\2") + 8):
        whole[start] |= 1  # the flag of encrypted entries
    path.write_bytes(whole)
    with refused(f"--w={path}", "encrypted"):
        read_w(path, 3, 6)
    (tmp_path / "cut.npy").write_bytes(
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9, 3)}"
    )
    with refused(f"--w={tmp_path}/cut.npy", "--save_w"):
        read_w(tmp_path / "cut.npy", 3, 6)
