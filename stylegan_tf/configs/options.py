"""What a field of a configuration may be, written beside the field: its doc, its range or choices. One validator.

The same ranges serve networks' constructors, the readers of files with networks, and the check of an experiment.
"""

import json
import math
import types
from collections.abc import Callable, Iterator
from dataclasses import field, fields, is_dataclass
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

HIGHEST_RESOLUTION = 2**15  # a file name has two digits for log2, and the largest picture must fit into memory
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
LONGEST = 40  # letters of a value in a message: it may come from a file


def option(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    power_of_two: bool = False,
    choices: tuple[str, ...] = (),
    valid: Callable[[Any], bool] | None = None,
    expected: str = "",
    undecided: str | None = None,
) -> Any:
    """A dataclass field with all that is to be known of it; of a table, the rules are those of its values.

    Args:
        default: Of the field; a dict is copied.
        doc: One line, for people.
        low, high: Smallest and largest value. above: the value must be larger than this.
        power_of_two: A resolution; low defaults to 4, high to HIGHEST_RESOLUTION.
        choices: All values. valid and expected: instead, whether a value is one, and the words for those that are.
        undecided: A further value, which stands for one that is chosen when training starts.
    """
    if choices:
        valid, expected = choices.__contains__, ", ".join(choices)
    if power_of_two:
        low, high = low or 4, high or HIGHEST_RESOLUTION
    rules = {"low": low, "high": high, "above": above, "power_of_two": power_of_two}
    metadata = rules | {"doc": doc, "valid": valid, "expected": expected, "undecided": undecided}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


class Wrong(NamedTuple):
    """A value that cannot be: where it is, a sentence about it, and the default, as --set takes it."""

    path: str  # of a field, or of an entry of a table
    sentence: str
    mend: str  # "G.z_dim=512"; of a table, all of it


def problems(config: Any, prefix: str = "", decided: bool = False) -> list[str]:
    """What is wrong with a dataclass of options, dataclasses in it included: a sentence each, none if it can be used.

    As `wrong`. Sentences about fields with a prefix end in the --set that mends it.
    """
    found = wrong(config, prefix, decided)
    return [one.sentence + (f" (--set={one.mend})" if "." in one.path else "") for one in found]


def wrong(config: Any, prefix: str = "", decided: bool = False) -> Iterator[Wrong]:
    """Every value that cannot be. With a prefix such as G, fields are called by their paths, such as G.fmap_max.

    Where all fields are of their types and in their ranges, `config.conflicts("G.")`, if there is one, says what two of
    them make impossible together: pairs of a sentence and "field=value", which mends it. decided: a value that stands
    for one chosen later is wrong too, as a network cannot be built from it.
    """
    any_wrong = False
    hints, defaults, at = get_type_hints(type(config)), type(config)(), f"{prefix}." if prefix else ""
    for each in fields(config):
        path, value, hint = f"{at}{each.name}", getattr(config, each.name), hints[each.name]
        if is_dataclass(value):
            inside = list(wrong(value, path, decided))
            yield from inside
            any_wrong = any_wrong or bool(inside)
            continue
        entries = {path: value}
        if get_origin(hint) is dict and isinstance(value, dict):
            entries, hint = {f"{path}.{key}": entry for key, entry in value.items()}, get_args(hint)[1]
        for place, entry in entries.items():
            if sentence := _problem(place, entry, hint, each.metadata, decided):
                any_wrong = True
                yield Wrong(place, sentence, f"{path}={_text(getattr(defaults, each.name))}")
    if not any_wrong and hasattr(config, "conflicts"):
        for sentence, mend in config.conflicts(at):
            yield Wrong(f"{at}{mend.partition('=')[0]}", sentence, f"{at}{mend}")


def _problem(path: str, value: Any, hint: Any, rules: Any, decided: bool) -> str:
    """The sentence about one value; "" where it is right."""
    if isinstance(hint, types.UnionType):
        if value is None and type(None) in get_args(hint):
            return ""
        (hint,) = (kind for kind in get_args(hint) if kind is not type(None))
    # bool is a subclass of int in Python, yet true is no whole number.
    allowed: Any = (int, float) if hint is float else hint
    if get_origin(hint) is dict or not isinstance(value, allowed) or (isinstance(value, bool) and hint is not bool):
        return f"{path} must be {KINDS.get(hint, 'a table from resolution to value')}, not {_shown(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} must be a finite number, not {value}"
    low, high, above, undecided = (rules.get(name) for name in ("low", "high", "above", "undecided"))
    if undecided is not None and value == undecided:
        return f"{path} is {value}, which stands for a value that is chosen when training starts" if decided else ""
    if rules.get("valid") and not rules["valid"](value):
        more = f", or {undecided}" if undecided and not decided else ""
        text = value if value.isprintable() and len(value) <= LONGEST else _shown(value)
        return f"{path} is {text}; choose from {rules['expected']}{more}"
    if rules.get("power_of_two") and (not low <= value <= high or value & (value - 1)):
        return f"{path}={_shown(value)} must be a power of two from {low} to {high}, such as 32, 256 or 1024"
    if above is not None and value <= above:
        return f"{path} must be above {above}, not {_shown(value)}"
    if low is not None and value < low:
        return f"{path} must {f'be at least {low}' if low else 'not be negative'}, not {_shown(value)}"
    if high is not None and value > high:
        return f"{path} must be at most {high}, not {_shown(value)}"
    return ""


def _text(default: Any) -> str:
    """As --set takes it."""
    return "none" if default is None else json.dumps(default) if not isinstance(default, str) else default


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to print the very longest
        return f"a number of {value.bit_length()} bits"
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
