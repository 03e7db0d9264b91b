"""Reads broken inputs, each with little memory and time, in a sandbox: fuzz_worker.py FOLDER READER:FIRST:LAST ...

Prints a line for each input, a JSON list: reader, number, how it ended (refused, good, wrong), seconds of CPU, MB of
memory, bytes of the input, and where it went wrong: a signature and a text. Readers without TensorFlow run in forks, so
that a signal ends one input and not the others.
"""

import ctypes
import faulthandler
import gc
import io
import json
import mmap
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from fuzz_readers import READERS, Reader, Special, Tree, broken, make_outside, write
from PIL import Image

from stylegan_tf.data.importers.source import LISTS
from stylegan_tf.errors import Failure, UserError

ROOT = Path(__file__).parents[2]
MEMORY = 2**29  # bytes of address space, beyond what there is before the input is read
LARGEST_FILE = 2**26
CPU_SECONDS, SECONDS, LAST_SECONDS = 30, 60, 90
LONGEST_SENTENCE = 5000  # characters; 20 faults are listed at most
# What no input may make us do; see Python's table of audit events.
FORBIDDEN = {
    *("pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.putenv"),
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen", "code.__new__", "os.kill"),
}
CHANGES = {
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime"),
    *("shutil.rmtree", "shutil.move", "shutil.copyfile", "tempfile.mkstemp", "tempfile.mkdtemp"),
}
CODE = (sys.prefix, sys.base_prefix, *map(os.path.realpath, sys.path))
READABLE = (*CODE, "/proc/", "/sys/fs/cgroup", "/usr/", "/etc/", "/dev/null", "/dev/urandom")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Hang(BaseException):
    """The input took too long."""


class Guard:
    """Notes what is done outside of the folders of the input and of the result, while `armed`."""

    def __init__(self, given: Path, target: Path):
        self.given, self.target = str(given), str(target)
        self.armed = False
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.armed:
            return
        self.armed = False  # what is done here is not watched
        try:
            if self._is_wrong(event, arguments):
                self.seen.append(f"{event} {arguments[:2]!r:.150}")
        finally:
            self.armed = True

    def _is_wrong(self, event: str, arguments: tuple) -> bool:
        if event == "open":
            path, mode, flags = arguments
            if not isinstance(path, str | bytes | os.PathLike):
                return False
            path = os.path.abspath(os.fsdecode(path))
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & WRITES:
                return not path.startswith((self.target, "/dev/null"))
            return not path.startswith((self.given, self.target, *READABLE))
        if event == "exec":  # modules that are imported late, and named tuples
            return not arguments[0].co_filename.startswith((*CODE, "<"))
        if event in CHANGES:
            paths = [os.fsdecode(each) for each in arguments[:2] if isinstance(each, str | bytes | os.PathLike)]
            at = os.getcwd()
            if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:  # relative to an open folder
                at = os.readlink(f"/proc/self/fd/{arguments[1]}")
            return not all(os.path.normpath(os.path.join(at, path)).startswith(self.target) for path in paths)
        return event in FORBIDDEN


class Sandbox:
    """A folder with the input, what is beside it, and where results go."""

    def __init__(self, folder: Path):
        self.folder, self.given, self.target = folder, folder / "in", folder / "target"
        self.secret = make_outside(folder / "outside")
        self.guard = Guard(self.given, self.target)
        sys.addaudithook(self.guard)

    def put(self, tree: Tree) -> None:
        os.chdir(self.folder)
        for folder in (self.given, self.target):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        write(tree, self.given)
        os.chdir(self.given)  # where a name without a folder leads is looked at before and after

    def listing(self) -> list[tuple[str, int]]:
        """Everything but the target: (path, size)."""
        found = [path for path in self.folder.rglob("*") if not path.is_relative_to(self.target)]
        return sorted((str(path), path.lstat().st_size) for path in found)

    @contextmanager
    def guarded(self, seconds: int) -> Iterator[None]:
        """Limits of memory and time, and what is done outside of the sandbox is noted."""
        here = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        used = int(time.process_time())
        limits = {resource.RLIMIT_AS: here + MEMORY, resource.RLIMIT_CPU: used + CPU_SECONDS}
        limits[resource.RLIMIT_FSIZE] = LARGEST_FILE
        before = {kind: resource.getrlimit(kind) for kind in limits}
        for kind, limit in limits.items():
            resource.setrlimit(kind, (limit, before[kind][1]))
        faulthandler.dump_traceback_later(LAST_SECONDS, exit=True, file=sys.__stderr__)
        signal.alarm(seconds)
        self.guard.seen.clear()
        self.guard.armed = True
        try:
            yield
        finally:
            self.guard.armed = False
            signal.alarm(0)
            faulthandler.cancel_dump_traceback_later()
            for kind, limit in before.items():
                resource.setrlimit(kind, limit)


