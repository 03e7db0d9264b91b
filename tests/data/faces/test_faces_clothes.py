import numpy as np
from PIL import Image

from stylegan_tf.data.faces.clothes import WHITE, backdrop, draw_neckline, draw_shoulders
from stylegan_tf.data.faces.palette import palette
from stylegan_tf.data.faces.pen import Pen
from stylegan_tf.data.faces.traits import Face, face


def _with(index: int = 0, **attributes: bool) -> Face:
    sitter = face(0, index)
    for name, value in {"Wearing_Necktie": False, "Wearing_Necklace": False, **attributes}.items():
        sitter = sitter if sitter.attributes[name] == value else sitter.flipped(name)
    return sitter


def _picture(*layers, sitter: Face) -> np.ndarray:
    pen = Pen(Image.new("RGB", (200, 200), (0, 255, 0)))
    for layer in layers:
        layer(pen, sitter, palette(sitter))
    return np.asarray(pen.picture)


def test_the_backdrop_is_pale_smooth_and_varied():
    pictures = [np.asarray(backdrop(face(0, index), 64)).astype(int) for index in range(30)]
    for picture in pictures:
        assert picture.shape == (64, 64, 3)
        assert picture.min() > 140
        assert max(np.abs(np.diff(picture, axis=axis)).max() for axis in (0, 1)) <= 4
    assert len({(*picture[0, 0], *picture[-1, -1]) for picture in pictures}) == 30


def test_a_man_has_broader_shoulders():
    man, woman = (_picture(draw_shoulders, sitter=_with(Male=each))[197] for each in (True, False))
    assert (man != (0, 255, 0)).any(axis=-1).sum() > (woman != (0, 255, 0)).any(axis=-1).sum()


def test_a_tie_comes_with_a_white_collar():
    tied = _picture(draw_shoulders, draw_neckline, sitter=_with(Wearing_Necktie=True))
    assert (tied == WHITE).all(axis=-1).sum() > 100
    assert not (tied[192:198, 98:103] == WHITE).all(axis=-1).any()  # the tie hangs in the middle


def test_a_necklace_is_drawn_over_every_neckline():
    for index in range(12):
        plain = _picture(draw_shoulders, draw_neckline, sitter=_with(index))
        worn = _picture(draw_shoulders, draw_neckline, sitter=_with(index, Wearing_Necklace=True))
        beads = (worn != plain).any(axis=-1)
        assert beads[:, :95].sum() > 80 and beads[:, 105:].sum() > 80
