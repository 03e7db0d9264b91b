"""What the attribute classifiers say about pictures of given w, kept on the disk so that a killed command goes on."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from stylegan_tf import files
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import UserError
from stylegan_tf.metrics.feature_extractors import feature_extractor
from stylegan_tf.metrics.ls_samples import fitted
from stylegan_tf.metrics.samples import to_rgb
from stylegan_tf.networks.sampling import has_w, latents
from stylegan_tf.ops.resample import upscale
from stylegan_tf.progress import track
from stylegan_tf.weights import load

BATCH = 32  # pictures at once


@dataclass
class Judged:
    """A generator, and what the classifiers of `nets` make of its pictures, which have the stored noise.

    Larger pictures than the classifiers were made for are averaged down, as linear separability does.
    """

    path: Path
    Gs: Any
    stage: int | None
    fade: float
    attributes: tuple[str, ...]
    nets: str  # which classifiers
    digest: str  # of the generator's file and the classifiers'
    look: Callable  # ws [n, layers, w_dim] -> logits [n, attributes]

    def w(self, seeds: Sequence[int]) -> np.ndarray:
        """w of seeds, [N, w_dim], without truncation."""
        return np.asarray(self.Gs.mapping(latents(seeds, self.Gs.z_dim)))

    def logits(self, ws: np.ndarray) -> np.ndarray:
        """ws [N, layers, w_dim] -> [N, attributes], positive where the attribute is there."""
        found = []
        for start in range(0, len(ws), BATCH):
            rows = ws[start : start + BATCH]
            padded = np.concatenate([rows, np.repeat(rows[-1:], BATCH - len(rows), axis=0)])  # one shape, one graph
            found.append(self.look(tf.constant(padded, tf.float32)).numpy()[: len(rows)])
        return np.concatenate(found)


def judged(network: str | None, nets: str) -> Judged:
    """The network that is meant (None: the one that comes along), without labels. Raises UserError for another one."""
    path = load.generator_file(network or load.SHIPPED)
    networks, stage, fade = load.opened(path)
    Gs: Any = networks.Gs or networks.G
    if not has_w(Gs) or not Gs.use_styles or Gs.label_size:
        raise UserError(f"{path}: its styles are measured, so it must have some, and no classes")
    extractor = feature_extractor("classifiers", nets, Replicas(1))
    pairs = list(extractor.network)

    @tf.function
    def look(ws):
        images = to_rgb(Gs.synthesis(ws, noise="const", stage=stage, fade=fade))
        images = upscale(images, Gs.resolution // images.shape[1])
        return tf.concat([tf.reshape(one(fitted(images, name, one)), (-1, 1)) for name, one in pairs], axis=1)

    digest = f"{files.sha256(path)[:16]}-{extractor.digest[:16]}"
    return Judged(path, Gs, stage, fade, tuple(name for name, _ in pairs), extractor.name, digest, look)


def kept(workdir: Path, names: Sequence[str], make: Callable[[str], np.ndarray], what: str) -> list[np.ndarray]:
    """make(name) of every name; what is in `workdir` already is not made again."""
    workdir.mkdir(parents=True, exist_ok=True)
    found = []
    for name in track(names, len(names), what, "parts"):
        path = workdir / f"{name}.npy"
        if not path.exists():
            with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
                np.save(file, make(name))
        found.append(np.load(path, allow_pickle=False))
    return found


def forget(workdir: Path) -> None:
    """Removes what was kept, once its table is written."""
    shutil.rmtree(workdir)
