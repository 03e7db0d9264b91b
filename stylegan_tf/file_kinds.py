"""What a file is that is not what was expected, from its first bytes and its name: a name for people, and a remedy.

Nothing is opened with the library of its format, and no other program is started: these are looks at bytes.
"""

import html
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylegan_tf.errors import UserError

HEAD = 2**14  # bytes that are looked at
MOST_PICKLE = 2**20  # of a pickle: module names stand near its start, embedded source text may come before them
MOST_NAMES = 1000  # of an archive
LONGEST = 200  # letters that are repeated of what a file says
READ_HERE = "this program reads networks of StyleGAN 1 and of Progressive GAN"

# Words that all stand in a pickle, and whose network it holds then; what says most comes first.
PICKLE_MARKS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"networks_stylegan3",), "a StyleGAN3 (PyTorch) network"),
    ((b"Alias-Free Generative Adversarial Networks",), "a StyleGAN3 (PyTorch) network"),
    ((b"torch_utils.persistence", b"is_critically_sampled"), "a StyleGAN3 (PyTorch) network"),
    ((b"torch_utils.persistence", b"modulated_conv2d"), "a StyleGAN2-ADA (PyTorch) network"),
    ((b"torch_utils.persistence",), "a StyleGAN2-ADA or StyleGAN3 (PyTorch) network"),
    ((b"dnnlib.tflib.network", b"version\x94K\x05"), "a StyleGAN2-ADA (TensorFlow) network"),
    ((b"dnnlib.tflib.network", b"versionq\x04K\x05"), "a StyleGAN2-ADA (TensorFlow) network"),
    ((b"G_synthesis_stylegan2", b"D_stylegan2"), "a StyleGAN2 (TensorFlow) network"),
    ((b"networks_stylegan2",), "a StyleGAN2 or StyleGAN2-ADA (TensorFlow) network"),
    ((b"G_synthesis_stylegan2",), "a StyleGAN2 or StyleGAN2-ADA (TensorFlow) network"),
    ((b"G_main",), "a StyleGAN2 or StyleGAN2-ADA (TensorFlow) network"),
    ((b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19",), "a PyTorch checkpoint"),  # its magic number
    ((b"torch._utils",), "a PyTorch checkpoint"),
    ((b"_rebuild_tensor",), "a PyTorch checkpoint"),
    ((b"sklearn.",), "a scikit-learn object"),
)
# (bytes at the start, what it is, what to do)
STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.github.com", "a Git LFS pointer", "fetch the file itself with `git lfs pull`"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it with gunzip"),
    (b"BZh", "compressed by bzip2", "unpack it with bunzip2"),
    (b"\xfd7zXZ\x00", "compressed by xz", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it with unzstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it with unlz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras keeps weights in", ""),
    (b"\x89PNG\r\n", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"GIF8", "a GIF picture", ""),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"GGUF", "a GGUF model", ""),
    (b"%PDF", "a PDF document", ""),
)
# The version of the format, and who made it.
ONNX = re.compile(rb"\x08[\x03-\x20]\x12.(?:tf2onnx|pytorch|keras|onnx|skl2onnx|CNTK)", re.DOTALL)
PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")
# What the pages of Google Drive say when they stand in for a file; what says most comes first.
SENTENCES = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        "too many users have viewed or downloaded this file",
        "(?:google drive )?can.{1,2}t scan this file for viruses",
        "quota exceeded|exceeded (?:the|its) (?:download )?quota",
        "(?:sorry, )?you can.{1,2}t (?:view or )?download this file",
        "you need access|you need permission",
        "the file you have requested does not exist",
    )
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
    return by_start(head)


