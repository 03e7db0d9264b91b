import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stylegan_tf.data.importers.ahead import in_order


def test_results_come_in_order_whoever_is_first():
    second_done = threading.Event()

    def work(task):
        if task == 0:
            assert second_done.wait(10)
        if task == 1:
            second_done.set()
        return task * 10

    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(pool, work, range(5), 3)) == [(0, 0), (1, 10), (2, 20), (3, 30), (4, 40)]


def test_it_runs_only_so_far_ahead():
    taken = []

    def tasks():
        for task in range(10):
            taken.append(task)
            yield task

    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, str, tasks(), 3)
        assert next(results) == (0, "0")
        assert taken == [0, 1, 2]
        assert next(results) == (1, "1")
        assert taken == [0, 1, 2, 3]
        results.close()


def test_an_error_comes_through_and_the_rest_is_cancelled():
    begun = []
    go = threading.Event()

    def work(task):
        begun.append(task)
        if task == 0:
            raise RuntimeError("broken")
        assert go.wait(10)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(RuntimeError, match="broken"):
            list(in_order(pool, work, range(100), 50))
        go.set()
    assert len(begun) <= 2


def test_no_tasks():
    with ThreadPoolExecutor(1) as pool:
        assert list(in_order(pool, str, [], 3)) == []
