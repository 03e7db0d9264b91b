"""Picture files for the tests of the importers."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.reading import all_pictures

RGB = np.random.RandomState(4).randint(0, 256, (8, 8, 3), np.uint8)


def encoded(pixels, mode=None, form="PNG", **options) -> bytes:
    """A picture file of pixels or of a Pillow image, converted to `mode` first."""
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    file = io.BytesIO()
    (image if mode is None else image.convert(mode)).save(file, form, **options)
    return file.getvalue()


def noise(resolution=8, seed=0, channels=3) -> np.ndarray:
    """uint8 [resolution, resolution, channels]."""
    return np.random.RandomState(seed).randint(0, 256, (resolution, resolution, channels), np.uint8)


def put(path: Path, content: bytes) -> Source:
    """Writes the file, with the folders above it; returns it as a source named by its file name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Source(path.name, str(path), len(content))


def animation(form="GIF", frames=3) -> bytes:
    """Grey squares, each brighter than the one before."""
    images = [Image.new("L", (8, 8), 60 * number) for number in range(frames)]
    return encoded(images[0], form=form, save_all=True, append_images=images[1:])


def huge_png(width, height) -> bytes:
    """A PNG file that claims to be this large, in less than 100 bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def turned(pixels: np.ndarray, orientation: int, form="PNG") -> bytes:
    """A file whose EXIF says how the camera was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(pixels, form=form, exif=exif.tobytes())


def read(data_set, stage):
    """uint8 [N, H, W, C] of one level."""
    return np.array(list(all_pictures(data_set, stage)))


def facts(data_set):
    """What its dataset.json says."""
    return json.loads((data_set.directory / "dataset.json").read_text())


def save(path, resolution=8, mode="RGB", seed=0):
    """Puts a square PNG file of noise there."""
    return put(path, encoded(noise(resolution, seed), mode))
