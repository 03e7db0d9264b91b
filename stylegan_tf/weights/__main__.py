"""Tells what a network file holds, and converts NVIDIA's to .keras files: python -m stylegan_tf.weights FILE

FILE is a path, the name of a published file such as ffhq, or an address; the last two are downloaded once. Nothing in
the file is run. With --out=DIR every network is written there as G.keras, D.keras and Gs.keras, with network.json
saying where they are from; with --pack=DIR, FILE is a run, whose newest snapshot is packed into a bundle: Gs, D in
float16, directions for edits. DIR appears whole or not at all. Exit codes: 0 done, 1 failed, 2 the user's mistake.
"""

import argparse
import os
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from stylegan_tf import files
from stylegan_tf.command_line import path_argument
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.weights import download, keras_header, official_pickle
from stylegan_tf.weights.arguments import Config, Kind, not_trained
from stylegan_tf.weights.bundle import pack
from stylegan_tf.weights.load import REPORT, is_official, stage_of_lod
from stylegan_tf.weights.official_pickle import State, translated

ARCHITECTURES: dict[Kind, str] = {
    GeneratorConfig: "style-based generator",
    DiscriminatorConfig: "discriminator of a style-based generator",
    ProganGeneratorConfig: "Progressive GAN generator",
    ProganDiscriminatorConfig: "Progressive GAN discriminator",
}
WIDTH = 120


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code, but for --help and usage errors, which exit as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m stylegan_tf.weights",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", type=path_argument, help="path, registered name or address of a network file"
    )
    parser.add_argument("--out", metavar="DIR", type=path_argument, help="convert to .keras files in this new folder")
    parser.add_argument("--pack", metavar="DIR", type=path_argument, help="pack a run or snapshot into this new folder")
    parser.add_argument("--source", action="store_true", help="print the Python text in the file, and nothing else")
    options = parser.parse_args(arguments)
    if sum(map(bool, (options.out, options.pack, options.source))) > 1:
        parser.error("--out, --pack and --source do not go together")
    if options.pack:
        return exit_code(lambda: print(f"wrote {', '.join(pack(options.file, options.pack))} to {options.pack}"))
    return exit_code(lambda: tell(options.file, options.out, options.source))


def tell(what: str, out: str | None = None, source_only: bool = False) -> None:
    """Prints what the file holds, or its source text; converts it to the folder `out` if that is given."""
    if Path(what).is_dir():
        raise UserError(f"{what} is a folder; name one network file, or pack a run with --pack=DIR")
    path = Path(what) if Path(what).is_file() else download.fetch(what)
    networks = described(path)
    if source_only:
        print(source(path, networks))
        return
    print("\n".join(lines(path, networks)))
    if out is not None:
        convert(path, what, networks, out)


def convert(path: Path, what: str, networks: "dict[str, Described]", out: str) -> None:
    """Writes the networks of an official file, and network.json, to the new folder `out`."""
    states = {role: one.state for role, one in networks.items() if one.state is not None}
    if not states:
        raise UserError(f"{path} is a .keras file already; --out converts NVIDIA's files")
    with files.atomic_folder(out) as folder:
        from stylegan_tf.weights import convert  # imports Keras, which takes seconds

        convert.save(states, folder)
        files.write_json(folder / REPORT, table(path, what, networks))
    print(f"\nwrote {', '.join(f'{role}.keras' for role in states)} and {REPORT} to {out}")


class Described(NamedTuple):
    """One network of a file: its arguments in our words, and the number of its parameters, which training changes.

    ignored: names of arguments that mean nothing. state: as stored, None in .keras files.
    """

    config: Config
    parameters: int
    ignored: list[str]
    state: State | None


def described(path: str | os.PathLike) -> dict[str, Described]:
    """role -> network of an official file; "" -> the network of a .keras file. Raises UserError that names the file."""
    if not is_official(Path(path)):
        with keras_header.refusing(path), keras_header.opened(path) as (config, _, arrays):
            stored = sum(array.size for array in arrays.values())
            return {"": Described(config, stored - not_trained(config), [], None)}
    return {role: _described(state) for role, state in official_pickle.read(path).items()}


