"""The constructor arguments that a network file declares, checked before anything is built from them."""

import math
from typing import Any, get_type_hints

from stylegan_tf.configs import fused_scale
from stylegan_tf.configs.options import CHOICES, HIGHEST_RESOLUTION
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.configs.text import KINDS
from stylegan_tf.errors import UserError
from stylegan_tf.networks.stages import channels, stage_of

Config = GeneratorConfig | DiscriminatorConfig | ProganGeneratorConfig | ProganDiscriminatorConfig
Kind = type[GeneratorConfig] | type[DiscriminatorConfig] | type[ProganGeneratorConfig] | type[ProganDiscriminatorConfig]
KERAS_OWN = {"name", "trainable", "dtype"}  # which every Keras layer has; ours are float32 and get a fresh name
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
    "seed": (0, 2**63),
}


def checked_arguments(kind: Kind, declared: object) -> dict[str, Any]:
    """The arguments of a generator or discriminator, each known, of its type and in its range, and its seed.

    Raises UserError that names the argument.
    """
    if not isinstance(declared, dict):
        raise UserError("its configuration is no table of arguments")
    hints = get_type_hints(kind) | {"seed": int}
    unknown = sorted(set(declared) - set(hints) - KERAS_OWN)
    missing = sorted(set(hints) - set(declared))
    if unknown or missing:
        what = [f"the unknown argument {name}" for name in unknown] + [f"no argument {name}" for name in missing]
        raise UserError(f"it has {', '.join(what)}")
    arguments = {name: _checked(name, hint, declared[name]) for name, hint in hints.items()}
    side = arguments["resolution"]
    if side & (side - 1):
        raise UserError(f"its resolution is {side}, which is no power of two")
    if min(_width(arguments, stage) for stage in range(1, stage_of(side) + 1)) < 1:
        raise UserError(f"its fmap_base={arguments['fmap_base']} leaves layers without channels")
    return arguments


def check_size(kind: Kind, arguments: dict[str, Any], stored: int) -> None:
    """Raises UserError where a network of these (checked) arguments takes more than the `stored` bytes of its file."""
    least = 4 * least_numbers(kind, arguments)
    if least > stored:
        raise UserError(f"its arguments declare weights of {least} bytes or more, and it has {stored}")


def config_of(kind: Kind, arguments: dict[str, Any]) -> Config:
    """The (checked) arguments as the dataclass that they belong to, which has no seed."""
    return kind(**{name: value for name, value in arguments.items() if name != "seed"})


def least_numbers(kind: Kind, arguments: dict[str, Any]) -> int:
    """How many numbers a network of these (checked) arguments holds at least: all but its biases and scales.

    It needs no memory, and tells how much the network itself would take.
    """
    if kind is GeneratorConfig:
        return _generator(arguments)
    if kind is ProganGeneratorConfig:
        return _progan_generator(arguments)
    outputs = max(arguments["label_size"], 1) if kind is DiscriminatorConfig else 1
    return _discriminator(arguments, outputs, arguments.get("mbstd_num_features", 1))


def not_trained(config: Config) -> int:
    """How many of a network's numbers are no parameters: the stored noise and the average of w."""
    if not isinstance(config, GeneratorConfig):
        return 0
    stages = range(2, stage_of(config.resolution) + 1)
    return config.w_dim + (sum(2 * 4**stage for stage in stages) if config.use_noise else 0)


def _checked(name: str, hint: type, value: Any) -> Any:
    allowed = (int, float) if hint is float else (hint,)
    if type(value) not in allowed:  # not isinstance: true is no whole number
        raise UserError(f"its {name} must be {KINDS[hint]}, not {_short(value)}")
    choices = CHOICES.get(name)
    if choices and value not in choices:
        raise UserError(f"its {name} is {_short(value)}, not one of {', '.join(choices)}")
    if name == "fused_scale" and not fused_scale.is_valid(value):
        raise UserError(f"its {name} is {_short(value)}, not {fused_scale.EXPECTED}")
    if name in LIMITS and not LIMITS[name][0] <= value <= LIMITS[name][1]:
        raise UserError(f"its {name} must be from {LIMITS[name][0]} to {LIMITS[name][1]}, not {_short(value)}")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _width(arguments: dict[str, Any], stage: int) -> int:
    return channels(stage, arguments["fmap_base"], arguments["fmap_decay"], arguments["fmap_max"])


def _generator(arguments: dict[str, Any]) -> int:
    last, w_dim = stage_of(arguments["resolution"]), arguments["w_dim"]
    z_dim, fmaps, layers = arguments["z_dim"], arguments["mapping_fmaps"], arguments["mapping_layers"]
    widths = [z_dim * (2 if arguments["label_size"] else 1), *[fmaps] * (layers - 1), w_dim]
    total = arguments["label_size"] * z_dim
    total += sum(map(math.prod, zip(widths, widths[1:], strict=False))) if layers else 0
    total += 16 * _width(arguments, 2) * (1 if arguments["const_input_layer"] else w_dim)
    for stage in range(2, last + 1):
        total += 4 * _width(arguments, stage) * w_dim if arguments["use_styles"] else 0
        total += 2 * 4**stage if arguments["use_noise"] else 0
    return total + _convolutions(arguments)


def _progan_generator(arguments: dict[str, Any]) -> int:
    return 16 * _width(arguments, 2) * (arguments["z_dim"] + arguments["label_size"]) + _convolutions(arguments)


def _discriminator(arguments: dict[str, Any], outputs: int, deviations: int) -> int:
    total = 16 * _width(arguments, 2) * _width(arguments, 1) + _width(arguments, 1) * outputs
    if arguments["mbstd_group_size"] > 1:
        total += 9 * _width(arguments, 2) * deviations
    return total + _convolutions(arguments)


def _convolutions(arguments: dict[str, Any]) -> int:
    """Kernels of a network: as many in either direction, one at 4x4 and two above, and those from or to RGB."""
    total = 0
    for stage in range(2, stage_of(arguments["resolution"]) + 1):
        width = _width(arguments, stage)
        total += 9 * width * width + width * arguments["num_channels"]
        total += 9 * width * _width(arguments, stage - 1) if stage > 2 else 0
    return total
