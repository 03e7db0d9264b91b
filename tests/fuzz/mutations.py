"""Files with something wrong in them: where the format is decided, or anywhere. Each takes (bytes, rng) and is the same
for the same rng.
"""

import gzip
import io
import json
import pickletools
import random
import re
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

from stylegan_tf.data.framing import framed

MOST_NESTED = 5000
HUGE = (2**16, 2**31 - 1, 2**32 - 1, 2**40, 2**62, 2**63 - 1)
TOKENS = (  # in place of a word or a number in a text
    *(b"1" * 5000, b"-1", b"0", b"NaN", b"-Infinity", b"1e999", b"0x10", b"1_0", b"null", b"true", b"", b" ", b"0.5"),
    *(b"18446744073709551616", "\u0664\u0662".encode(), "\u00b2".encode(), b"[" * 100_000, b'{"a":' * 20_000, b'"'),
    *(b'"\\ud800"', b"\0", b"\x1b[31m", b"\xff\xfe", b"\xef\xbb\xbf", b"a" * 200_000, b"../../up", b"/etc/passwd"),
    *(b"\r", b"\n", b"\x0c", "\u2028".encode(), b",", b";", b":", "e\u0301".encode(), "\u00e9".encode(), b"CON", b"\\"),
)
VALUES: tuple = (  # in place of a value of JSON
    *(*HUGE, -1, 0, 3, 2**70, 10**400, 0.5, 1e308, float("nan"), float("inf"), True, False, None, "", "off", "\0"),
    *([], {}, [[[]]], [None] * 3, {"a": {}}, ["x"] * 2000, "x" * 100_000, {"": 0}, "\x1b[2J", "\ud800", "1" * 5000),
)
SHAPES = (
    "()",
    "(0,)",
    "(-1, 3)",
    "(4,)",
    f"({2**40},)",
    f"({2**31}, {2**31})",
    "(1,) * 9",
    "3",
    "None",
    str((1,) * 70),
)
SHAPES += ("(True, 4)", "(2.0,)", "'ab'", f"({10**30},)", "(0, 4)", "(4, 0)", "(6, -1)", "[2, 4]", f"({-(2**62)}, 4)")
DESCRIPTIONS = ("'|O'", "'<f8'", "'>f4'", "'<c16'", "'|S1000000000'", "'<U3'", "'<M8[ns]'", "[('a', '<f4')]", "'|V0'")
DESCRIPTIONS += ("'|b1'", "'<u8'", "''", "None", "'<f4, <f4'", "('<f4', (2**30,))", "'|i1'", "'float128'", "'<f2'")
NAMES = (
    "../up.png",
    "/etc/up.png",
    "C:\\up.png",
    "..\\up.png",
    "a\0b.png",
    "\x1b[31m.png",
    "x" * 300 + ".png",
    "./a.png",
)
NAMES += ("a//b.png", "a/../b.png", "", ".", "/", "A.PNG", "e\u0301.png", "\u00e9.png", "dataset.json", "metadata.csv")
FOREIGN = (b"os", b"system", b"builtins", b"eval", b"numpy.core.multiarray", b"_reconstruct", b"subprocess", b"Popen")


