"""make fuzz: how many inputs, of which readers, and what came of them. Goes on where it was stopped, at any moment."""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from random import Random

from stylegan_tf.environment import cores
from stylegan_tf.files import write_text
from stylegan_tf.progress import Eta, LiveLine
from tests.fuzz import ROOT, Target, is_single, targets
from tests.fuzz.mutations import mutated
from tests.fuzz.worker import serve

BATCH = 250  # inputs that are done, or done again, together
STALLED = 120.0  # seconds without an answer after which a worker waits for something that does not come
SHOWN = 300  # characters of a worker's last words
NUMERALS = str.maketrans(dict.fromkeys("0123456789", "0"))
ALIKE = 60  # first characters of findings that are listed as one
DOCUMENT = ROOT / "docs" / "SECURITY.md"
MARKS = "<!-- table of make fuzz -->", "<!-- end of table -->"


@dataclass
class Batch:
    """What became of the inputs first .. last - 1 of a reader. findings: number -> what was wrong."""

    reader: str
    seed: int
    first: int
    last: int
    good: int = 0
    refused: int = 0
    seconds: float = 0.0  # of CPU, all inputs together
    longest: float = 0.0  # of the input that took longest
    memory: int = 0  # bytes beyond what the process had before
    findings: dict[str, str] = field(default_factory=dict)


class Worker:
    """A process that reads inputs, started anew when it has died. `folder`: in memory where there is such a place."""

    def __init__(self) -> None:
        memory = "/dev/shm"
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if os.access(memory, os.W_OK) else None))
        self.process: subprocess.Popen | None = None
        self.heard = time.monotonic()

    def read(self, batch: Batch) -> None:
        """Reads all inputs of the batch, whatever happens to the process, and enters what came of them."""
        number = batch.first
        while number < batch.last:
            process = self._started()
            task = {"reader": batch.reader, "seed": batch.seed, "first": number, "last": batch.last}
            with suppress(BrokenPipeError):  # it has died meanwhile, and then says nothing
                process.stdin.write(json.dumps(task) + "\n")
                process.stdin.flush()
            self.heard = time.monotonic()
            if not process.stdout.readline():  # it says when it has read the whole inputs
                batch.findings[str(number)] = self._last_words()
                return
            for line in process.stdout:
                self.heard = time.monotonic()
                end, value = json.loads(line)
                if end == "memory":
                    batch.memory = max(batch.memory, value)
                    break
                batch.seconds += value
                batch.longest = max(batch.longest, value)
                batch.good += end == "good"
                batch.refused += end == "refused"
                if end not in ("good", "refused"):
                    batch.findings[str(number)] = end
                number += 1
            else:
                batch.findings[str(number)] = self._last_words()
                number += 1

    def _started(self) -> subprocess.Popen:
        if self.process is None or self.process.poll() is not None:
            self._end()
            threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
            environment = os.environ | threads | {"MALLOC_ARENA_MAX": "2", "TF_CPP_MIN_LOG_LEVEL": "3"}
            environment |= {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
            with open(self.folder.with_suffix(".log"), "w") as log:
                command = [sys.executable, "-m", "tests.fuzz", "--worker", str(self.folder)]
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
                own = {"start_new_session": True}  # Ctrl-C is for this process
                self.process = subprocess.Popen(command, cwd=ROOT, text=True, env=environment, **pipes, **own)
        return self.process

    def _last_words(self) -> str:
        code = self.process.wait()
        log = self.folder.with_suffix(".log").read_text(errors="replace")
        if self.heard == 0:
            return "waits for what does not come"
        return f"ends the process, with {code}: {' '.join(log.split())[-SHOWN:]}"

    def watch(self) -> None:
        """Ends a process that has said nothing for too long."""
        if self.process is not None and self.heard and time.monotonic() - self.heard > STALLED:
            self.heard = 0
            self.process.kill()

    def _end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()

    def close(self) -> None:
        """Ends the process and removes its files."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.with_suffix(".log").unlink(missing_ok=True)


def batches(readers: Iterable[Target], inputs: int, seed: int) -> list[Batch]:
    """All that is to be done."""
    result = []
    for reader in readers:
        count = max(1, inputs // reader.share)
        result += [Batch(reader.name, seed, at, min(at + BATCH, count)) for at in range(0, count, BATCH)]
    return result


def read_results(path: Path) -> dict[tuple[str, int, int], Batch]:
    """What was done before, by reader, seed and first input: the last that the file says of it."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            batch = Batch(**json.loads(line))
        except (ValueError, TypeError):  # the last line of a process that was killed, or of an older edition
            continue
        found[batch.reader, batch.seed, batch.first] = batch
    return found


def run(readers: Sequence[Target], inputs: int, seed: int, workers: int, path: Path) -> list[Batch]:
    """Does what the file of results lacks, or has findings in; returns everything."""
    wanted = batches(readers, inputs, seed)
    known = read_results(path)

    def is_done(batch: Batch) -> bool:
        before = known.get((batch.reader, batch.seed, batch.first))
        return before is not None and before.last >= batch.last and not before.findings

    tasks: queue.SimpleQueue[Batch] = queue.SimpleQueue()
    done: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
    todo = [batch for batch in wanted if not is_done(batch)]
    for batch in todo:
        tasks.put(batch)
    hands = [Worker() for _ in range(min(workers, max(1, len(todo))))]

    def work(worker: Worker) -> None:
        try:
            while True:
                batch = tasks.get_nowait()
                worker.read(batch)
                done.put(batch)
        except queue.Empty:
            pass
        finally:
            done.put(None)

    line, total = LiveLine(), sum(batch.last - batch.first for batch in todo)
    eta, count, found = Eta(total, "inputs"), 0, 0
    for worker in hands:
        threading.Thread(target=work, args=(worker,), daemon=True).start()
    try:
        working = len(hands)
        with open(path, "a") as results:
            while working:
                for worker in hands:
                    worker.watch()
                try:
                    batch = done.get(timeout=1)
                except queue.Empty:
                    continue
                if batch is None:
                    working -= 1
                    continue
                results.write(json.dumps(asdict(batch)) + "\n")
                results.flush()
                known[batch.reader, batch.seed, batch.first] = batch
                count += batch.last - batch.first
                found += len(batch.findings)
                line.show(f"fuzz: {eta.text(count)}, {batch.reader}, {found} findings")
    finally:
        line.close()
        for worker in hands:
            worker.close()
    names = {reader.name for reader in readers}
    return [batch for batch in known.values() if batch.reader in names and batch.seed == seed]


HEADING = "reader", "inputs", "refused", "good", "findings", "mean, ms", "longest, s", "most memory, MB"


def rows(results: Iterable[Batch]) -> dict[str, tuple[str, ...]]:
    """A line of the table for each reader."""
    by_reader: dict[str, list[Batch]] = {}
    for batch in results:
        by_reader.setdefault(batch.reader, []).append(batch)
    found = {}
    for reader, own in by_reader.items():
        good, refused = sum(batch.good for batch in own), sum(batch.refused for batch in own)
        wrong = sum(len(batch.findings) for batch in own)
        total = good + refused + wrong
        longest, most = max(batch.longest for batch in own), max(batch.memory for batch in own) / 1e6
        counts = (f"{number:,}" for number in (total, refused, good, wrong))
        mean = 1000 * sum(batch.seconds for batch in own) / total
        found[reader] = (reader, *counts, f"{mean:.1f}", f"{longest:.2f}", f"{most:.0f}")
    return found


def table(lines: Mapping[str, Sequence[str]]) -> str:
    """The lines of readers in Markdown, by name."""
    cells = [HEADING, *(lines[reader] for reader in sorted(lines))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    drawn = [f"| {row[0]:<{widths[0]}} | " + " | ".join(map(str.rjust, row[1:], widths[1:])) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 1) + (":" if at else "-") for at, width in enumerate(widths)) + "|"
    return "\n".join([drawn[0], rule, *drawn[1:]])


def write_table(results: Sequence[Batch], document: Path = DOCUMENT) -> None:
    """Puts the table and its totals into docs/SECURITY.md. A reader that was given more inputs before, as on another
    day or machine, keeps its line."""
    before, mark, rest = document.read_text().partition(MARKS[0])
    within, end, after = rest.partition(MARKS[1])
    if not mark or not end:
        sys.exit(f"{document} has no lines {' and '.join(MARKS)}")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in within.splitlines() if "|" in line]
    lines: dict[str, Sequence[str]] = {row[0]: row for row in cells[2:]}  # behind the heading and a rule
    for name, row in rows(results).items():
        if name not in lines or number(row[1]) >= number(lines[name][1]):
            lines[name] = row
    inputs, refused, findings = (f"{sum(number(row[at]) for row in lines.values()):,.0f}" for at in (1, 2, 4))
    longest, most = (max(number(row[at]) for row in lines.values()) for at in (6, 7))
    told = f"In all {inputs} inputs, {refused} refused, {findings} findings; {longest:g} s and {most:g} MB at most."
    write_text(document, f"{before}{mark}\n{table(lines)}\n\n{told}\n{end}{after}")


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def show(reader: Target, number: int, seed: int, folder: Path) -> None:
    """Writes one input into a folder and reads it, without any watch."""
    seeds = reader.seeds()
    tree = mutated(seeds, Random(f"{reader.name} {seed} {number}"), reader.mutate)
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in tree.items():
        path = folder / "case" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"{path}: {'a pipe' if content is None else f'{len(content):,} bytes {content[:100]!r}'}")
        os.mkfifo(path) if content is None else path.write_bytes(content)
    reader.read(path if is_single(seeds) else folder / "case", folder / "out")
    print("good")


