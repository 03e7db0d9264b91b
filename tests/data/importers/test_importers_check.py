import struct
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from picture_files import RGB, animation, encoded, huge_png, noise, put, turned
from PIL import EpsImagePlugin, Image
from refusals import check_refusal

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
    check_refusal(header(animation(form)).fault, "3 frames")


def test_a_second_frame_far_behind_is_seen(header):
    images = [Image.fromarray(noise(400, seed)[:, :, 0]) for seed in (0, 1)]
    content = encoded(images[0], form="GIF", save_all=True, append_images=images[1:])
    check_refusal(header(content).fault, "2 frames")


def test_previews_in_a_photo_are_no_frames(tmp_path):
    content = encoded(RGB, form="MPO", save_all=True, append_images=[Image.fromarray(RGB[:4, :4])])
    source = put(tmp_path / "a.jpg", content)
    with Image.open(source.path) as image:
        assert image.n_frames == 2
        assert frame_count(image) == 1
    assert read_header(source) == Header((8, 8), "RGB", "MPO")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", ("empty",)),
        (b"just text", ("picture", "damaged")),
        (encoded(RGB)[:30], ("picture", "damaged")),
        (b"text " * 20000, ("picture", "damaged")),
        (encoded(Image.new("F", (8, 8)), form="TIFF"), ("RGB", "8 or 16 bits", "F")),
        (huge_png(60000, 60000), ("268,435,456", "resize")),
        (huge_png(20000, 20000), ("268,435,456", "resize")),
        (huge_png(16384, 16384), ("16384x16384", "65 bytes", "resize")),
        (huge_png(8192, 8192) + bytes(2**20), ("8192x8192", "resize")),
        (huge_png(60000, 8), ("60000x8", "32,768", "268,435,456")),
    ],
)
def test_what_cannot_be_used(header, content, names):
    check_refusal(header(content).fault, *names)


def test_the_largest_pictures_pass_and_pillow_gets_its_limit_back(header):
    before = Image.MAX_IMAGE_PIXELS
    assert header(huge_png(32768, 8192) + bytes(2**24)).size == (32768, 8192)
    assert before == Image.MAX_IMAGE_PIXELS
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_files_that_cannot_be_opened(tmp_path):
    missing = Source("a.png", str(tmp_path / "a.png"), 0)
    check_refusal(read_headers([missing, missing])[1].fault, "No such file")


def test_an_error_without_words_has_a_name():
    check_refusal(reason(AssertionError()), "damaged", "AssertionError")
    check_refusal(reason(SyntaxError("broken PNG file")), "damaged", "broken PNG file")


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
    check_refusal(lines[0], "21 of 30", "pictures")
    assert lines[1] == "  '00\\x1b.png': broken"
    assert "1" in lines[-1].split()
    assert len(lines) == 22
    assert len(faults.lines(None)) == 21


def test_labels_without_a_file_are_counted_apart():
    faults = Faults()
    faults.stray["b.png"] = "no such picture"
    assert faults
    check_refusal(faults.head("in", 3), "1 labels", "in")
    faults.add("a.png", "broken")
    check_refusal(faults.head("in", 3), "1 of 3", "1 labels", "in")
    assert faults.lines() == ["a.png: broken", "b.png: no such picture"]


HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(3000)


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("IMG_0001.HEIC", HEIC, ("HEIC photo", "pip install pillow-heif", "JPEG")),
        ("IMG_0001.jpg", HEIC, ("HEIC photo", "pip install pillow-heif")),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", ("SVG", "PNG")),
        ("a.svg", b"<?xml version='1.0'?>\n<svg></svg>", ("SVG", "PNG")),
        ("a.eps", encoded(RGB, form="EPS"), ("EPS", "PNG")),
        ("a.png", encoded(RGB, form="EPS"), ("EPS", "PNG")),
        (
            "a.png",
            b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 32, 9, 0, 0, 0, 0) + b"%!PS-Adobe",
            ("EPS", "PNG"),
        ),
        ("DSC_1.NEF", encoded(RGB, form="TIFF"), ("raw photo",)),
        ("a.mp4", struct.pack(">I", 24) + b"ftypisom" + bytes(12), ("video",)),
        ("a.webm", b"\x1aE\xdf\xa3" + bytes(20), ("video",)),
        ("a.jpg", b"<!DOCTYPE html><title>Sign in</title>", ("web page (Sign in)",)),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\n", ("Git LFS pointer",)),
        ("a.png", b"%PDF-1.7", ("PDF",)),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), ("picture", "damaged")),
        ("a.wmf", b"\xd7\xcd\xc6\x9a" + bytes(50), ("picture",)),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(tmp_path, monkeypatch, name, content, names):
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **options: pytest.fail(f"{given} was started"))
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", "/usr/bin/gs")
    without_heif = [form for form in check._formats() if form != "HEIF"]  # pillow-heif may be installed
    monkeypatch.setattr(check, "_formats", lambda: without_heif)
    fault = read_header(put(tmp_path / name, content)).fault
    check_refusal(fault, *names)
    with pytest.raises(Image.UnidentifiedImageError):  # nor is it opened where pictures are decoded
        open_picture(content if not name.endswith("NEF") else b"")


def test_heic_photos_are_read_where_the_package_is(tmp_path, monkeypatch):
    def register():
        Image.register_open("HEIF", lambda file, name: Image.new("RGB", (8, 8)), lambda head: head[4:12] == b"ftypheic")

    before = list(Image.ID), dict(Image.OPEN)
    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register))
    check._formats.cache_clear()
    try:
        assert read_header(put(tmp_path / "a.heic", HEIC)).size == (8, 8)
        damaged = HEIC[:4] + b"ftypmif1" + bytes(99)
        check_refusal(read_header(put(tmp_path / "b.heic", damaged)).fault, "HEIC photo", "damaged", "JPEG or PNG")
    finally:
        Image.ID[:], Image.OPEN = before
        check._formats.cache_clear()
