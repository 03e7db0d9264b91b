"""Network files in the cache folder, downloaded when they are first asked for: resumed, checked, never half there.

Bytes go into a hidden part beside the file's place, with a note of the address and version that they are of: a later
request continues the part as long as the server's file has not changed. The whole file appears in one rename.
"""

import email.utils
import hashlib
import os
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs, urljoin, urlsplit

from stylegan_tf import __version__, files
from stylegan_tf.command_line import expanded
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.file_kinds import LONGEST, by_start, is_page, page_words, plain
from stylegan_tf.progress import Eta, LiveLine
from stylegan_tf.weights import registry
from stylegan_tf.weights.registry import Entry

FOLDER_VARIABLE = "STYLEGAN_TF_CACHE"
TIMEOUT = 30.0  # seconds for the connection, and for every wait for more
WINDOW, SLOWEST = 60.0, 1000  # seconds, and the bytes per second that must come on average in each such time
BACK_OFF = (1.0, 2.0, 4.0)  # seconds before another try, when the one before brought nothing new
LONGEST_WAIT = 120.0  # seconds: a server that asks for more (Retry-After) is not waited for
POLL = 0.2  # seconds between looks at another process's lock
CHUNK = 2**18
BUSY = (408, 425, 429, 500, 502, 503, 504)

SCHEMES = ("http", "https")
DRIVE_HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")
PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
ZIP = (b"PK\x03\x04",)
STARTS = {".pkl": PICKLE, ".keras": ZIP}  # others (.pth): either
FIRST = 2**15  # bytes that are looked at before anything is written: enough for the words of a page


def fetch(what: Entry | str, folder: str | os.PathLike | None = None, stream: TextIO | None = None) -> Path:
    """The path of the file of a registry entry, its name, or an address, in `folder` (default: the cache folder).

    A file that is there is used without the network, also one put there by hand under its official name. Otherwise
    it is downloaded, with progress on `stream` (default: standard error). Raises UserError for what is no name and no
    address that is followed; Failure where no address gives the file, with what each said and the path where a file
    fetched by hand is found.
    """
    entry = entry_of(what) if isinstance(what, str) else what
    where = cache_folder() if folder is None else Path(folder)
    made = [folder for folder in (where, *where.parents) if not folder.exists()]
    while not (path := _path(entry, where)).exists():
        try:
            where.mkdir(parents=True, exist_ok=True)
            _download_alone(entry, path, stream if stream is not None else sys.stderr)
        except OSError as error:
            why = error.strerror or str(error)
            raise Failure(f"cannot write {path.name} in the folder {where.absolute()}: {why}") from None
        finally:
            _remove_empty(made, _lock_of(path))
    _check_cached(entry, path)
    return path


def cache_folder() -> Path:
    """Where network files are kept: $STYLEGAN_TF_CACHE, else pretrained/ of the checkout, or ~/.cache/stylegan_tf."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        try:
            return Path(expanded(named))
        except UserError as error:
            raise UserError(f"{FOLDER_VARIABLE}={error}") from None
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return root / "pretrained"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stylegan_tf"


def is_address(text: str) -> bool:
    """Whether `text` is meant as an address, and no path or name: it starts with a scheme, as in https://host/file."""
    return re.match(r"[a-z][a-z0-9+.-]+://|file:", text, re.IGNORECASE) is not None


def entry_of(what: str) -> Entry:
    """The entry of a published file by its name or its address, or a new one for the file at another address.

    Raises UserError for what is no name, and for an address that is not followed. A foreign file never takes the name
    of a published one.
    """
    if not is_address(what):
        entry = registry.find(what)
        if entry is None:
            meant = without_scheme(what)
            hint = f"an address begins with https://, as in {meant}" if meant else registry.nearest(what)
            raise UserError(f"there is no {what}: it is neither an address nor the name of a published file; {hint}")
        return entry
    check_address(what)
    what = of_file(what)
    file_id = drive_id(what)
    where = (what,) if file_id is None else registry.drive_addresses(file_id)
    for entry in registry.ENTRIES:
        if set(where) & set(entry.addresses):
            return entry
    file = file_name(what)
    return Entry(what, file if registry.find(file) is None else marked(file, what), where)


# ---------------------------------------------------------------------------------------------------------------------
# What is in the folder.


def _origin(path: Path) -> dict[str, Any]:
    """What the sidecar says of where a file is from; {} for a file put there by hand."""
    try:
        return files.read_json(path.with_name(f"{path.name}.json"))
    except UserError:
        return {}


