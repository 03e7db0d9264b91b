"""Dynamic loss scaling."""

import pytest
import tensorflow as tf

from stylegan_tf.training.loss_scale import LossScale


def test_grows_slowly_and_falls_fast():
    scale = LossScale(True)
    assert float(scale.factor()) == 1024.0
    scale.after(tf.constant(True))
    assert float(scale.log2) == pytest.approx(10.0005, abs=2e-6)
    scale.after(tf.constant(False))
    assert float(scale.log2) == pytest.approx(9.0005, abs=2e-6)
    assert float(scale.factor()) == pytest.approx(2**9.0005, rel=1e-5)


def test_disabled_is_one_for_ever():
    scale = LossScale(False)
    scale.after(tf.constant(True))
    scale.after(tf.constant(False))
    assert scale.factor() == 1.0 and float(scale.log2) == 0.0
