"""Pictures of given w, in batches, as all figures show them; and how small ones are enlarged."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from stylegan_tf.configs.crop import Rectangle
from stylegan_tf.errors import UserError
from stylegan_tf.networks.sampling import batch_size, to_uint8

MIN_SIDE, MAX_SIDE = 512, 8192  # pixels: sheets are enlarged to the one, unless that makes them wider than the other
MOST_PIXELS, WIDEST = 2**28, {"jpg": 65_535, "webp": 16_383}  # of a sheet for memory, a side in these formats
MANY = 3  # batches: a graph takes as long to make


class Painter:
    """Pictures of one generator at the stage that it had been trained to.

    Gs: networks.generator.Generator. stage, fade: see there. crop: (x, y, width, height) that is kept of each picture,
    in pixels of that stage; None: all.
    """

    def __init__(self, Gs, stage: int | None = None, fade: float = 1.0, crop: Rectangle | None = None):
        self.Gs, self.stage, self.fade, self.crop = Gs, stage, fade, crop
        self._graphs = None

    @property
    def num_layers(self) -> int:
        """Layers that the pictures of this stage depend on."""
        return 2 * (self.stage or self.Gs.last_stage) - 2

    @property
    def last_stage(self) -> int:
        """log2 of the pictures' side."""
        return self.stage or self.Gs.last_stage

    def ws(self, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """z [N, z_dim], labels one-hot [N, label_size] -> ws [N, num_layers, w_dim], without truncation."""
        return ops.convert_to_numpy(self.Gs.broadcast(self.Gs.mapping(z, labels)))

    def of_z(self, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """As a call, of z [N, z_dim] and labels [N, label_size]: for config A, which has no w."""
        images = self.Gs(z, labels, stage=self.stage, fade=self.fade)
        return cropped(to_uint8(images), self.crop)

    def __call__(self, ws: np.ndarray, noise: str | Sequence[np.ndarray] = "const") -> np.ndarray:
        """ws [N, num_layers, w_dim] -> uint8 [N, H, W, C].

        noise: "const", "none", or for each layer [1 or N, H, W, 1].
        """
        size = batch_size(self.Gs)
        if self._graphs is None and len(ws) > MANY * size:
            self._graphs = self.Gs.as_graphs()
        synthesis = (self._graphs or self.Gs).synthesis
        parts = []
        for start in range(0, len(ws), size):
            rows = slice(start, start + size)
            own = noise if isinstance(noise, str) else [layer[rows] if len(layer) > 1 else layer for layer in noise]
            images = synthesis(ws[rows], noise=own, stage=self.stage, fade=self.fade)
            parts.append(cropped(to_uint8(images), self.crop))
        return np.concatenate(parts)


def cropped(pixels: np.ndarray, crop: Rectangle | None) -> np.ndarray:
    """[N, H, W, C] -> what lies in the rectangle of each."""
    if crop is None:
        return pixels
    x, y, width, height = crop
    return pixels[:, y : y + height, x : x + width]


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """[..., H, W, C] with each pixel repeated `factor` times in both directions."""
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def factor_for(height: int, width: int) -> int:
    """The whole factor, 1 at least, by which both sides of a picture reach MIN_SIDE, and none passes MAX_SIDE."""
    return max(1, min(-(-MIN_SIDE // min(height, width)), MAX_SIDE // max(height, width)))


def checked_factor(asked: int | None, height: int, width: int, kind: str = "png") -> int:
    """How often each pixel of a sheet is repeated: --scale, or as `factor_for` says. kind: one of figures' --format.

    Raises UserError where the picture would be too large for memory, or for its format.
    """
    factor = asked or factor_for(height, width)
    height, width = height * factor, width * factor
    if height * width > MOST_PIXELS or max(height, width) > WIDEST.get(kind, MOST_PIXELS):
        limit = f"{WIDEST[kind]} pixels a side with --format={kind}" if kind in WIDEST else f"{MOST_PIXELS:,} pixels"
        smaller = f"less than --scale={factor}" if asked else "fewer pictures"
        raise UserError(f"the picture would have {width}x{height} pixels, and {limit} can be had: choose {smaller}")
    return factor


def canvas(height: int, width: int, channels: int) -> np.ndarray:
    """A white sheet, uint8 [height, width, channels]."""
    return np.full((height, width, channels), 255, np.uint8)
