"""Tells what a network file holds, and converts NVIDIA's to .keras files: python -m stylegan_tf.weights FILE

FILE is a path, the name of a published file such as ffhq, or an address; the last two are downloaded once. Nothing in
the file is run. With --out=DIR every network is written there as G.keras, D.keras and Gs.keras, with network.json
saying where they are from; DIR appears whole or not at all. Exit codes: 0 done, 1 failed, 2 the user's mistake.
"""

import argparse
import sys
from pathlib import Path

from stylegan_tf import files
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.weights import description, download

TABLE = "network.json"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code, but for --help and usage errors, which exit as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m stylegan_tf.weights",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="path, registered name or address of a network file")
    parser.add_argument("--out", metavar="DIR", help="convert to .keras files in this new folder")
    parser.add_argument("--source", action="store_true", help="print the Python text in the file, and nothing else")
    options = parser.parse_args(arguments)
    if options.out and options.source:
        parser.error("--out and --source do not go together")
    if options.out == "":
        parser.error("--out needs the name of a folder")
    return exit_code(lambda: tell(options.file, options.out, options.source))


def tell(what: str, out: str | None = None, source: bool = False) -> None:
    """Prints what the file holds, or its source text; converts it to the folder `out` if that is given."""
    path = local(what)
    networks = description.described(path)
    if source:
        print(description.source(path, networks))
        return
    for line in description.lines(path, networks):
        print(line)
    if out is not None:
        convert(path, what, networks, out)


def local(what: str) -> Path:
    """The path of a file that is given by its path, registered name or address. Downloads the last two if need be."""
    if Path(what).is_file():
        return Path(what)
    if Path(what).is_dir():
        raise UserError(f"{what} is a folder; name one network file")
    return download.fetch(what)


def convert(path: Path, what: str, networks: dict[str, description.Described], out: str) -> None:
    """Writes the networks of an official file, and network.json, to the new folder `out`."""
    states = {role: one.state for role, one in networks.items() if one.state is not None}
    if not states:
        raise UserError(f"{path} is a .keras file already; --out converts NVIDIA's files")
    with files.atomic_folder(out) as folder:
        from stylegan_tf.weights import convert  # imports Keras, which takes seconds

        convert.save(states, folder)
        files.write_json(folder / TABLE, description.table(path, what, networks))
    print(f"\nwrote {', '.join(f'{role}.keras' for role in states)} and {TABLE} to {out}")


if __name__ == "__main__":
    sys.exit(main())
