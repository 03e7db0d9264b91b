"""Mosaics of pictures nobody chose (paper Figures 2 and 10 to 12): columns of several scales."""

from collections.abc import Iterable, Sequence

import numpy as np

from stylegan_tf.figures.images import canvas


def count(rows: int, lods: Sequence[int]) -> int:
    """Pictures in a mosaic: a column of level l holds rows * 2^l."""
    return sum(rows * 2**lod for lod in lods)


def sheet(images: Iterable[np.ndarray], height: int, width: int, channels: int, rows: int, lods: Sequence[int]):
    """The mosaic, uint8 [rows * height, sum of width / 2^lod, channels].

    images: uint8 [height, width, channels] each, in the order they are shown: column by column, from the top. Those of
    a column of level l are reduced to 1 / 2^l by Lanczos.
    """
    found = canvas(rows * height, sum(width // 2**lod for lod in lods), channels)
    each, left = iter(images), 0
    for lod in lods:
        across, down = width // 2**lod, height // 2**lod
        for row in range(rows * 2**lod):
            found[row * down : (row + 1) * down, left : left + across] = reduced(next(each), across, down)
        left += across
    return found


def reduced(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """uint8 [H, W, C] -> [height, width, C] by Lanczos."""
    from PIL import Image

    if pixels.shape[:2] == (height, width):
        return pixels
    grey = pixels.shape[2] == 1
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))
    small = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    return small[:, :, None] if grey else small
