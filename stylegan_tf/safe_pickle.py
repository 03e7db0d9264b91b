"""Reads pickle files that came from outside, NVIDIA's network files above all, without running anything in them.

A pickle is a program for a small machine with a stack, and Python's own machine calls whatever function the program
names. Here is another one. A name in the file becomes a `Name`, which is text and never looked up; the few that such
files need are carried out by functions of this file, all others are refused. A hostile file may still waste time and
memory, so all that it could multiply has a bound: instructions, nesting, announced sizes, copies, keys that collide.
"""

import math
import os
import pickletools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np

from stylegan_tf.errors import UserError

LONGEST_REASON, LONGEST_SHOWN = 200, 80  # characters of an error, which may quote the file, and of one value in it
MOST_INSTRUCTIONS = 1_000_000  # a network file has about 30,000
DEEPEST = 32
LONGEST_TEXT = 1000  # of a key, and of an argument up to the end of the line
NUMBERS = re.compile(r"[<>|=]?([iu][1248]|f[248]|b1)|float(16|32|64)|u?int(8|16|32|64)|bool")
PLAIN = {type(None), bool, int, float, str, bytes, bytearray, set, frozenset, np.ndarray}
ALLOWED = {"dnnlib.tflib.network": {"Network"}, "dnnlib.util": {"EasyDict"}, "collections": {"OrderedDict"}}
ALLOWED |= {"numpy": {"ndarray", "dtype"}, "_codecs": {"encode"}}
ALLOWED |= dict.fromkeys(("numpy.core.multiarray", "numpy._core.multiarray"), {"_reconstruct", "scalar"})
ALLOWED |= dict.fromkeys(("numpy.core.numeric", "numpy._core.numeric"), {"_frombuffer"})
ALLOWED |= dict.fromkeys(("builtins", "__builtin__"), {"bytes", "bytearray", "set", "frozenset"})
TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
BYTES = ("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8")
NUMERALS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
Names = Mapping[tuple[str, str], Callable[[tuple], Any] | None] | None
Persistent = Callable[[Any], Any] | None


@dataclass(frozen=True)
class Name:
    """A name that the file mentions, one of those that are allowed."""

    module: str
    name: str


@dataclass(eq=False)
class Network:
    """An official network as it was stored: version, name, static_kwargs, components, variables, ..."""

    state: dict[str, Any]


