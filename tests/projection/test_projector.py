"""One minibatch: what moves, that pictures know nothing of each other, and what the random numbers depend on."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from stylegan_tf import draws
from stylegan_tf.draws import Rows
from stylegan_tf.networks.generator import Generator
from stylegan_tf.ops.pixels import to_uint8
from stylegan_tf.projection.projector import Projector, w_statistics
from stylegan_tf.projection.settings import Settings

SHORT = Settings(steps=20)


def embedding(pictures):
    """Means of 2x2 pixels, 0 to 1."""
    small = ops.average_pool(pictures, 2, 2) / 255
    return ops.reshape(small, (-1, small.shape[1] * small.shape[2] * 3))


@pytest.fixture(scope="module")
def Gs():
    """Whose pictures show the noise."""
    made = Generator(resolution=16, fmap_base=32, fmap_max=8, z_dim=8, w_dim=8, mapping_layers=2, mapping_fmaps=8)
    for variable in made.trainable_variables:
        if "noise" in variable.path:
            variable.assign(np.full(variable.shape, 0.3, np.float32))
    return made


@pytest.fixture(scope="module")
def pixels(Gs):
    return np.asarray(to_uint8(Gs(np.random.default_rng(1).standard_normal((3, 8)), psi=1)))


def projected(Gs, pixels, settings):
    projector = Projector(Gs, embedding, settings, len(pixels))
    projector.start(pixels, [w_statistics(Gs, settings.seed)] * len(pixels))
    _, before = projector.found()
    for step in range(settings.steps):
        projector.step(step)
    return projector, before, projector.found()[1]


def test_statistics_are_those_of_w(Gs):
    found = w_statistics(Gs, 3)
    w = np.asarray(Gs.mapping(np.random.default_rng(0).standard_normal((5000, 8)).astype(np.float32)))
    assert np.abs(found.mean - w.mean(axis=0)).max() < 0.1 * w.std()
    assert found.axes.T @ found.axes == pytest.approx(np.cov(w, rowvar=False), abs=0.1 * float(w.var()))
    apart = found.axes @ found.axes.T
    assert np.abs(apart - np.diag(np.diag(apart))).max() < 1e-5 * apart.max(), "they are at right angles"
    assert found.examples.shape == (1000, 8) and found.examples.std(axis=0) == pytest.approx(np.ones(8), rel=0.2)
    z = draws.normal(3, "projection z", 0, Rows(10_000), (8,))[:1000]
    np.testing.assert_allclose(found.mean + found.examples @ found.axes, Gs.mapping(z), atol=1e-5)


def test_the_search_begins_at_the_nearest_example(Gs, pixels):
    """Of as many as there are steps; the mean is one more."""
    statistics, settings = w_statistics(Gs, 0), Settings("w", steps=10, learning_rate=0.0, w_noise=0.0)
    tried = np.concatenate([statistics.mean[None], statistics.mean + statistics.examples[:10] @ statistics.axes])
    seen = [np.asarray(embedding((Gs.synthesis(Gs.broadcast(w), noise="const") + 1) * 127.5)) for w in tried[:, None]]
    targets = np.asarray(embedding(pixels.astype(np.float32)))
    nearest = np.argmin([np.square(one - targets).sum(axis=1) for one in seen], axis=0)
    projector = Projector(Gs, embedding, settings, 3)
    projector.start(pixels, [statistics] * 3)
    projector.on_tried = (said := []).append
    np.testing.assert_allclose(projector.ws()[:, 0], np.repeat(statistics.mean[None], 3, axis=0), atol=1e-6)
    projector.step(0)
    np.testing.assert_allclose(projector.ws()[:, 0], tried[nearest], atol=1e-5)
    assert nearest.max() > 0
    assert len(said) == 10 and said[3].startswith("4/10 beginnings tried")


@pytest.fixture(scope="module")
def together(Gs, pixels):
    """(projector, losses before, losses after) of three pictures by the paper's method."""
    return projected(Gs, pixels, SHORT)


@pytest.mark.parametrize("space", ["w", "w+", "wn"])
def test_every_space_comes_nearer(Gs, pixels, together, space):
    projector, before, after = together if space == "wn" else projected(Gs, pixels, replace(SHORT, space=space))
    assert (after.distance < before.distance).all() and after.distance.mean() < 0.7 * before.distance.mean()
    ws, maps = projector.ws(), projector.noise_maps()
    assert ws.shape == (3, 6, 8) and (np.ptp(ws, axis=1).max() > 0) == (space == "w+")
    stored = [np.asarray(getattr(Gs.synthesis, f"noise{layer}")) for layer in range(6)]
    if space == "wn":
        assert [layer.shape[0] for layer in maps] == [3] * 6
        assert all(layer.std(axis=(1, 2, 3)) == pytest.approx(np.ones(3), rel=1e-4) for layer in maps)
        assert (after.correlation < before.correlation / 2).all()
    else:
        assert all(map(np.array_equal, maps, stored)) and (after.correlation == 0).all()
    again = np.asarray(to_uint8(Gs.synthesis(ws, noise=maps))).astype(int)
    assert np.abs(again - projector.found()[0]).max() <= 1


def test_pictures_know_nothing_of_each_other(Gs, pixels, together):
    expected = together[0].ws()
    others = projected(Gs, pixels[[0, 2, 2]], SHORT)[0].ws()
    np.testing.assert_array_equal(others[[0, 2]], expected[[0, 2]])
    np.testing.assert_allclose(others[1], expected[2], rtol=1e-3, atol=1e-4)  # other rows and sizes round otherwise
    np.testing.assert_allclose(projected(Gs, pixels[1:2], SHORT)[0].ws()[0], expected[1], rtol=1e-3, atol=1e-4)


def test_the_seed_decides_what_is_random(Gs, pixels, together):
    expected = together[0].ws()
    np.testing.assert_array_equal(projected(Gs, pixels, SHORT)[0].ws(), expected)
    assert np.abs(projected(Gs, pixels, replace(SHORT, seed=1))[0].ws() - expected).max() > 1e-3


def test_pixels_count_where_they_are_asked_for(Gs, pixels):
    plain, weighted = (projected(Gs, pixels, replace(SHORT, pixel_weight=weight))[2] for weight in (0, 100))
    assert weighted.pixels.mean() < plain.pixels.mean()


def test_the_graph_of_a_step_is_made_once(Gs, pixels):
    projector, _, _ = projected(Gs, pixels, replace(SHORT, steps=3))
    projector.start(pixels[::-1], [w_statistics(Gs, 5)] * 3)
    projector.step(0)
    assert projector._step.experimental_get_tracing_count() == 1


def test_networks_of_other_kinds(pixels):
    small = {"resolution": 16, "fmap_base": 32, "fmap_max": 8, "z_dim": 8, "w_dim": 8, "mapping_layers": 2}
    settings = Settings("w", steps=2)
    grey = Generator(**small, mapping_fmaps=8, num_channels=1)
    assert projected(grey, pixels[..., :1], settings)[0].found()[0].shape == (3, 16, 16, 1)
    traditional = Generator(**small, mapping_fmaps=8, use_styles=False, const_input_layer=False, use_noise=False)
    found = projected(traditional, pixels, settings)[0]
    assert found.ws().shape == (3, 1, 8) and found.noise_maps() == []
    labelled = Generator(**small, mapping_fmaps=8, label_size=2)
    means = [w_statistics(labelled, 0, label).mean for label in np.eye(2, dtype=np.float32)]
    assert np.abs(means[0] - means[1]).max() > 1e-3
