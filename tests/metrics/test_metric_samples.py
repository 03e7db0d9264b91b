"""The fakes of a metric: the same samples whatever the batch and the replicas."""

import numpy as np
import pytest
import tensorflow as tf
import tolerances
from metric_stubs import Painter, noisy_G, progan
from refusals import failed, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.errors import UserError
from stylegan_tf.metrics import samples
from stylegan_tf.metrics.samples import Fakes, each_batch


def pictures(fakes: Fakes, count: int) -> tuple[np.ndarray, ...]:
    """(z, pictures) of the first samples."""

    def function(fakes, first, rows):
        z, labels = samples.latents(fakes, "z", first, rows), samples.label_rows(fakes, first, rows)
        images = samples.pictures_of_z(fakes, z, labels, samples.noise_of(fakes, first, rows))
        return samples.all_finite(images), z, images

    return tuple(np.concatenate(parts) for parts in zip(*each_batch(fakes, function, count, "fakes"), strict=True))


def test_samples_do_not_depend_on_batch_and_replicas():
    z, images = pictures(Fakes(noisy_G(), Replicas(1), batch=7), 10)
    assert z.shape == (10, 8) and images.shape == (10, 16, 16, 3)
    other_z, other = pictures(Fakes(noisy_G(), Replicas(2), batch=2), 10)
    assert np.array_equal(z, other_z)
    assert np.abs(images - other).max() <= tolerances.REPLICAS * np.abs(images).max()
    again = pictures(Fakes(noisy_G(), Replicas(1), batch=7), 10)
    assert again[1].tobytes() == images.tobytes()
    assert not np.array_equal(pictures(Fakes(noisy_G(), Replicas(1), seed=1, batch=7), 10)[0], z)


def test_noise_is_new_for_each_sample():
    G = noisy_G()
    fakes = Fakes(G, Replicas(1))
    noise = samples.noise_of(fakes, 3, Rows(2))
    assert [layer.shape for layer in noise] == [(2, *shape) for shape in G.synthesis.noise_shapes()]
    fourth = samples.noise_of(fakes, 4, Rows(1))
    assert all(np.array_equal(both[1], one[0]) for both, one in zip(noise, fourth, strict=True))
    assert not np.array_equal(noise[0][0], noise[0][1])
    w = np.zeros((2, 8), np.float32)
    one, other = samples.pictures_of_w(fakes, w, noise).numpy()
    assert np.abs(one - other).max() > 0.01


def test_pictures_have_the_final_resolution_and_three_channels():
    early = Fakes(noisy_G(num_channels=1), Replicas(1), stage=3, fade=0.5)
    w = np.random.RandomState(0).standard_normal((2, 8)).astype(np.float32)
    images = samples.pictures_of_w(early, w, samples.noise_of(early, 0, Rows(2))).numpy()
    assert images.shape == (2, 16, 16, 3)
    assert np.array_equal(images[:, ::2, ::2], images[:, 1::2, 1::2])
    assert np.array_equal(images[..., 0], images[..., 2])


def test_mixed_latents_by_hand():
    """ws of latent after latent between the crossovers, and their pictures are those of `synthesis`."""
    G = noisy_G()
    fakes, rows = Fakes(G, Replicas(1), seed=4), Rows(5)
    layers = G.synthesis.num_layers
    w = [G.mapping(samples.latents(fakes, name, 10, rows)).numpy() for name in ("z", "z2", "z3", "z4")]
    for count in (1, 2, 3, 4):
        points = samples.crossovers(fakes, count - 1, 10, rows).numpy()
        expected = np.empty((5, layers, 8), np.float32)
        for sample, inner in enumerate(points):
            edges = [0, *inner, layers]
            assert len(inner) == count - 1 and edges == sorted(set(edges))
            for latent, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
                expected[sample, low:high] = w[latent][sample]
        ws = samples.mixed_ws(fakes, count, None, 10, rows)
        assert np.array_equal(ws, expected)
        noise = samples.noise_of(fakes, 10, rows)
        assert np.array_equal(samples.pictures_of_ws(fakes, ws, noise), G.synthesis(expected, noise=noise))


def test_crossovers():
    """Each place is as likely; the same ones whatever the batch; of a stage while it grows."""
    fakes = Fakes(noisy_G(), Replicas(1))
    found = samples.crossovers(fakes, 2, 0, Rows(4000)).numpy()
    assert (found[:, 0] < found[:, 1]).all()
    assert np.bincount(found.ravel(), minlength=6)[1:] / 4000 == pytest.approx([2 / 5] * 5, abs=0.04)
    assert np.array_equal(samples.crossovers(fakes, 2, 17, Rows(3)), found[17:20])
    early = Fakes(noisy_G(), Replicas(1), stage=3)
    assert samples.crossovers(early, 3, 0, Rows(2)).numpy().tolist() == [[1, 2, 3]] * 2
    with refused("4 latents", "2 layers"):
        samples.crossovers(Fakes(noisy_G(), Replicas(1), stage=2), 3, 0, Rows(2))


