"""NVIDIA's network files: what a pickle of dnnlib networks holds, checked, as plain data. Nothing in it is run.

A file holds the networks (G, D, Gs) of a training, or a single one. A network is stored as the name of the Python
function that built it, its keyword arguments, the source text of that function's module, and the network's variables;
G_style has two networks inside, G_synthesis and G_mapping, whose variables go by `<name of the part>/<local name>`.

`read` checks the states, `translated` puts their arguments into our words; convert.py makes networks of them.
"""

import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.file_kinds import called_by_name
from stylegan_tf.weights.arguments import Config, Kind, check_size, checked

VERSIONS = (2, 3, 4)
ROLES = ("G", "D", "Gs")
# Functions that build networks, with the dataclasses of their arguments.
CONFIGS: dict[str, Kind] = {
    "G_style": GeneratorConfig,
    "D_basic": DiscriminatorConfig,
    "G_paper": ProganGeneratorConfig,
    "D_paper": ProganDiscriminatorConfig,
}
# The networks inside of those of a function: key -> name, which is that of their function.
PARTS = {"G_style": {"synthesis": "G_synthesis", "mapping": "G_mapping"}}
LONGEST_NAME = 200  # letters
MOST_SHARED = 4  # bytes of variables for each byte of the file
MOST_VALUES = 10_000  # in the arguments of one network: numbers and letters, those in lists and tables included
HIGHEST_LOD = 16
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


@dataclass(frozen=True)
class State:
    """One network of a file.

    file: path, for messages. role: "G", "D" or "Gs". version: of the format. name: as its trainer called it. function:
    that built it. arguments: the keyword arguments, in the official words. parts: those that its parts were given, by
    the name of the part. variables: official local name -> float32 array, those of the parts included. source: text of
    the module it was built by. lod: level of detail that it was trained to; 0: the final resolution.
    """

    file: str
    role: str
    version: int
    name: str
    function: str
    arguments: dict[str, Any]
    parts: dict[str, dict[str, Any]]
    variables: dict[str, np.ndarray]
    source: str
    lod: float


class Translated(NamedTuple):
    """What an official network is in our words.

    config: arguments of our class. ignored: official arguments that no function has, and that the official code ignores
    too. fused_scale: the official one, which says what kernels are turned: "auto", True or False.
    """

    config: Config
    ignored: list[str]
    fused_scale: str | bool


def read(path: str | os.PathLike) -> dict[str, State]:
    """role -> network: "G", "D" and "Gs", or in a file of one network "Gs" (a generator) or "D" (a discriminator).

    Everything is checked but whether arguments and variables fit together, for which there are `translated` and
    convert.py. Raises UserError that names the file.
    """
    file = os.fspath(path)
    if not os.path.isfile(file):
        raise UserError(f"there is no file {file}")
    with called_by_name(Path(file)):
        return _read(file)


def _read(file: str) -> dict[str, State]:
    content = safe_pickle.read(file)
    try:
        states = _states(content, file)
        # One array can be there under many names, and one network as two: honest files are not much larger unpacked.
        total = sum(array.nbytes for state in states.values() for array in state.variables.values())
        if total > MOST_SHARED * (size := os.path.getsize(file)):
            raise UserError(
                f"its variables have {total} bytes, more than {MOST_SHARED} times the file's {size}: some are there "
                "again and again"
            )
        for role, state in states.items():
            for name, array in state.variables.items():
                if not np.isfinite(array).all():
                    raise UserError(f"the variable {_shown(name)} of {role} holds numbers that are not finite")
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    return states


def _states(content: Any, file: str) -> dict[str, State]:
    if isinstance(content, safe_pickle.Network):
        alone = _state(content, file, "the network")
        return {alone.role: alone}
    if not isinstance(content, list | tuple) or not all(isinstance(item, safe_pickle.Network) for item in content):
        raise UserError(f"it holds {_shown(content)}, not a network, or G, D and Gs")
    if len(content) != len(ROLES):
        raise UserError(f"it holds a list of {len(content)} networks; there must be one alone, or three: G, D and Gs")
    states = {role: _state(network, file, role, role) for role, network in zip(ROLES, content, strict=True)}
    for role, state in states.items():
        if role[0] != state.function[0]:
            kind = "discriminator" if role == "D" else "generator"
            raise UserError(f"its {role}, built by {state.function}, is no {kind}: the order must be G, D, Gs")
    return states


