"""Readers of data sets, of the pictures that they are made of, and of the lists and known sources beside them."""

import gzip
import io
import json
import pickle
import struct
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from stylegan_tf.data.attributes import read_attributes
from stylegan_tf.data.describe import count_labels, info
from stylegan_tf.data.importers import apart, folder
from stylegan_tf.data.importers.celeba import create_celeba
from stylegan_tf.data.importers.check import Faults, open_picture, pillow_limits, read_header
from stylegan_tf.data.importers.cifar import BATCHES, create_cifar10, create_cifar100
from stylegan_tf.data.importers.compare import compare
from stylegan_tf.data.importers.convert import convert
from stylegan_tf.data.importers.display import display
from stylegan_tf.data.importers.extract import extract
from stylegan_tf.data.importers.hdf5 import create_from_hdf5
from stylegan_tf.data.importers.images import create_from_images
from stylegan_tf.data.importers.labels import read_labels as read_lists
from stylegan_tf.data.importers.lsun import create_lsun
from stylegan_tf.data.importers.mnist import IMAGES, LABELS, create_mnist
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.plan import make_plan
from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.importers.store import Storage
from stylegan_tf.data.importers.svhn import FILES, create_svhn
from stylegan_tf.data.layout import DataSet, read_labels
from stylegan_tf.data.verifying import verify
from stylegan_tf.data.writing import encode_levels
from tests.fuzz import Target, Tree
from tests.fuzz.mutations import tar_of, zip_of
from tests.fuzz.worker import Forked

ONE = Storage(workers=1)
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (4, 8, 8, 3), np.uint8)
LARGER = RANDOM.integers(0, 256, (16, 24, 3), np.uint8)
WANTED = Options(resolution=8, crop="center", channels="rgb", background="white", workers=1)


def npy(array) -> bytes:
    """A file of np.save."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def picture(form="PNG", pixels=LARGER, mode="RGB", **options) -> bytes:
    """A picture file."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, form, **options)
    return file.getvalue()


def is_whole(made: DataSet | None) -> None:
    """Every record of a data set that was made can be read."""
    assert made is not None and verify(made.directory).num_images == made.num_images


# ----------------------------------------------------------------------------------------------------------------------
# Data sets


def labels_seeds() -> list[Tree]:
    one_hot = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    arrays = (one_hot, np.arange(8.0).reshape(4, 2), one_hot.astype(np.uint8))
    return [{"n-rxx.labels": npy(labels)} for labels in arrays]


def labels(path: Path, out: Path) -> None:
    found = read_labels(path, 4)
    assert found is None or found.dtype == np.float32 and len(found) == 4 and np.isfinite(found).all()


def data_sets() -> list[Tree]:
    """Of each compression, and one as the original tool writes them."""
    result = []
    for compression in ("none", "png", "gzip"):
        fine, coarse = encode_levels(PIXELS, compression)
        facts = {"name": "n", "num_images": 4, "sizes": {"n-r03.tfrecords": len(fine)}, "classes": ["a", "b", "c"]}
        facts |= {"command": "create_from_images", "crop": [0, 2, 8, 4], "compression": compression}
        tree = {"n-r03.tfrecords": fine, "n-r02.tfrecords": coarse, "dataset.json": json.dumps(facts).encode()}
        result.append(tree | {"n-rxx.labels": npy(np.eye(3, dtype=np.float32)[[0, 1, 2, 0]])})
    return [*result, dict(list(result[0].items())[:2])]


def of_info(path: Path, out: Path) -> None:
    told = info(path)
    print(told)
    if told.data_set.labels is not None:
        print(count_labels(path))


def of_compare(path: Path, out: Path) -> None:
    assert compare(path, path).same()


# ----------------------------------------------------------------------------------------------------------------------
# Pictures


def pictures(form: str, *modes: str, **options) -> Callable[[], list[Tree]]:
    """Files of this format, in each mode."""
    return lambda: [{f"a.{form.lower()}": picture(form, mode=mode, **options)} for mode in modes]


def others() -> list[Tree]:
    """Formats that few people have, and Pillow reads."""
    forms = ("PPM", "TGA", "PCX", "ICO", "SGI", "DDS", "JPEG2000", "AVIF", "IM", "QOI", "MSP", "ICNS")
    Image.init()
    modes = {"MSP": "1"}
    options = {"ICO": {"sizes": [(16, 16)]}, "ICNS": {"sizes": [(16, 16)]}}
    made = {form: partial(picture, form, mode=modes.get(form, "RGB"), **options.get(form, {})) for form in forms}
    return [{f"a.{form.lower()}": make()} for form, make in made.items() if form in Image.SAVE]


