"""Every reader of bytes that come from elsewhere: small valid inputs, what is done to them, and how they are read.

An input is a tree of files, {path in a folder: bytes or Special}. `broken(reader, seeds, number)` is the same tree for
the same seeds and number.
"""

import gzip
import io
import json
import os
import pickle
import random
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mutations
import numpy as np
import official_files
import torch_files
from PIL import Image

from stylegan_tf import rundir
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.text import from_json, to_json
from stylegan_tf.data.attributes import read_attributes, write_attributes
from stylegan_tf.data.describe import count_labels, info
from stylegan_tf.data.importers.cifar import BATCHES, create_cifar10
from stylegan_tf.data.importers.hdf5 import create_from_hdf5
from stylegan_tf.data.importers.images import create_from_images
from stylegan_tf.data.importers.lsun import create_lsun
from stylegan_tf.data.importers.mnist import IMAGES, LABELS, create_mnist
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.store import Storage
from stylegan_tf.data.importers.svhn import FILES as SVHN
from stylegan_tf.data.importers.svhn import create_svhn
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.data.verifying import verify
from stylegan_tf.data.writing import Writer
from stylegan_tf.weights import load, official_pickle, torch_file

SECRET = b"never to be read"  # repeated in a file beside the input, which inputs point to
OUTSIDE = "../outside/secret"  # seen from the input
IMPORT = Options(workers=1, resolution=8, crop="center", channels="rgba")
ONE_THREAD = Storage(workers=1)
SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}
STYLE = {"z_dim": 4, "w_dim": 4, "mapping_fmaps": 4, "mapping_layers": 2}
RUN = "00000-fuzz"
CHECKPOINT = f"{RUN}/{rundir.CHECKPOINTS}/000000064"


@dataclass(frozen=True)
class Special:
    """What is no plain file: kind "fifo", "folder" or "link" (to `target`)."""

    kind: str
    target: str = ""


Tree = dict[str, "bytes | Special"]
Mutator = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Reader:
    """seeds: valid inputs. read(folder, target): reads an input, writes into `target` alone; raises AssertionError for
    a result that is not good. formats: end of a file's name -> what breaks it where its format is decided; files that
    end otherwise stay whole. hostile: inputs made to do harm, of a random number generator and the secret's address.
    """

    seeds: Callable[[], list[Tree]]
    read: Callable[[Path, Path], object]
    formats: dict[str, Mutator]
    hostile: Sequence[Callable[[random.Random, str], Tree]] = ()
    heavy: bool = False  # needs TensorFlow


def broken(reader: Reader, seeds: Sequence[Tree], number: int, secret: str) -> Tree:
    """One of the seeds with a fault or a few in one of its files, or a hostile input."""
    rng = random.Random(number)
    if reader.hostile and rng.random() < 0.1:
        return rng.choice(reader.hostile)(rng, secret)
    tree = dict(seeds[number % len(seeds)])
    name = rng.choice([name for name in tree if _format(reader, name)])
    data = tree[name]
    assert isinstance(data, bytes)
    way = rng.random()
    if way < 0.02:
        links = Special("link", "nowhere"), Special("link", ".")
        tree[name] = rng.choice((Special("fifo"), Special("folder"), *links, b""))
    elif way < 0.05:
        others = [each[name] for each in seeds if name in each]
        tree[name] = mutations.spliced(data, rng.choice([other for other in others if isinstance(other, bytes)]), rng)
    elif way < 0.45:
        tree[name] = mutations.anywhere(data, rng)
    else:
        change = _format(reader, name)
        assert change is not None
        try:
            tree[name] = change(data, rng)
        except Exception:  # not every fault can be made in every file
            tree[name] = mutations.anywhere(data, rng)
    return tree


def _format(reader: Reader, name: str) -> Mutator | None:
    return next((change for end, change in reader.formats.items() if name.endswith(end)), None)


def make_outside(folder: Path) -> Path:
    """The files that no reader may touch, as bytes and as HDF5; inputs point to them."""
    folder.mkdir()
    content = SECRET * 100
    (folder / "secret").write_bytes(content)
    pixels = np.frombuffer(content[:384], np.uint8).reshape(2, 3, 8, 8)
    (folder / "secret.h5").write_bytes(hdf5_file(lambda file: file.create_dataset("data", data=pixels)))
    return folder / "secret"


