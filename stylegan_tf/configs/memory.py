"""How much memory training takes, estimated from the experiment alone, and how minibatches are divided to take less.

The estimate counts the tensors that live at the same time. What is counted follows from the layers; how many at once,
from peaks measured on a CPU, where the estimate is right to a quarter (tests/training/test_memory.py). A GPU's
convolutions take workspaces beside it.
"""

import math
from itertools import pairwise
from typing import NamedTuple

from stylegan_tf.configs.schedule import minibatch_of
from stylegan_tf.configs.schema import Experiment, GeneratorConfig, NetworkConfig, ProganGeneratorConfig
from stylegan_tf.configs.stages import stage_of

FLOAT = 4  # bytes of a weight
# Tensors of the size of a block's finer side, of its two convolutions, that are there at once in a step of D (reals
# and fakes, and what the penalties keep of the backward pass), and in a step of G: of D's blocks, of G's layers.
D_TENSORS, PENALTY_TENSORS, OF_D_TENSORS, G_TENSORS = 8.0, 6.0, 3.5, 8.5
# The same where blocks are computed again: what is kept of each, and what the largest one takes while it is.
D_KEPT, G_KEPT, D_AGAIN, PENALTY_AGAIN, G_AGAIN = 1.0, 1.5, 5.0, 14.0, 5.0
KERNELS = 3.0  # gradients and kernels made of the weights, of the size of all weights of the step
GRAPH = 0.25e9  # bytes of a stage's graphs and of what TensorFlow keeps beside


class Division(NamedTuple):
    """How a device computes its pictures of a minibatch."""

    parts: int  # whole groups of the minibatch deviation, one part after the other; their gradients are summed
    slice: int  # pictures of a part that are computed at a time, unit of layers by unit; 0: all of it
    at_once: int  # pictures in memory at a time


class Memory(NamedTuple):
    """Bytes of a device."""

    state: int  # weights of G, D and Gs, moments of both optimizers
    D: int  # what a step of D takes beside, penalties included
    G: int

    @property
    def step(self) -> int:
        """What the larger of the two steps takes beside the state."""
        return max(self.D, self.G)


def division(experiment: Experiment, minibatch: int, replicas: int = 1, at_once: int | None = None) -> Division:
    """`at_once` pictures at most at a time on a device; None: as training.batch_gpu says, and all for "auto".

    The minibatch deviation needs its groups whole. Fewer pictures than a group are therefore possible in those layers
    only that see each picture by itself, which are all but those at 4x4.
    """
    training, rows = experiment.training, minibatch // replicas
    group = max(1, min(experiment.D.mbstd_group_size, minibatch // training.num_gpus))
    if at_once is None:
        at_once = int(training.batch_gpu) if training.batch_gpu.isdecimal() else rows
    parts = [number for number in range(1, rows // group + 1) if rows // group % number == 0]
    for number in parts:
        if rows // number <= at_once:
            return Division(number, 0, rows // number)
    size = max(number for number in range(1, min(at_once, group) + 1) if group % number == 0)
    return Division(parts[-1], size, size)


def estimated(
    experiment: Experiment, stage: int, minibatch: int, replicas: int = 1, at_once: int | None = None
) -> Memory:
    """Bytes that training a stage takes on a device. at_once: as in `division`."""
    G, D, training, loss = experiment.G, experiment.D, experiment.training, experiment.loss
    parts, size, _ = division(experiment, minibatch, replicas, at_once)
    pictures = minibatch // replicas // parts
    number = FLOAT // (1 if training.precision in ("float32", "auto") else 2)
    of_D, of_G = (_sizes(network, stage) for network in (D, G))
    penalised = bool(loss.r1_gamma or loss.r2_gamma or loss.gp_weight)
    if size or training.recompute:
        together = size or pictures
        D_numbers = D_KEPT * pictures * sum(of_D) + together * max(of_D) * (D_AGAIN + penalised * PENALTY_AGAIN)
        G_numbers = pictures * (G_KEPT * sum(of_G) + D_KEPT * sum(of_D))
        G_numbers += together * max(G_AGAIN * max(of_G), D_AGAIN * max(of_D))
    else:
        D_numbers = pictures * (D_TENSORS + penalised * PENALTY_TENSORS) * sum(of_D)
        G_numbers = pictures * (G_TENSORS * sum(of_G) + OF_D_TENSORS * sum(of_D))
    weights = {role: FLOAT * parameters(network, stage) for role, network in (("G", G), ("D", D))}
    all_weights = {
        role: FLOAT * parameters(network, stage_of(network.resolution)) for role, network in (("G", G), ("D", D))
    }
    noises = FLOAT * sum(2 * 4**each for each in range(2, stage_of(G.resolution) + 1))
    return Memory(
        round(4 * all_weights["G"] + 3 * all_weights["D"] + 2 * noises),
        round(GRAPH + number * D_numbers + KERNELS * weights["D"] + weights["G"]),
        round(GRAPH + number * G_numbers + KERNELS * weights["G"] + weights["D"]),
    )


def _sizes(network: NetworkConfig, stage: int) -> list[int]:
    """Numbers of a tensor of one picture at each resolution up to 2^stage."""
    return [4**each * network.width(each) for each in range(2, stage + 1)]


def parameters(network: NetworkConfig, stage: int) -> int:
    """Weights of the layers up to a stage, without biases, conversions from and to RGB, and what labels need."""
    widths = {each: network.width(each) for each in range(1, stage + 1)}
    found = 9 * widths[2] ** 2 + sum(
        9 * widths[each] * (widths[each] + widths[each - 1]) for each in range(3, stage + 1)
    )
    if isinstance(network, ProganGeneratorConfig):
        return found + 16 * network.z_dim * widths[2]
    if not isinstance(network, GeneratorConfig):
        return found + 16 * widths[1] * widths[2]
    found += 0 if network.const_input_layer else 16 * network.w_dim * widths[2]
    found += sum(4 * network.w_dim * widths[each] for each in range(2, stage + 1)) if network.use_styles else 0
    inner = [network.mapping_fmaps] * (network.mapping_layers - 1)
    mapping = [network.z_dim, *inner, network.w_dim] if network.mapping_layers else []
    return found + sum(map(math.prod, pairwise(mapping)))


def stages(experiment: Experiment, replicas: int = 1) -> list[tuple[int, int, int, Memory]]:
    """(resolution, minibatch, pictures at once on a device, bytes of a device) of every stage that is trained."""
    found = []
    first, last = stage_of(experiment.schedule.initial_resolution), stage_of(experiment.data.resolution)
    for stage in range(first, last + 1):
        minibatch = minibatch_of(experiment.schedule, 2**stage, experiment.training.num_gpus)
        at_once = division(experiment, minibatch, replicas).at_once
        found.append((2**stage, minibatch, at_once, estimated(experiment, stage, minibatch, replicas)))
    return found


def table(experiment: Experiment, replicas: int = 1) -> str:
    """What --dry_run says of memory."""
    devices = "the device" if replicas == 1 else f"each of {replicas} devices"
    lines = [
        f"estimated memory of {devices}, networks and optimizers included",
        "resolution  minibatch   at once    memory",
    ]
    for side, minibatch, at_once, memory in stages(experiment, replicas):
        lines.append(f"{f'{side}x{side}':<10}  {minibatch:9d} {at_once:9d} {shown(memory.state + memory.step):>9}")
    return "\n".join(lines)


def shown(size: float) -> str:
    """1234567890 -> 1.2 GB, of 10^9 bytes."""
    return f"{size / 1e9:.1f} GB"
