"""Faults put into whole files: half of them where the format is decided, half anywhere.

Everything is a function of the random numbers that are given. A fault of a format leaves its checksums right, so that
what is behind them is reached.
"""

import gzip
import io
import json
import pickletools
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random

from stylegan_tf.data.framing import framed
from tests.fuzz import Tree

HUGE = (2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1)
SMALL = (0, 1, 2, 3, 7, 8, 255)
NUMERALS = ("9" * 5000, "-1", "0", "1e400", "-1e400", "NaN", "Infinity", "1e-400", "0x10", "1_000", "\u0663", "")
NUMERALS += ("1" + "0" * 30, "4294967296", "9223372036854775808", "1.5", "-0", "+1", "true", "null", "  7  ", "00012")
TEXTS = ("", "\0", "\x1b[31m", "\u202e", "../up", "/etc/hostname", "a" * 5000, "\ud800", "\xe9", "e\u0301", "\r", "\n")
TEXTS += ('"', ",", "__class__", "os.system", "%s%n", "{0}", "CON", ".", "..", "a/b", "\\", "\u2028", "=1+1", "img.png")
LONG = ("7" * 30_000 + "x", "\u0301\u0316" * 15_000)  # on which patterns and accents may take the square of it
ODD = (None, True, False, [], {}, [[[]]], "", 0, -1, 1.5, 1e308, 2**70, 10**400, {"a": {}}, *TEXTS[:14], *LONG)
HEADS = (b"PK\x03\x04", b"\x80\x04", b"\x89PNG\r\n\x1a\n", b"\x89HDF\r\n\x1a\n", b"\x1f\x8b", b"%PDF-1.4", b"GIF89a")
HEADS += (
    b"II*\0",
    b"\x93NUMPY",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"<html>",
    b"RIFF",
    b"\xff\xd8\xff",
    b"#!/bin/sh\n",
    b"\0" * 64,
)
FOREIGN = (b"os", b"system", b"builtins", b"eval", b"numpy.core.multiarray", b"_reconstruct", b"subprocess", b"Popen")
DEEP = 100_000  # brackets
MANY = (2, 3, 50, 1000)  # repetitions
LARGEST = 2**24  # bytes of a file: repetitions of repetitions would fill the memory
DIGITS = re.compile(rb"-?\d+(\.\d+)?")

Fault = Callable[[bytes, Random], bytes]


def mutated(seeds: Sequence[Tree], rng: Random, of_format: Callable[[str, bytes, Random], bytes] | None = None) -> Tree:
    """One of the seeds with a fault in one of its files, or a few; now and then a file is missing, empty or a pipe."""
    tree = dict(rng.choice(seeds))
    name = rng.choice(list(tree))
    kind = rng.random()
    if kind < 0.005:
        tree[name] = None
    elif kind < 0.01:
        tree[name] = b""
    elif kind < 0.02 and len(tree) > 1:
        del tree[name]
    elif kind < 0.03 and len(tree) > 1:
        tree[name] = tree[rng.choice(list(tree))]
    elif kind < 0.05 and len(tree) > 1:
        content = tree.pop(name)
        tree[renamed(name, rng)] = content
    else:
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            content = tree[name] or b""
            changed = anywhere(content, rng) if rng.random() < 0.5 else (of_format or of_suffix)(name, content, rng)
            tree[name] = changed[:LARGEST]
    return tree


def renamed(name: str, rng: Random) -> str:
    """Another name in the same folder: of another number, of odd letters, or hidden."""
    folder, slash, last = name.rpartition("/")
    stem, _, suffix = last.rpartition(".")
    digits = "".join(rng.choice("0123456789") if each.isdigit() else each for each in stem)
    odd = ("-rf", "\x1b[31m", "a\nb", "\udcff", "e\u0301", "\u202e", " ", f".{stem}", f"{stem}2", f"{stem}.{suffix}")
    new = rng.choice((*odd, "n" * 200, digits, digits, digits))
    return f"{folder}{slash}{new}.{rng.choice((suffix, suffix, suffix.upper()))}"