def _state(network: safe_pickle.Network, file: str, what: str, role: str = "") -> State:
    """The state of a network; `what` it is called in messages."""
    fields = network.state
    version = _field(fields, "version", int, what)
    if version not in VERSIONS:
        raise UserError(f"{what} has the state version {version}; supported are {', '.join(map(str, VERSIONS))}")
    function = _text(fields, "build_func_name", what)
    if function not in CONFIGS:
        whole = next((whole for whole, parts in PARTS.items() if function in parts.values()), None)
        more = f", a part of {whole} and no network by itself" if whole else ""
        raise UserError(f"{what} was built by {_shown(function)}{more}; supported are {', '.join(CONFIGS)}")
    variables = _variables(fields, what)
    parts = _parts(fields, function, what)
    for name, part in parts.items():
        inside = {f"{name}/{local}": array for local, array in _variables(part, name).items()}
        if twice := sorted(variables.keys() & inside.keys()):
            raise UserError(f"{what} has the variable {twice[0]} twice")
        variables |= inside
    lod = variables.get("lod", variables.get("G_synthesis/lod", np.asarray(np.float32(0))))
    if lod.shape != () or not 0 <= lod <= HIGHEST_LOD:
        raise UserError(f"the lod of {what} is {_shown(lod)}, not a number from 0 to {HIGHEST_LOD}")
    return State(
        file,
        role or ("Gs" if function.startswith("G") else "D"),
        version,
        _text(fields, "name", what),
        function,
        _arguments(fields, what),
        {name: _arguments(part, name) for name, part in parts.items()},
        variables,
        _field(fields, "build_module_src", str, what),
        float(lod),
    )


def _parts(fields: dict[str, Any], function: str, what: str) -> dict[str, dict[str, Any]]:
    """name -> state of the networks inside of one, none of which has networks inside."""
    components, expected = fields.get("components", {}), PARTS.get(function, {})
    if not isinstance(components, dict) or (components and set(components) != set(expected)):
        raise UserError(
            f"{what} has the components {_shown(components)}, where {function} has {', '.join(expected) or 'none'}"
        )
    found = {}
    for key, network in components.items():
        which = f"the component {key} of {what}"
        if not isinstance(network, safe_pickle.Network):
            raise UserError(f"{which} is {_shown(network)}, no network")
        name, built_by = (_text(network.state, field, which) for field in ("name", "build_func_name"))
        if name != expected[key] or built_by != expected[key]:
            raise UserError(
                f"{which} is called {_shown(name)} and was built by {_shown(built_by)}, where both must be "
                f"{expected[key]}"
            )
        if network.state.get("components"):
            raise UserError(f"{which} has components itself")
        found[name] = network.state
    return found


def _variables(fields: dict[str, Any], what: str) -> dict[str, np.ndarray]:
    """local name -> array of a network's own variables."""
    found: dict[str, np.ndarray] = {}
    for item in _field(fields, "variables", list, what):
        if not isinstance(item, list | tuple) or len(item) != 2 or type(item[0]) is not str:
            raise UserError(f"{what} has {_shown(item)} among its variables, which is no pair of a name and an array")
        name, value = item
        if not 0 < len(name) <= LONGEST_NAME:
            raise UserError(f"{what} has a variable whose name has {len(name)} letters")
        if name in found:
            raise UserError(f"{what} has the variable {_shown(name)} twice")
        array = np.float32(value) if type(value) in (int, float) else value  # the level of detail alone is no array
        if not isinstance(array, np.ndarray | np.float32):
            raise UserError(f"the variable {_shown(name)} of {what} is {_shown(value)}, no array")
        if array.dtype != np.float32:
            raise UserError(f"the variable {_shown(name)} of {what} is {array.dtype}, not float32")
        found[name] = np.asarray(array)
    return found


def _arguments(fields: dict[str, Any], what: str) -> dict[str, Any]:
    """Keyword arguments, each a number, a text, true or false, None, or a list or table of them."""
    given = _field(fields, "static_kwargs", dict, what)
    for name in given:
        if type(name) is not str or len(name) > LONGEST_NAME:
            raise UserError(f"{what} has an argument called {_shown(name)}")
    left = [MOST_VALUES]
    return {name: _plain(value, f"the argument {_shown(name)} of {what}", left) for name, value in given.items()}


def _plain(value: Any, what: str, left: list[int]) -> Any:
    """A copy without arrays and tuples. left: the number of values that may still come, as some can be there often."""
    left[0] -= value.size if isinstance(value, np.ndarray) else len(value) if isinstance(value, str) else 1
    if left[0] < 0:
        raise UserError(f"{what} holds more values than the arguments of a network have, {MOST_VALUES}")
    if isinstance(value, np.ndarray):
        value = value.tolist()  # a number, where it has no axes
        left = [MOST_VALUES]  # its values are counted
    if isinstance(value, list | tuple):
        return [_plain(item, what, left) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, what, left) for key, item in value.items()}
    if value is not None and type(value) not in (bool, int, float, str):
        raise UserError(f"{what} is {_shown(value)}, which no argument can be")
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{what} is {value}, no finite number")
    return value


