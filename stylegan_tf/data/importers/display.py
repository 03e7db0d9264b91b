"""display: the first pictures of a data set on one sheet, on the screen or in a file."""

import os
from itertools import islice

import numpy as np
from PIL import Image, ImageShow

from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import UserError
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
        save_png(out, sheet)
    elif not ImageShow.show(Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet), title=str(directory)):
        raise UserError("no program that shows pictures was found; give --out=sheet.png to write them to a file")
    return count


def contact_sheet(directory: str | os.PathLike) -> tuple[np.ndarray, int]:
    """(the first pictures row by row uint8 [H, W, C], how many): at most what fills 1920x1080."""
    data_set = open_data_set(directory)
    columns, rows = grid_size("1080p", data_set.resolution)
    shown = np.stack(list(islice(all_pictures(data_set), columns * rows)))
    columns = min(columns, len(shown))
    return grid(shown, columns, -(-len(shown) // columns)), len(shown)
