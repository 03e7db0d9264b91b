"""Files that are not what was expected are called by their names; nothing but bytes is looked at."""

import gzip
import os
import pickle
import struct
import zipfile

import h5py
import pytest
from refusals import refused

from stylegan_tf.file_kinds import READ_HERE, as_network, as_picture, of_file, page_words
from stylegan_tf.weights import keras_header, official_pickle


def pickled(*words: str) -> bytes:
    """A pickle in which these words stand."""
    return pickle.dumps(list(words), 4)


NETWORKS = {
    "page.pkl": (
        b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title>",
        "web page (Google Drive - Q",
    ),
    "old-page.pkl": (b"\xef\xbb\xbf  <HTML><body>Moved", "a web page: download"),
    "lfs.pkl": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
    "net.pkl.gz": (gzip.compress(pickled("x")), "compressed by gzip: unpack it with gunzip"),
    "net.pkl.xz": (b"\xfd7zXZ\x00\x00\x04", "compressed by xz"),
    "net.pkl.zst": (b"\x28\xb5\x2f\xfd\x00", "compressed by zstd"),
    "net.7z": (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    "photo.pkl": (b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG picture"),
    "w.npy.pkl": (b"\x93NUMPY\x01\x00", "a NumPy array"),
    "stylegan2.pkl": (pickled("dnnlib.tflib.network", "G_main", "G_synthesis_stylegan2"), "StyleGAN2 or StyleGAN2-ADA"),
    "ada.pkl": (pickled("torch_utils.persistence", "_reconstruct_persistent_obj"), "StyleGAN2-ADA or StyleGAN3 (PyT"),
    "stylegan3.pkl": (pickled("torch_utils.persistence", "training.networks_stylegan3"), "a StyleGAN3 (PyTorch)"),
    "old.pth": (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2), "a PyTorch checkpoint"),
    "regression.pkl": (pickled("sklearn.svm"), "a scikit-learn object"),
    "quota.pkl": (
        b"<html><title>Drive</title><p>Quota exceeded. Later",
        "a web page (Drive: Quota exceeded.): download",
    ),
    "denied.pkl": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    "missing.pkl": (b"404: Not Found", "a text (404: Not Found)"),
    "escape.pkl": (b"<html><title>\x1b[2Jx</title>", "a web page ([2Jx)"),
    "net.pkl.lz4": (b"\x04\x22\x4d\x18", "compressed by lz4"),
    "net.tar": (b"net.pkl".ljust(257, b"\0") + b"ustar", "a tar archive: unpack it"),
    "Gs.onnx": (b"\x08\x08\x12\x07tf2onnx\x1a\x061.17.0", "an ONNX model"),
    "torch.onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:", "an ONNX model"),
    "Gs.tflite": (b"\x1c\x00\x00\x00TFL3\x14\x00", "a LiteRT (TensorFlow Lite) model"),
    "model.safetensors": (struct.pack("<Q", 900) + b'{"a":', "a file of safetensors"),
    "config-f.pkl": (
        pickled("dnnlib.tflib.network", "G_synthesis_stylegan2", "D_stylegan2"),
        "a StyleGAN2 (TensorFlow)",
    ),
    "ada-tf.pkl": (
        pickle.dumps({"": "dnnlib.tflib.network", "version": 5, "build_func_name": "G_main"}, 4),
        "a StyleGAN2-ADA (TensorFlow) network",
    ),
    "ada-source.pkl": (
        pickled("torch_utils.persistence", "import torch\ndef modulated_conv2d():"),
        "a StyleGAN2-ADA (PyTorch) network",
    ),
    "xl.pkl": (pickled("torch_utils.persistence", "def modulated_conv2d(): is_critically_sampled"), "a StyleGAN3 (Py"),
    "empty.pkl": (b"", "empty"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network(tmp_path, name):
    content, words = NETWORKS[name]
    path = tmp_path / name
    path.write_bytes(content)
    assert words in as_network(path)


@pytest.mark.parametrize("read", [official_pickle.read, keras_header.declared])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_readers_of_networks_call_it_by_its_name(tmp_path, name, read):
    content, words = NETWORKS[name]
    path = tmp_path / name
    path.write_bytes(content)
    with refused(path) as caught:
        read(path)
    assert words in str(caught.value) and str(caught.value).endswith(READ_HERE) == bool(content)


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return as_network(path)


def test_archives(tmp_path):
    assert archive(tmp_path / "a.keras", "metadata.json", "config.json", "model.weights.h5") is None
    assert archive(tmp_path / "a.pt", "archive/data.pkl", "archive/data/0") == f"a PyTorch checkpoint; {READ_HERE}"
    assert "around network-snapshot.pkl: unpack" in archive(tmp_path / "a.zip", "network-snapshot.pkl")
    assert "save the whole model" in archive(tmp_path / "b.zip", "model.weights.h5")
    assert archive(tmp_path / "c.zip", "cat.png") == f"a zip archive of something else; {READ_HERE}"
    assert "a NumPy archive (.npz)" in archive(tmp_path / "w.npz", "w.npy", "seeds.npy")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    assert as_network(tmp_path / "cut.zip") is None
    with refused(tmp_path / "c.zip", "zip archive"):
        keras_header.declared(tmp_path / "c.zip")


def test_hdf5_weights(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["kernel"] = [1.0]
    assert as_network(tmp_path / "weights.h5") == f"an HDF5 file, as Keras keeps weights in; {READ_HERE}"


def test_what_may_be_ours_has_no_other_name(tmp_path):
    for content in (pickled("dnnlib.tflib.network", "G_style", "D_basic"), pickled("G_paper"), b"\x80\x04K\x01."):
        path = tmp_path / "network.pkl"
        path.write_bytes(content)
        assert as_network(path) is None


def media(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(12)


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("IMG_1.HEIC", media(b"heic"), "pip install pillow-heif"),
        ("IMG_1.jpg", media(b"mif1"), "a HEIC photo"),
        ("a.cr3", media(b"crx "), "a camera's raw photo"),
        ("a.NEF", b"MM\x00\x2a" + bytes(8), "a camera's raw photo"),
        ("a.mov", media(b"qt  "), "a video"),
        ("a.png", media(b"isom"), "a video"),
        ("a.bin", b"\x1aE\xdf\xa3", "a video"),
        ("a.svg", b"\n<svg xmlns='x'></svg>", "an SVG drawing"),
        ("a.png", b"<?xml version='1.0'?>\n<svg></svg>", "an SVG drawing"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        ("a.psd", b"8BPS\x00\x01", "a Photoshop document"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        ("a.jpg", b"<html><title>Not found</title>", "a web page (Not found)"),
    ],
)
def test_no_picture(tmp_path, name, head, words):
    assert words in as_picture(tmp_path / name, head)


def test_what_is_not_known_has_no_name(tmp_path):
    assert as_picture(tmp_path / "a.png", b"\x00\x01\x02") is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: None])
def test_what_is_no_file_has_no_kind_and_is_not_waited_at(make, tmp_path):
    make(tmp_path / "a.pkl")
    assert of_file(tmp_path / "a.pkl") is None


@pytest.mark.parametrize("number", ["9" * 5000, "x" + "f" * 5000, "0" * 6000])
def test_numbers_of_letters_in_a_page_may_be_long(number):
    assert page_words(f"<title>Quota &amp; more&#{number};</title>".encode()) == "Quota & more"
