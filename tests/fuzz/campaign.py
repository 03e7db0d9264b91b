"""Many broken inputs for every reader: python tests/fuzz/campaign.py --inputs=100000 --out=fuzz-results

Goes on where it was stopped. Afterwards totals.json has a table of what became of them, and each kind of fault with the
smallest input that shows it, which `--write=READER:NUMBER` puts into a folder.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("fuzz_worker.py")
CHUNK = 1000  # inputs of a reader until the next one has its turn


@dataclass
class Totals:
    """What became of the inputs of one reader. faults: signature -> count, number and bytes of the smallest, text."""

    inputs: int = 0
    refused: int = 0
    good: int = 0
    longest: float = 0.0  # seconds of CPU
    longest_number: int = 0
    most_memory: float = 0.0  # MB beyond what there was before
    most_number: int = 0
    faults: dict[str, dict] = field(default_factory=dict)

    def add(self, number: int, end: str, seconds: float, memory: float, size: int, signature: str, text: str) -> None:
        self.inputs += 1
        if end == "wrong":
            fault = self.faults.setdefault(signature, {"count": 0, "number": number, "bytes": size, "text": text})
            fault["count"] += 1
            if size < fault["bytes"]:
                fault.update(number=number, bytes=size, text=text)
        else:
            setattr(self, end, getattr(self, end) + 1)
        if seconds > self.longest:
            self.longest, self.longest_number = seconds, number
        if memory > self.most_memory:
            self.most_memory, self.most_number = memory, number


def run(
    jobs: Iterable[tuple[str, int, int]], totals: dict[str, Totals], each: Callable[[str], object] = lambda reader: None
) -> None:
    """Reads inputs first .. last - 1 of readers, and adds what became of them; each: called after every input."""
    left = {reader: [first, last] for reader, first, last in jobs}
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "MALLOC_ARENA_MAX": "1"}
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    environment |= {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    while left:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            (sandbox := Path(folder) / "sandbox").mkdir()
            arguments = [f"{reader}:{first}:{last}" for reader, (first, last) in left.items()]
            said = Path(folder) / "said"
            with open(said, "w") as stderr:
                worker = subprocess.Popen(
                    [sys.executable, str(WORKER), str(sandbox), *arguments],
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    cwd=folder,
                    env=environment,
                )
            assert worker.stdout is not None
            started = False
            try:
                for line in worker.stdout:
                    started = True
                    reader, number, *what = json.loads(line)
                    totals[reader].add(number, *what)
                    left[reader][0] = number + 1
                    if number + 1 == left[reader][1]:
                        del left[reader]
                    each(reader)
            finally:
                worker.kill()
                status = worker.wait()
            if not left:
                return
            # A reader with TensorFlow was ended: by the input behind the last that was told.
            reader, (first, last) = next(iter(left.items()))
            error = said.read_text(errors="replace")[-3000:]
            if not started or "AssertionError: a seed" in error or "AssertionError:" in error.splitlines()[-1:][0:1]:
                raise RuntimeError(f"the worker ended: {error}")
            how = signal.Signals(-status).name if status < 0 else "hang"
            totals[reader].add(first, "wrong", 0, 0, 2**62, how, error)
            left[reader][0] = first + 1
            if first + 1 >= last:
                del left[reader]


def main() -> int:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from fuzz_readers import READERS, broken, make_outside, write

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="of each reader")
    parser.add_argument("--out", type=Path, default=Path("fuzz-results"))
    parser.add_argument("--readers", nargs="+", choices=sorted(READERS), default=sorted(READERS))
    parser.add_argument("--write", metavar="READER:NUMBER", help="only puts this input into the folder --out")
    values = parser.parse_args()
    values.out.mkdir(parents=True, exist_ok=True)
    if values.write:
        name, number = values.write.split(":")
        secret = make_outside(values.out / "outside")
        write(broken(READERS[name], READERS[name].seeds(), int(number), str(secret)), values.out / "in")
        return 0
    file = values.out / "totals.json"
    stored = json.loads(file.read_text()) if file.exists() else {}
    totals = {name: Totals(**stored.get(name, {})) for name in sorted({*READERS, *stored})}
    todo = {name: values.inputs - totals[name].inputs for name in values.readers}
    whole, done, began, shown = sum(max(0, count) for count in todo.values()), 0, time.monotonic(), 0.0

    def each(reader: str) -> None:
        nonlocal done, shown
        done += 1
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            rate = done / (shown - began)
            faults = sum(fault["count"] for each in totals.values() for fault in each.faults.values())
            left = (whole - done) / rate / 60
            pace = f"{rate:.0f}/s, {left:.0f} min left"
            print(f"{reader}: {done:,}/{whole:,} inputs, {pace}, {faults} faults", flush=True)

    while any(totals[name].inputs < values.inputs for name in values.readers):
        for heavy in (False, True):
            firsts = {name: totals[name].inputs for name in values.readers if READERS[name].heavy == heavy}
            jobs = [(name, at, min(values.inputs, at + CHUNK)) for name, at in firsts.items() if at < values.inputs]
            if jobs:
                run(jobs, totals, each)
            temporary = file.with_suffix(".tmp")
            temporary.write_text(json.dumps({name: asdict(each) for name, each in totals.items()}, indent=1))
            temporary.replace(file)
    print(table(totals))
    return int(any(each.faults for each in totals.values()))


def table(totals: dict[str, Totals]) -> str:
    """As docs/SECURITY.md has it."""
    lines = ["| reader | inputs | refused | good | longest, s | most memory, MB | faults |", "|" + "---|" * 7]
    for name, each in totals.items():
        faults = sum(fault["count"] for fault in each.faults.values())
        lines.append(
            f"| {name} | {each.inputs:,} | {each.refused:,} | {each.good:,} | {each.longest:.1f} | "
            f"{each.most_memory:.0f} | {faults:,} |"
        )
    for name, each in totals.items():
        lines += [f"{name}: {what}: {fault}" for what, fault in each.faults.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