def outcome(reader: Reader, tree: Tree, sandbox: Sandbox) -> tuple[str, float, float, str, str]:
    """(how it ended, seconds of CPU, MB of memory, signature, text)."""
    sandbox.put(tree)
    before = sandbox.listing()
    started, memory = time.process_time(), resident(reset=True)
    end, signature, text = "good", "", ""
    waits = any(isinstance(content, Special) for content in tree.values())  # nobody writes into a pipe
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), sandbox.guarded(2 if waits else SECONDS):
            reader.read(sandbox.given, sandbox.target)
    except (UserError, Failure) as error:
        end, text = "refused", str(error)
        signature = unclear(text, tree, sandbox)
    except BaseException as error:  # whatever it is, it is what we look for
        signature, text = f"{type(error).__name__} in {place(error)}", f"{type(error).__name__}: {error}"
    seconds, most = time.process_time() - started, resident() - memory
    if sandbox.guard.seen:
        signature, text = f"does {sandbox.guard.seen[0].split()[0]}", sandbox.guard.seen[0]
    elif sandbox.listing() != before:
        signature, text = "changes files", str({*sandbox.listing()} ^ {*before})
    elif not signature and end == "refused" and any(sandbox.target.iterdir()):
        signature, text = "leaves files", str(list(sandbox.target.iterdir()))
    return "wrong" if signature else end, seconds, most / 2**20, signature, text[:600]


def unclear(text: str, tree: Tree, sandbox: Sandbox) -> str:
    """What is wrong with a sentence: "" where it names the input, is short, and shows no control characters."""
    if not text or len(text) > LONGEST_SENTENCE or "Traceback" in text:
        return "too long a sentence" if text else "no sentence"
    if any(ord(letter) < 32 and letter not in "\n\t" or 127 <= ord(letter) < 160 for letter in text):
        return "control characters in a sentence"
    named = (str(sandbox.given), str(sandbox.target), *LISTS, *(Path(name).name for name in tree))
    return "" if any(name in text for name in named) else "a sentence that names no file"


def place(error: BaseException) -> str:
    """The innermost function of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(ROOT))]
    found = [frame for frame in ours if "/stylegan_tf/" in frame.filename] or ours
    return f"{Path(found[-1].filename).stem}.{found[-1].name}" if found else "nowhere"


def resident(reset: bool = False) -> int:
    """Bytes of memory in use, or without reset the most since the last one."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    name = "VmRSS" if reset else "VmHWM"
    line = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert line is not None
    return int(line[1]) * 1024


def read_range(name: str, first: int, last: int, sandbox: Sandbox, at: mmap.mmap, seeds: list[Tree]) -> None:
    reader = READERS[name]
    for number in range(first, last):
        at[:8] = number.to_bytes(8, "little")
        tree = broken(reader, seeds, number, str(sandbox.secret))
        size = sum(len(content) for content in tree.values() if isinstance(content, bytes))
        end, seconds, memory, signature, text = outcome(reader, tree, sandbox)
        text = text if end == "wrong" else ""
        print(json.dumps([name, number, end, round(seconds, 3), round(memory, 1), size, signature, text]), flush=True)
        if number % 50 == 0:
            gc.collect()


def warm(name: str, sandbox: Sandbox) -> list[Tree]:
    """The seeds, all of which are good; reading them imports what reading needs."""
    with warnings.catch_warnings(action="ignore"):
        seeds = READERS[name].seeds()
    outcome(READERS[name], seeds[0], sandbox)  # what is imported may do more than a reader may
    for tree in seeds:
        end, _, _, signature, text = outcome(READERS[name], tree, sandbox)
        if end != "good":
            raise AssertionError(f"a seed of {name} is {end}: {signature} {text}")
    return seeds


def main(folder: Path, jobs: list[str]) -> None:
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, too_long)
    faulthandler.enable(sys.__stderr__)
    Image.init()
    sandbox, at = Sandbox(folder), mmap.mmap(-1, 8)
    sandbox.guard.armed = False
    for job in jobs:
        name, first, last = job.split(":")
        seeds = warm(name, sandbox)
        if READERS[name].heavy:
            read_range(name, int(first), int(last), sandbox, at, seeds)
        else:
            in_forks(name, int(first), int(last), sandbox, at, seeds)


def in_forks(name: str, first: int, last: int, sandbox: Sandbox, at: mmap.mmap, seeds: list[Tree]) -> None:
    """Where a signal ends one, the next begins behind the input that did it."""
    errors = sandbox.folder.parent / f"stderr-{os.getpid()}"
    while first < last:
        at[:8] = first.to_bytes(8, "little")
        pid = os.fork()
        if not pid:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # ends with its parent
            descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 2)
            os.close(descriptor)
            try:
                read_range(name, first, last, sandbox, at, seeds)
            except BaseException:
                traceback.print_exc()
                os._exit(3)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said = errors.read_text(errors="replace")
        errors.unlink()
        if status == 3:
            raise AssertionError(f"{name}, at {int.from_bytes(at[:8], 'little')}: {said}")
        if status == 0:
            return
        number = int.from_bytes(at[:8], "little")
        tree = broken(READERS[name], seeds, number, str(sandbox.secret))
        size = sum(len(content) for content in tree.values() if isinstance(content, bytes))
        ours = re.search(r'stylegan_tf/[^"]*?(\w+)\.py", line \d+ in (\w+)', said)
        how = signal.Signals(-status).name if status < 0 else "hang"
        signature = f"{how} in {ours[1]}.{ours[2]}" if ours else how
        print(json.dumps([name, number, "wrong", 0, 0, size, signature, said[:600]]), flush=True)
        first = number + 1


def too_long(*_: object) -> None:
    raise Hang


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
