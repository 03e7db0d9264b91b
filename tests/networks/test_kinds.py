"""Every network is made from its dataclass, and from single fields of it as people write Keras."""

from dataclasses import asdict

import numpy as np
import pytest
from refusals import raises

from stylegan_tf.configs.schema import DiscriminatorConfig, GeneratorConfig
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.kinds import KINDS, make

TINY = {"resolution": 8, "fmap_base": 16, "fmap_max": 2}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_dataclass_or_its_fields(kind) -> None:
    config = kind(**TINY)
    network = make(config, seed=3)
    assert type(network) is KINDS[kind] and network.compute_dtype == "float32"
    assert network.config == config and asdict(config).items() <= vars(network).items()
    same = (KINDS[kind](**TINY, seed=3), KINDS[kind](kind(**TINY | {"fmap_max": 9}), fmap_max=2, seed=3))
    for other in (*same, KINDS[kind].from_config(network.get_config())):
        assert other.config == config
        for one, two in zip(network.variables, other.variables, strict=True):
            np.testing.assert_array_equal(one, two)


def test_its_configuration_is_the_dataclass() -> None:
    config = GeneratorConfig(**TINY, z_dim=4, w_dim=4, mapping_layers=1)
    found = Generator(config, seed=5, name="it").get_config()
    assert {name for name in found if name not in asdict(config)} == {"name", "trainable", "dtype", "seed"}
    assert found | asdict(config) == found and (found["seed"], found["name"]) == (5, "it")


def test_unknown_keywords_are_named_with_the_nearest() -> None:
    with raises(TypeError, "Generator", "fmap_mx", "fmap_max"):
        Generator(**TINY, fmap_mx=3)
    with raises(TypeError, "Generator", "zzzzzz"):
        Generator(zzzzzz=3)
    for wrong in (DiscriminatorConfig(), 8):
        with raises(TypeError, "Generator", "GeneratorConfig", type(wrong).__name__ if wrong != 8 else 8):
            Generator(wrong)


def test_options_that_cannot_be() -> None:
    with raises(ValueError, "fmap_base", 1, 0, "fmap_decay", "'x'"):
        Generator(fmap_base=0, fmap_decay="x")
    with raises(ValueError, "fmap_base=1"):
        Generator(resolution=8, fmap_base=1)
    with raises(ValueError, "fused_scale", "measured"):
        Generator(**TINY, fused_scale="measured")
