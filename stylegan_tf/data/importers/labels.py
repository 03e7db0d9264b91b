"""The label of each picture: from a list beside the pictures, from one that is named, or from the folders they lie in.

A label is the number of a class, or a vector of numbers. Names are compared as `source.normal` spells them.
"""

import csv
import io
import json
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

import numpy as np

from stylegan_tf.data.attributes import PATTERNS, parse_attributes
from stylegan_tf.data.importers.check import Faults
from stylegan_tf.data.importers.source import LISTS, Found, Source, Unreadable, check_list, composed, normal, slashes
from stylegan_tf.data.importers.store import one_hot
from stylegan_tf.errors import UserError, brief
from stylegan_tf.progress import few

_MOST_CLASSES = 2**16  # a row of labels is then as large as a picture of 128x128
_LIST_BYTES, _ROW_BYTES = 2**24, 2**14  # the most that a list may have, and for each picture
_NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
_CLASS_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic"}
_WANTED = f"whole numbers from 0 to {_MOST_CLASSES - 1}, or texts, all of one kind, or lists of finite numbers"

Entry = tuple[str, object]  # the path of a picture in its folder or archive, and its label


@dataclass(frozen=True)
class Labels:
    """The label of each picture, by its name."""

    classes: dict[str, int]  # {} where labels are vectors
    size: int  # number of classes, or of the numbers in a vector
    names: tuple[str, ...] | None  # of classes that are texts: sorted; or of the numbers, where a list names them
    origin: str  # where they come from: dataset.json, metadata.csv, metadata.jsonl, folders or the list that was named
    vectors: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [size] each
    are_attributes: bool = False  # vectors of 1 and -1, of an attribute list

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """float32 [len(names), size], in their order: the vectors, or classes one-hot."""
        if self.vectors:
            return np.stack([self.vectors[name] for name in names])
        return one_hot(np.array([self.classes[name] for name in names], np.int64), self.size, self.origin)


@dataclass
class _Listed:
    """What a list says: the label of each path, and which column each number of the vectors was in, if any."""

    entries: list[Entry]
    columns: tuple[str, ...] | None = None
    are_attributes: bool = False
    unused: str = ""  # what of it is not used, and why


def read_labels(found: Found, choice: str, faults: Faults) -> Labels | None:
    """The labels of the pictures; None where there are none.

    choice "auto": dataset.json ({"labels": [[path, label], ...]}) or metadata.csv, metadata.jsonl (file_name, label, or
    file_name and several numbers), whose paths are relative to their own folder; "folders": the first folder on the way
    to each picture; "none"; else the name of a list on the disk or among the files, whose first column names pictures
    by their paths, or where only one can be meant by file name, with or without its extension.

    Whole numbers are the numbers of classes, other texts are numbered in sorted order, lists of numbers are vectors.
    Pictures without a label, and labels without a picture, are added to `faults`, and what is not used to
    `faults.unused`. Raises UserError for a list that cannot be read.
    """
    pictures = [source.name for source in found.pictures]
    limit = _LIST_BYTES + _ROW_BYTES * len(pictures)
    if choice in ("none", "folders"):
        if rest := [source.name for source in (*found.lists, *found.side)]:
            faults.unused.append(f"{few(rest)}: --labels={choice} was given")
        return _labels(_folders(pictures, faults), "folders") if choice == "folders" else None
    lists = found.lists if choice == "auto" else [_named(found, choice)]
    loosely = choice != "auto"
    listings: dict[str, _Listed] = {}
    for source in lists:
        check_list(source, len(pictures))
        listed = _reader(source, loosely)(source, limit, loosely)
        if all(label is None for _, label in listed.entries):
            faults.unused.append(listed.unused or f"{source.shown} has no labels in it")
        else:
            listings[source.name] = listed
            faults.unused += [listed.unused] if listed.unused else []
    _say_what_is_left(found, lists, bool(listings), faults)
    if loosely and not listings:
        raise UserError(f"--labels={choice}: there are no labels in it; docs/DATA.md says what such lists look like")
    if not listings:
        return None
    origins = sorted({PurePosixPath(name).name for name in listings})
    if len({origin.lower() for origin in origins}) > 1:
        raise UserError(f"there are labels in {' and in '.join(origins)}; keep one, or give --labels=none")
    (first, one), *others = listings.items()
    for name, other in others:
        if other.columns != one.columns:
            raise UserError(
                f"the columns of {brief(name)} are not those of {brief(first)}; they must be the same, in order"
            )
    origin, entries = origins[0], []
    for name, listed in listings.items():
        where = "" if loosely else posixpath.dirname(name)
        entries += [(normal(posixpath.join(where, slashes(path))), label) for path, label in listed.entries]
    labels = _matched(pictures, entries, origin, loosely, faults)
    return _labels(labels, origin, one.columns, one.are_attributes)


