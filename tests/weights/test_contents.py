import zipfile

import pytest

from stylegan_tf.weights.contents import LONGEST, complaint, lacks_its_end, page_words

QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title><style>.a { b: c }</style></head>
<body><p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p>
<p>Too many users have <b>viewed or downloaded</b> this file recently. Please try accessing the file again later.</p>"""
VIRUSES = b"""<html><head><title>Google Drive - Virus scan warning</title></head><body>
Google Drive can\xe2\x80\x99t scan this file for viruses. <a href="/x">a.pkl</a> (311M) is too large</body></html>"""


@pytest.mark.parametrize(
    ("file", "first"),
    [
        ("a.pkl", b"\x80\x02}q"),
        ("a.PKL", b"\x80\x05."),
        ("a.keras", b"PK\x03\x04rest"),
        ("a.pth", b"PK\x03\x04rest"),
        ("a.pth", b"\x80\x02\x8a\n"),
        ("network", b"\x80\x04"),
    ],
)
def test_network_files_begin_rightly(file, first):
    assert complaint(file, first) is None


@pytest.mark.parametrize(
    ("file", "first", "words"),
    [
        ("a.pkl", b"PK\x03\x04", r"is not a pickle: it begins with b'PK\x03\x04'"),
        ("a.pkl", b"\x80\x06abc", r"is not a pickle: it begins with b'\x80\x06abc'"),
        ("a.keras", b"\x80\x02", "is not a .keras archive"),
        ("a.pth", b"\x1f\x8b\x08", "is not a pickle or a zip archive"),
        ("a.pkl", b"version https://git-lfs", "is not a pickle: it begins with b'version '"),
        ("a.pkl", b"", "is empty"),
        ("a.pkl", b"<html>", "is a web page instead of a network file: without a title"),
        ("a.pkl", b"\xef\xbb\xbf \r\n<!doctype HTML><title>Sign in</title>", "network file: Sign in"),
        ("a.pth", b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is a web page"),
    ],
)
def test_other_files_are_refused(file, first, words):
    assert words in complaint(file, first)


def test_the_words_that_matter():
    assert page_words(QUOTA) == (
        "Google Drive - Quota exceeded: Too many users have viewed or downloaded this file recently."
    )
    assert page_words(VIRUSES) == (
        "Google Drive - Virus scan warning: Google Drive can’t scan this file for viruses."  # noqa: RUF001
    )
    assert page_words(b"<title>404 Not Found</title><p>nothing more</p>") == "404 Not Found"


def test_words_are_one_short_line_that_no_terminal_acts_upon():
    assert page_words(b"<title>\x1b[2J Bad\n&#27; title\x00</title>") == "[2J Bad title"
    words = page_words(b"<title>" + b"a" * 300 + b"</title>")
    assert len(words) == LONGEST == 200
    assert words.endswith("aaa...")


def test_hostile_pages_take_no_time():
    for page in (b"<" * 2**15, b"<title" * 2**12, b"<!--" * 2**13, b"you need " * 2**12):
        assert len(page_words(page)) <= LONGEST


def test_files_that_were_cut(tmp_path):
    pickle = tmp_path / ".a.pkl.part"
    pickle.write_bytes(b"\x80\x04N.")
    assert not lacks_its_end(pickle)
    pickle.write_bytes(b"\x80\x04N")
    assert lacks_its_end(pickle)
    archive = tmp_path / ".a.keras.part"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("config.json", "{}")
    assert not lacks_its_end(archive)
    archive.write_bytes(archive.read_bytes()[:-30])
    assert lacks_its_end(archive)
    old_torch = tmp_path / ".a.pth.part"  # behind its pickles come bare numbers
    old_torch.write_bytes(b"\x80\x02\x8a\n0123")
    assert not lacks_its_end(old_torch)
