"""What a file is that is not what was expected, from its first bytes and its name: a name for people, and a remedy.

Nothing is opened with the library of its format, and no other program is started: these are looks at bytes.
"""

import re
import zipfile
from pathlib import Path

HEAD = 2**14  # bytes that are looked at
MOST_PICKLE = 2**20  # of a pickle: module names stand near its start, embedded source text may come before them
READ_HERE = "this program reads networks of StyleGAN 1 and of Progressive GAN"

# Marks in a pickle that say whose networks it holds; what says most comes first.
PICKLE_MARKS: tuple[tuple[bytes, str], ...] = (
    (rb"networks_stylegan3", "a StyleGAN3 (PyTorch) network"),
    (rb"SynthesisLayer.{0,4000}?margin_size|is_torgb.{0,4000}?is_critically_sampled", "a StyleGAN3 (PyTorch) network"),
    (rb"torch_utils\.persistence|torch_utils.{0,8}persistence", "a StyleGAN2-ADA or StyleGAN3 (PyTorch) network"),
    (rb"networks_stylegan2|G_synthesis_stylegan2|G_main", "a StyleGAN2 or StyleGAN2-ADA (TensorFlow) network"),
    (rb"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19|torch\._utils|_rebuild_tensor", "a PyTorch checkpoint"),  # its magic number
    (rb"sklearn\.", "a scikit-learn object"),
)
# (bytes at the start, what it is, what to do)
STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.github.com", "a Git LFS pointer", "fetch the file itself with `git lfs pull`"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it with gunzip"),
    (b"BZh", "compressed by bzip2", "unpack it with bunzip2"),
    (b"\xfd7zXZ\x00", "compressed by xz", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", ""),
    (b"\x89PNG\r\n", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"GGUF", "a GGUF model", ""),
    (b"%PDF", "a PDF document", ""),
)
# ISO media files say their kind behind "ftyp".
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC photo"),
    **dict.fromkeys((b"crx ",), "a camera's raw photo"),
    **dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5"), "a video"),
}
RAW = {".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw"}
VIDEO = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"}


def as_picture(path: Path, head: bytes) -> str | None:
    """What a file is that cannot be read as a picture, with how to convert it; None where nothing is known of it.

    head: its first bytes, HEAD of them or all.
    """
    suffix = path.suffix.lower()
    brand = BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else None
    if brand == "a HEIC photo":
        return "a HEIC photo: `pip install pillow-heif` reads it here, or convert it to JPEG or PNG"
    if brand == "a camera's raw photo" or suffix in RAW:
        return "a camera's raw photo: develop it to JPEG, PNG or TIFF"
    if brand == "a video" or suffix in VIDEO or head.startswith(b"\x1aE\xdf\xa3") or head[8:12] == b"AVI ":
        return "a video: take pictures out of it, for example with `ffmpeg -i FILE -r 1 %06d.png`"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "an SVG drawing: convert it to PNG at the size that you want"
    if head.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        return "an EPS or PostScript drawing: convert it to PNG at the size that you want"
    if head.startswith(b"8BPS"):
        return "a Photoshop document: save it as PNG"
    return _other(head)


def as_network(path: Path) -> str | None:
    """What a file is that is no network of ours, and what to do; None where it may be one, or nothing is known."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        if found := _other(head):
            return found
        if head.startswith(b"PK"):
            return _archive(path)
        if head[:1] == b"\x80":
            body = head + file.read(MOST_PICKLE - len(head))
            return _pickle(body)
    if not head:
        return "empty"
    return None


def _other(head: bytes) -> str | None:
    if page := _page(head):
        return page
    for start, what, remedy in STARTS:
        if head.startswith(start):
            return f"{what}: {remedy}" if remedy else what
    return None


def _page(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not text.startswith((b"<!doctype html", b"<html", b"<head")):
        return None
    title = re.search(rb"<title[^<>]*>([^<]{0,200})", head, re.IGNORECASE)
    words = " ".join(title[1].decode("utf-8", "replace").split()) if title else ""
    return f"a web page ({words}): download the file itself" if words else "a web page: download the file itself"


def _pickle(body: bytes) -> str | None:
    """Of a pickle of somebody else's; our own reader tells what is wrong with one of StyleGAN 1."""
    if re.search(rb"G_style|D_basic|G_paper|D_paper", body):
        return None
    for mark, what in PICKLE_MARKS:
        if re.search(mark, body, re.DOTALL):
            return f"{what}; {READ_HERE}"
    return None


def _archive(path: Path) -> str | None:
    """What a zip archive holds, by the names in it; None for a .keras file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:1000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "config.json" in names and "model.weights.h5" in names:
        return None
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return f"a PyTorch checkpoint; {READ_HERE}"
    inner = next((name for name in names if name.lower().endswith((".pkl", ".keras"))), None)
    if inner:
        return f"a zip archive around {ascii(inner)[1:-1]}: unpack it"
    if "model.weights.h5" in names:
        return "Keras weights without their network: save the whole model with .save(...)"
    return "a zip archive of something else"
