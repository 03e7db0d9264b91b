import numpy as np
import pytest
import tensorflow as tf
import tolerances
from metric_stubs import Painter, noisy_G, progan
from refusals import refused

from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.metrics import ls
from stylegan_tf.metrics.samples import Fakes, latents


class Row:
    """A classifier of Painter's pictures: the attribute is there where their row `number` is positive."""

    resolution = 8

    def __init__(self, number: int, scale: float = 1.0):
        self.number, self.scale = number, scale

    def __call__(self, images):
        assert images.shape[1:] == (8, 8, 3) and images.dtype == tf.float32
        return images[:, self.number, 0, :1] * self.scale


def test_entropies_by_hand():
    assert ls.entropy(np.array([0.5, 0.25, 0.25])) == pytest.approx(1.5)
    assert ls.conditional_entropy(np.eye(2)) == 0
    assert ls.conditional_entropy(np.ones((2, 2))) == pytest.approx(1)
    assert ls.conditional_entropy([[1, 1], [0, 2]]) == pytest.approx(0.5)  # sure in half of the cases
    assert ls.conditional_entropy([[3, 0], [0, 0]]) == 0


def test_the_table_is_output_by_target():
    table = ls.joint_table(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]))
    assert table.tolist() == [[0.25, 0.5], [0, 0.25]]


def test_probabilities_by_hand():
    found = ls.probabilities_of(np.float32([[0], [np.log(2)], [500], [-500]]))
    assert found == pytest.approx(np.array([[0.5, 0.5], [0.8, 0.2], [1, 0], [0, 1]]), abs=tolerances.BY_HAND)
    assert found.dtype == np.float32


def test_the_most_confident_come_first_and_equal_ones_in_order():
    found = ls.probabilities_of(np.float32([0.1, -3, 3, 0.5, 3, -0.2]))
    assert ls.most_confident(found, 4).tolist() == [1, 2, 4, 3]


@pytest.fixture(scope="module")
def attributes():
    return np.random.RandomState(0).standard_normal((4000, 4)).astype(np.float32)


def score(latents: np.ndarray, attributes: np.ndarray) -> float:
    found = {str(k): ls.judged(3 * attributes[:, k], {"z": latents}, 2000) for k in range(attributes.shape[1])}
    return ls.Separability(found).score("z")


def test_a_rotation_of_the_attributes_is_separable(attributes):
    rotation, _ = np.linalg.qr(np.random.RandomState(1).standard_normal((4, 4)))
    assert 1 <= score(attributes @ rotation, attributes) < 1.2


def test_shuffled_latents_are_not(attributes):
    shift = np.float32([0, 0.5, 1, -0.3])  # so that some attributes are more common than others
    chosen = [np.argsort(-np.abs(attributes[:, k] + shift[k]), kind="stable")[:2000] for k in range(4)]
    shares = [np.mean(attributes[rows, k] + shift[k] > 0) for k, rows in enumerate(chosen)]
    expected = 2 ** sum(-p * np.log2(p) - (1 - p) * np.log2(1 - p) for p in shares)
    shuffled = np.random.RandomState(2).permutation(attributes)
    assert score(shuffled, attributes + shift) == pytest.approx(expected, rel=0.1)


def test_the_normal_points_to_more_of_the_attribute(attributes):
    found = ls.judged(2 * attributes[:, 1] - attributes[:, 2], {"z": attributes}, 2000)
    assert found.normal["z"] == pytest.approx(np.array([0, 2, -1, 0]) / np.sqrt(5), abs=0.05)
    assert np.linalg.norm(found.normal["z"]) == pytest.approx(1, abs=1e-6)
    assert found.settled["z"]


def test_a_single_class_has_no_machine(attributes):
    found = ls.judged(np.abs(attributes[:, 0]) + 1, {"z": attributes}, 100)
    assert found.entropy["z"] == 0
    assert not found.normal["z"].any()


def evaluated(replicas=1, batch=8, **arguments):
    rows = [(f"row-{number}", Row(number)) for number in range(3)]
    arguments = {"num_samples": 400, "keep": 200, "at_once": 2} | arguments
    return ls.evaluate(Fakes(Painter(), Replicas(replicas), batch=batch), rows, **arguments)


def test_pictures_to_scores():
    # Row y of a picture is w[y] = 2 z[y]: every attribute is a hyperplane of both spaces.
    found = evaluated()
    assert list(found.attributes) == ["row-0", "row-1", "row-2"]
    assert found.spaces() == ("z", "w")
    assert 1 <= found.score("z") < 1.1 and 1 <= found.score("w") < 1.1
    directions = found.directions()
    assert directions["attributes"].tolist() == ["row-0", "row-1", "row-2"]
    assert directions["z"] == pytest.approx(np.eye(3, 4), abs=0.1)
    assert directions["w"].dtype == np.float32
    again = evaluated(replicas=2, batch=3, at_once=8)
    assert again.score("z") == found.score("z") and np.array_equal(again.directions()["w"], directions["w"])


def test_kept_results_are_not_found_again(tmp_path, monkeypatch, capsys):
    first = evaluated(workdir=tmp_path / "work")
    judged = []
    monkeypatch.setattr(ls, "judged", lambda *call: judged.append(call))
    again = evaluated(workdir=tmp_path / "work")
    assert judged == []
    assert again.score("z") == first.score("z") and again.score("w") == first.score("w")
    assert np.array_equal(again.directions()["z"], first.directions()["z"])
    assert again.attributes["row-1"].settled == first.attributes["row-1"].settled
    monkeypatch.undo()
    path = tmp_path / "work" / "judged-row-1.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert evaluated(workdir=tmp_path / "work").score("w") == first.score("w")
    assert "judged-row-1.npz is damaged: its attribute is judged again" in capsys.readouterr().out
    assert evaluated(workdir=tmp_path / "work", keep=100).score("z") == evaluated(keep=100).score("z")


def test_latents_do_not_depend_on_batch_and_replicas(tmp_path):
    def kept(name, replicas, batch):
        mean = [("light", lambda images: tf.reduce_mean(images, axis=(1, 2, 3)))]
        fakes = Fakes(noisy_G(), Replicas(replicas), batch=batch)
        ls.evaluate(fakes, mean, 60, 30, tmp_path / name)
        return [np.load(tmp_path / name / f"{array}.npy") for array in ("z", "w", "logits-light")]

    one, other, again = kept("one", 1, 8), kept("other", 2, 3), kept("again", 1, 8)
    assert [array.shape for array in one] == [(60, 8), (60, 8), (60,)]
    for ours, theirs, same in zip(one, other, again, strict=True):
        assert np.abs(ours - theirs).max() <= tolerances.REPLICAS * np.abs(ours).max()
        assert ours.tobytes() == same.tobytes()
    assert np.array_equal(one[0], latents(Fakes(noisy_G(), Replicas(1)), "z", 0, Rows(60)))


def test_config_a_is_judged_in_z_alone():
    light = [("light", lambda images: tf.reduce_mean(images, axis=(1, 2, 3)))]
    found = ls.evaluate(Fakes(progan(), Replicas(1)), light, 60, 30)
    assert found.spaces() == ("z",)
    assert found.score("z") >= 1
    assert set(found.directions()) == {"attributes", "z"}


def test_what_cannot_be_asked():
    with refused("separability", 10, 20):
        evaluated(num_samples=10, keep=20)
    with refused("linear separability", "attribute"):
        ls.evaluate(Fakes(Painter(), Replicas(1)), [], 10, 5)
