"""Which files are pictures, and what is wrong with the others."""

import importlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image

from stylegan_tf import file_kinds
from stylegan_tf.data.importers.source import Source, Unreadable
from stylegan_tf.errors import UserError, brief

SIDE, PIXELS = 2**15, 2**28  # the largest pictures: 32,768 wide or high, and 16,384 x 16,384 pixels in all
# Pixels of which a small file may be, and more for each of its bytes: a photograph of 33 million has 2 bytes for each,
# a drawing 0.1. A file of 1 MB that is white, or nothing but a header, would take 2 GB otherwise.
PIXELS_OF_ANY, PIXELS_PER_BYTE = 2**25, 16

LISTED = 20
_HEAD = 2**16  # bytes: enough for nearly every header, and small files come whole
_WANT_ALL = {"GIF", "WEBP", "TIFF", "AVIF"}  # their headers do not say how many frames follow
# EPS and WMF would start other programs or need them; of the others Pillow reads no more than the first bytes.
_REFUSED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_STILL = {"MPO", "PSD"}  # more frames are previews or layers; the first is the picture
_ORIENTATION = 0x0112
_EMPTY = "it is empty (zero bytes); remove it or make it anew"
# Pillow mode -> mode of the pixels: grey or RGB in 8 bits, with alpha where the file has it
_MODES = {
    **dict.fromkeys(("1", "L", "I;16", "I;16B", "I;16L", "I;16N"), "L"),
    **dict.fromkeys(("LA", "La"), "LA"),
    **dict.fromkeys(("P", "RGB", "RGBX", "CMYK", "YCbCr"), "RGB"),
    **dict.fromkeys(("PA", "RGBA", "RGBa"), "RGBA"),
}


@dataclass
class Faults:
    """What is wrong with which file (the first fault of a file is enough), labels that are for no file, and what is no
    fault, but is not used."""

    found: dict[str, str] = field(default_factory=dict)
    stray: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def add(self, name: str, what: str) -> None:
        """Notes a fault of a file."""
        self.found.setdefault(name, what)

    def __bool__(self) -> bool:
        return bool(self.found or self.stray)

    def lines(self, most: int | None = LISTED) -> list[str]:
        """A line each, sorted by name: at most so many and then a count."""
        both = [*sorted(self.found.items()), *sorted(self.stray.items())]
        lines = [f"{brief(name)}: {what}" for name, what in both]
        if most is not None and len(lines) > most:
            lines[most:] = [f"and {len(lines) - most:,} more"]
        return lines

    def head(self, origin: object, total: int) -> str:
        """How many files and labels are unfit, in words."""
        parts = []
        if self.found:
            parts.append(f"{len(self.found):,} of {total:,} files in {origin} cannot be used")
        if self.stray:
            parts.append(f"{len(self.stray):,} labels are for files that are not in {origin}")
        return ", and ".join(parts)

    def refuse(self, origin: object, total: int) -> None:
        """Raises UserError that lists every fault (20 lines, then a count) where there is any."""
        if self:
            raise UserError("\n  ".join([f"{self.head(origin, total)}; nothing was written:", *self.lines()]))


@contextmanager
def pillow_limits() -> Iterator[None]:
    """Pillow refuses what has more than PIXELS pixels, before it decodes it, and keeps its other warnings to itself."""
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        limit_pillow()
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def limit_pillow() -> None:
    """The same for the rest of a process that does nothing else."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = PIXELS


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture file say. `fault` is None where it can be decoded."""

    size: tuple[int, int] = (0, 0)  # width and height as it is to be seen: turned as its EXIF says
    mode: str = ""  # L, LA, RGB or RGBA
    format: str = ""
    fault: str | None = None


def read_headers(sources: Sequence[Source]) -> list[Header]:
    """What each file says about itself, without decoding; never raises for what is in a file."""
    return [read_header(source) for source in sources]


def read_header(source: Source) -> Header:
    """See `read_headers`."""
    if source.part is not None and source.size == 0:  # an archive may hold very many of these
        return Header(fault=_EMPTY)
    head = b""
    try:
        head = source.read(_HEAD)
        if Path(source.name).suffix.lower() in file_kinds.RAW:  # Pillow would take the preview in it
            raise Image.UnidentifiedImageError
        if len(head) < _HEAD:
            return _header(head, len(head))
        try:
            return _header(head, source.size, whole=False)
        except Exception:  # what is wanted may lie behind
            return _header(source.read(), source.size)
    except Image.UnidentifiedImageError as error:
        return Header(fault=_kind(source.name, head) or reason(error, empty=source.size == 0))
    except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
        return Header(fault=reason(error, empty=source.size == 0))


