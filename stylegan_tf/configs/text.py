"""An Experiment as JSON, as a table and as differences; and one field of it changed by its path.

A path is what the user types and reads: `G.fmap_max`, `schedule.minibatch.32`, `replicas`.
"""

import difflib
import json
import math
import types
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from stylegan_tf.configs.options import KINDS
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.errors import UserError

T = TypeVar("T")
ABSENT = "(no such field)"
_SHOWN = 100  # characters of a value in a message
_DIGITS = 9  # of a resolution, at most


def to_json(experiment: Experiment) -> dict[str, Any]:
    """Plain dicts, lists, numbers and texts, as json.dumps takes them; the keys of tables become texts."""
    return _plain(experiment)


def from_json(plain: object) -> Experiment:
    """The inverse of to_json.

    Raises UserError where a field is missing, unknown or of the wrong type; it names the field by its path.
    """
    return _read(Experiment, plain, "")


def flat(experiment: Experiment) -> dict[str, Any]:
    """Every field by its path, in the order of the dataclasses. Tables are one value each."""
    return dict(_walk(experiment, ""))


def table(experiment: Experiment) -> str:
    """Every field on a line of its own, for people."""
    lines = flat(experiment)
    width = max(map(len, lines))
    return "\n".join(f"{path:<{width}}  {as_text(value)}" for path, value in lines.items())


def differences(a: Experiment, b: Experiment) -> list[tuple[str, Any, Any]]:
    """(path, value in a, value in b) of every field in which they differ, group by group; of tables, of every entry.

    ABSENT stands for the value of a field that is not there, as networks of different kinds have different ones; None
    for that of an entry.
    """
    of_a, of_b = flat(a), flat(b)
    groups = [part.name for part in fields(Experiment)]
    paths = sorted(dict.fromkeys([*of_a, *of_b]), key=lambda path: groups.index(path.partition(".")[0]))
    found = []
    for path in paths:
        one, other = of_a.get(path, ABSENT), of_b.get(path, ABSENT)
        if isinstance(one, dict) and isinstance(other, dict):
            found += [(f"{path}.{key}", one.get(key), other.get(key)) for key in dict.fromkeys([*one, *other])]
        else:
            found.append((path, one, other))
    return [(path, one, other) for path, one, other in found if one != other]


def override(experiment: Experiment, assignment: str) -> Experiment:
    """`experiment` with one field changed, as in override(experiment, "G.fmap_max=64").

    The text is read as the field's type has it: true / false, none, numbers, texts; a table as JSON, or one entry of it
    as in "schedule.minibatch.32=16". Raises UserError for a path that does not exist (with the nearest one that does)
    and for a value of another type.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        raise UserError(f"--set={assignment}: expected path.to.field=value, such as G.fmap_max=64")
    return _changed(experiment, path.split("."), text, "")


def put(node: T, path: str, value: Any) -> T:
    """A dataclass with the field at `path` replaced, as in put(experiment, "training.seed", 7)."""
    name, _, rest = path.partition(".")
    return replace(node, **{name: put(getattr(node, name), rest, value) if rest else value})  # type: ignore[type-var]


def as_text(value: object) -> str:
    """A value as `override` reads it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps({str(key): item for key, item in value.items()})
    return str(value)


def shown(value: object) -> str:
    """A value of a file for a message: at most 100 characters, without any that would steer a terminal."""
    text = as_text(value)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def no_such(what: str, asked: str, choices: Iterable[str], or_all: bool = True) -> UserError:
    """The UserError for a name that is not among `choices`: says the nearest one, or all of them if asked to."""
    # Only the last word of a path counts: what leads there is right, and would make everything look alike.
    last_words = {choice.rpartition(".")[2].lower(): choice for choice in choices}
    near = difflib.get_close_matches(asked.rpartition(".")[2].lower()[:_SHOWN], last_words, n=1)
    hint = f"; choose from {', '.join(last_words.values())}" if or_all else ""
    hint = f"; did you mean {last_words[near[0]]}?" if near else hint
    return UserError(f"there is no {what} {shown(asked)}{hint}")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    return value


