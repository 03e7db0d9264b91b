"""Foreign files are read by libraries in C in a process of their own.

What would end this process (a signal, memory without end) ends that one, and is one sentence here.
"""

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from subprocess import DEVNULL, Popen
from typing import Any

from stylegan_tf.errors import Failure, UserError, brief


def apart(
    path: str | os.PathLike, memory: int | None, produce: Callable[..., Iterable], *arguments: Any
) -> Generator[Any, None, None]:
    """What `produce(*arguments)` yields in another process, which ends with this generator.

    memory: bytes of address space that the work may take; None: any. Raises the UserError or Failure that `produce`
    raises; where it raises anything else, or its process dies, UserError that calls the file `path` damaged.
    """
    ours, its = Pipe()
    # Not by multiprocessing, which would first run the main module of this process once more.
    command = [sys.executable, "-c", f"from {__name__} import work; work({its.fileno()})"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # it inherits that: Ctrl-C is left to us
    try:
        process = Popen(command, stdin=DEVNULL, pass_fds=[its.fileno()], env=environment)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    its.close()
    try:
        with suppress(BrokenPipeError):
            ours.send((path, memory, produce, arguments))
        while (message := _received(ours)) is not None:
            item, error, ended = message
            if error is not None:
                raise error
            if ended:
                return
            yield item
        code = process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        raise UserError(f"{path} is damaged: the process that read it ended {how}; fetch or make it anew")
    finally:
        ours.close()
        process.kill()
        process.wait()


def _received(connection: Connection) -> tuple[Any, Exception | None, bool] | None:
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        return None


def work(descriptor: int) -> None:
    """What the other process does: it takes the task from this connection, and sends what comes of it."""
    sender = Connection(descriptor)
    path, memory, produce, arguments = sender.recv()
    threading.Thread(target=_end_with_parent, args=(sender,), daemon=True).start()
    if memory is not None:
        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory if hard < 0 else min(taken + memory, hard), hard))
    try:
        for item in produce(*arguments):
            sender.send((item, None, False))
        sender.send((None, None, True))
    except ConnectionError:  # nobody asks on
        return
    except (UserError, Failure) as error:
        sender.send((None, error, True))
    except Exception as error:  # these libraries raise nearly anything for foreign bytes
        sender.send((None, UserError(f"{path} is damaged ({brief(error)}); fetch or make it anew"), True))


def _end_with_parent(connection: Connection) -> None:
    _received(connection)  # nothing comes until nobody holds the other end
    os._exit(1)
