"""The class of each picture: from a list beside the pictures, or from the folders they lie in."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from stylegan_tf.data.importers.check import Faults
from stylegan_tf.data.importers.source import Found, Source, Unreadable, check_list
from stylegan_tf.data.importers.store import one_hot
from stylegan_tf.errors import UserError

_MOST_CLASSES = 2**16  # a row of labels is then as large as a picture of 128x128

Entry = tuple[str, object]  # the path of a picture in its folder or archive, and its label


@dataclass(frozen=True)
class Labels:
    """The class of each picture, by its name."""

    classes: dict[str, int]
    size: int  # number of classes
    names: tuple[str, ...] | None  # of the classes, where they are texts: sorted
    origin: str  # where they come from: dataset.json, metadata.csv, metadata.jsonl or folders

    def one_hot(self, names: Sequence[str]) -> np.ndarray:
        """float32 [len(names), size], in their order."""
        return one_hot(np.array([self.classes[name] for name in names], np.int64), self.size)


def read_labels(found: Found, choice: str, faults: Faults) -> Labels | None:
    """The labels of the pictures; None where there are none.

    choice "auto": dataset.json ({"labels": [[path, class], ...]}) or metadata.csv, metadata.jsonl (file_name, label),
    whose paths are relative to their own folder; "folders": the first folder on the way to each picture; "none".
    Whole numbers stay as they are; texts are numbered in sorted order. Pictures without a label, and labels without a
    picture, are added to `faults`. Raises UserError for a list that cannot be read.
    """
    if choice == "none":
        return None
    pictures = [source.name for source in found.pictures]
    if choice == "folders":
        return _numbered(_folders(pictures, faults), "folders")
    entries: list[Entry] = []
    origins = set()
    for source in found.lists:
        check_list(source, len(pictures))
        listed = _READERS[PurePosixPath(source.name).name](source)
        if any(label is not None for _, label in listed):
            folder = PurePosixPath(source.name).parent
            entries += [((folder / name).as_posix(), label) for name, label in listed]
            origins.add(PurePosixPath(source.name).name)
    if not entries:
        return None
    if len(origins) > 1:
        raise UserError(f"there are labels in {' and in '.join(sorted(origins))}; keep one, or give --labels=none")
    origin = origins.pop()
    return _numbered(_matched(pictures, entries, origin, faults), origin)


def _read_dataset_json(source: Source) -> list[Entry]:
    """The labels as later NVIDIA tools write them; none where the key is missing or null."""
    try:
        facts = json.loads(_text(source))
        listed = facts.get("labels") or []
        return [(str(name), label) for name, label in listed]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        wanted = '{"labels": [["path", class], ...]}'
        raise UserError(f"{source.name} is not a list of labels, {wanted}: {error}; correct it or remove it") from None


def _read_metadata_csv(source: Source) -> list[Entry]:
    reader = csv.DictReader(io.StringIO(_text(source), newline=""), strict=True)
    try:
        rows = [(row.get("file_name"), row.get("label") or None) for row in reader]
    except csv.Error as error:
        raise UserError(f"{source.name}, after line {reader.line_num}: {error}; correct it or remove it") from None
    if any(not name for name, _ in rows):
        raise UserError(f"{source.name} has no column file_name, or a row without it; correct it or remove it")
    numbers = all(label.isdecimal() for _, label in rows if label is not None)
    return [(str(name), int(label) if numbers and label is not None else label) for name, label in rows]


def _read_metadata_jsonl(source: Source) -> list[Entry]:
    entries = []
    for number, line in enumerate(_text(source).splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
                entries.append((str(row["file_name"]), row.get("label")))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                wanted = 'not {"file_name": ..., "label": ...}'
                raise UserError(f"{source.name}, line {number}: {wanted}; correct it or remove it") from None
    return entries


_READERS = {
    "dataset.json": _read_dataset_json,
    "metadata.csv": _read_metadata_csv,
    "metadata.jsonl": _read_metadata_jsonl,
}


def _text(source: Source) -> str:
    try:
        return source.read().decode("utf-8-sig")
    except (OSError, Unreadable, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {source.name}: {error}; correct it or remove it") from None


def _matched(pictures: Sequence[str], entries: Iterable[Entry], origin: str, faults: Faults) -> dict[str, object]:
    """The label of each picture that has one."""
    known = set(pictures)
    labels: dict[str, object] = {}
    for name, label in entries:
        if name not in known:
            faults.stray[name] = f"it has a label in {origin}, but there is no such picture"
        elif name in labels and labels[name] != label:
            faults.add(name, f"it has two labels in {origin}")
        else:
            labels[name] = label
    for name in pictures:
        if labels.get(name) is None:
            faults.add(name, f"it has no label in {origin}; add it, or give --labels=none")
    return {name: label for name, label in labels.items() if label is not None}


def _folders(pictures: Sequence[str], faults: Faults) -> dict[str, object]:
    """The first folder of each picture, below the folders that all of them share."""
    paths = {name: PurePosixPath(name).parts for name in pictures}
    depth = 0
    while pictures and len({parts[depth] for parts in paths.values()}) == 1 and _all_deeper(paths.values(), depth + 2):
        depth += 1
    labels: dict[str, object] = {}
    for name, parts in paths.items():
        if len(parts) < depth + 2:
            faults.add(name, "it lies in no folder that would be its class; move it, or do not give --labels=folders")
        else:
            labels[name] = parts[depth]
    return labels


def _all_deeper(paths: Iterable[tuple[str, ...]], depth: int) -> bool:
    return all(len(parts) > depth for parts in paths)


def _numbered(labels: dict[str, object], origin: str) -> Labels | None:
    if not labels:
        return None
    kinds = {type(label) for label in labels.values()}
    if kinds == {str}:
        names = tuple(sorted({str(label) for label in labels.values()}))
        number = {name: index for index, name in enumerate(names)}
        return Labels({picture: number[str(label)] for picture, label in labels.items()}, len(names), names, origin)
    classes = {picture: label for picture, label in labels.items() if type(label) is int}
    for picture, label in labels.items():
        if not 0 <= classes.get(picture, -1) < _MOST_CLASSES:
            wanted = f"whole numbers from 0 to {_MOST_CLASSES - 1}, or texts, all of one kind"
            raise UserError(f"the label of {picture} in {origin} is {label!r}; labels must be {wanted}")
    return Labels(classes, max(classes.values()) + 1, None, origin)