def _path(entry: Entry, folder: Path) -> Path:
    """The file's place, or another one where a file of that name but of another origin lies."""
    path = folder / entry.file
    if path.exists() and _origin(path).get("name", entry.name) != entry.name:
        return folder / marked(entry.file, entry.name)
    return path


def _check_cached(entry: Entry, path: Path) -> None:
    """Quick looks at a file that is there: its first bytes and its size."""
    with open(path, "rb") as file:
        wrong = complaint(path.name, file.read(FIRST))
    size = entry.size if entry.size is not None else _origin(path).get("size")
    if wrong is None and size is not None and path.stat().st_size != size:
        wrong = f"has {path.stat().st_size:,} bytes instead of {size:,}"
    if wrong is not None:
        raise Failure(f"{path.absolute()} {wrong}; remove it, and it is downloaded again")


def _say(stream: TextIO, line: str) -> None:
    print(line, file=stream, flush=True)


def _say_licence(entry: Entry, folder: Path, stream: TextIO) -> None:
    """Says under which licence the file is, once for each licence and folder."""
    said = folder / ".licences"
    before = said.read_text(encoding="utf-8") if said.exists() else ""
    if entry.licence and entry.licence not in before.splitlines():
        _say(stream, f"{entry.file} and its like are published under this licence: {entry.licence}")
        files.write_text(said, f"{before}{entry.licence}\n")


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _remove_empty(folders: list[Path], lock: Path) -> None:
    """Removes those of the folders, inner ones first, in which a download has left nothing but its lock."""
    with suppress(OSError):  # they hold a file, or a part of one to be continued
        if folders and list(folders[0].iterdir()) == [lock]:
            lock.unlink()
        for folder in folders:
            folder.rmdir()


def _download_alone(entry: Entry, path: Path, stream: TextIO) -> None:
    """Downloads the file unless another process has by the time it lets us."""
    lock = files.Lock(_lock_of(path))
    with ExitStack() as stack:
        waiting = False
        while True:
            try:
                stack.enter_context(lock)
                break
            except UserError:
                if not waiting:
                    holder = lock.path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
                    _say(stream, f"waiting for process {holder}, which downloads the same file")
                waiting = True
                time.sleep(POLL)
        if not path.exists():
            _say_licence(entry, path.parent, stream)
            _Download(entry, path, stream).run()


# ---------------------------------------------------------------------------------------------------------------------
# The download.


class Refused(Failure):
    """This address does not give the file, however often it is asked."""


class Cut(Failure):
    """The connection broke, or the server is busy: worth asking again, `after` seconds at the earliest."""

    def __init__(self, why: str, after: float = 0.0):
        super().__init__(why)
        self.after = after


