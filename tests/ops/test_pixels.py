import numpy as np
import pytest
import tensorflow as tf
import tolerances
from recorded import Recorded

from stylegan_tf.ops.pixels import from_uint8, mirror, to_uint8
from stylegan_tf.ops.resample import downscale


def test_from_uint8():
    expected = [-1, 128 * 2 / 255 - 1, 1]
    assert np.asarray(from_uint8(np.uint8([0, 128, 255]))) == pytest.approx(expected, abs=tolerances.BY_HAND)


@pytest.mark.parametrize(
    ("value", "pixel"),
    [
        (-2.0, 0),
        (-1.0, 0),  # 0.5 is cut off
        (-0.5, 64),  # 64.25
        (0.0, 128),
        (0.25, 159),  # 159.875 is cut off, not rounded
        (0.5, 191),  # 191.75
        (1.0, 255),  # 255.5 is clipped
        (2.0, 255),
    ],
)
def test_to_uint8_truncates(value, pixel):
    assert int(to_uint8(tf.constant([value]))[0]) == pixel


def test_every_pixel_comes_back():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(from_uint8(levels)), levels)


def test_recorded_conversions():
    recording = Recorded("process_reals")
    images = recording["conv_in"].transpose(0, 2, 3, 1)  # official pictures are [N, C, H, W]
    assert np.array_equal(to_uint8(images), recording["conv_uint8_nhwc"])
    assert np.array_equal(to_uint8(downscale(images)), recording["conv_uint8_shrink2"].transpose(0, 2, 3, 1))
    levels = from_uint8(recording["reals_in_lod0"])
    expected = recording["np_adjust_dynamic_range_uint8_to_pm1"]
    assert np.asarray(levels) == pytest.approx(expected, abs=tolerances.REALS)


def test_mirror_is_left_right_where_asked():
    images = tf.reshape(tf.range(2 * 2 * 2, dtype=tf.float32), (2, 2, 2, 1))
    mirrored = np.asarray(mirror(images, tf.constant([True, False])))[..., 0]
    assert mirrored.tolist() == [[[1, 0], [3, 2]], [[4, 5], [6, 7]]]
