"""Pictures from seeds: official z, noise by seed, the same picture alone and in a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from stylegan_tf.networks import as_graphs, sampling
from stylegan_tf.networks.as_graphs import graph_of
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganGenerator
from stylegan_tf.networks.sampling import Inputs, Look, batch_size, latents, pictures_of, random_noise

TINY = {"resolution": 16, "fmap_base": 64, "fmap_max": 8, "z_dim": 8, "w_dim": 8, "mapping_fmaps": 8}


@pytest.fixture(scope="module")
def Gs() -> Generator:
    """With noise that shows, and w_avg away from 0."""
    network = Generator(**TINY, label_size=3)
    random = np.random.default_rng(5)
    for variable in network.trainable_variables:
        if variable.path.endswith("noise/weight"):
            variable.assign(random.normal(size=variable.shape))
    network.w_avg.assign(random.normal(size=8))
    return network


def made(Gs: Generator, seeds: Sequence[int], labels: Sequence[int] | None = None, **look: Any) -> np.ndarray:
    each = pictures_of(Gs, Inputs(seeds, labels or [1] * len(seeds)), Look(**look))
    return np.stack([pixels for _, pixels in each])


def test_latents_are_the_official_ones() -> None:
    """First numbers of numpy's RandomState(0) and RandomState(1), whose streams are frozen."""
    z = latents([0, 1], 512)
    assert (z.shape, z.dtype) == ((2, 512), np.float32)
    np.testing.assert_allclose(z[:, :2], [[1.76405235, 0.40015721], [1.62434536, -0.61175641]], rtol=1e-7)


