import struct
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from picture_files import RGB, animation, encoded, huge_png, noise, put, turned
from PIL import EpsImagePlugin, Image

from stylegan_tf.data.importers import check
from stylegan_tf.data.importers.check import (
    Faults,
    Header,
    frame_count,
    open_picture,
    pillow_limits,
    read_header,
    read_headers,
    reason,
)
from stylegan_tf.data.importers.source import Source
from stylegan_tf.errors import UserError


@pytest.fixture
def header(tmp_path):
    def read(content) -> Header:
        with pillow_limits():
            return read_header(put(tmp_path / "a.png", content))

    return read


@pytest.mark.parametrize(
    ("content", "mode", "form"),
    [
        (encoded(RGB), "RGB", "PNG"),
        (encoded(RGB, "L"), "L", "PNG"),
        (encoded(RGB, "1"), "L", "PNG"),
        (encoded(RGB, "LA"), "LA", "PNG"),
        (encoded(RGB, "RGBA"), "RGBA", "PNG"),
        (encoded(RGB, "P"), "RGB", "PNG"),
        (encoded(RGB, "P", transparency=3), "RGBA", "PNG"),
        (encoded(RGB, transparency=(1, 2, 3)), "RGBA", "PNG"),
        (encoded(RGB[:, :, 0].astype(np.uint16)), "L", "PNG"),
        (encoded(RGB, "CMYK", "JPEG"), "RGB", "JPEG"),
        (encoded(RGB, form="JPEG"), "RGB", "JPEG"),
        (encoded(RGB, form="WEBP"), "RGB", "WEBP"),
        (encoded(RGB, "L", "GIF"), "RGB", "GIF"),
        (encoded(RGB, form="BMP"), "RGB", "BMP"),
        (encoded(RGB, form="TIFF"), "RGB", "TIFF"),
    ],
)
def test_what_a_header_says(header, content, mode, form):
    assert header(content) == Header((8, 8), mode, form)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_the_size_is_that_of_the_picture_when_upright(header, orientation, form):
    size = (8, 4) if orientation < 5 else (4, 8)
    assert header(turned(RGB[:4], orientation, form)).size == size


@pytest.mark.parametrize(("form", "name"), [("PNG", "PNG"), ("GIF", "GIF"), ("TIFF", "TIFF"), ("WEBP", "WEBP")])
def test_headers_larger_than_the_first_bytes(header, form, name):
    content = encoded(noise(256), form=form, **({"lossless": True} if form == "WEBP" else {}))
    assert len(content) > 2**16
    assert header(content) == Header((256, 256), "RGB", name)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_are_faults(header, form):
    assert header(animation(form)).fault == "it has 3 frames; save the one you want as a picture of its own"


def test_a_second_frame_far_behind_is_seen(header):
    images = [Image.fromarray(noise(400, seed)[:, :, 0]) for seed in (0, 1)]
    content = encoded(images[0], form="GIF", save_all=True, append_images=images[1:])
    assert header(content).fault.startswith("it has 2 frames")


def test_previews_in_a_photo_are_no_frames(tmp_path):
    content = encoded(RGB, form="MPO", save_all=True, append_images=[Image.fromarray(RGB[:4, :4])])
    source = put(tmp_path / "a.jpg", content)
    with Image.open(source.path) as image:
        assert image.n_frames == 2
        assert frame_count(image) == 1
    assert read_header(source) == Header((8, 8), "RGB", "MPO")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty (zero bytes); remove it or make it anew"),
        (b"just text", "it is not a picture, or its first bytes are damaged; remove it or make it anew"),
        (encoded(RGB)[:30], "it is not a picture, or its first bytes are damaged; remove it or make it anew"),
        (b"text " * 20000, "it is not a picture, or its first bytes are damaged; remove it or make it anew"),
        (encoded(Image.new("F", (8, 8)), form="TIFF"), "RGB or grayscale of 8 or 16 bits, not F"),
        (huge_png(60000, 60000), "it claims more pixels than the limit of 268,435,456; resize it"),
        (huge_png(20000, 20000), "it claims more pixels than the limit of 268,435,456; resize it"),
        (huge_png(16384, 16384), "it claims 16384x16384 pixels in 65 bytes, too many to be true; resize it"),
        (huge_png(8192, 8192) + bytes(2**20), "it claims 8192x8192 pixels in"),
        (huge_png(60000, 8), "it is 60000x8, beyond the limits of 32,768 a side and 268,435,456 pixels"),
    ],
)
def test_what_cannot_be_used(header, content, what):
    assert what in header(content).fault