class _Download:
    """One file that is not here yet, and the part of it that is."""

    def __init__(self, entry: Entry, path: Path, stream: TextIO):
        self.entry, self.path, self.stream = entry, path, stream
        self.part = path.with_name(f".{path.name}.part")
        self.note = path.with_name(f".{path.name}.part.json")

    def run(self) -> None:
        """Tries the addresses in their order. Raises Failure that tells what each of them said."""
        reasons = []
        try:
            for address in self.entry.addresses:
                try:
                    self._fill(address)
                    self._keep(address)
                    return
                except (Refused, Cut) as failure:
                    reasons.append(f"{address} {failure}")
        finally:
            if not self.note.exists():  # no later call could continue it
                self._drop_part()
        why = "; ".join(reasons).rstrip(".")
        raise Failure(
            f"could not download {self.entry.file}: {why}. A file fetched by hand is found at {self.path.absolute()}"
        )

    def _fill(self, address: str) -> None:
        """Fills the part from one address, asking again after a cut; gives up after a few that brought nothing new."""
        waits, pace = iter(BACK_OFF), _Pace()
        while True:
            before, version = self._begun(address)
            try:
                self._request(address, before, version, pace)
                return
            except Cut as cut:
                if self._begun(address)[0] > before:
                    waits = iter(BACK_OFF)
                wait = next(waits, None)
                if wait is None:
                    raise
                later = f" in {cut.after:.0f}s, as it asks" if cut.after > wait else ""
                _say(self.stream, f"{address} {cut}; trying again{later}")
                time.sleep(max(wait, cut.after))
                pace.start += cut.after  # which is not its slowness

    def _request(self, address: str, offset: int, version: str, pace: "_Pace") -> None:
        """Asks once for what lies behind the first `offset` bytes; returns when the part is whole.

        Raises Refused, Cut, Failure where the disk is too small, OSError where it cannot be written.
        """
        with _answer(address, offset, version) as response:
            status, total = response.status_code, response.raw.length_remaining
            if status == 416 and offset:
                if response.headers.get("Content-Range") == f"bytes */{offset}":
                    return  # it was whole already
                self._drop_part()
                raise Cut("has another file by now; starting anew")
            if status == 206 and offset:
                total = _total(response, offset)
            elif status == 200:
                offset = 0
            else:
                raise _refusal(response)
            if self.entry.size is not None and total is not None and total != self.entry.size:
                raise Refused(f"has a file of {total:,} bytes, not the published one of {self.entry.size:,}")
            self._receive(response, address, offset, total, pace)

    def _receive(self, response, address: str, offset: int, total: int | None, pace: "_Pace") -> None:
        """Writes the body behind the first `offset` bytes of the part."""
        blocks = _blocks(response, pace, FIRST if offset == 0 else 1)
        block = next(blocks, b"")
        if offset == 0:
            if not block and total:
                raise Cut(f"broke off before the first of {total:,} bytes")
            wrong = complaint(self.path.name, block)
            if wrong is not None:
                raise Refused(wrong)
        free = shutil.disk_usage(self.path.parent).free + self._size()
        if total is not None and total > free:
            folder = self.path.parent.absolute()
            raise Failure(
                f"{self.path.name} needs {total:,} bytes, but the disk of {folder} has room for {free:,} only"
            )
        if offset == 0:  # the bytes of before go, and what names the version of those to come is noted
            self._drop_part()
            tag = response.headers.get("ETag", "")
            version = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
            if version:  # what If-Range may name: a strong ETag, or the date of the last change
                files.write_json(self.note, {"address": address, "version": version})
        before = f" (after {offset // 1000:,} of before)" if offset else ""
        eta, start = Eta(total and -(-(total - offset) // 1000), "kB"), offset
        with closing(LiveLine(self.stream)) as line, open(self.part, "ab") as file:
            while block:
                file.write(block)
                offset += len(block)
                line.show(f"{self.path.name}: {eta.text(-(-(offset - start) // 1000))}{before}")
                block = next(blocks, b"")
        if total is not None and offset < total:
            raise Cut(f"broke off after {offset:,} of {total:,} bytes")

    def _begun(self, address: str) -> tuple[int, str]:
        """(bytes that are here from `address`, what names the version they are of); (0, '') to start anew."""
        try:
            note = files.read_json(self.note)
            version = note["version"] if note["address"] == address else ""
        except (UserError, KeyError):
            return 0, ""
        return (self._size(), version) if isinstance(version, str) and version and self._size() else (0, "")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _drop_part(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _keep(self, address: str) -> None:
        """Checks the whole file and moves it to its place, with a sidecar that says where it is from."""
        entry, size, digest = self.entry, self._size(), files.sha256(self.part)
        wrong = None
        if entry.size is not None and size != entry.size:
            wrong = f"has a file of {size:,} bytes, not the published one of {entry.size:,}"
        elif not digest.startswith(entry.sha256 or ""):
            wrong = f"has another file than the published one: its sha256 is {digest}, not {entry.sha256}"
        elif lacks_its_end(self.part):
            wrong = f"broke off: the {size:,} bytes that came are not the whole file"
        if wrong is not None:
            self._drop_part()
            raise Refused(wrong)
        if not entry.sha256:
            _say(self.stream, f"{self.path.name}: {size:,} bytes, sha256 {digest}")
        origin = {"name": entry.name, "address": address, "size": size, "sha256": digest}
        when = datetime.now(UTC).isoformat(timespec="seconds")
        sidecar = self.path.with_name(f"{self.path.name}.json")
        files.write_json(sidecar, origin | {"licence": entry.licence or None, "when": when})
        with open(self.part, "rb") as file:
            os.fsync(file.fileno())  # a rename may reach the disk before the data does
        os.replace(self.part, self.path)
        self._drop_part()


class _Pace:
    """Ends what would take days: a server that trickles is given up, however often it is asked again."""

    def __init__(self) -> None:
        self.start, self.count = time.monotonic(), 0

    def add(self, count: int) -> None:
        """`count` more bytes came. Raises Refused where too few did in the time before."""
        self.count += count
        seconds = time.monotonic() - self.start
        if seconds > WINDOW:
            if self.count < seconds * SLOWEST:
                raise Refused(f"sends {self.count / seconds:,.0f} bytes a second, too few to wait for")
            self.start, self.count = time.monotonic(), 0


def _answer(address: str, offset: int, version: str) -> Any:
    """The response, whatever its status. Without a connection: Refused, or Cut where there is something to continue."""
    import requests  # a third of a second, which only those wait for who download
    import urllib3

    headers = {"User-Agent": f"stylegan_tf/{__version__}", "Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={offset}-", "If-Range": version} if offset else {}
    try:
        response = requests.get(
            address, headers=headers, stream=True, timeout=TIMEOUT, hooks={"response": _check_redirect}
        )
    except (requests.Timeout, requests.ConnectionError) as error:
        if error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError):
            raise (Cut if offset else Refused)(f"cannot be reached: {_reason(error)}") from None
        raise Cut(f"does not answer: {_reason(error)}") from None
    except (requests.RequestException, ValueError) as error:  # redirections without end, schemes without a reader
        raise Refused(f"cannot be asked: {plain(str(error))}") from None
    response.raw.enforce_content_length = False  # what is lacking is said with both numbers, and what came is kept
    return response


def _check_redirect(response: Any, *_, **__) -> None:
    """Follows a redirection to what a user may name too, but never out of an encrypted connection."""
    if not response.is_redirect:
        return
    target, wrong = urljoin(response.url, response.headers["location"]), ""
    try:
        check_address(target)
    except UserError as error:
        wrong = f"redirects to what is not followed: {error}"
    if urlsplit(response.url).scheme == "https" and urlsplit(target).scheme == "http":
        wrong = f"redirects to {target}, which is not encrypted"
    if wrong:
        response.close()
        raise Refused(wrong)


def _reason(error: BaseException) -> str:
    """What the operating system said, which lies below what the libraries made of it."""
    below: BaseException | None = error
    while below is not None:
        if getattr(below, "strerror", None):
            return str(below.strerror)  # type: ignore[attr-defined]
        below = below.__cause__ or below.__context__
    return plain(str(error))[:LONGEST] or type(error).__name__


def _refusal(response: Any) -> Failure:
    """What an answer with a status of no use says."""
    page = b"".join(_blocks(response, _Pace(), FIRST, FIRST))
    words = page_words(page) if is_page(page) else ""
    line = f"answers {response.status_code} {plain(response.reason or '')}".rstrip()
    line = f"{line} ({words})" if words else line
    if response.status_code not in BUSY:
        return Refused(line)
    wait = _retry_after(response.headers.get("Retry-After", ""))
    return Cut(line, wait) if wait <= LONGEST_WAIT else Refused(f"{line}, and asks to come back in {wait:,.0f}s")


def _retry_after(said: str) -> float:
    """Seconds to wait: the header has a number of them, or a date; 0 for anything else."""
    if re.fullmatch(r"\s*\d{1,9}\s*", said):
        return float(said)
    try:
        return max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
    except ValueError:
        return 0.0


def _total(response: Any, offset: int) -> int | None:
    """The size of the whole file whose bytes from `offset` on are in the answer; None if it does not say."""
    said = re.fullmatch(r"bytes (\d+)-\d+/(?:(\d+)|\*)", response.headers.get("Content-Range", ""))
    if said is None or int(said[1]) != offset:
        raise Refused("answers with another range than the one asked for")
    return None if said[2] is None else int(said[2])


def _blocks(response: Any, pace: _Pace, first: int, most: int | None = None) -> Iterator[bytes]:
    """The body in blocks as they come, up to `most` bytes; the first has `first` bytes or more if there are as many.

    Raises Cut, after the last block that came, where the connection breaks.
    """
    import urllib3

    held, came, broken = b"", 0, ""
    while most is None or came < most:
        try:
            block = response.raw.read1(CHUNK)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            broken = f"broke off after {came:,} bytes: {_reason(error)}"
            break
        if not block:
            break
        held, came = held + block, came + len(block)
        pace.add(len(block))
        if came >= first:
            yield held
            held = b""
    if held:
        yield held
    if broken:
        raise Cut(broken)


# ---------------------------------------------------------------------------------------------------------------------
# Addresses: which we follow, how Google Drive spells its own, and what a file fetched from one is called.


def check_address(address: str) -> None:
    """Raises UserError unless `address` is one that we follow: http or https, a host, no password, all escaped."""
    if not address.isascii() or re.search(r"[\x00-\x20\x7f]", address):
        raise UserError(f"the address {address!r} has spaces or letters that must be percent-encoded")
    try:
        parts = urlsplit(address)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UserError(f"{address} is no valid address: {error}") from None
    if parts.scheme not in SCHEMES:
        raise UserError(f"{address} is not fetched: only http and https addresses are, not {parts.scheme or 'others'}")
    if not parts.hostname or not port_is_valid:
        raise UserError(f"{address} is no valid address: it names no host")
    if parts.username is not None:
        raise UserError(f"the address of a file on {parts.hostname} holds a user name; fetch the file by hand")


def drive_id(address: str) -> str | None:
    """The id of the file on Google Drive that `address` means in any of Drive's spellings; None for other addresses."""
    parts = urlsplit(address)
    if parts.hostname not in DRIVE_HOSTS:
        return None
    in_path = re.search(r"/file/(?:u/\d+/)?d/([^/]+)", parts.path)
    found = in_path.group(1) if in_path else parse_qs(parts.query).get("id", [""])[0]
    return found if re.fullmatch(r"[\w-]{10,}", found, re.ASCII) else None


def of_file(address: str) -> str:
    """The address of the file that a page of GitHub, GitLab, Bitbucket, Hugging Face or Dropbox shows; others as they
    are.

    Raises UserError for a folder on Google Drive.
    """
    parts = urlsplit(address)
    host, path, query = (parts.hostname or "").removeprefix("www."), parts.path, parts.query
    if host in DRIVE_HOSTS and "/folders/" in path:
        raise UserError(
            f"{address} is a folder on Google Drive: give the address of one file, as its Share menu has it"
        )
    if host == "github.com":
        path = re.sub(r"^(/[^/]+/[^/]+)/blob/", r"\1/raw/", path)
    elif host in ("huggingface.co", "hf.co"):
        path = re.sub(r"^((?:/[^/]+){1,3})/blob/", r"\1/resolve/", path)
    elif host == "bitbucket.org":
        path = re.sub(r"^(/[^/]+/[^/]+)/src/", r"\1/raw/", path)
    elif "/-/blob/" in path:
        path = path.replace("/-/blob/", "/-/raw/", 1)
    elif host == "dropbox.com":
        query = re.sub(r"(^|&)dl=0(?=&|$)", r"\1dl=1", query)
    return parts._replace(path=path, query=query).geturl() if (path, query) != (parts.path, parts.query) else address


def without_scheme(text: str) -> str | None:
    """The address that `text` looks like, whose https:// was left out or misspelt; None where it looks like none."""
    rest = re.sub(r"^https?[:/]+", "", text)
    return f"https://{rest}" if re.match(r"(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d+)?/.", rest, re.ASCII) else None


def file_name(address: str) -> str:
    """What a file from `address` is called on disk: its last path component, for Google Drive <id>.pkl.

    Only letters, digits and ._- are kept, so that it is a plain visible name; without any of them it is 'network'.
    """
    file_id = drive_id(address)
    if file_id is not None:
        return f"{file_id}.pkl"
    last = urlsplit(address).path.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]+", "-", last, flags=re.ASCII).strip(".-")[-100:].lstrip(".-") or "network"


def marked(file: str, whose: str) -> str:
    """`file` with eight digits of `whose` before its suffix: for a second file of one name."""
    stem, dot, suffix = file.rpartition(".")
    digits = hashlib.sha256(whose.encode()).hexdigest()[:8]
    return f"{stem}-{digits}{dot}{suffix}" if dot else f"{file}-{digits}"


# ---------------------------------------------------------------------------------------------------------------------
# Contents: whether bytes are the network file that they are called. Hosts answer with pages, and connections break.


def complaint(file: str, first: bytes) -> str | None:
    """What is wrong with a file called `file` that begins with `first`, as the rest of a sentence; None if nothing."""
    if is_page(first):
        return f"is a web page instead of a network file: {page_words(first) or 'without a title'}"
    suffix = Path(file).suffix.lower()
    if first.startswith(STARTS.get(suffix, PICKLE + ZIP)):
        return None
    if what := by_start(first):
        return f"is {what}"
    wanted = {".pkl": "a pickle", ".keras": "a .keras archive"}.get(suffix, "a pickle or a zip archive")
    return f"is not {wanted}: it begins with {first[:8]!r}" if first else "is empty"


def lacks_its_end(path: Path) -> bool:
    """Whether the file was cut: a .pkl ends with the stop sign of pickles, a zip archive with its directory."""
    with open(path, "rb") as file:
        is_zip = file.read(4).startswith(ZIP)
        file.seek(-1, 2)
        last = file.read(1)
    if is_zip:
        return not zipfile.is_zipfile(path)
    return path.name.removesuffix(".part").endswith(".pkl") and last != b"."
