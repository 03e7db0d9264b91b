"""Directions in W by their names: those saved for a network, those of its own weights, vectors in files."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylegan_tf import files, plain_npz
from stylegan_tf.errors import UserError

MEASURED = "metrics"  # folder
SEFA = "sefa"  # sefa0, sefa1, ...: directions of the weights themselves
MANY = 2000  # w that their standard deviation is taken from


class Directions(NamedTuple):
    """What run_metrics.py wrote. vectors: of length 1 or 0, [A, w_dim]; network: the digest of its file."""

    names: list[str]
    vectors: np.ndarray
    network: str


def saved(network: Path, w_dim: int) -> dict[Path, Directions]:
    """Files of directions of a network: those beside it or above it, its own ones first, and its own ones in the folder
    where run_metrics.py puts what it finds about networks of no run.
    """
    folder, digest = network.absolute().parent, files.sha256(network)
    near = sorted({*folder.glob("directions-*.npz"), *folder.parent.glob("directions-*.npz")})
    found = {path: read(path, w_dim) for path in near}
    for path in sorted(Path(MEASURED).glob("directions-*.npz")):
        with suppress(UserError):
            measured = read(path, w_dim)
            found |= {path: measured} if measured.network == digest else {}
    return {path: found[path] for path in sorted(found, key=lambda path: found[path].network != digest)}


def read(path: Path, w_dim: int) -> Directions:
    """A file that run_metrics.py wrote. Raises UserError for another one."""
    arrays = plain_npz.read(path)
    if not {"attributes", "w"} <= arrays.keys():
        raise UserError(f"{path} holds no directions in W: it has no arrays attributes and w")
    names, vectors = arrays["attributes"], plain_npz.finite_float32(arrays["w"])
    if names.ndim != 1 or names.dtype.kind != "U" or vectors is None or vectors.shape != (len(names), w_dim):
        raise UserError(
            f"{path} is of another network, or no file of directions: attributes {list(names.shape)}, w "
            f"{list(arrays['w'].shape)}, where there should be [A] names and [A, {w_dim}] finite numbers"
        )
    return Directions(names.tolist(), vectors, str(arrays.get("network", "")))


def step(name: str, network: Path, Gs: Any, layers: range, label: np.ndarray | None) -> np.ndarray:
    """What --direction=name means for a network with that file, one standard deviation of w long: [w_dim].

    label: [1, label_size], of the class whose w vary; None for a network without labels. Others: see unit_vector.
    """
    from keras import ops

    from stylegan_tf.figures.directions import spread

    vector = unit_vector(name, network, Gs, layers)
    z = np.random.RandomState(0).randn(MANY, Gs.z_dim).astype(np.float32)
    labels = None if label is None else np.repeat(label, MANY, axis=0)
    return vector * spread(ops.convert_to_numpy(Gs.mapping(z, labels)), vector)


def unit_vector(name: str, network: Path, Gs: Any, layers: range) -> np.ndarray:
    """The vector [w_dim] of length 1 that --direction=name means for a network with that file.

    layers: whose weights those of SeFa are of. Raises UserError where there is none of that name.
    """
    from stylegan_tf.figures.directions import sefa, style_weights

    w_dim = Gs.synthesis.w_dim
    if name.startswith(SEFA) and name.removeprefix(SEFA).isdigit():
        number = int(name.removeprefix(SEFA))
        if number >= w_dim:
            raise UserError(f"--direction={name}: there are {SEFA}0 to {SEFA}{w_dim - 1}")
        return sefa(style_weights(Gs, layers), number + 1)[number]
    if name.endswith(".npy"):
        return _of_file(name, w_dim)
    found = saved(network, w_dim)
    for path, (names, vectors, _) in found.items():
        if name in names:
            vector = vectors[names.index(name)]
            if not vector.any():
                raise UserError(f"--direction={name}: {path} has none, as no sample showed a difference")
            return vector
    known = dict.fromkeys(each for one in found.values() for each in one.names)
    choices = ", ".join([*known, f"{SEFA}0", f"{SEFA}1", "..."])
    raise UserError(f"--direction={name}: there is none of that name; choose from {choices}, or name a FILE.npy")


def _of_file(name: str, w_dim: int) -> np.ndarray:
    if not Path(name).is_file():
        raise UserError(f"--direction={name}: there is no such file")
    try:
        given = plain_npz.read_one(name)
    except UserError as error:
        raise UserError(f"--direction={error}") from None
    vector = plain_npz.finite_float32(given)
    if vector is None or vector.shape != (w_dim,) or not vector.any():
        raise UserError(
            f"--direction={name}: expected {w_dim} finite numbers that are not all 0, got {given.dtype} "
            f"{list(given.shape)}"
        )
    vector /= np.abs(vector).max()  # the squares of large numbers would overflow
    return vector / np.linalg.norm(vector)