def _field(fields: dict[str, Any], name: str, kind: type, what: str) -> Any:
    if name not in fields:
        raise UserError(f"{what} is stored without {name}")
    value = fields[name]
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if type(value) is not kind:
        raise UserError(f"the {name} of {what} is {_shown(value)}, which is no {kind.__name__}")
    return value


def _text(fields: dict[str, Any], name: str, what: str) -> str:
    text = _field(fields, name, str, what)
    if not 0 < len(text) <= LONGEST_NAME:
        raise UserError(f"the {name} of {what} has {len(text)} letters")
    return text


def _shown(value: Any) -> str:
    """For messages: short, and without the control characters that a file may have put in."""
    if isinstance(value, safe_pickle.Network):
        return "a network"
    if isinstance(value, list | tuple | dict | set | frozenset):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray) and value.size > 1:
        return f"an array of shape {list(value.shape)}"
    text = ascii(value[:60] if isinstance(value, str | bytes) else value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def declared(state: State) -> Config:
    """The arguments of our network for an official one, as `translated` has them."""
    return translated(state).config


def translated(state: State) -> Translated:
    """The arguments of our network for an official one. What the file does not say is told by the tensors.

    Raises UserError, which names the file, for an argument out of its range, for parts that were given other arguments
    than the whole, and for a network too large for its tensors.
    """
    kind = CONFIGS[state.function]
    defaults = asdict(kind())
    ours_of = {OFFICIAL.get(name, name): name for name in defaults if name not in OURS_ALONE}
    given = {ours_of[name]: value for name, value in state.arguments.items() if name in ours_of}
    try:
        _check_parts(state, defaults, ours_of)
        fused_scale = _fused_scale(state, given.pop("fused_scale", None))
        given["fused_scale"] = fused_scale if isinstance(fused_scale, str) else ("on" if fused_scale else "off")
        if kind is ProganDiscriminatorConfig:
            given["downscale_last"] = not fused_scale
        if "blur" in given:
            if given["blur"] not in (None, BLUR_FILTER):
                raise UserError(f"its blur_filter is {_short(given['blur'])}, not {BLUR_FILTER} or None")
            given["blur"] = given["blur"] is not None
        config = checked(kind, defaults | given | _told_by_tensors(state, given))
        check_size(config, sum(array.nbytes for array in state.variables.values()))
    except UserError as error:
        raise UserError(f"{state.file}: its {state.role} cannot be one of {state.function}: {error}") from None
    return Translated(config, sorted(set(state.arguments) - set(ours_of) - WITHOUT_EFFECT), fused_scale)


def _check_parts(state: State, defaults: dict[str, Any], ours_of: dict[str, str]) -> None:
    """The official code gives the parts what the whole was given, so both say the same."""
    for part, arguments in state.parts.items():
        for name, value in arguments.items():
            if name not in ours_of or (name not in state.arguments and name in SIZES):
                continue
            default = BLUR_FILTER if name == "blur_filter" else defaults[ours_of[name]]
            whole = state.arguments.get(name, default)
            if value != whole:
                raise UserError(f"{part} has {name}={_short(value)}, and the network itself {_short(whole)}")


def _fused_scale(state: State, given: Any) -> str | bool:
    """The official setting; in Progressive GAN the names of the layers that change the resolution say it too."""
    if state.function in ("G_style", "D_basic"):
        if given not in (None, "auto") and type(given) is not bool:
            raise UserError(f"its fused_scale is {_short(given)}, not 'auto', true or false")
        return "auto" if given is None else given
    if given is not None and type(given) is not bool:
        raise UserError(f"its fused_scale is {_short(given)}, not true or false")
    fused, plain = ("Conv0_up", "Conv0") if state.function == "G_paper" else ("Conv1_down", "Conv1")
    scaled = re.compile(rf"\d+x\d+/({fused}|{plain})/weight")
    found = {match[1] for match in map(scaled.fullmatch, state.variables) if match}
    if len(found) != 1:
        raise UserError(f"its layers that change the resolution must all be called {fused}, or all {plain}")
    named = found == {fused}
    if given is not None and given != named:
        raise UserError(f"its fused_scale is {given}, and yet it has layers called {min(found)}")
    return named


def _told_by_tensors(state: State, given: dict[str, Any]) -> dict[str, Any]:
    """The SIZES that the file does not give, and the latent_size of G_paper, which has a default."""
    prefix = "G_synthesis/" if state.function == "G_style" else ""
    told: dict[str, Any] = {}
    if "resolution" not in given:
        scopes = (re.match(rf"{prefix}(\d{{1,5}})x\1/", name) for name in state.variables)
        told["resolution"] = max((int(scope[1]) for scope in scopes if scope), default=0)
    if "num_channels" not in given:
        rgb, axis = ("ToRGB", 3) if state.function.startswith("G") else ("FromRGB", 2)
        told["num_channels"] = _size(state, f"{prefix}{rgb}_lod0/weight", 4, axis)
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
