"""Network files with something wrong in them: half of the faults where the format is decided, half anywhere.

mutated(files, number) is the same file for the same number, whatever was made before.
"""

import io
import json
import pickletools
import random
import struct
import zipfile
from pathlib import Path

MOST_NESTED = 5000
HUGE = (2**16, 2**31 - 1, 2**32 - 1, 2**40, 2**62, 2**63 - 1)
FOREIGN = (b"os", b"system", b"builtins", b"eval", b"numpy.core.multiarray", b"_reconstruct", b"subprocess", b"Popen")


def mutated(files: list[Path], number: int) -> tuple[bytes, str]:
    """(bytes of one of the files with one fault or a few, its suffix)."""
    rng = random.Random(number)
    path = files[number % len(files)]
    data = path.read_bytes()
    of_format = of_pickle if path.suffix == ".pkl" else of_keras
    return (anywhere(data, rng) if rng.random() < 0.5 else of_format(data, rng)), path.suffix


def anywhere(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, inserted, removed, repeated or swapped, without regard to what they are."""
    kind = rng.choice(("bytes", "bits", "insert", "remove", "repeat", "swap"))
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
        changed[at:at] = data[at : at + length]
    else:
        other = rng.randrange(len(data))
        changed[at : at + length], changed[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    return bytes(changed)


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
        place = rng.choice(sized)
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
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()


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