def test_config_a_has_neither_w_nor_noise():
    fakes = Fakes(progan(), Replicas(1))
    assert samples.noise_of(fakes, 0, Rows(2)) == []
    assert pictures(fakes, 2)[1].shape == (2, 16, 16, 3)


def test_labels_are_zeros_or_random_rows():
    G = Painter(label_size=3)
    assert np.array_equal(samples.label_rows(Fakes(G, Replicas(1)), 0, Rows(4)), np.zeros((4, 3)))
    assert samples.label_rows(Fakes(Painter(), Replicas(1)), 0, Rows(4)) is None
    table = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    rows = samples.label_rows(Fakes(G, Replicas(1), labels=table), 0, Rows(3000)).numpy()
    assert rows.mean(axis=0) == pytest.approx([2 / 3, 1 / 3, 0], abs=0.04)
    later = samples.label_rows(Fakes(G, Replicas(1), labels=table), 1000, Rows(5)).numpy()
    assert np.array_equal(later, rows[1000:1005])


def test_a_conditional_network_gets_its_labels():
    table = np.eye(2, dtype=np.float32)[:1]
    G = noisy_G(label_size=2)
    zeros, ones = (pictures(Fakes(G, Replicas(1), labels=labels, batch=2), 2)[1] for labels in (None, table))
    assert np.abs(zeros - ones).max() > 1e-3


def test_labels_are_no_constant_of_the_graph():
    """A graph holds 2 GB at most, a table of labels may be larger."""
    table = np.random.default_rng(0).random((5000, 3)).astype(np.float32)
    fakes = Fakes(Painter(label_size=3), Replicas(1), labels=table)

    def function(fakes, first, rows):
        labels = samples.label_rows(fakes, first, rows)
        return tf.ones(rows.count, bool), labels

    (found,) = zip(*each_batch(fakes, function, 8, "fakes", "labels"), strict=True)
    assert all(row in table for row in np.concatenate(found))
    (graph,) = fakes.graphs.values()
    assert graph.graph.as_graph_def().ByteSize() < table.nbytes / 2


def test_one_graph_for_all_fades_of_a_stage():
    """And the same pictures, bit by bit, as with the fade in the graph."""
    z = np.random.RandomState(0).standard_normal((8, 8)).astype(np.float32)
    graphs: dict = {}

    def function(fakes, first, rows):
        images = samples.pictures_of_z(fakes, z, None, [])
        return samples.all_finite(images), images

    for fade in (0.1, 0.3, 0.7123):
        fakes = Fakes(noisy_G(), Replicas(1), stage=4, fade=fade, graphs=graphs)
        ((found,),) = each_batch(fakes, function, 8, "fakes", "pictures")
        fixed = tf.function(lambda fakes=fakes: function(fakes, 0, Rows(8)), autograph=False)()[1].numpy()
        assert found.tobytes() == fixed.tobytes()
    assert len(graphs) == 1
    list(each_batch(Fakes(noisy_G(), Replicas(1), stage=4, graphs=graphs), function, 8, "fakes", "pictures"))
    assert len(graphs) == 2  # nothing fades


def test_progress_counts_to_the_end():
    told = []
    fakes = Fakes(Painter(), Replicas(2), batch=2, on_progress=lambda *call: told.append(call))
    pictures(fakes, 6)
    assert told == [("fakes", 4, 6), ("fakes", 6, 6)]


def test_a_picture_that_is_not_finite_is_named():
    def function(fakes, first, rows):
        number = tf.cast(first, tf.int32) + rows.numbers()
        return number != 5, number

    with failed("sample 5", "finite"):
        list(each_batch(Fakes(Painter(), Replicas(1), batch=4), function, 8, "fakes"))
    found = np.concatenate([numbers for (numbers,) in each_batch(Fakes(Painter(), Replicas(1)), function, 5, "fakes")])
    assert found.tolist() == [0, 1, 2, 3, 4]


def test_mistakes_are_raised_as_they_are_from_inside_a_graph():
    def function(fakes, first, rows):
        raise UserError("one clear line")

    for replicas in (Replicas(1), Replicas(2)):
        with pytest.raises(UserError, match=r"^one clear line$"):
            list(each_batch(Fakes(Painter(), replicas), function, 8, "fakes"))


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"Gs": Painter(num_channels=4)}, ("4 channels", "RGB", "alpha")),
        ({"batch": 0}, ("batch", 1, 0)),
        ({"labels": np.zeros((5, 2), np.float32)}, ("labels", 0, 2)),
    ],
)
def test_what_cannot_be_drawn(arguments, names):
    with refused(*names):
        Fakes(**({"Gs": Painter(), "replicas": Replicas(1)} | arguments))
