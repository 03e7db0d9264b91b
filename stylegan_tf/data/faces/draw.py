"""A face -> its picture."""

import numpy as np
from PIL import Image, ImageFilter

from stylegan_tf.data.faces.adornment import draw_earrings, draw_glasses, draw_hat
from stylegan_tf.data.faces.beard import draw_beard, draw_moustache, draw_stubble
from stylegan_tf.data.faces.clothes import backdrop, draw_neckline, draw_shoulders
from stylegan_tf.data.faces.eyes import draw_brows, draw_eyes
from stylegan_tf.data.faces.hair import draw_hair, draw_hair_behind
from stylegan_tf.data.faces.head import draw_cheeks, draw_ears, draw_head, draw_neck, draw_wrinkles
from stylegan_tf.data.faces.mouth import draw_moles, draw_mouth, draw_nose
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face
from stylegan_tf.errors import UserError

RESOLUTIONS = (16, 32, 64, 128, 256, 512, 1024)

_BODY = (draw_shoulders,)
_HEAD_BEHIND = (draw_hair_behind,)
_NECK = (draw_neck, draw_neckline)
_HEAD = (
    *(draw_ears, draw_head, draw_stubble, draw_cheeks, draw_wrinkles, draw_moles),
    *(draw_eyes, draw_nose, draw_beard, draw_mouth, draw_moustache),
    *(draw_hair, draw_brows, draw_glasses, draw_hat, draw_earrings),
)


def draw(face: Face, resolution: int) -> np.ndarray:
    """Draws a face: uint8 `[R, R, 3]`, RGB, R = `resolution`, a power of two from 16 to 1024.

    The shapes are drawn larger, on 256 pixels or more, and averaged down, so that all resolutions show one picture.
    """
    if resolution not in RESOLUTIONS:
        raise UserError(f"faces are drawn at a resolution of 16, 32, 64, ... or 1024, not {resolution}")
    factor = max(256 // resolution, 4 if resolution <= 256 else 2)
    canvas = paint(face, resolution * factor)
    return np.array(canvas.reduce(factor))


def paint(face: Face, size: int) -> Image.Image:
    """The picture, `size` pixels square, not anti-aliased: painted from the backdrop forward."""
    traits, colours = face.traits, palette(face)
    pen = Pen(backdrop(face, size))
    shift = complex(traits.shift_x, traits.shift_y)
    for tilt, layers in ((0.0, _BODY), (traits.tilt, _HEAD_BEHIND), (0.0, _NECK), (traits.tilt, _HEAD)):
        pen.place(tilt, traits.scale, shift)
        for layer in layers:
            layer(pen, face, colours)
    if face.attributes["Blurry"]:
        return pen.picture.filter(ImageFilter.GaussianBlur(0.014 * size))
    return pen.picture
