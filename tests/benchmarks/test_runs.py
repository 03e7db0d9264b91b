"""What is kept of a run, and how programs are started and stopped."""

import os
import signal
import sys
import threading
import time

import pytest

from benchmarks import runs
from stylegan_tf import rundir
from stylegan_tf.errors import Failure
from tests.refusals import refused

SAVES = """
import signal, sys, time
def save(number, frame):
    print(number, file=open(sys.argv[1], "a"))
    sys.exit(130)
signal.signal(signal.SIGINT, save)
signal.signal(signal.SIGTERM, save)
open(sys.argv[1], "w").write("ready\\n")
time.sleep(60)
"""


def test_lines(tmp_path):
    path = tmp_path / "results" / "made.jsonl"
    assert runs.lines(path) == []
    runs.keep(path, {"start": "a", "kimg": 5})
    runs.keep(path, {"start": "b", "kimg": 5})
    assert runs.lines(path) == [{"start": "a", "kimg": 5}, {"start": "b", "kimg": 5}]
    runs.check_alike(path, runs.lines(path), {"kimg": 5})
    with refused(path, "kimg 5, not 6", "--lines"):
        runs.check_alike(path, runs.lines(path), {"kimg": 6})
    runs.keep(path, {"start": "a", "kimg": 7}, lambda line: line["start"] == "a")
    assert runs.lines(path) == [{"start": "b", "kimg": 5}, {"start": "a", "kimg": 7}]
    path.write_text(path.read_text() + "<<<<<<< ours\n")
    with refused(path, "1"):
        runs.lines(path)
    with refused(tmp_path):
        runs.lines(tmp_path)


def test_what_is_kept_of_a_run(programs, tmp_path):
    flags = ["--config=F", f"--outdir={tmp_path}", "--total_kimg=10", "--metrics=fid1k@faces"]
    runs.program("train.py", *flags)
    run_dir = runs.trained(tmp_path, 10)
    programs.measure(run_dir, "fid1k@faces", [10])  # once more
    found = runs.measured(run_dir, "fid1k@faces")
    assert [(one["kimg"], one["value"], one["network"]) for one in found] == [
        (0, 100.0, "digest-0"),
        (5, 95.0, "digest-5"),
        (10, 90.0, "digest-10"),
    ]
    assert all(one["conditions"] == {"seed": 0, "samples": 10} for one in found)  # no paths
    kept = runs.circumstances(run_dir)
    assert kept["train_seconds"] == 60 and kept["precision"] == "float32" and "cores" in kept["machine"]
    assert set(kept["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    with refused(run_dir, "10 kimg", "--outdir"):
        runs.trained(tmp_path, 5)
    assert runs.measured(run_dir, "ls_1k@faces") == []
    rundir.snapshot_dir(run_dir, 15000).mkdir()
    (rundir.snapshot_dir(run_dir, 15000) / "Gs.keras").touch()
    assert runs.measured(run_dir, "fid1k@faces") == []  # the newest was not


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_program_save(tmp_path, number):
    script, told = tmp_path / "saves.py", tmp_path / "told"
    script.write_text(SAVES)
    before = signal.getsignal(number)

    def send():
        while not told.is_file() or not told.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        runs.program(str(script), str(told))
    sender.join()
    assert told.read_text() == f"ready\n{number.value}\n"  # once
    assert signal.getsignal(number) == before


def test_a_program_that_fails(tmp_path):
    script = tmp_path / "ends.py"
    script.write_text("import sys; print('told'); sys.exit(int(sys.argv[1]))")
    assert runs.program(str(script), "0") == ""
    assert runs.program(str(script), "0", capture=True) == "told\n"
    with pytest.raises(Failure, match="ends.py"):
        runs.program(str(script), "2")
    for code in ("130", "143"):  # stopped by itself, as by the system
        with pytest.raises(KeyboardInterrupt):
            runs.program(str(script), code)


def test_cpu():
    assert sys.platform != "linux" or "processor" in runs.cpu()
