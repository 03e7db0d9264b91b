"""The cache folder: what is there and what comes; addresses, and the looks at what came. See test_download_failures."""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from file_server import BODY, DIGEST, PAGE, entry, running, visible
from refusals import failed, refused

from stylegan_tf.file_kinds import LONGEST, page_words
from stylegan_tf.weights import download
from stylegan_tf.weights.download import (
    cache_folder,
    check_address,
    complaint,
    drive_id,
    entry_of,
    fetch,
    file_name,
    is_address,
    lacks_its_end,
    marked,
    of_file,
    without_scheme,
)
from stylegan_tf.weights.registry import CC_BY_NC, ENTRIES, Entry, drive_addresses, find

ROOT = Path(__file__).parents[2]
ID = "1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "BACK_OFF", (0.0, 0.0, 0.0))


@pytest.fixture
def server():
    with running() as server:
        yield server


def test_a_download_and_its_sidecar(server, tmp_path):
    address, said = server.put("/x", BODY), io.StringIO()
    path = fetch(entry(address, size=256_003, sha256=DIGEST[:8], licence="CC0"), tmp_path / "new" / "cache", said)
    assert path == tmp_path / "new" / "cache" / "net.pkl"
    assert path.read_bytes() == BODY
    assert visible(path.parent) == ["net.pkl", "net.pkl.json"]
    origin = json.loads((path.parent / "net.pkl.json").read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", origin.pop("when"))
    assert origin == {"name": "net", "address": address, "size": 256_003, "sha256": DIGEST, "licence": "CC0"}
    assert "net.pkl: 257 kB in " in said.getvalue()
    assert DIGEST not in said.getvalue()


def test_a_digest_that_is_not_known_is_shown(server, tmp_path):
    said = io.StringIO()
    fetch(entry(server.put("/x", BODY)), tmp_path, said)
    assert f"net.pkl: 256,003 bytes, sha256 {DIGEST}\n" in said.getvalue()


def test_what_is_there_needs_no_network(server, tmp_path):
    one = entry(server.put("/x", BODY))
    fetch(one, tmp_path, io.StringIO())
    said = io.StringIO()
    assert fetch(one, tmp_path, said) == tmp_path / "net.pkl"
    assert len(server.requests) == 1
    assert said.getvalue() == ""


def test_a_file_put_there_by_hand(tmp_path):
    (tmp_path / "karras2019stylegan-ffhq-1024x1024.pkl").write_bytes(BODY)
    assert fetch("ffhq", tmp_path) == tmp_path / "karras2019stylegan-ffhq-1024x1024.pkl"
    assert len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize(
    ("body", "facts", "names"),
    [
        (PAGE, {}, ("web page", "Quota exceeded")),
        (BODY, {"size": 1000}, ("256,003 bytes", "1,000")),
        (b"", {}, ("empty",)),
    ],
)
def test_a_wrong_file_put_there_by_hand(tmp_path, body, facts, names):
    (tmp_path / "net.pkl").write_bytes(body)
    with failed(tmp_path / "net.pkl", *names, "remove"):
        fetch(entry("http://127.0.0.1:9/x", **facts), tmp_path)
    assert (tmp_path / "net.pkl").read_bytes() == body


def test_a_file_that_changed_since_its_download(server, tmp_path):
    one = entry(server.put("/x", BODY))
    path = fetch(one, tmp_path, io.StringIO())
    path.write_bytes(BODY[:-10])
    with failed(tmp_path / "net.pkl", "255,993 bytes", "256,003", "remove"):
        fetch(one, tmp_path)


def test_the_second_address_is_tried(server, tmp_path):
    first, second = server.put("/quota", PAGE), server.put("/mirror", BODY)
    path = fetch(entry(first, second), tmp_path, io.StringIO())
    assert path.read_bytes() == BODY
    assert json.loads((tmp_path / "net.pkl.json").read_text())["address"] == second


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_repeated(server, tmp_path, status):
    with failed("net.pkl", status):
        fetch(entry(server.put("/x", b"no", status=status)), tmp_path, io.StringIO())
    assert len(server.requests) == 1


def test_licences_are_shown_once_for_each_folder(server, tmp_path):
    addresses = [server.put(f"/{n}", BODY) for n in range(4)]
    texts = []
    for index, (licence, folder) in enumerate([("A", "x"), ("A", "x"), ("B", "x"), ("A", "y")]):
        said = io.StringIO()
        fetch(Entry(str(index), f"{index}.pkl", (addresses[index],), licence=licence), tmp_path / folder, said)
        texts.append([line for line in said.getvalue().splitlines() if "licence" in line])
    assert texts == [
        ["0.pkl and its like are published under this licence: A"],
        [],
        ["2.pkl and its like are published under this licence: B"],
        ["3.pkl and its like are published under this licence: A"],
    ]
    assert json.loads((tmp_path / "x" / "1.pkl.json").read_text())["licence"] == "A"
    assert find("ffhq").licence == CC_BY_NC


def test_an_address(server, tmp_path):
    address = server.put("/nets/a.pkl?version=1", BODY)
    path = fetch(address, tmp_path, io.StringIO())
    assert path == tmp_path / "a.pkl"
    assert fetch(address, tmp_path) == path
    assert len(server.requests) == 1


def test_two_addresses_of_one_file_name(server, tmp_path):
    other = BODY[:500] + b"."
    first, second = server.put("/a.pkl?version=1", BODY), server.put("/a.pkl?version=2", other)
    paths = [fetch(address, tmp_path, io.StringIO()) for address in (first, second)]
    assert paths[0] == tmp_path / "a.pkl"
    assert re.fullmatch(r"a-[0-9a-f]{8}\.pkl", paths[1].name)
    assert [path.read_bytes() for path in paths] == [BODY, other]
    assert [fetch(address, tmp_path) for address in (first, second)] == paths
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("file:///etc/passwd", "file:///etc/passwd http https file"),
        ("ftp://a.org/net.pkl", "ftp://a.org/net.pkl http https ftp"),
        ("0815", "0815 ffhq celebahq bedrooms cars cats ffhq-config-a"),
        ("fffhq", "fffhq ffhq"),
    ],
)
def test_mistakes_leave_no_folder(tmp_path, what, names):
    with refused(*names.split()):
        fetch(what, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("STYLEGAN_TF_CACHE", raising=False)
    assert cache_folder() == ROOT / "pretrained"
    monkeypatch.setattr(download, "__file__", str(tmp_path / "site-packages" / "stylegan_tf" / "official" / "d.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "stylegan_tf"
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    (tmp_path / "vgg.pth").write_bytes(b"\x80\x02" + bytes(7287))
    assert fetch("lpips-pth") == tmp_path / "vgg.pth"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for typed in ("~/nets", "$HOME/nets", "${HOME}/nets"):
        monkeypatch.setenv("STYLEGAN_TF_CACHE", typed)
        assert cache_folder() == tmp_path / "me" / "nets"
    monkeypatch.setenv("STYLEGAN_TF_CACHE", "$NO_SUCH_VARIABLE/nets")
    with refused("STYLEGAN_TF_CACHE", "NO_SUCH_VARIABLE"):
        cache_folder()


@pytest.mark.parametrize("text", ["https://a.org/b", "HTTP://a.org", "ftp://a.org/b", "file:///etc/passwd", "file:/a"])
def test_what_is_meant_as_an_address(text):
    assert is_address(text)


@pytest.mark.parametrize("text", ["ffhq", "results/00000-ffhq", "/tmp/a.pkl", "a:b.pkl", "https", "C:\\a"])
def test_what_is_not(text):
    assert not is_address(text)


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("ftp://a.org/b.pkl", "ftp://a.org/b.pkl http https ftp"),
        ("file:///etc/passwd", "file:///etc/passwd http https file"),
        ("https:///b.pkl", "https:///b.pkl host"),
        ("http://a.org:99999/b", "http://a.org:99999/b Port"),
        ("https://[a/b", "https://[a/b IPv6"),
        ("https://a.org/a b", "https://a.org/a percent-encoded"),
        ("https://a.org/b\n", "https://a.org/b percent-encoded"),
        ("https://a.org/größe", "https://a.org/größe percent-encoded"),
    ],
)
def test_addresses_that_are_not_followed(address, names):
    with refused(*names.split()):
        check_address(address)


def test_a_password_is_not_repeated():
    with refused("a.org", "user") as error:
        check_address("https://me:secret@a.org/b.pkl")
    assert "secret" not in str(error.value)


def test_addresses_that_are_followed():
    for address in ("http://127.0.0.1:8000/a.pkl", "https://a.org/%20b?c=d#e", *drive_addresses(ID)):
        check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        f"https://drive.google.com/uc?id={ID}",
        f"https://drive.google.com/uc?export=download&id={ID}",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/file/d/{ID}/view?usp=sharing",
        f"https://drive.google.com/file/u/0/d/{ID}/view",
        *drive_addresses(ID),
    ],
)
def test_every_spelling_of_google_drive(address):
    assert drive_id(address) == ID
    assert file_name(address) == f"{ID}.pkl"


