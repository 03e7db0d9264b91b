"""Network files in the cache folder, downloaded when they are first asked for: resumed, checked, never half there."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from stylegan_tf import files
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.progress import Eta, LiveLine
from stylegan_tf.weights import addresses, contents, http_file, registry
from stylegan_tf.weights.addresses import is_address
from stylegan_tf.weights.registry import Entry

FOLDER_VARIABLE = "STYLEGAN_TF_CACHE"
BACK_OFF = (1.0, 2.0, 4.0)  # seconds before another try, when the one before brought nothing new
POLL = 0.2  # seconds between looks at another process's lock


def cache_folder() -> Path:
    """Where network files are kept: $STYLEGAN_TF_CACHE, else pretrained/ of the checkout, or of the current folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "pyproject.toml").is_file() else Path()) / "pretrained"


def fetch(what: Entry | str, folder: str | os.PathLike | None = None, stream: TextIO | None = None) -> Path:
    """The path of the file of a registry entry, its name, or an address, in `folder` (default: the cache folder).

    A file that is there is used without the network, also one put there by hand under its official name. Otherwise
    it is downloaded, with progress on `stream` (default: standard error). Raises UserError for what is no name and no
    address that is followed; Failure where no address gives the file, with what each said and the path where a file
    fetched by hand is found.
    """
    entry = _entry(what) if isinstance(what, str) else what
    where = cache_folder() if folder is None else Path(folder)
    while not (path := _path(entry, where)).exists():
        try:
            where.mkdir(parents=True, exist_ok=True)
            _download_alone(entry, path, stream if stream is not None else sys.stderr)
        except OSError as error:
            why = error.strerror or str(error)
            raise Failure(f"cannot write {path.name} in the folder {where.absolute()}: {why}") from None
    _check_cached(entry, path)
    return path


