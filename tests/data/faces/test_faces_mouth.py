from dataclasses import replace

import numpy as np
from PIL import Image

from stylegan_tf.data.faces.mouth import draw_moles, draw_mouth, draw_nose
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face


def _picture(layer, **attributes: bool) -> np.ndarray:
    sitter: Face = replace(face(0, 0), traits=replace(face(0, 0).traits, turn=0.0))
    for name, value in {"Attractive": True, **attributes}.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    layer(pen, sitter, palette(sitter))
    return np.asarray(pen.picture)


def _touched(layer, **attributes: bool) -> np.ndarray:
    return (_picture(layer, **attributes) != (0, 255, 0)).any(axis=-1)


def test_a_smile_is_wider_and_its_corners_are_its_highest_points():
    level, smile = (_touched(draw_mouth, Smiling=each, Mouth_Slightly_Open=False) for each in (False, True))
    assert smile.any(axis=0).sum() > level.any(axis=0).sum() + 8
    rows, columns = np.nonzero(smile)
    corner = rows[np.abs(columns - 100) > 15].min()
    assert corner < rows[np.abs(columns - 100) < 3].min()


def test_only_an_open_mouth_shows_teeth():
    for shown in (False, True):
        picture = _picture(draw_mouth, Mouth_Slightly_Open=shown)
        assert (picture.min(axis=-1) > 240).any() == shown


def test_big_lips_cover_more():
    thin, big = (_touched(draw_mouth, Big_Lips=each, Mouth_Slightly_Open=False).sum() for each in (False, True))
    assert big > 1.5 * thin


def test_a_big_nose_is_wider_and_a_pointed_one_longer():
    small, big = (_touched(draw_nose, Big_Nose=each, Pointy_Nose=False).any(axis=0).sum() for each in (False, True))
    assert big > 1.7 * small
    round_one, pointed = (
        _touched(draw_nose, Pointy_Nose=each, Big_Nose=False).any(axis=1).sum() for each in (False, True)
    )
    assert pointed > round_one + 6


def test_only_a_plain_face_has_moles():
    assert not _touched(draw_moles, Attractive=True).any()
    assert _touched(draw_moles, Attractive=False).sum() > 8
