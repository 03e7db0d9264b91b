"""A web server on a local port that misbehaves as it is told, and remembers what it was asked; a file to serve."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn

from stylegan_tf.weights.registry import Entry

BODY = b"\x80\x04" + bytes(range(256)) * 1000 + b"."  # 256,003 bytes, as a pickle begins and ends
DIGEST = hashlib.sha256(BODY).hexdigest()
PAGE = (
    b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title><p>Too many users have viewed or downloaded this file."
)


def entry(*addresses, **facts) -> Entry:
    """A file of the registry that these addresses have."""
    return Entry("net", "net.pkl", addresses, **facts)


def visible(folder: Path) -> list[str]:
    """What lies in a folder, but for the lock file and the licences that were shown."""
    return sorted(set(os.listdir(folder)) - {".net.pkl.lock", ".licences"})


@dataclass
class Served:
    """What one path answers. cuts: how many bytes of the body each of the next answers sends before it breaks off."""

    body: bytes = b""
    status: int = 200
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    length: int | None = -1  # Content-Length; -1: the true one, None: none
    location: str | None = None
    range_from: int | None = None  # what Content-Range claims instead of the truth
    cuts: list[int] = field(default_factory=list)
    busy: list[tuple[int, str]] = field(default_factory=list)  # (status, Retry-After) of each of the next answers
    trickle: float = 0.0  # seconds between single bytes of the body
    asked: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event | None = None  # the body waits for it


class FileServer(ThreadingMixIn, HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.served: dict[str, Served] = {}
        self.requests: list[tuple[str, str | None, str | None]] = []  # (path, Range, If-Range)

    def put(self, path: str, body: bytes = b"", **how) -> str:
        """The address of what `path` answers from now on."""
        self.served[path] = Served(body, **how)
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are what is being tested."""


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        self.server.requests.append((self.path, wanted, condition))
        served = self.server.served.get(self.path)
        if served is None:
            self.send_error(404)
            return
        served.asked.set()
        if served.busy:
            status, later = served.busy.pop(0)
            self.send_response(status)
            self.send_header("Retry-After", later)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if wanted and served.ranges and condition in (served.etag, served.modified):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start and start >= len(served.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(served.body)}")
            self.end_headers()
            return
        self._send(served, start)

    def _send(self, served: Served, start: int) -> None:
        rest = served.body[start:]
        self.send_response(206 if start else served.status)
        length = len(rest) if served.length == -1 else served.length
        names = {"ETag": served.etag, "Last-Modified": served.modified, "Location": served.location}
        names["Content-Length"] = None if length is None else str(length)
        if start:
            names["Content-Range"] = f"bytes {served.range_from or start}-{len(served.body) - 1}/{len(served.body)}"
        for name, value in names.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if served.gate is not None:
            served.gate.wait(30)
        if served.trickle:
            for byte in rest:
                self.wfile.write(bytes([byte]))
                time.sleep(served.trickle)
            return
        self.wfile.write(rest[: served.cuts.pop(0)] if served.cuts else rest)

    def log_message(self, *arguments) -> None:
        """Nothing on the terminal."""


@contextmanager
def running() -> Iterator[FileServer]:
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