def main() -> int:
    """Exit code 1 where anything was found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10**5, help="of each reader (default: 100000)")
    parser.add_argument("--readers", default="*", help="names, or patterns of them, with commas between (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds are other inputs (default: 0)")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (default: one per core)")
    parser.add_argument("--results", type=Path, default=Path("fuzz.jsonl"), help="remove it to begin anew")
    parser.add_argument("--write_table", action="store_true", help="put the results there are into docs/SECURITY.md")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="read one input of one reader, in ./fuzz-case")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.worker:
        serve(o.worker)
        return 0
    patterns = o.readers.split(",")
    known = targets()
    chosen = [known[name] for name in known if any(fnmatch(name, pattern) for pattern in patterns)]
    if not chosen:
        sys.exit(f"there is no reader {o.readers}; there are {', '.join(known)}")
    if o.write_table:
        write_table([batch for batch in read_results(o.results).values() if batch.seed == o.seed])
        return 0
    if o.show is not None:
        show(chosen[0], o.show, o.seed, Path("fuzz-case"))
        return 0
    try:
        results = run(chosen, o.inputs, o.seed, o.workers, o.results)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from {o.results}")
        return 130
    print(table(rows(results)))
    kinds: dict[str, list[str]] = {}
    for batch in results:
        for number, what in batch.findings.items():
            kind = f"{batch.reader}: {what.translate(NUMERALS)[:ALIKE]}"
            kinds.setdefault(kind, []).append(f"{batch.reader} {number}: {what}")
    for examples in kinds.values():
        print(f"{len(examples)} times, such as {examples[0]}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
