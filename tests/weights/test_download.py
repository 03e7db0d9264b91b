"""The cache folder: what is there, what comes, and what is refused."""

import io
import json
import os
import re
from pathlib import Path

import pytest
from file_server import BODY, DIGEST, PAGE, entry, running, visible

from stylegan_tf.errors import Failure, UserError
from stylegan_tf.weights import download
from stylegan_tf.weights.download import cache_folder, fetch
from stylegan_tf.weights.registry import CC_BY_NC, Entry, find

ROOT = Path(__file__).parents[2]


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
    ("body", "facts", "why"),
    [
        (PAGE, {}, "is a web page instead of a network file: Google Drive - Quota exceeded"),
        (BODY, {"size": 1000}, "has 256,003 bytes instead of 1,000"),
        (b"", {}, "is empty"),
    ],
)
def test_a_wrong_file_put_there_by_hand(tmp_path, body, facts, why):
    (tmp_path / "net.pkl").write_bytes(body)
    with pytest.raises(Failure, match=rf"{tmp_path}/net\.pkl {why}.*; remove it"):
        fetch(entry("http://127.0.0.1:9/x", **facts), tmp_path)
    assert (tmp_path / "net.pkl").read_bytes() == body


def test_a_file_that_changed_since_its_download(server, tmp_path):
    one = entry(server.put("/x", BODY))
    path = fetch(one, tmp_path, io.StringIO())
    path.write_bytes(BODY[:-10])
    with pytest.raises(Failure, match="has 255,993 bytes instead of 256,003"):
        fetch(one, tmp_path)


def test_the_second_address_is_tried(server, tmp_path):
    first, second = server.put("/quota", PAGE), server.put("/mirror", BODY)
    path = fetch(entry(first, second), tmp_path, io.StringIO())
    assert path.read_bytes() == BODY
    assert json.loads((tmp_path / "net.pkl.json").read_text())["address"] == second


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_repeated(server, tmp_path, status):
    with pytest.raises(Failure, match=f"answers {status}"):
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
    ("what", "why"),
    [
        ("file:///etc/passwd", "only http and https addresses are, not file"),
        ("ftp://a.org/net.pkl", "not ftp"),
        ("0815", "choose from ffhq, celebahq, bedrooms, cars, cats, ffhq-config-a"),
        ("fffhq", "there is no fffhq: it is neither an address nor the name of a published file; did you mean ffhq"),
    ],
)
def test_mistakes_leave_no_folder(tmp_path, what, why):
    with pytest.raises(UserError, match=why):
        fetch(what, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("STYLEGAN_TF_CACHE", raising=False)
    assert cache_folder() == ROOT / "pretrained"
    monkeypatch.setattr(download, "__file__", str(tmp_path / "site-packages" / "stylegan_tf" / "official" / "d.py"))
    assert cache_folder() == Path("pretrained")
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    (tmp_path / "vgg.pth").write_bytes(b"\x80\x02" + bytes(7287))
    assert fetch("lpips-pth") == tmp_path / "vgg.pth"
