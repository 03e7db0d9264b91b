"""Downloads that go wrong: what is said, what is left, and what the next call makes of it."""

import io
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from file_server import BODY, DIGEST, PAGE, entry, running, visible

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
    with pytest.raises(Failure, match=f"{address} broke off after 100,000 of 256,003 bytes"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == [".net.pkl.part", ".net.pkl.part.json"]
    said = io.StringIO()
    server.put("/x", BODY)
    assert fetch(entry(address), tmp_path, said).read_bytes() == BODY
    assert server.requests[-1][1] == "bytes=100000-"
    assert "after 100 of before" in said.getvalue()


def test_a_length_that_never_comes(server, tmp_path):
    address = server.put("/x", BODY, length=10**6, ranges=False)
    with pytest.raises(Failure, match="broke off after 256,003 of 1,000,000 bytes"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert not (tmp_path / "net.pkl").exists()
    assert len(server.requests) == 4  # the first one brought something, the three after it nothing new


def test_a_cut_that_no_length_shows(server, tmp_path):
    address = server.put("/x", BODY, length=None, cuts=[1000])
    with pytest.raises(Failure, match="the 1,000 bytes that came are not the whole file"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == []


def test_no_part_stays_that_cannot_be_continued(server, tmp_path):
    address = server.put("/x", BODY, etag=None, cuts=[1000] * 4)
    with pytest.raises(Failure, match="broke off after 1,000 of"):
        fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == []


def test_a_wrong_digest(server, tmp_path):
    with pytest.raises(Failure, match=f"its sha256 is {DIGEST}, not 0123abcd") as error:
        fetch(entry(server.put("/x", BODY), sha256="0123abcd"), tmp_path, io.StringIO())
    assert f"A file fetched by hand is found at {tmp_path}/net.pkl" in str(error.value)
    assert visible(tmp_path) == []


def test_a_page_instead_of_the_file(server, tmp_path):
    address = server.put("/x", PAGE)
    with pytest.raises(Failure) as error:
        fetch(entry(address), tmp_path, io.StringIO())
    assert str(error.value) == (
        f"could not download net.pkl: {address} is a web page instead of a network file: Google Drive - Quota exceeded:"
        f" Too many users have viewed or downloaded this file. A file fetched by hand is found at {tmp_path}/net.pkl"
    )
    assert visible(tmp_path) == []


def test_every_address_is_named_when_none_answers(tmp_path):
    with running() as server:
        addresses = [server.put("/a"), server.put("/b")]
    with pytest.raises(Failure) as error:
        fetch(entry(*addresses), tmp_path, io.StringIO())
    for address in addresses:
        assert f"{address} cannot be reached: Connection refused" in str(error.value)
    assert str(error.value).endswith(f" A file fetched by hand is found at {tmp_path}/net.pkl")
    assert visible(tmp_path) == []


def test_ctrl_c_leaves_a_part_that_is_continued(server, tmp_path, monkeypatch):
    address = server.put("/x", BODY)

    def stop(self, done, total):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download._Progress, "show", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(entry(address), tmp_path, io.StringIO())
    assert visible(tmp_path) == [".net.pkl.part", ".net.pkl.part.json"]
    size = (tmp_path / ".net.pkl.part").stat().st_size
    assert 0 < size < 256_003
    assert fetch(entry(address), tmp_path, io.StringIO()).read_bytes() == BODY
    assert server.requests[-1][1] == f"bytes={size}-"


def test_a_disk_without_room_ends_it(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10))
    first, second = server.put("/a", BODY), server.put("/b", BODY)
    with pytest.raises(Failure, match="net.pkl needs 256,003 bytes, but the disk of .* has room for 10 only"):
        fetch(entry(first, second), tmp_path, io.StringIO())
    assert len(server.requests) == 1
    assert visible(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Failure, match=f"cannot write net.pkl in the folder {tmp_path}/file: "):
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
