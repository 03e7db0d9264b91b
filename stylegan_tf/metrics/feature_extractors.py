"""Which networks a metric looks through: the published ones, or the small ones that come with the project."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan_tf.errors import UserError
from stylegan_tf.weights import download, registry

KINDS = ("auto", "open", "official", "faces")
FACES = "faces"
NO_CLASSES = (
    "the inception score needs the classes of Inception: --nets=open downloads it, and is50k@open asks for it by name"
)
# role -> network of metric_weights
PUBLISHED = {"features": "inception", "classes": "inception", "distance": "lpips", "embedding": "lpips"}
METHODS = {
    **{"features": "features", "classes": "logits"},
    **{"distance": "distance_of_pixels", "embedding": "embedding_of_pixels"},
}


@dataclass(eq=False)
class FeatureExtractor:
    """What a metric looks through.

    suffix: "" for the networks of the metric's definition, else what stands behind the @ in the metric's name. name,
    digest: which weights. network: for features and classes uint8 RGB [N, H, W, 3] -> [N, F]; for distance two of
    float32 [N, H, W, 3] in 0..255 -> [N]; for embedding one -> [N, F], whose summed squared differences are the
    distance; for classifiers an iterable of (attribute, network).
    """

    suffix: str
    name: str
    digest: str
    network: Any

    def __call__(self, *images):
        return self.network(*images)


def kind_of(role: str, kind: str) -> str:
    """The kind, or what `auto` means here. Raises UserError for what is none, or a folder without the files of a role.

    Light, as all in this file but `feature_extractor`.
    """
    if kind not in KINDS and not os.path.isdir(kind):
        raise UserError(f"--nets={kind}: choose from {', '.join(KINDS)}, or name a folder of published files")
    if kind == "auto":
        return kind if published_are_here(role) else FACES
    if kind not in KINDS:
        fetch(role, kind)
    return kind


def fetch(role: str, kind: str) -> None:
    """Downloads the published files of a role that are not here; looks whether a folder has them.

    Raises Failure where they cannot be had, UserError where the folder lacks one.
    """
    from stylegan_tf.weights import metric_weights

    if role == "classifiers" and kind != FACES:
        _classifier_files(kind)
    elif kind != FACES:
        metric_weights.fetch(PUBLISHED[role], kind)


def published_are_here(role: str) -> bool:
    """Whether the published networks of a role can be loaded without a download."""
    if role == "classifiers":
        folder = download.cache_folder()
        return all((folder / entry.file).exists() for entry in _classifier_entries())
    from stylegan_tf.weights import metric_weights

    return metric_weights.is_here(PUBLISHED[role])


def feature_extractor(role: str, kind: str, replicas) -> FeatureExtractor:
    """The networks of a role (features, classes, distance, embedding or classifiers), made on every replica.

    kind: open or official files, which are downloaded where they are not here; faces: those that come with the project;
    a folder with published files; auto: published files if they are here already, else faces. Raises UserError where
    there are none of that kind.
    """
    kind = kind_of(role, kind)
    with replicas.scope():
        if kind == FACES:
            return _of_faces(role)
        from stylegan_tf.weights import metric_weights

        if role == "classifiers":
            paths = _classifier_files(kind)
            return FeatureExtractor("", "celebahq-classifiers", metric_weights.joint_digest(paths), _Published(paths))
        loaded = getattr(metric_weights, PUBLISHED[role])(kind)
        return FeatureExtractor("", loaded.name, loaded.digest, getattr(loaded.network, METHODS[role]))


def _of_faces(role: str) -> FeatureExtractor:
    from stylegan_tf.weights import faces_bundle

    if role == "classes":
        raise UserError(NO_CLASSES)
    if role == "classifiers":
        return FeatureExtractor(FACES, *faces_bundle.classifiers())
    name, digest, network = faces_bundle.features()
    return FeatureExtractor(FACES, name, digest, getattr(network, role))


class _Published:
    """NVIDIA's 40 classifiers, loaded when their turn comes: an iterable of (attribute, network)."""

    def __init__(self, paths: list[Path]):
        self.paths = paths

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        from stylegan_tf.weights import official_pickle
        from stylegan_tf.weights.convert import to_network

        for attribute, path in zip(registry.ATTRIBUTES, self.paths, strict=True):
            networks = official_pickle.read(path)
            if set(networks) != {"D"}:
                raise UserError(f"{path} holds no attribute classifier")
            yield attribute, to_network(networks["D"])


def _classifier_entries() -> list[registry.Entry]:
    return [entry for entry in registry.ENTRIES if entry.role == registry.CLASSIFIER]


def _classifier_files(kind: str) -> list[Path]:
    """The published classifiers, downloaded where they are not here, or those in a folder."""
    if kind in KINDS:
        return [download.fetch(entry) for entry in _classifier_entries()]
    paths = [Path(kind) / entry.file for entry in _classifier_entries()]
    for path in paths:
        if not path.is_file():
            raise UserError(f"the folder {kind} must hold the 40 attribute classifiers; there is no {path.name}")
    return paths
