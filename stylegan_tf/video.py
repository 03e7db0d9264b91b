"""Moving pictures as files: mp4 where imageio-ffmpeg is installed, else WebP, GIF or APNG by Pillow."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import files
from stylegan_tf.errors import Failure, UserError

PILLOW = {".webp": "WEBP", ".gif": "GIF", ".png": "PNG", ".apng": "PNG"}
SUFFIXES = (".mp4", *PILLOW)


def default_suffix() -> str:
    """.mp4 where its encoder is here, else .webp, which needs nothing more and keeps memory flat too."""
    return ".mp4" if _encoder() else ".webp"


def check(path: Path) -> None:
    """Raises UserError where no video can be written under that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a video ends in {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".mp4" and not _encoder():
        raise UserError(
            f"{path}: mp4 is written by the package imageio-ffmpeg, which is not installed: pip install imageio-ffmpeg,"
            " or name a .webp file"
        )


def save(path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    """Writes uint8 frames [H, W, 1 or 3 or 4], all of one size, whole or not at all. Returns how many there were.

    Frames are taken one at a time, and memory does not grow with their number for .mp4 and .webp (a .gif or .png is
    put together in memory). mp4 has even sides: an odd one loses its last row or column of pixels. Raises UserError as
    `check`, Failure where the encoder fails.
    """
    check(path)
    counted = _Counted(frames)
    with files.atomic_path(path) as temporary:
        if path.suffix.lower() == ".mp4":
            _mp4(temporary, counted, fps)
        else:
            _pillow(temporary, counted, fps, PILLOW[path.suffix.lower()])
        if not counted.count:
            raise ValueError("expected one frame at least")
    return counted.count


class _Counted:
    """An iterator that knows how many it has given."""

    def __init__(self, frames: Iterable[np.ndarray]):
        self.frames, self.count = iter(frames), 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self.count += 1
            yield frame


def _encoder() -> Any:
    """The package imageio_ffmpeg, whose encoder is bundled with it; None where it is not installed."""
    with suppress(ImportError):
        import imageio_ffmpeg

        return imageio_ffmpeg
    return None


def _pillow(path: Path, frames: Iterable[np.ndarray], fps: float, kind: str) -> None:
    from PIL import Image

    images = (Image.fromarray(frame[:, :, 0] if frame.shape[2] == 1 else frame) for frame in frames)
    first = next(images, None)
    if first is None:
        return
    shown = {"duration": 1000 / fps if kind != "WEBP" else round(1000 / fps), "loop": 0}
    best = {"quality": 90, "method": 2} if kind == "WEBP" else {}
    rest = list(images) if kind == "PNG" else images  # Pillow counts those of a PNG before it begins
    with open(path, "wb") as file:
        first.save(file, format=kind, save_all=True, append_images=rest, **shown, **best)


def _mp4(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    writer = None
    try:
        for frame in frames:
            rgb = np.ascontiguousarray(_rgb(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]))
            if writer is None:
                size = (rgb.shape[1], rgb.shape[0])
                options = {"fps": fps, "quality": 8, "macro_block_size": 2, "output_params": ["-f", "mp4"]}
                writer = _encoder().write_frames(os.fspath(path), size, **options)
                writer.send(None)
            writer.send(rgb)
    except OSError as error:
        raise Failure(f"{path}: the encoder failed: {error}") from None
    finally:
        if writer is not None:
            writer.close()


def _rgb(frame: np.ndarray) -> np.ndarray:
    return np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame[:, :, :3]
