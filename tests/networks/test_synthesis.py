import numpy as np
import pytest
import tensorflow as tf
import tolerances
from recorded import relative
from refusals import raises

from stylegan_tf.networks.synthesis import Synthesis
from stylegan_tf.ops.resample import upscale

SMALL = {"resolution": 16, "w_dim": 4, "fmap_base": 32, "fmap_max": 6}


@pytest.fixture(scope="module")
def synthesis():
    """With noise, whose strengths start at 0."""
    network = Synthesis(**SMALL)
    for variable in network.trainable_variables:
        if variable.path.endswith("noise/weight"):
            variable.assign(tf.ones_like(variable))
    return network


@pytest.fixture(scope="module")
def ws():
    return tf.random.stateless_normal((3, 6, 4), (1, 2))


@pytest.mark.parametrize(("stage", "side"), [(2, 4), (3, 8), (4, 16), (None, 16)])
def test_pictures_have_the_size_of_their_stage(synthesis, ws, stage, side):
    assert synthesis(ws, stage=stage).shape == (3, side, side, 3)


def test_fading_blends_with_the_stage_before(synthesis, ws):
    coarse, fine = upscale(synthesis(ws, stage=3)), synthesis(ws, stage=4)
    for fade in (0.25, tf.constant(0.25)):
        faded = synthesis(ws, stage=4, fade=fade)
        assert relative(faded, 0.25 * np.asarray(fine) + 0.75 * np.asarray(coarse)) <= tolerances.SAME


def test_fade_1_is_exactly_the_stage(synthesis, ws):
    fine = synthesis(ws, stage=4)
    assert np.array_equal(synthesis(ws, stage=4, fade=1), fine)
    assert np.array_equal(synthesis(ws, stage=4, fade=tf.constant(1.0)), fine)


def test_later_layers_may_be_left_out_below_the_final_stage(synthesis, ws):
    assert np.array_equal(synthesis(ws[:, :4], stage=3), synthesis(ws, stage=3))


@pytest.mark.parametrize("layer", range(6))
def test_every_layer_takes_its_own_w(synthesis, ws, layer):
    """A change of w in one layer shows at the stage that it belongs to, not before."""
    changed = ws + tf.one_hot(layer, 6)[None, :, None]
    stage = 2 + layer // 2
    if stage > 2:
        assert np.array_equal(synthesis(changed, stage=stage - 1), synthesis(ws, stage=stage - 1))
    assert np.any(synthesis(changed, stage=stage) != synthesis(ws, stage=stage))


def test_noise(synthesis, ws):
    stored = [getattr(synthesis, f"noise{layer}") for layer in range(6)]
    const = synthesis(ws)
    assert np.array_equal(synthesis(ws, noise=stored), const)
    zeros = [tf.zeros((1, *shape)) for shape in synthesis.noise_shapes()]
    none = synthesis(ws, noise="none")
    assert np.array_equal(synthesis(ws, noise=zeros), none)
    assert np.any(none != const)
    each = [tf.random.stateless_normal((3, *shape), (layer, 0)) for layer, shape in enumerate(synthesis.noise_shapes())]
    alone = synthesis(ws[1:2], noise=[noise[1:2] for noise in each])
    assert relative(synthesis(ws, noise=each)[1:2], np.asarray(alone)) <= tolerances.SAME


def test_noise_shapes(synthesis):
    assert synthesis.noise_shapes() == [(4, 4, 1)] * 2 + [(8, 8, 1)] * 2 + [(16, 16, 1)] * 2
    assert synthesis.noise_shapes(2) == [(4, 4, 1)] * 2
    assert Synthesis(**SMALL, use_noise=False).noise_shapes() == []


def test_stored_noise_is_normal_and_not_trained(synthesis):
    assert [variable.name for variable in synthesis.non_trainable_variables] == [f"noise{layer}" for layer in range(6)]
    assert np.std(synthesis.noise5) == pytest.approx(1, abs=0.15)  # 256 numbers: standard error 0.04


def test_the_constant_input_starts_at_1(synthesis):
    assert np.array_equal(synthesis.b4_const, np.ones((1, 4, 4, 6)))


def test_the_traditional_input_is_a_dense_layer_of_w(ws):
    network = Synthesis(**SMALL, use_styles=False, const_input_layer=False, use_noise=False)
    assert network.num_layers == 1
    assert network.b4_dense.coefficient == pytest.approx(np.sqrt(2) / 4 / np.sqrt(4))
    assert network(ws[:, :1]).shape == (3, 16, 16, 3)
    assert np.any(network(ws[:, :1]) != network(ws[:, 1:2]))


def test_without_styles_and_with_the_constant_input_w_changes_nothing(ws):
    network = Synthesis(**SMALL, use_styles=False)
    assert network.num_layers == 1
    images = np.asarray(network(ws[:, :1]))
    np.testing.assert_array_equal(images, np.broadcast_to(images[:1], images.shape))


def test_errors_repeat_what_they_got(synthesis, ws):
    with raises(ValueError, "ws", "[N, 6, 4]", "[3, 4, 4]"):
        synthesis(ws[:, :4])
    with raises(ValueError, "ws", "[N, 4 or 5 or 6, 4]", "[3, 3, 4]"):
        synthesis(ws[:, :3], stage=3)
    with raises(ValueError, "noise", "'const'", "'none'", "'random'"):
        synthesis(ws, noise="random")
    with raises(ValueError, "noise", 6, 2):
        synthesis(ws, noise=[synthesis.noise0, synthesis.noise1])
    with raises(ValueError, "noise[2]", "[N, 8, 8, 1]", "[1, 4, 4, 1]"):
        synthesis(ws, noise=[synthesis.noise0] * 6)
    with raises(ValueError, "stage", "2 (4x4)", "4 (16x16)", 5):
        synthesis(ws, stage=5)
    with raises(ValueError, "resolution=4", 8):
        Synthesis(resolution=4)
    with raises(ValueError, "resolution=24", 8, 32):
        Synthesis(resolution=24)
    with raises(ValueError, "fused_scale", "always", "auto", "on", "off", "16,32"):
        Synthesis(**SMALL, fused_scale="always")
