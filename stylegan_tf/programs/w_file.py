"""Files of w, and of noise maps beside them: what --save_w writes and --w reads, from whatever projector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylegan_tf import files, plain_npz
from stylegan_tf.errors import UserError
from stylegan_tf.file_kinds import of_file
from stylegan_tf.networks.sampling import LARGEST_SEED

ARRAY = b"\x93NUMPY"  # the start of a .npy file


def save_w(path: Path, w: np.ndarray, seeds: Sequence[int]) -> None:
    """w [N, w_dim] before truncation, and the seeds [N] that it came from, as .npz, whole or not at all."""
    with files.atomic_path(path) as temporary:
        np.savez(temporary, w=w, seeds=np.asarray(seeds, np.int64))


def read_w(path: Path, w_dim: int, num_layers: int) -> tuple[np.ndarray, list[int]]:
    """(w float32, [N, w_dim] or with one for each layer [N, num_layers, w_dim]; its seeds) from a file of save_w, or of
    a projector: .npz of w, or .npy; [w_dim] or [num_layers, w_dim] of a single picture. Seeds are else 0, 1, ...

    Raises UserError where the file is something else, or made for another network.
    """
    if not path.is_file():
        raise UserError(f"--w={path}: there is no such file")
    is_array = _is_array(path)
    try:
        arrays = {"w": plain_npz.read_one(path)} if is_array else plain_npz.read(path)
    except UserError as error:
        what = None if is_array else of_file(path)
        why = f"{path} is {what}" if what else error
        raise UserError(f"--w={why}; expected a file of --save_w, or of a projector") from None
    if "w" not in arrays:
        raise UserError(f"--w={path} has no array 'w', as files of --save_w and of projectors have")
    given, seeds = arrays["w"], arrays.get("seeds")
    if seeds is None and given.shape in ((num_layers, w_dim), (w_dim,)):
        given = given[None]
    fits = given.shape[1:] in ((w_dim,), (num_layers, w_dim)) and len(given) > 0
    w = plain_npz.finite_float32(given)
    if w is None or not fits:
        raise UserError(
            f"--w={path}: w must be finite numbers of the shape [N, {w_dim}], or with one for each layer "
            f"[N, {num_layers}, {w_dim}], and is {given.dtype} {list(given.shape)}"
        )
    seeds = np.arange(len(w)) if seeds is None else seeds
    if seeds.shape != (len(w),) or seeds.dtype.kind not in "iu" or not ((seeds >= 0) & (seeds <= LARGEST_SEED)).all():
        raise UserError(f"--w={path}: seeds must be {len(w)} whole numbers from 0 to {LARGEST_SEED}, one for each w")
    return w, seeds.tolist()


def read_noise(path: Path, count: int, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """The noise maps of project.py in a file that read_w has read, [count, H, W, 1] of each layer; [] without any.

    In the file they may be one for all pictures. shapes: (H, W, 1) of the network's layers. Raises UserError where the
    maps are of another network.
    """
    if _is_array(path):
        return []
    arrays = plain_npz.read(path)
    given = [arrays[name] for name in map("noise{}".format, range(len(arrays))) if name in arrays]
    noise = [maps for maps in map(plain_npz.finite_float32, given) if maps is not None]
    wanted = [((1, *shape), (count, *shape)) for shape in shapes]
    fits = len(noise) in (0, len(shapes)) and all(maps.shape in fit for maps, fit in zip(noise, wanted, strict=False))
    if not fits or len(noise) < len(given):
        raise UserError(
            f"--w={path}: its noise maps must be finite numbers, [{count}, H, W, 1] of each layer of the network"
        )
    return [np.broadcast_to(maps, (count, *shape)) for maps, shape in zip(noise, shapes, strict=False)]


def _is_array(path: Path) -> bool:
    """Whether it is an .npy file, whatever it is called."""
    with open(path, "rb") as file:
        return file.read(len(ARRAY)) == ARRAY
