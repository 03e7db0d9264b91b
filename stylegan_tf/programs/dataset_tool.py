"""Makes and checks data sets: `python dataset_tool.py COMMAND --help` tells about each command."""

import argparse
import difflib
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from stylegan_tf.command_line import path_argument, unknown
from stylegan_tf.environment import cores
from stylegan_tf.errors import Failure, Stopped, exit_code
from stylegan_tf.programs.foreign_flags import DATASET_TOOL


def run(o: argparse.Namespace) -> None:
    """Does what a command line says. All of it is imported here, so that --help answers at once."""
    from stylegan_tf.data.describe import count_labels, info
    from stylegan_tf.data.faces.create import create_faces
    from stylegan_tf.data.importers.celeba import create_celeba
    from stylegan_tf.data.importers.cifar import create_cifar10, create_cifar100
    from stylegan_tf.data.importers.compare import compare
    from stylegan_tf.data.importers.display import display
    from stylegan_tf.data.importers.extract import extract
    from stylegan_tf.data.importers.hdf5 import create_from_hdf5
    from stylegan_tf.data.importers.images import Options, create_from_images
    from stylegan_tf.data.importers.lsun import create_lsun, create_lsun_wide
    from stylegan_tf.data.importers.mnist import create_mnist, create_mnistrgb
    from stylegan_tf.data.importers.store import Storage
    from stylegan_tf.data.importers.svhn import create_svhn
    from stylegan_tf.data.layout import DataSet
    from stylegan_tf.data.verifying import verify
    from stylegan_tf.files import name_leftovers

    place = o.tfrecord_dir
    made: DataSet | None = None
    if "overwrite" in o:
        name_leftovers(o.output_dir if o.command == "extract" else place)
    storage = Storage(o.compression, o.overwrite, o.workers) if "compression" in o else Storage()
    match o.command:
        case "create_from_images":
            given = {field.name: getattr(o, field.name) for field in fields(Options)}
            made = create_from_images(place, o.image_dir, Options(**given | {"shuffle": bool(o.shuffle)}))
        case "create_from_hdf5":
            made = create_from_hdf5(place, o.hdf5_filename, bool(o.shuffle), storage)
        case "create_faces":
            made = create_faces(place, o.resolution, o.num_images, o.seed, o.workers, o.compression, o.overwrite)
        case "create_mnist":
            made = create_mnist(place, o.mnist_dir, storage)
        case "create_mnistrgb":
            made = create_mnistrgb(place, o.mnist_dir, o.num_images, o.random_seed, storage)
        case "create_cifar10":
            made = create_cifar10(place, o.cifar10_dir, storage)
        case "create_cifar100":
            made = create_cifar100(place, o.cifar100_dir, storage)
        case "create_svhn":
            made = create_svhn(place, o.svhn_dir, storage)
        case "create_lsun":
            made = create_lsun(place, o.lmdb_dir, o.resolution, o.max_images, storage)
        case "create_lsun_wide":
            made = create_lsun_wide(place, o.lmdb_dir, o.width, o.height, o.max_images, storage)
        case "create_celeba":
            made = create_celeba(place, o.celeba_dir, o.cx, o.cy, storage)
        case "info":
            print(info(place))
        case "labels":
            print(count_labels(place))
        case "display":
            print(f"{o.out or 'on the screen'}: the first {display(place, o.out):,} pictures")
        case "extract":
            print(f"{o.output_dir}: {extract(place, o.output_dir, o.workers, o.overwrite):,} pictures")
        case "compare":
            comparison = compare(place, o.tfrecord_dir_b, bool(o.ignore_labels))
            print(comparison)
            if not comparison.same():
                raise Failure("the data sets differ")
        case "verify":
            print(verify(place, o.full))
    if made is not None:  # --scan_only makes none
        size = f"{made.resolution}x{made.resolution}x{made.channels}"
        print(f"{made.directory}: {made.num_images:,} pictures of {size} at {len(made.stages)} resolutions")


def _natural(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number above zero, not {text!r}")


Argument = tuple[str, dict[str, Any]]


def _place(name: str, help: str) -> Argument:
    return name, {"metavar": name.upper(), "help": help, "type": path_argument}


def _number(name: str, default: int | None, help: str, kind: Callable[[str], int] = _natural) -> Argument:
    told = help if default is None else f"{help} (default: {default})"
    return f"--{name}", {"default": default, "help": told, "type": kind, "metavar": "N"}


def _choice(name: str, help: str, *choices: str) -> Argument:
    return f"--{name}", {"default": choices[0], "help": f"{help} (default: {choices[0]})", "choices": choices}


def _switch(name: str, help: str) -> Argument:
    return f"--{name}", {"action": "store_true", "help": help}


LABELS_HELP = "auto: dataset.json or metadata.*; folders: each a class; none; or a list, such as labels.csv"
LABELS = ("--labels", {"default": "auto", "help": f"{LABELS_HELP} (default: auto)"})
SHUFFLE = ("--shuffle", {"type": int, "choices": (0, 1), "default": 1, "help": "0: as stored (default: 1)"})
IGNORE = ("--ignore_labels", {"type": int, "choices": (0, 1), "nargs": "?", "const": 1, "default": 0})
MAX_IMAGES = _number("max_images", None, "no more than so many pictures")
WORKERS = _number("workers", min(cores(), 16), "how many share the work")
MNIST = _place("mnist_dir", "folder of train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz")
HDF5 = _place("hdf5_filename", "HDF5 file of pictures uint8 [N, C, H, W]")
CIFAR10 = _place("cifar10_dir", "folder of data_batch_1 to data_batch_5")
CIFAR100 = _place("cifar100_dir", "folder of the file train")
SVHN = _place("svhn_dir", "folder of train_1.pkl, train_2.pkl and train_3.pkl")
CELEBA = _place("celeba_dir", "folder of img_align_celeba_png or img_align_celeba, and perhaps list_attr_celeba")
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
    ("--background", {"metavar": "COLOUR", "help": "flatten transparent pictures on it: a name or #rrggbb"}),
    _switch("mirror", "add the mirror image of each picture"),
    MAX_IMAGES,
    LABELS,
    _choice("on_error", "skip: leave out what cannot be used; fail: write nothing", "fail", "skip"),
    _switch("scan_only", "say what is there and what it would take, and stop"),
)
FACES = (_number("resolution", 64, "width and height, a power of two"), _number("num_images", 20000, "to draw"))
SEED = _number("seed", 0, "other seeds are other faces", int)
RGB = (_number("num_images", 1000000, "to make"), _number("random_seed", 123, "of the digits", int))
SQUARE = (_number("resolution", 256, "width and height, a power of two"), MAX_IMAGES)
WIDE = (_number("width", 512, "a power of two"), _number("height", 384, "of the picture between the bars"), MAX_IMAGES)
CENTRE = (_number("cx", 89, "column of the centre", int), _number("cy", 121, "row of the centre", int))
OTHER = _place("tfrecord_dir_b", "folder of the data set to compare with")
FULL = _switch("full", "check the smaller copies of all pictures")
OUT = ("--out", {"metavar": "FILE", "type": path_argument, "help": "write a PNG file instead, for instance sheet.png"})
PNGS = (_place("output_dir", "new folder for img%%08d.png"), OVERWRITE, WORKERS)

