"""Foreign files are read by libraries in C in a process of their own.

What would end this process (a signal, memory without end) ends that one, and is one sentence here.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection
from typing import Any

from stylegan_tf.data.importers.ahead import begin_process
from stylegan_tf.errors import Failure, UserError


def apart(
    path: str | os.PathLike, memory: int | None, produce: Callable[..., Iterable], *arguments: Any
) -> Generator[Any, None, None]:
    """What `produce(*arguments)` yields in another process, which ends with this generator.

    memory: bytes of address space that the work may take; None: any. Raises the UserError or Failure that `produce`
    raises; where it raises anything else, or its process dies, UserError that calls the file `path` damaged.
    """
    context = multiprocessing.get_context("spawn")  # see ahead.py
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, path, memory, produce, arguments), daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sender.close()
    try:
        while (message := _received(receiver)) is not None:
            item, error, ended = message
            if error is not None:
                raise error
            if ended:
                return
            yield item
        process.join()
        code = process.exitcode or 0
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        raise UserError(f"{path} is damaged: the process that read it ended {how}; fetch or make it anew")
    finally:
        receiver.close()
        process.terminate()
        process.join()


def _received(receiver: Connection) -> tuple[Any, Exception | None, bool] | None:
    try:
        return receiver.recv()
    except EOFError:
        return None


def _work(
    sender: Connection,
    path: str | os.PathLike,
    memory: int | None,
    produce: Callable[..., Iterable],
    arguments: tuple[Any, ...],
) -> None:
    begin_process(None)
    if memory is not None:
        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory if hard < 0 else min(taken + memory, hard), hard))
    try:
        for item in produce(*arguments):
            sender.send((item, None, False))
        sender.send((None, None, True))
    except BrokenPipeError:  # nobody asks on
        return
    except (UserError, Failure) as error:
        sender.send((None, error, True))
    except Exception as error:  # these libraries raise nearly anything for foreign bytes
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        sender.send((None, UserError(f"{path} is damaged ({what}); fetch or make it anew"), True))