@pytest.mark.parametrize(
    "address", [f"https://a.org/uc?id={ID}", "https://drive.google.com/", "https://drive.google.com/uc?id=../../../etc"]
)
def test_no_file_of_google_drive(address):
    assert drive_id(address) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.org/x/net.pkl?token=1#part", "net.pkl"),
        ("https://a.org/x/net-1_a.keras/", "net-1_a.keras"),
        ("https://a.org/x/a%2Fb%20c.pkl", "a-2Fb-20c.pkl"),
        ("https://a.org/.hidden.pkl", "hidden.pkl"),
        ("https://a.org/..", "network"),
        ("https://a.org", "network"),
        (f"https://a.org/{'a' * 300}.pkl", "a" * 96 + ".pkl"),
    ],
)
def test_file_names_are_plain(address, name):
    assert file_name(address) == name


def test_a_second_file_of_one_name_is_marked():
    # the first digits of SHA-256 of "abc", FIPS 180-2, appendix B.1
    assert marked("net.pkl", "abc") == "net-ba7816bf.pkl"
    assert marked("net", "abc") == "net-ba7816bf"


def test_an_address_of_a_published_file_is_that_file():
    for published in ENTRIES:
        assert all(entry_of(address) is published for address in published.addresses)
    drive = "https://drive.google.com/file/d/1MJ6iCfNtMIRicihwRorsM3b7mmtmK9c3/view?usp=sharing"
    assert entry_of(drive) is find("cars")


