"""extract: the pictures of a data set as PNG files."""

import os
import re
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.importers.display import shown_channels
from stylegan_tf.data.layout import labels_path, open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.files import atomic_folder
from stylegan_tf.pictures import save_png
from stylegan_tf.progress import track

_OURS = re.compile(r"img\d{8,}\.png")


def extract(
    directory: str | os.PathLike, output_dir: str | os.PathLike, workers: int = 1, overwrite: bool = False
) -> int:
    """Writes img00000000.png, img00000001.png, ... in the order of the records; returns how many.

    `output_dir` must be new or empty; with `overwrite` it may hold pictures of an earlier `extract`, which are removed.
    It appears when everything is written, and nothing is changed after an error or Ctrl-C.
    """
    data_set = open_data_set(directory)
    channels = shown_channels(data_set)
    if data_set.labels is not None:
        print(f"the labels are not written: they are in {labels_path(directory, data_set.name)}", file=sys.stderr)
    if overwrite and os.path.isdir(output_dir):
        foreign = [name for name in sorted(os.listdir(output_dir)) if not _OURS.fullmatch(name)]
        if foreign:
            raise UserError(f"{output_dir} holds {foreign[0]}, which `extract` did not write; name another folder")
    with (
        atomic_folder(output_dir, replace=overwrite) as folder,
        closing(in_threads(partial(_save, folder, channels), enumerate(all_pictures(data_set)), workers)) as saved,
    ):
        for _ in track(saved, data_set.num_images, "extract", "pictures"):
            continue
    return data_set.num_images


def _save(folder: Path, channels: int, task: tuple[int, np.ndarray]) -> None:
    number, picture = task
    name = f"img{number:08d}.png"
    try:
        save_png(folder / name, picture[:, :, :channels])
    except OSError as error:
        raise Failure(f"{error.strerror or error}: {name} cannot be written; nothing was left behind") from None
