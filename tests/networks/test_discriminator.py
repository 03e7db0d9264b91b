import numpy as np
import pytest
import tensorflow as tf
import tolerances
from recorded import relative
from refusals import raises

from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.ops.resample import downscale, upscale

IMAGES = np.random.RandomState(5).randn(4, 16, 16, 3).astype(np.float32)


@pytest.mark.parametrize(("stage", "side"), [(2, 4), (3, 8), (4, 16), (None, 16)])
def test_one_logit_for_each_picture(tiny_D, stage, side):
    assert tiny_D(IMAGES[:, :side, :side], stage=stage).shape == (4, 1)


def test_a_new_stage_at_fade_0_is_the_one_before(tiny_D):
    faded = tiny_D(IMAGES, stage=4, fade=tf.constant(0.0))
    assert relative(faded, np.asarray(tiny_D(downscale(IMAGES), stage=3))) <= tolerances.SAME


def test_fade_1_is_exactly_the_stage(tiny_D):
    assert np.array_equal(tiny_D(IMAGES, fade=tf.constant(1.0)), tiny_D(IMAGES))


def test_labels_choose_among_the_outputs():
    D = Discriminator(resolution=8, fmap_max=4, label_size=3)
    images = downscale(IMAGES)
    logits = np.concatenate([D(images, np.tile(row, (4, 1))) for row in np.eye(3, dtype=np.float32)], axis=1)
    assert logits.shape == (4, 3)
    assert len(np.unique(logits)) == 12
    each = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    expected = logits[np.arange(4), [0, 1, 2, 0]]
    assert np.asarray(D(images, each))[:, 0] == pytest.approx(expected, abs=tolerances.BY_HAND)
    with raises(ValueError, "labels", "[N, 3]", None):
        D(images)
    with raises(ValueError, "labels", "[N, 3]", "[4, 2]"):
        D(images, each[:, :2])


def test_without_minibatch_deviation_samples_do_not_see_each_other():
    D = Discriminator(resolution=16, fmap_base=32, fmap_max=8, mbstd_group_size=0)
    assert relative(D(IMAGES)[1:2], np.asarray(D(IMAGES[1:2]))) <= tolerances.SAME


def test_with_minibatch_deviation_they_do(tiny_D):
    assert np.any(np.asarray(tiny_D(IMAGES))[1:2] != tiny_D(IMAGES[1:2]))


def test_detail_that_blocks_average_away_shows_through_the_finest_layer_alone(tiny_D):
    """At fade 0 the logits depend on 2x2 means only."""
    blocks = upscale(downscale(IMAGES))
    same = tiny_D(blocks, stage=4, fade=tf.constant(0.0))
    assert relative(tiny_D(IMAGES, stage=4, fade=tf.constant(0.0)), np.asarray(same)) <= tolerances.SAME


def test_variables_of_a_stage(tiny_D):
    """Exactly those that the logits of a fading picture have a gradient for."""
    for stage in (2, 3, 4):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tiny_D(IMAGES[:, : 2**stage, : 2**stage], stage=stage, fade=tf.constant(0.5)))
        gradients = tape.gradient(total, [variable.value for variable in tiny_D.trainable_variables])
        pairs = zip(tiny_D.trainable_variables, gradients, strict=True)
        assert [variable.path for variable, gradient in pairs if gradient is not None] == [
            variable.path for variable in tiny_D.variables_at(stage)
        ]


def test_errors_repeat_what_they_got(tiny_D):
    with raises(ValueError, "images", "[N, 8, 8, 3]", "[4, 16, 16, 3]"):
        tiny_D(IMAGES, stage=3)
    with raises(ValueError, "stage", "2 (4x4)", "4 (16x16)", 9):
        tiny_D(IMAGES, stage=9)
    with pytest.raises(ValueError, match="group size 4, got 6 samples"):
        tiny_D(np.zeros((6, 16, 16, 3), np.float32))
    with raises(ValueError, "resolution=4", 8):
        Discriminator(resolution=4)