def test_an_address_of_another_file():
    found = entry_of("https://a.org/net.pkl?version=2")
    assert (found.name, found.file) == ("https://a.org/net.pkl?version=2", "net.pkl")
    assert found.addresses == ("https://a.org/net.pkl?version=2",)
    assert (found.size, found.sha256, found.licence) == (None, None, "")
    drive = entry_of("https://drive.google.com/open?id=0123456789abc")
    assert drive.file == "0123456789abc.pkl"
    assert drive.addresses == drive_addresses("0123456789abc")
    with refused("file:///etc/passwd", "http", "https"):
        entry_of("file:///etc/passwd")


def test_a_foreign_file_never_takes_the_name_of_a_published_one():
    found = entry_of("https://a.org/karras2019stylegan-cats-256x256.pkl")
    assert re.fullmatch(r"karras2019stylegan-cats-256x256-[0-9a-f]{8}\.pkl", found.file)


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
    ("page", "file"),
    [
        ("https://github.com/me/nets/blob/main/a/b.pkl", "https://github.com/me/nets/raw/main/a/b.pkl"),
        ("https://www.github.com/me/nets/blob/v1/b.pkl?raw=1", "https://www.github.com/me/nets/raw/v1/b.pkl?raw=1"),
        ("https://huggingface.co/me/nets/blob/main/b.pkl", "https://huggingface.co/me/nets/resolve/main/b.pkl"),
        ("https://hf.co/gpt/blob/main/b.pkl", "https://hf.co/gpt/resolve/main/b.pkl"),
        ("https://huggingface.co/spaces/me/a/blob/x/b.pkl", "https://huggingface.co/spaces/me/a/resolve/x/b.pkl"),
        ("https://gitlab.com/me/nets/-/blob/main/b.pkl", "https://gitlab.com/me/nets/-/raw/main/b.pkl"),
        ("https://www.dropbox.com/s/abc/b.pkl?a=1&dl=0", "https://www.dropbox.com/s/abc/b.pkl?a=1&dl=1"),
        ("https://bitbucket.org/me/nets/src/main/a/b.pkl", "https://bitbucket.org/me/nets/raw/main/a/b.pkl"),
        ("https://github.com/me/blob/raw/main/b.pkl", "https://github.com/me/blob/raw/main/b.pkl"),
        ("https://a.org/x/blob/main/b.pkl", "https://a.org/x/blob/main/b.pkl"),
    ],
)
def test_pages_that_show_a_file(page, file):
    assert of_file(page) == file
    assert entry_of(page) == entry_of(file)


def test_a_folder_on_google_drive():
    with refused("Google Drive", "one file"):
        entry_of(f"https://drive.google.com/drive/folders/{ID}?usp=sharing")


@pytest.mark.parametrize("text", ["a.org/net.pkl", "https:/a.org/net.pkl", "http//a.org/net.pkl"])
def test_an_address_without_its_scheme(text):
    assert without_scheme(text) == "https://a.org/net.pkl"
    with refused(text, "https://a.org/net.pkl"):
        entry_of(text)


def test_paths_are_no_addresses():
    texts = ("results/00000-run", "./a.b/c", "../x/Gs.keras", "/a.org/x", "net.pkl", "ffhq", "a.org", "00.1/x")
    assert [without_scheme(text) for text in texts] == [None] * len(texts)


@pytest.mark.parametrize(
    ("file", "first", "words"),
    [
        ("a.pkl", b"PK\x03\x04", r"is not a pickle: it begins with b'PK\x03\x04'"),
        ("a.pkl", b"\x80\x06abc", r"is not a pickle: it begins with b'\x80\x06abc'"),
        ("a.keras", b"\x80\x02", "is not a .keras archive"),
        ("a.pth", b"\x1f\x8b\x08", "is compressed by gzip: unpack it with gunzip"),
        ("a.pkl", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer: fetch the file itself"),
        ("a.keras", b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
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
