"""Makes and checks data sets: `python dataset_tool.py COMMAND --help` tells about each command."""

import argparse
import os
import sys

from stylegan_tf.mistakes import exit_code


def create_from_images(options: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.images import create_from_images

    print(_told(create_from_images(options.tfrecord_dir, options.image_dir, shuffle=bool(options.shuffle))))


def create_faces(options: argparse.Namespace) -> None:
    from stylegan_tf.data.importers.faces_set import create_faces

    o = options
    print(_told(create_faces(o.tfrecord_dir, o.resolution, o.num_images, o.seed, o.workers)))


def verify(options: argparse.Namespace) -> None:
    from stylegan_tf.data.records import verify

    print(verify(options.tfrecord_dir))


def _told(data_set) -> str:
    size = f"{data_set.resolution}x{data_set.resolution}x{data_set.channels}"
    return f"{data_set.directory}: {data_set.num_images:,} pictures of {size} at {len(data_set.stages)} resolutions"


def _natural(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_natural.__name__ = "positive whole number"  # argparse says: invalid positive whole number value


def parser() -> argparse.ArgumentParser:
    """The command line. Every command takes the folder of the data set first."""
    top = argparse.ArgumentParser(prog="dataset_tool.py", description="Makes and checks data sets of pictures.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(work, text: str) -> argparse.ArgumentParser:
        new = commands.add_parser(
            work.__name__, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        new.add_argument("tfrecord_dir", metavar="TFRECORD_DIR", help="folder of the data set")
        new.set_defaults(work=work)
        return new

    new = command(create_from_images, "Make a data set of your own pictures: square, one size, a power of two.")
    new.add_argument("image_dir", metavar="IMAGE_DIR", help="folder or zip file of pictures")
    new.add_argument("--shuffle", type=int, choices=(0, 1), default=1, help="1: random order, 0: sorted by name")
    new = command(create_faces, "Draw a data set of cartoon faces with 40 attributes: needs no download.")
    new.add_argument("--resolution", type=_natural, default=64, help="width and height, a power of two")
    new.add_argument("--num_images", type=_natural, default=20000, help="how many to draw")
    new.add_argument("--seed", type=int, default=0, help="other seeds are other faces")
    new.add_argument("--workers", type=_natural, default=os.cpu_count() or 1, help="processes that draw")
    command(verify, "Read every record of a data set and check its checksums, shapes and counts.")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code (0, 1 work failed, 2 wrong request, 130 Ctrl-C)."""
    options = parser().parse_args(arguments)
    return exit_code(lambda: options.work(options))


if __name__ == "__main__":
    sys.exit(main())
