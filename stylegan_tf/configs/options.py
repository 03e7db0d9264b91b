"""The arguments of networks: ranges, choices, and which of them do not fit together."""

import math
from dataclasses import asdict

from stylegan_tf.configs import fused_scale
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)

HIGHEST_RESOLUTION = 2**15  # a file name has two digits for log2, and the largest picture must fit into memory
CHOICES = {"nonlinearity": ("lrelu", "relu"), "mapping_nonlinearity": ("lrelu", "relu")}
WIDEST = 2**16
LIMITS: dict[str, tuple[float, float]] = {
    "resolution": (8, HIGHEST_RESOLUTION),
    "num_channels": (1, 1024),
    "label_size": (0, 2**20),
    "z_dim": (1, WIDEST),
    "w_dim": (1, 2 * WIDEST),
    "mapping_layers": (0, 64),
    "mapping_fmaps": (1, WIDEST),
    "mapping_lrmul": (1e-6, 1e6),
    "fmap_base": (1, 2**30),
    "fmap_decay": (0, 16),
    "fmap_max": (1, WIDEST),
    "pixelnorm_epsilon": (1e-12, 1),
    "mbstd_group_size": (0, WIDEST),
    "mbstd_num_features": (1, WIDEST),
}


def problems(
    config: GeneratorConfig | DiscriminatorConfig | ProganGeneratorConfig | ProganDiscriminatorConfig, prefix: str
) -> list[str]:
    """Why a network of these arguments cannot be built, a sentence each; `prefix` is G or D, as --set has it."""
    values, defaults, found = asdict(config), asdict(type(config)()), []
    for name, value in values.items():
        mend = f"--set={prefix}.{name}={defaults[name]}"
        if name in CHOICES and value not in CHOICES[name]:
            found.append(f"{prefix}.{name} is {value}; choose from {', '.join(CHOICES[name])} ({mend})")
        if name == "fused_scale" and value != fused_scale.MEASURED and not fused_scale.is_valid(value):
            choices = f"{fused_scale.EXPECTED}, or {fused_scale.MEASURED}"
            found.append(f"{prefix}.{name} is {value}; choose from {choices} ({mend})")
        if name in LIMITS and not (LIMITS[name][0] <= value <= LIMITS[name][1]):
            found.append(f"{prefix}.{name} must be from {LIMITS[name][0]} to {LIMITS[name][1]}, not {value} ({mend})")
    if found:
        return found
    last = config.resolution.bit_length() - 1
    width = {at: int(config.fmap_base / 2.0 ** ((at - 1) * config.fmap_decay)) for at in range(1, last + 1)}
    if width[last] < 1:
        least = math.ceil(2.0 ** ((last - 1) * config.fmap_decay))
        found.append(
            f"{prefix}.fmap_base={config.fmap_base} leaves layers without channels (--set={prefix}.fmap_base={least})"
        )
    if isinstance(config, DiscriminatorConfig) and config.mbstd_group_size > 1:
        channels = min(width[2], config.fmap_max)
        if channels % config.mbstd_num_features:
            found.append(
                f"{prefix}.mbstd_num_features={config.mbstd_num_features} must divide the {channels} channels at 4x4 "
                f"(--set={prefix}.mbstd_num_features=1)"
            )
    if isinstance(config, GeneratorConfig):
        w_dim = config.z_dim * (2 if config.label_size else 1)
        if config.mapping_layers == 0 and config.w_dim != w_dim:
            why = f"twice {prefix}.z_dim, as z is joined by the label" if config.label_size else f"{prefix}.z_dim"
            found.append(
                f"with {prefix}.mapping_layers=0, w is z: {prefix}.w_dim must be {w_dim} ({why}), not {config.w_dim} "
                f"(--set={prefix}.w_dim={w_dim})"
            )
        if not config.use_styles and config.const_input_layer:
            found.append(
                f"without {prefix}.use_styles, w enters at the input alone: {prefix}.const_input_layer must be false "
                f"(--set={prefix}.const_input_layer=false)"
            )
    return found
