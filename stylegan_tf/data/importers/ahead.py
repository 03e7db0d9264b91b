"""Work done in parallel, in order, and only a little ahead of who uses it."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Task], Result], tasks: Iterable[Task], ahead: int
) -> Iterator[tuple[Task, Result]]:
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