def write(tree: Tree, folder: Path) -> None:
    """Puts an input on the disk."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case bytes():
                path.write_bytes(content)
            case Special("fifo"):
                os.mkfifo(path)
            case Special("folder"):
                path.mkdir()
            case Special("link", target):
                path.symlink_to(target)


# ---------------------------------------------------------------------------------------------------------------------
# Data sets.


def picture(seed: int, side: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), np.uint8)


def data_sets() -> list[Tree]:
    """Three small ones: raw, of PNG files, and of gzip; with labels."""
    trees = []
    for compression in ("none", "png", "gzip"):
        with tempfile.TemporaryDirectory() as made:
            with Writer(Path(made) / "set", "s", 8, 3, {"crop": [0, 2, 8, 4]}, compression=compression) as writer:
                for seed in range(4):
                    writer.add(picture(seed))
                writer.set_labels(np.eye(4, dtype=np.float32)[[0, 1, 2, 1]])
            trees.append({path.name: path.read_bytes() for path in sorted((Path(made) / "set").iterdir())})
    return trees


def read_data_set(folder: Path, target: Path) -> None:
    data_set = open_data_set(folder)
    assert str(info(folder))
    if data_set.labels is not None:
        assert data_set.labels.dtype == np.float32 and np.isfinite(data_set.labels).all(), "labels are not finite"
        assert data_set.labels.ndim == 2 and len(data_set.labels) == data_set.num_images, "labels do not fit"
        assert str(count_labels(folder))
    assert sum(1 for _ in all_pictures(data_set)) == data_set.num_images
    verify(folder)


def importer(create: Callable[[Path, Path], object]) -> Callable[[Path, Path], None]:
    """Reads by making a data set, which is then read."""

    def read(folder: Path, target: Path) -> None:
        create(target / "made", folder)
        read_data_set(target / "made", target)
        assert not any(SECRET in path.read_bytes() for path in (target / "made").iterdir()), "another file was read"

    return read


def labels_cut() -> Tree:
    """A header of labels with nothing behind it."""
    tree = data_sets()[0]
    return tree | {"s-rxx.labels": b"PK\3\4" + bytes(26)}


# ---------------------------------------------------------------------------------------------------------------------
# Pictures, archives of them, and lists beside them.


def image_file(form: str, seed: int, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(seed, 12, 3)).convert(mode).save(file, form, **options)
    return file.getvalue()


def picture_trees() -> list[Tree]:
    """One of each kind that people have, beside a PNG file."""
    kinds: dict[str, tuple[str, str, dict[str, Any]]] = {
        "a.png": ("PNG", "RGB", {}),
        "b.png": ("PNG", "P", {"transparency": 3}),
        "c.jpg": ("JPEG", "RGB", {"quality": 90}),
        "d.gif": ("GIF", "P", {}),
        "e.bmp": ("BMP", "RGB", {}),
        "f.tif": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        "g.webp": ("WEBP", "RGB", {"lossless": True}),
        "h.ppm": ("PPM", "RGB", {}),
        "i.tga": ("TGA", "RGB", {}),
        "j.png": ("PNG", "LA", {}),
        "k.jpg": ("JPEG", "CMYK", {"progressive": True}),
        "l.tif": ("TIFF", "L", {"compression": "tiff_deflate"}),
        "m.jp2": ("JPEG2000", "RGB", {}),
        "n.ico": ("ICO", "RGBA", {"sizes": [(12, 12)]}),
    }
    beside = {"z/whole.png": image_file("PNG", 99)}
    trees: list[Tree] = []
    for seed, (name, (form, mode, options)) in enumerate(kinds.items()):
        trees.append({name: image_file(form, seed, mode, **options)} | beside)
    return trees


def png_bomb(rng: random.Random, secret: str) -> Tree:
    """A small file with very many pixels, or one that announces them."""
    sides = rng.choice(((2**13, 2**13), (2**14, 2**14 - 1), (2**15, 2**13), (2**26, 4)))
    return {"a.png": mutations.huge_png(*sides, whole=rng.random() < 0.3), "z/whole.png": image_file("PNG", 99)}


def few_pictures() -> dict[str, bytes]:
    return {f"{folder}/{seed}.png": image_file("PNG", seed) for folder in "ab" for seed in range(2)}


ROWS = [("a/0.png", 0), ("a/1.png", 1), ("b/0.png", 2), ("b/1.png", 0)]


def lists() -> dict[str, bytes]:
    """Lists of labels by file name, all of the same content."""
    table = "file_name,label\n" + "".join(f"{name},{label}\n" for name, label in ROWS)
    lines = "".join(json.dumps({"file_name": name, "label": label}) + "\n" for name, label in ROWS)
    texts = "".join(json.dumps({"file_name": name, "label": "xyz"[label]}) + "\n" for name, label in ROWS)
    return {
        "dataset.json": json.dumps({"labels": [list(row) for row in ROWS]}).encode(),
        "metadata.csv": table.encode(),
        "metadata.jsonl": lines.encode(),
        "metadata.jsonl ": texts.encode(),
    }


def list_trees() -> list[Tree]:
    return [few_pictures() | {name.strip(): content} for name, content in lists().items()]


def many_classes(rng: random.Random, secret: str) -> Tree:
    """Few bytes that ask for wide labels, deep lists, or very many rows of one picture."""
    kind = rng.choice(("wide", "deep", "rows", "vector"))
    if kind == "wide":
        rows = [[name, 65_535 - number] for number, (name, _) in enumerate(ROWS)]
    elif kind == "rows":
        rows = [["a/0.png", 0]] * 100_000
    else:
        rows = [[name, [0.5] * 50_000] for name, _ in ROWS]
    text = json.dumps({"labels": rows}) if kind != "deep" else "[" * 200_000 + "]" * 200_000
    return few_pictures() | {"dataset.json": text.encode()}


def zip_trees() -> list[Tree]:
    content = list(few_pictures().items())
    packed = [mutations.packed_zip(content), mutations.packed_zip(content, zipfile.ZIP_DEFLATED)]
    packed += [mutations.packed_zip([*content, (name.strip(), text)]) for name, text in lists().items()]
    return [{"p.zip": each} for each in packed]


def zip_bomb(rng: random.Random, secret: str) -> Tree:
    """An entry that unpacks to a thousand times its size, as a picture or as a list, or entries that share bytes."""
    name = rng.choice(("bomb.png", "metadata.jsonl", "dataset.json", "metadata.csv"))
    size = rng.choice((2**26, 2**29))
    data = mutations.deflated_zeros(size, -15)
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0x21, 0, len(data), size, len(name), 0) + name.encode()
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0x21, 0, len(data), size, len(name), *[0] * 6)
    count = rng.choice((1, 1, 50))
    entries = (entry + name.encode()) * count
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), len(head) + len(data), 0)
    return {"p.zip": head + data + entries + end}


def zip_link(rng: random.Random, secret: str) -> Tree:
    """Entries that Unix's zip calls symbolic links."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in few_pictures().items():
            archive.writestr(zipfile.ZipInfo(name), content)
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, rng.choice((OUTSIDE, secret, "a/0.png")))
    return {"p.zip": file.getvalue()}


