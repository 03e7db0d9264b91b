"""Foreign pickles: read as Python reads them where they are honest, and refused without a trace where they are not."""

import io
import os
import pickle
import re
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from stylegan_tf import safe_pickle
from stylegan_tf.errors import UserError
from stylegan_tf.safe_pickle import Name, Network

PROTOCOLS = (2, 3, 4, 5)


@pytest.fixture
def dnnlib() -> Iterator[types.SimpleNamespace]:
    """Classes with the names of the official ones, which Python's pickle can then write."""
    network = types.ModuleType("dnnlib.tflib.network")
    util = types.ModuleType("dnnlib.util")
    made = types.SimpleNamespace()
    made.Network = type("Network", (), {"__module__": network.__name__})
    made.EasyDict = type("EasyDict", (dict,), {"__module__": util.__name__})
    network.Network, util.EasyDict = made.Network, made.EasyDict
    modules = {"dnnlib": types.ModuleType("dnnlib"), "dnnlib.tflib": types.ModuleType("dnnlib.tflib")}
    modules |= {network.__name__: network, util.__name__: util}
    sys.modules.update(modules)
    yield made
    for name in modules:
        del sys.modules[name]


def loads(data: bytes, **options: Any) -> Any:
    return safe_pickle.read_stream(io.BytesIO(data), len(data), **options)


def check_refused(data: bytes, *names: object, **options: Any) -> None:
    with refused(*names) as caught:
        loads(data, **options)
    assert re.match("its? ", str(caught.value))  # readers put the file's name before it


def text(value: str) -> bytes:
    """SHORT_BINUNICODE"""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def name(dotted: str) -> bytes:
    """STACK_GLOBAL of a.b.c, where c is the name."""
    module, _, last = dotted.rpartition(".")
    return text(module) + text(last) + b"\x93"


def dtype(kind: str, order: str = "<") -> bytes:
    """What NumPy writes for a type of numbers, an instruction at a time."""
    call = name("numpy.dtype") + text(kind) + b"\x89\x88\x87R"
    return call + b"(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def array(shape: bytes, kind: bytes, data: bytes, fortran: bytes = b"\x89") -> bytes:
    """What NumPy writes for an array: _reconstruct, then BUILD."""
    made = name("numpy.core.multiarray._reconstruct") + name("numpy.ndarray") + b"K\x00\x85C\x01b\x87R"
    return made + b"(K\x01" + shape + kind + fortran + b"C" + bytes([len(data)]) + data + b"tb"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_official_file(dnnlib: types.SimpleNamespace, tmp_path: Path, protocol: int) -> None:
    mapping, G = dnnlib.Network(), dnnlib.Network()
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    mapping.__dict__ = {"name": "G_mapping", "variables": [("Dense0/weight", weight)]}
    G.__dict__ = {
        "version": 3,
        "static_kwargs": dnnlib.EasyDict(
            resolution=32, structure="auto", fmap_decay=1.0, label=None, deep={"x": [True]}
        ),
        "components": dnnlib.EasyDict(mapping=mapping),
        "variables": [("lod", np.float32(2.5)), ("w", weight)],
    }
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps((G, mapping, G), protocol))
    read_G, read_mapping, read_Gs = safe_pickle.read(path)
    assert read_Gs is read_G and type(read_G) is Network
    assert list(read_G.state) == ["version", "static_kwargs", "components", "variables"]
    kwargs = read_G.state["static_kwargs"]
    assert type(kwargs) is dict
    assert kwargs == {"resolution": 32, "structure": "auto", "fmap_decay": 1.0, "label": None, "deep": {"x": [True]}}
    assert read_G.state["components"]["mapping"] is read_mapping
    (_, lod), (_, w) = read_G.state["variables"]
    assert lod.shape == () and lod.dtype == np.float32 and lod == 2.5
    np.testing.assert_array_equal(w, [[0, 1, 2], [3, 4, 5]])
    assert w.dtype == np.float32 and not w.flags.writeable


ARRAYS = {
    "float16": np.array([0.5, -2], np.float16),
    "float64": np.array([[1e300], [np.pi]]),
    "big-endian": np.array([[1.5, -3], [7, 9]], ">f4"),
    "big-endian int": np.array([1, -2, 2**40], ">i8"),
    "uint8": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "int16": np.array([-300, 300], "<i2"),
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float32),
    "no axes": np.array(5, np.int32),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "fortran big-endian": np.asfortranarray(np.arange(6).reshape(2, 3).astype(">u2")),
    "a part": np.arange(20, dtype=np.float32).reshape(4, 5)[::2, 1:4],
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("which", ARRAYS)
def test_arrays(which: str, protocol: int) -> None:
    original = ARRAYS[which]
    made = loads(pickle.dumps([original, original], protocol))
    assert made[0] is made[1]
    assert type(made[0]) is np.ndarray and made[0].shape == original.shape
    assert made[0].dtype == original.dtype.newbyteorder("=") and made[0].dtype.isnative
    assert not made[0].flags.writeable
    np.testing.assert_array_equal(made[0], original)


