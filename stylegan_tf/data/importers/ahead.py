"""Work done in parallel, in order, and only a little ahead of who uses it."""

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from stylegan_tf.errors import Failure

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Task], Result], tasks: Iterable[Task], ahead: int
) -> Generator[tuple[Task, Result], None, None]:
    """(task, work(task)) in the order of the tasks; at most `ahead` results exist at a time (Executor.map keeps all).

    What `work` raises is raised here; tasks that were not begun are then cancelled, as they are when nobody asks on.
    """
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    rest = iter(tasks)
    try:
        while True:
            for task in itertools.islice(rest, ahead - len(waiting)):
                waiting.append((task, pool.submit(work, task)))
            if not waiting:
                return
            task, future = waiting.popleft()
            yield task, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def in_threads(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[tuple[Task, Result], None, None]:
    """(task, work(task)) in the order of the tasks, done by `workers` threads a little ahead of who uses it."""
    with ThreadPoolExecutor(workers) as pool:
        yield from in_order(pool, work, tasks, workers + 2)


@contextmanager
def workers(count: int, processes: bool, begin: Callable[[], object] | None = None) -> Iterator[Executor]:
    """A pool of `count` processes, or of threads in this one where there is too little to do for starting processes.

    `begin` is called in each process first. Processes end with this one, however it ends, and leave Ctrl-C to it.
    Raises Failure where one of them is killed.
    """
    if not processes or count == 1:
        with ThreadPoolExecutor(count) as threads:
            yield threads
        return
    # Spawned, because a process that has loaded TensorFlow cannot be forked safely.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, _begin_process, (begin,))
    try:
        _launch(pool, count)
        yield pool
    except BrokenProcessPool:
        raise Failure("a process was killed; memory may be short: try fewer --workers") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _launch(pool: Executor, count: int) -> None:
    """Starts the processes while Ctrl-C is held up: they inherit that, and it cannot hit them half begun."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(count):
            pool.submit(os.getpid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_process(begin: Callable[[], object] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