def of_suffix(name: str, content: bytes, rng: Random) -> bytes:
    """A fault in the format that the name says, where the content still is of it; else anywhere."""
    fault = BY_SUFFIX.get(name.rpartition(".")[2].lower(), numbers)
    if name.endswith((".gz", ".tgz")):
        return packed(name, content, rng)
    try:
        return fault(content, rng)
    except Exception:  # an earlier fault has left nothing of the format
        return anywhere(content, rng)


# ----------------------------------------------------------------------------------------------------------------------
# Any bytes


def anywhere(data: bytes, rng: Random) -> bytes:
    """Bytes changed, inserted, removed, repeated, swapped or cut off, without regard to what they are."""
    if not data:
        return rng.choice(HEADS)
    changed = bytearray(data)
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 64, 1000))
    match rng.randrange(12):
        case 0 | 1:
            for _ in range(rng.choice((1, 2, 8, 64))):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 2:
            for _ in range(rng.choice((1, 2, 8, 64))):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        case 3:
            changed[at:at] = rng.randbytes(length)
        case 4:
            del changed[at : at + length]
        case 5:
            changed[at:at] = data[at : at + length] * rng.choice(MANY)
        case 6:
            other = rng.randrange(len(data))
            here, there = slice(at, at + length), slice(other, other + length)
            changed[here], changed[there] = data[there], data[here]
        case 7:
            del changed[at:]
        case 8:
            changed[at : at + length] = bytes([rng.choice((0, 255))]) * length
        case 9:
            head = rng.choice(HEADS)
            changed[: rng.choice((0, len(head)))] = head
        case 10:
            return numerals(data, rng)
        case 11:
            return numbers(data, rng)
    return bytes(changed)


def numbers(data: bytes, rng: Random) -> bytes:
    """Numbers of 1, 2, 4 or 8 bytes, of either byte order, made huge, small or any: half of them near the beginning."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        width = rng.choice((1, 2, 4, 8))
        at = rng.randrange(max(1, len(data) if rng.random() < 0.5 else min(len(data), 128)))
        at -= at % rng.choice((1, width))
        value = rng.choice((rng.choice(HUGE), rng.choice(SMALL), rng.getrandbits(64), rng.randrange(len(data) + 2)))
        changed[at : at + width] = (value % 2 ** (8 * width)).to_bytes(width, rng.choice(("little", "big")))
    return bytes(changed)


def numerals(data: bytes, rng: Random) -> bytes:
    """A number in digits made another, or none."""
    found = list(DIGITS.finditer(data[: 2**16]))
    if not found:
        return numbers(data, rng)
    place = rng.choice(found)
    return data[: place.start()] + rng.choice(NUMERALS).encode() + data[place.end() :]


# ----------------------------------------------------------------------------------------------------------------------
# Text


def text(data: bytes, rng: Random) -> bytes:
    """Lines and cells, numerals, brackets, and what text editors and other systems make of a text."""
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(12):
        case 0 | 1 | 2:
            return numerals(data, rng)
        case 3:
            lines[at] = b""
        case 4:
            lines[at:at] = [lines[at]] * rng.choice(MANY)
        case 5:
            lines[at], lines[other] = lines[other], lines[at]
        case 6:
            del lines[at]
        case 7 | 8:
            separator = rng.choice((b",", b" ", b"\t", b'"'))
            cells = lines[at].split(separator)
            place = rng.randrange(len(cells))
            new = rng.choice((*TEXTS, *NUMERALS, *LONG)).encode("utf-8", "surrogatepass")
            cells[place : place + rng.randrange(2)] = [new] * rng.choice((1, 1, 1, 1000))
            lines[at] = separator.join(cells)
        case 9:
            lines[at] = lines[at].replace(b" ", b",") if rng.random() < 0.5 else lines[at].replace(b",", b";")
        case 10:
            lines[at] = rng.choice((b"[", b'{"a":', b'"', b"(")) * rng.choice((3, DEEP))
        case 11:
            encoding = rng.choice(("utf-16", "utf-8-sig", "cp037"))
            return data.decode("utf-8").encode(encoding, "replace")
    return rng.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r")).join(lines)


def of_json(data: bytes, rng: Random) -> bytes:
    """One value replaced, removed, repeated or put deeper, or a fault of any text."""
    if rng.random() < 0.3:
        return text(data, rng)
    value = json.loads(data)
    places = list(_places(value))
    if not places:
        return text(data, rng)
    holder, key = rng.choice(places)
    match rng.randrange(6):
        case 0 | 1 | 2:
            holder[key] = rng.choice(ODD)
        case 3:
            del holder[key]
        case 4:
            holder[key] = [holder[key]] * rng.choice(MANY)
        case 5:
            holder[key] = {"a": holder[key]}
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value):
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def json_lines(data: bytes, rng: Random) -> bytes:
    """A fault in one of the lines, or in the text."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    if rng.random() < 0.3 or not lines[at].strip():
        return text(data, rng)
    lines[at] = of_json(lines[at], rng)
    return b"\n".join(lines)


