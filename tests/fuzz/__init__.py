"""Reads damaged and malicious files by every reader of foreign bytes: `make fuzz`, or python -m tests.fuzz --help.

Each file here with a list TARGETS (data.py, ...) has the readers of one area. An input is one of a target's whole files
with faults in it, the same ones for the same (seed, number). It must end as a good result or as one sentence of a
UserError or Failure, within limits of memory and time, with nothing executed and nothing else opened (worker.py).
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
NOT_AREAS = {"__init__", "__main__", "worker", "mutations"}

sys.path.append(str(FOLDER.parent))  # makers of whole files beside the tests

Tree = Mapping[str, bytes | None]  # path -> content of each file; None: a pipe, which no reader may wait at


@dataclass(frozen=True)
class Target:
    """One reader. `seeds` makes whole inputs, always the same ones; they are small, so that inputs are quick.

    `read` calls the reader as the programs do: with the path of the file, or of the folder where an input is several
    files, and a path that does not exist yet, where it may write. It raises AssertionError for a result that is no good
    """

    name: str
    seeds: Callable[[], Sequence[Tree]]
    read: Callable[[Path, Path], object]
    mutate: Callable[[str, bytes, Random], bytes] | None = None  # (file name, content, rng); None: by the file's suffix
    share: int = 1  # one input of so many: for readers that take long
    lists: bool = False  # a refusal may be a sentence and a line for each fault
    names: tuple[str, ...] = ()  # what a sentence may name instead of the file: files in an archive
    start: Callable[[], object] | None = None  # called once in each process, before anything is read


def is_single(seeds: Sequence[Tree]) -> bool:
    """Whether the inputs of these seeds are files, and not folders of them."""
    return all(len(tree) == 1 for tree in seeds)


def areas() -> Iterator[Sequence[Target]]:
    """The targets of each file, which is imported only when it is asked for: some import TensorFlow."""
    for name in sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NOT_AREAS):
        yield importlib.import_module(f"tests.fuzz.{name}").TARGETS


def target(name: str) -> Target:
    """The one of that name, with nothing imported that it does not need: a fork of a small process is there sooner."""
    return next(each for area in areas() for each in area if each.name == name)


def targets() -> dict[str, Target]:
    """All of them by name."""
    found = [each for area in areas() for each in area]
    by_name = {each.name: each for each in found}
    if len(by_name) < len(found):
        raise ValueError("two targets have the same name")
    return by_name