def read(path: str | os.PathLike, names: Names = None, persistent: Persistent = None) -> Any:
    """What the file holds, as `read_stream` gives it. Raises UserError that begins with the path, or OSError."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would wait for somebody to write into it
        raise UserError(f"{os.fspath(path)}: it is no file")
    with open(path, "rb") as file:
        try:
            return read_stream(file, os.fstat(file.fileno()).st_size, names, persistent)
        except UserError as error:
            raise UserError(f"{os.fspath(path)}: {error}") from None


def read_stream(file: BinaryIO, size: int, names: Names = None, persistent: Persistent = None) -> Any:
    """What the pickle in the next `size` bytes of `file` holds; the file is left just behind it. Raises UserError.

    It is made of PLAIN types, dict, list, tuple and Network. Arrays are read-only, in native byte order, mostly without
    a copy of the file's bytes. NumPy scalars are arrays without axes; EasyDict and OrderedDict are dict, attributes are
    items; a string of Python 2 is a str of one character per byte. `names` allows more (module, name): each with our
    function of the tuple of arguments, or None for what only arrives as a `Name`. `persistent` gets outside references.
    """
    machine = _Machine(file, size, names or {}, persistent)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(machine)):  # type: ignore[arg-type]
            if count == MOST_INSTRUCTIONS:
                raise UserError(f"it has more than {MOST_INSTRUCTIONS} instructions: refused")
            value = machine.step(opcode, argument)
        return _plain(value, {}, 0)[0]
    except UserError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError, Warning) as error:
        reason = "an instruction finds nothing to work on" if isinstance(error, LookupError) else str(error)
        raise UserError(f"it is damaged, or no pickle file: {reason[:LONGEST_REASON]}") from None


@dataclass(eq=False)
class _Numbers:
    made: Any = None  # an array or a type of numbers, which exists before all is known about it


class _Machine:
    """A file, of which no more is ever asked for than is left; its stack, in pieces between open marks; its memo."""

    def __init__(self, file: BinaryIO, size: int, names: Mapping, persistent: Persistent):
        self.file, self.left, self.names = file, size, names
        self.stacks: list[list[Any]] = [[]]
        self.memo: dict[int, Any] = {}
        self.copies_left = 2 * size  # text to bytes, then another byte order; more only if a value is used again
        self.actions: dict[str, Any] = {
            **dict.fromkeys(TEXTS + BYTES + NUMERALS, lambda value: value),
            **{"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False},
            **{"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set},
            **dict.fromkeys(("TUPLE1", "TUPLE2", "TUPLE3"), lambda *items: items),
            **{"TUPLE": tuple, "LIST": list, "DICT": lambda items: _filled({}, items)},
            "FROZENSET": lambda items: frozenset(map(_key, items)),
            "APPEND": lambda target, item: list.append(target, item) or target,
            "APPENDS": lambda target, items: list.extend(target, items) or target,
            "ADDITEMS": lambda target, items: set.update(target, map(_key, items)) or target,
            **{"SETITEM": lambda target, *item: _filled(target, item), "SETITEMS": _filled},
            **dict.fromkeys(("POP", "POP_MARK", "DUP", "STOP", "PROTO"), lambda value: value),
            **{"FRAME": self.need, "MARK": lambda: self.stacks.append([])},
            "MEMOIZE": lambda value: self.memo.update({len(self.memo): value}) or value,
            **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda index: self.memo.update({index: self.stacks[-1][-1]})),
            **dict.fromkeys(("BINGET", "LONG_BINGET"), self.memo.__getitem__),
            **{"GLOBAL": lambda text: self._name(*text.split(" ", 1)), "STACK_GLOBAL": self._name},
            **{"REDUCE": self._call, "NEWOBJ": self._call, "BUILD": self._build},
            "NEWOBJ_EX": lambda function, items, options: self._call(function, (options,) if options else items),
            **(dict.fromkeys(("PERSID", "BINPERSID"), persistent) if persistent else {}),
        }

    def need(self, count: int) -> None:
        if count > self.left:  # asked for it, Python would allocate the memory before it looks
            raise ValueError(f"it needs {count} more bytes where {self.left} are left")

    def read(self, count: int) -> bytes:
        self.need(count)
        self.left -= count
        return self.file.read(count)

    def readline(self) -> bytes:
        line = self.file.readline(min(self.left, LONGEST_TEXT))
        self.left -= len(line)
        return line

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> Any:
        """Carries out one instruction: takes from the stack what its description says, adds what it makes."""
        if opcode.name not in self.actions:
            raise UserError(f"it has the instruction {opcode.name} ({_shown(argument)}): refused")
        if type(argument) is int and not -(2**127) <= argument < 2**127:
            raise UserError("it has a whole number of more than 16 bytes: refused")
        taken, wanted = [argument] if opcode.arg else [], opcode.stack_before
        if pickletools.markobject in wanted:
            taken, wanted = [self.stacks.pop()], wanted[: wanted.index(pickletools.markobject)]
        for _ in wanted:
            taken.insert(0, self.stacks[-1].pop())
        made = self.actions[opcode.name](*taken)
        if opcode.name != "MARK":
            self.stacks[-1] += [made] * len(opcode.stack_after)
        return made

    def _name(self, module: Any, name: Any) -> Name:
        if type(module) is type(name) is str and (name in ALLOWED.get(module, ()) or (module, name) in self.names):
            return Name(module, name)
        raise UserError(f"it asks for {_shown(module)}.{_shown(name)}, which no file of numbers needs: refused")

    def _call(self, function: Any, arguments: Any) -> Any:
        own = self.names.get((function.module, function.name)) if type(function) is Name else None
        if own and type(arguments) is tuple:
            return own(arguments)
        match function, arguments:
            case Name(_, "Network"), ():
                return Network({})
            case Name(_, "EasyDict" | "OrderedDict"), () | (list(),):
                return {_key(key): value for key, value in self._counted(*arguments)}
            case Name(_, "dtype"), (str() as text, *_) if NUMBERS.fullmatch(text):
                return _Numbers(np.dtype(text))
            case Name(_, "_reconstruct"), (Name("numpy", "ndarray"), _, _):
                return _Numbers()
            case Name(_, "_frombuffer"), (raw, _Numbers(np.dtype() as dtype), tuple() as shape, "C" | "F" as order, *_):
                return self._array(raw, dtype, shape, order)
            case Name(_, "scalar"), (_Numbers(np.dtype() as dtype), raw):
                return self._array(raw, dtype, (), "C")
            case Name(_, "encode" | "bytes" | "bytearray"), tuple():
                return self._bytes(*arguments)
            case Name(_, "set" | "frozenset" as kind), () | (list(),):
                return (set if kind == "set" else frozenset)(map(_key, self._counted(*arguments)))
        shown = ", ".join(map(_shown, arguments[:8]))[:LONGEST_REASON]
        raise UserError(f"it calls {_shown(function)}({shown}): refused")

    def _build(self, target: Any, state: Any) -> Any:
        """Gives contents to what exists already."""
        match target, state:
            case Network(), dict() if not target.state:
                target.state = state
            case _Numbers(None), (_, tuple() as shape, _Numbers(np.dtype() as dtype), fortran, raw):
                target.made = self._array(raw, dtype, shape, "F" if fortran else "C")
            case _Numbers(np.dtype()), (3 | 4, "<" | ">" | "=" | "|" as order, None, None, None, *_):
                target.made = target.made.newbyteorder(order)
            case dict(), dict():
                target.update(self._counted(state))
            case _:
                raise UserError(f"it sets the state of {_shown(target)} to {_shown(state)}: refused")
        return target

    def _counted(self, value: Any = ()) -> Any:
        self.copies_left -= len(value)  # which are about to be copied
        if self.copies_left < 0:
            raise UserError("it copies the same values over and over: refused")
        return value

    def _bytes(self, value: Any = b"", encoding: Any = "latin1") -> bytes | bytearray:
        if type(value) is str and encoding in ("latin1", "latin-1"):
            return self._counted(value).encode("latin-1")
        if type(value) not in (bytes, bytearray):
            raise UserError(f"it has {_shown(value)} in place of bytes: refused")
        return value

    def _array(self, raw: Any, dtype: np.dtype, shape: tuple, order: Literal["C", "F"]) -> np.ndarray:
        raw = self._bytes(raw)
        sound = len(shape) <= 32 and all(type(n) is int and 0 <= n < 2**31 for n in shape)
        if not sound or len(raw) != math.prod(shape) * dtype.itemsize:
            shown = ", ".join(map(_shown, shape[:8]))
            raise UserError(
                f"it has {len(raw)} bytes of data for an array of shape ({shown}) and type {dtype}: refused"
            )
        array = np.ndarray(shape, dtype, raw if dtype.isnative else self._counted(raw), order=order)
        array = array.astype(dtype.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array


def _filled(target: dict, items: list | tuple) -> dict:
    dict.update(target, ((_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True)))
    return target


def _key(key: Any) -> Any:
    """A key or member: hashes of text are secret and those of small numbers distinct; others can be made to collide."""
    short = type(key) in (str, bytes) and len(key) <= LONGEST_TEXT
    if short or type(key) is int and abs(key) <= 2**20 or type(key) in (bool, type(None)):
        return key
    raise UserError(f"it has {_shown(key)} as a key; only short text and small whole numbers can be one: refused")


def _plain(value: Any, done: dict[int, tuple[Any, int]], depth: int) -> tuple[Any, int]:
    """(the value without the classes of this file but Network, how deep its values lie in each other).

    `done` has what is shared, so that it is made once.
    """
    if type(value) in PLAIN:
        return value, 0
    made, height = done.get(id(value), (None, 0))
    if depth + height >= DEEPEST:
        raise UserError(f"its values lie more than {DEEPEST} deep in each other, or in a circle: refused")
    if id(value) in done:
        return made, height
    match value:
        case dict():
            parts = [_plain(item, done, depth + 1) for item in value.values()]
            made = dict(zip(value, (part for part, _ in parts), strict=True))
        case list() | tuple():
            parts = [_plain(item, done, depth + 1) for item in value]
            made = type(value)([part for part, _ in parts])
        case Network() if value.state:
            parts = [_plain(value.state, done, depth + 1)]
            made = Network(parts[0][0])
        case _Numbers(np.ndarray() as array):
            parts, made = [], array
        case _:
            raise UserError(f"it has {_shown(value)} where data belong: refused")
    done[id(value)] = made, max((below for _, below in parts), default=-1) + 1
    return done[id(value)]


def _shown(value: Any) -> str:
    """For messages: short, without the control characters that a file may hold."""
    if type(value) is Name:
        return f"{_shown(value.module)}.{_shown(value.name)}"
    short = type(value) in (str, int, bool)
    return ascii(str(value)[:LONGEST_SHOWN])[1:-1][:LONGEST_SHOWN] if short else f"a {type(value).__name__.strip('_')}"