def _walk(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    for part in fields(value):
        child, child_path = getattr(value, part.name), _join(path, part.name)
        if is_dataclass(child):
            yield from _walk(child, child_path)
        else:
            yield child_path, child


def _quoted(plain: object) -> str:
    return shown(repr(plain))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _read(kind: type[T], plain: object, path: str) -> T:
    """A dataclass from a dict; every field must be there, and nothing else."""
    if not isinstance(plain, dict):
        raise UserError(f"{path or 'the configuration'} must be a JSON object, not {_quoted(plain)}")
    hints = get_type_hints(kind)
    for name in plain:
        if name not in hints:
            known = [_join(path, field) for field in hints]
            raise no_such("configuration field", _join(path, str(name)), known, or_all=False)
    values = {}
    for name, hint in hints.items():
        if name not in plain:
            raise UserError(f"the configuration has no field {_join(path, name)}")
        values[name] = _value(hint, plain[name], _join(path, name))
    return kind(**values)


def _value(hint: Any, plain: Any, path: str) -> Any:
    """`plain` if it has the type that `hint` says; unions, tables and nested dataclasses included."""
    if isinstance(hint, types.UnionType):
        choices = get_args(hint)
        if plain is None and type(None) in choices:
            return None
        hint = _best_fit([choice for choice in choices if choice is not type(None)], plain)
    if is_dataclass(hint):
        return _read(hint, plain, path)  # type: ignore[arg-type]
    if get_origin(hint) is dict:
        return _table(get_args(hint)[1], plain, path)
    allowed = (int, float) if hint is float else (hint,)
    # bool is a subclass of int in Python, yet true is no whole number; and NaN compares unequal to itself.
    finite = type(plain) not in (int, float) or (math.isfinite(plain) if type(plain) is float else abs(plain) < 2**64)
    if type(plain) not in allowed or not finite:
        raise UserError(f"{path} must be {KINDS[hint]}, not {_quoted(plain)}")
    return plain


def _best_fit(kinds: list[Any], plain: object) -> Any:
    """The dataclass whose field names are most like those of `plain`: a UserError then names the ones that are not."""
    names = set(plain) if isinstance(plain, dict) else set()
    return kinds[0] if len(kinds) == 1 else min(kinds, key=lambda kind: len(names ^ set(get_type_hints(kind))))


def _table(hint: type, plain: object, path: str) -> dict[int, Any]:
    if not isinstance(plain, dict):
        raise UserError(f'{path} must be a table from resolution to value, such as {{"32": 16}}, not {_quoted(plain)}')
    return {_resolution(key, path): _value(hint, value, f"{path}.{key}") for key, value in plain.items()}


def _resolution(key: object, path: str) -> int:
    if not str(key).isdecimal() or len(str(key)) > _DIGITS:
        raise UserError(f"{path}.{shown(key)}: {shown(key)} must be a resolution, such as 32")
    return int(str(key))


def _changed(node: Any, names: list[str], text: str, path: str) -> Any:
    """`node` with the field at names[0].names[1]... changed; `path` is what led here."""
    name, rest = names[0], names[1:]
    hints = get_type_hints(type(node))
    here = _join(path, name)
    if name not in hints:
        raise no_such("configuration field", here, [_join(path, known) for known in hints])
    hint, child = hints[name], getattr(node, name)
    if is_dataclass(child):
        if not rest:
            raise UserError(f"{here} is a group; set one of its fields: {', '.join(get_type_hints(type(child)))}")
        return replace(node, **{name: _changed(child, rest, text, here)})
    if isinstance(child, dict) and len(rest) == 1:
        key = _resolution(rest[0], here)
        return replace(node, **{name: {**child, key: _parsed(get_args(hint)[1], text, f"{here}.{key}")}})
    if rest:
        raise UserError(f"{here} has no field {'.'.join(rest)}: it is a value itself, now {as_text(child)}")
    return replace(node, **{name: _parsed(hint, text, here)})


def _parsed(hint: Any, text: str, path: str) -> Any:
    """The value that `text` stands for in a field of type `hint`."""
    if hint is str:
        return text
    try:
        plain = None if text.lower() == "none" else json.loads(text.lower())
    except ValueError:
        plain = text  # of no type that could be right: _value says so
    return _value(hint, plain, path)