def of_tiff() -> list[Tree]:
    ways = (None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits")
    return [{"a.tif": picture("TIFF", compression=way)} for way in ways] + [{"a.tif": picture("TIFF", mode="I;16")}]


def of_jpeg() -> list[Tree]:
    exif = Image.Exif()
    exif[0x0112] = 6
    rest = (picture("JPEG", mode="L"), picture("JPEG", mode="CMYK"), picture("JPEG", progressive=True))
    return [{"a.jpg": content} for content in (picture("JPEG", exif=exif.tobytes()), *rest)]


def of_picture(path: Path, out: Path) -> None:
    """As create_from_images reads each file, first its header."""
    source, faults = Source(path.name, str(path), path.stat().st_size), Faults()
    with pillow_limits():
        plan = make_plan([source], [read_header(source)], WANTED, faults)
        if plan is not None and not faults:
            done = convert(plan, "none", [source])
            for fault in done.faults.values():
                faults.add(source.name, fault)
            assert faults or done.count == 1 and len(done.blobs) == 2
    faults.refuse(path.parent, 1)
    assert plan is not None


# ----------------------------------------------------------------------------------------------------------------------
# Folders, archives and lists


NAMES = ("a/0.png", "a/1.png", "b/2.png", "b/3.jpg")
FILES_OF = dict(zip(NAMES, [*map(partial(picture, "PNG"), PIXELS[:3]), picture("JPEG", PIXELS[3])], strict=True))
LISTED = {
    "dataset.json": json.dumps({"labels": [[name, number % 2] for number, name in enumerate(NAMES)]}),
    "metadata.csv": "file_name,label\n" + "".join(f"{name},{number % 3}\n" for number, name in enumerate(NAMES)),
    "metadata.jsonl": "".join(json.dumps({"file_name": name, "label": [0.5, 3]}) + "\n" for name in NAMES),
}
NAMED = {
    "labels.csv": "name,label\n" + "".join(f'"{name}",red\n' for name in NAMES),
    "vectors.tsv": "file_name\tx\ty\n" + "".join(f"{name}\t0.25\t{number}\n" for number, name in enumerate(NAMES)),
    "labels.json": json.dumps({"labels": dict.fromkeys(NAMES, "cat")}),
    "labels.jsonl": "".join(json.dumps({"file_name": name, "x": 1, "y": -2.5}) + "\n" for name in NAMES),
    "list_attr_mine.txt": "4\nbald smiling\n" + "".join(f"{name} 1 -1\n" for name in NAMES),
    "list_attr_mine.csv": "image_id,bald,smiling\n" + "".join(f"{name},1,0\n" for name in NAMES),
}


def folders() -> list[Tree]:
    return [FILES_OF | {name: text.encode()} for name, text in LISTED.items()]


def listed_folders() -> list[Tree]:
    return [FILES_OF | {"list_attr_mine.txt": NAMED["list_attr_mine.txt"].encode()}]


def of_listed(path: Path, out: Path) -> None:
    made = create_from_images(out, path, replace(WANTED, labels="list_attr_mine.txt", mirror=True))
    is_whole(made)
    assert read_attributes(out / "list_attr_out.txt", made.num_images).files


def zips() -> list[Tree]:
    return [{"p.zip": zip_of(tree, deflate)} for tree, deflate in zip(folders(), (False, True, False), strict=True)]


def tars() -> list[Tree]:
    return [{"p.tar": tar_of(tree)} for tree in folders()]


def packed_tars() -> list[Tree]:
    return [{"p.tgz": gzip.compress(tree["p.tar"], mtime=0)} for tree in tars()]


def of_images(path: Path, out: Path) -> None:
    is_whole(create_from_images(out, path, WANTED))


def lists() -> list[Tree]:
    return [{name: text.encode()} for name, text in (LISTED | NAMED).items()]


def of_list(path: Path, out: Path) -> None:
    """The labels of pictures that are not looked at, from a list among them or one that is named."""
    found, faults = folder.sources(path.parent), Faults()
    found.pictures[:] = [Source(name, str(path), 1) for name in NAMES]
    told = read_lists(found, "auto" if path.name in LISTED else str(path), faults)
    faults.refuse(path.parent, len(NAMES))
    if told is not None:
        rows = told.rows(NAMES)
        assert rows.dtype == np.float32 and rows.shape == (len(NAMES), told.size) and np.isfinite(rows).all()


def attributes() -> list[Tree]:
    kaggle = "image_id,bald,smiling\n" + "".join(f"{number:06d}.jpg,-1,1\n" for number in range(4))
    return [{name: NAMED[name].encode()} for name in NAMED if "attr" in name] + [{"list_attr_b.csv": kaggle.encode()}]


def of_attributes(path: Path, out: Path) -> None:
    found = read_attributes(path)
    assert found.table.shape == (len(found.files), len(found.names)) and found.table.dtype == bool


# ----------------------------------------------------------------------------------------------------------------------
# Known sources


def celebas() -> list[Tree]:
    pixels = RANDOM.integers(0, 256, (218, 178, 1), np.uint8).repeat(3, axis=2) // 64
    listed = b"2\nbald smiling\n000001.jpg 1 -1\n000002.jpg -1 -1\n"
    named = b"image_id,bald,smiling\n000001.jpg,1,-1\n000002.jpg,-1,-1\n"
    png = {f"img_align_celeba_png/00000{number}.png": picture("PNG", pixels) for number in (1, 2)}
    jpeg = {f"img_align_celeba/00000{number}.jpg": picture("JPEG", pixels, quality=20) for number in (1, 2)}
    return [png | {"list_attr_celeba.txt": listed}, jpeg | {"list_attr_celeba.csv": named}]


def idx(array) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def digits() -> list[Tree]:
    pixels = RANDOM.integers(0, 256, (3, 28, 28), np.uint8)
    return [{IMAGES: idx(pixels), LABELS: idx(np.array([7, 0, 9], np.uint8))}]


def cifars(names: tuple[str, ...], key: str, meta: str, classes: int) -> list[Tree]:
    content = {"data": RANDOM.integers(0, 256, (2, 3072), np.uint8), key: [3, 1], "filenames": ["a.png", "b.png"]}
    listed = {key.replace("labels", "label_names"): [f"class {number}" for number in range(classes)]}
    return [
        {name: pickle.dumps(content, protocol) for name in names} | {meta: pickle.dumps(listed, protocol)}
        for protocol in (2, 4)
    ]


def house_numbers() -> list[Tree]:
    pixels, numbers = RANDOM.integers(0, 256, (2, 3, 32, 32), np.uint8), np.array([10, 3], np.uint8)
    contents = ((pixels, numbers), {"data": pixels, "labels": [1, 2]}, [pixels, numbers])
    return [{name: pickle.dumps(content) for name, content in zip(FILES, contents, strict=True)}]


def hdf5s() -> list[Tree]:
    import h5py

    planes = PIXELS.transpose(0, 3, 1, 2)
    kinds = ({}, {"chunks": (1, 3, 8, 8), "compression": "gzip"}, {"chunks": (2, 3, 8, 8), "fletcher32": True})
    result: list[Tree] = []
    for kind in kinds:
        file = io.BytesIO()
        with h5py.File(file, "w") as written:
            written.create_dataset("data8x8", data=planes, **kind)
            written.create_dataset("data4x4", data=planes[:, :, ::2, ::2])
            written.attrs["about"] = "pictures"
        result.append({"p.h5": file.getvalue(), "p-labels.npy": npy(np.eye(4, dtype=np.float32))})
    return result


def lsuns() -> list[Tree]:
    import lmdb

    with tempfile.TemporaryDirectory() as place:
        with lmdb.open(place, map_size=2**20) as database, database.begin(write=True) as transaction:
            for number in range(4):
                transaction.put(f"key{number}".encode(), picture("JPEG" if number % 2 else "WEBP"))
            transaction.put(b"large", picture("BMP", LARGER.repeat(8, axis=0)))  # on pages of its own
        return [{"data.mdb": (Path(place) / "data.mdb").read_bytes()}]


def fork() -> None:
    """See Forked. What pictures need is imported before, as nothing may be in the fork: pillow-heif, if it is there."""
    open_picture(picture()).close()
    apart.Popen = Forked


def _whole(create: Callable[..., DataSet], path: Path, out: Path, **options) -> None:
    is_whole(create(out, path, storage=ONE, **options))


TARGETS = [
    Target("labels", labels_seeds, labels),
    Target("info", data_sets, of_info),
    Target("verify", data_sets, lambda path, out: print(verify(path)), lists=True),
    Target("display", data_sets, lambda path, out: display(path, out.with_name("out.png"))),
    Target("extract", data_sets, lambda path, out: extract(path, out)),
    Target("compare", data_sets, of_compare),
    *(
        Target(name, seeds, of_picture, lists=True)
        for name, seeds in {
            "png": pictures("PNG", "RGB", "L", "LA", "RGBA", "P", "1", "I;16"),
            "jpeg": of_jpeg,
            "webp": lambda: pictures("WEBP", "RGB", "RGBA")() + pictures("WEBP", "RGB", lossless=True)(),
            "bmp": pictures("BMP", "RGB", "L", "P", "1", "RGBA"),
            "tiff": of_tiff,
            "gif": pictures("GIF", "P", "L"),
            "others": others,
        }.items()
    ),
    Target("folder", folders, of_images, lists=True),
    Target("folder-attributes", listed_folders, of_listed, lists=True, names=("list_attr_mine.txt",), share=4),
    Target("zip", zips, of_images, lists=True, names=tuple(LISTED)),
    Target("tar", tars, of_images, lists=True, names=tuple(LISTED)),
    Target("tgz", packed_tars, of_images, lists=True, names=tuple(LISTED)),
    Target("lists", lists, of_list, lists=True),
    Target("attributes", attributes, of_attributes),
    Target("celeba", celebas, partial(_whole, create_celeba, num_images=2), share=10),
    Target("mnist", digits, partial(_whole, create_mnist)),
    Target("cifar10", partial(cifars, BATCHES, "labels", "batches.meta", 10), partial(_whole, create_cifar10)),
    Target("cifar100", partial(cifars, ("train",), "fine_labels", "meta", 100), partial(_whole, create_cifar100)),
    Target("svhn", house_numbers, partial(_whole, create_svhn)),
    Target("hdf5", hdf5s, lambda path, out: _whole(create_from_hdf5, path / "p.h5", out), start=fork, share=4),
    Target("lsun", lsuns, lambda path, out: _whole(create_lsun, path.parent, out, resolution=8), start=fork, share=4),
]
