"""Which files are pictures fit for a data set, and what is wrong with the others."""

import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from stylegan_tf.data.importers.source import Source
from stylegan_tf.mistakes import Mistake

_LISTED = 20
_CHUNK = 64  # headers per task: one alone takes less time than handing it over
# Pillow mode -> mode of the pixels: grey or RGB, with alpha where the file has it
_MODES = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "P": "RGB", "PA": "RGBA"}
_KINDS = {1: "grayscale", 3: "RGB"}


@dataclass
class Faults:
    """What is wrong with which file; the first fault of a file is enough."""

    found: dict[str, str] = field(default_factory=dict)

    def add(self, source: Source, what: str) -> None:
        """Notes a fault."""
        self.found.setdefault(source.name, what)

    def refuse(self, origin: object, total: int) -> None:
        """Raises Mistake that lists every fault (20 lines, then a count) where there is any."""
        if not self.found:
            return
        lines = [f"{name if name.isprintable() else repr(name)}: {what}" for name, what in sorted(self.found.items())]
        if len(lines) > _LISTED:
            lines[_LISTED:] = [f"and {len(lines) - _LISTED} more"]
        head = f"{len(self.found)} of {total} files in {origin} cannot be used; nothing was written:"
        raise Mistake("\n  ".join([head, *lines]))


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture file say. `fault` is None where it can be decoded."""

    size: tuple[int, int] = (0, 0)
    channels: int = 0
    fault: str | None = None


def read_header(source: Source) -> Header:
    """Size and channels without decoding; never raises for what is in the file."""
    try:
        with source.open() as file, Image.open(file) as image:
            size, mode = image.size, image.mode
    except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
        return Header(fault=_reason(source, error))
    if mode not in _MODES:
        return Header(size, fault=f"Input images must be stored as RGB or grayscale of 8 bits, not {mode}")
    return Header(size, len(_MODES[mode].rstrip("A")), _size_fault(*size))


def _read_headers(sources: Sequence[Source]) -> list[Header]:
    return [read_header(source) for source in sources]


def _size_fault(width: int, height: int) -> str | None:
    if width != height:
        return (
            f"Input images must have the same width and height, but this one is {width}x{height}; crop it to a square"
        )
    if width & (width - 1):
        return f"Input image resolution must be a power-of-two, not {width}x{height}; resize it"
    if width < 4:
        return f"Input image resolution must be 4x4 or more, not {width}x{height}"
    return None


def check_headers(sources: Sequence[Source], pool: Executor, faults: Faults) -> tuple[int, int]:
    """(resolution, channels) of the most pictures; everything that differs is added to `faults`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        chunks = [sources[start : start + _CHUNK] for start in range(0, len(sources), _CHUNK)]
        headers = [header for chunk in pool.map(_read_headers, chunks) for header in chunk]
    kinds = Counter((header.size[0], header.channels) for header in headers if header.fault is None)
    if not kinds:
        kinds[0, 0] = 0
    resolution, channels = kinds.most_common(1)[0][0]
    for source, header in zip(sources, headers, strict=True):
        if header.fault:
            faults.add(source, header.fault)
        elif header.size[0] != resolution:
            sizes = f"{header.size[0]}x{header.size[1]}, most are {resolution}x{resolution}"
            faults.add(source, f"it is {sizes}; all must have one size")
        elif header.channels != channels:
            kind, most = _KINDS[header.channels], _KINDS[channels]
            faults.add(source, f"it is {kind}, most are {most}; all must be stored as RGB or all as grayscale")
    return resolution, channels


@dataclass(frozen=True)
class Decoded:
    """A picture uint8 [H, W, 1 or 3] and whether a fully opaque alpha channel was dropped; or what is wrong."""

    pixels: np.ndarray | None = None
    had_alpha: bool = False
    fault: str | None = None


def decode_picture(source: Source) -> Decoded:
    """Decodes one file wholly; never raises for what is in the file."""
    try:
        with source.open() as file, Image.open(file) as image:
            mode = _MODES[image.mode]
            if "transparency" in image.info and not mode.endswith("A"):  # a transparent colour, or a palette with alpha
                mode += "A"
            pixels = np.array(image if image.mode == mode else image.convert(mode))
    except Exception as error:  # as in read_header
        return Decoded(fault=_reason(source, error))
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if not mode.endswith("A"):
        return Decoded(pixels)
    if pixels[:, :, -1].min() < 255:
        return Decoded(fault="it is partly transparent; flatten it: Input images must be stored as RGB or grayscale")
    return Decoded(np.ascontiguousarray(pixels[:, :, :-1]), had_alpha=True)


def _reason(source: Source, error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        with source.open() as file:
            empty = not file.read(1)
        what = "it is empty (zero bytes)" if empty else "it is not a picture, or its first bytes are damaged"
        return f"{what}; remove it or make it anew"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it claims more pixels than the limit of {Image.MAX_IMAGE_PIXELS}; resize it"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return f"it is damaged or cut short ({str(error) or type(error).__name__}); make it anew"