def _kind(name: str, head: bytes) -> str | None:
    """What a file is that is no picture, where its first bytes or its name say it."""
    known = file_kinds.as_picture(Path(name), head[: file_kinds.HEAD])
    if known is None or known in ("a PNG picture", "a JPEG picture"):  # damaged ones
        return None
    if known.startswith("a HEIC photo") and "HEIF" in _formats():
        return "it is a HEIC photo that pillow-heif cannot read, or damaged: convert it to JPEG or PNG"
    return f"it is {known}" if ": " in known else f"it is not a picture but {known}; remove it"


@cache
def _formats() -> list[str]:
    """What pictures may be: all that Pillow decodes by itself, and HEIC where pillow-heif is installed."""
    with suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
    Image.init()
    return [form for form in Image.ID if form not in _REFUSED]


def open_picture(content: bytes, size: int | None = None) -> Image.Image:
    """The picture in a file, not decoded yet. size: bytes of the whole file, where `content` is only its beginning.

    Raises Unreadable for one of more pixels than honest files of that size have, and what Pillow raises.
    """
    size = size or len(content)
    if content.startswith(b"\0\0\1\0"):  # Pillow decodes an icon while it opens it
        for icon in _icon_sizes(content):
            _check_claim(icon, size)
    image = Image.open(io.BytesIO(content), formats=_formats())
    if max(image.size) <= SIDE and image.size[0] * image.size[1] <= PIXELS:  # otherwise the caller says it
        _check_claim(image.size, size)
    if image.format == "TIFF":  # room is made for whole tiles
        tags = image.tag_v2  # type: ignore[attr-defined]
        _check_claim((tags.get(_TILE_WIDTH, 0), tags.get(_TILE_HEIGHT, 0)), size)
    return image


def _icon_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Of each picture in an icon, which is a PNG file or the part of a BMP file behind its first header."""
    for entry in range(6, 6 + 16 * int.from_bytes(content[4:6], "little"), 16):
        start = int.from_bytes(content[entry + 12 : entry + 16], "little")
        head = content[start : start + 24]
        if head.startswith(b"\x89PNG"):
            yield int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
        else:
            width, height = (abs(int.from_bytes(head[at : at + 4], "little", signed=True)) for at in (4, 8))
            yield width, height


def _check_claim(size: tuple[int, int], file_size: int) -> None:
    width, height = size
    if width * height > PIXELS_OF_ANY + PIXELS_PER_BYTE * file_size:
        what = f"it claims {width}x{height} pixels in {file_size:,} bytes"
        raise Unreadable(f"{what}, too many to be true; resize it")


def _header(content: bytes, file_size: int, whole: bool = True) -> Header:
    with open_picture(content, file_size) as image:
        form = image.format or ""
        if form in _WANT_ALL and not whole:
            raise Unreadable("it is wanted whole")
        size = image.size if orientation(image) < 5 else image.size[::-1]
        mode = pixel_mode(image)
        if max(size) > SIDE or size[0] * size[1] > PIXELS:
            fault = f"it is {size[0]}x{size[1]}, beyond the limits of {SIDE:,} a side and {PIXELS:,} pixels; resize it"
        elif (frames := frame_count(image)) > 1:
            fault = f"it has {frames} frames; save the one you want as a picture of its own"
        elif not mode:
            fault = f"Input images must be stored as RGB or grayscale of 8 or 16 bits, not {brief(image.mode)}"
        else:
            fault = None
        return Header(size, mode, form, fault)


def pixel_mode(image: Image.Image) -> str:
    """L, LA, RGB or RGBA: what its pixels become; "" for what is none of these."""
    mode = _MODES.get(image.mode, "")
    if mode and not mode.endswith("A") and image.has_transparency_data:  # a transparent colour, a palette with alpha
        mode += "A"
    return mode


def orientation(image: Image.Image) -> int:
    """How a camera was held, 1 to 8 (EXIF 2.32, 4.6.4 A): from 5 on, width and height change places."""
    if image.format == "TIFF":  # Pillow turns these itself
        return 1
    if image.format == "PNG" and not {"exif", "Raw profile type exif", "xmp"} & image.info.keys():
        return 1  # asking for it would decode the picture
    return image.getexif().get(_ORIENTATION, 1)


def frame_count(image: Image.Image) -> int:
    """How many pictures the file shows one after the other."""
    return 1 if image.format in _STILL else getattr(image, "n_frames", 1)


def reason(error: Exception, empty: bool = False) -> str:
    """What an error while reading or decoding says about the file, and what would help."""
    if empty and not isinstance(error, OSError) or isinstance(error, Image.UnidentifiedImageError):
        return _EMPTY if empty else "it is not a picture, or its first bytes are damaged; remove it or make it anew"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it claims more pixels than the limit of {PIXELS:,}; resize it"
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return f"it is damaged or cut short ({brief(error)}); make it anew"
