"""Files and folders that are either whole or absent, their digests, and locks between processes."""

import codecs
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from stylegan_tf.errors import UserError, brief

LONGEST_JSON = 2**24  # bytes
# Names of what is not whole yet, or about to be removed: with the number of the process that works on it.
_UNFINISHED = re.compile(
    r"\.tmp-(?P<file_pid>\d{1,9})-(?P<file>.+)|\.(?P<folder>.+)\.(?:tmp|old)-(?P<folder_pid>\d{1,9})", re.DOTALL
)


@contextmanager
def atomic_path(path: str | os.PathLike, flush: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`; on success it replaces `path`, after any error it is removed.

    The suffix is kept at the end of the temporary name, because some writers choose the format by it. flush: wait until
    the disk has it, so that `path` is whole after a power cut too.
    """
    target = Path(path)
    remove_leftovers(target)
    temporary = target.with_name(f".tmp-{os.getpid()}-{target.name}")
    try:
        with naming(target):
            yield temporary
            if flush:
                _flush_to_disk(temporary)
            os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(path: str | os.PathLike) -> None:
    """Removes what killed processes left beside `path` of their work on it, and says so.

    Where one was killed between moving the folder `path` aside and putting the new one in its place, the old one comes
    back.
    """
    target = Path(os.path.abspath(path))
    for leftover in _leftovers(target.parent).pop(target.name, ()):
        if ".old-" in leftover.name and not target.exists():
            os.replace(leftover, target)
            print(f"{target} is the old one again: a process that was replacing it was killed", file=sys.stderr)
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
            print(f"removed {leftover}, which a killed process had left", file=sys.stderr)
        else:
            leftover.unlink(missing_ok=True)
            print(f"removed {leftover}, which a killed process had left", file=sys.stderr)


def remove_unfinished(folder: Path) -> None:
    """Removes all that is not whole yet in a folder that is locked, so that no other process works on it."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _UNFINISHED.fullmatch(entry.name) and ".old-" not in entry.name:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def name_leftovers(path: str | os.PathLike) -> None:
    """Prints what is in the folder around `path` of work that did not end, and that `remove_leftovers` will not remove:
    work on something else, and what may be another process's that runs."""
    target = Path(os.path.abspath(path))
    with suppress(OSError):
        for entry in sorted(target.parent.iterdir()):
            if match := _UNFINISHED.fullmatch(entry.name):
                name, pid = match["file"] or match["folder"], int(match["file_pid"] or match["folder_pid"])
                if _is_alive(pid) and name == target.name:
                    print(
                        f"{entry}: process {pid} works on it; if that is no program of these, remove it",
                        file=sys.stderr,
                    )
                elif not _is_alive(pid) and name != target.name:
                    what = "was left by a killed process; remove it, or it is removed by what makes"
                    print(f"{entry} {what} {target.with_name(name)} again", file=sys.stderr)


@lru_cache(maxsize=64)
def _leftovers(folder: Path) -> dict[str, list[Path]]:
    """What killed processes left in a folder, by the name of what they worked on.

    Looked for once by a process: a folder may hold very many files.
    """
    found: dict[str, list[Path]] = {}
    with suppress(OSError):
        for entry in sorted(folder.iterdir()):
            match = _UNFINISHED.fullmatch(entry.name)
            if match and not _is_alive(int(match["file_pid"] or match["folder_pid"])):
                found.setdefault(match["file"] or match["folder"], []).append(entry)
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # not ours to signal
        return True
    return True


@contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """An error of the operating system says which file it is about: that of a write that fails does not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def reason(error: Exception) -> str:
    """Why something could not be written, in few words: "No space left on device: results/00000-x/G.keras".

    The operating system's word stands in the middle of what TensorFlow and h5py say, and behind long paths.
    """
    text = str(error)
    if by_hdf5 := re.search(r"filename = '(.*?)'.*error message = '(.*?)'", text):
        return f"{by_hdf5[2]}: {by_hdf5[1]}"
    if by_tensorflow := re.fullmatch(r"(?:\{\{.*?\}\} )?(.+); ([^;]+?)(?: \[Op:\w+\])?", text):
        return f"{by_tensorflow[2]}: {by_tensorflow[1]}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    return brief(error)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: object) -> None:
    """Writes `value` as indented JSON, whole or not at all; NaN and infinity raise ValueError (JSON has neither)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike) -> dict[str, Any]:
    """The object in a JSON file that anybody may have written; its values may be anything that JSON has, NaN too.

    Raises UserError that names the file where it is none.
    """
    try:
        if not os.path.isfile(path):  # a pipe would wait for somebody to write into it
            raise ValueError("there is no such file")
        if os.path.getsize(path) > LONGEST_JSON:
            raise ValueError(f"it has more than {LONGEST_JSON} bytes")
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        json.dumps(content, ensure_ascii=False).encode()  # half a pair of surrogates is no text
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{os.fspath(path)} cannot be read as JSON: {brief(error, 100)}") from None
    if not isinstance(content, dict):
        raise UserError(f"{os.fspath(path)} must hold a JSON object, in braces")
    return content


def ends_a_line(path: str | os.PathLike) -> bool:
    """Whether a file is empty or ends with a line: one that a killed process was writing may not."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        return not size or os.pread(file.fileno(), 1, size - 1) == b"\n"


def read_json_lines(path: str | os.PathLike) -> tuple[list[dict[str, Any]], int]:
    """(the objects in a file of JSON lines, how many other lines it has, which are left out).

    Raises UserError where there is no such file, or OSError.
    """
    if not os.path.isfile(path):  # a pipe would wait for somebody to write into it
        raise UserError(f"there is no file {os.fspath(path)}")
    found, others = [], 0
    for line in map(bytes.strip, Path(path).read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")):
        try:
            # Without its braces a line is not given to the reader, whose refusal of a million lines takes seconds.
            content = json.loads(line) if line[:1] + line[-1:] == b"{}" else None
        except (ValueError, RecursionError):
            content = None
        if content is not None:
            found.append(content)
        else:
            others += bool(line)
    return found, others


def sha256(path: str | os.PathLike) -> str:
    """The SHA-256 of the file, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic_folder(path: str | os.PathLike, replace: bool = False) -> Iterator[Path]:
    """Yields a new, empty sibling folder `.<name>.tmp-<pid>`; on success one rename makes it `path`.

    After any error, Ctrl-C included, it is removed, and so are the parent folders that were made for it. Raises
    UserError when `path` exists and is anything but an empty folder. With `replace` the folder that is there at the
    end, whatever it holds, is moved aside, and removed when the new one is in its place.
    """
    target = Path(os.path.abspath(path))
    remove_leftovers(target)
    if not replace:
        _refuse_occupied(target)
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed process that had our number
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            _flush_to_disk(file)
        if replace and target.exists():
            _swap(temporary, target)
        else:
            _refuse_occupied(target)
            os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):  # another process may have put something there meanwhile
            for folder in made:
                folder.rmdir()
        raise


def _swap(new: Path, target: Path) -> None:
    """Puts a folder in the place of another, which comes back when that fails or Ctrl-C comes between."""
    aside = target.with_name(f".{target.name}.old-{os.getpid()}")
    try:
        os.replace(target, aside)
        os.replace(new, target)
    finally:
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.replace(aside, target)


def _refuse_occupied(folder: Path) -> None:
    if folder.is_dir():
        if any(folder.iterdir()):
            raise UserError(f"the folder {folder} is not empty; name a new one, or remove it first")
    elif folder.exists() or folder.is_symlink():
        raise UserError(f"{folder} exists and is not a folder; name a new folder")


def _flush_to_disk(path: Path) -> None:
    """A rename may reach the disk before the data does; after this it cannot."""
    if path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """Holds the lock file `path` for as long as the `with` block, and never longer than this process lives.

    Raises UserError, naming the folder and the process, when another holds it. The file stays: removing it would let
    two processes lock two files of the same name.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self._descriptor = -1

    def __enter__(self) -> "Lock":
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UserError(f"{self.path} is no file that can be locked; remove it")
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).strip()
            os.close(descriptor)
            folder, number = self.path.absolute().parent, holder.decode() if holder.isdigit() else "unknown"
            raise UserError(f"the folder {folder} is in use by process {number}; wait for it or stop it") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1
