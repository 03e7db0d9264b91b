"""Real pictures as the discriminator sees them (official process_reals)."""

from stylegan_tf.ops.blend import crossfade
from stylegan_tf.ops.pixels import from_uint8, mirror
from stylegan_tf.ops.resample import downscale, upscale


def process(pictures, flipped, fade):
    """uint8 pictures -> [-1, 1], mirrored where asked, faded like the fakes.

    pictures: uint8 [N, H, W, C]; flipped: booleans [N], or None for no mirroring; fade: scalar, the weight of the
    finest resolution: below 1 the picture loses detail towards its 2x2 means -> float32 [N, H, W, C].
    """
    images = from_uint8(pictures)
    if flipped is not None:
        images = mirror(images, flipped)
    if images.shape[1] < 8:  # a fade from below 4x4 does not exist
        return images
    return crossfade(images, upscale(downscale(images)), fade)
