import numpy as np
import pytest
from refusals import raises

from stylegan_tf.configs.schema import NetworkConfig
from stylegan_tf.networks.stages import (
    checked_shape,
    checked_stage,
    num_layers,
    seed_of,
    used_at,
)


def test_widths_of_the_paper():
    # 1x1 to 1024x1024: the official table of feature maps
    widths = [NetworkConfig().width(stage) for stage in range(1, 11)]
    assert widths == [512, 512, 512, 512, 512, 256, 128, 64, 32, 16]


def test_widths_with_another_decay():
    assert [NetworkConfig(fmap_base=64, fmap_decay=0.5, fmap_max=100).width(stage) for stage in (1, 2, 3)] == [
        64,
        45,
        32,
    ]  # 64 / sqrt(2) = 45.25, cut


def test_layers():
    assert [num_layers(stage) for stage in (2, 3, 10)] == [2, 4, 18]


def test_checked_stage():
    assert checked_stage(None, 5) == 5
    assert checked_stage(2, 5) == 2
    for stage in (1, 6):
        with raises(ValueError, "stage", "2 (4x4)", "5 (32x32)", stage):
            checked_stage(stage, 5)


def test_checked_shape():
    checked_shape("w", np.zeros((3, 8)), (None, 8))
    checked_shape("ws", np.zeros((3, 6, 8)), (None, (4, 5, 6), 8))
    for shape in ((3, 7), (8,), (3, 8, 1)):
        with raises(ValueError, "w", "[N, 8]", list(shape)):
            checked_shape("w", np.zeros(shape), (None, 8))


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        ("discriminator/b4_dense0/weight", 2, 5),
        ("generator/synthesis/b16_conv1_epilogue/noise/weight", 4, 5),
        ("generator/synthesis/b8_to_rgb/weight", 3, 4),  # at stage 4 it fades out, at 5 it is gone
        ("discriminator/b32_from_rgb/bias", 5, 5),
        ("generator/mapping/dense0/weight", 2, 5),
    ],
)
def test_used_at(path, first, last):
    assert [stage for stage in range(2, 6) if used_at(path, stage)] == list(range(first, last + 1))


def test_every_layer_has_its_own_seed():
    assert len({seed_of(seed, name) for seed in (0, 1) for name in ("b8_conv0_up", "b8_conv1")}) == 4
    assert seed_of(3, "dense0") == seed_of(3, "dense0")
