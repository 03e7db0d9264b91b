import numpy as np
from PIL import Image

from stylegan_tf.data.faces.head import draw_cheeks, draw_head, draw_wrinkles, outline
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face


def _with(**attributes: bool) -> Face:
    sitter = face(0, 0)
    for name, value in attributes.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _drawn(layer, sitter: Face) -> np.ndarray:
    """Which pixels a layer touches, bool `[100, 100]`: two pixels are one hundredth of the side."""
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    layer(pen, sitter, palette(sitter))
    return (np.asarray(pen.picture) != (0, 255, 0)).any(axis=-1)


def test_an_oval_face_is_longer_and_narrower_below():
    square, oval = outline(_with(Oval_Face=False, Chubby=False)), outline(_with(Oval_Face=True, Chubby=False))
    assert oval.bottom > square.bottom and oval.jaw < square.jaw and oval.chin < square.chin


def test_a_chubby_face_is_wider():
    slim, chubby = outline(_with(Chubby=False)), outline(_with(Chubby=True))
    assert chubby.cheek > slim.cheek and chubby.jaw > slim.jaw and chubby.bottom == slim.bottom


def test_a_double_chin_hangs_below_the_chin():
    single, double = _drawn(draw_head, _with(Double_Chin=False)), _drawn(draw_head, _with(Double_Chin=True))
    rows = np.nonzero(double & ~single)[0]
    chin = 2 * (50 + outline(_with()).bottom)
    assert rows.max() > chin and np.median(rows) > chin - 4


def test_a_young_face_has_no_wrinkles():
    assert not _drawn(draw_wrinkles, _with(Young=True)).any()
    assert _drawn(draw_wrinkles, _with(Young=False)).any()


def test_cheeks_are_bare_without_their_three_attributes():
    bare = {"Rosy_Cheeks": False, "High_Cheekbones": False, "Heavy_Makeup": False}
    assert not _drawn(draw_cheeks, _with(**bare)).any()
    for name in bare:
        marks = _drawn(draw_cheeks, _with(**{**bare, name: True}))
        assert marks[:, :100].sum() > 50 and marks[:, 100:].sum() > 50  # one on each side
