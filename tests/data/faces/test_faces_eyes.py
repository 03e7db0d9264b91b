from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.faces.eyes import draw_brows, eye_places, eye_size
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face


def _with(**attributes: bool) -> Face:
    sitter = replace(face(0, 0), traits=replace(face(0, 0).traits, turn=0.0))
    for name, value in attributes.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _brows(sitter: Face) -> np.ndarray:
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    draw_brows(pen, sitter, palette(sitter))
    return (np.asarray(pen.picture) != (0, 255, 0)).any(axis=-1)


def test_narrow_eyes_are_half_as_high():
    wide, high = eye_size(_with(Narrow_Eyes=False))
    assert eye_size(_with(Narrow_Eyes=True)) == pytest.approx((wide, high / 2))


def test_young_eyes_are_larger():
    young, old = eye_size(_with(Young=True)), eye_size(_with(Young=False))
    assert young[0] > old[0] and young[1] > old[1]


def test_only_an_attractive_face_is_symmetric():
    (_, left), (_, right) = eye_places(_with(Attractive=True))
    assert left.imag == right.imag and left.real == -right.real
    (_, left), (_, right) = eye_places(_with(Attractive=False))
    assert abs(left.imag - right.imag) == pytest.approx(1.7)


def test_bushy_brows_cover_more_than_twice_as_much():
    thin, bushy = (_brows(_with(Bushy_Eyebrows=each, Male=False)).sum() for each in (False, True))
    assert bushy > 1.8 * thin


def test_arched_brows_rise_higher():
    flat, arched = (np.nonzero(_brows(_with(Arched_Eyebrows=each)))[0].min() for each in (False, True))
    assert arched < flat - 4
