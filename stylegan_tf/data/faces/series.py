"""The built-in data set: faces by number, and CelebA's attribute list."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.traits import face
from stylegan_tf.errors import UserError


def faces(count: int, resolution: int, seed: int = 0, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Faces `start` to `start + count - 1` of the series `seed`: (picture uint8 `[R, R, 3]`, attributes bool `[40]`).

    R = `resolution`, a power of two from 16 to 1024. A pure function of its arguments, face by face.
    """
    for index in range(start, start + count):
        sitter = face(seed, index)
        yield draw(sitter, resolution), sitter.labels()


def write_attribute_list(path: str | os.PathLike[str], names: Sequence[str], attributes: np.ndarray) -> None:
    """Writes CelebA's list_attr_celeba.txt: the count, the 40 names, then a picture a line, name and 40 times 1 or -1.

    `names`: the N file names. `attributes`: bool `[N, 40]`, in the order of `ATTRIBUTES`.
    """
    table = np.asarray(attributes, bool)
    if table.shape != (len(names), len(ATTRIBUTES)):
        expected = (len(names), len(ATTRIBUTES))
        raise ValueError(f"expected attributes of shape {expected} for {len(names)} names, got {table.shape}")
    if any(len(name.split()) != 1 for name in names):
        raise ValueError("a file name with a space in it, or an empty one, cannot stand in an attribute list")
    lines = [str(len(names)), " ".join(ATTRIBUTES)]
    lines += [
        name + " " + " ".join(f"{1 if on else -1:2d}" for on in row) for name, row in zip(names, table, strict=True)
    ]
    target = Path(path)
    draft = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def read_attribute_list(path: str | os.PathLike[str]) -> tuple[list[str], np.ndarray]:
    """Reads a file in the layout of CelebA's list_attr_celeba.txt -> (file names, attributes bool `[N, 40]`).

    The columns come back in the order of `ATTRIBUTES`, whatever their order in the file. Raises UserError where the
    file is something else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not an attribute list: it is not text") from error
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        raise UserError(
            f"{path}: not an attribute list: the first line must be the number of pictures, the second the names"
        )
    columns, rows = lines[1].split(), [line.split() for line in lines[2:] if line.strip()]
    if sorted(columns) != sorted(ATTRIBUTES):
        raise UserError(f"{path}: line 2 must name the 40 attributes of CelebA; it has {len(columns)} names")
    if int(lines[0]) != len(rows):
        raise UserError(f"{path}: line 1 says {int(lines[0])} pictures, but {len(rows)} follow")
    for number, row in enumerate(rows, start=3):
        if len(row) != len(columns) + 1 or not set(row[1:]) <= {"1", "-1"}:
            raise UserError(f"{path}: line {number} must be a file name and {len(columns)} times 1 or -1")
    order = [columns.index(name) for name in ATTRIBUTES]
    table = np.array([[row[1 + column] == "1" for column in order] for row in rows], bool)
    return [row[0] for row in rows], table.reshape(len(rows), len(ATTRIBUTES))
