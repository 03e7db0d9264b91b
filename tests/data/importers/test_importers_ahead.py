import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from refusals import failed

from stylegan_tf.data.importers.ahead import in_order, workers

ROOT = Path(__file__).parents[3]


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


def test_processes_or_threads():
    with workers(2, processes=False) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
    with workers(1, processes=True) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()


# A folder as working directory, and one pool for two tests: starting Python takes long.
def test_processes_are_prepared_and_one_that_is_killed_is_reported(tmp_path):
    with failed("process", "killed", "--workers"), workers(2, True, clean) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        assert pool.submit(os.getenv, "PYTEST_CURRENT_TEST").result() is None
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        pool.submit(time.sleep, 60).result()


def clean():
    del os.environ["PYTEST_CURRENT_TEST"]


SCRIPT = """
import os, signal, sys, time
from stylegan_tf.data.importers.ahead import workers
if __name__ == "__main__":
    with workers(2, True) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_their_parent(tmp_path, number):
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait(10)
    until = time.monotonic() + 10
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(worker)


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has asked about yet (Z) does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