def tar_trees() -> list[Tree]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in few_pictures().items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [{"p.tar": file.getvalue()}, {"p.tar.gz": gzip.compress(file.getvalue(), mtime=0)}]


def tar_bomb(rng: random.Random, secret: str) -> Tree:
    """Packed zeros without end."""
    return {"p.tar.gz": gzip.compress(bytes(2**24), mtime=0) * rng.choice((4, 40))}


def create_from(name: str) -> Callable[[Path, Path], object]:
    """From the one file in the folder whose name begins so."""

    def create(target: Path, folder: Path) -> object:
        return create_from_images(target, next(folder.glob(f"{name}*")), IMPORT)

    return create


# ---------------------------------------------------------------------------------------------------------------------
# Files of other data sets.


def hdf5_file(fill: Callable[[Any], object]) -> bytes:
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        fill(opened)
    return file.getvalue()


PLANES = np.stack([picture(seed).transpose(2, 0, 1) for seed in range(6)])


def hdf5_trees() -> list[Tree]:
    plain = hdf5_file(lambda file: file.create_dataset("data3x8x8", data=PLANES))
    chunked = hdf5_file(
        lambda file: file.create_dataset("data", data=PLANES, chunks=(2, 3, 8, 8), compression="gzip", fletcher32=True)
    )
    labels = io.BytesIO()
    np.save(labels, np.eye(6, 3, dtype=np.float32))
    return [{"p.h5": plain}, {"p.h5": chunked}, {"p.h5": plain, "p-labels.npy": labels.getvalue()}]


