"""NVIDIA's network files: what a pickle of dnnlib networks holds, checked, as plain data. Nothing in it is run.

A file holds the networks (G, D, Gs) of a training, or a single one. A network is stored as the name of the Python
function that built it, its keyword arguments, the source text of that function's module, and the network's variables;
G_style has two networks inside, G_synthesis and G_mapping, whose variables go by `<name of the part>/<local name>`.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylegan_tf import safe_pickle
from stylegan_tf.errors import UserError

VERSIONS = (2, 3, 4)
ROLES = ("G", "D", "Gs")
# Functions that build networks, each with the networks inside: key -> its name, which is that of its function.
PARTS: dict[str, dict[str, str]] = {
    "G_style": {"synthesis": "G_synthesis", "mapping": "G_mapping"},
    "D_basic": {},
    "G_paper": {},
    "D_paper": {},
}
GENERATORS = ("G_style", "G_paper")
LONGEST_NAME = 200
HIGHEST_LOD = 16


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


def read(path: str | os.PathLike) -> dict[str, State]:
    """role -> network: "G", "D" and "Gs", or in a file of one network "Gs" (a generator) or "D" (a discriminator).

    Everything is checked but whether arguments and variables fit together, for which there are `official_arguments` and
    `convert`. Raises UserError that names the file.
    """
    file = os.fspath(path)
    if not os.path.isfile(file):
        raise UserError(f"there is no file {file}")
    content = safe_pickle.read(file)
    try:
        states = _states(content, str(file))
        _check_numbers(states, os.path.getsize(file))
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
        if (state.function in GENERATORS) != (role != "D"):
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
    if function not in PARTS:
        raise UserError(f"{what} was built by {_shown(function)}{_whose(function)}; supported are {', '.join(PARTS)}")
    variables = _variables(fields, what)
    parts = _parts(fields, function, what)
    for name, part in parts.items():
        inside = {f"{name}/{local}": array for local, array in _variables(part, name).items()}
        if twice := sorted(variables.keys() & inside.keys()):
            raise UserError(f"{what} has the variable {twice[0]} twice")
        variables |= inside
    return State(
        file,
        role or ("Gs" if function in GENERATORS else "D"),
        version,
        _text(fields, "name", what),
        function,
        _arguments(fields, what),
        {name: _arguments(part, name) for name, part in parts.items()},
        variables,
        _field(fields, "build_module_src", str, what),
        _lod(variables, what),
    )


def _whose(part: str) -> str:
    """What to add about a function that builds no network of its own."""
    owner = next((whole for whole, parts in PARTS.items() if part in parts.values()), None)
    return f", a part of {owner} and no network by itself" if owner else ""


def _parts(fields: dict[str, Any], function: str, what: str) -> dict[str, dict[str, Any]]:
    """name -> state of the networks inside of one, none of which has networks inside."""
    components = fields.get("components", {})
    expected = PARTS[function]
    if not isinstance(components, dict) or (components and set(components) != set(expected)):
        raise UserError(
            f"{what} has the components {_shown(components)}, where {function} has {', '.join(expected) or 'none'}"
        )
    found = {}
    for key, network in components.items():
        if not isinstance(network, safe_pickle.Network):
            raise UserError(f"the component {key} of {what} is {_shown(network)}, no network")
        state = network.state
        name, built_by = (_text(state, field, f"the component {key}") for field in ("name", "build_func_name"))
        if name != expected[key] or built_by != expected[key]:
            raise UserError(
                f"the component {key} of {what} is called {_shown(name)} and was built by {_shown(built_by)}, where "
                f"both must be {expected[key]}"
            )
        if state.get("components"):
            raise UserError(f"the component {key} of {what} has components itself")
        found[name] = state
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


def _lod(variables: dict[str, np.ndarray], what: str) -> float:
    lod = variables.get("lod", variables.get("G_synthesis/lod", np.asarray(np.float32(0))))
    if lod.shape != () or not 0 <= lod <= HIGHEST_LOD:
        raise UserError(f"the lod of {what} is {_shown(lod)}, not a number from 0 to {HIGHEST_LOD}")
    return float(lod)


def _arguments(fields: dict[str, Any], what: str) -> dict[str, Any]:
    """Keyword arguments, each a number, a text, true or false, None, or a list or table of them."""
    given = _field(fields, "static_kwargs", dict, what)
    for name in given:
        if type(name) is not str or len(name) > LONGEST_NAME:
            raise UserError(f"{what} has an argument called {_shown(name)}")
    return {name: _plain(value, f"the argument {_shown(name)} of {what}") for name, value in given.items()}


def _plain(value: Any, what: str) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()  # a number, where it has no axes
    if isinstance(value, list | tuple):
        return [_plain(item, what) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, what) for key, item in value.items()}
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


def _check_numbers(states: dict[str, State], size: int) -> None:
    """No more numbers than the file has bytes for, as one array can be there under many names; all of them finite."""
    total = sum(array.nbytes for _, _, array in _all(states))
    if total > size:
        raise UserError(f"its variables have {total} bytes, and the file {size}: some are there more than once")
    for role, name, array in _all(states):
        if not np.isfinite(array).all():
            raise UserError(f"the variable {_shown(name)} of {role} holds numbers that are not finite")


def _all(states: dict[str, State]) -> Iterator[tuple[str, str, np.ndarray]]:
    return ((role, name, array) for role, state in states.items() for name, array in state.variables.items())


def _shown(value: Any) -> str:
    """For messages: short, and without the control characters that a file may have put in."""
    if isinstance(value, safe_pickle.Network):
        return "a network"
    if isinstance(value, list | tuple | dict | set | frozenset):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray) and value.size > 1:
        return f"an array of shape {list(value.shape)}"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
