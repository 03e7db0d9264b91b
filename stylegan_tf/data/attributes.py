"""Lists of binary attributes, as CelebA has them: list_attr_*.txt, or in Kaggle's form list_attr_*.csv."""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylegan_tf.data.layout import DataSet, read_facts
from stylegan_tf.errors import UserError, brief
from stylegan_tf.files import write_text

COUNT = re.compile(r"\d{1,9}", re.ASCII)
PATTERNS = ("list_attr_*.txt", "list_attr_*.csv")


@dataclass(frozen=True)
class Attributes:
    """`table`: bool [N, len(names)], a row for each picture in the order of the list; `files`: the N file names."""

    path: Path
    names: tuple[str, ...]
    table: np.ndarray
    files: tuple[str, ...]

    def column(self, name: str) -> np.ndarray:
        """bool [N] of the attribute of that name, whatever its spelling (see `plain`)."""
        return self.table[:, [plain(own) for own in self.names].index(plain(name))]


def plain(name: str) -> str:
    """'5_o_Clock_Shadow' -> '5-o-clock-shadow', which is how the published classifiers are called."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def find_list(data_set: DataSet) -> Path:
    """The attribute list beside the records. Raises UserError where there is not exactly one."""
    found = sorted(path for pattern in PATTERNS for path in data_set.directory.glob(pattern))
    if len(found) != 1:
        there = f"holds {len(found)} of them" if found else "holds none"
        raise UserError(
            f"--attributes must name the attribute list ({', '.join(PATTERNS)}): {data_set.directory} {there}"
        )
    return found[0]


def attributes_of(data_set: DataSet, path: str | os.PathLike | None = None) -> Attributes:
    """The attributes of a data set's pictures, in the order of the records: from the list beside them, or at `path`.

    Raises UserError where the list does not fit, or is sorted by name while the records are in random order.
    """
    path = Path(path) if path else find_list(data_set)
    found = read_attributes(path, data_set.num_images)
    facts = read_facts(data_set.directory)
    shuffled = facts.get("shuffle") == 1 or facts.get("command") == "create_celeba"
    beside = path.absolute().parent == data_set.directory.absolute()
    if shuffled and not beside and list(found.files) == sorted(found.files):
        raise UserError(
            f"{path} is sorted by name, but the pictures of {data_set.directory} are in random order; make them anew "
            f"with create_from_images --labels={path}, which puts the list beside the records in their order"
        )
    return found


def read_attributes(path: str | os.PathLike, num_images: int | None = None) -> Attributes:
    """Reads a list in CelebA's layout: the count, the names, then a picture a line, its file name and 1 or -1 each; or
    with commas: no count, a column more before the names, and 1 or -1, or 1 or 0.

    num_images: pictures of the data set that it is for, None for as many as it lists. Raises UserError that names the
    line where it is something else.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # reading from a pipe would wait for somebody to write into it
            raise UserError(f"{path} is not an attribute list: it is no regular file")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not an attribute list: it is not text") from None
    except OSError as error:
        raise UserError(f"the attribute list {path} cannot be read: {error.strerror}") from None
    return parse_attributes(path, text, num_images)


def parse_attributes(path: str | os.PathLike, text: str, num_images: int | None = None) -> Attributes:
    """See `read_attributes`; path: for messages."""
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    rows: Iterator[list[str]]
    if lines and "," in lines[0]:
        rows = _with_commas(path, lines)
        names = tuple(next(rows)[1:])
        head, no = 1, "-1" if re.search(r",\s*-1\s*(,|$)", text, re.MULTILINE) else "0"
    else:
        if len(lines) < 2 or not COUNT.fullmatch(lines[0].strip()):
            raise UserError(f"{path} is not an attribute list: its first line must be a number, its second the names")
        rows = (line.split() for line in lines[1:])
        names = tuple(next(rows))
        head, no = 2, "-1"
    _check_names(path, head, names)
    count = len(lines) - head
    if head == 2 and int(lines[0]) != count:
        raise UserError(f"{path}: line 1 says {int(lines[0])} pictures, but {count} follow; it may be cut short")
    if num_images is not None and count != num_images:
        raise UserError(
            f"{path} lists {count} pictures, the data set has {num_images}; they must be the same, in order"
        )
    files, bits = [], []
    for number, row in enumerate(rows):
        file, *values = row or [""]
        if len(values) != len(names) or not set(values) <= {"1", no}:
            line = number + head + 1
            raise UserError(f"{path}: line {line} must be a file name and {len(names)} times 1 or {no}")
        files.append(file)
        bits.append(bytes(value == "1" for value in values))
    if len(files) < count:  # a quotation mark has made one row of several lines
        raise UserError(f"{path} must have a line for each picture, but {count} lines make {len(files)} rows")
    table = np.frombuffer(b"".join(bits), bool).reshape(count, len(names))
    return Attributes(Path(path), names, table, tuple(files))


def _with_commas(path: str | os.PathLike, lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        for row in csv.reader(lines):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise UserError(f"{path} is not an attribute list: {brief(error)}") from None


def write_attributes(path: str | os.PathLike, files: Sequence[str], names: Sequence[str], table: np.ndarray) -> None:
    """Writes such a list. files: N file names; names: of the attributes; table: bool [N, len(names)]."""
    if table.shape != (len(files), len(names)):
        raise ValueError(f"expected attributes of shape {(len(files), len(names))}, got {table.shape}")
    if any(len(name.split()) != 1 for name in (*files, *names)):
        raise ValueError("a name with a space in it, or an empty one, cannot stand in an attribute list")
    rows = (" ".join([name, *(f"{1 if on else -1:2d}" for on in row)]) for name, row in zip(files, table, strict=True))
    write_text(path, "\n".join([str(len(files)), " ".join(names), *rows]) + "\n")


def chosen(names: Sequence[str], only: Iterable[str], order: Sequence[str]) -> list[str]:
    """The plain names of the attributes to use: those of `order` in that order, then the others as they are listed.

    only: what the user asked for, in any spelling; empty: all. Raises UserError for a name that is not in the list.
    """
    there = [plain(name) for name in names]
    wanted = [plain(name) for name in only if name.strip()]
    for name in wanted:
        if name not in there:
            raise UserError(f"--only: there is no attribute {name}; the list has {', '.join(names)}")
    kept = [name for name in there if name in wanted or not wanted]
    return sorted(kept, key=lambda name: list(order).index(name) if name in order else len(order))


def split(count: int, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(numbers to train on, numbers to judge by) of `count` pictures, int64 and ascending, at random by the seed.

    held_out: share of the pictures that are judged by, 0 to 1; a single one at least.
    """
    judged = max(1, round(count * held_out))
    order = np.random.default_rng([seed, 0, count]).permutation(count)
    return np.sort(order[judged:]), np.sort(order[:judged])


def _check_names(path: str | os.PathLike, line: int, names: Sequence[str]) -> None:
    if not names or not all(names) or set(names) <= {"1", "-1", "0"}:
        raise UserError(f"{path}: line {line} must name the attributes")
    spelled = Counter(map(plain, names))
    twice = next((name for name in names if spelled[plain(name)] > 1), None)
    if twice is not None:
        raise UserError(f"{path}: line {line} names {brief(twice)} twice")
