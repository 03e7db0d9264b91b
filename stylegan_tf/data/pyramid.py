"""A picture at every resolution from its own down to 4x4."""

from typing import Any

import numpy as np

from stylegan_tf.configs.stages import is_resolution

# Sums of up to 4^4 pixels, with what rounds them, fit into 16 bits: (type, that of two side by side, bits).
_SUMS: dict[bool, tuple[Any, Any, int]] = {True: (np.uint16, np.uint32, 16), False: (np.uint32, np.uint64, 32)}


def halve(picture: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 block, float32 [..., H, W, C] -> [..., H/2, W/2, C].

    Exact for pictures that began as uint8: eight levels down a value has 8 + 16 bits, as many as float32 holds, so the
    order of the additions does not matter.
    """
    rows = picture[..., 0::2, :, :] + picture[..., 1::2, :, :]
    return (rows[..., :, 0::2, :] + rows[..., :, 1::2, :]) * np.float32(0.25)


def levels(picture: np.ndarray) -> list[np.ndarray]:
    """uint8 pictures from the full resolution down to 4x4, of a picture or batch uint8 or float32 [..., H, W, C].

    Each level is the 2x2 mean of the UNROUNDED level above; it is rounded (half to even) and clipped to [0, 255] only
    when it leaves this function, as in the official data sets. H and W must be one power of two, 4 or more.
    """
    if picture.ndim < 3 or picture.shape[-3] != picture.shape[-2]:
        raise ValueError(f"expected square pictures [..., H, W, C], got {list(picture.shape)}")
    if not is_resolution(picture.shape[-2]):
        raise ValueError(f"expected a resolution of 4, 8, 16, ..., got {picture.shape[-2]}")
    current = picture.astype(np.float32)
    result = [_rounded(current) if picture.dtype != np.uint8 else picture]
    while current.shape[-2] > 4:
        current = halve(current)
        result.append(_rounded(current))
    return result


def _rounded(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def planar_levels(pictures: np.ndarray) -> list[np.ndarray]:
    """What `levels` gives, of pictures uint8 [..., C, H, W], computed in integers in a sixth of the time.

    A level k halvings down is a sum of 4^k pixels, divided once. Beyond k = 8 such sums have more bits than float32,
    and then the official rounding of intermediate results matters, so that larger pictures go through `levels`.
    """
    if pictures.shape[-1] > 1024:
        return [np.moveaxis(level, -1, -3) for level in levels(np.moveaxis(pictures, -3, -1))]
    result = [pictures]
    sums, bits = pictures, 0  # 2^bits pixels in each sum
    while sums.shape[-1] > 4:
        dtype, pair, width = _SUMS[bits < 8]
        rows = np.add(sums[..., 0::2, :], sums[..., 1::2, :], dtype=dtype)
        # Neighbours of a row as one number of twice the bits: numpy adds those faster than every other number.
        pairs = np.ascontiguousarray(rows).view(pair)
        sums = ((pairs & pair(2**width - 1)) + (pairs >> pair(width))).astype(dtype)
        bits += 2
        to_even = dtype(2 ** (bits - 1) - 1) + ((sums >> dtype(bits)) & dtype(1))
        result.append(((sums + to_even) >> dtype(bits)).astype(np.uint8))
    return result
