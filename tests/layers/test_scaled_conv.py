import numpy as np
import pytest
import tensorflow as tf
import tolerances
from recorded import relative

from stylegan_tf.layers.scaled_conv import DownscaleConv2D, UpscaleConv2D, spread

KERNEL = np.arange(1, 10, dtype=np.float32).reshape(3, 3, 1, 1)


def near(values):
    return pytest.approx(np.asarray(values), abs=tolerances.BY_HAND)


def with_kernel(kind, fused):
    layer = kind(1, fused=fused, gain=3.0)  # 3 / sqrt(9): coefficient 1
    layer.build((None, 2, 2, 1))
    layer.weight.assign(KERNEL)
    return layer


@pytest.mark.parametrize("fused", [True, False])
def test_upscaling_by_hand(fused):
    """One pixel becomes four; each sees the part of the kernel that lies on them."""
    y = with_kernel(UpscaleConv2D, fused)(tf.ones((1, 1, 1, 1)))
    assert np.asarray(y)[0, :, :, 0] == near([[5 + 6 + 8 + 9, 4 + 5 + 7 + 8], [2 + 3 + 5 + 6, 1 + 2 + 4 + 5]])


@pytest.mark.parametrize("fused", [True, False])
def test_downscaling_by_hand(fused):
    """An impulse at the upper left of 2x2 gives 5, 4, 2, 1, of mean 3; the bias comes after the mean."""
    layer = with_kernel(DownscaleConv2D, fused)
    layer.bias.assign([100])
    y = layer(tf.constant([[[[1.0], [0.0]], [[0.0], [0.0]]]]))
    assert np.asarray(y).ravel() == near([103])


@pytest.mark.parametrize("kind", [UpscaleConv2D, DownscaleConv2D])
def test_fused_and_separate_have_the_same_numbers_and_gradients(kind):
    random = np.random.RandomState(0)
    x = tf.constant(random.randn(2, 6, 8, 3), tf.float32)
    results = []
    for fused in (True, False):
        layer = kind(5, fused=fused, seed=7)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(y * tf.constant(np.random.RandomState(1).randn(*y.shape), tf.float32))
        results.append([y, *tape.gradient(total, [x, layer.weight.value, layer.bias.value])])
    for fused, separate in zip(*results, strict=True):
        assert relative(fused, np.asarray(separate)) <= tolerances.SAME


def test_spread_sums_four_shifted_copies():
    ones = spread(tf.ones((3, 3, 1, 1)))
    assert np.asarray(ones)[:, :, 0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
