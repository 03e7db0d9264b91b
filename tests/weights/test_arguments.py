"""How large a network is, told from its arguments alone. (What is refused: test_keras_file.py.)"""

from dataclasses import asdict
from typing import Any

import pytest
from refusals import refused

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.weights.arguments import check_size, checked, least_numbers, not_trained

NOISE = 2 * sum(4**stage for stage in range(2, 11))  # stored maps of a generator at 1024x1024
# Trainable parameters of the official networks at 1024x1024, and the stored noise and average of w beside them.
OFFICIAL = [
    pytest.param(GeneratorConfig(), 26_219_627 + NOISE + 512, id="G"),
    pytest.param(DiscriminatorConfig(), 23_087_249, id="D"),
    pytest.param(ProganGeneratorConfig(), 23_079_115, id="A"),
    pytest.param(ProganDiscriminatorConfig(), 23_087_249, id="D of A"),
]


@pytest.mark.parametrize(("config", "numbers"), OFFICIAL)
def test_official_networks(config: Any, numbers: int) -> None:
    assert checked(type(config), asdict(config)) == config
    assert 0.995 * numbers < least_numbers(config) <= numbers
    assert not_trained(config) == (NOISE + 512 if type(config) is GeneratorConfig else 0)
    check_size(config, 4 * numbers)
    with refused("weights", "bytes", int(0.995 * 4 * numbers)):
        check_size(config, int(0.995 * 4 * numbers))


TINY: Any = {"resolution": 8, "num_channels": 1, "fmap_base": 8, "fmap_max": 3}
# 8x8 of fmap_base 8: widths 3 (8 capped) at stage 1, 3 (4 capped) at 4x4, 2 at 8x8.
G_CONVOLUTIONS = 9 * 3 * 3 + 9 * 3 * 2 + 9 * 2 * 2 + 3 + 2  # b4_conv, b8_conv0_up, b8_conv1, to_rgb twice


def test_by_hand() -> None:
    G = GeneratorConfig(**TINY, z_dim=4, w_dim=5, mapping_layers=2, mapping_fmaps=6, label_size=7)
    mapping = 7 * 4 + (4 + 4) * 6 + 6 * 5
    styles, noise, const = 2 * 5 * 2 * 3 + 2 * 5 * 2 * 2, 2 * 16 + 2 * 64, 16 * 3
    expected = mapping + G_CONVOLUTIONS + styles + noise + const
    assert least_numbers(G) == expected
    assert not_trained(G) == noise + 5
    B = GeneratorConfig(
        **TINY, z_dim=4, w_dim=4, mapping_layers=0, use_styles=False, const_input_layer=False, use_noise=False
    )
    assert not_trained(B) == 4
    assert least_numbers(B) == G_CONVOLUTIONS + 16 * 3 * 4
    A = ProganGeneratorConfig(**TINY, z_dim=4, label_size=7)
    assert least_numbers(A) == G_CONVOLUTIONS + 16 * 3 * (4 + 7)
    D = DiscriminatorConfig(**TINY, label_size=7)
    convolutions = 2 + 9 * 2 * 2 + 9 * 2 * 3 + 3 + 9 * (3 + 1) * 3
    assert least_numbers(D) == convolutions + 16 * 3 * 3 + 3 * 7
    D_of_A = ProganDiscriminatorConfig(**TINY, label_size=7)
    assert least_numbers(D_of_A) == convolutions + 16 * 3 * 3 + 3
