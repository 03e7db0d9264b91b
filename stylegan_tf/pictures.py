"""PNG files, and many pictures tiled into one."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from stylegan_tf.files import atomic_path

# layout -> (canvas width, canvas height, least columns, least rows); at most 32 of either
_LAYOUTS = {"1080p": (1920, 1080, 3, 2), "4k": (3840, 2160, 7, 4)}


def save_png(path: str | os.PathLike, pixels: np.ndarray, about: Mapping[str, str] | None = None) -> None:
    """Saves uint8 [H, W, C] (C = 1 grey, 3 RGB, 4 RGBA) as PNG, whole or not at all.

    `about` says what made the picture; it becomes text fields of the file, which `Image.open(path).text` shows.
    """
    save(path, pixels, "PNG", about)


def save(path: str | os.PathLike, pixels: np.ndarray, kind: str, about: Mapping[str, str] | None = None) -> None:
    """As `save_png`, in the format PNG, JPEG or WEBP; the last two have no text fields, and JPEG no alpha."""
    with atomic_path(path, flush=False) as temporary:
        write(temporary, pixels, kind, about)


def write(file: Any, pixels: np.ndarray, kind: str, about: Mapping[str, str] | None = None) -> None:
    """As `save`, to an open file, or to a path where it may end half-written."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise ValueError(f"expected pixels uint8 [H, W, 1, 3 or 4], got {pixels.dtype} {list(pixels.shape)}")
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    info = PngInfo()
    for name, text in (about or {}).items():
        info.add_text(name, text)
    choices: dict[str, Any] = {"PNG": {"pnginfo": info}, "JPEG": {"quality": 95}, "WEBP": {"quality": 95}}
    (image.convert("RGB") if kind == "JPEG" and image.mode == "RGBA" else image).save(
        file, format=kind, **choices[kind]
    )


def grid(images: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """Tiles images [N, H, W, C] into [rows * H, columns * W, C], row by row, without borders.

    Cells beyond the last picture stay 0 (official `create_image_grid`); more pictures than cells raise ValueError.
    """
    count, height, width, channels = images.shape
    if count > columns * rows:
        raise ValueError(f"expected at most {columns} x {rows} pictures, got {count}")
    cells = np.zeros((rows * columns, height, width, channels), images.dtype)
    cells[:count] = images
    tiled = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return tiled.reshape(rows * height, columns * width, channels)


def grid_size(layout: str, resolution: int) -> tuple[int, int]:
    """(columns, rows) of a snapshot grid: as many pictures as fill '1080p' or '4k', within the official bounds."""
    if layout not in _LAYOUTS:
        raise ValueError(f"expected a grid layout of {', '.join(_LAYOUTS)}, got {layout!r}")
    width, height, least_columns, least_rows = _LAYOUTS[layout]
    columns = min(max(width // resolution, least_columns), 32)
    return columns, min(max(height // resolution, least_rows), 32)