def hdf5_hostile(rng: random.Random, secret: str) -> Tree:
    """Sets that lie in other files, that announce what is not there, that go round in circles."""
    import h5py

    path = rng.choice((secret, OUTSIDE))
    other = f"{path}.h5"
    shape = (2, 3, 8, 8)

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout(shape, np.uint8)
        layout[:] = h5py.VirtualSource(other, "data", shape)
        file.create_virtual_dataset("data", layout)

    def deep(file: Any) -> None:
        group = file
        for _ in range(200):
            group = group.create_group("data")

    def shared(file: Any) -> None:
        file["data"] = PLANES
        for number in range(300):
            file[f"data{number}"] = file["data"]

    fills: dict[str, Callable[[Any], object]] = {
        "external": lambda file: file.create_dataset("data", shape, np.uint8, external=[(path, 0, 384)]),
        "external link": lambda file: file.__setitem__("data", h5py.ExternalLink(other, "/data")),
        "soft link": lambda file: file.__setitem__("data", h5py.SoftLink("/data")),
        "virtual": virtual,
        "huge": lambda file: file.create_dataset("data", (10**9, 3, 8, 8), np.uint8, chunks=(1, 3, 8, 8)),
        "huger": lambda file: file.create_dataset("data", (2**40, 3, 1024, 1024), np.uint8, chunks=(1, 3, 64, 64)),
        "wide": lambda file: file.create_dataset("data", (2, 3, 2**15, 2**15), np.uint8, chunks=(1, 1, 64, 64)),
        "chunk": lambda file: file.create_dataset("data", (1, 3, 8192, 8192), np.uint8, chunks=True, compression=9),
        "deep": deep,
        "shared": shared,
        "types": lambda file: file.create_dataset("data", (2,), np.dtype([("a", "u1"), ("b", h5py.ref_dtype)])),
        "texts": lambda file: file.create_dataset("data", data=["x" * 1000] * 10),
        "empty": lambda file: file.create_dataset("data", data=h5py.Empty("u1")),
    }
    return {"p.h5": hdf5_file(fills[rng.choice(sorted(fills))])}


def lmdb_trees() -> list[Tree]:
    """Of small pictures, and of larger ones, which have pages of their own."""
    import lmdb

    trees: list[Tree] = []
    for side in (8, 48):
        with tempfile.TemporaryDirectory() as made:
            with lmdb.open(made, map_size=2**20) as database, database.begin(write=True) as transaction:
                for seed in range(4):
                    file = io.BytesIO()
                    Image.fromarray(picture(seed, side)).save(file, "PNG")
                    transaction.put(f"{seed:08d}".encode(), file.getvalue())
            trees.append({"data.mdb": (Path(made) / "data.mdb").read_bytes()})
    return trees


def of_lmdb(data: bytes, rng: random.Random) -> bytes:
    """A database cut short at a page, or with other numbers in the heads of its pages."""
    if rng.random() < 0.3:
        return data[: rng.randrange(len(data) // 4096 + 1) * 4096]
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 4))):
        at = rng.randrange(len(data) // 4096) * 4096 + rng.randrange(0, 160, 2)
        width = rng.choice((2, 2, 4, 8))
        number = rng.choice((0, 1, 2, 5, 0xFFFF, 0x1000, *mutations.HUGE, rng.getrandbits(64))) % 2 ** (8 * width)
        changed[at : at + width] = number.to_bytes(width, "little")
    return bytes(changed)


def mnist_trees() -> list[Tree]:
    digits = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    images = struct.pack(">4B3I", 0, 0, 8, 3, 4, 28, 28) + digits.tobytes()
    numbers = struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes([3, 1, 4, 1])
    return [{IMAGES: gzip.compress(images, mtime=0), LABELS: gzip.compress(numbers, mtime=0)}]


def cifar_trees() -> list[Tree]:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3072), np.uint8)
    text, raw = {"data": pixels, "labels": [1, 9]}, {b"data": pixels, b"labels": [0, 3]}
    contents: list[tuple[Any, int]] = [(text, 2), (raw, 4)]
    return [dict.fromkeys(BATCHES, pickle.dumps(content, protocol)) for content, protocol in contents]


def svhn_trees() -> list[Tree]:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), np.uint8)
    numbers = np.array([10, 3], np.uint8)
    contents: list[tuple[Any, int]] = [((pixels, numbers), 2), ({"X": pixels, "y": numbers}, 4)]
    return [dict.fromkeys(SVHN, pickle.dumps(content, protocol)) for content, protocol in contents]


