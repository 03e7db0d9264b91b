import numpy as np
import pytest
import tensorflow as tf
import tolerances
from official_args import stage_and_fade
from recorded import Recorded, worst

from stylegan_tf.data.reals import process


@pytest.fixture(scope="module")
def recording():
    return Recorded("process_reals")


def official(images):
    """[N, H, W, C] as the official code gives it: upscaled to 32x32, [N, C, H, W]."""
    factor = 32 // images.shape[1]
    return np.asarray(images).repeat(factor, axis=1).repeat(factor, axis=2).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("lod", ["0", "0.5", "1", "1.25", "2.75", "3"])
def test_recorded_levels(recording, lod):
    pictures = recording[f"reals_in_lod{lod}"].transpose(0, 2, 3, 1)
    stage, fade = stage_and_fade(float(lod), 32)
    assert pictures.shape[1] == 2**stage
    images = process(tf.constant(pictures), None, fade)
    assert images.dtype == tf.float32
    assert worst(official(images), recording[f"reals_out_lod{lod}"]) <= tolerances.REALS


def test_recorded_mirror(recording):
    """Mirrored where the official random number is 1/2 or more, before the fade."""
    pictures = recording["reals_in_lod0.5"].transpose(0, 2, 3, 1)
    flipped = recording["mirror_mask"].ravel() >= 0.5
    assert 0 < flipped.sum() < len(flipped)
    images = process(tf.constant(pictures), tf.constant(flipped), 0.5)
    assert worst(official(images), recording["reals_out_mirror_lod0.5"]) <= tolerances.REALS


def test_fade_by_hand():
    """0 and 255 are -1 and 1; a checked picture at fade 1/4 keeps a quarter of its contrast."""
    checks = np.tile(np.uint8([[0, 255], [255, 0]]), (4, 4))[None, :, :, None]
    images = np.asarray(process(tf.constant(checks), None, 0.25))
    assert images == pytest.approx(np.where(checks == 0, -0.25, 0.25), abs=tolerances.REALS)
    assert np.array_equal(process(tf.constant(checks), None, tf.constant(1.0)), np.where(checks == 0, -1, 1))


def test_4x4_does_not_fade():
    pixels = np.uint8(np.arange(16).reshape(1, 4, 4, 1) * 17)
    expected = pixels * (2 / 255) - 1
    assert np.asarray(process(tf.constant(pixels), None, 0.5)) == pytest.approx(expected, abs=tolerances.REALS)
