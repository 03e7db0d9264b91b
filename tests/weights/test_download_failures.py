"""Downloads that go wrong: what is said, what is left, and what the next call makes of it. See test_download."""

import email.utils
import io
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from file_server import BODY, DIGEST, PAGE, entry, running, visible
from refusals import failed

from stylegan_tf.errors import Failure
from stylegan_tf.weights import download
from stylegan_tf.weights.download import fetch

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "BACK_OFF", (0.0, 0.0, 0.0))


@pytest.fixture
def server():
    with running() as server:
        yield server


def test_cuts_are_continued(server, tmp_path):
    said = io.StringIO()
    address = server.put("/x", BODY, cuts=[100_000, 50_000, 1, 1, 1])
    path = fetch(entry(address, sha256=DIGEST), tmp_path, said)
    assert path.read_bytes() == BODY
    starts = [wanted for _, wanted, _ in server.requests]
    assert starts == [None, *(f"bytes={n}-" for n in (100_000, 150_000, 150_001, 150_002, 150_003))]
    assert said.getvalue().count("trying again") == 5  # more than BACK_OFF has: each brought something new
    assert visible(tmp_path) == ["net.pkl", "net.pkl.json"]


def test_a_later_call_continues(server, tmp_path):
    address = server.put("/x", BODY, cuts=[100_000, 0, 0, 0])
    with failed(address, "100,000 of 256,003 bytes", tmp_path / "net.pkl"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == [".net.pkl.part", ".net.pkl.part.json"]
    said = io.StringIO()
    server.put("/x", BODY)
    assert fetch(entry(address), tmp_path, said).read_bytes() == BODY
    assert server.requests[-1][1] == "bytes=100000-"
    assert "after 100 of before" in said.getvalue()


def test_a_length_that_never_comes(server, tmp_path):
    address = server.put("/x", BODY, length=10**6, ranges=False)
    with failed(address, "256,003 of 1,000,000 bytes", tmp_path / "net.pkl"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert not (tmp_path / "net.pkl").exists()
    assert len(server.requests) == 4  # the first one brought something, the three after it nothing new


def test_a_cut_that_no_length_shows(server, tmp_path):
    address = server.put("/x", BODY, length=None, cuts=[1000])
    with failed(address, "1,000 bytes", tmp_path / "net.pkl"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == []


def test_no_part_stays_that_cannot_be_continued(server, tmp_path):
    address = server.put("/x", BODY, etag=None, cuts=[1000] * 4)
    with failed(address, "1,000 of 256,003 bytes", tmp_path / "net.pkl"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == []


def test_no_folder_stays_that_a_failed_download_made(server, tmp_path):
    address = server.put("/x", PAGE)
    with pytest.raises(Failure):
        fetch(entry(address), tmp_path / "a" / "b", io.StringIO())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()  # one that was there stays, and one with a part to be continued
    with pytest.raises(Failure):
        fetch(entry(address), tmp_path / "there", io.StringIO())
    server.put("/x", BODY, cuts=[100_000, 0, 0, 0])
    with failed(address, "100,000 of 256,003 bytes", tmp_path / "part" / "net.pkl"):
        fetch(entry(address), tmp_path / "part", io.StringIO())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part", "there"]
    assert visible(tmp_path / "part") == [".net.pkl.part", ".net.pkl.part.json"]


def test_a_wrong_digest(server, tmp_path):
    check_failed(tmp_path, [server.put("/x", BODY)], "sha256", DIGEST, "0123abcd", sha256="0123abcd")
    assert visible(tmp_path) == []


def test_a_page_instead_of_the_file(server, tmp_path):
    address = server.put("/x", PAGE)
    check_failed(tmp_path, [address], "web page", "Quota exceeded")
    assert visible(tmp_path) == []


def test_every_address_is_named_when_none_answers(tmp_path):
    with running() as server:
        addresses = [server.put("/a"), server.put("/b")]
    check_failed(tmp_path, addresses, "Connection refused")
    assert visible(tmp_path) == []


def test_ctrl_c_leaves_a_part_that_is_continued(server, tmp_path, monkeypatch):
    address = server.put("/x", BODY)

    def stop(self, text):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download.LiveLine, "show", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == [".net.pkl.part", ".net.pkl.part.json"]
    size = (tmp_path / ".net.pkl.part").stat().st_size
    assert 0 < size < 256_003
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert server.requests[-1][1] == f"bytes={size}-"


@pytest.fixture
def once(monkeypatch):
    """Every address is asked once: what would be worth another try is told as it is."""
    monkeypatch.setattr(download, "BACK_OFF", ())


def part(folder: Path) -> Path:
    return folder / ".net.pkl.part"


def begin(folder: Path, address: str, size: int, version: str = '"one"') -> None:
    """Puts the first bytes of BODY there, as a download that was cut leaves them."""
    part(folder).write_bytes(BODY[:size])
    part(folder).with_name(".net.pkl.part.json").write_text(json.dumps({"address": address, "version": version}))


def check_failed(folder: Path, addresses: list[str], *names: object, **facts) -> None:
    """A download that fails says its file, its addresses, these names and where to put the file by hand."""
    with failed("net.pkl", *addresses, *names, folder / "net.pkl"):
        fetch(entry(*addresses, **facts), folder, io.StringIO())
    assert not (folder / "net.pkl").exists()


def test_progress_counts_up_to_the_whole(server, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(download.LiveLine, "show", lambda self, text: seen.append(text))
    path = fetch(entry(server.put("/x", BODY)), tmp_path, io.StringIO())
    assert path.read_bytes() == BODY
    assert seen[-1].startswith("net.pkl: 257 kB in ")
    counts = [int(re.match(r"net.pkl: (\d+)", text)[1]) for text in seen]
    assert counts == sorted(counts)
    assert server.requests == [("/x", None, None)]


def test_a_file_of_unknown_length(server, tmp_path):
    said = io.StringIO()
    assert fetch(entry(server.put("/x", BODY, length=None)), tmp_path, said).read_bytes() == BODY
    assert "net.pkl: 257 kB in " in said.getvalue()


@pytest.mark.parametrize(("etag", "modified"), [('"one"', None), ('W/"weak"', "Sat, 01 Feb 2025 00:00:00 GMT")])
def test_a_part_is_continued(server, tmp_path, once, etag, modified):
    address = server.put("/x", BODY, etag=etag, modified=modified, cuts=[100_000])
    check_failed(tmp_path, [address], "100,000 of 256,003 bytes")
    assert part(tmp_path).read_bytes() == BODY[:100_000]
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert server.requests[1] == ("/x", "bytes=100000-", modified or etag)


def test_a_changed_file_starts_anew(server, tmp_path, once):
    address = server.put("/x", BODY, etag='"two"', cuts=[200_000])
    begin(tmp_path, address, 15, version='"one"')
    part(tmp_path).write_bytes(b"\x80\x04 another file")
    check_failed(tmp_path, [address])
    assert part(tmp_path).read_bytes() == BODY[:200_000]
    assert server.requests == [("/x", "bytes=15-", '"one"')]
    assert json.loads((tmp_path / ".net.pkl.part.json").read_text())["version"] == '"two"'


def test_a_server_that_ignores_ranges_starts_anew(server, tmp_path, once):
    address = server.put("/x", BODY, ranges=False)
    begin(tmp_path, address, 1000)
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY


def test_a_part_of_another_address_is_not_continued(server, tmp_path, once):
    begin(tmp_path, "http://a.org/net.pkl", 1000)
    assert fetch(entry(server.put("/x", BODY)), tmp_path, io.StringIO()).read_bytes() == BODY
    assert server.requests == [("/x", None, None)]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"address": 1, "version": 2}'])
def test_a_damaged_note_starts_anew(server, tmp_path, once, note):
    address = server.put("/x", BODY)
    begin(tmp_path, address, 1000)
    (tmp_path / ".net.pkl.part.json").write_text(note)
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert server.requests == [("/x", None, None)]


def test_a_part_that_was_whole_already(server, tmp_path, once):
    address = server.put("/x", BODY)
    begin(tmp_path, address, len(BODY))
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path, once):
    address = server.put("/x", BODY[:500])
    begin(tmp_path, address, 1000)
    check_failed(tmp_path, [address], "another file")
    assert visible(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refusals_say_what_the_page_says(server, tmp_path, status):
    page = b"<html><title>Google Drive - Quota exceeded</title></html>"
    address = server.put("/x", page, status=status)
    check_failed(tmp_path, [address], status, "Quota exceeded")
    assert len(server.requests) == 1
    assert visible(tmp_path) == []


def test_a_busy_server_is_asked_again(server, tmp_path):
    address = server.put("/x", b"later", status=503)
    check_failed(tmp_path, [address], 503, "Service Unavailable")
    assert len(server.requests) == 4
    assert fetch(entry(server.put("/y", BODY, busy=[(503, "")])), tmp_path, io.StringIO()).read_bytes() == BODY


def test_retry_after_is_honoured(server, tmp_path, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    said = io.StringIO()
    address = server.put("/x", BODY, busy=[(429, "7"), (503, later), (503, "no time")])
    assert fetch(entry(address), tmp_path, said).read_bytes() == BODY
    assert waits[0] == 7 and 60 < waits[1] <= 100 and waits[2] == 0
    assert f"{address} answers 429 Too Many Requests; trying again in 7s, as it asks\n" in said.getvalue()


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server, tmp_path):
    first, second = server.put("/x", BODY, busy=[(503, "3600")]), server.put("/y", b"", status=404)
    check_failed(tmp_path, [first, second], f"{first} answers 503", "3,600s", f"{second} answers 404")
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [201, 204, 206, 304, 302])
def test_other_answers_are_refused(server, tmp_path, status):
    check_failed(tmp_path, [server.put("/x", BODY, status=status)], status)
    assert len(server.requests) == 1
    assert visible(tmp_path) == []


def test_another_range_than_the_one_asked_for(server, tmp_path):
    address = server.put("/x", BODY, range_from=999)
    begin(tmp_path, address, 1000)
    check_failed(tmp_path, [address], "another range")
    assert part(tmp_path).read_bytes() == BODY[:1000]


def test_a_page_leaves_the_part_of_before(server, tmp_path):
    address = server.put("/x", b"<!DOCTYPE html><title>Sign in</title>", ranges=False)
    begin(tmp_path, address, 1000)
    check_failed(tmp_path, [address], "web page", "Sign in")
    assert part(tmp_path).read_bytes() == BODY[:1000]


def test_another_size_than_the_published_one(server, tmp_path):
    address = server.put("/x", BODY)
    check_failed(tmp_path, [address], "256,003 bytes", "256,004", size=256_004)
    address = server.put("/x", BODY, length=None)
    check_failed(tmp_path, [address], "256,003 bytes", "256,004", size=256_004)
    assert visible(tmp_path) == []


def test_a_server_that_trickles_is_given_up(server, tmp_path, monkeypatch):
    """Whether it goes on for ever or breaks off after every hundred bytes."""
    monkeypatch.setattr(download, "WINDOW", 0.05)
    monkeypatch.setattr(download, "SLOWEST", 10**9)
    drips = server.put("/drips", BODY, trickle=0.01)
    breaks = server.put("/breaks", BODY, cuts=[100] * 1000)
    check_failed(tmp_path, [drips, breaks], "bytes a second")


def test_a_server_that_stalls(server, tmp_path, once, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    gate = threading.Event()
    address = server.put("/x", BODY, gate=gate)
    check_failed(tmp_path, [address], "0 bytes", "timed out")
    gate.set()


def test_redirections(server, tmp_path):
    target = server.put("/there.pkl", BODY)
    address = server.put("/x", status=302, location=target)
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert [path for path, *_ in server.requests] == ["/x", "/there.pkl"]


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("ftp://127.0.0.1/net.pkl", "ftp://127.0.0.1/net.pkl http https"),
        ("http://me:secret@127.0.0.1/net.pkl", "127.0.0.1 user"),
        ("/x", "30 redirects"),
    ],
)
def test_redirections_that_are_not_followed(server, tmp_path, location, names):
    address = server.put("/x", status=302, location=location)
    with failed("net.pkl", address, *names.split()) as caught:
        fetch(entry(address), tmp_path, io.StringIO())
    assert "secret" not in str(caught.value)
    assert visible(tmp_path) == []


def test_no_way_out_of_an_encrypted_connection():
    response = requests.Response()
    response.url, response.status_code, response.raw = "https://a.org/net.pkl", 302, io.BytesIO()
    response.headers["location"] = "http://b.org/net.pkl"
    with failed("http://b.org/net.pkl", "encrypted"):
        download._check_redirect(response)
    response.headers["location"] = "/other.pkl"
    download._check_redirect(response)


def test_a_server_that_is_gone(tmp_path):
    with running() as server:
        address = server.put("/x")
    begin(tmp_path, address, 1000)
    said = io.StringIO()
    with failed(address, "Connection refused", tmp_path / "net.pkl"):
        fetch(entry(address), tmp_path, said)
    assert said.getvalue().count("trying again") == 3  # it was there a moment ago
    assert part(tmp_path).read_bytes() == BODY[:1000]


def test_schemes_that_have_no_reader(tmp_path):
    (tmp_path / "secret").write_bytes(BODY)
    check_failed(tmp_path, [(tmp_path / "secret").as_uri()], "connection adapters")


def test_a_disk_without_room_for_the_rest(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100_000))
    address = server.put("/x", BODY)
    begin(tmp_path, address, 1000)
    with failed("net.pkl", "256,003 bytes", tmp_path, "101,000"):
        fetch(entry(address, address), tmp_path, io.StringIO())
    assert not (tmp_path / "net.pkl").exists()
    assert part(tmp_path).read_bytes() == BODY[:1000]


def test_the_connection_breaks_in_the_middle_of_nothing(server, tmp_path, once):
    check_failed(tmp_path, [server.put("/x", BODY, cuts=[0])], "256,003 bytes")
    assert visible(tmp_path) == []


def test_a_disk_without_room_ends_it(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10))
    first, second = server.put("/a", BODY), server.put("/b", BODY)
    with failed("net.pkl", "256,003 bytes", tmp_path, 10):
        fetch(entry(first, second), tmp_path, io.StringIO())
    assert len(server.requests) == 1
    assert visible(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with failed("net.pkl", tmp_path / "file"):
        fetch(entry("http://127.0.0.1:9/x"), tmp_path / "file" / "", io.StringIO())


def program(folder: Path, address: str, before: str = "") -> subprocess.Popen:
    """Another process that fetches the file as a program would."""
    text = f"""{before}
import sys
from stylegan_tf.errors import exit_code
from stylegan_tf.weights.download import fetch
from stylegan_tf.weights.registry import Entry
sys.exit(exit_code(lambda: print(fetch(Entry("net", "net.pkl", ({address!r},)), {str(folder)!r}))))"""
    return subprocess.Popen(
        [sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


LITTLE = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"


@pytest.mark.parametrize(("etag", "left"), [('"one"', [".net.pkl.part", ".net.pkl.part.json"]), (None, [])])
def test_a_full_disk(server, tmp_path, etag, left):
    process = program(tmp_path, server.put("/x", BODY, etag=etag), LITTLE)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert said.splitlines()[-1] == f"error: cannot write net.pkl in the folder {tmp_path}: File too large"
    assert visible(tmp_path) == left


def test_two_processes_download_once(server, tmp_path):
    address = server.put("/x", BODY, gate=threading.Event())
    served = server.served["/x"]
    first = program(tmp_path, address)
    assert served.asked.wait(60)
    second = program(tmp_path, address)
    assert second.stderr.readline() == f"waiting for process {first.pid}, which downloads the same file\n"
    served.gate.set()
    for process in (first, second):
        found, said = process.communicate(timeout=60)
        assert (process.returncode, found) == (0, f"{tmp_path}/net.pkl\n"), said
    assert said == ""  # the second had nothing more to say
    assert len(server.requests) == 1
    assert (tmp_path / "net.pkl").read_bytes() == BODY


def test_a_lock_without_its_process_is_no_obstacle(server, tmp_path):
    (tmp_path / ".net.pkl.lock").write_text("123\n")
    assert fetch(entry(server.put("/x", BODY)), tmp_path, io.StringIO()).exists()
