"""Training that starts from the weights of another network (transfer learning)."""

import re
from typing import TYPE_CHECKING, Any

from stylegan_tf.configs.build import Start
from stylegan_tf.errors import UserError
from stylegan_tf.weights import load

if TYPE_CHECKING:
    from stylegan_tf.training.state import State
    from stylegan_tf.weights.load import Networks

MOST_NAMES = 12  # of layers in one line


def start_of(name: str) -> Start:
    """What is known of the network that the user names, without TensorFlow. Fetches it if it is not here.

    Raises UserError where there is none.
    """
    found, stage = load.declared(name)
    G = found.get("Gs") or found.get("G")
    reached = G or found["D"]
    return Start(name, G, found.get("D"), 2**stage if stage else reached.resolution)


def take(state: "State", networks: "Networks", name: str) -> list[str]:
    """Gives the networks of a new run the weights of others, layer by layer; the rest stays as it is.

    A layer is the same if its attribute path and its shape are, so that a network of another resolution shares all
    coarser layers. G and Gs start from each other where the file has only one. Returns what was taken, in lines for
    people. Raises UserError where nothing fits.
    """
    pairs = {
        "G": (state.G, networks.G or networks.Gs),
        "Gs": (state.Gs, networks.Gs or networks.G),
        "D": (state.D, networks.D),
    }
    lines, total = [], 0
    for role, (ours, theirs) in pairs.items():
        if theirs is None:
            lines.append(f"{role}: starts anew, {name} has none")
            continue
        taken, line = _take(role, ours, theirs)
        total += taken
        lines.append(line)
    if not total:
        raise UserError(f"--init_from={name}: none of its layers has the name and shape of one that is to be trained")
    return [f"weights from {name}:", *lines]


def _take(role: str, ours, theirs) -> tuple[int, str]:
    """(arrays taken, what to say)."""
    here, there = _named(ours), _named(theirs)
    same = [path for path in here if path in there and tuple(here[path].shape) == tuple(there[path].shape)]
    for path in same:
        here[path].assign(there[path].numpy())
    line = f"{role}: {len(same)} of {len(here)} arrays taken"
    new = _layers(path for path in here if path not in same)
    left = _layers(path for path in there if path not in same)
    line += f"; new: {new}" if new else ""
    return len(same), line + (f"; not used: {left}" if left else "")


def _named(network) -> dict[str, Any]:
    """'synthesis/b8_conv1/weight' -> variable."""
    from stylegan_tf.weights.keras_file import named_variables

    return {f"{path.rpartition('vars/')[0]}{found.name}": found for path, found in named_variables(network).items()}


def _layers(paths) -> str:
    """The layers that variables belong to, each once, in their order; one with its epilogue, noise by its name."""
    names = list(dict.fromkeys(re.sub(r"(_epilogue.*|/weight|/bias)$", "", path) for path in paths))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
