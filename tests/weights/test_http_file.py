"""One request at a time against a server that misbehaves."""

import io
import json
import shutil
import urllib.request
from types import SimpleNamespace

import pytest
from file_server import running

from stylegan_tf.errors import Failure
from stylegan_tf.weights import http_file
from stylegan_tf.weights.http_file import Cut, Part, Refused, get

BODY = b"\x80\x04" + bytes(range(256)) * 1000 + b"."  # 256,003 bytes


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def part(tmp_path):
    return Part(tmp_path / "net.pkl")


def unseen(done, total):
    """Progress that nobody looks at."""


def begun(part, address, size, version='"one"'):
    """A part with the first bytes of BODY."""
    part.begin(address, version)
    part.path.write_bytes(BODY[:size])


def test_a_whole_file(server, part):
    seen = []
    get(server.put("/net.pkl", BODY), part, lambda done, total: seen.append((done, total)))
    assert part.path.read_bytes() == BODY
    assert seen[-1] == (256_003, 256_003)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert server.requests == [("/net.pkl", None, None)]


def test_a_file_of_unknown_length(server, part):
    seen = []
    get(server.put("/net.pkl", BODY, length=None), part, lambda done, total: seen.append((done, total)))
    assert part.path.read_bytes() == BODY
    assert seen[-1] == (256_003, None)


@pytest.mark.parametrize(("etag", "modified"), [('"one"', None), ('W/"weak"', "Sat, 01 Feb 2025 00:00:00 GMT")])
def test_a_part_is_continued(server, part, etag, modified):
    address = server.put("/net.pkl", BODY, etag=etag, modified=modified, cuts=[100_000])
    with pytest.raises(Cut, match="broke off after 100,000 of 256,003 bytes"):
        get(address, part, unseen)
    assert part.path.read_bytes() == BODY[:100_000]
    get(address, part, unseen)
    assert part.path.read_bytes() == BODY
    assert server.requests[1] == ("/net.pkl", "bytes=100000-", modified or etag)


def test_a_changed_file_starts_anew(server, part):
    address = server.put("/net.pkl", BODY, etag='"two"')
    begun(part, address, 1000, version='"one"')
    part.path.write_bytes(b"\x80\x04 another file")
    get(address, part, unseen)
    assert part.path.read_bytes() == BODY
    assert server.requests == [("/net.pkl", "bytes=15-", '"one"')]
    assert json.loads(part.note.read_text())["version"] == '"two"'


def test_a_server_that_ignores_ranges_starts_anew(server, part):
    address = server.put("/net.pkl", BODY, ranges=False)
    begun(part, address, 1000)
    get(address, part, unseen)
    assert part.path.read_bytes() == BODY


def test_a_part_of_another_address_is_not_continued(server, part):
    begun(part, "http://a.org/net.pkl", 1000)
    get(server.put("/net.pkl", BODY), part, unseen)
    assert part.path.read_bytes() == BODY
    assert server.requests == [("/net.pkl", None, None)]


def test_what_names_no_version_is_not_kept(server, part):
    with pytest.raises(Cut):
        get(server.put("/net.pkl", BODY, etag=None, cuts=[1000]), part, unseen)
    part.tidy()
    assert not part.path.exists() and not part.note.exists()


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"address": 1, "version": 2}'])
def test_a_damaged_note_starts_anew(server, part, note):
    address = server.put("/net.pkl", BODY)
    part.path.write_bytes(b"old")
    part.note.write_text(note)
    get(address, part, unseen)
    assert part.path.read_bytes() == BODY
    assert server.requests == [("/net.pkl", None, None)]


def test_a_part_that_was_whole_already(server, part):
    address = server.put("/net.pkl", BODY)
    begun(part, address, len(BODY))
    get(address, part, unseen)
    assert part.path.read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_part_longer_than_the_file_is_dropped(server, part):
    address = server.put("/net.pkl", BODY[:500])
    begun(part, address, 1000)
    with pytest.raises(Cut, match="has another file by now"):
        get(address, part, unseen)
    assert part.size() == 0


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refusals_say_what_the_page_says(server, part, status):
    page = b"<html><title>Google Drive - Quota exceeded</title></html>"
    with pytest.raises(Refused, match=rf"^answers {status} \w+.*\(Google Drive - Quota exceeded\)$"):
        get(server.put("/net.pkl", page, status=status), part, unseen)
    assert part.size() == 0


