"""The Keras classes of the networks, by the dataclasses of their arguments."""

from stylegan_tf.configs.schema import NetworkConfig
from stylegan_tf.networks.discriminator import Discriminator
from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator

Network = Generator | Discriminator | ProganGenerator | ProganDiscriminator
KINDS: dict[type[NetworkConfig], type] = {
    kind.CONFIG: kind for kind in (Generator, Discriminator, ProganGenerator, ProganDiscriminator)
}


def make(config: NetworkConfig, seed: int = 0, dtype: str = "float32") -> Network:
    """A new network of `config`, with random weights by `seed` and a Keras dtype policy.

    Raises ValueError where its options cannot be or do not fit together.
    """
    return KINDS[type(config)](config, seed=seed, dtype=dtype)