def as_network(path: Path) -> str | None:
    """What a file is that is no network of ours, and what to do; None where it may be one, or nothing is known."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        if head.startswith(b"PK"):
            what = _archive(path)
        elif head[:1] == b"\x80":
            what = _pickle(head + file.read(MOST_PICKLE - len(head)))
        else:
            what = by_start(head) or _text(head)
    if not head:
        return "empty"
    return what and f"{what}; {READ_HERE}"


@contextmanager
def called_by_name(path: Path) -> Iterator[None]:
    """A UserError about a file that is something else altogether says what it is."""
    try:
        yield
    except UserError:
        what = as_network(path) if path.is_file() else None
        if what is None:
            raise
        raise UserError(f"{path} is {what}") from None


def by_start(head: bytes) -> str | None:
    """What a file that begins like this is, neither network nor picture; with ": " and what to do, if that is known."""
    if is_page(head):
        words = page_words(head)
        return f"a web page ({words}): download the file itself" if words else "a web page: download the file itself"
    for start, what, remedy in STARTS:
        if head.startswith(start):
            return f"{what}: {remedy}" if remedy else what
    if head[4:8] == b"TFL3":
        return "a LiteRT (TensorFlow Lite) model"
    if ONNX.match(head):
        return "an ONNX model"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it"
    return "a file of safetensors" if head[8:10] == b'{"' and head[5:8] == bytes(3) else None


def of_file(path: str | os.PathLike) -> str | None:
    """`by_start` of a file; None where it cannot be read."""
    if not os.path.isfile(path):  # a pipe would wait for somebody to write into it
        return None
    with suppress(OSError), open(path, "rb") as file:
        return by_start(file.read(HEAD))
    return None


def is_page(first: bytes) -> bool:
    """Whether the bytes are the beginning of a page of HTML (or an error in XML)."""
    return first.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGES)


def page_words(page: bytes) -> str:
    """The title of a page and, if it has one, the known sentence that says why: one line, 200 letters at most."""
    text = page.decode("utf-8", "replace")
    title = re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE)
    words = plain(re.sub(r"<[^<>]*>", " ", text))
    line = plain(title.group(1)) if title else ""
    said = next((found for sentence in SENTENCES if (found := sentence.search(words))), None)
    if said is not None and said.group().lower() not in line.lower():
        sentence = re.split(r"(?<=[.!?])\s", words[said.start() :], maxsplit=1)[0]
        line = f"{line}: {sentence}" if line else sentence
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def plain(text: str) -> str:
    """`text` as one line of words, without entities of HTML and without what a terminal would act upon."""
    text = html.unescape(
        re.sub(r"&#\w{10,};?", " ", text)
    )  # no letter has such a number, and Python refuses longer ones
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(head: bytes) -> str | None:
    """Of a text, how it begins; errors of servers are often a few words."""
    try:
        text = head.decode("utf-8", "strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        return None
    if not text.strip() or "dnnlib" in text or not all(c.isprintable() or c in "\r\n\t\f" for c in text):
        return None  # pickles of protocol 0 are text too
    words = plain(text)
    return f"a text ({words[:60]}{'...' if len(words) > 60 else ''})"


def _pickle(body: bytes) -> str | None:
    """Of a pickle of somebody else's; our own reader tells what is wrong with one of StyleGAN 1."""
    if re.search(rb"G_style\b|D_basic\b|G_paper\b|D_paper\b", body):
        return None
    return next((what for marks, what in PICKLE_MARKS if all(mark in body for mark in marks)), None)


def _archive(path: Path) -> str | None:
    """What a zip archive holds, by the names in it; None for a .keras file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:MOST_NAMES]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "config.json" in names:  # as in a .keras file
        return None
    if any(name.rpartition("/")[2] in ("data.pkl", "constants.pkl") for name in names):
        return "a PyTorch checkpoint"
    inner = next((name for name in names if name.lower().endswith((".pkl", ".keras"))), None)
    if inner:
        return f"a zip archive around {ascii(inner[:LONGEST])[1:-1]}: unpack it"
    if "model.weights.h5" in names:
        return "Keras weights without their network: save the whole model with .save(...)"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz), as --save_w and projectors write"
    return "a zip archive of something else"