@pytest.mark.parametrize(
    "scalar", [np.float32(0.1), np.int64(-7), np.bool_(True), np.float16(2), np.array(3, ">f8")[()]]
)
def test_numpy_scalars_keep_their_type(scalar: Any) -> None:
    made = loads(pickle.dumps(scalar, 4))
    assert made.shape == () and made.dtype == scalar.dtype and made == scalar


def test_arrays_are_views_of_the_bytes_of_the_file() -> None:
    made = loads(pickle.dumps(np.ones(1000, np.float32), 4))
    assert type(made.base) is bytes


PLAIN = {
    "numbers": [0, -1, 255, 65536, -(2**31), 2**40, -(2**100), 1.5, -0.0, True, False, None],
    "texts": ["", "a", "ä€😀", "x" * 300, b"", b"\x00\xff", b"y" * 300],
    "containers": (
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        [],
        [1],
        {},
        {"a": 1},
        {1: "b", b"c": 2, None: 3, False: 4},
    ),
    "sets": [set(), {1, "a"}, frozenset([b"x", 2]), frozenset()],
    "bytes": [bytearray(b""), bytearray(b"abc\xfe")],
    "ordered": [OrderedDict(), OrderedDict(b=1, a=2)],
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("which", PLAIN)
def test_plain_values(which: str, protocol: int) -> None:
    made = loads(pickle.dumps(PLAIN[which], protocol))
    assert made == PLAIN[which]
    assert type(made) is type(PLAIN[which])
    if which == "ordered":
        assert [type(value) for value in made] == [dict, dict] and list(made[1]) == ["b", "a"]


def test_damage_is_told_in_a_short_sentence() -> None:
    with refused("damaged", "quotes") as caught:
        loads(b"\x80\x02S" + b"x" * 900 + b"\n.")
    assert len(str(caught.value)) < 250


def test_a_file_of_python_2() -> None:
    """{'data': array([[1, 254]], uint8), 'labels': [70000000000], u'n': 'caf\\xe9'}, as cPickle wrote it."""
    data = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87"
        b"Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89T\x02\x00\x00\x00\x01\xfetbU\x06labelsq\x08]q\tI70000000000\na"
        b"X\x01\x00\x00\x00nU\x04caf\xe9u."
    )
    made = loads(data)
    np.testing.assert_array_equal(made.pop("data"), np.array([[1, 254]], np.uint8))
    assert made == {"labels": [70000000000], "n": "caf\xe9"}


def test_instructions_that_python_seldom_writes() -> None:
    assert loads(b"(K\x01L5L\nF1.5\nI01\nS'it'\nVu\\u20ac\nl.") == [1, 5, 1.5, True, "it", "u€"]
    assert loads(b"(K\x01K\x02d.") == {1: 2}
    assert loads(b"K\x072\x86.") == (7, 7)
    assert loads(b"K\x07K\x080.") == 7
    assert loads(b"K\x07(K\x08K\x091.") == 7
    assert loads(b"}K\x01K\x02s.") == {1: 2}


def test_an_easy_dict_whose_attributes_are_stored() -> None:
    assert loads(b"\x80\x02cdnnlib.util\nEasyDict\n)\x81U\x01aK\x01s}U\x01bK\x02sb.") == {"a": 1, "b": 2}


def test_the_end_of_the_pickle_is_where_the_file_is_left() -> None:
    file = io.BytesIO(b"junk" + pickle.dumps([1], 4) + pickle.dumps("b", 5) + b"tail")
    file.seek(4)
    size = len(file.getvalue()) - 4
    assert safe_pickle.read_stream(file, size) == [1]
    assert safe_pickle.read_stream(file, size) == "b"
    assert file.read() == b"tail"


FORBIDDEN = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "__builtin__.eval",
    "builtins.exec",
    "builtins.getattr",
    "subprocess.Popen",
    "numpy.load",
    "numpy.fromfile",
    "torch.load",
    "torch.storage._load_from_bytes",
    "functools.partial",
    "operator.attrgetter",
    "numpy.core.multiarray.fromfile",
    "dnnlib.tflib.network.Network.run",
]


