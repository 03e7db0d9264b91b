"""Which networks a metric looks through: the published ones, or the small ones that come with the project."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan_tf.errors import UserError
from stylegan_tf.weights import download, registry

KINDS = ("auto", "open", "official", "faces")
FACES = "faces"


@dataclass
class FeatureExtractor:
    """What a metric looks through.

    suffix: "" for the networks of the metric's definition, else what stands behind the @ in the metric's name. name,
    digest: which weights. see: for features and classes uint8 RGB [N, H, W, 3] -> [N, F]; for distance two of float32
    [N, H, W, 3] in 0..255 -> [N]; for classifiers an iterable of (attribute, network).
    """

    suffix: str
    name: str
    digest: str
    see: Any

    def __call__(self, *pictures):
        return self.see(*pictures)


def feature_extractor(role: str, kind: str, replicas) -> FeatureExtractor:
    """The networks of a role (features, classes, distance or classifiers), made on every replica.

    kind: open or official files, which are downloaded where they are not here; faces: those that come with the project;
    a folder with published files; auto: published files if they are here already, else faces. Raises UserError where
    there are none of that kind.
    """
    if kind not in KINDS and not os.path.isdir(kind):
        raise UserError(f"--nets={kind}: choose from {', '.join(KINDS)}, or name a folder of published files")
    if kind == "auto" and not published_are_here(role):
        kind = FACES
    makers: dict[str, Callable] = {
        "features": _features,
        "classes": _classes,
        "distance": _distance,
        "classifiers": _classifiers,
    }
    with replicas.scope():
        return makers[role](kind)


def published_are_here(role: str) -> bool:
    """Whether the published networks of a role can be loaded without a download."""
    if role == "classifiers":
        folder = download.cache_folder()
        return all((folder / entry.file).exists() for entry in _classifier_files())
    from stylegan_tf.weights import metric_weights

    return metric_weights.is_here("lpips" if role == "distance" else "inception")


def _features(kind: str) -> FeatureExtractor:
    if kind == FACES:
        from stylegan_tf.weights import faces_bundle

        name, digest, network = faces_bundle.features()
        return FeatureExtractor(FACES, name, digest, network.features)
    from stylegan_tf.weights import metric_weights

    loaded = metric_weights.inception(kind)
    return FeatureExtractor("", loaded.name, loaded.digest, loaded.network.features)


def _classes(kind: str) -> FeatureExtractor:
    if kind == FACES:
        raise UserError("the inception score needs the classes of Inception: --nets=open downloads it")
    from stylegan_tf.weights import metric_weights

    loaded = metric_weights.inception(kind)
    return FeatureExtractor("", loaded.name, loaded.digest, loaded.network.logits)


def _distance(kind: str) -> FeatureExtractor:
    if kind == FACES:
        from stylegan_tf.weights import faces_bundle

        name, digest, network = faces_bundle.features()
        return FeatureExtractor(FACES, name, digest, network.distance)
    from stylegan_tf.weights import metric_weights

    loaded = metric_weights.lpips(kind)
    return FeatureExtractor("", loaded.name, loaded.digest, loaded.network.distance_of_pixels)


def _classifiers(kind: str) -> FeatureExtractor:
    if kind == FACES:
        from stylegan_tf.weights import faces_bundle

        return FeatureExtractor(FACES, *faces_bundle.classifiers())
    folder = None if kind in KINDS else Path(kind)
    paths = [_classifier_path(entry, folder) for entry in _classifier_files()]
    from stylegan_tf.weights.metric_weights import joint_digest

    return FeatureExtractor("", "celebahq-classifiers", joint_digest(paths), _Published(paths))


class _Published:
    """NVIDIA's 40 classifiers, loaded when their turn comes: an iterable of (attribute, network)."""

    def __init__(self, paths: list[Path]):
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        from stylegan_tf.weights import official_pickle
        from stylegan_tf.weights.convert import to_network

        for attribute, path in zip(registry.ATTRIBUTES, self.paths, strict=True):
            networks = official_pickle.read(path)
            if set(networks) != {"D"}:
                raise UserError(f"{path} holds no attribute classifier")
            yield attribute, to_network(networks["D"])


def _classifier_files() -> list[registry.Entry]:
    return [entry for entry in registry.ENTRIES if entry.role == registry.CLASSIFIER]


def _classifier_path(entry: registry.Entry, folder: Path | None) -> Path:
    if folder is None:
        return download.fetch(entry)
    if not (folder / entry.file).is_file():
        raise UserError(f"the folder {folder} must hold the 40 attribute classifiers; there is no {entry.file}")
    return folder / entry.file
