"""What a .keras file of ours declares, without Keras: its class, its arguments, and its weights, not read yet.

A .keras file is a zip archive of config.json (class and constructor arguments), metadata.json (version and date) and
model.weights.h5. All that is not there uncompressed is refused, so that no small file takes much memory.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError, brief
from stylegan_tf.file_kinds import called_by_name
from stylegan_tf.weights.arguments import Config, Kind, check_size, checked

# registered name of the class -> the dataclass of its arguments
CONFIGS: dict[str, Kind] = {
    "stylegan_tf>Generator": GeneratorConfig,
    "stylegan_tf>Discriminator": DiscriminatorConfig,
    "stylegan_tf>ProganGenerator": ProganGeneratorConfig,
    "stylegan_tf>ProganDiscriminator": ProganDiscriminatorConfig,
}
KERAS_OWN = {"name", "trainable", "dtype"}  # which every Keras layer has; ours are float32 and get a fresh name
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LONGEST_JSON = 2**16
MOST_NAMES = 20_000  # groups and arrays; a generator at 1024x1024 has some 400
DEEPEST = 12
# What the readers of zip, JSON and HDF5 raise on bytes that are not theirs.
UNREADABLE = (
    *(zipfile.BadZipFile, OSError, EOFError, RuntimeError, KeyError, ValueError, TypeError, NotImplementedError),
    OverflowError,  # sizes of 2**63 bytes and more in HDF5
)


def declared(path: str | os.PathLike) -> Config:
    """The arguments of the network in a .keras file, from its config.json alone: in milliseconds.

    They are known and in their ranges; one that is not there, as it is younger than the file, has its default. Whether
    the weights fit them shows when they are read. Raises UserError that names the file.
    """
    with refusing(path), zipfile.ZipFile(path) as archive:
        return _declared(archive, path)[0]


@contextmanager
def refusing(path: str | os.PathLike) -> Iterator[None]:
    """Everything that goes wrong with the file becomes a UserError that names it."""
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}")
    with called_by_name(Path(path)):
        try:
            yield
        except UserError as error:
            raise UserError(f"{path} is no network of stylegan_tf: {error}") from None
        except UNREADABLE as error:
            raise UserError(f"{path} is damaged, or no .keras file: {brief(error)}") from None


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[tuple[Config, int, dict[str, Any]]]:
    """Within `refusing`: (config, seed, arrays): path of an array -> h5py.Dataset, not read yet.

    The arrays are plain, and have as many numbers together, at least, as the arguments make the network.
    """
    import h5py

    with zipfile.ZipFile(path) as archive:
        config, seed = _declared(archive, path)
        weights = archive.read(WEIGHTS)
    with h5py.File(io.BytesIO(weights), "r") as file:
        arrays = plain_arrays(file, len(weights))
        check_size(config, 4 * sum(array.size for array in arrays.values()))
        yield config, seed, arrays


def _declared(archive: zipfile.ZipFile, path: str | os.PathLike) -> tuple[Config, int]:
    """(arguments, seed) of an archive that is one of ours by its entries."""
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
    plain = json.loads(archive.read(CONFIG))
    name = plain.get("registered_name") if isinstance(plain, dict) else None
    if not isinstance(name, str) or name not in CONFIGS:
        given = plain.get("class_name") if isinstance(plain, dict) else None
        *most, last = (known.removeprefix("stylegan_tf>") for known in CONFIGS)
        raise UserError(f"its class is {brief(given, 60)}, not {', '.join(most)} or {last}")
    kind, given = CONFIGS[name], plain.get("config")
    if not isinstance(given, dict):
        raise UserError("its configuration is no table of arguments")
    known = {each.name for each in fields(kind)}
    for name in sorted(given.keys() - known - KERAS_OWN - {"seed"}):
        raise UserError(f"it has the unknown argument {brief(name, 60)}")
    seed = given.get("seed", 0)
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise UserError(f"its seed must be a whole number from 0 to 2**63 - 1, not {seed!r:.40}")
    return checked(kind, {name: given[name] for name in known & given.keys()}), seed


def plain_arrays(file: Any, size: int) -> dict[str, Any]:
    """path -> h5py.Dataset of every array in an open h5py.File of `size` bytes.

    Every array is float32, or float16 as in bundles, and lies whole and unshared in the file: no links out of it, no
    virtual, chunked, compressed or merely declared data, and in sum no more than the file has bytes. Raises UserError
    for anything else.
    """
    import h5py

    found: dict[str, Any] = {}
    groups, names = [("", file, 0)], 0
    while groups:
        path, group, depth = groups.pop()
        for name in group:
            names += 1  # of what was visited, as links can make a small file a large tree
            here = f"{path}{name}"
            if names > MOST_NAMES or depth > DEEPEST:
                raise UserError("it has more names, or deeper ones, than any network")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UserError(f"{here} is a link to something else, not an array")
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append((f"{here}/", item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                found[here] = item
            else:
                raise UserError(f"{here} is not an array")
    total = sum(array.nbytes for array in found.values())
    if total > size:
        raise UserError(f"its arrays declare {total} bytes, and it has {size}")
    for path, array in found.items():
        if array.dtype not in ("float32", "float16") or array.shape is None:
            raise UserError(f"{path} is {array.dtype}, not float32 or float16")
        properties = array.id.get_create_plist()
        if properties.get_layout() != h5py.h5d.CONTIGUOUS or properties.get_external_count() or array.is_virtual:
            raise UserError(f"{path} does not lie in the file as one plain block")
        start = array.id.get_offset()
        if start is None or array.id.get_storage_size() != array.nbytes or start + array.nbytes > size:
            raise UserError(f"{path} is declared, but its numbers are not there")
    return found
