"""Makes and checks data sets: `python dataset_tool.py COMMAND --help` tells about each command."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from stylegan_tf.errors import Failure, exit_code

# What a command does is imported when it is run: --help answers at once.


def display(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.display import display

    print(f"{o.out or 'on the screen'}: the first {display(o.tfrecord_dir, o.out):,} pictures")


def extract(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.extract import extract

    print(f"{o.output_dir}: {extract(o.tfrecord_dir, o.output_dir, o.workers, o.overwrite):,} pictures")


def compare(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.compare import compare

    comparison = compare(o.tfrecord_dir_a, o.tfrecord_dir_b, bool(o.ignore_labels))
    print(comparison)
    if not comparison.same():
        raise Failure("the data sets differ")


def verify(o: argparse.Namespace) -> None:
    from stylegan_tf.data.records import verify

    print(verify(o.tfrecord_dir, o.full))


def info(o: argparse.Namespace) -> None:
    from stylegan_tf.data.describe import info

    print(info(o.tfrecord_dir))


def labels(o: argparse.Namespace) -> None:
    from stylegan_tf.data.describe import labels

    print(labels(o.tfrecord_dir))


def create_from_images(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.images import Options, create_from_images

    given = {field.name: getattr(o, field.name) for field in fields(Options)}
    _tell(create_from_images(o.tfrecord_dir, o.image_dir, Options(**given | {"shuffle": bool(o.shuffle)})))


def create_from_hdf5(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.hdf5 import create_from_hdf5

    _tell(create_from_hdf5(o.tfrecord_dir, o.hdf5_filename, bool(o.shuffle), _storage(o)))


def create_faces(o: argparse.Namespace) -> None:
    from stylegan_tf.data.faces.create import create_faces

    _tell(create_faces(o.tfrecord_dir, o.resolution, o.num_images, o.seed, o.workers, o.compression, o.overwrite))


def create_mnist(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.mnist import create_mnist

    _tell(create_mnist(o.tfrecord_dir, o.mnist_dir, _storage(o)))


def create_mnistrgb(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.mnist import create_mnistrgb

    _tell(create_mnistrgb(o.tfrecord_dir, o.mnist_dir, o.num_images, o.random_seed, _storage(o)))


def create_cifar10(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.cifar import create_cifar10

    _tell(create_cifar10(o.tfrecord_dir, o.cifar10_dir, _storage(o)))


def create_cifar100(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.cifar import create_cifar100

    _tell(create_cifar100(o.tfrecord_dir, o.cifar100_dir, _storage(o)))


def create_svhn(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.svhn import create_svhn

    _tell(create_svhn(o.tfrecord_dir, o.svhn_dir, _storage(o)))


def create_lsun(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.lsun import create_lsun

    _tell(create_lsun(o.tfrecord_dir, o.lmdb_dir, o.resolution, o.max_images, _storage(o)))


def create_lsun_wide(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.lsun import create_lsun_wide

    _tell(create_lsun_wide(o.tfrecord_dir, o.lmdb_dir, o.width, o.height, o.max_images, _storage(o)))


def create_celeba(o: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.celeba import create_celeba

    _tell(create_celeba(o.tfrecord_dir, o.celeba_dir, o.cx, o.cy, _storage(o)))


def _storage(o: argparse.Namespace):
    from stylegan_tf.data.importers.store import Storage

    return Storage(o.compression, o.overwrite, o.workers)


def _tell(data_set) -> None:
    if data_set is not None:  # --scan_only makes none
        size = f"{data_set.resolution}x{data_set.resolution}x{data_set.channels}"
        print(f"{data_set.directory}: {data_set.num_images:,} pictures of {size} at {len(data_set.stages)} resolutions")


def _natural(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number above zero, not {text!r}")


Argument = tuple[str, dict[str, Any]]
Command = tuple[Callable[[argparse.Namespace], None], str, tuple[Argument, ...]]  # work, help, arguments


def _place(name: str, help: str) -> Argument:
    return name, {"metavar": name.upper(), "help": help}


def _number(name: str, default: int | None, help: str, kind: Callable[[str], int] = _natural) -> Argument:
    told = help if default is None else f"{help} (default: {default})"
    return f"--{name}", {"default": default, "help": told, "type": kind, "metavar": "N"}


def _choice(name: str, help: str, *choices: str) -> Argument:
    return f"--{name}", {"default": choices[0], "help": f"{help} (default: {choices[0]})", "choices": choices}


def _switch(name: str, help: str) -> Argument:
    return f"--{name}", {"action": "store_true", "help": help}


SET = _place("tfrecord_dir", "folder of the data set")
SHUFFLE = ("--shuffle", {"type": int, "choices": (0, 1), "default": 1, "help": "0: as stored (default: 1)"})
IGNORE = ("--ignore_labels", {"type": int, "choices": (0, 1), "nargs": "?", "const": 1, "default": 0})
MAX_IMAGES = _number("max_images", None, "no more than so many pictures")
WORKERS = _number("workers", min(os.cpu_count() or 1, 16), "how many share the work")
MNIST = _place("mnist_dir", "folder of train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz")
HDF5 = _place("hdf5_filename", "HDF5 file of pictures uint8 [N, C, H, W]")
CIFAR10 = _place("cifar10_dir", "folder of data_batch_1 to data_batch_5")
CIFAR100 = _place("cifar100_dir", "folder of the file train")
SVHN = _place("svhn_dir", "folder of train_1.pkl, train_2.pkl and train_3.pkl")
CELEBA = _place("celeba_dir", "folder of img_align_celeba_png, and perhaps list_attr_celeba.txt")
LMDB = _place("lmdb_dir", "folder of the LMDB database")
COMPRESSION = _choice("compression", "of the records; none: the official ones", "none", "png", "gzip")
OVERWRITE = _switch("overwrite", "replace what is there")
STORAGE = (COMPRESSION, OVERWRITE, WORKERS)
IMAGES = (
    _place("image_dir", "folder, zip or tar file of pictures"),
    SHUFFLE,
    _number("seed", 123, "of the random order", int),
    _number("resolution", None, "resize to this power of two; without it they must have one such size"),
    _choice("crop", "center: to the largest square; wide: add black bars", "none", "center", "wide"),
    _choice("resize_filter", "of the resizing", "lanczos", "box", "bicubic"),
    _choice("channels", "auto: as stored", "auto", "rgb", "grey", "rgba"),
    _switch("mirror", "add the mirror image of each picture"),
    MAX_IMAGES,
    _choice("labels", "auto: where dataset.json or metadata.* is; folders: each a class", "auto", "folders", "none"),
    _choice("on_error", "skip: leave out what cannot be used; fail: write nothing", "fail", "skip"),
    _switch("scan_only", "say what is there and what it would take, and stop"),
)
FACES = (_number("resolution", 64, "width and height, a power of two"), _number("num_images", 20000, "to draw"))
SEED = _number("seed", 0, "other seeds are other faces", int)
RGB = (_number("num_images", 1000000, "to make"), _number("random_seed", 123, "of the digits", int))
SQUARE = (_number("resolution", 256, "width and height, a power of two"), MAX_IMAGES)
WIDE = (_number("width", 512, "a power of two"), _number("height", 384, "of the picture between the bars"), MAX_IMAGES)
CENTRE = (_number("cx", 89, "column of the centre", int), _number("cy", 121, "row of the centre", int))
PAIR = (_place("tfrecord_dir_a", "folder of one data set"), _place("tfrecord_dir_b", "folder of the other"))
FULL = _switch("full", "check the smaller copies of all pictures")
OUT = ("--out", {"metavar": "FILE", "help": "write a PNG file instead, for instance sheet.png"})
PNGS = (_place("output_dir", "new folder for img%%08d.png"), OVERWRITE, WORKERS)

GROUPS: dict[str, tuple[Command, ...]] = {
    "your own pictures": (
        (create_from_images, "Make a data set of a folder, zip or tar file of pictures.", (SET, *IMAGES, *STORAGE)),
        (create_from_hdf5, "Make one of the largest set 'data*' in an HDF5 file.", (SET, HDF5, SHUFFLE, *STORAGE)),
    ),
    "known sources": (
        (create_faces, "Draw cartoon faces with 40 attributes: needs no download.", (SET, *FACES, SEED, *STORAGE)),
        (create_mnist, "Digits, labelled.", (SET, MNIST, *STORAGE)),
        (create_mnistrgb, "Three random digits in each picture, as red, green and blue.", (SET, MNIST, *RGB, *STORAGE)),
        (create_cifar10, "CIFAR-10, labelled.", (SET, CIFAR10, *STORAGE)),
        (create_cifar100, "CIFAR-100, with the fine labels.", (SET, CIFAR100, *STORAGE)),
        (create_svhn, "Street View House Numbers, labelled.", (SET, SVHN, *STORAGE)),
        (create_lsun, "An LSUN database, central squares.", (SET, LMDB, *SQUARE, *STORAGE)),
        (create_lsun_wide, "An LSUN database, wide pictures between black bars.", (SET, LMDB, *WIDE, *STORAGE)),
        (create_celeba, "Aligned CelebA faces of 128x128, with their attributes.", (SET, CELEBA, *CENTRE, *STORAGE)),
    ),
    "what is in a data set": (
        (info, "Say what is in a data set and how it was made.", (SET,)),
        (labels, "Count the pictures of each class.", (SET,)),
        (display, "Show the first pictures on one sheet.", (SET, OUT)),
        (extract, "Write every picture as a PNG file.", (SET, *PNGS)),
        (compare, "Say whether two data sets hold the same; exit code 1 where they do not.", (*PAIR, IGNORE)),
        (verify, "Read every record; check checksums, shapes, counts and some smaller copies.", (SET, FULL)),
    ),
}
COMMANDS = {command[0].__name__: command for group in GROUPS.values() for command in group}


def parser() -> argparse.ArgumentParser:
    """The command line: a command, the folder of the data set, then what the command needs."""
    lines = ["Makes and checks data sets of pictures. COMMAND --help tells about each command."]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {work.__name__:<20}{text}" for work, text, _ in group)]
    usage, raw = "dataset_tool.py COMMAND TFRECORD_DIR ...", argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("dataset_tool.py", usage, description="\n".join(lines), formatter_class=raw)
    commands = top.add_subparsers(metavar="COMMAND", required=True, help=argparse.SUPPRESS, prog="dataset_tool.py")
    for name, (work, text, arguments) in COMMANDS.items():
        new = commands.add_parser(name, description=text)
        new.set_defaults(work=work)
        for argument, facts in arguments:
            new.add_argument(argument, **facts)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code (0, 1 work failed or sets differ, 2 wrong request, 130 Ctrl-C)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        near = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        parser().error(f"there is no command {arguments[0]}; {hint}")
    options = parser().parse_args(arguments)
    return exit_code(lambda: options.work(options))


if __name__ == "__main__":
    sys.exit(main())