def shared_tuples(names: Sequence[str]) -> Callable[[random.Random, str], Tree]:
    """Pickles of few bytes that stand for very many values: each level holds the one below twice."""

    def make(rng: random.Random, secret: str) -> Tree:
        value: Any = rng.choice(("laugh", b"laugh", 1.5))
        for _ in range(rng.choice((10, 20, 24, 30, 100))):
            value = rng.choice(((value, value), [value, value], {"a": value, "b": value}))
        return dict.fromkeys(names, pickle.dumps(value, rng.choice((2, 4))))

    return make


def nested(names: Sequence[str]) -> Callable[[random.Random, str], Tree]:
    """Pickles of one value inside of another, thousands of times, or of themselves."""

    def make(rng: random.Random, secret: str) -> Tree:
        depth = rng.choice((40, 1000, 100_000))
        kinds = (b"(" * depth + b"N" + b"t" * depth, b"]" * depth + b"a" * (depth - 1), b"]q\0h\0a", b"}q\0K\1h\0s")
        return dict.fromkeys(names, b"\x80\2" + rng.choice(kinds) + b".")

    return make


# ---------------------------------------------------------------------------------------------------------------------
# Networks and vectors.


def made_networks() -> dict[str, Any]:
    from stylegan_tf.configs.schema import (
        DiscriminatorConfig,
        GeneratorConfig,
        ProganDiscriminatorConfig,
        ProganGeneratorConfig,
    )
    from stylegan_tf.networks.kinds import make

    configs = {
        "G": GeneratorConfig(**SMALL, **STYLE),
        "D": DiscriminatorConfig(**SMALL),
        "conditional": GeneratorConfig(**SMALL, **STYLE, label_size=2),
        "progan G": ProganGeneratorConfig(**SMALL, z_dim=4),
        "progan D": ProganDiscriminatorConfig(**SMALL, mbstd_group_size=0),
    }
    return {name: official_files.randomized(make(config)) for name, config in configs.items()}


def official_trees() -> list[Tree]:
    """Official files of protocols 2 to 5."""
    nets = made_networks()
    both = {"G": nets["G"], "D": nets["D"], "Gs": nets["G"]}
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "n.pkl"
        write = partial(official_files.write, path)
        files = [
            write(both, protocol=2, version=2).read_bytes(),
            write({"Gs": nets["conditional"]}, protocol=3).read_bytes(),
            write(both, protocol=4, easy=True).read_bytes(),
            write({"D": nets["progan D"]}, protocol=5, version=4, source="import os").read_bytes(),
            write({"Gs": nets["progan G"]}, protocol=4).read_bytes(),
        ]
    return [{"n.pkl": content} for content in files]


def keras_trees() -> list[Tree]:
    trees: list[Tree] = []
    with tempfile.TemporaryDirectory() as made:
        for network in made_networks().values():
            network.save(Path(made) / "n.keras")
            trees.append({"n.keras": (Path(made) / "n.keras").read_bytes()})
    return trees


def read_networks(folder: Path, target: Path) -> None:
    (path,) = folder.iterdir()
    for network in filter(None, load.load(path)):
        again = type(network).from_config(network.get_config())
        shapes = [variable.shape for variable in again.variables]
        assert shapes == [variable.shape for variable in network.variables], "its shapes are not those that it declares"
        assert all(np.isfinite(variable.numpy()).all() for variable in network.variables), "its numbers are not finite"


def pickle_trees() -> list[Tree]:
    """Recorded official files, which need no network to be made."""
    names = ("cond16", "progan16_cond")
    return [{"n.pkl": (official_files.FOLDER / f"{name}.pkl").read_bytes()} for name in names]


def read_states(folder: Path, target: Path) -> None:
    for state in official_pickle.read(folder / "n.pkl").values():
        assert official_pickle.declared(state).resolution >= 4


def torch_trees() -> list[Tree]:
    rng = np.random.default_rng(0)
    arrays = {"a.weight": rng.normal(size=(4, 3)).astype("f4"), "b": np.arange(3), "c": np.array(1.5, "f2")}
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "n.pth"
        files = [torch_files.write_zip(path, arrays).read_bytes(), torch_files.write_older(path, arrays).read_bytes()]
    return [{"n.pth": content} for content in files]