def test_random_noise(Gs: Generator) -> None:
    noise = random_noise(Gs, 3, 7)
    assert [layer.shape for layer in noise] == [(3, side, side, 1) for side in (4, 4, 8, 8, 16, 16)]
    assert {layer.dtype.name for layer in noise} == {"float32"}
    flat = np.concatenate([layer.ravel() for layer in noise])  # 2016 numbers
    assert abs(flat.mean()) < 0.1 and abs(flat.std() - 1) < 0.1 and len(np.unique(flat)) > 2000
    for a, b, c in zip(noise, random_noise(Gs, 3, 7), random_noise(Gs, 3, 8), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.isclose(a, c).any()
    without = Generator(**{**TINY, "resolution": 8}, use_noise=False)
    assert random_noise(without, 2, 0) == []


@pytest.mark.parametrize(("psi", "cutoff"), [(0.7, 8), (0.5, 2), (1.0, 8), (-1.0, 8)])
def test_pictures_are_those_of_the_network(psi: float, cutoff: int, Gs: Generator) -> None:
    labels = np.float32([[1, 0, 0], [0, 0, 1]])
    images = np.asarray(Gs(latents([3, 4], 8), labels, psi=psi, cutoff=cutoff))
    expected = np.trunc(np.clip(images * 127.5 + 128, 0, 255)).astype(np.uint8)
    found = made(Gs, [3, 4], [0, 2], psi=psi, cutoff=cutoff, noise="const")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("few", [0, 3])
def test_alone_and_in_a_batch(few: int, Gs: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    together = made(Gs, [1, 2, 3, 4, 5])
    monkeypatch.setattr(sampling, "FEW_BATCHES", few)  # 0: graphs from the first picture on
    monkeypatch.setattr(sampling, "MOST_PICTURES", 2)
    assert batch_size(Gs) == 2
    for found in (made(Gs, [1, 2, 3, 4, 5]), np.concatenate([made(Gs, [seed]) for seed in (1, 2, 3, 4, 5)])):
        assert np.abs(found.astype(int) - together).max() <= 1  # a rounded float may fall on the other side
    assert np.abs(together[0].astype(int) - together[1]).max() > 8


def test_noise_and_stage(Gs: Generator) -> None:
    kinds = [made(Gs, [1], noise=noise) for noise in ("random", "const", "none")]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(kinds[a].astype(int) - kinds[b]).max() > 8
    assert made(Gs, [1, 2], stage=3, fade=0.5).shape == (2, 8, 8, 3)


@pytest.mark.parametrize(
    "look", [{}, {"psi": 1.0, "noise": "none"}, {"psi": -0.5, "cutoff": 2, "noise": "const"}, {"stage": 3, "fade": 0.5}]
)
def test_graphs_make_the_same_pictures(look: dict[str, Any], Gs: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_PICTURES", 2)
    plain = made(Gs, [1, 2, 3], **look)
    monkeypatch.setattr(sampling, "FEW_BATCHES", 0)
    assert np.abs(made(Gs, [1, 2, 3], **look).astype(int) - plain).max() <= 1
    w = np.stack([w for w, _ in pictures_of(Gs, Inputs([1, 2, 3], [1] * 3), Look(**look))])
    again = np.stack([pixels for _, pixels in pictures_of(Gs, Inputs([1, 2, 3], w=w), Look(**look))])
    assert np.abs(again.astype(int) - plain).max() <= 1


def test_many_pictures_are_made_in_one_graph(Gs: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    made_graphs = []

    def noted(*arguments):
        made_graphs.append(graph_of(*arguments))
        return made_graphs[-1]

    monkeypatch.setattr(as_graphs, "graph_of", noted)
    monkeypatch.setattr(sampling, "MOST_PICTURES", 2)
    assert len(made(Gs, range(6))) == 6 and not made_graphs
    assert len(made(Gs, range(7))) == 7 and [graph.count for graph in made_graphs] == [1]


def test_batch_size_of_the_paper_network(Gs: Generator) -> None:
    """Its largest layers have 16 channels of 1024x1024, 2^24 numbers: one picture at once."""

    class Network:
        last_stage = 10

        def width(self, stage: int) -> int:
            return min(8192 // 2 ** (stage - 1), 512)

    assert batch_size(Network()) == 1  # type: ignore[arg-type]
    assert batch_size(Gs) == 64


def test_without_styles_there_is_no_truncation() -> None:
    B = Generator(
        **{**TINY, "resolution": 8},
        mapping_layers=0,
        use_styles=False,
        const_input_layer=False,
        use_noise=False,
        use_instance_norm=False,
    )
    B.w_avg.assign(np.full(8, 3))
    found = [next(pictures_of(B, Inputs([1]), Look(psi=psi)))[1] for psi in (0.1, 1.0)]
    np.testing.assert_array_equal(*found)


def test_config_a_has_z_alone() -> None:
    A = ProganGenerator(resolution=8, fmap_base=64, fmap_max=8, z_dim=8, label_size=2)
    z, pixels = zip(*pictures_of(A, Inputs([3, 4], [0, 1]), Look(psi=0.1)), strict=True)
    np.testing.assert_array_equal(np.stack(z), latents([3, 4], 8))
    images = np.asarray(A(latents([3, 4], 8), np.float32([[1, 0], [0, 1]])))
    np.testing.assert_array_equal(np.stack(pixels), np.trunc(np.clip(images * 127.5 + 128, 0, 255)).astype(np.uint8))
    assert next(pictures_of(A, Inputs([3], [1]), Look(stage=2)))[1].shape == (4, 4, 3)
    assert random_noise(A, 2, 0) == []


def test_config_a_in_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    A = ProganGenerator(resolution=8, fmap_base=64, fmap_max=8, z_dim=8)
    plain = [pixels for _, pixels in pictures_of(A, Inputs([3, 4]), Look())]
    monkeypatch.setattr(sampling, "FEW_BATCHES", 0)
    z, found = zip(*pictures_of(A, Inputs([3, 4]), Look()), strict=True)
    np.testing.assert_array_equal(np.stack(z), latents([3, 4], 8))
    assert np.abs(np.stack(found).astype(int) - np.stack(plain)).max() <= 1
