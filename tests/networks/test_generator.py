import numpy as np
import tensorflow as tf
import tolerances
from recorded import relative
from refusals import raises

from stylegan_tf.networks.generator import Generator

Z = np.random.RandomState(5).randn(3, 8).astype(np.float32)


def test_it_is_mapping_then_broadcast_then_synthesis(tiny_G):
    ws = tiny_G.broadcast(tiny_G.mapping(Z))
    assert ws.shape == (3, 6, 8)
    assert np.array_equal(ws[:, 0], ws[:, 5])
    assert np.array_equal(tiny_G(Z, psi=None), tiny_G.synthesis(ws))


def test_truncation_by_default_is_07_below_layer_8(tiny_G):
    ws = tiny_G.broadcast(tiny_G.mapping(Z))
    images = tiny_G.synthesis(ws * 0.7)  # w_avg is 0
    assert relative(tiny_G(Z), np.asarray(images)) <= tolerances.SAME


def test_psi_0_gives_the_average_picture_for_every_z():
    G = Generator(resolution=8, fmap_max=4, z_dim=8, w_dim=8, mapping_layers=1, mapping_fmaps=8)
    G.w_avg.assign(np.arange(8) / 4)
    average = G.synthesis(G.broadcast(G.w_avg[None]))
    assert relative(G(Z, psi=0), np.asarray(average).repeat(3, axis=0)) <= tolerances.SAME


def test_a_stage_and_its_noise_are_passed_on(tiny_G):
    assert tiny_G(Z, stage=3, noise="none", fade=0.5).shape == (3, 8, 8, 3)


def test_w_avg_is_not_trained(tiny_G):
    assert not any("w_avg" in variable.path for variable in tiny_G.trainable_variables)
    assert any(variable is tiny_G.w_avg for variable in tiny_G.non_trainable_variables)


def test_labels_reach_the_mapping():
    G = Generator(resolution=8, fmap_max=4, z_dim=8, w_dim=8, mapping_layers=1, mapping_fmaps=8, label_size=2)
    first, second = (G(Z, np.float32([label] * 3)) for label in ([1, 0], [0, 1]))
    assert np.any(first != second)
    with raises(ValueError, "labels", "[N, 2]", None):
        G(Z)


def test_variables_of_a_stage(tiny_G):
    """Exactly those that a fading picture has a gradient for."""
    for stage in (2, 3, 4):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tiny_G(Z, psi=None, stage=stage, fade=tf.constant(0.5)))
        gradients = tape.gradient(total, [variable.value for variable in tiny_G.trainable_variables])
        pairs = zip(tiny_G.trainable_variables, gradients, strict=True)
        assert [variable.path for variable, gradient in pairs if gradient is not None] == [
            variable.path for variable in tiny_G.variables_at(stage)
        ]


def test_errors_repeat_what_they_got(tiny_G):
    with raises(ValueError, "z", "[N, 8]", "[3, 7]"):
        tiny_G(Z[:, :7])
    with raises(ValueError, "w", "[N, 8]", "[3, 6, 8]"):
        tiny_G.broadcast(tiny_G.broadcast(tiny_G.mapping(Z)))