def _entry(what: str) -> Entry:
    if is_address(what):
        return registry.from_address(what)
    entry = registry.find(what)
    if entry is None:
        hint = registry.nearest(what)
        raise UserError(f"there is no {what}: it is neither an address nor the name of a published file; {hint}")
    return entry


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _origin(path: Path) -> dict[str, Any]:
    """What the sidecar says of where a file is from; {} for a file put there by hand."""
    try:
        origin = json.loads(_sidecar(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}


def _path(entry: Entry, folder: Path) -> Path:
    """The file's place, or another one where a file of that name but of another origin lies."""
    path = folder / entry.file
    if path.exists() and _origin(path).get("name", entry.name) != entry.name:
        return folder / addresses.marked(entry.file, entry.name)
    return path


def _check_cached(entry: Entry, path: Path) -> None:
    """Quick looks at a file that is there: its first bytes and its size."""
    with open(path, "rb") as file:
        wrong = contents.complaint(path.name, file.read(contents.FIRST))
    size = entry.size if entry.size is not None else _origin(path).get("size")
    if wrong is None and size is not None and path.stat().st_size != size:
        wrong = f"has {path.stat().st_size:,} bytes instead of {size:,}"
    if wrong is not None:
        raise Failure(f"{path.absolute()} {wrong}; remove it, and it is downloaded again")


def _download_alone(entry: Entry, path: Path, stream: TextIO) -> None:
    """Downloads the file unless another process has by the time it lets us."""
    with _lock(path.with_name(f".{path.name}.lock"), stream):
        if path.exists():
            return
        _say_licence(entry, path.parent, stream)
        part = http_file.Part(path)
        try:
            _try_addresses(entry, part, path, stream)
        finally:
            part.tidy()


def _try_addresses(entry: Entry, part: http_file.Part, path: Path, stream: TextIO) -> None:
    reasons = []
    for address in entry.addresses:
        try:
            _download(entry, address, part, stream)
            _keep(entry, address, part, path, stream)
            return
        except (http_file.Refused, http_file.Cut) as failure:
            reasons.append(f"{address} {failure}")
    why = "; ".join(reasons).rstrip(".")
    raise Failure(f"could not download {entry.file}: {why}. A file fetched by hand is found at {path.absolute()}")


@contextmanager
def _lock(path: Path, stream: TextIO) -> Iterator[None]:
    """Holds the lock file, after waiting for the process that does."""
    with ExitStack() as stack:
        waiting = False
        while True:
            try:
                stack.enter_context(files.Lock(path))
                break
            except UserError:
                if not waiting:
                    holder = path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
                    _say(stream, f"waiting for process {holder}, which downloads the same file")
                waiting = True
                time.sleep(POLL)
        yield


def _say(stream: TextIO, line: str) -> None:
    print(line, file=stream, flush=True)


def _say_licence(entry: Entry, folder: Path, stream: TextIO) -> None:
    """Says under which licence the file is, once for each licence and folder."""
    said = folder / ".licences"
    before = said.read_text(encoding="utf-8") if said.exists() else ""
    if entry.licence and entry.licence not in before.splitlines():
        _say(stream, f"{entry.file} and its like are published under this licence: {entry.licence}")
        files.write_text(said, f"{before}{entry.licence}\n")


def _download(entry: Entry, address: str, part: http_file.Part, stream: TextIO) -> None:
    """Fills the part from one address, asking again after a cut; gives up after a few that brought nothing new."""
    waits = iter(BACK_OFF)
    while True:
        before = part.begun(address)[0]
        progress = _Progress(entry.file, before, stream)
        try:
            http_file.get(address, part, progress.show, entry.size)
            return
        except http_file.Cut as cut:
            if part.begun(address)[0] > before:
                waits = iter(BACK_OFF)
            wait = next(waits, None)
            if wait is None:
                raise
            progress.close()
            _say(stream, f"{address} {cut}; trying again")
            time.sleep(wait)
        finally:
            progress.close()


class _Progress:
    """The line that says how much of a file is here, how fast it comes and how much longer it takes."""

    def __init__(self, file: str, before: int, stream: TextIO):
        self.file, self.before = file, before
        self.line = LiveLine(stream)
        self.eta: Eta | None = None
        self.unit = 1

    def show(self, done: int, total: int | None) -> None:
        """done, total: bytes of the file. What an earlier request brought does not count for the speed."""
        if self.eta is None:
            if done < self.before:
                self.before = 0  # the server starts anew
            self.unit, name = (1_000, "kB") if total is not None and total < 10_000_000 else (1_000_000, "MB")
            rest = None if total is None else -(-(total - self.before) // self.unit)
            self.eta = Eta(rest, name)
        if self.line.due() or done == total:
            resumed = f" (after {self.before // self.unit:,} of before)" if self.before else ""
            self.line.show(f"{self.file}: {self.eta.text(-(-(done - self.before) // self.unit))}{resumed}")

    def close(self) -> None:
        self.line.close()


def _keep(entry: Entry, address: str, part: http_file.Part, path: Path, stream: TextIO) -> None:
    """Checks the whole file and moves it to its place, with a sidecar that says where it is from."""
    size, digest = part.size(), files.sha256(part.path)
    wrong = None
    if entry.size is not None and size != entry.size:
        wrong = f"has a file of {size:,} bytes, not the published one of {entry.size:,}"
    elif not digest.startswith(entry.sha256 or ""):
        wrong = f"has another file than the published one: its sha256 is {digest}, not {entry.sha256}"
    elif contents.lacks_its_end(part.path):
        wrong = f"broke off: the {size:,} bytes that came are not the whole file"
    if wrong is not None:
        part.remove()
        raise http_file.Refused(wrong)
    if not entry.sha256:
        _say(stream, f"{path.name}: {size:,} bytes, sha256 {digest}")
    origin = {"name": entry.name, "address": address, "size": size, "sha256": digest}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    files.write_json(_sidecar(path), origin | {"licence": entry.licence or None, "when": when})
    with open(part.path, "rb") as file:
        os.fsync(file.fileno())  # a rename may reach the disk before the data does
    os.replace(part.path, path)
    part.remove()
