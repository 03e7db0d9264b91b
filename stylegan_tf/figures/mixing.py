"""Style mixing (paper Figure 3): pictures of one latent, with the styles of another one in some layers."""

from collections.abc import Sequence

import numpy as np

from stylegan_tf.figures.images import Painter, canvas


def mixed(rows: np.ndarray, columns: np.ndarray, ranges: Sequence[range]) -> np.ndarray:
    """ws of every cell: those of the row, and in the row's range of layers those of the column.

    rows: [R, layers, w_dim], columns: [C, layers, w_dim], ranges: one per row -> [R, C, layers, w_dim].
    """
    cells = np.repeat(rows[:, None], len(columns), axis=1)
    for row, layers in zip(cells, ranges, strict=True):
        row[:, layers.start : layers.stop] = columns[:, layers.start : layers.stop]
    return cells


def sheet(painter: Painter, rows: np.ndarray, columns: np.ndarray, ranges: Sequence[range]) -> np.ndarray:
    """The figure, uint8 [(R + 1) H, (C + 1) W, channels]: sources of styles on top, destinations on the left.

    rows, columns, ranges: see `mixed`. Stored noise, as in the official figure. The corner stays white.
    """
    cells = mixed(rows, columns, ranges)
    images = painter(np.concatenate([columns, rows, cells.reshape(-1, *cells.shape[2:])]))
    count, height, width, channels = images.shape
    across, down = len(columns), len(rows)
    found = canvas((down + 1) * height, (across + 1) * width, channels)

    def place(image: np.ndarray, row: int, column: int) -> None:
        found[row * height : (row + 1) * height, column * width : (column + 1) * width] = image

    for column in range(across):
        place(images[column], 0, column + 1)
    for row in range(down):
        place(images[across + row], row + 1, 0)
        for column in range(across):
            place(images[across + down + row * across + column], row + 1, column + 1)
    return found
