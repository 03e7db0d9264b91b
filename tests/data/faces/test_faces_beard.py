from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.faces.beard import draw_beard, draw_moustache, draw_stubble
from stylegan_tf.data.faces.head import outline
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face

SHAVEN = {"5_o_Clock_Shadow": False, "No_Beard": True, "Sideburns": False, "Mustache": False, "Goatee": False}


def _with(**attributes: bool) -> Face:
    sitter = replace(face(0, 0), traits=replace(face(0, 0).traits, turn=0.0))
    for name, value in {**SHAVEN, **attributes}.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _rows_and_columns(sitter: Face) -> tuple[np.ndarray, np.ndarray]:
    """Where facial hair is, in hundredths of the side from the middle."""
    pen = Pen(Image.new("RGB", (400, 400), (0, 255, 0)))
    for layer in (draw_stubble, draw_beard, draw_moustache):
        layer(pen, sitter, palette(sitter))
    rows, columns = np.nonzero((np.asarray(pen.picture) != (0, 255, 0)).any(axis=-1))
    return rows / 4 - 50, columns / 4 - 50


def test_a_shaven_face_has_none():
    assert len(_rows_and_columns(_with())[0]) == 0


@pytest.mark.parametrize(
    ("name", "value", "top", "bottom"),
    [
        ("Mustache", True, (10, 13), (15, 18)),
        ("Goatee", True, (20, 23), (30, 35)),
        ("Sideburns", True, (-11, -7), (12, 15)),
        ("No_Beard", False, (1, 7), (26, 31)),
        ("5_o_Clock_Shadow", True, (0, 4), (25, 30)),
    ],
)
def test_each_kind_grows_in_its_place(name, value, top, bottom):
    rows, columns = _rows_and_columns(_with(**{name: value}))
    assert top[0] <= rows.min() <= top[1]
    assert bottom[0] <= rows.max() <= bottom[1]
    assert abs(columns.mean()) < 1.0
    assert np.abs(columns).max() <= outline(_with()).jaw + 3.0


def test_sideburns_leave_the_middle_free():
    _, columns = _rows_and_columns(_with(Sideburns=True))
    assert np.abs(columns).min() > 10