# ----------------------------------------------------------------------------------------------------------------------
# Arrays and records


def npy(data: bytes, rng: Random) -> bytes:
    """The header of a NumPy file, with its length made right."""
    start, length = 10, int.from_bytes(data[8:10], "little")
    head, values = data[start : start + length], data[start + length :]
    kinds = (b"<f4", b"<f8", b"|O", b"|S8", b">i8", b"|u1", b"<c16", b"<f2", b"<M8[s]", b"|V9", b"<U4")
    match rng.randrange(5):
        case 0:
            head = re.sub(rb"'descr': '[^']*'", b"'descr': '" + rng.choice(kinds) + b"'", head)
        case 1 | 2:
            whole = (*SMALL, *HUGE, -1, -(2**31), len(values))
            shape = ", ".join(str(rng.choice(whole)) for _ in range(rng.choice((0, 1, 2, 2, 2, 3, 40))))
            head = re.sub(rb"'shape': \([^)]*\)", f"'shape': ({shape},)".encode(), head)
        case 3:
            head = text(head, rng)
        case 4:
            head = rng.choice((b"[" * DEEP, b"__import__('os').system('true')", b"{}", b"{" + b"'a':1," * 1000 + b"}"))
    head = head[: 2**16 - 1]
    return data[:8] + struct.pack("<H", len(head)) + head + values


@lru_cache(maxsize=64)
def _records(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at + 12 : at + 12 + length])
        at += 16 + length
    return found


def tfrecords(data: bytes, rng: Random) -> bytes:
    """Records whose checksums are right: of other contents, order or number."""
    records = list(_records(data))
    at, other = rng.randrange(len(records)), rng.randrange(len(records))
    match rng.randrange(7):
        case 0 | 1:
            records[at] = anywhere(records[at], rng)
        case 2 | 3:
            records[at] = example(records[at], rng)
        case 4:
            records[at], records[other] = records[other], records[at]
        case 5:
            del records[at]
        case 6:
            records[at] = rng.choice((b"", b"\n", records[at] * 2, rng.randbytes(20)))
    return b"".join(map(framed, records))


def example(record: bytes, rng: Random) -> bytes:
    """An Example with another shape, encoding or data."""
    from stylegan_tf.data.example import example_class

    whole = example_class().FromString(record)
    feature = whole.features.feature
    match rng.randrange(6):
        case 0 | 1:
            shape = feature["shape"].int64_list.value
            sizes = (*SMALL, 4, 16, 1024, 8192, 2**31, 2**62, -1)
            shape[:] = [rng.choice((rng.choice(sizes), *shape)) for _ in range(rng.choice((3, 3, 3, 3, 2, 4, 0)))]
        case 2:
            feature["encoding"].bytes_list.value[:] = [rng.choice((b"png", b"gzip", b"none", b"", b"\xff", b"jpeg"))]
        case 3:
            data = feature["data"].bytes_list.value[0]
            changed = png(data, rng) if data.startswith(b"\x89PNG") else numbers(data, rng)
            feature["data"].bytes_list.value[:] = [changed]
        case 4:
            del feature[rng.choice(list(feature))]
        case 5:
            raw = zlib.compress(bytes(rng.choice((0, 192, 2**20, 2**25))), 9, 31)
            feature["data"].bytes_list.value[:] = [raw]
            feature["encoding"].bytes_list.value[:] = [b"gzip"]
    return whole.SerializeToString(deterministic=True)


