"""The figures of the paper: which picture stands where, and that each is what the public API makes of it."""

import numpy as np
import pytest
from refusals import refused

from stylegan_tf import to_uint8
from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.figures import directions, images, layers, mixing, noise, truncation, uncurated
from stylegan_tf.networks.kinds import make

W_DIM = 8


def generator(resolution=32, **changes):
    """A small generator in which styles, noise and the average of w all matter."""
    sizes = {
        "z_dim": W_DIM,
        "w_dim": W_DIM,
        "mapping_fmaps": W_DIM,
        "mapping_layers": 2,
        "fmap_base": 64,
        "fmap_max": 8,
    }
    Gs = make(GeneratorConfig(resolution=resolution, **sizes, **changes))
    for variable in Gs.trainable_variables:
        if "noise" in variable.path:
            variable.assign(np.full(variable.shape, 0.5, np.float32))
    Gs.w_avg.assign(np.linspace(-1, 1, W_DIM))
    return Gs


@pytest.fixture(scope="module")
def Gs():
    return generator()


@pytest.fixture(scope="module")
def painter(Gs):
    return images.Painter(Gs)


def latents(count, seed=0):
    return np.random.RandomState(seed).randn(count, W_DIM).astype(np.float32)


def panel(sheet, row, column, height=32, width=32):
    return sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]


def api(Gs, ws, **arguments):
    return np.asarray(to_uint8(Gs.synthesis(ws[None], **arguments)))[0]


def close(one, other):
    """Equal but for a pixel that lies on the edge between two values: graphs and batches round differently."""
    difference = np.abs(one.astype(int) - other.astype(int))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_mixing_panels(Gs, painter):
    rows, columns = painter.ws(latents(2)), painter.ws(latents(3, 1))
    ranges = [range(0, 4), range(6, 8)]
    sheet = mixing.sheet(painter, rows, columns, ranges)
    assert sheet.shape == (3 * 32, 4 * 32, 3) and (panel(sheet, 0, 0) == 255).all()
    for column in range(3):
        close(panel(sheet, 0, column + 1), api(Gs, columns[column]))
    for row in range(2):
        close(panel(sheet, row + 1, 0), api(Gs, rows[row]))
        for column in range(3):
            ws = rows[row].copy()
            ws[ranges[row].start : ranges[row].stop] = columns[column][ranges[row].start : ranges[row].stop]
            close(panel(sheet, row + 1, column + 1), api(Gs, ws))
    assert np.abs(panel(sheet, 1, 1).astype(int) - panel(sheet, 1, 0)).max() > 8


def test_truncation_panels(Gs, painter):
    ws = painter.ws(latents(2))
    sheet = truncation.sheet(painter, ws)
    assert sheet.shape == (2 * 32, 6 * 32, 3)
    for row in range(2):
        close(panel(sheet, row, 0), api(Gs, ws[row]))
        close(panel(sheet, row, 1), api(Gs, np.asarray(Gs.w_avg) + np.float32(0.7) * (ws[row] - np.asarray(Gs.w_avg))))
    assert truncation.PSIS[3] == 0 and np.array_equal(panel(sheet, 0, 3), panel(sheet, 1, 3))
    assert not np.array_equal(panel(sheet, 0, 5), panel(sheet, 1, 5))


def draws(Gs, count, seed=0):
    generator = np.random.RandomState(seed)
    return [generator.randn(count, *shape).astype(np.float32) for shape in Gs.synthesis.noise_shapes()]


