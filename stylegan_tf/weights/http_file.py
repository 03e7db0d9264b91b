"""One file over HTTP into a part file, which a later request can continue as long as the file has not changed."""

import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stylegan_tf import __version__, files
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.weights import addresses, contents

TIMEOUT = 30.0  # seconds for the connection, and for every wait for more
CHUNK = 2**18
BUSY = (408, 425, 429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)

Show = Callable[[int, int | None], None]  # (bytes here, bytes in all or None)


class Refused(Failure):
    """This address does not give the file, however often it is asked."""


class Cut(Failure):
    """The connection broke, or the server is busy: worth asking again."""


class Part:
    """The beginning of the file `path`: hidden beside it, with a note of where it is from and of which version."""

    def __init__(self, path: Path):
        self.file = path.name
        self.path = path.with_name(f".{path.name}.part")
        self.note = path.with_name(f".{path.name}.part.json")

    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begun(self, address: str) -> tuple[int, str]:
        """(bytes that are here from `address`, what names the version they are of); (0, '') to start anew."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            version = note["version"] if note["address"] == address else ""
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""
        return (self.size(), version) if isinstance(version, str) and version and self.size() else (0, "")

    def begin(self, address: str, version: str) -> None:
        """Notes what the bytes to come are; the bytes of before are gone."""
        self.remove()
        if version:
            files.write_json(self.note, {"address": address, "version": version})

    def tidy(self) -> None:
        """Removes what no later call can continue."""
        if not self.note.exists():
            self.remove()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def get(address: str, part: Part, show: Show, size: int | None = None) -> None:
    """Asks `address` for what `part` still lacks; returns when the file is whole.

    size: the number of bytes that the file must have, where it is known. `show` is called after every piece. Raises
    Refused, Cut, Failure where the disk is too small, OSError where it cannot be written. What is in the part then
    can be continued if it has its note.
    """
    offset, version = part.begun(address)
    wanted = {"Range": f"bytes={offset}-", "If-Range": version} if offset else {}
    with _answer(address, wanted, offset) as response:
        if response.status == 416 and offset:
            if response.headers.get("Content-Range") == f"bytes */{offset}":
                return  # it was whole already
            part.remove()
            raise Cut("has another file by now; starting anew")
        if response.status not in ((200, 206) if offset else (200,)):
            raise _refusal(response)
        if response.status == 200:
            offset, total = 0, response.length
        else:
            total = _total(response, offset)
        if size is not None and total is not None and total != size:
            raise Refused(f"has a file of {total:,} bytes, not the published one of {size:,}")
        _receive(response, address, part, offset, total, show)


def _answer(address: str, wanted: dict[str, str], offset: int) -> Any:
    """The response, whatever its status. Without a connection: Refused, or Cut where there is something to continue."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        _Redirects,
        _Statuses,
    ):
        opener.add_handler(handler())
    agent = {"User-Agent": f"stylegan_tf/{__version__}"}
    try:
        return opener.open(urllib.request.Request(address, headers=agent | wanted), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:  # redirections that lead nowhere
        error.close()
        raise Refused(f"answers {error.code} {contents.plain(str(error.reason))}") from None
    except urllib.error.URLError as error:
        why = getattr(error.reason, "strerror", None) or error.reason
        raise (Cut if offset else Refused)(f"cannot be reached: {why}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Cut(f"does not answer: {contents.plain(str(error)) or type(error).__name__}") from None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to what a user may name too, but never out of an encrypted connection."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        wrong = ""
        try:
            addresses.check(newurl)
        except UserError as error:
            wrong = f"redirects to what is not followed: {error}"
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme == "http":
            wrong = f"redirects to {newurl}, which is not encrypted"
        if wrong:
            fp.close()
            raise Refused(wrong)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Statuses(urllib.request.HTTPErrorProcessor):
    """Hands every answer on; only redirections are dealt with."""

    def http_response(self, request, response):
        return super().http_response(request, response) if response.status in REDIRECTS else response

    https_response = http_response


def _refusal(response: Any) -> Failure:
    """What an answer with a status of no use says."""
    try:
        page = response.read(contents.FIRST)
    except (OSError, http.client.HTTPException):
        page = b""
    words = contents.page_words(page) if contents.is_page(page) else ""
    line = f"answers {response.status} {contents.plain(response.reason)}".rstrip()
    return (Cut if response.status in BUSY else Refused)(f"{line} ({words})" if words else line)


def _total(response: Any, offset: int) -> int | None:
    """The size of the whole file whose bytes from `offset` on are in the answer; None if it does not say."""
    said = re.fullmatch(r"bytes (\d+)-\d+/(?:(\d+)|\*)", response.headers.get("Content-Range", ""))
    if said is None or int(said[1]) != offset:
        raise Refused("answers with another range than the one asked for")
    return None if said[2] is None else int(said[2])


def _receive(response: Any, address: str, part: Part, offset: int, total: int | None, show: Show) -> None:
    """Writes the body behind the first `offset` bytes of the part."""
    block = _more(response, contents.FIRST if offset == 0 else CHUNK, offset)
    if offset == 0:
        if not block and total:
            raise Cut(f"broke off before the first of {total:,} bytes")
        wrong = contents.complaint(part.file, block)
        if wrong is not None:
            raise Refused(wrong)
        _find_room(part, total)
        part.begin(address, _version(response))
    else:
        _find_room(part, total)
    with open(part.path, "ab") as file:
        while block:
            file.write(block)
            offset += len(block)
            show(offset, total)
            block = _more(response, CHUNK, offset)
    if total is not None and offset < total:
        raise Cut(f"broke off after {offset:,} of {total:,} bytes")


def _more(response: Any, most: int, offset: int) -> bytes:
    """The next bytes of the body: as they come, but for the first ones, which are looked at together."""
    try:
        return response.read(most) if offset == 0 else response.read1(most)
    except (OSError, http.client.HTTPException) as error:
        raise Cut(f"broke off after {offset:,} bytes: {error or type(error).__name__}") from None


def _find_room(part: Part, total: int | None) -> None:
    """Raises Failure when the disk has less room than the rest of the file needs."""
    free = shutil.disk_usage(part.path.parent).free + part.size()
    if total is not None and total > free:
        folder = part.path.parent.absolute()
        raise Failure(f"{part.file} needs {total:,} bytes, but the disk of {folder} has room for {free:,} only")


def _version(response: Any) -> str:
    """What If-Range may name: a strong ETag, or the date of the last change; '' if the server gives neither."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
