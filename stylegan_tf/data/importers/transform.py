"""One picture file becomes the pixels that a data set stores."""

import numpy as np
from PIL import Image, ImageOps

from stylegan_tf.data.importers.check import open_picture, orientation, pixel_mode
from stylegan_tf.data.importers.plan import Plan, crop_box
from stylegan_tf.data.importers.source import Unreadable

_FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
}
_BLACK: dict[str, tuple[int, ...]] = {"L": (0,), "RGB": (0, 0, 0), "RGBA": (0, 0, 0, 255)}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def decode(content: bytes, plan: Plan) -> tuple[np.ndarray, bool]:
    """The picture in a file as pixels, uint8 [resolution, resolution, channels], and whether an alpha channel, opaque
    everywhere, was dropped.

    In this order: turned as its EXIF says; 16-bit grey becomes v * 255 / 65535, rounded (of 16-bit
    RGB Pillow keeps the higher byte); palettes, CMYK and YCbCr
    become RGB as Pillow does it; grey from RGB is 0.299 R + 0.587 G + 0.114 B; cropped; resized by Pillow in 8 bits;
    black bars. Raises Unreadable for a picture that does not fit the plan, and what Pillow raises for damaged ones.
    """
    image, had_alpha = whole(content, plan.channels, plan.background)
    image = _instead(image, fitted(image, plan))
    return np.array(image).reshape(plan.resolution, plan.resolution, plan.channels), had_alpha


def whole(content: bytes, channels: int, background: tuple[int, int, int] | None = None) -> tuple[Image.Image, bool]:
    """The picture in a file at its own size, as L, RGB or RGBA; see `decode`."""
    image = open_picture(content)
    image.load()
    image = _instead(image, upright(image))
    converted, had_alpha = as_channels(image, channels, background)
    return _instead(image, converted), had_alpha


def _instead(image: Image.Image, new: Image.Image) -> Image.Image:
    """The new picture, after the memory of the old one was given back: more than two of a large one are too many."""
    if new is not image:
        image.close()
    return new


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is to be seen, whichever way the camera was held."""
    return image if orientation(image) == 1 else ImageOps.exif_transpose(image)


def as_channels(
    image: Image.Image, channels: int, background: tuple[int, int, int] | None = None
) -> tuple[Image.Image, bool]:
    """As L, RGB or RGBA; and whether an alpha channel, opaque everywhere, was dropped.

    What is transparent shows the background; where there is none, it raises Unreadable.
    """
    stored, wanted = pixel_mode(image), _MODES[channels]
    if image.mode.startswith("I;16"):
        wide = np.asarray(image)
        grey = np.empty(wide.shape, np.uint8)
        for start in range(0, len(wide), 256):  # rows, so that a large picture does not take four times its memory
            grey[start : start + 256] = (wide[start : start + 256].astype(np.uint32) + 128) // 257  # 65535 = 255 * 257
        image, stored = Image.fromarray(grey), "L"
    if image.mode != stored:
        image = image.convert(stored)
    drop = stored.endswith("A") and wanted != "RGBA"
    if drop and not _opaque(image):
        if background is None:
            raise Unreadable(
                "it is partly transparent; flatten it, or give --background=white, or, for a data set, "
                "--channels=rgba: Input images must be stored as RGB or grayscale"
            )
        flat = Image.new("RGB", image.size, background)
        flat.paste(image if image.mode == "RGBA" else image.convert("RGBA"), mask=image.getchannel("A"))
        image, drop = flat, False
    return image if image.mode == wanted else image.convert(wanted), drop


def _opaque(image: Image.Image) -> bool:
    """Whether its alpha channel hides nothing."""
    return image.getchannel("A").getextrema() == (255, 255)


def fitted(image: Image.Image, plan: Plan) -> Image.Image:
    """Cropped to the aspect of the plan, resized, and set between black bars where the plan has them."""
    box = crop_box(image.size, plan.content)
    if box != (0, 0, *image.size):
        image = image.crop(box)
    if image.size != plan.content:
        if image.size[0] < plan.content[0] or image.size[1] < plan.content[1]:
            raise Unreadable(f"it is {image.size[0]}x{image.size[1]} when decoded, smaller than its header says")
        image = image.resize(plan.content, _FILTERS[plan.resize_filter])
    if not plan.has_bars:
        return image
    square = Image.new(image.mode, (plan.resolution, plan.resolution), _BLACK[image.mode])
    square.paste(image, plan.rectangle[:2])
    return square
