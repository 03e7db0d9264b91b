from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.faces.hair import draw_hair, draw_hair_behind, long_cut
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face

NONE = ("Bald", "Bangs", "Receding_Hairline", "Straight_Hair", "Wavy_Hair", "Wearing_Hat")


def _with(cut: float = 0.1, **attributes: bool) -> Face:
    sitter = replace(face(0, 0), traits=replace(face(0, 0).traits, long_cut=cut, short_cut=0.1, parting=0.0))
    for name, value in {**dict.fromkeys(NONE, False), **attributes}.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _touched(layer, sitter: Face) -> np.ndarray:
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    layer(pen, sitter, palette(sitter))
    return (np.asarray(pen.picture) != (0, 255, 0)).any(axis=-1)


@pytest.mark.parametrize("male", [False, True])
def test_a_bald_crown_is_bare_but_the_sides_are_not(male):
    hair = _touched(draw_hair, _with(Bald=True, Male=male))
    assert not hair[:60].any()
    assert hair[:, :60].any() and hair[:, 140:].any()
    assert not _touched(draw_hair_behind, _with(Bald=True, Male=male)).any()
    assert _touched(draw_hair, _with(Bald=False, Male=male))[:60].any()


@pytest.mark.parametrize("male", [False, True])
def test_bangs_cover_the_forehead(male):
    forehead = (slice(64, 68), slice(90, 111))  # 16 to 18 hundredths above the middle
    assert not _touched(draw_hair, _with(Male=male))[forehead].any()
    assert _touched(draw_hair, _with(Male=male, Bangs=True))[forehead].all()


@pytest.mark.parametrize("male", [False, True])
def test_a_receding_hairline_bares_the_corners(male):
    corner = (slice(44, 52), slice(118, 124))
    assert _touched(draw_hair, _with(Male=male))[corner].mean() > 0.4
    assert _touched(draw_hair, _with(Male=male, Receding_Hairline=True))[corner].mean() < 0.1


def test_curls_reach_further_out():
    for male in (False, True):
        plain, wavy = (_touched(draw_hair, _with(Male=male, Wavy_Hair=each)).sum() for each in (False, True))
        assert wavy > plain + 100


def test_three_long_cuts_hang_to_three_heights():
    cuts = [_with(cut, Male=False) for cut in (0.1, 0.6, 0.9)]
    assert [long_cut(each) for each in cuts] == ["long", "bob", "bun"]
    long, bob, bun = (np.nonzero(_touched(draw_hair_behind, each))[0].max() for each in cuts)
    assert long > bob > bun
