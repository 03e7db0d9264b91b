from dataclasses import replace

from stylegan_tf.data.faces.palette import (
    HAIR,
    PALE,
    among,
    apart,
    darkened,
    distance,
    mix,
    palette,
    ramp,
    shaded,
)
from stylegan_tf.data.faces.traits import face


def _plain(**changes):
    """A face with light skin, hair shade 1, and no hair colour."""
    sitter = face(0, 3)
    for name in (*HAIR, "Pale_Skin", "5_o_Clock_Shadow"):
        if sitter.attributes[name]:
            sitter = sitter.flipped(name)
    return replace(sitter, traits=replace(sitter.traits, skin=0.0, warmth=0.0, hair_shade=1.0, **changes))


def test_mix_and_shade():
    assert mix((0, 100, 200), (100, 0, 200), 0.25) == (25, 75, 200)
    assert shaded((100, 200, 10), 1.5) == (150, 255, 15)
    assert distance((1, 2, 3), (4, 2, 9)) == 6


def test_ramp_and_among():
    assert ramp([(0, 0, 0), (100, 100, 100), (200, 0, 0)], 0.75) == (150, 50, 50)
    assert ramp([(0, 0, 0), (100, 100, 100)], 1.0) == (100, 100, 100)
    colours = [(0, 0, 0), (90, 90, 90), (200, 200, 200)]
    assert among(colours, 0.99) == (200, 200, 200)
    assert among(colours, 0.4, [(80, 80, 80)], 50) == (200, 200, 200)
    assert among(colours, 0.99, [(190, 190, 190)], 50) == (0, 0, 0)


def test_apart_moves_no_more_than_it_must():
    assert apart((100, 100, 100), [(160, 100, 100)], 50) == (100, 100, 100)
    assert apart((100, 100, 100), [(110, 110, 110)], 30) == (79, 79, 79)  # 3 steps of 7 % towards black
    assert apart((100, 100, 100), [(90, 90, 90)], 30) == (122, 122, 122)  # 2 steps of 7 % towards white
    assert darkened((100, 100, 100), [(90, 90, 90)], 30) == (58, 58, 58)  # 6 steps of 7 %
    assert distance(darkened((10, 10, 10), [(0, 0, 0)], 60), (0, 0, 0)) >= 60  # nothing darker: lighter


def test_several_hair_colours_give_their_mean():
    black, gray = HAIR["Black_Hair"], HAIR["Gray_Hair"]
    sitter = _plain().flipped("Black_Hair")
    assert palette(sitter).hair == black
    assert palette(sitter.flipped("Gray_Hair")).hair == tuple((a + b) / 2 for a, b in zip(black, gray, strict=True))


def test_pale_skin_is_one_colour_and_others_differ():
    sitter = _plain()
    assert palette(sitter.flipped("Pale_Skin")).skin == PALE
    assert distance(palette(sitter).skin, PALE) >= 24


def test_colours_that_tell_attributes_stay_apart():
    for index in range(200):
        colours = palette(face(2, index))
        for other in (colours.shade, colours.crease, colours.brow, colours.stubble, colours.ridge):
            assert distance(other, colours.skin) >= 31
        assert distance(colours.hair, colours.skin) >= 34
        assert distance(colours.beard, colours.skin) >= 40
        assert distance(colours.lips, colours.skin) >= 38