# title -> command -> what it does, its arguments behind the folder of the data set
GROUPS: dict[str, dict[str, tuple[str, tuple[Argument, ...]]]] = {
    "your own pictures": {
        "create_from_images": ("Make a data set of a folder, zip or tar file of pictures.", (*IMAGES, *STORAGE)),
        "create_from_hdf5": ("Make one of the largest set 'data*' in an HDF5 file.", (HDF5, SHUFFLE, *STORAGE)),
    },
    "known sources": {
        "create_faces": ("Draw cartoon faces with 40 attributes: needs no download.", (*FACES, SEED, *STORAGE)),
        "create_mnist": ("Digits, labelled.", (MNIST, *STORAGE)),
        "create_mnistrgb": ("Three random digits in each picture, as red, green and blue.", (MNIST, *RGB, *STORAGE)),
        "create_cifar10": ("CIFAR-10, labelled.", (CIFAR10, *STORAGE)),
        "create_cifar100": ("CIFAR-100, with the fine labels.", (CIFAR100, *STORAGE)),
        "create_svhn": ("Street View House Numbers, labelled.", (SVHN, *STORAGE)),
        "create_lsun": ("An LSUN database, central squares.", (LMDB, *SQUARE, *STORAGE)),
        "create_lsun_wide": ("An LSUN database, wide pictures between black bars.", (LMDB, *WIDE, *STORAGE)),
        "create_celeba": ("Aligned CelebA faces of 128x128, with their attributes.", (CELEBA, *CENTRE, *STORAGE)),
    },
    "what is in a data set": {
        "info": ("Say what is in a data set and how it was made.", ()),
        "labels": ("Count the pictures of each class.", ()),
        "display": ("Show the first pictures on one sheet.", (OUT,)),
        "extract": ("Write every picture as a PNG file.", PNGS),
        "compare": ("Say whether two data sets hold the same; exit code 1 where they do not.", (OTHER, IGNORE)),
        "verify": ("Read every record; check checksums, shapes, counts and some smaller copies.", (FULL,)),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def parser() -> argparse.ArgumentParser:
    """The command line: a command, the folder of the data set, then what the command needs."""
    lines = ["Makes and checks data sets of pictures. COMMAND --help tells about each command."]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<20}{text}" for name, (text, _) in group.items())]
    usage, raw = "dataset_tool.py COMMAND TFRECORD_DIR ...", argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("dataset_tool.py", usage, description="\n".join(lines), formatter_class=raw)
    commands = top.add_subparsers(metavar="COMMAND", required=True, help=argparse.SUPPRESS, prog="dataset_tool.py")
    for name, (text, arguments) in COMMANDS.items():
        new = commands.add_parser(name, description=text, allow_abbrev=False)
        new.set_defaults(command=name)
        for argument, facts in (_place("tfrecord_dir", "folder of the data set"), *arguments):
            new.add_argument(argument, **facts)
    return top


@contextmanager
def _stopping_tidily() -> Iterator[None]:
    """`kill` and a closed terminal act as Ctrl-C does, after which nothing unfinished stays behind."""

    def stop(number, frame):
        raise Stopped(f"stopped by {signal.Signals(number).name}", number)

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_DFL]
    for number in numbers:  # not those that nohup has taken away
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code (0, 1 work failed or sets differ, 2 wrong request, 128 and the
    number of the signal that stopped it)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        near = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        parser().error(f"there is no command {arguments[0]}; {hint}")
    if arguments and arguments[0].startswith("--") and (first := arguments[0][2:].partition("=")[0]) in DATASET_TOOL:
        parser().error(unknown(first, (), DATASET_TOOL))
    options, rest = parser().parse_known_args(arguments)
    if rest:
        known = [name[2:] for name, _ in COMMANDS[options.command][1] if name.startswith("--")]
        first = rest[0].partition("=")[0]
        more = f"; {unknown(first[2:], known, DATASET_TOOL)}" if first.startswith("--") else ""
        parser().error(f"unrecognized arguments: {' '.join(rest)}{more}")
    with _stopping_tidily():
        return exit_code(lambda: run(options))
