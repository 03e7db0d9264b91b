"""Files of PyTorch's, in both formats, made without it; and what is refused."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch_files
from refusals import check_refusal, refused
from torch_files import write_older, write_zip

from stylegan_tf.errors import UserError
from stylegan_tf.weights import torch_file

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1),
    "bias": np.float32([1.5, -2.5]),
    "count": np.int64(7),
    "none": np.zeros((0, 3), np.float32),
    "double": np.float64([1 / 3]),
    "half": np.float16([0.5, 2]),
}


def check_refused(path: Path, *names: object) -> None:
    with refused(path, *names):
        torch_file.read(path)


def same(found: dict, expected: dict) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == expected[name].dtype and np.array_equal(found[name], expected[name]) for name in expected
    )


def test_the_zip_format(tmp_path):
    assert same(torch_file.read(write_zip(tmp_path / "w.pth", ARRAYS)), ARRAYS)


@pytest.mark.parametrize("version", [1, 2])
def test_the_older_format(tmp_path, version):
    assert same(torch_file.read(write_older(tmp_path / "w.pth", ARRAYS, version)), ARRAYS)


def text(value: str) -> bytes:
    """SHORT_BINSTRING, as Python 2 writes text."""
    return b"U" + bytes([len(value)]) + value.encode()


def python2_file(count=3, key="1867776752") -> bytes:
    """A file of one tensor, lin0 of the shape [1, 3, 1, 1], instruction by instruction as Python 2 wrote it."""
    begin = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
    begin += b"\x80\x02}q\x01(" + text("protocol_version") + b"M\xe9\x03" + text("little_endian") + b"\x88u."
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cuda:0")
    storage += b"\x8a\x01" + bytes([count]) + b"NtQ"
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00(K\x01K\x03K\x01K\x01t(K\x03K\x01K\x01K\x01t\x89NtR"
    )
    table = b"\x80\x02ccollections\nOrderedDict\nq\x01](](" + text("lin0") + tensor + b"ee\x85R."
    keys = b"\x80\x02](" + text("1867776752") + b"e."
    return begin + table + keys + struct.pack("<q3f", 3, 0.25, 0.5, -1)


def test_a_file_of_python_2(tmp_path):
    path = tmp_path / "vgg.pth"
    path.write_bytes(python2_file())
    found = torch_file.read(path)
    assert found["lin0"].tolist() == [[[[0.25]], [[0.5]], [[-1.0]]]]


@pytest.mark.parametrize("write", [write_zip, write_older])
def test_views_of_storages(tmp_path, write):
    arrays = {"whole": np.arange(12, dtype=np.float32).reshape(3, 4)}
    transposed = write(tmp_path / "t.pth", arrays, views={"whole": (0, (4, 3), (1, 4))})
    assert np.array_equal(torch_file.read(transposed)["whole"], arrays["whole"].T)
    part = write(tmp_path / "p.pth", arrays, views={"whole": (5, (2, 2), (4, 1))})
    assert torch_file.read(part)["whole"].tolist() == [[5, 6], [9, 10]]


VIEWS = {
    "beyond its end": (6, (2, 3), (4, 1)),
    "one number many times": (0, (1000, 1000), (0, 0)),
    "backwards": (11, (3, 4), (-4, -1)),
    "without a length": (0, (3, 4), (4,)),
    "before its beginning": (-1, (3, 4), (4, 1)),
    "of truth values": (0, (True, 4), (4, 1)),
    "of many axes": (0, (1,) * 9, (1,) * 9),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_that_are_none(tmp_path, view):
    arrays = {"whole": np.arange(12, dtype=np.float32).reshape(3, 4)}
    check_refused(write_zip(tmp_path / "w.pth", arrays, views={"whole": view}), "tensor")


def test_foreign_names(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"cos\nsystem\n(U\x04trueptR.")
    check_refused(path, "os.system")
    with torch_files.torch_modules() as torch:
        table = pickle.dumps({"a": torch.FloatStorage}, protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table)
    check_refused(path, "torch.FloatStorage")


def test_declared_sizes(tmp_path):
    """A storage of 2^40 numbers is refused before it is allocated."""
    path = tmp_path / "w.pth"
    storage = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu\x8a\x06\x00\x00\x00\x00\x00\x01tQ"
    table = b"\x80\x02}U\x01actorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00K\x01\x85K\x01\x85tRs."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table)
        archive.writestr("archive/data/0", bytes(8))
    check_refused(path, "storage '0'", 2**40)


def test_storages_that_are_not_as_declared(tmp_path):
    path = write_zip(tmp_path / "w.pth", {"a": np.zeros(4, np.float32)})
    spoilt = tmp_path / "spoilt.pth"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(spoilt, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, bytes(12) if name == "archive/data/0" else archive.read(name))
    check_refused(spoilt, "storage 0", "12 bytes", 16)
    spoilt.write_bytes(python2_file(count=2))
    check_refused(spoilt, "tensor", "[1, 3, 1, 1]", "2 numbers")
    spoilt.write_bytes(python2_file(count=4))
    check_refused(spoilt, "storage", 3, 4)
    spoilt.write_bytes(python2_file(key="other"))
    check_refused(spoilt, "1 storages")


def test_one_storage_many_times(tmp_path):
    """Views take no memory, but their copies would: a file has no more numbers than bytes for them."""
    path = tmp_path / "w.pth"
    storage = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuM\x00\x04tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00M\x00\x04\x85K\x01\x85tR"
    table = b"\x80\x02}(" + b"".join(text(f"a{n}") + tensor for n in range(20)) + b"u."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table)
        archive.writestr("archive/data/0", bytes(4096))
    check_refused(path, "tensors", "bytes")


def test_cut_files(tmp_path):
    for write in (write_zip, write_older):
        whole = write(tmp_path / "whole.pth", ARRAYS).read_bytes()
        cut = tmp_path / "cut.pth"
        for size in (*range(0, len(whole), 97), len(whole) - 1):
            cut.write_bytes(whole[:size])
            check_refused(cut)


@pytest.mark.parametrize("write", [write_zip, write_older])
def test_changed_bytes(tmp_path, write):
    """Whatever the bytes, they are read or refused in a sentence."""
    path, random = tmp_path / "w.pth", np.random.default_rng(0)
    whole, refused = write(path, ARRAYS).read_bytes(), 0
    for _ in range(400):
        content = bytearray(whole)
        at, count = random.integers(len(whole)), random.integers(3)
        content[at : at + count] = random.bytes(random.integers(1, 4))
        path.write_bytes(content)
        try:
            torch_file.read(path)
        except UserError as error:
            check_refusal(str(error), path)
            refused += 1
    assert refused > 200


def test_damaged_bytes_of_an_archive(tmp_path):
    path = write_zip(tmp_path / "w.pth", {"a": np.arange(64, dtype=np.float32)})
    content = bytearray(path.read_bytes())
    content[content.index(np.arange(64, dtype=np.float32).tobytes()) + 9] ^= 1
    path.write_bytes(content)
    check_refused(path, "damaged", "CRC-32")


def test_other_archives(tmp_path):
    path = tmp_path / "w.pth"
    check_refused(write_zip(path, ARRAYS, compression=zipfile.ZIP_DEFLATED), "compressed")
    check_refused(write_zip(path, ARRAYS, order=b"big"), "byte order", "b'big'", "little")
    check_refused(write_older(path, ARRAYS, little=False), "byte order", "little")
    check_refused(write_older(path, ARRAYS, magic=5), "torch.save")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    check_refused(path, "data.pkl")
    path.write_bytes(pickle.dumps({"a": 1}))
    check_refused(path, "torch.save")


@pytest.mark.parametrize("content", [[1], {"a": {}}, {3: None}, "text"])
def test_contents_that_are_no_table_of_tensors(tmp_path, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
    path = tmp_path / "w.pth"
    path.write_bytes(file.getvalue())
    check_refused(path, "tensor" if isinstance(content, dict) else "table")


def test_no_file(tmp_path):
    with refused(tmp_path / "w.pth", "no file"):
        torch_file.read(tmp_path / "w.pth")
