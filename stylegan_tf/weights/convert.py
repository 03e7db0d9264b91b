"""Our networks with the weights of official ones."""

import os
from pathlib import Path

from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import Network, make
from stylegan_tf.weights import names
from stylegan_tf.weights.official_pickle import State, translated


def to_network(state: State) -> Network:
    """The network of a file, in float32: it computes what the official one does.

    Every tensor is used once, and every variable of ours filled. Raises UserError, which names the file, for what does
    not fit together.
    """
    config, _, fused_scale = translated(state)
    try:
        network = make(config)
        names.assign(network, state.variables, fused_scale)
    except ValueError as error:
        raise UserError(f"{state.file}: its {state.role} cannot be one of {state.function}: {error}") from None
    return network


def save(states: dict[str, State], folder: str | os.PathLike) -> None:
    """Writes every network to `folder` as <role>.keras."""
    for role, state in states.items():
        to_network(state).save(Path(folder) / f"{role}.keras")
