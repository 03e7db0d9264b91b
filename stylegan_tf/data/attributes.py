"""Lists of binary attributes, as CelebA has them: list_attr_*.txt."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError
from stylegan_tf.files import write_text

PATTERN = "list_attr_*.txt"


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
    found = sorted(data_set.directory.glob(PATTERN))
    if len(found) != 1:
        there = f"holds {len(found)} of them" if found else "holds none"
        raise UserError(f"--attributes must name the attribute list ({PATTERN}): {data_set.directory} {there}")
    return found[0]


def read_attributes(path: str | os.PathLike, num_images: int | None = None) -> Attributes:
    """Reads a list in CelebA's layout: the count, the names, then a picture a line, its file name and 1 or -1 each.

    num_images: pictures of the data set that it is for, None for as many as it lists. Raises UserError that names the
    line where it is something else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not an attribute list: it is not text") from None
    except OSError as error:
        raise UserError(f"the attribute list {path} cannot be read: {error.strerror}") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        raise UserError(f"{path} is not an attribute list: its first line must be a number, its second the names")
    names = tuple(lines[1].split())
    _check_names(path, names)
    count = int(lines[0])
    if count != len(lines) - 2:
        raise UserError(f"{path}: line 1 says {count} pictures, but {len(lines) - 2} follow; it may be cut short")
    if num_images is not None and count != num_images:
        raise UserError(
            f"{path} lists {count} pictures, the data set has {num_images}; they must be the same, in order"
        )
    files, table = _rows(path, lines[2:], len(names))
    return Attributes(Path(path), names, table, files)


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


def _check_names(path: str | os.PathLike, names: Sequence[str]) -> None:
    if not names or set(names) <= {"1", "-1"}:
        raise UserError(f"{path}: line 2 must name the attributes")
    spelled = [plain(name) for name in names]
    twice = next((name for name in names if spelled.count(plain(name)) > 1), None)
    if twice is not None:
        raise UserError(f"{path}: line 2 names {twice} twice")


def _rows(path: str | os.PathLike, lines: Sequence[str], columns: int) -> tuple[tuple[str, ...], np.ndarray]:
    files, table = [], np.empty((len(lines), columns), bool)
    for row, line in enumerate(lines):
        file, *values = line.split() or [""]
        if len(values) != columns or not set(values) <= {"1", "-1"}:
            raise UserError(f"{path}: line {row + 3} must be a file name and {columns} times 1 or -1")
        files.append(file)
        table[row] = [value == "1" for value in values]
    return tuple(files), table
