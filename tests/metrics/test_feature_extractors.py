"""What metrics look through: which networks are chosen, and how they are called."""

from pathlib import Path

import numpy as np
import official_files
import pytest
import tensorflow as tf
from refusals import refused

from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import feature_extractors
from stylegan_tf.networks.kinds import make
from stylegan_tf.networks.lpips import Lpips
from stylegan_tf.weights import faces_bundle, metric_weights, registry

SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with 40 files under the names of NVIDIA's classifiers: two networks in turn."""
    folder = tmp_path / "published"
    folder.mkdir()
    content = []
    for seed in (1, 2):
        network = make(DiscriminatorConfig(**SMALL, mbstd_group_size=0), seed)
        content.append(official_files.write(tmp_path / f"{seed}.pkl", {"D": network}).read_bytes())
    entries = [entry for entry in registry.ENTRIES if entry.role == registry.CLASSIFIER]
    for number, entry in enumerate(entries):
        (folder / entry.file).write_bytes(content[number % 2])
    return folder


def test_auto_is_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without published files the bundle, which its name says; never a download."""
    for role in ("features", "distance", "embedding", "classifiers"):
        assert not feature_extractors.published_are_here(role)
        found = feature_extractors.feature_extractor(role, "auto", Replicas(1))
        assert found.suffix == "faces" and found.name.startswith("faces-") and len(found.digest) == 64
    loaded = metric_weights.Loaded(faces_bundle.features().network, "d" * 64, "inception (open)")
    monkeypatch.setattr(metric_weights, "is_here", lambda which: which == "inception")
    monkeypatch.setattr(metric_weights, "inception", lambda kind: loaded)
    assert feature_extractors.feature_extractor("features", "auto", Replicas(1)).suffix == ""
    assert feature_extractors.feature_extractor("distance", "auto", Replicas(1)).suffix == "faces"


def test_published_lpips_where_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = metric_weights.Loaded(Lpips(), "d" * 64, "lpips (open)")
    monkeypatch.setattr(metric_weights, "is_here", lambda which: which == "lpips")
    monkeypatch.setattr(metric_weights, "lpips", lambda kind: loaded)
    pictures = tf.zeros((2, 32, 32, 3))
    for role, arguments, shape in (("distance", (pictures, pictures), (2,)), ("embedding", (pictures,), (2, 124928))):
        found = feature_extractors.feature_extractor(role, "auto", Replicas(1))
        assert (found.suffix, found.name, found(*arguments).shape) == ("", "lpips (open)", shape)


def test_the_bundle_sees() -> None:
    pictures = tf.constant(np.random.default_rng(1).integers(0, 256, [3, 64, 64, 3]), tf.uint8)
    features = feature_extractors.feature_extractor("features", "faces", Replicas(1))(pictures)
    assert features.shape == (3, 64) and np.isfinite(features).all()
    a, b = tf.cast(pictures, tf.float32), tf.cast(pictures[::-1], tf.float32)
    distance = feature_extractors.feature_extractor("distance", "faces", Replicas(1))
    assert np.array_equal(distance(a, a), np.zeros(3)) and (np.asarray(distance(a, b))[[0, 2]] > 0.01).all()
    assert len(feature_extractors.feature_extractor("classifiers", "faces", Replicas(1)).network) == 40


def test_published_classifiers_one_after_the_other(published: Path) -> None:
    found = feature_extractors.feature_extractor("classifiers", str(published), Replicas(1))
    assert found.suffix == "" and len(found.digest) == 64
    pairs = list(found.network)
    assert [attribute for attribute, _ in pairs] == list(registry.ATTRIBUTES)
    pictures = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)
    logits = [np.asarray(network(pictures)) for _, network in pairs[:3]]
    assert np.array_equal(logits[0], logits[2]) and not np.allclose(logits[0], logits[1])


def test_mistakes(published: Path, tmp_path: Path) -> None:
    first = published / "celebahq-classifier-00-male.pkl"
    G = make(GeneratorConfig(**SMALL, z_dim=4, w_dim=4, mapping_layers=1))
    first.write_bytes(official_files.write(tmp_path / "G.pkl", {"Gs": G}).read_bytes())
    with refused(first):
        list(feature_extractors.feature_extractor("classifiers", str(published), Replicas(1)).network)
    first.unlink()
    with refused(published, first.name):
        feature_extractors.feature_extractor("classifiers", str(published), Replicas(1))
    with refused("--nets=opne", "auto", "open", "official", "faces", "folder"):
        feature_extractors.feature_extractor("features", "opne", Replicas(1))