def hdf5(data: bytes, rng: Random) -> bytes:
    """Eight-byte and smaller numbers where the tables are, made huge or any, and texts of the file made others."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 3))):
        width = rng.choice((8, 8, 4, 2, 1))
        at = rng.randrange(min(len(data), 40_000)) // width * width
        value = rng.choice((*HUGE, rng.getrandbits(64), rng.randrange(len(data)), *SMALL)) % 2 ** (8 * width)
        changed[at : at + width] = value.to_bytes(width, "little")
    return bytes(changed)


# ----------------------------------------------------------------------------------------------------------------------
# Archives and packed files


@lru_cache(maxsize=64)
def _entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(data: bytes, rng: Random) -> bytes:
    """A fault in one of the entries, packed with the right checksum, in names, or in the archive's own records."""
    entries = dict(_entries(data))
    name = rng.choice(list(entries))
    match rng.randrange(8):
        case 0 | 1 | 2:
            entries[name] = of_suffix(name, entries[name], rng)
        case 3:
            entries[name] = anywhere(entries[name], rng)
        case 4:
            entries[_name(name, rng)] = entries.pop(name)
        case 5:
            tail = 22 + 60 * len(entries)
            return data[:-tail] + rng.choice((numbers, anywhere))(data[-tail:], rng)
        case 6:
            entries[name] = bytes(rng.choice((2**16, 2**24)))
        case 7:
            entries |= {f"{number}{name[-4:]}": b"" for number in range(rng.choice(MANY))}
    return zip_of(entries, rng.random() < 0.5)


def zip_of(entries: Mapping[str, bytes], deflate: bool) -> bytes:
    """A zip file, always the same one."""
    file, method = io.BytesIO(), zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def _name(name: str, rng: Random) -> str:
    """Another name for a file in an archive."""
    odd = ("../up", "/root", "C:x", "a\\..\\b", "\x1b[2J", "n" * 300, ".", "a\nb", "con", "\u202egnp", " ")
    return rng.choice((*odd, "\xe9", "e\u0301", name.upper(), name + "/", "./" + name, name + "2", "a/b/" + name))


def tarred(data: bytes, rng: Random) -> bytes:
    """A fault in one of the members, in names and kinds, or in the headers with the right checksum."""
    if rng.random() < 0.4:
        changed = bytearray(data)
        at = rng.choice([at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"])
        fields = {0: 100, 100: 8, 124: 12, 136: 12, 156: 1, 157: 100, 345: 155}  # POSIX.1-1988, ustar
        field, width = rng.choice(list(fields.items()))
        octal = rng.choice((*HUGE, *SMALL, -1))
        binary = b"\x80" + octal.to_bytes(11, "big", signed=True)
        values = (b"%o" % abs(octal), binary, b"-1", b"", b"../up", *(b"%c" % kind for kind in b"123567xLKSg"))
        changed[at + field : at + field + width] = rng.choice(values)[:width].ljust(width, b"\0")
        changed[at + 148 : at + 156] = b" " * 8
        changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + 512])
        return bytes(changed)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        entries = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    name = rng.choice(list(entries))
    kind = tarfile.REGTYPE
    match rng.randrange(4):
        case 0 | 1:
            entries[name] = of_suffix(name, entries[name], rng)
        case 2:
            new = _name(name, rng)
            entries[new] = entries.pop(name)
        case 3:
            kind = rng.choice((b"1", b"2", b"3", b"6", b"S"))  # links, devices, a pipe, a sparse file
    return tar_of(entries, name, kind)


