"""What a network file holds, in words for people and as a table for programs. Without Keras."""

import os
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

from stylegan_tf import files
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.networks.stages import stage_of
from stylegan_tf.weights import keras_header, official_pickle
from stylegan_tf.weights.arguments import Config, Kind, not_trained
from stylegan_tf.weights.official_pickle import State, translated

ZIP = b"PK"  # how .keras files begin
ARCHITECTURES: dict[Kind, str] = {
    GeneratorConfig: "style-based generator",
    DiscriminatorConfig: "discriminator of a style-based generator",
    ProganGeneratorConfig: "Progressive GAN generator",
    ProganDiscriminatorConfig: "Progressive GAN discriminator",
}
WIDTH = 120


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
    if _is_keras(path):
        with keras_header.refusing(path), keras_header.opened(path) as (config, _, arrays):
            stored = sum(array.size for array in arrays.values())
            return {"": Described(config, stored - not_trained(config), [], None)}
    return {role: _described(state) for role, state in official_pickle.read(path).items()}


def _is_keras(path: str | os.PathLike) -> bool:
    if not os.path.isfile(path):
        return os.fspath(path).endswith(".keras")
    with open(path, "rb") as file:
        return file.read(len(ZIP)) == ZIP or os.fspath(path).endswith(".keras")


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
    if lod == 0:
        return "0, trained to the final resolution"
    stage = stage_of(resolution) - int(lod)
    side, fade = 2 ** max(stage, 0), 1 - (lod - int(lod))
    return f"{lod:g}, trained to {side}x{side}" + ("" if fade == 1 else f", which has faded in to {fade:.2g}")


def _source(text: str) -> str:
    count = len(text.splitlines())
    return f"{count} lines embedded, never run (--source prints them)" if count else "none embedded"


def _printable(text: str) -> str:
    return "\n".join(
        "".join(letter if letter.isprintable() or letter == "\t" else ascii(letter)[1:-1] for letter in line)
        for line in text.splitlines()
    )
