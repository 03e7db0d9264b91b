"""create_celeba: aligned CelebA faces, 128x128 cut from img_align_celeba_png/*.png, and their attributes.

The JPEGs of img_align_celeba, which Kaggle has, serve where those are not there; their pixels are not quite the same.
"""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from stylegan_tf.data.attributes import read_attributes, write_attributes
from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.importers.check import open_picture, pillow_limits
from stylegan_tf.data.importers.source import Source, ignored
from stylegan_tf.data.importers.store import PLAIN, Storage, official_order, store
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import UserError, brief

PICTURES, ATTRIBUTES = "img_align_celeba_png", "list_attr_celeba.txt"
# Where pictures may lie, and what they end in; the first that is there counts. Kaggle packs a folder into itself.
_FOLDERS = {
    PICTURES: (".png",),
    "img_align_celeba": (".jpg", ".jpeg"),
    "img_align_celeba/img_align_celeba": (".jpg", ".jpeg"),
}
_LISTS = (ATTRIBUTES, f"Anno/{ATTRIBUTES}", "list_attr_celeba.csv", "Anno/list_attr_celeba.csv")
NUM_IMAGES = 202599
WIDTH, HEIGHT, SIDE = 178, 218, 128
_CHUNK = 4  # pictures per task


def create_celeba(
    directory: str | os.PathLike,
    celeba_dir: str | os.PathLike,
    cx: int = 89,
    cy: int = 121,
    storage: Storage = PLAIN,
    num_images: int = NUM_IMAGES,
) -> DataSet:
    """128x128 pixels around (cx, cy) of each picture, in the official shuffled order; no labels.

    Where celeba_dir, or its folder Anno, has list_attr_celeba.txt or .csv, the attributes come beside the records as
    list_attr_celeba.txt, a line for each record. `num_images`: how many files there must be.
    """
    folder, files = _files(Path(celeba_dir))
    form = "" if folder.name == PICTURES else " (JPEG)"
    if len(files) != num_images:
        raise UserError(
            f"Expected to find {num_images} images in {folder}, but there are {len(files)}{form}; unpack all of them, "
            "or use create_from_images --resolution=128 --crop=center, which takes any number"
        )
    if form:
        print(f"{folder}: JPEGs, whose pixels are not quite those of the official {PICTURES}", file=sys.stderr)
    box = (cx - SIDE // 2, cy - SIDE // 2, cx + SIDE // 2, cy + SIDE // 2)
    if box[0] < 0 or box[1] < 0 or box[2] > WIDTH or box[3] > HEIGHT:
        raise UserError(
            f"--cx={cx} --cy={cy}: the square of {SIDE} pixels around it leaves the {WIDTH}x{HEIGHT} pictures; "
            f"--cx may be {SIDE // 2} to {WIDTH - SIDE // 2}, --cy {SIDE // 2} to {HEIGHT - SIDE // 2}"
        )
    ordered = [files[index] for index in official_order(len(files))]
    beside = _attribute_writer(Path(celeba_dir), ordered)
    origin = {"command": "create_celeba", "source": os.fspath(celeba_dir), "cx": cx, "cy": cy}
    with pillow_limits(), closing(_pictures(ordered, box, storage.workers)) as pictures:
        return store(directory, pictures, (SIDE, 3), len(files), origin, storage, beside=beside)


def _files(root: Path) -> tuple[Path, list[Path]]:
    """(the first folder that has pictures, its pictures sorted by name)."""
    for name, suffixes in _FOLDERS.items():
        folder = root / name
        found = [path for path in folder.glob("*.*") if path.suffix.lower() in suffixes and not ignored(path.name)]
        if found:
            return folder, sorted(found)
    raise UserError(f"No input images found in {root / PICTURES}; name the folder that holds {' or '.join(_FOLDERS)}")


def _pictures(files: Sequence[Path], box: tuple[int, int, int, int], workers: int) -> Generator[np.ndarray, None, None]:
    chunks = (files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK))
    with closing(in_threads(partial(_crop, box), chunks, workers)) as cropped:
        for _, pictures in cropped:
            yield from pictures


def _crop(box: tuple[int, int, int, int], files: Sequence[Path]) -> list[np.ndarray]:
    result = []
    for path in files:
        try:
            with open_picture(Source(path.name, str(path), path.stat().st_size).read()) as image:
                size, mode = image.size, image.mode
                fits = size == (WIDTH, HEIGHT) and mode == "RGB"
                pixels = np.array(image.crop(box)) if fits else None
        except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
            raise UserError(f"{brief(path)} cannot be read as a picture ({brief(error)}); unpack it anew") from None
        if pixels is None:
            raise UserError(f"{brief(path)} is {size[0]}x{size[1]} {mode}, expected {WIDTH}x{HEIGHT} RGB")
        result.append(pixels)
    return result


def _attribute_writer(celeba_dir: Path, files: Sequence[Path]):
    """What writes the list of attributes into a folder, or None where there is no list. Raises UserError for a list
    that does not fit, before anything else is done."""
    path = next((celeba_dir / name for name in _LISTS if (celeba_dir / name).is_file()), None)
    if path is None:
        print(f"there is no {ATTRIBUTES} or .csv in {celeba_dir}: made without attributes", file=sys.stderr)
        return None
    listed = read_attributes(path)
    rows = {Path(name).stem: row for row, name in enumerate(listed.files)}  # the list says .jpg
    missing = [file.name for file in files if file.stem not in rows]
    if missing:
        raise UserError(
            f"{path} does not list {len(missing)} of the {len(files)} pictures, {brief(min(missing))} for instance"
        )
    table = listed.table[[rows[file.stem] for file in files]]
    return lambda folder: write_attributes(folder / ATTRIBUTES, [file.name for file in files], listed.names, table)
