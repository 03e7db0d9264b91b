"""The bundle of small networks: round trip, what is refused, and how well the shipped one does."""

import json
import zipfile

import numpy as np
import pytest
from refusals import raises, refused

from stylegan_tf import plain_npz
from stylegan_tf.data.faces.attributes import ATTRIBUTES as CELEBA
from stylegan_tf.data.faces.create import faces
from stylegan_tf.networks.faces_features import FacesFeatures
from stylegan_tf.networks.progan import ProganDiscriminator
from stylegan_tf.weights import faces_bundle
from stylegan_tf.weights.registry import ATTRIBUTES

FEATURES = {"widths": (2, 2, 2, 2), "num_features": 3, "num_attributes": 2}


def classifier(seed, **changes):
    arguments = {"resolution": 8, "fmap_base": 16, "fmap_max": 4, "mbstd_group_size": 0, "seed": seed}
    return ProganDiscriminator(**arguments | changes)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "it.npz"
    networks = [("male", classifier(1)), ("smiling", classifier(2))]
    faces_bundle.write(path, networks, FacesFeatures(**FEATURES, seed=3), {"pictures": 7})
    return path


def half(array):
    return np.asarray(array).astype(np.float16).astype(np.float32)


def test_round_trip(bundle):
    name, digest, found = faces_bundle.classifiers(bundle)
    assert (name, len(digest)) == ("faces-classifiers", 64)
    assert [attribute for attribute, _ in found] == ["male", "smiling"]
    for seed, (_, network) in enumerate(found, 1):
        assert network.mbstd_group_size == 0
        for variable, original in zip(network.variables, classifier(seed).variables, strict=True):
            assert np.array_equal(variable, half(original))
    seeing = faces_bundle.features(bundle)
    assert seeing.name == "faces-features"
    for variable, original in zip(seeing.network.variables, FacesFeatures(**FEATURES, seed=3).variables, strict=True):
        assert np.array_equal(variable, half(original))
    assert faces_bundle.facts(bundle) == {"pictures": 7}


def test_each_part_may_be_alone(tmp_path):
    faces_bundle.write(tmp_path / "one.npz", [("male", classifier(1))], None, {})
    assert len(faces_bundle.classifiers(tmp_path / "one.npz").networks) == 1
    with refused(tmp_path / "one.npz", "feature network"):
        faces_bundle.features(tmp_path / "one.npz")
    faces_bundle.write(tmp_path / "other.npz", [], FacesFeatures(**FEATURES), {})
    with refused(tmp_path / "other.npz", "no classifiers"):
        faces_bundle.classifiers(tmp_path / "other.npz")


def test_networks_of_several_kinds_are_not_stacked(tmp_path):
    with raises(ValueError, "classifiers", "arguments"):
        faces_bundle.write(tmp_path / "it.npz", [("a", classifier(1)), ("b", classifier(1, fmap_max=2))], None, {})
    assert not list(tmp_path.iterdir())


def test_damage(bundle, tmp_path):
    whole = bundle.read_bytes()
    path = tmp_path / "damaged.npz"
    path.write_bytes(whole[: len(whole) // 2])
    with refused(path):
        faces_bundle.classifiers(path)
    path.write_bytes(b"<html>not here</html>")
    with refused(path):
        faces_bundle.features(path)
    with refused(tmp_path / "none.npz", "train_classifiers.py --pack"):
        faces_bundle.facts(tmp_path / "none.npz")


def changed(bundle, path, change):
    """A bundle whose header and arrays `change` has changed in place."""
    with np.load(bundle) as arrays:
        found = dict(arrays)
    header = json.loads(found.pop("header").tobytes())
    change(header, found)
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **found)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda header, _: header.update(format=9), ("format", "9", "1")),
        (lambda header, _: header["classifiers"]["arguments"].update(fmap_max=10**6), ("fmap_max 1000000", "512")),
        (lambda header, _: header["classifiers"]["arguments"].update(resolution=2**14), ("resolution 16384", "256")),
        (lambda header, _: header["classifiers"]["attributes"].append("third"), ("b4_from_rgb/vars/0", "3 attributes")),
        (lambda _, arrays: arrays.pop("classifiers/b4_dense1/vars/0"), ("b4_dense1/vars/0",)),
        (lambda _, arrays: arrays.update({"classifiers/more": np.zeros((2, 1))}), ("array more",)),
    ],
)
def test_what_does_not_fit_is_refused(bundle, tmp_path, change, names):
    changed(bundle, tmp_path / "it.npz", change)
    with refused(tmp_path / "it.npz", *names):
        faces_bundle.classifiers(tmp_path / "it.npz")


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(plain_npz.SMALL + 1))
    with refused(path, f"{plain_npz.SMALL} bytes"):
        faces_bundle.classifiers(path)


def test_bytes_that_changed_are_found(bundle, tmp_path):
    whole = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as archive:
        member = archive.getinfo("classifiers/b4_conv/vars/0.npy")
    whole[member.header_offset + 100] ^= 255
    (tmp_path / "flipped.npz").write_bytes(whole)
    with refused(tmp_path / "flipped.npz", "decompressing"):
        faces_bundle.classifiers(tmp_path / "flipped.npz")


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, header=np.array([{"format": 1}], object))
    with refused(path, "object"):
        faces_bundle.facts(path)


@pytest.fixture(scope="module")
def fresh():
    """Faces of a series that nothing was trained on, and their attributes in the order of the classifiers."""
    drawn = list(faces(200, 32, seed=12345))
    truth = np.array([traits for _, traits in drawn])
    columns = [[name.lower().replace("_", "-") for name in CELEBA].index(name) for name in ATTRIBUTES]
    return np.array([picture for picture, _ in drawn]), truth[:, columns]


def test_the_shipped_classifiers_know_faces_that_they_never_saw(fresh):
    pictures, truth = fresh
    _, _, networks = faces_bundle.classifiers()
    assert [attribute for attribute, _ in networks] == list(ATTRIBUTES)
    images = pictures.astype(np.float32) / 127.5 - 1
    logits = np.stack([np.asarray(network(images))[:, 0] for _, network in networks], axis=1)
    right = ((logits > 0) == truth).mean(axis=0)
    assert right.mean() >= 0.93
    assert right.min() >= 0.80, ATTRIBUTES[right.argmin()]


def test_the_shipped_feature_network_knows_them_too(fresh):
    pictures, truth = fresh
    network = faces_bundle.features().network
    right = ((np.asarray(network(pictures.astype(np.float32) / 127.5 - 1)) > 0) == truth).mean(axis=0)
    assert right.mean() >= 0.93


def test_the_shipped_bundle_says_how_it_was_made():
    scores = faces_bundle.facts()["scores"]
    assert list(scores) == list(ATTRIBUTES)
    accuracies = [score["accuracy"] for score in scores.values()]
    assert np.mean(accuracies) >= 0.93
    assert min(accuracies) >= 0.80
