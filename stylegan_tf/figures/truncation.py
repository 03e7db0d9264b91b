"""The truncation trick (paper Figure 8): w drawn towards its average, and beyond it."""

from collections.abc import Sequence

import numpy as np

from stylegan_tf.figures.images import Painter
from stylegan_tf.pictures import grid

PSIS = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)


def truncated(ws: np.ndarray, w_avg: np.ndarray, psi: float) -> np.ndarray:
    """w_avg + psi (w - w_avg) in ALL layers (paper app. B). ws: [N, layers, w_dim]."""
    return w_avg + psi * (ws - w_avg)


def sheet(painter: Painter, ws: np.ndarray, psis: Sequence[float] = PSIS) -> np.ndarray:
    """The figure, uint8 [N H, len(psis) W, C]: a latent per row, a psi per column. Stored noise."""
    w_avg = np.asarray(painter.Gs.w_avg)
    cells = np.stack([truncated(ws, w_avg, psi) for psi in psis], axis=1)
    images = painter(cells.reshape(-1, *ws.shape[1:]).astype(np.float32))
    return grid(images, len(psis), len(ws))