def _named(found: Found, choice: str) -> Source:
    """The list that --labels names: on the disk, or among the files."""
    path = os.path.expandvars(os.path.expanduser(choice))
    if os.path.isfile(path):
        return Source(choice, os.path.abspath(path), os.path.getsize(path))
    for source in (*found.lists, *found.side):
        if normal(source.name) == normal(choice):
            return source
    raise UserError(f"--labels={choice}: there is no such list, neither here nor among the pictures")


def _say_what_is_left(found: Found, lists: Sequence[Source], labelled: bool, faults: Faults) -> None:
    """Notes lists and notes that nobody read, and folders that may have been meant as classes."""
    made = "" if labelled else ": made without labels"
    read = {os.path.abspath(source.path) for source in lists if source.part is None} | {each.name for each in lists}
    rest = [each.name for each in (*found.lists, *found.side) if not {each.name, os.path.abspath(each.path)} & read]
    if rest:
        faults.unused.append(f"{few(rest)}: labels are read from {few(LISTS)}, or from --labels=FILE{made}")
    if not labelled and any("/" in source.name for source in found.pictures):
        nowhere = Faults()
        folders = sorted(set(_folders([source.name for source in found.pictures], nowhere).values()))
        if len(folders) > 1 and not nowhere:
            faults.unused.append(
                f"the {len(folders):,} folders of the pictures ({few(folders)}) as labels: --labels=folders makes each "
                "a class"
            )


# ----------------------------------------------------------------------------------------------------------------------
# Lists


def _reader(source: Source, loosely: bool) -> Callable[[Source, int, bool], _Listed]:
    name = PurePosixPath(source.name).name.lower()
    if loosely and (name.endswith(".txt") or any(fnmatch(name, pattern) for pattern in PATTERNS)):
        return _read_attribute_list
    if name.endswith(".json"):
        return _read_json
    return _read_jsonl if name.endswith(".jsonl") else _read_csv


def _read_json(source: Source, limit: int, _: bool) -> _Listed:
    """The labels as later NVIDIA tools write them, or path -> label; none where the key is missing or null."""
    try:
        content = json.loads(_text(source, limit))
        listed = content.get("labels") or []
        pairs = listed.items() if isinstance(listed, dict) else listed
        entries: list[Entry] = [(str(name), label) for name, label in pairs]
        rest = [str(key) for key in content if key != "labels"] if entries else []
        return _Listed(entries, unused=f"{few(rest)} of {source.shown}: only its labels are read" if rest else "")
    except UserError:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        wanted = '{"labels": [["path", class], ...]}'
        what = f"{source.shown} is not a list of labels, {wanted}: {brief(error)}"
        raise UserError(f"{what}; correct it or remove it") from None


def _read_csv(source: Source, limit: int, loosely: bool) -> _Listed:
    text = _text(source, limit)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 0
    try:
        header = [cell.strip() for cell in next(reader, [])]

        def rows() -> Iterator[tuple[int, list[object]]]:
            nonlocal line
            line = 1
            for row in reader:
                line = reader.line_num
                cells: list[object] = [cell.strip() or None for cell in row]
                if any(cell is not None for cell in cells[len(header) :]):
                    more = f"line {line} has {len(cells)} cells, the first line {len(header)}"
                    raise UserError(f"{source.shown}: {more}; put names with a comma in quotes")
                if any(cell is not None for cell in cells):
                    yield line, [*cells, *[None] * (len(header) - len(cells))]

        listed = _table(source.shown, header, rows(), loosely)
    except csv.Error as error:
        raise UserError(f"{source.shown}, after line {line}: {brief(error)}; correct it or remove it") from None
    if listed.columns is None:
        paths, labels = [path for path, _ in listed.entries], [label for _, label in listed.entries]
        listed.entries = list(zip(paths, _typed(labels), strict=True))
    return listed


