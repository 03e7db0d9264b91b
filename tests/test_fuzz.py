"""A sample of what `make fuzz` does, and whether it notices what it is for."""

import json
import os
import subprocess
import sys

import pytest
from early import Early

from tests.fuzz import ROOT, targets
from tests.fuzz.__main__ import MARKS, Batch, read_results, rows, run, table, write_table

SAMPLE = 300
READERS = """
import json, os, subprocess, sys
from pathlib import Path
from stylegan_tf.errors import UserError
from tests.fuzz import Target
from tests.fuzz.worker import Reader, Watch

def fail(path, out):
    raise UserError(f"{path} is none")

def mute(path, out):
    raise UserError("it is none")

def many(path, out):
    raise UserError(f"{path}\\nis none")

def odd(path, out):
    raise UserError(f"{path} holds \\x1b[2J")

def stray(path, out):
    open("/etc/hostname").close()

def write(path, out):
    path.with_name("b").write_bytes(b"")

def half(path, out):
    out.write_bytes(b"")
    fail(path, out)

reads = {
    "good": lambda path, out: path.read_bytes(),
    "bug": lambda path, out: {}["x"],
    "code": lambda path, out: eval(path.read_text()),
    "program": lambda path, out: subprocess.run(["true"]),
    "remove": lambda path, out: os.remove("/nowhere"),
} | {each.__name__: each for each in (fail, mute, many, odd, stray, write, half)}
folder = Path(sys.argv[1])
os.chdir(folder)
watch = Watch(folder)
ends = {}
for name, read in reads.items():
    reader = Reader(Target(name, lambda: [], read), folder, watch)
    reader.single = True
    ends[name] = reader.end_of({"a.txt": b"1 + 1"})[0]
print(json.dumps(ends))
"""


# A core for half a minute and more, which other tests leave alone.
sample = Early(
    lambda folder: [
        *("-m", "tests.fuzz", f"--inputs={SAMPLE}", "--workers=1"),
        f"--results={folder / 'fuzz.jsonl'}",
    ]
)


@pytest.mark.early(sample)
def test_a_sample_of_inputs_of_every_reader():
    path = sample.wait() / "fuzz.jsonl"
    readers = list(targets().values())
    results = run(readers, SAMPLE, 0, 2, path)
    assert [(batch.reader, batch.findings) for batch in results if batch.findings] == []
    for reader in readers:
        own = [batch for batch in results if batch.reader == reader.name]
        assert sum(batch.good + batch.refused for batch in own) == max(1, SAMPLE // reader.share)
        if reader.share == 1:
            assert all(batch.refused for batch in own) and any(batch.good for batch in own)
    assert table(rows(results)).count("\n") == len(readers) + 1
    again = run(readers, SAMPLE, 0, 2, path)
    assert again == results and len(read_results(path)) == len(results), "nothing is done twice"


def test_the_page_keeps_what_was_done_elsewhere(tmp_path):
    page = tmp_path / "SECURITY.md"
    page.write_text("\n".join(["before | x", *MARKS, "| after |"]))
    write_table(
        [Batch("a", 0, 0, 3, good=1, refused=2, longest=0.5), Batch("b", 0, 0, 9, refused=9, memory=10**7)], page
    )
    write_table([Batch("b", 0, 0, 2, refused=2), Batch("c", 0, 0, 1, findings={"0": "waits"})], page)
    lines = page.read_text().splitlines()
    assert [line.split()[1:8:2] for line in lines[4:7]] == [
        ["a", "3", "2", "1"],
        ["b", "9", "9", "0"],
        ["c", "1", "0", "0"],
    ]
    assert "13 inputs, 11 refused, 1 findings; 0.5 s and 10 MB" in lines[8]
    assert lines[0] == "before | x" and lines[-2:] == [MARKS[1], "| after |"]


def test_the_watch_notices_what_it_is_for(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", READERS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    ends = json.loads(done.stdout)
    assert (ends.pop("good"), ends.pop("fail")) == ("good", "refused")
    begin = {"bug": "KeyError", "mute": "does not say which file", "many": "says 2 lines", "odd": "says what cannot be"}
    begin |= {"code": "does compile", "program": "does subprocess.Popen", "remove": "does os.remove", "half": "leaves"}
    begin |= {"stray": "does open", "write": "leaves"}
    assert {name: end[: len(begin[name])] for name, end in ends.items()} == begin
