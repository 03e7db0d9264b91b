"""What the bundled feature network makes of pictures whose differences are known: the built-in faces, spoilt more and
more."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import features, fid
from stylegan_tf.metrics.feature_extractors import feature_extractor

COUNT = 1000


@pytest.fixture(scope="module")
def distance(tmp_path_factory):
    """Frechet distance of a changed copy of the faces to the faces."""
    faces = np.stack(list(all_pictures(create_faces(tmp_path_factory.mktemp("faces") / "set", 32, COUNT, 11, 2))))
    network = feature_extractor("features", "faces", Replicas(1))

    def statistics(images):
        return fid.statistics_of(features.of_reals([images], network, Replicas(1), 100))

    whole = statistics(faces)

    def measured(change):
        return fid.frechet_distance(statistics(change(faces)), whole)

    return measured


def blurred(sigma):
    blur = ImageFilter.GaussianBlur(sigma)
    return lambda faces: np.stack([np.asarray(Image.fromarray(face).filter(blur)) for face in faces])


def noisy(deviation):
    noise = np.random.default_rng(3).normal(0, deviation, (COUNT, 32, 32, 3))
    return lambda faces: np.clip(np.rint(faces + noise), 0, 255).astype(np.uint8)


def only_noise(faces):
    return np.random.default_rng(4).integers(0, 256, faces.shape).astype(np.uint8)


def test_a_set_is_near_itself_and_far_from_noise(distance):
    assert abs(distance(lambda faces: faces)) < 0.01 * distance(only_noise)


@pytest.mark.parametrize("spoilt", [[blurred(0.5), blurred(1), blurred(2)], [noisy(5), noisy(10), noisy(20)]])
def test_the_distance_rises_with_blur_and_with_noise(distance, spoilt):
    found = [distance(change) for change in (lambda faces: faces, *spoilt)]
    assert found == sorted(found) and found[1] > found[0] + 0.001 * found[-1]
    assert found[-1] < distance(only_noise)