def tar_of(entries: Mapping[str, bytes], odd: str = "", kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar file, always the same one; `odd` is a member of another kind."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind if name == odd else tarfile.REGTYPE
            member.linkname = "/etc/hostname" if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def packed(name: str, data: bytes, rng: Random) -> bytes:
    """A fault in what is packed by gzip, very much of it, or a fault of the packing."""
    try:
        inner = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return anywhere(data, rng)
    inside = name[: -len(".gz")] if name.endswith(".gz") else "x.tar"
    match rng.randrange(5):
        case 0 | 1 | 2:
            inner = of_suffix(inside, inner, rng)
        case 3:
            inner += bytes(rng.choice((1, 2**16, 2**24)))
        case 4:
            return data + rng.choice((data, b"\0", rng.randbytes(20)))
    return gzip.compress(inner, 1, mtime=0)


# ----------------------------------------------------------------------------------------------------------------------
# Pictures


def png(data: bytes, rng: Random) -> bytes:
    """Chunks of other sizes, contents, order or number, with right checksums."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = rng.choice((0, rng.randrange(len(chunks))))
    kind, content = chunks[place]
    match rng.randrange(6):
        case 0 | 1:
            chunks[place] = kind, (numbers if content else anywhere)(content, rng)
        case 2:
            chunks[place:place] = [chunks[place]] * rng.choice(MANY)
        case 3:
            del chunks[place]
        case 4:
            kinds = (b"iTXt", b"zTXt", b"tEXt", b"iCCP", b"acTL", b"fcTL", b"eXIf", b"PLTE", b"tRNS", b"gAMA", b"IEND")
            bomb = b"a\0\0" + zlib.compress(bytes(rng.choice((10, 2**16, 2**24))))
            chunks[rng.randrange(len(chunks)) : 0] = [(rng.choice(kinds), rng.choice((bomb, rng.randbytes(30), b"")))]
        case 5:
            other = rng.randrange(len(chunks))
            chunks[place], chunks[other] = chunks[other], chunks[place]
    parts = (struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return data[:8] + b"".join(parts)


# ----------------------------------------------------------------------------------------------------------------------
# Pickles


@lru_cache(maxsize=64)
def _steps(data: bytes) -> tuple[list, list[bytes]]:
    steps = [(opcode, at) for opcode, _, at in pickletools.genops(data)]
    ends = [at for _, at in steps[1:]] + [len(data)]
    return steps, [data[at:end] for (_, at), end in zip(steps, ends, strict=True)]


def of_pickle(data: bytes, rng: Random) -> bytes:
    """A fault in the opcodes: cut off, swapped, replaced, repeated, nested, foreign names, huge announced sizes."""
    steps, pieces = _steps(data)
    pieces = pieces.copy()
    place, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
    match rng.randrange(10):
        case 0:
            return b"".join(pieces[:place])
        case 1:
            pieces[place], pieces[other] = pieces[other], pieces[place]
        case 2:
            pieces[place] = rng.choice(pickletools.opcodes).code.encode("latin-1") + pieces[place][1:]
        case 3:
            pieces[place] *= rng.choice((2, 100))
        case 4:
            nesting = rng.choice((b"]", b"(", b"}", b"\x85", b"(l", b")", b"2", b"]2a"))
            pieces[place:place] = [nesting * rng.randrange(5000)]
        case 5:
            call = rng.choice((b"", b")R", b"b"))
            pieces[place] = b"c" + rng.choice(FOREIGN) + b"\n" + rng.choice(FOREIGN) + b"\n" + call
        case 6:
            del pieces[place]
        case 7:
            pieces[place] = numerals(pieces[place], rng)
        case _:
            sized = [at for at, (opcode, _) in enumerate(steps) if opcode.arg is not None and len(pieces[at]) > 1]
            place = rng.choice(sized)
            pieces[place] = pieces[place][:1] + _resized(pieces[place][1:], steps[place][0], rng)
    return b"".join(pieces)


def _resized(argument: bytes, opcode: pickletools.OpcodeInfo, rng: Random) -> bytes:
    """The first one, four or eight bytes, which hold a length or a number, made large or any."""
    width = 8 if opcode.name.endswith("8") or opcode.name == "FRAME" else 4 if len(argument) >= 4 else len(argument)
    number = rng.choice((*HUGE, rng.getrandbits(64))) % 2 ** (8 * width)
    return number.to_bytes(width, "little") + argument[width:]


BY_SUFFIX: dict[str, Fault] = {
    **dict.fromkeys(("txt", "csv", "tsv", "log", "md"), text),
    **{"json": of_json, "jsonl": json_lines, "npy": npy, "labels": npy, "tfrecords": tfrecords, "png": png},
    **dict.fromkeys(("h5", "hdf5"), hdf5),
    **dict.fromkeys(("zip", "keras", "npz", "pt", "pth"), zipped),
    **{"tar": tarred, "pkl": of_pickle},
}