def test_a_busy_server_is_worth_asking_again(server, part):
    with pytest.raises(Cut, match="^answers 503 Service Unavailable$"):
        get(server.put("/net.pkl", b"later", status=503), part, unseen)


@pytest.mark.parametrize("status", [201, 204, 206, 304, 302])
def test_other_answers_are_refused(server, part, status):
    with pytest.raises(Refused, match=f"answers {status}"):
        get(server.put("/net.pkl", BODY, status=status), part, unseen)
    assert part.size() == 0


def test_another_range_than_the_one_asked_for(server, part):
    address = server.put("/net.pkl", BODY, range_from=999)
    begun(part, address, 1000)
    with pytest.raises(Refused, match="answers with another range"):
        get(address, part, unseen)
    assert part.path.read_bytes() == BODY[:1000]


def test_a_page_leaves_the_part_of_before(server, part):
    address = server.put("/net.pkl", b"<!DOCTYPE html><title>Sign in</title>", ranges=False)
    begun(part, address, 1000)
    with pytest.raises(Refused, match="is a web page instead of a network file: Sign in"):
        get(address, part, unseen)
    assert part.path.read_bytes() == BODY[:1000]


def test_another_size_than_the_published_one(server, part):
    with pytest.raises(Refused, match="has a file of 256,003 bytes, not the published one of 256,004"):
        get(server.put("/net.pkl", BODY), part, unseen, size=256_004)
    assert part.size() == 0


def test_redirections(server, part):
    target = server.put("/there.pkl", BODY)
    get(server.put("/net.pkl", status=302, location=target), part, unseen)
    assert part.path.read_bytes() == BODY
    assert [path for path, *_ in server.requests] == ["/net.pkl", "/there.pkl"]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("ftp://127.0.0.1/net.pkl", "redirects to what is not followed: .*not ftp"),
        ("http://me:secret@127.0.0.1/net.pkl", "redirects to what is not followed"),
        ("/net.pkl", "infinite loop"),
    ],
)
def test_redirections_that_are_not_followed(server, part, location, why):
    with pytest.raises(Refused, match=why):
        get(server.put("/net.pkl", status=302, location=location), part, unseen)
    assert part.size() == 0


def test_no_way_out_of_an_encrypted_connection():
    request = urllib.request.Request("https://a.org/net.pkl")
    with pytest.raises(Refused, match=r"redirects to http://b\.org/net\.pkl, which is not encrypted"):
        http_file._Redirects().redirect_request(request, io.BytesIO(), 302, "", {}, "http://b.org/net.pkl")


def closed_port() -> str:
    with running() as server:
        return server.put("/net.pkl")


def test_no_connection(part):
    address = closed_port()
    with pytest.raises(Refused, match="^cannot be reached: Connection refused$"):
        get(address, part, unseen)
    begun(part, address, 1000)
    with pytest.raises(Cut, match="cannot be reached"):  # it was there a moment ago
        get(address, part, unseen)
    assert part.size() == 1000


def test_schemes_that_have_no_reader(part, tmp_path):
    (tmp_path / "secret").write_bytes(BODY)
    with pytest.raises(Refused, match="unknown url type: file"):
        get((tmp_path / "secret").as_uri(), part, unseen)


def test_a_disk_without_room(server, part, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100_000))
    address = server.put("/net.pkl", BODY)
    begun(part, address, 1000)
    with pytest.raises(Failure, match=r"needs 256,003 bytes, but the disk of .* has room for 101,000 only") as error:
        get(address, part, unseen)
    assert not isinstance(error.value, Refused | Cut)
    assert part.path.read_bytes() == BODY[:1000]


def test_the_connection_breaks_in_the_middle_of_nothing(server, part):
    with pytest.raises(Cut, match="broke off before the first of 256,003 bytes"):
        get(server.put("/net.pkl", BODY, cuts=[0]), part, unseen)
    assert part.size() == 0
