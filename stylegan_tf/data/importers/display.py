"""display: the first pictures of a data set on one sheet, on the screen or in a file."""

import os
import sys
from itertools import islice

import numpy as np
from PIL import Image, ImageShow

from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.pictures import grid, grid_size, save_png

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def display(directory: str | os.PathLike, out: str | os.PathLike | None = None) -> int:
    """Shows as many pictures as fill a screen, or writes them to the PNG file `out`; returns how many.

    Raises UserError where there is no screen and no `out`.
    """
    if out is None and not any(os.environ.get(name) for name in SCREENS):
        raise UserError("there is no screen to show the pictures on; give --out=sheet.png to write them to a file")
    if out is not None and not str(out).lower().endswith(".png"):
        raise UserError(f"--out={out}: the sheet is a PNG file; give a name that ends in .png")
    if out is not None and not os.path.isdir(os.path.dirname(os.path.abspath(out))):
        raise UserError(f"--out={out}: there is no such folder; make it first, or name another place")
    sheet, count = contact_sheet(directory)
    if out is not None:
        try:
            save_png(out, sheet)
        except OSError as error:
            raise Failure(f"{error.strerror or error}: {out} cannot be written") from None
    elif not ImageShow.show(Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet), title=str(directory)):
        raise UserError("no program that shows pictures was found; give --out=sheet.png to write them to a file")
    return count


def contact_sheet(directory: str | os.PathLike) -> tuple[np.ndarray, int]:
    """(the first pictures row by row uint8 [H, W, C], how many): at most what fills 1920x1080.

    C: as many channels as can be shown, see `shown_channels`.
    """
    data_set = open_data_set(directory)
    channels = shown_channels(data_set)
    columns, rows = grid_size("1080p", data_set.resolution)
    shown = np.stack([picture[:, :, :channels] for picture in islice(all_pictures(data_set), columns * rows)])
    columns = min(columns, len(shown))
    return grid(shown, columns, -(-len(shown) // columns)), len(shown)


def shown_channels(data_set: DataSet) -> int:
    """1, 3 or 4: the channels of its pictures that a PNG file can hold; says which are left out."""
    channels = data_set.channels
    if channels in (1, 3, 4):
        return channels
    shown = 3 if channels > 3 else 1
    told = "the first three, as RGB, are" if shown == 3 else "the first, as grey, is"
    print(f"{data_set.directory}: of {channels} channels {told} shown; the others are left out", file=sys.stderr)
    return shown