def _typed(cells: list[object]) -> list[object]:
    """Numbers, or lists of them, where all cells are that; None stays."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    if all(_NUMBER.fullmatch(text) for text in texts):
        numbers = [float(cell) if isinstance(cell, str) else None for cell in cells]
        return [int(number) if number is not None and number.is_integer() else number for number in numbers]
    if all(text.startswith("[") for text in texts):
        try:
            return [json.loads(cell) if isinstance(cell, str) else None for cell in cells]
        except (ValueError, RecursionError):  # texts that begin with a bracket
            return cells
    return cells


def _read_jsonl(source: Source, limit: int, loosely: bool) -> _Listed:
    text = _text(source, limit)

    def parsed() -> Iterator[tuple[int, dict[str, object]]]:
        for number, line in enumerate(io.StringIO(text), 1):
            if line.strip():
                try:
                    row = {str(key).strip(): value for key, value in json.loads(line).items()}
                    if not any(key.lower() == "file_name" for key in row):
                        raise ValueError
                except (ValueError, AttributeError, RecursionError):
                    wanted = 'not {"file_name": ..., "label": ...}'
                    raise UserError(f"{source.shown}, line {number}: {wanted}; correct it or remove it") from None
                yield number, row

    header = list(dict.fromkeys(key for _, row in parsed() for key in row))
    rows = ((number, [row.get(key) for key in header]) for number, row in parsed())
    return _table(source.shown, header or ["file_name", "label"], rows, loosely)


def _table(name: str, header: Sequence[str], rows: Iterable[tuple[int, list[object]]], loosely: bool) -> _Listed:
    """The labels in a table: its column label, or all its columns where they are several and of numbers only."""
    keys = [title.lower() for title in header]
    there = f"it has {few([title for title in header if title], 5) or 'none'}"
    for key in ("file_name", "label"):
        if keys.count(key) > 1:
            raise UserError(f"{name} has two columns {key!r} ({there}); rename one of the two")
    if "file_name" not in keys and not (loosely and header):
        more = f"call the column with the paths so, or put it first and give --labels={name}"
        raise UserError(f"{name} has no column file_name ({there}); {more}")
    file = keys.index("file_name") if "file_name" in keys else 0
    if posixpath.splitext(keys[file])[1] in _SUFFIXES:
        raise UserError(f"the first line of {name} must name its columns ({there}); put file_name,label above it")
    others = [column for column, title in enumerate(header) if title and column != file]
    label = keys.index("label") if "label" in keys else others[0] if loosely and len(others) == 1 else None
    entries: list[Entry] = []
    odd = ""
    for line, cells in rows:
        if cells[file] is None:
            raise UserError(f"{name}, line {line}: it names no file; correct it or remove it")
        if label is not None:
            entries.append((str(cells[file]), cells[label]))
            continue
        vector = _vector([cells[column] for column in others]) if len(others) > 1 else None
        if vector is None:
            odd = f" and line {line} is not all numbers" if entries else ""
            entries = []
            break
        entries.append((str(cells[file]), vector))
    if label is not None:
        rest = [header[column] for column in others if column != label]
        unused = f"{few(rest)} of {name}: its column {header[label]} has the labels" if rest else ""
        return _Listed(entries, unused=unused)
    if entries:
        return _Listed(entries, tuple(header[column] for column in others))
    without = f"{name} has no column 'label' ({there}){odd}"
    if loosely:
        raise UserError(f"{without}; call the column with the labels so, or leave numbers alone beside the file names")
    return _Listed([], unused=f"{without}: made without labels; call the column with the labels so")


def _read_attribute_list(source: Source, limit: int, _: bool) -> _Listed:
    found = parse_attributes(source.shown, _text(source, limit))
    table = np.where(found.table, 1, -1).astype(np.float32)
    return _Listed(list(zip(found.files, table, strict=True)), found.names, are_attributes=True)


def _text(source: Source, limit: int) -> str:
    if source.size > limit:
        raise UserError(
            f"{source.shown} has {source.size:,} bytes, more than any list of labels for so few pictures; remove it or "
            "give --labels=none"
        )
    try:
        return source.read().decode("utf-8-sig")
    except (OSError, Unreadable, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {source.shown}: {brief(error)}; correct it or remove it") from None


# ----------------------------------------------------------------------------------------------------------------------
# From lists and folders to labels


def _matched(
    pictures: Sequence[str], entries: Iterable[Entry], origin: str, loosely: bool, faults: Faults
) -> dict[str, object]:
    """The label of each picture that has one. loosely: names without folders or extensions count where they are enough,
    and a list may be longer than the pictures."""
    known = {normal(name): name for name in pictures}
    short: dict[str, str] = {}  # "": more than one
    for key, name in known.items() if loosely else ():
        for spelling in _shorter(key) - {key}:
            short[spelling] = "" if spelling in short else name
    labels: dict[str, object] = {}
    more = 0
    for path, label in entries:
        at = known.get(path) or next((short[each] for each in (path, *sorted(_shorter(path))) if short.get(each)), None)
        if at is None and loosely:
            more += 1
        elif at is None:
            faults.stray[path] = f"it has a label in {origin}, but there is no such picture"
        elif at in labels and not _is_same(labels[at], label):
            faults.add(at, f"it has two labels in {origin}")
        else:
            labels[at] = None if isinstance(label, str) and not label else label
    if more:
        faults.unused.append(f"{more:,} lines of {origin}: there are no such pictures, or more than one")
    for name in pictures:
        if labels.get(name) is None:
            faults.add(name, f"it has no label in {origin}; add it, or give --labels=none")
    return {name: label for name, label in labels.items() if label is not None}


def _is_same(one: object, other: object) -> bool:
    """Whether two labels are equal, which are whatever a list says, or vectors."""
    arrays = [isinstance(label, np.ndarray) for label in (one, other)]
    return np.array_equal(one, other) if all(arrays) else not any(arrays) and one == other  # type: ignore[arg-type]


def _shorter(path: str) -> set[str]:
    """A path without its extension, without its folders, and without both."""
    without = posixpath.splitext(path)[0]
    return {posixpath.basename(path), posixpath.basename(without), without}


def _folders(pictures: Sequence[str], faults: Faults) -> dict[str, str]:
    """The first folder of each picture, below the folders that all of them share."""
    paths = {name: normal(name).split("/") for name in pictures}
    depth = 0
    while pictures and len({parts[depth] for parts in paths.values()}) == 1 and _all_deeper(paths.values(), depth + 2):
        depth += 1
    labels: dict[str, str] = {}
    for name, parts in paths.items():
        if len(parts) < depth + 2:
            faults.add(name, "it lies in no folder that would be its class; move it, or do not give --labels=folders")
        else:
            labels[name] = parts[depth]
    return labels


def _all_deeper(paths: Iterable[list[str]], depth: int) -> bool:
    return all(len(parts) > depth for parts in paths)


def _labels(
    found: Mapping[str, object], origin: str, columns: tuple[str, ...] | None = None, are_attributes: bool = False
) -> Labels | None:
    """Labels of one kind. Raises UserError for what is none, and where kinds are mixed."""
    if not found:
        return None
    if all(isinstance(label, list | np.ndarray) for label in found.values()):
        vectors = {name: _vector(label) for name, label in found.items()}  # type: ignore[arg-type]
        size = len(first) if (first := next(iter(vectors.values()))) is not None else 0
        for name, vector in vectors.items():
            if vector is None or len(vector) > _MOST_CLASSES:
                raise _no_label(name, origin, found[name])
            if len(vector) != size:
                raise UserError(
                    f"the label of {brief(name)} in {origin} has {len(vector)} numbers, that of "
                    f"{brief(next(iter(vectors)))} {size}; all must have as many"
                )
        return Labels({}, size, columns, origin, vectors, are_attributes)  # type: ignore[arg-type]
    if all(isinstance(label, str) for label in found.values()):
        texts = {name: composed(str(label)) for name, label in found.items()}
        names = sorted(set(texts.values()))
        if all(map(_CLASS_NUMBER.fullmatch, names)):
            names.sort(key=int)
        number = {text: int(text) for text in names if _CLASS_NUMBER.fullmatch(text)}
        if len(number) < len(names) or max(number.values()) >= _MOST_CLASSES:
            number = {text: index for index, text in enumerate(names)}
            return Labels({name: number[text] for name, text in texts.items()}, len(names), tuple(names), origin)
        if len(set(number.values())) < len(names):
            twice = next(text for text in names if str(number[text]) != text and str(number[text]) in number)
            raise UserError(f"{twice!r} and '{number[twice]}' in {origin} are one number; write it in one way")
        found = {name: number[text] for name, text in texts.items()}
    classes = {name: int(label) for name, label in found.items() if _is_class(label)}  # type: ignore[call-overload]
    for name, label in found.items():
        if name not in classes:
            raise _no_label(name, origin, label)
    return Labels(classes, max(classes.values()) + 1, None, origin)


def _is_class(label: object) -> bool:
    return isinstance(label, int | float) and type(label) is not bool and 0 <= label < _MOST_CLASSES and label % 1 == 0


def _vector(values: Sequence[object] | np.ndarray) -> np.ndarray | None:
    """float32 [n] of finite numbers, in digits too; None where they are something else."""
    if isinstance(values, np.ndarray):
        return values
    if not all(type(each) in (int, float) or isinstance(each, str) and _NUMBER.fullmatch(each) for each in values):
        return None
    try:
        with np.errstate(over="ignore"):
            vector = np.array([float(each) for each in values], np.float64).astype(np.float32)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return vector if len(vector) and np.isfinite(vector).all() else None


def _no_label(name: str, origin: str, label: object) -> UserError:
    return UserError(f"the label of {brief(name)} in {origin} is {label!r:.80}; labels must be {_WANTED}")
