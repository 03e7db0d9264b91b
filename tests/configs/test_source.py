"""Experiments meet the pictures they are to train on."""

import pytest

from stylegan_tf.configs.json_form import override
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.source import FACES, Pictures, fitted
from stylegan_tf.errors import UserError

LABELLED = Pictures("some pictures", lowest=8, highest=64, num_images=128, label_columns=10)


def test_a_data_set_that_is_not_there_yet_may_have_any_number_of_pictures() -> None:
    unknown = Pictures("a data set", lowest=4, highest=1024)
    chosen = override(experiment("A", "8gpu", resolution=1024), "data.num_faces=1")
    assert fitted(chosen, unknown) == chosen


def test_what_fits_is_returned() -> None:
    chosen = experiment("F", "1gpu", resolution=64)
    assert fitted(chosen, LABELLED) == chosen
    assert fitted(experiment("F", "cpu", resolution=16), FACES).G.resolution == 16


@pytest.mark.parametrize(("asked", "label_size"), [("none", 10), ("4", 4), ("0", 0)])
def test_networks_get_the_labels_that_are_asked_for(asked: str, label_size: int) -> None:
    chosen = override(experiment("B", "1gpu", resolution=64), f"data.max_label_size={asked}")
    G, D = fitted(chosen, LABELLED).G, fitted(chosen, LABELLED).D
    assert (G.label_size, D.label_size, G.w_dim) == (label_size, label_size, 1024 if label_size else 512)


@pytest.mark.parametrize(
    ("pictures", "resolution", "change", "sentence"),
    [
        (LABELLED, 64, "data.max_label_size=11", "some pictures: there are 10 columns of labels"),
        (LABELLED, 64, "G.label_size=4", "G.label_size=4 and D.label_size=0 must be equal"),
        (LABELLED, 128, "replicas=0", "--resolution=128 is too much for some pictures: 64 at most"),
        (LABELLED, 64, "schedule.initial_resolution=4", "4x4 is too small for some pictures: 8 at least"),
        (LABELLED, 64, "schedule.minibatch.8=256", "128 pictures are fewer than a minibatch, 256 at 8x8"),
        (FACES, 2048, "replicas=0", "too much for the built-in faces: 1024 at most"),
        (FACES, 8, "replicas=0", "8x8 is too small for the built-in faces: 16 at least"),
        (FACES, 64, "data.num_faces=100", "100 pictures are fewer than a minibatch, 128 at 8x8"),
    ],
)
def test_mistakes(pictures: Pictures, resolution: int, change: str, sentence: str) -> None:
    chosen = override(experiment("F", "1gpu", resolution=resolution), change)
    with pytest.raises(UserError) as caught:
        fitted(chosen, pictures)
    assert sentence in str(caught.value)