def of_torch(data: bytes, rng: random.Random) -> bytes:
    return (mutations.of_zip if data[:2] == b"PK" else mutations.of_pickle)(data, rng)


def read_torch(folder: Path, target: Path) -> None:
    path = folder / "n.pth"
    arrays = torch_file.read(path)
    assert sum(array.nbytes for array in arrays.values()) <= path.stat().st_size, "more numbers than the file has"


def npz(**arrays: np.ndarray) -> bytes:
    parts = []
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        parts.append((f"{name}.npy", file.getvalue()))
    return mutations.packed_zip(parts)


W = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
of_npz = partial(mutations.of_zip, inner=mutations.of_npy)


def w_trees() -> list[Tree]:
    return [{"w.npz": npz(w=W, seeds=np.arange(3))}, {"w.npz": npz(w=W.astype(np.float64))}]


def read_w(folder: Path, target: Path) -> None:
    from stylegan_tf.programs.generate import read_w

    w, seeds = read_w(folder / "w.npz", 4)
    assert w.dtype == np.float32 and w.shape == (len(seeds), 4) and np.isfinite(w).all()


def read_directions(folder: Path, target: Path) -> None:
    from stylegan_tf.programs.figures import read_directions

    subject = SimpleNamespace(Gs=SimpleNamespace(synthesis=SimpleNamespace(w_dim=4)))
    names, vectors = read_directions(folder / "directions-n.npz", subject)
    assert vectors.shape == (len(names), 4) and np.isfinite(vectors).all()


# ---------------------------------------------------------------------------------------------------------------------
# Lists of attributes, and what is in a run.


def attribute_trees() -> list[Tree]:
    table = np.random.default_rng(0).random((5, 3)) < 0.5
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "list_attr_celeba.txt"
        write_attributes(path, [f"{n:06d}.jpg" for n in range(5)], ["Male", "Smiling", "Young"], table)
        return [{path.name: path.read_bytes()}]


def read_list(folder: Path, target: Path) -> None:
    found = read_attributes(folder / "list_attr_celeba.txt")
    assert found.table.shape == (len(found.files), len(found.names))


EXPERIMENT = replace(experiment("F", None, None, data_resolution=8), replicas=1)
IDENTITY = {"name": "s", "num_images": 4, "label_size": 0}
TICKS = [
    {"nimg": 1000 * n, "Progress/lod": lod, "Timing/sec_per_kimg": 2.5} for n, lod in enumerate((1.0, 0.5, 0.0, 0.0), 1)
]


def run_trees() -> list[Tree]:
    facts = {
        f"{RUN}/config.json": json.dumps(to_json(EXPERIMENT)),
        f"{RUN}/dataset.json": json.dumps(IDENTITY),
        f"{RUN}/stats.jsonl": "".join(json.dumps(tick) + "\n" for tick in TICKS),
        f"{CHECKPOINT}/progress.json": sealed(),
        f"{CHECKPOINT}/state.index": "",
    }
    return [{name: text.encode() for name, text in facts.items()}]


def sealed() -> str:
    """As checkpoints have it, without the checksums of files, which older ones lack."""
    fields = {"nimg": 64, "seconds": 1.5, "d_steps": 8, "tick": 1, "tick_nimg": 64, "reset_key": [3, 8]}
    return json.dumps(fields | {"sums": {"Loss/D": [1.0, 8]}, "threads": [1, 1], "lengths": {"stats.jsonl": 10}})


def read_run(folder: Path, target: Path) -> None:
    rundir.resume_choice("auto", folder, EXPERIMENT, IDENTITY)
    found = rundir.experiment_of(folder / RUN)
    assert from_json(to_json(found)) == found
    rundir.resume_choice(str(folder / RUN), folder, EXPERIMENT, IDENTITY)


def read_stats(folder: Path, target: Path) -> None:
    from stylegan_tf.programs.train import pace_of

    for stage, seconds in pace_of(folder / RUN, EXPERIMENT).items():
        assert type(stage) is int and isinstance(seconds, float) and np.isfinite(seconds), "no pace"


def read_trained(folder: Path, target: Path) -> None:
    _, nimg = load.trained(folder / CHECKPOINT)
    assert type(nimg) is int and nimg >= 0


