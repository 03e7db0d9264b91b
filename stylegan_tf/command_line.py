"""Flags of the programs, by absl: grouped --help, and one clear sentence where absl has a traceback or a page."""

import argparse
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from stylegan_tf.errors import UserError

DEFINE: dict[str, Any] = {
    "text": flags.DEFINE_string,
    "path": flags.DEFINE_string,
    "whole": flags.DEFINE_integer,
    "number": flags.DEFINE_float,
    "switch": flags.DEFINE_boolean,
    "texts": flags.DEFINE_multi_string,
    "paths": flags.DEFINE_multi_string,
}
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}


class Flag(NamedTuple):
    """One flag. `kind`: text, path (see `expanded`), whole (number), number, switch, or texts and paths (may be
    repeated)."""

    name: str
    kind: str
    default: Any
    help: str


Groups = Mapping[str, Sequence[Flag]]  # title -> its flags


def parse(
    arguments: Sequence[str],
    groups: Groups,
    foreign: Mapping[str, str] | None = None,
    paths: list[str] | None = None,
) -> Any:
    """The values of the flags in `arguments` (without the program's name), as attributes; None if --help was asked for.

    foreign: flags of other code bases, and what is to be said to those who use them here. paths: takes what is no flag,
    wherever it stands; None: nothing else is expected. Raises UserError for what is no flag, no value for it, or empty.
    """
    values = flags.FlagValues()  # absl's global ones would bring the flags of every library along
    kinds = {flag.name: flag.kind for group in groups.values() for flag in group}
    for flag in (flag for group in groups.values() for flag in group):
        DEFINE[flag.kind](flag.name, flag.default, flag.help, flag_values=values)
    flags.DEFINE_boolean("help", False, "print this", short_name="h", flag_values=values)
    values.set_gnu_getopt(paths is not None)
    try:
        rest = values(["", *arguments])
    except flags.UnrecognizedFlagError as error:
        raise UserError(unknown(error.flagname, kinds, foreign or {})) from None
    except flags.IllegalFlagValueError as error:
        given = str(error).removeprefix("flag ").partition(": ")[0]  # "flag --seed=x: invalid literal ..."
        kind = values[given.removeprefix("--").partition("=")[0]].flag_type()
        raise UserError(f"{given}: expected {EXPECTED.get(kind, 'another value')}") from None
    except flags.Error as error:
        raise UserError(str(error)) from None
    if values.help:
        return None
    if paths is not None:
        paths += map(expanded, rest[1:])
    elif rest[1:]:
        raise UserError(f"{rest[1]} is no flag; flags are given as --flag=value, see --help")
    for name, kind in kinds.items():
        value: Any = values[name].value
        if values[name].present and (value == "" or (kind == "paths" and "" in value)):
            raise UserError(f"--{name}= is empty: give it a value, or leave the flag out")
        if values[name].present and kind in ("path", "paths"):
            try:
                values[name].value = expanded(value) if kind == "path" else [expanded(path) for path in value]
            except UserError as error:
                raise UserError(f"--{name}={error}") from None
    return values


def help_text(what: str, groups: Groups) -> str:
    """What a program does, and a line for each of its flags under the titles of the groups."""
    width = max(len(flag.name) for group in groups.values() for flag in group)
    sections = [
        "\n".join([f"{title}:", *(f"  --{flag.name:<{width}}  {flag.help}" for flag in group)])
        for title, group in groups.items()
    ]
    return "\n\n".join([what, *sections])


def unknown(name: str, known: Sequence[str] | Mapping[str, Any], foreign: Mapping[str, str]) -> str:
    """The sentence for a flag that does not exist: what it is called here, or the nearest one, or all of them."""
    if (plain := name.replace("-", "_")) in foreign:
        return f"there is no flag --{name}; here {foreign[plain]}"
    near = difflib.get_close_matches(plain, known, n=1)
    hint = f"did you mean --{near[0]}?" if near else "choose from " + ", ".join(f"--{flag}" for flag in known)
    return f"there is no flag --{name}; {hint}"


def expanded(path: str) -> str:
    """A path that a user typed, with the home folder in place of a leading ~ or ~user, and with the values of
    $VARIABLES: a shell leaves them alone in --outdir=~/x and between quotes.

    Addresses stay as they are, and so does the name of what is there; ./~ is a folder called ~. Raises UserError where
    there is no such user or variable.
    """
    first = path.partition("/")[0]
    if "://" in path or (first != "~" and os.path.lexists(path)):
        return path
    for braced, plain in VARIABLE.findall(path):
        if (braced or plain) not in os.environ:
            raise UserError(f"{path}: the variable {braced or plain} is not set")
    found = os.path.expanduser(VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], path))
    if first.startswith("~") and found.startswith("~"):
        raise UserError(f"{path}: the home folder of {first} is not known; ./{path} is a file of that name here")
    return found


def path_argument(text: str) -> str:
    """`expanded`, and never empty: the type of an argument of argparse."""
    try:
        if text:
            return expanded(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    raise argparse.ArgumentTypeError("it is empty: give a path, or leave it out")