@pytest.mark.parametrize("dotted", FORBIDDEN)
def test_names_that_no_network_file_needs(dotted: str) -> None:
    module, _, last = dotted.rpartition(".")
    check_refused(f"\x80\x02c{module}\n{last}\n(U\x01xtR.".encode("latin-1"), f"asks for {dotted}")
    check_refused(b"\x80\x04" + name(dotted) + text("x") + b"\x85R.", f"asks for {dotted}")


def test_a_hostile_file_is_named_and_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    class Hostile:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(trace),)

    for protocol in range(6):
        path = tmp_path / f"{protocol}.pkl"
        path.write_bytes(pickle.dumps({"weights": [Hostile()]}, protocol))
        with refused(path, "instruction PUT" if protocol == 0 else f"{os.mkdir.__module__}.mkdir"):
            safe_pickle.read(path)
        assert not trace.exists()
    pickle.loads(path.read_bytes())
    assert trace.exists()  # so the file was really dangerous


NETWORK = name("dnnlib.tflib.network.Network")
REFUSED = {
    "what a call returned is called": (name("numpy.dtype") + text("f4") + b"\x85R)R.", "calls", "Numbers()"),
    "text is called": (text("os.system") + text("x") + b"\x85R.", "calls", "os.system(x)"),
    "a network is called": (NETWORK + b")\x81)R.", "calls", "Network()"),
    "a network with arguments": (NETWORK + b"K\x01\x85\x81.", "calls", "dnnlib.tflib.network.Network(1)"),
    "a network with options": (
        NETWORK + b")}" + text("a") + b"K\x01s\x92.",
        "calls",
        "dnnlib.tflib.network.Network(a dict)",
    ),
    "numpy.ndarray is called": (name("numpy.ndarray") + b"K\x05\x85R.", "calls", "numpy.ndarray(5)"),
    "the state of a name": (name("numpy.ndarray") + b"}b.", "state of numpy.ndarray", "dict"),
    "slots": (NETWORK + b")\x81N}\x86b.", "state", "Network", "tuple"),
    "a second state": (NETWORK + b")\x81}K\x01K\x02sb}K\x01K\x02sb.", "state", "Network"),
    "the state of a list": (b"]}b.", "state", "list", "dict"),
    "a name as a value": (b"]" + name("numpy.dtype") + b"a.", "numpy.dtype", "data"),
    "a type as a value": (dtype("f4") + b".", "Numbers", "data"),
    "an unfinished network": (NETWORK + b")\x81.", "Network", "data"),
    "a subclass of array": (
        name("numpy.core.multiarray._reconstruct") + NETWORK + b"K\x00\x85C\x01b\x87R.",
        "_reconstruct",
    ),
    "objects": (array(b"K\x01\x85", dtype("O8", "|"), b"12345678") + b".", "numpy.dtype(O8, False, True)"),
    "long texts": (dtype("S2000000000", "|") + b".", "numpy.dtype(S2000000000, False, True)"),
    "void": (dtype("V8", "|") + b".", "numpy.dtype(V8"),
    "dates": (dtype("M8") + b".", "numpy.dtype(M8"),
    "records": (name("numpy.dtype") + text("f4,f4") + b"\x85R.", "numpy.dtype(f4,f4)"),
    "fields": (
        name("numpy.dtype") + text("f4") + b"\x85R(K\x03" + text("<") + b"N)}tb.",
        "state",
        "Numbers",
    ),
    "a huge shape": (array(b"\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85", dtype("f4"), b"") + b".", "shape (1000000000000)"),
    "a huge empty shape": (
        array(b"(K\x00" + b"J\xff\xff\xff\x7f" * 3 + b"t", dtype("f4"), b"") + b".",
        "damaged",
    ),
    "a shape in a shape": (array(b"K\x00K\x01\x85\x86", dtype("f4"), b"") + b".", "shape (0, a tuple)"),
    "a negative shape": (array(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86", dtype("u1"), b"x") + b".", "shape (-1, -1)"),
    "a shape of truths": (array(b"\x88\x85", dtype("u1"), b"x") + b".", "shape (True)"),
    "33 axes": (array(b"(" + b"K\x01" * 33 + b"t", dtype("u1"), b"x") + b".", "1 bytes"),
    "too few bytes": (array(b"K\x02\x85", dtype("f4"), b"1234567") + b".", "7 bytes", "shape (2)"),
    "too many bytes": (array(b"K\x02\x85", dtype("f4"), b"123456789") + b".", "9 bytes", "shape (2)"),
    "another encoding": (name("_codecs.encode") + text("a") + text("rot13") + b"\x86R.", "place of bytes"),
    "zeros by number": (name("builtins.bytes") + b"J\x00\x00\x00\x40\x85R.", "1073741824", "bytes"),
    "an external object": (b"K\x01Q.", "instruction BINPERSID"),
    "an external text": (b"Pkey\n.", "instruction PERSID (key)"),
    "an extension": (b"\x82\x05.", "instruction EXT1 (5)"),
    "INST": (b"(ios\nsystem\n.", "instruction INST (os system)"),
    "OBJ": (b"(" + name("numpy.dtype") + b"o.", "instruction OBJ"),
    "a foreign buffer": (b"\x97.", "instruction NEXT_BUFFER"),
    "a number of 17 bytes": (b"\x8a\x11" + b"\x01" * 17 + b".", "16 bytes"),
    "a number of 17 bytes, LONG4": (b"\x8b\x11\x00\x00\x00" + b"\x01" * 17 + b".", "16 bytes"),
    "a number of 41 digits": (b"I" + b"9" * 41 + b"\n.", "16 bytes"),
    "a number of 2000 digits": (b"L" + b"9" * 2000 + b"L\n.", "damaged"),
    "a list as a key": (b"}]K\x01s.", "list", "key"),
    "a tuple as a key": (b"})K\x01s.", "tuple", "key"),
    "a large number as a key": (b"}J\x01\x00\x10\x00K\x01s.", "1048577", "key"),
    "a long key": (b"}X\xe9\x03\x00\x00" + b"a" * 1001 + b"K\x01s.", "key"),
    "a fraction as a member": (b"\x8f(G?\xf8\x00\x00\x00\x00\x00\x00\x90.", "float", "key"),
    "an empty stack": (b"0.", "damaged", "instruction"),
    "nothing below the mark": (b"K\x01(a.", "damaged", "instruction"),
    "no mark": (b"K\x01t.", "damaged", "instruction"),
    "nothing remembered": (b"h\x05.", "damaged", "instruction"),
    "items for a number": (b"K\x01K\x02a.", "damaged"),
    "half an item": (b"}(K\x01u.", "damaged"),
    "BYTEARRAY8": (b"\x96" + struct.pack("<Q", 2**62) + b"abc.", f"{2**62} more bytes", 4),
    "BINUNICODE8": (b"\x8d" + struct.pack("<Q", 2**62) + b"abc.", f"{2**62} more bytes", 4),
    "BINBYTES8": (b"\x8e" + struct.pack("<Q", 2**62) + b"abc.", f"{2**62} more bytes", 4),
    "FRAME": (b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.", f"{2**62} more bytes", 2),
    "beyond 2^63": (b"\x8e" + b"\xff" * 8 + b"abc.", "damaged"),
    "a page of the web": (b"<!DOCTYPE html>\n", "damaged"),
    "nothing": (b"", "damaged", "1 more bytes"),
    "bad UTF-8": (b"\x8c\x02\xff\xfe.", "damaged"),
    "a control character": (text("\x1b[2J") + text("system\n") + b"\x93.", r"asks for \x1b[2J.system\n"),
    "a list that contains itself": (b"]\x94h\x00a.", "circle"),
    "a tuple that contains itself": (b"]\x94h\x00\x85\x940h\x01a.", "circle"),
    "a dict that contains itself": (b"}\x94K\x01h\x00s.", "circle"),
    "a network that contains itself": (NETWORK + b")\x81\x94}K\x01h\x00sb.", "circle"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_refused(which: str) -> None:
    data, *names = REFUSED[which]
    check_refused(data, *names)


def test_a_structured_array_of_numpys_own() -> None:
    check_refused(pickle.dumps(np.zeros(2, "f4,f4"), 4), "numpy.dtype(V8")
    check_refused(pickle.dumps(np.array([None, {}]), 4), "numpy.dtype(O8")


@pytest.mark.parametrize("opening", [b"]", b"K\x01", b"("])
def test_deep_nesting(opening: bytes) -> None:
    closing = {b"]": b"a" * 99_999, b"K\x01": b"", b"(": b"t" * 100_000}[opening]
    nested = opening + b"\x85" * 100_000 if opening == b"K\x01" else opening * 100_000 + closing
    check_refused(nested + b".", "32 deep")


def test_shared_values_cost_their_number_not_their_paths() -> None:
    made = loads(b"]" + b"2\x86" * 30 + b".")  # 2^30 paths
    for _ in range(30):
        assert type(made) is tuple and made[0] is made[1]
        made = made[0]
    assert made == []


def test_depth_is_that_of_the_longest_way() -> None:
    """Values that were met before count as deep as they are: 30 tuples around what is 31 deep itself."""
    deep = b"]" + b"\x85" * 30 + b"\x94"
    assert len(loads(b"(" + deep + b"h\x00t.")) == 2
    check_refused(b"(" + deep + b"h\x00" + b"\x85" * 30 + b"t.", "32 deep")


def test_what_multiplies_itself() -> None:
    big = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b"\x94"
    call = name("_codecs.encode") + b"h\x00" + text("latin1") + b"\x86R0"
    check_refused(big + call * 10_000 + b".", "same values")
    numbers = b"C\x04abcd\x94" + b"0" + dtype("f4", ">") + b"\x94" + b"0"
    scalar = name("numpy.core.multiarray.scalar") + b"h\x01h\x00\x86R0"
    check_refused(numbers + scalar * 3, "damaged")  # honest so far, but without an end
    table = b"}\x94(" + b"".join(b"J" + struct.pack("<i", index) + b"N" for index in range(50_000)) + b"u"
    check_refused(table + b"}h\x00b0" * 50_000 + b".", "same values")


def test_too_many_instructions() -> None:
    check_refused(b"N" + b"20" * 500_000 + b".", "1000000 instructions")


def test_a_memo_of_a_high_number_costs_nothing() -> None:
    assert loads(b"K\x07r\xff\xff\xff\x7f0j\xff\xff\xff\x7f.") == 7


def test_truncated_and_bent_files(dnnlib: types.SimpleNamespace) -> None:
    G = dnnlib.Network()
    G.__dict__ = {"variables": [(f"w{i}", np.full((3, i), i, np.float32)) for i in range(30)]}
    whole = pickle.dumps((G, dnnlib.EasyDict(a=b"x" * 300)), 4)
    assert len(whole) > 3000
    for end in range(0, len(whole), 97):
        check_refused(whole[:end], "damaged")
    for position in range(0, len(whole), 7):
        bent = whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :]
        try:  # some bytes are data, and any value is one
            assert type(loads(bent)) in (tuple, Network, dict)
        except UserError as error:
            assert str(error).startswith("it")


def test_random_bytes_never_do_more_than_complain() -> None:
    random = np.random.default_rng(0)
    opcodes = np.frombuffer(
        b"(.012FGIJKLMNQRSTUVX]abcdeghjlopqrstu}\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x93\x94", "u1"
    )
    complaints = 0
    for _ in range(3000):
        data = random.choice(opcodes, 40).tobytes()
        try:
            loads(data)
        except UserError:
            complaints += 1
    assert 1000 < complaints < 3000


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.pkl"
    path.write_bytes(b"<html>quota exceeded</html>")
    with refused(path, "damaged"):
        safe_pickle.read(path)
    with pytest.raises(FileNotFoundError):
        safe_pickle.read(tmp_path / "none.pkl")


def test_a_size_beyond_the_real_end_is_damage() -> None:
    with refused("damaged", "8 bytes"):
        safe_pickle.read_stream(io.BytesIO(b"C\x08abc"), 1000)


def test_more_names_and_outside_objects() -> None:
    """As a PyTorch file has them: a storage by reference, then a function of ours that makes the tensor."""
    names = {("torch._utils", "_rebuild_tensor_v2"): lambda arguments: arguments[0].reshape(arguments[2])}
    names |= {("torch", "FloatStorage"): None}
    seen = []

    def persistent(reference: Any) -> np.ndarray:
        seen.append(reference)
        return np.arange(6)

    reference = b"(" + text("storage") + name("torch.FloatStorage") + text("0") + b"tQ"
    tensor = name("torch._utils._rebuild_tensor_v2") + b"(" + reference + b"K\x00K\x02K\x03\x86tR."
    np.testing.assert_array_equal(loads(tensor, names=names, persistent=persistent), [[0, 1, 2], [3, 4, 5]])
    assert seen == [("storage", Name("torch", "FloatStorage"), "0")]
    check_refused(tensor, "asks for torch._utils._rebuild_tensor_v2")
    check_refused(tensor, "BINPERSID", names=names)
    called = name("torch.FloatStorage") + b")R."
    check_refused(called, "calls", "torch.FloatStorage()", names=names)
    check_refused(name("torch.FloatStorage") + b".", "torch.FloatStorage", "data", names=names)
    check_refused(name("torch._utils._rebuild_tensor_v2") + b")R.", "damaged", names=names)