def read_progress(folder: Path, target: Path) -> None:
    """As a run that goes on reads it."""
    from stylegan_tf.errors import UserError
    from stylegan_tf.training import checkpoint

    try:
        progress = checkpoint._read(folder / CHECKPOINT, checked=True)
    except checkpoint.UNREADABLE as error:
        raise UserError(f"{folder / CHECKPOINT}: {checkpoint._reason(error)}") from None
    assert type(progress.nimg) is int and isinstance(progress.sums, dict) and isinstance(progress.threads, list)


PLAIN_TEXT = {".txt": mutations.of_text}
READERS = {
    "records": Reader(data_sets, read_data_set, {".tfrecords": mutations.of_records}),
    "labels": Reader(data_sets, read_data_set, {".labels": mutations.of_npy}, [lambda rng, secret: labels_cut()]),
    "facts": Reader(data_sets, read_data_set, {"dataset.json": mutations.of_json}),
    "pictures": Reader(
        picture_trees,
        importer(lambda target, folder: create_from_images(target, folder, IMPORT)),
        {"whole.png": mutations.of_png, ".png": mutations.of_png, "": mutations.anywhere},
        [png_bomb],
    ),
    "lists": Reader(
        list_trees,
        importer(lambda target, folder: create_from_images(target, folder, IMPORT)),
        {".json": mutations.of_json, ".csv": mutations.of_text, ".jsonl": mutations.of_json},
        [many_classes],
    ),
    "zip": Reader(zip_trees, importer(create_from("p")), {".zip": mutations.of_zip}, [zip_bomb, zip_link]),
    "tar": Reader(
        tar_trees,
        importer(create_from("p")),
        {".tar": mutations.of_tar, ".gz": partial(mutations.of_gzip, inner=mutations.of_tar)},
        [tar_bomb],
    ),
    "attributes": Reader(attribute_trees, read_list, PLAIN_TEXT),
    "hdf5": Reader(
        hdf5_trees,
        importer(lambda target, folder: create_from_hdf5(target, folder / "p.h5", storage=ONE_THREAD)),
        {".h5": mutations.sizes_of, ".npy": mutations.of_npy},
        [hdf5_hostile],
    ),
    "lmdb": Reader(
        lmdb_trees,
        importer(lambda target, folder: create_lsun(target, folder, 8, storage=ONE_THREAD)),
        {"data.mdb": of_lmdb},
    ),
    "mnist": Reader(
        mnist_trees,
        importer(lambda target, folder: create_mnist(target, folder, ONE_THREAD)),
        {".gz": mutations.of_gzip},
    ),
    "cifar": Reader(
        cifar_trees,
        importer(lambda target, folder: create_cifar10(target, folder, ONE_THREAD)),
        {"": mutations.of_pickle},
        [shared_tuples(BATCHES), nested(BATCHES)],
    ),
    "svhn": Reader(
        svhn_trees,
        importer(lambda target, folder: create_svhn(target, folder, ONE_THREAD)),
        {"": mutations.of_pickle},
        [shared_tuples(SVHN), nested(SVHN)],
    ),
    "official pickles": Reader(
        pickle_trees, read_states, {".pkl": mutations.of_pickle}, [shared_tuples(["n.pkl"]), nested(["n.pkl"])]
    ),
    "torch": Reader(torch_trees, read_torch, {".pth": of_torch}, [shared_tuples(["n.pth"]), nested(["n.pth"])]),
    "w": Reader(w_trees, read_w, {".npz": of_npz}),
    "config": Reader(run_trees, read_run, {"config.json": mutations.of_json, "dataset.json": mutations.of_json}),
    "stats": Reader(run_trees, read_stats, {"stats.jsonl": mutations.of_json}),
    "nimg": Reader(run_trees, read_trained, {"progress.json": mutations.of_json}),
    "networks": Reader(
        official_trees,
        read_networks,
        {".pkl": mutations.of_pickle},
        [shared_tuples(["n.pkl"]), nested(["n.pkl"])],
        heavy=True,
    ),
    "keras": Reader(keras_trees, read_networks, {".keras": mutations.of_keras}, heavy=True),
    "progress": Reader(run_trees, read_progress, {"progress.json": mutations.of_json}, heavy=True),
}
if find_spec("stylegan_tf.programs.figures"):
    READERS["directions"] = Reader(
        lambda: [{"directions-n.npz": npz(attributes=np.array(["a", "b", "c"]), w=W)}],
        read_directions,
        {".npz": of_npz},
        heavy=True,
    )