def test_noise_details(Gs, painter):
    ws, own = painter.ws(latents(1)), draws(Gs, 6)
    sheet = noise.detail(painter, ws, own)
    assert sheet.shape == (32, 96, 3)
    every = np.stack([api(Gs, ws[0], noise=[layer[i : i + 1] for layer in own]) for i in range(6)])
    close(panel(sheet, 0, 0), every[0])
    left, top, right, bottom = noise.detail_box(32, 32)
    assert (right - left, bottom - top) == (8, 8) and (left, top) == (20, 5)
    for index in range(4):
        cell = sheet[index // 2 * 16 : index // 2 * 16 + 16, 32 + index % 2 * 16 :][:, :16]
        close(cell[::2, ::2], every[1 + index, top:bottom, left:right])
        assert np.array_equal(cell[::2, ::2], cell[1::2, 1::2])
    expected = np.clip(np.std(every.mean(axis=3), axis=0) * 4 + 0.5, 0, 255)
    assert np.abs(panel(sheet, 0, 2)[:, :, 0] - expected).max() <= 4


def test_noise_acts_where_it_is_kept(Gs, painter):
    """No noise repeats bit for bit; two draws of fine noise alone differ in the pictures, not in coarser ones."""
    ws, one, other = painter.ws(latents(1)), draws(Gs, 1), draws(Gs, 1, seed=1)
    none = noise.kept(one, range(0))
    assert np.array_equal(painter(ws, none), painter(ws, none))
    assert np.array_equal(painter(ws, none), painter(ws, noise.kept(other, range(0))))
    close(painter(ws, none), painter(ws, "none"))
    fine = [noise.kept(draw, range(6, 8)) for draw in (one, other)]
    assert not np.array_equal(painter(ws, fine[0]), painter(ws, fine[1]))
    coarser = images.Painter(Gs, stage=4)
    assert np.array_equal(coarser(ws, fine[0]), coarser(ws, fine[1]))
    assert not np.array_equal(coarser(ws, one), coarser(ws, other))


def test_details_of_pictures_with_alpha_are_opaque():
    rgba = generator(num_channels=4)
    painter = images.Painter(rgba)
    sheet = noise.detail(painter, painter.ws(latents(1)), draws(rgba, 5))
    assert (panel(sheet, 0, 2)[:, :, 3] == 255).all()


def test_detail_box_is_the_papers():
    assert noise.detail_box(1024, 1024) == noise.CROP
    assert noise.detail_box(8, 8) == (5, 1, 7, 3)


def test_deviation_by_hand():
    pixels = np.zeros((2, 1, 2, 3), np.uint8)
    pixels[1, 0, 0] = 30
    assert noise.deviation(pixels).tolist() == [[60, 0]]


def test_noise_components(Gs, painter):
    ws = painter.ws(latents(1))
    stored = [np.asarray(getattr(Gs.synthesis, f"noise{index}")) for index in range(8)]
    sheet = noise.components(painter, ws, stored, range(6, 8))
    assert sheet.shape == (64, 32, 3)
    close(sheet[:32, :16], api(Gs, ws[0])[:, :16])
    close(sheet[:32, 16:], api(Gs, ws[0], noise="none")[:, 16:])
    fine = [value if index >= 6 else value * 0 for index, value in enumerate(stored)]
    close(sheet[32:, :16], api(Gs, ws[0], noise=fine)[:, :16])
    coarse = [value if index < 6 else value * 0 for index, value in enumerate(stored)]
    close(sheet[32:, 16:], api(Gs, ws[0], noise=coarse)[:, 16:])
    turned = noise.components(painter, ws, stored, range(6, 8), mirror=True)
    close(turned[:32, :16], api(Gs, ws[0])[:, ::-1][:, :16])


def test_uncurated_mosaic():
    assert uncurated.count(3, (0, 1, 2)) == 3 + 6 + 12
    pictures = [np.full((8, 4, 1), number, np.uint8) for number in range(21)]
    sheet = uncurated.sheet(pictures, 8, 4, 1, 3, (0, 1, 2))
    assert sheet.shape == (24, 4 + 2 + 1, 1)
    assert sheet[::8, 0, 0].tolist() == [0, 1, 2]
    assert sheet[::4, 4, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert sheet[::2, 6, 0].tolist() == list(range(9, 21))


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (64, 64), (256, 256), (1024, 1024), (384, 512)])
def test_reduced_pictures(size):
    from PIL import Image

    pixels = np.random.RandomState(0).randint(0, 256, (*size, 3), np.uint8)
    small = uncurated.reduced(pixels, size[1] // 4, size[0] // 4)
    assert small.shape == (size[0] // 4, size[1] // 4, 3)
    expected = Image.fromarray(pixels).resize((size[1] // 4, size[0] // 4), Image.Resampling.LANCZOS)
    assert np.array_equal(small, np.asarray(expected))
    assert uncurated.reduced(pixels, size[1], size[0]) is pixels


def test_crops_stages_and_many(Gs):
    ws = np.asarray(Gs.broadcast(Gs.mapping(latents(3))))
    whole = images.Painter(Gs)(ws)
    wide = images.Painter(Gs, crop=(0, 4, 32, 24))(ws)
    assert wide.shape == (3, 24, 32, 3) and np.array_equal(wide, whole[:, 4:28])
    coarse = images.Painter(Gs, stage=4)
    assert coarse(ws).shape == (3, 16, 16, 3) and coarse.num_layers == 6


def test_graphs_make_the_same_pictures(Gs, monkeypatch):
    monkeypatch.setattr(images, "batch_size", lambda Gs: 2)
    ws = np.asarray(Gs.broadcast(Gs.mapping(latents(9))))
    many = images.Painter(Gs)
    found = many(ws)
    assert many._graphs is not None
    close(found, np.stack([api(Gs, one) for one in ws]))


def test_enlarging():
    small = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    assert images.enlarged(small, 2)[:, :, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert [images.factor_for(*size) for size in ((32, 96), (512, 512), (1024, 8), (300, 200))] == [16, 1, 8, 3]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (1024, [range(0, 4), range(4, 8), range(8, 18)]),
        (64, [range(0, 4), range(4, 8), range(8, 10)]),
        (32, [range(0, 4), range(4, 6), range(6, 8)]),
        (16, [range(0, 2), range(2, 4), range(4, 6)]),
    ],
)
def test_ranges_by_name(side, expected):
    last = side.bit_length() - 1
    assert [layers.layers_of(name, last) for name in ("coarse", "middle", "fine")] == expected
    assert layers.layers_of("all", last) == range(2 * last - 2)


def test_ranges_by_number_and_resolution():
    assert layers.layers_of("0-3", 10) == layers.layers_of("4x4-8x8", 10) == range(0, 4)
    assert layers.layers_of("17", 10) == range(17, 18)
    assert layers.layers_of("1024x1024", 10) == range(16, 18)
    assert layers.default_rows(6, 10) == ["coarse"] * 3 + ["middle"] * 2 + ["fine"]
    assert layers.default_rows(6, 3) == ["coarse"] * 3 + ["fine"] * 3
    assert layers.default_rows(2, 2) == ["fine"] * 2


@pytest.mark.parametrize("text", ["middle", "3-1", "4-9", "4", "6x6", "16x16", "8x8-4x4", "corse", "", "4x8", "-1"])
def test_ranges_that_are_none(text):
    with refused(f"layers {text}", "4x4-8x8" if text in ("corse", "", "4x8", "-1") else "8x8"):
        layers.layers_of(text, 3)


def test_style_weights_are_what_w_is_multiplied_by(Gs):
    weights = directions.style_weights(Gs, range(8))
    channels = [Gs.synthesis.width(2 + index // 2) for index in range(8)]
    assert weights.shape == (2 * sum(channels), W_DIM)
    style = Gs.synthesis.b8_conv0_up_epilogue.style
    w = latents(1)
    expected = (w @ np.asarray(style.weight) * style.coefficient)[0]
    start = 2 * sum(channels[:2])
    assert np.allclose(weights[start : start + 2 * channels[2]] @ w[0], expected, atol=1e-6)


def test_sefa_by_hand():
    """Rows of unit length: most of the movement lies along the axis that most rows have."""
    found = directions.sefa(np.array([[0, 0, 5], [0, 0, -2], [0, 3, 0.0]]), 2)
    assert np.allclose(found, [[0, 0, 1], [0, 1, 0]], atol=1e-6)
    assert np.allclose(np.linalg.norm(directions.sefa(np.random.RandomState(0).randn(20, 6), 6), axis=1), 1, atol=1e-5)


def test_spread_by_hand():
    assert directions.spread(np.array([[0.0, 1], [0, 3], [5, 1], [9, 3]]), np.array([0, 1])) == 1


def test_moves():
    ws = np.zeros((2, 4, 3), np.float32)
    found = directions.moved(ws, np.array([0, 1, 0]), np.array([-1.0, 2.0]), range(1, 3))
    assert found.shape == (2, 2, 4, 3)
    assert found[0, 1, 1].tolist() == [0, 2, 0] and found[1, 0, 2].tolist() == [0, -1, 0]
    assert not found[:, :, [0, 3]].any()
