"""Pixels: between uint8 and [-1, 1], mirror images."""

from keras import ops


def from_uint8(pixels):
    """0..255 -> [-1, 1]: x 2/255 - 1, float32 (official adjust_dynamic_range)."""
    return ops.cast(pixels, "float32") * (2 / 255) - 1


def to_uint8(images):
    """[-1, 1] -> 0..255: truncates clip(x 127.5 + 128, 0, 255) (official convert_images_to_uint8)."""
    images = ops.cast(images, "float32") * 127.5 + 128
    return ops.cast(ops.clip(images, 0, 255), "uint8")


def mirror(images, flipped):
    """Left-right mirror image of the samples where `flipped`. images: [N, H, W, C], flipped: booleans [N]."""
    return ops.where(ops.reshape(flipped, (-1, 1, 1, 1)), ops.flip(images, axis=2), images)
