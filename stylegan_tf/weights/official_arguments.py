"""The keyword arguments of an official network as those of ours, checked before anything is built from them."""

import re
from dataclasses import asdict
from typing import Any, NamedTuple, get_type_hints

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.weights.keras_arguments import Config, Kind, check_size, checked_arguments, config_of
from stylegan_tf.weights.network_file import State

CONFIGS: dict[str, Kind] = {
    "G_style": GeneratorConfig,
    "D_basic": DiscriminatorConfig,
    "G_paper": ProganGeneratorConfig,
    "D_paper": ProganDiscriminatorConfig,
}
# Our words for official ones; all others are the same.
OFFICIAL = {"z_dim": "latent_size", "w_dim": "dlatent_size", "blur": "blur_filter"}
OURS_ALONE = {"downscale_last"}
# Known, and without effect on what a network's tensors compute: how it is called, trained and laid out.
WITHOUT_EFFECT = {
    *("structure", "dtype", "randomize_noise", "dlatent_broadcast", "style_mixing_prob", "dlatent_avg_beta"),
    *("truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val"),
    *("is_training", "is_validation", "is_template_graph"),
}
SIZES = ("resolution", "num_channels", "label_size")  # told by the tensors where the file does not give them
BLUR_FILTER = [1, 2, 1]
# The layer that changes the resolution: as called where that is fused, and in Progressive GAN without.
SCALED = {
    "G_style": ("Conv0_up", ""),
    "D_basic": ("Conv1_down", ""),
    "G_paper": ("Conv0_up", "Conv0"),
    "D_paper": ("Conv1_down", "Conv1"),
}


class Translated(NamedTuple):
    """What an official network is in our words.

    config: arguments of our class. ignored: official arguments that no function has, and that the official code ignores
    too. fused_scale: the official one, which says what kernels are turned: "auto", True or False.
    """

    config: Config
    ignored: list[str]
    fused_scale: str | bool


def declared(state: State) -> Config:
    """The arguments of our network for an official one, as `translated` has them."""
    return translated(state).config


def translated(state: State) -> Translated:
    """The arguments of our network for an official one. What the file does not say is told by the tensors.

    Raises UserError, which names the file, for an argument out of its range, for parts that were given other arguments
    than the whole, and for a network too large for its tensors.
    """
    try:
        return _translated(state)
    except UserError as error:
        raise UserError(f"{state.file}: its {state.role} cannot be one of {state.function}: {error}") from None


def _translated(state: State) -> Translated:
    kind = CONFIGS[state.function]
    ours_of = {OFFICIAL.get(name, name): name for name in get_type_hints(kind) if name not in OURS_ALONE}
    given = {ours_of[name]: value for name, value in state.arguments.items() if name in ours_of}
    _check_parts(state, kind, ours_of)
    fused_scale = _fused_scale(state, given.pop("fused_scale", None))
    given["fused_scale"] = fused_scale if isinstance(fused_scale, str) else ("on" if fused_scale else "off")
    if kind is ProganDiscriminatorConfig:
        given["downscale_last"] = not fused_scale
    if "blur" in given:
        given["blur"] = _blur(given["blur"])
    told = _told_by_tensors(state, given)
    arguments = checked_arguments(kind, asdict(kind()) | given | told | {"seed": 0})
    check_size(kind, arguments, sum(array.nbytes for array in state.variables.values()))
    ignored = sorted(set(state.arguments) - set(ours_of) - WITHOUT_EFFECT)
    return Translated(config_of(kind, arguments), ignored, fused_scale)


def _check_parts(state: State, kind: Kind, ours_of: dict[str, str]) -> None:
    """The official code gives the parts what the whole was given, so both say the same."""
    defaults = asdict(kind()) | {"blur": BLUR_FILTER}
    for part, arguments in state.parts.items():
        for name, value in arguments.items():
            if name not in ours_of or (name not in state.arguments and name in SIZES):
                continue
            whole = state.arguments.get(name, defaults[ours_of[name]])
            if value != whole:
                raise UserError(f"{part} has {name}={_short(value)}, and the network itself {_short(whole)}")


def _fused_scale(state: State, given: Any) -> str | bool:
    """The official setting; in Progressive GAN the names of the layers say it too."""
    fused, plain = SCALED[state.function]
    scaled = re.compile(rf"(?:G_synthesis/)?\d+x\d+/({fused}|{plain})/weight")
    found = {match[1] for match in map(scaled.fullmatch, state.variables) if match}
    if not plain:
        if given not in (None, "auto") and type(given) is not bool:
            raise UserError(f"its fused_scale is {_short(given)}, not 'auto', true or false")
        return "auto" if given is None else given
    if given is not None and type(given) is not bool:
        raise UserError(f"its fused_scale is {_short(given)}, not true or false")
    if len(found) != 1:
        raise UserError(f"its layers that change the resolution must all be called {fused}, or all {plain}")
    named = found == {fused}
    if given is not None and given != named:
        raise UserError(f"its fused_scale is {given}, and yet it has layers called {min(found)}")
    return named


def _blur(value: Any) -> bool:
    if value is None:
        return False
    if value != BLUR_FILTER:
        raise UserError(f"its blur_filter is {_short(value)}, not {BLUR_FILTER} or None")
    return True


def _told_by_tensors(state: State, given: dict[str, Any]) -> dict[str, Any]:
    """The SIZES that the file does not give, and the latent_size of G_paper, which has a default."""
    generator = state.function.startswith("G")
    prefix = "G_synthesis/" if state.function == "G_style" else ""
    told: dict[str, Any] = {}
    if "resolution" not in given:
        scopes = (re.match(rf"{prefix}(\d{{1,5}})x\1/", name) for name in state.variables)
        told["resolution"] = max((int(scope[1]) for scope in scopes if scope), default=0)
    if "num_channels" not in given:
        rgb = f"{prefix}{'ToRGB' if generator else 'FromRGB'}_lod0/weight"
        told["num_channels"] = _size(state, rgb, 4, 3 if generator else 2)
    if state.function == "G_paper" and given.get("z_dim") is None:
        widths = [given.get(name, getattr(ProganGeneratorConfig, name)) for name in ("fmap_base", "fmap_max")]
        if all(type(width) is int for width in widths):
            told["z_dim"] = min(widths)
    if "label_size" not in given:
        told["label_size"] = _label_size(state, given.get("z_dim", told.get("z_dim")))
    return told


def _label_size(state: State, z_dim: Any) -> int:
    match state.function:
        case "G_style":
            name = "G_mapping/LabelConcat/weight"
            return _size(state, name, 2, 0) if name in state.variables else 0
        case "D_basic":
            outputs = _size(state, "4x4/Dense1/weight", 2, 1)
            return outputs if outputs > 1 else 0
        case "G_paper" if type(z_dim) is int:
            return _size(state, "4x4/Dense/weight", 2, 0) - z_dim
    return 0  # D_paper takes labels of any length, and uses none


def _size(state: State, name: str, axes: int, axis: int) -> int:
    array = state.variables.get(name)
    if array is None or array.ndim != axes:
        raise UserError(f"it has no {name} of {axes} axes")
    return array.shape[axis]


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
