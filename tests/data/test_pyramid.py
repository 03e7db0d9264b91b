import numpy as np
import pytest
from refusals import raises

from stylegan_tf.data.pyramid import halve, levels, planar_levels


def test_halve_is_the_mean_of_each_block():
    picture = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    assert halve(picture)[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_halves_are_rounded_to_even():
    picture = np.zeros((8, 8, 1), np.uint8)
    picture[0:2, 0:2, 0] = [[0, 1], [0, 1]]  # 0.5 -> 0
    picture[0:2, 2:4, 0] = [[1, 2], [2, 1]]  # 1.5 -> 2
    picture[0:2, 4:6, 0] = [[3, 2], [2, 3]]  # 2.5 -> 2
    picture[0:2, 6:8, 0] = [[255, 255], [254, 254]]  # 254.5 -> 254
    full, half = levels(picture)
    assert np.array_equal(full, picture)
    assert half[0, :, 0].tolist() == [0, 2, 2, 254]
    assert half.dtype == np.uint8


def test_a_level_comes_from_the_unrounded_one_above():
    picture = np.zeros((16, 16, 1), np.uint8)
    picture[0:4, 0:4, 0] = [[0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 1, 1], [0, 1, 1, 1]]
    # means 0.5, 0.5, 0.5, 1 -> rounded 0, 0, 0, 1; mean of the rounded 0.25 -> 0, of the unrounded 0.625 -> 1
    _, half, quarter = levels(picture)
    assert half[0:2, 0:2, 0].tolist() == [[0, 0], [0, 1]]
    assert quarter[0, 0, 0] == 1


def test_float_pictures_are_rounded_and_clipped():
    picture = np.full((4, 4, 2), [-3.0, 300.0], np.float32)
    assert levels(picture)[0][0, 0].tolist() == [0, 255]


def test_channels_and_pictures_of_a_batch_stay_apart():
    batch = np.zeros((2, 8, 8, 3), np.uint8)
    batch[0] = [10, 20, 30]
    batch[1] = [40, 50, 60]
    full, half = levels(batch)
    assert (full.shape, half.shape) == ((2, 8, 8, 3), (2, 4, 4, 3))
    assert np.array_equal(half, batch[:, :4, :4])


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ((8, 4, 3), ("[..., H, W, C]", "[8, 4, 3]")),
        ((6, 6, 3), ("4, 8, 16", 6)),
        ((2, 2, 3), ("4, 8, 16", 2)),
        ((8, 8), ("[..., H, W, C]", "[8, 8]")),
    ],
)
def test_other_shapes_are_refused(shape, names):
    with raises(ValueError, *names):
        levels(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("resolution", "count"), [(4, 3), (8, 3), (64, 3), (512, 1), (1024, 1), (2048, 1)])
@pytest.mark.parametrize("kind", ["noise", "white", "halves"])
def test_integers_give_the_same_numbers(resolution, count, kind):
    """`halves`: all means one level down end in 1/2, many of those below in 1/4, 1/2 and 3/4."""
    shape = (count, resolution, resolution, 1)
    random = np.random.RandomState(5)
    if kind == "noise":
        pictures = random.randint(0, 256, shape, np.uint8)
    elif kind == "white":
        pictures = np.full(shape, 255, np.uint8)
    else:
        pictures = np.zeros(shape, np.uint8)
        pictures[:, ::2] = random.randint(0, 128, (count, resolution // 2, resolution, 1)) * 2
        pictures[:, ::2, ::2] = 254 - pictures[:, ::2, 1::2]
        pictures[:, 1::2, ::2] = 2 * random.randint(0, 2, (count, resolution // 2, resolution // 2, 1))
    planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    for level, expected in zip(planar_levels(planes), levels(pictures), strict=True):
        assert level.dtype == np.uint8 and np.array_equal(level.transpose(0, 2, 3, 1), expected)


def test_integers_by_hand():
    planes = np.zeros((1, 3, 8, 8), np.uint8)
    planes[0, 1, :2, :4] = [[0, 1, 1, 2], [0, 1, 2, 1]]  # means 0.5 and 1.5
    planes[0, 2, 6:, 6:] = [[255, 255], [254, 254]]  # mean 254.5
    half = planar_levels(planes)[1]
    assert half[0, 1, 0].tolist() == [0, 2, 0, 0] and half[0, 2, 3].tolist() == [0, 0, 0, 254]
    assert half.sum() == 256
