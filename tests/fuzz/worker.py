"""Reads inputs, one after the other, and watches what happens; __main__.py starts this process and watches it too.

Standard input gets {"reader", "first", "last", "seed"} a line. For each input a line comes back: how it ended (good,
refused, or what was wrong), and the CPU seconds; after the last one, the bytes of memory that they took at most.
"""

import faulthandler
import io
import json
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
from random import Random

from stylegan_tf.errors import Failure, UserError
from tests.fuzz import ROOT, Target, Tree, is_single, target
from tests.fuzz.mutations import mutated

MEMORY = 2**29  # bytes of address space beyond what the process has when it begins with some inputs
SECONDS = 5  # of CPU for one input
LONGEST = 400  # characters of a sentence
MOST_LINES = 25  # of a sentence that lists faults

LIBRARIES = tuple({sys.prefix, sys.base_prefix, str(ROOT / "stylegan_tf"), "<frozen"})
MODULES = (".py", ".pyc", ".so", "/")
OF_THE_SYSTEM = re.compile(r"/proc/(meminfo|self/statm|\d+/fd/\d+)|/sys/fs/cgroup/memory\.\w+|/dev/(null|urandom)")
NEVER = {"os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen", "os.putenv"}
NEVER |= {"socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen", "marshal.load", "sys.setprofile"}
OF_CODE = {"exec", "compile"}
LITERALS = "compile", "<unknown>"  # ast.literal_eval, by which NumPy reads headers; nothing of it is executed
OF_FOLDERS = {"os.listdir", "os.scandir"}
CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
CHANGES |= {"shutil.rmtree", "shutil.move", "shutil.copyfile", "os.utime", "os.chown", "os.mkfifo"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes what a reader does outside the folder `scratch`, and prevents it. `seen`: a file, which a process of its
    own that a reader starts shares."""

    def __init__(self, scratch: Path):
        self.scratch = str(scratch)
        self.armed = False
        self.seen = os.memfd_create("seen")
        sys.addaudithook(self._hook)

    def take(self) -> str:
        """What was seen since the last call."""
        size = os.fstat(self.seen).st_size
        text = os.pread(self.seen, size, 0).decode("utf-8", "replace") if size else ""
        if size:
            os.ftruncate(self.seen, 0)
        return text

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.armed and not self._allowed(event, arguments):
            self.armed = False
            os.pwrite(self.seen, f"{event} {arguments!r:.150} ".encode("utf-8", "replace"), os.fstat(self.seen).st_size)
            self.armed = True
            raise PermissionError(f"{event}: not for a reader")

    def _allowed(self, event: str, arguments: tuple) -> bool:
        if event == "open":
            path, _, flags = arguments
            return isinstance(path, int) or (self._own(path) if flags & WRITING else self._readable(path))
        if event in OF_FOLDERS:
            return isinstance(arguments[0], int) or self._readable(arguments[0] or ".", "/")
        if event in OF_CODE:
            name = arguments[0].co_filename if event == "exec" else arguments[1]
            return isinstance(name, str) and name.startswith(LIBRARIES) or (event, name) == LITERALS
        if event in CHANGES:
            paths = [each for each in arguments[: 2 if event in ("os.rename", "os.link") else 1] if each is not None]
            return all(isinstance(path, int) or "/" not in os.fsdecode(path) or self._own(path) for path in paths)
        return event not in NEVER

    def _own(self, path) -> bool:
        return os.path.abspath(os.fsdecode(path)).startswith(self.scratch)

    def _readable(self, path, suffix: str = "") -> bool:
        full = os.path.abspath(os.fsdecode(path))
        if full.startswith(self.scratch) or OF_THE_SYSTEM.fullmatch(full):
            return True
        return full.startswith(LIBRARIES) and (full + suffix).endswith(MODULES)


class Forked:
    """In place of the process in which `apart` reads: a fork of this one is there at once, and is watched too."""

    watch: Watch
    seconds = 0.0  # of CPU, all of them together

    def __init__(self, command, stdin, pass_fds, env):
        self.watch.armed = False
        self.pid = os.fork()
        if not self.pid:
            from stylegan_tf.data.importers.apart import work

            limit_time()
            self.watch.armed = True
            work(pass_fds[0])
            os._exit(0)
        self.watch.armed = True
        self.code: int | None = None

    def kill(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        if self.code is None:
            _, status, used = os.wait4(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
            Forked.seconds += used.ru_utime + used.ru_stime
            if self.code == -signal.SIGPROF:
                os.pwrite(self.watch.seen, b"more CPU time than there is ", os.fstat(self.watch.seen).st_size)
        return self.code


def limit_time() -> None:
    """SIGPROF ends this process when it has worked longer than it may, in C too."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)


class Reader:
    """One target with its whole inputs, read once before limits are set."""

    def __init__(self, target: Target, folder: Path, watch: Watch):
        self.target, self.watch = target, watch
        self.path, self.out = folder / "case", folder / "out"
        if target.start:
            target.start()
        self.seeds = target.seeds()
        self.single = is_single(self.seeds)
        for tree in self.seeds:  # the first time what readers need is imported
            self.target.read(self._written(tree), self.out)
            end, _ = self.end_of(tree)
            if end != "good":
                raise AssertionError(f"{target.name}: a whole input is not read: {end}")

    def end_of(self, tree: Tree) -> tuple[str, float]:
        """(good, refused, or what was wrong; CPU seconds)."""
        path = self._written(tree)
        before = _cpu()
        try:
            with self._watched() as warned:
                self.target.read(path, self.out)
            end = "good"
        except (UserError, Failure) as error:
            end = fault_of(str(error), (str(self.path), *tree, *self.target.names), self.target.lists) or "refused"
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            end = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"
        seconds = _cpu() - before
        if seen := self.watch.take():
            end = f"does {seen}"
        elif warned:
            end = warned[0]
        elif end in ("good", "refused") and (left := self._left(tree, end)):
            end = f"leaves {left}"
        return end, seconds

    @contextmanager
    def _watched(self) -> Iterator[list[str]]:
        """Yields what readers say beside the result that they should not."""
        warned: list[str] = []
        said = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.showwarning = lambda message, *_, **__: warned.append(f"warns {message!r:.200}")
            self.watch.armed = True
            limit_time()
            try:
                yield warned
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                self.watch.armed = False
                warned += [f"prints {line!a:.200}" for line in said.getvalue().split("\n") if not line.isprintable()]

    def _written(self, tree: Tree) -> Path:
        """The path of the file, or of the folder of files."""
        for name in os.listdir(self.path.parent):
            path = self.path.with_name(name)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.path.mkdir()
        for name, content in tree.items():
            path = self.path / name
            if "/" in name:
                path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                os.mkfifo(path)
            else:
                path.write_bytes(content)
        return self.path / next(iter(tree)) if self.single else self.path

    def _left(self, tree: Tree, end: str) -> list[str]:
        """What lies about that should not."""
        files = (os.path.join(at, name) for at, _, names in os.walk(self.path) for name in names)
        there = {os.path.relpath(file, self.path) for file in files}
        beside = set(os.listdir(self.path.parent)) - {"case"} - ({"out", "out.png"} if end == "good" else set())
        return sorted((there ^ set(tree)) | beside)


def fault_of(message: str, names: tuple[str, ...], lists: bool = False) -> str:
    """What is wrong with a sentence; "" for a good one, which is one line that names the file."""
    lines = message.split("\n")
    if not all(line.isprintable() for line in lines):
        return f"says what cannot be printed: {message[:300]!a}"
    if len(lines) > (MOST_LINES if lists else 1) or max(map(len, lines)) > LONGEST:
        return f"says {len(lines)} lines, {max(map(len, lines))} characters: {message[:200]!a}"
    if not any(name.lower() in message.lower() for name in names):
        return f"does not say which file: {message[:300]!a}"
    return ""


def _cpu() -> float:
    return time.process_time() + Forked.seconds


def _pages(field: int) -> int:
    """Bytes of this process: 0 address space, 1 in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[field]) * resource.getpagesize()


def _most_resident() -> int:
    """Bytes that were in memory at a time since `forget_most`."""
    return int(Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2].split()[0]) * 1024


def _forget_most() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def serve(folder: Path) -> None:
    """Serves inputs until standard input ends, and then removes what is left of them."""
    folder = folder.resolve()
    report = os.dup(1)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        errors = os.dup(2)
        os.dup2(nothing.fileno(), 2)  # the readers' own reports
    sys.excepthook = lambda *error: os.write(errors, "".join(traceback.format_exception(*error)).encode())
    faulthandler.enable(errors)
    faulthandler.register(signal.SIGPROF, errors, chain=True)
    os.chdir(folder)
    Forked.watch = watch = Watch(folder)
    readers: dict[str, Reader] = {}
    unlimited = resource.getrlimit(resource.RLIMIT_AS)

    def tell(*words: object) -> None:
        os.write(report, (json.dumps(words) + "\n").encode())

    try:
        for line in sys.stdin:
            task = json.loads(line)
            name = task["reader"]
            resource.setrlimit(resource.RLIMIT_AS, unlimited)
            if name not in readers:
                readers[name] = Reader(target(name), folder, watch)
            reader = readers[name]
            limited = _pages(0) + MEMORY, unlimited[1]
            tell("ready", 0)
            most = 0
            for number in range(task["first"], task["last"]):
                rng = Random(f"{name} {task['seed']} {number}")
                resource.setrlimit(resource.RLIMIT_AS, unlimited)  # to make the input is not the reader's work
                tree = mutated(reader.seeds, rng, reader.target.mutate)
                resource.setrlimit(resource.RLIMIT_AS, limited)
                _forget_most()
                before = _pages(1)
                tell(*reader.end_of(tree))
                most = max(most, _most_resident() - before)
            tell("memory", most)
    except BrokenPipeError:  # nobody listens any more
        pass
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".log").unlink(missing_ok=True)
