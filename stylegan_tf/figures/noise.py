"""What noise does: other details from other draws (paper Figure 4), and what each range of layers adds (Figure 5)."""

from collections.abc import Sequence

import numpy as np

from stylegan_tf.figures.images import Painter, canvas, enlarged
from stylegan_tf.networks.sampling import kept

CROP = (650, 180, 906, 436)  # left, top, right, bottom of the paper's detail, in pictures of 1024x1024
DRAWS = 100
DETAILS = 4


def detail_box(height: int, width: int) -> tuple[int, int, int, int]:
    """The paper's detail in pictures of that size: a quarter of the side, where CROP has it."""
    left, top, right, bottom = CROP
    down, across = max(height * (bottom - top) // 1024, 1), max(width * (right - left) // 1024, 1)
    x, y = width * left // 1024, height * top // 1024
    return x, y, x + across, y + down


def deviation(images: np.ndarray) -> np.ndarray:
    """Where pictures differ: uint8 [N, H, W, C] -> [H, W], the deviation over N of the channels' mean, four times.

    Of RGBA the alpha counts as a channel.
    """
    return np.clip(np.std(images.mean(axis=3), axis=0) * 4 + 0.5, 0, 255).astype(np.uint8)


def detail(painter: Painter, ws: np.ndarray, noise: Sequence[np.ndarray]) -> np.ndarray:
    """One row of Figure 4, uint8 [H, 3 W, C]: a picture, details of four draws, the deviation over all draws.

    ws: [1, layers, w_dim]. noise: for each layer [draws, H, W, 1], five draws at least; picture 0 is shown whole, the
    details are of 1 to 4.
    """
    images = painter(np.repeat(ws, len(noise[0]), axis=0), noise)
    _, height, width, channels = images.shape
    left, top, right, bottom = detail_box(height, width)
    found = canvas(height, 3 * width, channels)
    found[:, :width] = images[0]
    factor = max(1, min(height // 2 // (bottom - top), width // 2 // (right - left)))
    for index in range(DETAILS):
        cell = enlarged(images[1 + index, top:bottom, left:right], factor)
        y, x = index // 2 * (height // 2), width + index % 2 * (width // 2)
        found[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
    found[:, 2 * width :, :3] = deviation(images)[:, :, None]  # alpha stays opaque
    return found


def components(painter: Painter, ws: np.ndarray, noise: Sequence[np.ndarray], fine: range, mirror=False) -> np.ndarray:
    """One column of Figure 5, uint8 [2 H, W, C]: noise in all layers | in none, below in the fine | the other layers.

    ws: [1, layers, w_dim]. noise: the stored noise, for each layer [1, H, W, 1]. Left and right are halves of the
    pictures. mirror: pictures are shown mirrored.
    """
    every = range(len(noise))
    choices = [every, range(0), fine, range(fine.start)]
    images = np.concatenate([painter(ws, kept(noise, layers)) for layers in choices])
    if mirror:
        images = images[:, :, ::-1]
    half = images.shape[2] // 2
    top = np.concatenate([images[0, :, :half], images[1, :, half:]], axis=1)
    return np.concatenate([top, np.concatenate([images[2, :, :half], images[3, :, half:]], axis=1)])
