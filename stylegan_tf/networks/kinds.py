"""The Keras classes of the networks, by the dataclasses of their arguments."""

from dataclasses import asdict

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator

Network = Generator | Discriminator | ProganGenerator | ProganDiscriminator
NetworkConfig = GeneratorConfig | DiscriminatorConfig | ProganGeneratorConfig | ProganDiscriminatorConfig
KINDS: dict[type, type] = {
    GeneratorConfig: Generator,
    DiscriminatorConfig: Discriminator,
    ProganGeneratorConfig: ProganGenerator,
    ProganDiscriminatorConfig: ProganDiscriminator,
}


def make(config: NetworkConfig, seed: int = 0, dtype: str = "float32") -> Network:
    """A new network with the arguments of `config`, random weights by `seed`, and a Keras dtype policy.

    Raises ValueError where two arguments do not fit together.
    """
    return KINDS[type(config)](**asdict(config), seed=seed, dtype=dtype)
