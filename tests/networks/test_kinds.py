"""Every network of ours can be built from the dataclass of its arguments."""

import inspect
from dataclasses import asdict

import pytest

from stylegan_tf.networks.kinds import KINDS, make


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_dataclass_and_constructor_have_the_same_arguments(kind) -> None:
    parameters = inspect.signature(KINDS[kind].__init__).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    assert defaults == asdict(kind()) | {"seed": 0}


def test_build() -> None:
    for kind, made in KINDS.items():
        network = make(kind(resolution=8, fmap_base=16, fmap_max=2))
        assert type(network) is made and network.compute_dtype == "float32" and network.resolution == 8
