"""What a .keras file of ours declares, without Keras: its class, the arguments of that class, and its weights as bytes.

A .keras file is a zip archive of config.json (class and constructor arguments), metadata.json (version and date) and
model.weights.h5. All that is not there uncompressed is refused, so that no small file takes much memory.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.weights.keras_arguments import Config, Kind, check_size, checked_arguments, config_of
from stylegan_tf.weights.keras_arrays import plain_arrays

# registered name of the class -> the dataclass that has its constructor arguments
CONFIGS: dict[str, Kind] = {
    "stylegan_tf>Generator": GeneratorConfig,
    "stylegan_tf>Discriminator": DiscriminatorConfig,
    "stylegan_tf>ProganGenerator": ProganGeneratorConfig,
    "stylegan_tf>ProganDiscriminator": ProganDiscriminatorConfig,
}
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LONGEST_JSON = 2**16
# What the readers of zip, JSON and HDF5 raise on bytes that are not theirs.
UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, KeyError, ValueError, TypeError, NotImplementedError)


def declared(path: str | os.PathLike) -> Config:
    """The arguments of the network in a .keras file, from its config.json alone: in milliseconds.

    They are known, complete and in their ranges; whether the weights fit them shows when they are read. Raises
    UserError that names the file.
    """
    with refusing(path), zipfile.ZipFile(path) as archive:
        return config_of(*_declared(_entries(archive, path)))


@contextmanager
def refusing(path: str | os.PathLike) -> Iterator[None]:
    """Everything that goes wrong with the file becomes a UserError that names it."""
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}")
    try:
        yield
    except UserError as error:
        raise UserError(f"{path} is no network of stylegan_tf: {error}") from None
    except UNREADABLE as error:
        raise UserError(f"{path} is damaged, or no .keras file: {error}") from None


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[tuple[Kind, dict[str, Any], dict[str, Any]]]:
    """Within `refusing`: (dataclass, arguments, arrays): path of an array -> h5py.Dataset, not read yet.

    The arrays are plain, and at least as large together as the arguments make the network.
    """
    import h5py

    with zipfile.ZipFile(path) as archive:
        entries = _entries(archive, path)
        kind, arguments = _declared(entries)
        weights = archive.read(WEIGHTS)
    with h5py.File(io.BytesIO(weights), "r") as file:
        arrays = plain_arrays(file, len(weights))
        check_size(kind, arguments, sum(array.nbytes for array in arrays.values()))
        yield kind, arguments, arrays


def _entries(archive: zipfile.ZipFile, path: str | os.PathLike) -> Any:
    """config.json, parsed, of an archive that is one of ours by its entries."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if set(entries) != {CONFIG, METADATA, WEIGHTS} or len(archive.infolist()) != len(entries):
        raise UserError(f"the archive must hold {CONFIG}, {METADATA} and {WEIGHTS}, each once, and nothing else")
    for entry in entries.values():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise UserError(f"its {entry.filename} is compressed, which Keras does not do")
    if sum(entry.file_size for entry in entries.values()) > os.path.getsize(path):
        raise UserError("its parts declare more bytes than it has")
    if entries[CONFIG].file_size > LONGEST_JSON:
        raise UserError(f"its {CONFIG} has {entries[CONFIG].file_size} bytes, too many for a network of ours")
    return json.loads(archive.read(CONFIG))


def _declared(config: Any) -> tuple[Kind, dict[str, Any]]:
    name = config.get("registered_name") if isinstance(config, dict) else None
    if not isinstance(name, str) or name not in CONFIGS:
        given = config.get("class_name") if isinstance(config, dict) else None
        known = [known.removeprefix("stylegan_tf>") for known in CONFIGS]
        raise UserError(f"its class is {given!s:.60}, not {', '.join(known[:-1])} or {known[-1]}")
    return CONFIGS[name], checked_arguments(CONFIGS[name], config.get("config"))
