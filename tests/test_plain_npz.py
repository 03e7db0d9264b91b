"""NumPy's files from outside: what is read, and what is refused in one sentence before it takes memory."""

import io
import pickle
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from stylegan_tf import plain_npz
from stylegan_tf.errors import UserError

VALUES = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    **{"whole": np.arange(3), "flag": np.array(True), "swapped": np.arange(3, dtype=">i2")},
    **{"texts": np.array(["male", "héé"]), "none": np.zeros((0, 5)), "columns": np.asfortranarray(np.eye(3))},
}


def npy(array=VALUES["w"], allow_pickle=False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def with_header(text: str, version=(1, 0), values=bytes(24)) -> bytes:
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text.encode() + values


def header(shape="(2, 3)", descr="'<f4'", order="False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes(save, tmp_path):
    save(tmp_path / "it.npz", **VALUES)
    found = plain_npz.read(tmp_path / "it.npz")
    assert list(found) == list(VALUES)
    for name, array in VALUES.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)


def test_one_array_and_as_memory(tmp_path):
    path = tmp_path / "it.npy"
    for array in VALUES.values():
        path.write_bytes(npy(array))
        assert np.array_equal(plain_npz.read_one(path), array)
    path.write_bytes(npy())
    plain_npz.read_one(path, "r+")[0, 0] = 7
    assert plain_npz.read_one(path)[0, 0] == 7


def test_headers_of_python_2_and_of_version_2(tmp_path):
    path = tmp_path / "it.npy"
    for content in (with_header(header("(2L, 3L)")), with_header(header(), (2, 0))):
        path.write_bytes(content)
        assert plain_npz.read_one(path).shape == (2, 3)


WRONG = {
    "a pickle": pickle.dumps([1, 2]),
    "an object": npy(np.array([{}], object), allow_pickle=True),
    "a structure": npy(np.zeros(2, "f4,i4")),
    "dates": npy(np.zeros(2, "M8[s]")),
    "complex": npy(np.zeros(2, "c8")),
    "half a pair of surrogates": with_header(header("(1,)", "'<U1'"), values=struct.pack("<I", 0xD800)),
    "no letter": with_header(header("(1,)", "'>U1'"), values=struct.pack(">I", 2**31)),
    "nothing": b"",
    "its beginning": npy()[:20],
    "cut": npy()[:-1],
    "more bytes": npy() + b"0",
    "a page": b"<html>" * 30,
    "an archive": b"PK\x03\x04" + bytes(30),
    **{
        f"the shape {shape}": with_header(header(shape))
        for shape in ("(-2, -3)", f"({2**62},)", "(True, 6)", "6", "('2',)")
    },
    **{
        f"the type {kind}": with_header(header(descr=kind))
        for kind in ("'|V9'", "'|O'", "[('a', '<f4')]", "3", "'nonsense'")
    },
    "a loop": with_header("(" * 5000),
    "signs": with_header("-" * 9000 + "1"),
    "code": with_header("__import__('os').system('true')"),
    "the version 3.0": with_header(header(), (3, 0)),
}


@pytest.mark.parametrize("what", WRONG)
def test_arrays_that_are_refused(what, tmp_path):
    path = tmp_path / "it.npy"
    path.write_bytes(WRONG[what])
    check_sentence(lambda: plain_npz.read_one(path), path)
    if b"U1'" not in WRONG[what]:  # texts are looked at when they are read
        check_sentence(lambda: plain_npz.read_one(path, "r+"), path)
    assert path.read_bytes() == WRONG[what]
    check_sentence(lambda: plain_npz.read(archive(tmp_path, {"w.npy": WRONG[what]})), tmp_path / "it.npz")


def archive(folder: Path, entries: dict[str, bytes], method=zipfile.ZIP_STORED) -> Path:
    path = folder / "it.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def check_sentence(call, path: Path) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(str(path))} ") as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 and str(caught.value).isprintable()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method, tmp_path):
    path = archive(tmp_path, {"w.npy": npy()}, method)
    check_sentence(lambda: plain_npz.read(path), path)


def test_bombs_are_refused(tmp_path):
    zeros = npy(np.zeros(plain_npz.SMALL + 1, np.uint8))
    path = archive(tmp_path, {"w.npy": zeros}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**6
    check_sentence(lambda: plain_npz.read(path), path)
    parts = {f"{n}.npy": npy(np.zeros(plain_npz.SMALL // 8, np.uint8)) for n in range(9)}
    path = archive(tmp_path, parts, zipfile.ZIP_DEFLATED)
    check_sentence(lambda: plain_npz.read(path), path)


def patched(path: Path, mark: bytes, at: int, value: bytes) -> Path:
    """A file with bytes changed `at` so many behind its last `mark`."""
    content = bytearray(path.read_bytes())
    place = content.rindex(mark) + at
    content[place : place + len(value)] = value
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("at", "value"),
    [(8, b"\x01"), (10, b"\x63"), (24, b"\xff\xff\xff\x7f"), (42, b"\xff\xff\xff\x7f")],
    ids=["encrypted", "unknown method", "larger unpacked", "elsewhere"],
)
def test_archives_that_lie(at, value, tmp_path):
    path = patched(archive(tmp_path, {"w.npy": npy()}), b"PK\x01\x02", at, value)
    check_sentence(lambda: plain_npz.read(path), path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_one_name(tmp_path):
    path = tmp_path / "it.npz"
    with zipfile.ZipFile(path, "w") as file:
        for _ in range(2):
            file.writestr("w.npy", npy())
    check_sentence(lambda: plain_npz.read(path), path)


def test_what_is_no_file(tmp_path):
    for read in (plain_npz.read, plain_npz.read_one):
        for path in (tmp_path, tmp_path / "none.npz"):
            with pytest.raises(UserError, match=f"there is no file {re.escape(str(path))}"):
                read(path)


def test_finite_float32():
    assert plain_npz.finite_float32(np.arange(3.0)).dtype == np.float32
    signals = np.array([0x7FF0000000000001], np.uint64).view(np.float64)  # a NaN that NumPy warns of
    wrong = (np.arange(3), np.array([np.nan]), signals, np.array([1e300]), np.array(["x"]), np.array([-np.inf]))
    assert [plain_npz.finite_float32(one) for one in wrong] == [None] * 6