def test_the_largest_pictures_pass_and_pillow_gets_its_limit_back(header):
    before = Image.MAX_IMAGE_PIXELS
    assert header(huge_png(32768, 8192) + bytes(2**24)).size == (32768, 8192)
    assert before == Image.MAX_IMAGE_PIXELS
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_files_that_cannot_be_opened(tmp_path):
    missing = Source("a.png", str(tmp_path / "a.png"), 0)
    assert read_headers([missing, missing])[1].fault == "it cannot be read (No such file or directory)"


def test_an_error_without_words_has_a_name():
    assert reason(AssertionError()) == "it is damaged or cut short (AssertionError); make it anew"
    assert reason(SyntaxError("broken PNG file")) == "it is damaged or cut short (broken PNG file); make it anew"


def test_faults_are_listed_up_to_twenty():
    faults = Faults()
    faults.refuse("pictures", 30)
    assert not faults
    for number in range(21):
        faults.add(f"{number:02d}\x1b.png", "broken")
        faults.add(f"{number:02d}\x1b.png", "a second fault of the same file")
    with pytest.raises(UserError) as raised:
        faults.refuse("pictures", 30)
    lines = str(raised.value).splitlines()
    assert lines[0] == "21 of 30 files in pictures cannot be used; nothing was written:"
    assert lines[1] == "  '00\\x1b.png': broken"
    assert lines[-1] == "  and 1 more"
    assert len(lines) == 22
    assert len(faults.lines(None)) == 21


def test_labels_without_a_file_are_counted_apart():
    faults = Faults()
    faults.stray["b.png"] = "no such picture"
    assert faults and faults.head("in", 3) == "1 labels are for files that are not in in"
    faults.add("a.png", "broken")
    assert faults.head("in", 3) == "1 of 3 files in in cannot be used, and 1 labels are for files that are not in in"
    assert faults.lines() == ["a.png: broken", "b.png: no such picture"]


HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(3000)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("IMG_0001.HEIC", HEIC, "it is a HEIC photo: `pip install pillow-heif` reads it here, or convert it to JPEG"),
        ("IMG_0001.jpg", HEIC, "it is a HEIC photo: "),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "it is an SVG drawing: convert it to PNG"),
        ("a.svg", b"<?xml version='1.0'?>\n<svg></svg>", "it is an SVG drawing: convert it to PNG"),
        ("a.eps", encoded(RGB, form="EPS"), "it is an EPS or PostScript drawing: convert it to PNG"),
        ("a.png", encoded(RGB, form="EPS"), "it is an EPS or PostScript drawing: convert it to PNG"),
        (
            "a.png",
            b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 32, 9, 0, 0, 0, 0) + b"%!PS-Adobe",
            "it is an EPS or PostScript",
        ),
        ("DSC_1.NEF", encoded(RGB, form="TIFF"), "it is a camera's raw photo: develop it"),
        ("a.mp4", struct.pack(">I", 24) + b"ftypisom" + bytes(12), "it is a video: take pictures out of it"),
        ("a.webm", b"\x1aE\xdf\xa3" + bytes(20), "it is a video: "),
        ("a.jpg", b"<!DOCTYPE html><title>Sign in</title>", "it is a web page (Sign in): download the file itself"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer: fetch the file itself"),
        ("a.png", b"%PDF-1.7", "it is not a picture but a PDF document; remove it"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "it is not a picture, or its first bytes are damaged"),
        ("a.wmf", b"\xd7\xcd\xc6\x9a" + bytes(50), "it is not a picture"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(tmp_path, monkeypatch, name, content, what):
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **options: pytest.fail(f"{given} was started"))
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", "/usr/bin/gs")
    fault = read_header(put(tmp_path / name, content)).fault
    assert fault.startswith(what)
    with pytest.raises(Image.UnidentifiedImageError):  # nor is it opened where pictures are decoded
        open_picture(content if not name.endswith("NEF") else b"")


def test_heic_photos_are_read_where_the_package_is(tmp_path, monkeypatch):
    def register():
        Image.register_open("HEIF", lambda file, name: Image.new("RGB", (8, 8)), lambda head: head[4:12] == b"ftypheic")

    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register))
    check._formats.cache_clear()
    try:
        assert read_header(put(tmp_path / "a.heic", HEIC)).size == (8, 8)
        damaged = HEIC[:4] + b"ftypmif1" + bytes(99)
        assert "its first bytes are damaged" in read_header(put(tmp_path / "b.heic", damaged)).fault
    finally:
        Image.ID.remove("HEIF")
        Image.OPEN.pop("HEIF")
        check._formats.cache_clear()
