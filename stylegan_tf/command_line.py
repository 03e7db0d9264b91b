"""Flags of the programs, by absl: grouped --help, and one clear sentence where absl has a traceback or a page."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from stylegan_tf.errors import UserError

DEFINE: dict[str, Any] = {
    "text": flags.DEFINE_string,
    "whole": flags.DEFINE_integer,
    "number": flags.DEFINE_float,
    "switch": flags.DEFINE_boolean,
    "texts": flags.DEFINE_multi_string,
}
EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}


class Flag(NamedTuple):
    """One flag. `kind`: text, whole (number), number, switch, or texts (may be repeated)."""

    name: str
    kind: str
    default: Any
    help: str


Groups = Mapping[str, Sequence[Flag]]  # title -> its flags


def parse(arguments: Sequence[str], groups: Groups) -> flags.FlagValues | None:
    """The values of the flags in `arguments` (without the program's name), as attributes; None if --help was asked for.

    Raises UserError for what is no flag, or no value for it.
    """
    values = flags.FlagValues()  # absl's global ones would bring the flags of every library along
    for flag in (flag for group in groups.values() for flag in group):
        DEFINE[flag.kind](flag.name, flag.default, flag.help, flag_values=values)
    flags.DEFINE_boolean("help", False, "print this", short_name="h", flag_values=values)
    try:
        rest = values(["", *arguments])
    except flags.UnrecognizedFlagError as error:
        raise _unknown(error.flagname, groups) from None
    except flags.IllegalFlagValueError as error:
        given = str(error).removeprefix("flag ").partition(": ")[0]  # "flag --seed=x: invalid literal ..."
        kind = values[given.removeprefix("--").partition("=")[0]].flag_type()
        raise UserError(f"{given}: expected {EXPECTED.get(kind, 'another value')}") from None
    except flags.Error as error:
        raise UserError(str(error)) from None
    if values.help:
        return None
    if rest[1:]:
        raise UserError(f"{rest[1]} is no flag; flags are given as --flag=value, see --help")
    return values


def help_text(what: str, groups: Groups) -> str:
    """What a program does, and a line for each of its flags under the titles of the groups."""
    width = max(len(flag.name) for group in groups.values() for flag in group)
    sections = [
        "\n".join([f"{title}:", *(f"  --{flag.name:<{width}}  {flag.help}" for flag in group)])
        for title, group in groups.items()
    ]
    return "\n\n".join([what, *sections])


def _unknown(name: str, groups: Groups) -> UserError:
    known = [flag.name for group in groups.values() for flag in group]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean --{near[0]}?" if near else "choose from " + ", ".join(f"--{flag}" for flag in known)
    return UserError(f"there is no flag --{name}; {hint}")
