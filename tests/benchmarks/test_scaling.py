"""The arithmetic of docs/SCALING.md, by cases that are worked out by hand."""

from dataclasses import replace

import pytest

from benchmarks import scaling
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.training.eta import multiplications

NARROW = {"fmap_base": 64, "fmap_max": 4}


@pytest.fixture(scope="module")
def small():
    """Config F to 32x32 on eight GPUs: 10 kimg at 8x8, then 16x16 from 10 to 30, 32x32 to 50."""
    chosen = experiment("F", "8gpu", data_resolution=32)
    schedule = replace(chosen.schedule, lod_training_kimg=10, lod_transition_kimg=10)
    G = replace(chosen.G, **NARROW, z_dim=4, w_dim=4, mapping_fmaps=4, mapping_layers=1)
    training = replace(chosen.training, total_kimg=50)
    return replace(chosen, G=G, D=replace(chosen.D, **NARROW), schedule=schedule, training=training)


def test_a_ring():
    assert scaling.ring(800, 1) == 0 and scaling.ring(800, 2) == 800 and scaling.ring(800, 8) == 1400


def test_parameters():
    """At 8x8, 4 channels and latents of 4: kernels with their biases."""
    sizes = {"resolution": 16, **NARROW}
    G = GeneratorConfig(**sizes, z_dim=4, w_dim=4, mapping_fmaps=4, mapping_layers=1)
    convolution, affine, noise, rgb = 9 * 4 * 4, 4 * 8 + 8, 4, 4 * 3 + 3
    layers = 4 * (affine + noise + 4) + 3 * convolution  # two at 4x4, the first a constant without kernel
    assert scaling.parameters(G, 3) == (4 * 4 + 4) + 16 * 4 + layers + 2 * rgb
    D = DiscriminatorConfig(**sizes)
    dense = 16 * 4 * 4 + 4 + 4 + 1
    assert scaling.parameters(D, 3) == 2 * (3 * 4 + 4) + 2 * (convolution + 4) + (9 * 5 * 4 + 4) + dense
    assert scaling.stored(G) > scaling.parameters(G, 4) > scaling.parameters(G, 3)


def test_stages(small):
    planned = scaling.stages(small)
    assert [(one.stage, one.kimg, one.minibatch) for one in planned] == [(3, 10, 256), (4, 20, 128), (5, 20, 64)]
    assert [one.iterations for one in planned] == [39.0625, 156.25, 312.5]
    # TFRecord's frame of 16 bytes; in it an Example of the shape, the pixels and their names.
    assert [one.record_bytes - 3 * 4**one.stage for one in planned] == [55, 55, 55]
    last = planned[-1]
    assert last.reduced_bytes(8) == 4 * (last.G_parameters + last.D_parameters) * 1.75


def test_the_paces_make_the_totals_that_were_published(small):
    hours = {8: 1.0, 16: 2.0, 32: 4.0}
    paces = scaling.inferred_paces(small, hours)
    # Of 50 kimg at 8x8; of 10 at 8x8 and 40 at 16x16; of 10, 20 and 20.
    assert paces[3] == pytest.approx(3600 / 50_000)
    assert paces[4] == pytest.approx((7200 - 720) / 40_000)
    assert paces[5] == pytest.approx((14400 - 720 - 3240) / 20_000)
    assert scaling.total_seconds(small, paces) == pytest.approx(4 * 3600)


def test_paces_below_the_first_total_go_by_arithmetic(small):
    paces = scaling.inferred_paces(small, {16: 2.0})
    assert paces[3] / paces[4] == pytest.approx(multiplications(small, 3) / multiplications(small, 4))
    assert 10_000 * paces[3] + 40_000 * paces[4] == pytest.approx(7200)


def test_published_totals_come_out_again():
    for gpus, hours in scaling.PUBLISHED_HOURS.items():
        chosen = scaling.ffhq()
        paces = scaling.inferred_paces(chosen, hours)
        assert scaling.total_seconds(chosen, paces) == pytest.approx(3600 * hours[1024]), gpus
        assert sorted(paces.values()) == list(paces.values()) and list(paces) == list(range(3, 11))


def test_more_gpus(small):
    assert scaling.most_gpus(32) == 8
    wider = scaling.full_minibatch(small, 64)
    planned = scaling.stages(wider)
    assert [one.minibatch for one in planned] == [256, 256, 256]
    paces = scaling.with_gpus({3: 0.8, 4: 1.6, 5: 3.2}, 64, planned, gbit=8e-6)  # 1,000 bytes a second
    one = planned[0]
    assert paces[3] == pytest.approx(0.1 + 4 * (one.G_parameters + one.D_parameters) * 2 * 63 / 64 / 1000 / 256)


def test_another_network_at_the_same_speed(small):
    paces = scaling.by_arithmetic(small, small, {4: 20.0, 5: 10.0})
    assert paces[5] == pytest.approx(0.1)
    assert paces[3] == pytest.approx(0.1 * multiplications(small, 3) / multiplications(small, 5))


def test_bytes(small):
    ticks = replace(small, schedule=replace(small.schedule, tick_kimg={8: 5, 16: 4}, tick_kimg_base=10))
    assert scaling.ticks(ticks) == 10 / 5 + 20 / 4 + 20 / 10
    G, D = scaling.stored(small.G), scaling.stored(small.D)
    assert scaling.snapshot_bytes(small) == 4 * (2 * G + D)
    trained = scaling.parameters(small.G, 5) + scaling.parameters(small.D, 5)
    assert scaling.checkpoint_bytes(small) == 4 * (2 * G + D + 2 * trained)
    assert scaling.grid_bytes(small) == 32 * 32 * 3 * 32 * 32


def test_the_page_is_what_is_written(tmp_path, monkeypatch):
    """With the published numbers and the full networks; the page in docs has other prices where somebody asked."""
    page = tmp_path / "page.md"
    page.write_text(scaling.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    scaling.main([f"--page={page}"])
    assert page.read_text(encoding="utf-8") == scaling.PAGE.read_text(encoding="utf-8")
    scaling.main([f"--page={page}", "--price=0.5"])
    assert "| 8 V100 | published | row 8gpu | 6.58 | 1,264 | 632 | 6.3 |" in page.read_text(encoding="utf-8")