def _described(state: State) -> Described:
    config, ignored, _ = translated(state)
    stored = sum(array.size for name, array in state.variables.items() if name.rpartition("/")[2] != "lod")
    return Described(config, stored - not_trained(config), ignored, state)


def architecture(one: Described) -> str:
    """Such as "style-based generator, 1024x1024, 3 channels"."""
    config = one.config
    side, channels = config.resolution, config.num_channels
    words = [ARCHITECTURES[type(config)], f"{side}x{side}", f"{channels} channel{'s' if channels > 1 else ''}"]
    if config.label_size:
        words.append(f"labels of length {config.label_size}")
    if isinstance(config, DiscriminatorConfig | ProganDiscriminatorConfig) and config.mbstd_group_size < 2:
        words.append("without minibatch deviation (as attribute classifiers are)")
    return ", ".join(words)


def lines(path: str | os.PathLike, networks: dict[str, Described]) -> Iterator[str]:
    """The description of a file for people."""
    yield f"{os.fspath(path)}: {os.path.getsize(path):,} bytes, sha256 {files.sha256(path)}"
    for role, one in networks.items():
        yield ""
        yield f"{role}: {architecture(one)}" if role else architecture(one)
        yield from _entry("parameters", f"{one.parameters:,}")
        if one.state is not None:
            yield from _entry("stored", f"as {one.state.name!a}, by {one.state.function}, version {one.state.version}")
            yield from _entry("lod", _lod(one.state.lod, one.config.resolution))
            yield from _entry("source", _source(one.state.source))
        yield from _entry("arguments", ", ".join(f"{name} {value}" for name, value in asdict(one.config).items()))
        if one.ignored:
            yield from _entry("ignored", ", ".join(map(ascii, one.ignored)))


def table(path: str | os.PathLike, what: str, networks: dict[str, Described]) -> dict[str, Any]:
    """The description of a file for programs, as JSON takes it. what: name, address or path that the user gave."""
    return {
        "from": what,
        "bytes": os.path.getsize(path),
        "sha256": files.sha256(path),
        "networks": {role: _table(one) for role, one in networks.items()},
    }


def source(path: str | os.PathLike, networks: dict[str, Described]) -> str:
    """The Python text that the networks were stored with, each once, as text that a terminal only prints.

    Raises UserError where there is none.
    """
    texts = dict.fromkeys(one.state.source for one in networks.values() if one.state and one.state.source.strip())
    if not texts:
        raise UserError(f"{path} holds no source text")
    return "\n".join(_printable(text) for text in texts)


def _table(one: Described) -> dict[str, Any]:
    own = {"class": type(one.config).__name__.removesuffix("Config"), "parameters": one.parameters}
    if one.state is not None:
        stored = {name: getattr(one.state, name) for name in ("name", "function", "version", "lod")}
        own |= stored | {"source_lines": len(one.state.source.splitlines())}
        own |= {"official_arguments": one.state.arguments}
    return own | {"arguments": asdict(one.config), "ignored": one.ignored}


def _entry(title: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {title:<10}  ", subsequent_indent=" " * 14, break_on_hyphens=False
    )


def _lod(lod: float, resolution: int) -> str:
    stage, fade = stage_of_lod(lod, stage_of(resolution))
    if stage is None:
        return "0, trained to the final resolution"
    return f"{lod:g}, trained to {2**stage}x{2**stage}" + ("" if fade == 1 else f", which has faded in to {fade:.2g}")


def _source(text: str) -> str:
    count = len(text.splitlines())
    return f"{count} lines embedded, never run (--source prints them)" if count else "none embedded"


def _printable(text: str) -> str:
    return "\n".join(
        "".join(letter if letter.isprintable() or letter == "\t" else ascii(letter)[1:-1] for letter in line)
        for line in text.splitlines()
    )


if __name__ == "__main__":
    sys.exit(main())
