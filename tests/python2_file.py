"""Writes a value as Python 2 and its NumPy did, to the byte as in the CIFAR and SVHN archives."""

import struct

import numpy as np


def python2(value: dict | list | tuple | str | int | np.ndarray) -> bytes:
    """The whole file: protocol 2, text as byte strings, arrays by NumPy's old names."""
    return b"\x80\x02" + _part(value) + b"."


def _part(value) -> bytes:
    if isinstance(value, dict):
        return b"}(" + b"".join(_part(key) + _part(item) for key, item in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_part, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_part, value)) + b"t"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        return _text(value.encode("latin-1"))
    return _array(value)


def _text(raw: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(raw)) + raw


def _array(value: np.ndarray) -> bytes:
    kind = value.dtype.str  # for instance '|u1', '<i8'
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _part((0,)) + _part("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + _part((kind[1:], 0, 1)) + b"R(" + _part(3) + _part(kind[0])
    dtype += b"NNN" + _part(-1) + _part(-1) + _part(0) + b"tb"
    return made + b"(" + _part(1) + _part(value.shape) + dtype + _part(False) + _text(value.tobytes()) + b"tb"
