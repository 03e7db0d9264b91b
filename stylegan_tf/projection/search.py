"""The search for many pictures, minibatch after minibatch, which goes on bit for bit where it was killed.

A folder holds what was done: for each minibatch an .npz file of its state, in the end of what was found, and its
pictures on the way, a PNG file for each look.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stylegan_tf import files, pictures, plain_npz
from stylegan_tf.errors import Failure
from stylegan_tf.progress import Eta, LiveLine
from stylegan_tf.projection.projector import Projector, Statistics
from stylegan_tf.projection.targets import Target

LOOKS = 100  # or some more: rows of the losses, and frames of a video
MOST_SHOWN = 32  # pictures that are kept of the way
SAVE_SECONDS = 20.0  # between two savings


@dataclass(frozen=True)
class Found:
    """What was found for N pictures."""

    ws: np.ndarray  # [N, num_layers, w_dim]
    noise: list[np.ndarray]  # [N, H, W, 1] of each layer; one for all, [1, H, W, 1], where it was not optimised
    losses: np.ndarray  # [looks, 3, N]: Losses at `looks`


def looks(steps: int) -> list[int]:
    """The steps before which pictures and losses are looked at, and the end."""
    return [*range(0, steps, max(1, steps // LOOKS)), steps]


def search(
    projector: Projector, targets: Sequence[Target], statistics: Sequence[Statistics], folder: Path, distance: str
) -> Found:
    """Projects all pictures. statistics: of w, one for each; distance: what it is called, for the line of progress.

    Raises Failure where a loss is not finite.
    """
    steps, size, count = projector.settings.steps, projector.count, len(targets)
    parts, eta, done = [], None, 0
    with closing(LiveLine()) as line:
        projector.on_tried = lambda text: line.show(f"project: {text}")
        for start in range(0, count, size):
            rows = [min(row, count - 1) for row in range(start, start + size)]  # the last picture fills it up
            saved = _read(_file(folder, start))
            if "ws" not in saved:
                projector.start(np.stack([targets[row].pixels for row in rows]), [statistics[row] for row in rows])
                left = -(-(count - start) // size) * steps - int(saved.get("step", 0))
                for mean in _steps(projector, saved, folder, start):
                    done += eta is not None
                    eta = eta or Eta(left - 1, "steps")  # the first step makes the graphs
                    line.show(f"project: {eta.text(done)}, {distance} {mean:.4f}")
                saved = _read(_file(folder, start))
            parts.append(saved)
    ws, losses = (np.concatenate([part[name] for part in parts], axis) for name, axis in (("ws", 0), ("losses", 2)))
    noise = projector.noise_maps()
    if projector.noise:
        noise = [np.concatenate([part[f"noise{layer}"] for part in parts])[:count] for layer in range(len(noise))]
    return Found(ws[:count], noise, losses[:, :, :count])


def _steps(projector: Projector, saved: dict[str, np.ndarray], folder: Path, start: int) -> Iterator[float]:
    """The steps of a minibatch from where it was saved; yields the mean distance at the last look after each."""
    steps, losses, first = projector.settings.steps, list(saved.get("losses", ())), int(saved.get("step", 0))
    if saved:
        projector.restore(saved)
    at, due = set(looks(steps)), time.monotonic() + SAVE_SECONDS
    for step in range(first, steps + 1):
        if step in at:
            pixels, seen = projector.found()
            losses.append(np.stack(seen))
            if not np.isfinite(losses[-1]).all():
                raise Failure(f"a loss is not finite at step {step}: nothing is found for such a picture or network")
            if start < MOST_SHOWN:
                pictures.save_png(_frame(folder, start, step), pixels.reshape(-1, *pixels.shape[2:]))
        if step == steps:
            break
        projector.step(step)
        yield float(np.mean(losses[-1][0]))
        if time.monotonic() > due:
            _save(_file(folder, start), projector.state() | {"step": np.array(step + 1), "losses": np.stack(losses)})
            due = time.monotonic() + SAVE_SECONDS
    noise = {f"noise{layer}": noise.numpy() for layer, noise in enumerate(projector.noise)}
    _save(_file(folder, start), noise | {"ws": projector.ws(), "losses": np.stack(losses)})


def frames(folder: Path, steps: int, count: int, size: int) -> Iterator[np.ndarray]:
    """The first pictures at every look, uint8 [n, H, W, C]. count: of all pictures; size: of a minibatch."""
    for step in looks(steps):
        parts = []
        for start in range(0, min(count, MOST_SHOWN), size):
            with Image.open(_frame(folder, start, step)) as image:
                stacked = np.asarray(image)
            channels = 1 if stacked.ndim == 2 else stacked.shape[2]
            parts.append(stacked.reshape(-1, stacked.shape[1], stacked.shape[1], channels))
        yield np.concatenate(parts)[: min(count, MOST_SHOWN)]


def _file(folder: Path, start: int) -> Path:
    return folder / f"minibatch{start:05d}.npz"


def _frame(folder: Path, start: int, step: int) -> Path:
    return folder / f"frame{start:05d}-{step:06d}.png"


def _read(file: Path) -> dict[str, np.ndarray]:
    return plain_npz.read(file) if file.exists() else {}


def _save(file: Path, arrays: dict[str, np.ndarray]) -> None:
    with files.atomic_path(file) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
