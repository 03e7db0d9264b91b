"""Latents and logits of many samples, on disk as they come, so that a killed evaluation goes on where it was."""

import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from stylegan_tf import files, plain_npz
from stylegan_tf.configs.text import shown
from stylegan_tf.errors import UserError
from stylegan_tf.metrics.samples import (
    Fakes,
    all_finite,
    each_batch,
    label_rows,
    latents,
    noise_of,
    pictures_of_w,
    pictures_of_z,
)
from stylegan_tf.networks.sampling import has_w
from stylegan_tf.ops.resample import downscale

# (attribute, network): RGB [n, r, r, 3] float32 in [-1, 1] -> logits [n, 1], positive where the attribute is there.
# r is the network's `resolution`, 256 where it has none. A list keeps its networks, and so their graphs are kept too;
# another iterable loads them one after the other.
Classifiers = Iterable[tuple[str, Callable]]
RESOLUTION = 256
CHUNK = 4096  # samples between two looks at the disk


class Samples:
    """The arrays of one evaluation, [num_samples, ...] each, in a folder: z, w and the logits of every attribute.

    <name>.npy holds the numbers and done.json how many rows of each are there. Without a folder they lie in a temporary
    one. A context manager; holds a lock meanwhile.
    """

    def __init__(
        self, fakes: Fakes, num_samples: int, folder: Path | None = None, conditions: Mapping[str, object] | None = None
    ):
        self.fakes, self.num_samples, self.attributes = fakes, num_samples, 0
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="separability-")
        self.folder = folder or Path(self._temporary.name)  # type: ignore[union-attr]
        self._conditions = dict(conditions or {}) | _conditions(fakes, num_samples)
        self._lock = files.Lock(self.folder / "lock")
        self._open: dict[str, np.ndarray] = {}
        self.done: dict[str, int] = {}

    def __enter__(self) -> "Samples":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.__enter__()
        try:
            self._agree()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error) -> None:
        self._open.clear()
        self._lock.__exit__(*error)
        if self._temporary:
            self._temporary.cleanup()

    def latents(self) -> dict[str, np.ndarray]:
        """{'z': [num_samples, z_dim], 'w': [num_samples, w_dim]}, read from the disk as they are used."""
        return {space: self._open[space] for space in self.spaces()}

    def spaces(self) -> dict[str, int]:
        """The length of z, and of w where there is one."""
        Gs = self.fakes.Gs
        return {"z": Gs.z_dim} | ({"w": Gs.synthesis.w_dim} if has_w(Gs) else {})

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The array `name`, [num_samples, *shape] float32; a new one where there is none, or not of that shape."""
        if name not in self._open:
            self._open[name] = self._mapped(self.folder / f"{name}.npy", (self.num_samples, *shape), name)
        return self._open[name]

    def write(self, first: int, rows: Mapping[str, np.ndarray]) -> None:
        """Puts rows from `first` on into their arrays; they count as done once they are on the disk."""
        for name, values in rows.items():
            array = self.array(name, values.shape[1:])
            array[first : first + len(values)] = values
            array.flush()  # type: ignore[attr-defined]
            self.done[name] = first + len(values)
        files.write_json(self.folder / "done.json", self.done)

    def _mapped(self, path: Path, shape: tuple[int, ...], name: str) -> np.ndarray:
        if self.done.get(name):
            try:
                array = plain_npz.read_one(path, "r+")
                if (array.shape, array.dtype) == (shape, np.dtype(np.float32)):
                    return array
            except UserError:
                print(f"{path} is damaged: its samples are made again", flush=True)
        self.done[name] = 0
        path.unlink(missing_ok=True)  # it may be a pipe, or a link to a file elsewhere
        array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        with open(path, "r+b") as file:  # now, as an error: later a full disk would end the process
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        return array

    def _agree(self) -> None:
        """Reads what is done; refuses a folder of other conditions."""
        path = self.folder / "conditions.json"
        if not path.exists():
            files.write_json(path, self._conditions)
        try:
            there, done = files.read_json(path), self.folder / "done.json"
            self.done = files.read_json(done) if done.exists() else {}
            if not all(type(rows) is int and 0 <= rows <= self.num_samples for rows in self.done.values()):
                raise UserError(f"{done} counts other rows than there can be")
        except UserError as error:
            raise UserError(f"{self.folder} is damaged ({error}): remove it, and its samples are made again") from None
        for name, value in self._conditions.items():
            if there.get(name) != value:
                raise UserError(
                    f"{self.folder} holds samples of another evaluation ({name} {shown(there.get(name))}, here "
                    f"{value}): remove it or name another folder"
                )


def drawn(samples: Samples, classifiers: Classifiers, at_once: int = 8) -> Iterator[tuple[str, np.ndarray]]:
    """(attribute, logits [num_samples]) one after the other, each made unless it is on the disk."""
    pairs = iter(classifiers)
    while group := list(itertools.islice(pairs, at_once)):
        samples.attributes += len(group)
        for name, _ in group:
            if not re.fullmatch(r"[\w.-]+", name):
                raise UserError(f"{name!r} cannot be the name of an attribute: use letters, digits, - and _")
        _complete(samples, group, ("separability", *group) if isinstance(classifiers, list) else None)
        for name, _ in group:
            yield name, samples.array(f"logits-{name}", ())


def _complete(samples: Samples, group: list[tuple[str, Any]], key: Hashable) -> None:
    """Makes the rows that the latents and the logits of a group lack. key: see samples.each_batch."""
    names = [*samples.spaces(), *(f"logits-{name}" for name, _ in group)]
    sizes: list[tuple[int, ...]] = [(size,) for size in samples.spaces().values()]
    for name, shape in zip(names, sizes + [()] * len(group), strict=True):
        samples.array(name, shape)
    start = min(samples.done[name] for name in names)
    # Latents that are there already are not written again: what is on the disk stays as it is.
    wanted = {name: samples.done[name] for name in names}
    held: dict[str, list[np.ndarray]] = {name: [] for name in names}
    first = done = start
    for values in each_batch(samples.fakes, _function(group), samples.num_samples, "samples", key, start):
        for name, rows in zip(names, values, strict=True):
            held[name].append(rows)
        done += len(values[0])
        if done - first >= CHUNK or done == samples.num_samples:
            lacking = [name for name in names if wanted[name] < done]
            samples.write(first, {name: np.concatenate(held[name]) for name in lacking})
            first, held = done, {name: [] for name in names}


def _function(group):
    def function(fakes, first, rows):
        z, labels = latents(fakes, "z", first, rows), label_rows(fakes, first, rows)
        noise = noise_of(fakes, first, rows)
        if has_w(fakes.Gs):
            spaces = [z, fakes.Gs.mapping(z, labels)]
            images = pictures_of_w(fakes, spaces[1], noise)
        else:
            spaces, images = [z], pictures_of_z(fakes, z, labels, noise)
        logits = [tf.reshape(network(fitted(images, name, network)), (rows.count,)) for name, network in group]
        return all_finite(images) & all_finite(tf.stack(logits, axis=1)), *spaces, *logits

    return function


def fitted(images, name: str, network) -> tf.Tensor:
    """Pictures at the resolution of a classifier, as means of square blocks. Raises UserError where they are
    smaller.
    """
    side, wanted = images.shape[1], getattr(network, "resolution", None)
    if wanted and side < wanted:
        raise UserError(
            f"the network makes pictures of {side}x{side}, and the classifier {name!r} needs {wanted}x{wanted} at least"
        )
    return downscale(images, max(side // (wanted or RESOLUTION), 1))


def _conditions(fakes: Fakes, num_samples: int) -> dict[str, object]:
    labels = None if fakes.labels is None else hashlib.sha256(fakes.labels.tobytes()).hexdigest()
    own = {"seed": fakes.seed, "samples": num_samples, "stage": fakes.stage, "fade": float(fakes.fade)}
    return own | {"labels": labels, "resolution": fakes.Gs.resolution}