def anywhere(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, inserted, removed, repeated or swapped, without regard to what they are."""
    kind = rng.choice(("bytes", "bits", "insert", "remove", "repeat", "swap", "cut", "length"))
    if not data or kind == "cut":
        return data[: rng.randrange(len(data) + 1)]
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 64, 1000))
    changed = bytearray(data)
    if kind in ("bytes", "bits"):
        for _ in range(rng.choice((1, 2, 8, 64))):
            place = rng.randrange(len(changed))
            changed[place] = rng.randrange(256) if kind == "bytes" else changed[place] ^ (1 << rng.randrange(8))
    elif kind == "insert":
        changed[at:at] = rng.randbytes(length)
    elif kind == "remove":
        del changed[at : at + length]
    elif kind == "repeat":
        changed[at:at] = data[at : at + length] * rng.choice((1, 1, 100))
    elif kind == "length":
        width = rng.choice((2, 4, 8))
        number = rng.choice((*HUGE, 0, len(data), rng.getrandbits(64))) % 2 ** (8 * width)
        changed[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
    else:
        other = rng.randrange(len(data))
        changed[at : at + length], changed[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    return bytes(changed)


def spliced(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def of_text(data: bytes, rng: random.Random) -> bytes:
    """A word replaced, a line repeated, removed or moved."""
    words = list(re.finditer(rb"[\w.+-]+", data))
    kind = rng.choice(("word", "word", "word", "insert", "repeat", "remove", "swap"))
    if kind == "word" and words:
        word = rng.choice(words)
        return data[: word.start()] + rng.choice(TOKENS) + data[word.end() :]
    if kind == "insert" or not data:
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(TOKENS) + data[at:]
    lines = data.splitlines(keepends=True)
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    if kind == "repeat":
        lines[at] *= rng.choice((2, 1000))
    elif kind == "remove":
        del lines[at]
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return b"".join(lines)


def of_json(data: bytes, rng: random.Random) -> bytes:
    """JSON with one value of another kind, a key left out or added, or a deep one."""
    if rng.random() < 0.3:
        return of_text(data, rng)
    if data.count(b"\n") > 1 and data.lstrip()[:1] == b"{" and b"}\n{" in data:  # a line each
        lines = data.splitlines()
        at = rng.randrange(len(lines))
        lines[at] = of_json(lines[at], rng)
        return b"\n".join(lines) + b"\n"
    root = [json.loads(data)]
    places: list[tuple] = []
    todo: list = [root]
    while todo:
        node = todo.pop()
        for key in range(len(node)) if isinstance(node, list) else list(node):
            places.append((node, key))
            if isinstance(node[key], list | dict):
                todo.append(node[key])
    node, key = rng.choice(places)
    if rng.random() < 0.2 and node is not root:
        del node[key]
    elif rng.random() < 0.1 and isinstance(node, dict):
        node[rng.choice(("", "x", "\0", "1" * 5000, "\x1b[2J", "resolution", "crop"))] = node.pop(key)
    else:
        node[key] = rng.choice(VALUES)
    return json.dumps(root[0]).encode()


def of_npy(data: bytes, rng: random.Random) -> bytes:
    """An array with another header: shape, type, order, length, version."""
    size = int.from_bytes(data[8:10], "little")
    header, values = data[10 : 10 + size].decode("latin-1"), data[10 + size :]
    kind = rng.choice(("shape", "shape", "type", "type", "text", "length", "version", "values"))
    if kind == "values":
        numbers = (float("nan"), float("inf"), -1.0, 1e30, 0.0)
        at = rng.randrange(max(1, len(values) // 4)) * 4
        values = values[:at] + struct.pack("<f", rng.choice(numbers)) + values[at + 4 :]
    elif kind == "shape":
        header = re.sub(r"'shape': \([^)]*\)", lambda _: f"'shape': {rng.choice(SHAPES)}", header)
    elif kind == "type":
        header = re.sub(r"'descr': '[^']*'", lambda _: f"'descr': {rng.choice(DESCRIPTIONS)}", header)
    elif kind == "text":
        header = rng.choice(
            ("(" * 3000, "[" * 200 + "]" * 200, "{}", "1", "", "-" * 5000 + "1", "9" * 9000, header[:-4])
        )
    packed = header.encode("latin-1")
    version = rng.choice((b"\2\0", b"\3\0", b"\0\0", b"\xff\xff")) if kind == "version" else b"\1\0"
    length = rng.choice((0, 1, 2**16 - 1)) if kind == "length" else len(packed)
    return data[:6] + version + length.to_bytes(2, "little") + packed + values


def of_png(data: bytes, rng: random.Random) -> bytes:
    """A picture whose chunks are changed, with right checksums."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = rng.randrange(len(chunks))
    name, content = chunks[place]
    kind = rng.choice(("size", "content", "repeat", "drop", "name", "text", "profile"))
    if kind == "size":
        name, content = chunks[0]
        sides = struct.pack(">II", rng.choice((0, 8, 2**14, 2**31 - 1, 2**32 - 1)), rng.choice((0, 1, 8, 2**14, 2**31)))
        chunks[0] = name, sides + anywhere(content[8:], rng) if rng.random() < 0.5 else sides + content[8:]
    elif kind == "content":
        chunks[place] = name, anywhere(content, rng)
    elif kind == "repeat":
        chunks[place:place] = [chunks[place]] * rng.choice((1, 500))
    elif kind == "drop":
        del chunks[place]
    elif kind == "name":
        chunks[place] = rng.choice((b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"sPLT", b"    ")), content
    else:
        bomb = zlib.compress(bytes(2**22), 9)
        added = (b"zTXt", b"a\0\0" + bomb) if kind == "text" else (b"iCCP", b"a\0\0" + bomb)
        chunks[1:1] = [added] * rng.choice((1, 40))
    return data[:8] + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@cache
def huge_png(width: int, height: int, whole: bool = True) -> bytes:
    """A grey picture of zeros; its file is a thousandth of its pixels. whole: or it ends in the middle."""
    size = (width + 1) * height
    pixels = deflated_zeros(size if whole else size // 8, zlib.MAX_WBITS)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


@cache
def deflated_zeros(size: int, bits: int) -> bytes:
    """So many zeros, compressed."""
    packer = zlib.compressobj(1, zlib.DEFLATED, bits)
    block = bytes(2**20)
    pieces = [packer.compress(block[: min(2**20, size - at)]) for at in range(0, size, 2**20)]
    return b"".join([*pieces, packer.flush()])


def of_records(data: bytes, rng: random.Random) -> bytes:
    """Records with a fault in the message or picture of one, framed with right checksums, or their number changed."""
    records, at = [], 0
    while at + 16 <= len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        records.append(data[at + 12 : at + 12 + length])
        at += 16 + length
    place = rng.randrange(len(records))
    kind = rng.choice(("message", "message", "picture", "repeat", "drop", "empty", "shape", "shape"))
    if kind == "message":
        records[place] = anywhere(records[place], rng)
    elif kind == "picture":
        begin = records[place].find(b"\x89PNG")
        end = records[place].find(b"IEND") + 8
        if begin >= 0:  # of the same length, so that the message around it stays right
            changed = of_png(records[place][begin:end], rng)[: end - begin].ljust(end - begin, b"\0")
            records[place] = records[place][:begin] + changed + records[place][end:]
        else:
            records[place] = of_text(records[place], rng)
    elif kind == "shape":  # the int64 list of a message: tag 1, packed varints
        numbers = bytes(rng.choice((0, 1, 2, 3, 4, 5, 8, 127)) for _ in range(3))
        records[place] = re.sub(rb"\x0a\x03[\x01-\x7f]{3}", lambda _: b"\x0a\x03" + numbers, records[place], count=1)
    elif kind == "repeat":
        records[place:place] = [records[place]] * rng.choice((1, 100))
    elif kind == "drop":
        del records[place]
    else:
        records[place] = b""
    return b"".join(map(framed, records))


def of_zip(data: bytes, rng: random.Random, inner: Callable[[bytes, random.Random], bytes] = anywhere) -> bytes:
    """A fault in one of the archive's files, packed with right checksums, in its names, or in the archive's records."""
    kind = rng.choice(("inner", "inner", "names", "records", "flags", "twice", "many", "bomb", "offset"))
    if kind == "records":
        at = data.rfind(b"PK\5\6") - rng.randrange(400)
        return data[: max(at, 0)] + anywhere(data[max(at, 0) :], rng)
    if kind in ("flags", "offset"):
        changed = bytearray(data)
        starts = [match.start() for match in re.finditer(rb"PK\1\2", data)]
        at = rng.choice(starts)
        if kind == "flags":  # encrypted, method, sizes
            field, width = rng.choice(((8, 2), (10, 2), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2)))
        else:
            field, width = 42, 4
        changed[at + field : at + field + width] = rng.choice((1, 12, 14, 99, *HUGE, rng.getrandbits(32))).to_bytes(
            8, "little"
        )[:width]
        return bytes(changed)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    place = rng.randrange(len(parts))
    name, part = parts[place]
    if kind == "inner":
        parts[place] = name, inner(part, rng)
    elif kind == "names":
        parts[place] = rng.choice(NAMES), part
    elif kind == "twice":
        parts.append((name.upper() if rng.random() < 0.5 else name, part))
    elif kind == "many":
        parts += [(f"{number}.png", b"") for number in range(rng.choice((10, 3000)))]
    else:
        parts[place] = name, bytes(2**24)
    return packed_zip(parts, zipfile.ZIP_DEFLATED if kind == "bomb" or rng.random() < 0.3 else zipfile.ZIP_STORED)


def packed_zip(parts: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file of (name, content), the same whenever it is made."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive, zipfile_is_silent():
        for name, part in parts:
            entry = zipfile.ZipInfo()
            entry.filename = name
            entry.compress_type = method
            archive.writestr(entry, part)
    return packed.getvalue()


def zipfile_is_silent() -> warnings.catch_warnings:
    """It warns of names that are there twice."""
    return warnings.catch_warnings(action="ignore")


def of_tar(data: bytes, rng: random.Random, inner: Callable[[bytes, random.Random], bytes] = anywhere) -> bytes:
    """A fault in one of the archive's files or headers, with right checksums."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        parts = [(member, archive.extractfile(member).read()) for member in archive if member.isreg()]  # type: ignore
    place = rng.randrange(len(parts))
    member, part = parts[place]
    kind = rng.choice(("inner", "inner", "names", "type", "size", "pax", "twice", "many"))
    if kind == "inner":
        part = inner(part, rng)
    elif kind == "names":
        member.name = rng.choice(NAMES).replace("\0", "") or "."
    elif kind == "type":
        member.type = bytes([rng.choice(b"01234567gxLKSDVMNZ")])
        member.linkname = rng.choice(("../outside/secret", "/etc/passwd", parts[0][0].name, ""))
    elif kind == "pax":
        keys = (
            "size",
            "path",
            "linkpath",
            "GNU.sparse.size",
            "GNU.sparse.map",
            "GNU.sparse.major",
            "mtime",
            "hdrcharset",
        )
        member.pax_headers = {rng.choice(keys): rng.choice(("-1", "9" * 30, "x", "", "0", "1,2", "../up", "1", "nan"))}
    elif kind in ("twice", "many"):
        parts += [(member, part)] * rng.choice((1, 1, 500))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for at, (each, content) in enumerate(parts):
            content = part if at == place else content
            each.size = len(content)
            if kind == "size" and at == place:
                each.size = rng.choice((0, 1, 2**20, 2**33, 2**60))
                archive.fileobj.write(each.tobuf(tarfile.GNU_FORMAT))  # type: ignore[union-attr]
                archive.fileobj.write(content)  # type: ignore[union-attr]
                continue
            archive.addfile(each, io.BytesIO(content) if each.isreg() else None)
    return packed.getvalue()


def of_gzip(data: bytes, rng: random.Random, inner: Callable[[bytes, random.Random], bytes] = anywhere) -> bytes:
    """A fault in what is packed, or far more of it than is announced."""
    content = gzip.decompress(data)
    if rng.random() < 0.1:
        return gzip.compress(content, mtime=0) + gzip.compress(bytes(2**24), mtime=0) * 40
    return gzip.compress(inner(content, rng), mtime=0)


def of_pickle(data: bytes, rng: random.Random) -> bytes:
    """A fault in the opcodes: cut off, swapped, replaced, repeated, nested, foreign names, huge declared sizes."""
    steps = [(opcode, at) for opcode, _, at in pickletools.genops(data)]
    ends = [at for _, at in steps[1:]] + [len(data)]
    pieces = [data[at:end] for (_, at), end in zip(steps, ends, strict=True)]
    place, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
    kind = rng.choice(("cut", "swap", "replace", "repeat", "nest", "foreign", "size", "drop", "number"))
    if kind == "cut":
        return b"".join(pieces[:place])
    if kind == "swap":
        pieces[place], pieces[other] = pieces[other], pieces[place]
    elif kind == "replace":
        pieces[place] = rng.choice(pickletools.opcodes).code.encode("latin-1") + pieces[place][1:]
    elif kind == "repeat":
        pieces[place] *= rng.choice((2, 100))
    elif kind == "nest":
        pieces[place:place] = [rng.choice((b"]", b"(", b"}", b"\x85", b"(l", b")", b"2")) * rng.randrange(MOST_NESTED)]
    elif kind == "foreign":
        pieces[place] = (
            b"c" + rng.choice(FOREIGN) + b"\n" + rng.choice(FOREIGN) + b"\n" + rng.choice((b"", b")R", b"b"))
        )
    elif kind == "drop":
        del pieces[place]
    else:
        wanted = ("size", "SIZE") if kind == "size" else ("number", "INT")
        sized = [at for at, (opcode, _) in enumerate(steps) if is_sized(opcode) == (wanted[0] == "size")]
        place = rng.choice(sized or [place])
        pieces[place] = pieces[place][:1] + resized(pieces[place][1:], steps[place][0], rng)
    return b"".join(pieces)


def is_sized(opcode: pickletools.OpcodeInfo) -> bool:
    """Whether its argument begins with its own length."""
    return opcode.arg is not None and opcode.arg.n < 0 and opcode.arg.n != pickletools.UP_TO_NEWLINE


def resized(argument: bytes, opcode: pickletools.OpcodeInfo, rng: random.Random) -> bytes:
    """The first one, four or eight bytes, which hold a length or a number, made large or any."""
    width = 8 if opcode.name.endswith("8") or opcode.name == "FRAME" else 4 if len(argument) >= 4 else len(argument)
    if not width:
        return argument
    number = rng.choice((*HUGE, rng.getrandbits(64))) % 2 ** (8 * width)
    return number.to_bytes(width, "little") + argument[width:]


def of_keras(data: bytes, rng: random.Random) -> bytes:
    """A fault in one of the archive's parts, packed with right checksums, or in the archive's own records."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    kind = rng.choice(("config", "config", "weights", "weights", "header", "names", "records", "compressed"))
    if kind == "config":
        parts["config.json"] = config_of(parts["config.json"], rng)
    elif kind == "weights":
        parts["model.weights.h5"] = anywhere(parts["model.weights.h5"], rng)
    elif kind == "header":
        parts["model.weights.h5"] = sizes_of(parts["model.weights.h5"], rng)
    elif kind == "names":
        parts[rng.choice(("../up", "/root", "config.json2", "model.weights.h5/"))] = parts.pop(rng.choice(list(parts)))
    elif kind == "records":  # of the directory at the archive's end
        return data[:-2000] + anywhere(data[-2000:], rng)
    method = zipfile.ZIP_DEFLATED if kind == "compressed" else zipfile.ZIP_STORED
    return packed_zip(list(parts.items()), method)


def config_of(text: bytes, rng: random.Random) -> bytes:
    """config.json with another class, or one argument of another value or type."""
    config = json.loads(text)
    if rng.random() < 0.2:
        names = (
            "Lambda",
            "keras>Lambda",
            "stylegan_tf>Mapping",
            "stylegan_tf>Discriminator",
            "builtins>eval",
            "",
            None,
        )
        config["registered_name"] = config["class_name"] = rng.choice(names)
        return json.dumps(config).encode()
    name = rng.choice(list(config["config"]))
    values = (*HUGE, -1, 0, 3, 1e308, True, None, "", "off", [], {}, [[[]]], {"class_name": "Lambda"}, 2**70, 0.5, 4096)
    config["config"][name] = rng.choice(values)
    return json.dumps(config).encode()


def sizes_of(data: bytes, rng: random.Random) -> bytes:
    """Eight-byte numbers in the first part of an HDF5 file, where its tables are, made huge or any."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(min(len(data), 40_000)) // 8 * 8
        changed[at : at + 8] = struct.pack("<Q", rng.choice((*HUGE, rng.getrandbits(64), rng.randrange(100_000))))
    return bytes(changed)
