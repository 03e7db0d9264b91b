"""The arguments that a network file declares, checked before anything is built from them, and how much they make."""

from itertools import pairwise
from math import prod
from typing import Any

from stylegan_tf.configs.options import problems
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError

Config = GeneratorConfig | DiscriminatorConfig | ProganGeneratorConfig | ProganDiscriminatorConfig
Kind = type[GeneratorConfig] | type[DiscriminatorConfig] | type[ProganGeneratorConfig] | type[ProganDiscriminatorConfig]


def checked(kind: Kind, arguments: dict[str, Any]) -> Config:
    """The arguments as their dataclass. Raises UserError for one of another type or out of its range."""
    config = kind(**arguments)
    for problem in problems(config, decided=True):
        raise UserError(problem)
    return config


def check_size(config: Config, stored: int) -> None:
    """Raises UserError where a network of this (checked) configuration takes more than its file's `stored` bytes."""
    least = 4 * least_numbers(config)
    if least > stored:
        raise UserError(f"its arguments declare weights of {least} bytes or more, and it has {stored}")


def least_numbers(config: Config) -> int:
    """How many numbers a network holds at least: all but its biases and scales. It needs no memory."""
    stages = range(2, config.resolution.bit_length())
    width = {stage: config.width(stage) for stage in (1, *stages)}
    # Convolutions, as many in either direction: one at 4x4 and two above, and one from or to RGB.
    total = sum(9 * width[stage] ** 2 + width[stage] * config.num_channels for stage in stages)
    total += sum(9 * width[stage] * width[stage - 1] for stage in stages[1:])
    if isinstance(config, GeneratorConfig):
        of_z = config.z_dim * (2 if config.label_size else 1)
        dense = [of_z, *[config.mapping_fmaps] * (config.mapping_layers - 1), config.w_dim]
        total += config.label_size * config.z_dim + (sum(map(prod, pairwise(dense))) if config.mapping_layers else 0)
        total += 16 * width[2] * (1 if config.const_input_layer else config.w_dim)
        total += sum(4 * width[stage] * config.w_dim for stage in stages) if config.use_styles else 0
        return total + not_trained(config) - config.w_dim
    if isinstance(config, ProganGeneratorConfig):
        return total + 16 * width[2] * (config.z_dim + config.label_size)
    deviations = outputs = 1
    if isinstance(config, DiscriminatorConfig):
        deviations, outputs = config.mbstd_num_features, max(config.label_size, 1)
    total += 9 * width[2] * deviations if config.mbstd_group_size > 1 else 0
    return total + 16 * width[2] * width[1] + width[1] * outputs


def not_trained(config: Config) -> int:
    """How many of a network's numbers are no parameters: the stored noise and the average of w."""
    if not isinstance(config, GeneratorConfig):
        return 0
    stages = range(2, config.resolution.bit_length())
    return config.w_dim + (sum(2 * 4**stage for stage in stages) if config.use_noise else 0)
