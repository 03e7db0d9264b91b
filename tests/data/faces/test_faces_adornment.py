import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.faces.adornment import draw_earrings, draw_glasses, draw_hat
from stylegan_tf.data.faces.eyes import eye_places
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face

INDICES = range(12)


def _with(index: int, **attributes: bool) -> Face:
    sitter = face(0, index)
    for name, value in attributes.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _touched(layer, sitter: Face) -> np.ndarray:
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    layer(pen, sitter, palette(sitter))
    return (np.abs(np.asarray(pen.picture).astype(int) - (0, 255, 0)) > 60).any(axis=-1)


@pytest.mark.parametrize(
    ("layer", "name"),
    [(draw_glasses, "Eyeglasses"), (draw_hat, "Wearing_Hat"), (draw_earrings, "Wearing_Earrings")],
)
def test_nothing_is_drawn_without_the_attribute(layer, name):
    for index in INDICES:
        assert not _touched(layer, _with(index, **{name: False})).any()
        assert _touched(layer, _with(index, **{name: True})).sum() > 40


def test_glasses_leave_the_eyes_in_sight():
    for index in INDICES:
        sitter = _with(index, Eyeglasses=True)
        frame = _touched(draw_glasses, sitter)
        for _, eye in eye_places(sitter):
            x, y = round(100 + 2 * eye.real), round(100 + 2 * eye.imag)
            assert not frame[y - 6 : y + 7, x - 6 : x + 7].any()


def test_hats_stay_above_the_brows():
    for index in INDICES:
        rows = np.nonzero(_touched(draw_hat, _with(index, Wearing_Hat=True)))[0]
        assert rows.min() < 12 and rows.max() < 2 * (50 - 18)


def test_earrings_come_in_pairs_below_the_ears():
    for index in INDICES:
        marks = _touched(draw_earrings, _with(index, Wearing_Earrings=True))
        assert marks[:, :100].sum() == pytest.approx(marks[:, 100:].sum(), rel=0.15)
        assert np.nonzero(marks)[0].min() > 100
