"""The networks that metrics look through, with weights: from published files, converted once, quick to load after that.

The open files are those of pytorch-fid, torchvision and LPIPS; the official ones are NVIDIA's, whose variables are
taken where their names are known.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stylegan_tf import files, safe_pickle
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.weights import download, metric_names, registry, torch_file

if TYPE_CHECKING:
    import keras

FORMAT = 1  # of the converted files; another number means that they are made anew
KINDS = ("auto", "open", "official")


class Loaded(NamedTuple):
    """A network; the SHA-256 of the file or files its weights are from; and its name, which says which weights."""

    network: Any
    digest: str
    name: str


@dataclass(frozen=True)
class _Recipe:
    """How one of the networks is made. open_files, official_file: names in the registry."""

    kind: str
    title: str
    open_files: tuple[str, ...]
    official_file: str
    make: "Callable[[], keras.Model]"
    arrays: Callable[[Mapping[str, np.ndarray], Mapping[str, tuple[int, ...]]], dict[str, np.ndarray]]


def _make_inception() -> "keras.Model":
    from stylegan_tf.networks.inception import Inception  # Keras takes seconds: fetch and is_here do without

    return Inception()


def _make_lpips() -> "keras.Model":
    from stylegan_tf.networks.lpips import Lpips

    return Lpips()


_INCEPTION = _Recipe(
    *("inception", "inception-2015-12-05", ("inception-pth",), "inception"),
    *(_make_inception, metric_names.inception_arrays),
)
_LPIPS = _Recipe(
    *("lpips", "lpips-vgg16-0.1", ("vgg16-pth", "lpips-pth"), "vgg16-lpips", _make_lpips, metric_names.lpips_arrays)
)


def inception(kind: str | os.PathLike = "auto") -> Loaded:
    """networks.inception.Inception with its weights.

    kind: "open" or "official" files, downloaded where they are missing; "auto": the open ones, or the official one if
    it alone is there; or a folder that holds them under their published names. Raises UserError, or Failure where a
    file cannot be had, which says where it would be found.
    """
    return _load(_INCEPTION, kind)


def lpips(kind: str | os.PathLike = "auto") -> Loaded:
    """networks.lpips.Lpips with its weights, those of VGG16 and the linear ones. As `inception`."""
    return _load(_LPIPS, kind)


def is_here(name: str) -> bool:
    """Whether "inception" or "lpips" can be loaded without a download: its open files, or the official one."""
    recipe = _recipe(name)
    return _is_there(recipe, "open") or _is_there(recipe, "official")


def fetch(name: str, kind: str | os.PathLike) -> None:
    """Downloads the open or official files of "inception" or "lpips" where they are missing. Without Keras.

    A folder is looked at for them. Raises UserError where it lacks one, Failure where a file cannot be had.
    """
    if kind not in KINDS:
        _files_in(_recipe(name), Path(kind))
    elif kind != "auto" and not _is_there(_recipe(name), str(kind)):
        for entry in _entries(_recipe(name), str(kind)):
            download.fetch(entry)


def _recipe(name: str) -> _Recipe:
    return _INCEPTION if name == "inception" else _LPIPS


def joint_digest(paths: Sequence[str | os.PathLike]) -> str:
    """The SHA-256 of a file, or of the digests of several, each on a line."""
    return _joint([files.sha256(path) for path in paths])


def _load(recipe: _Recipe, kind: str | os.PathLike) -> Loaded:
    network = recipe.make()
    if kind not in KINDS:
        return _from_folder(recipe, Path(kind), network)
    if kind == "auto":
        kind = "official" if _is_there(recipe, "official") and not _is_there(recipe, "open") else "open"
    converted = _converted_path(recipe, str(kind))
    name = f"{recipe.title} ({kind})"
    digest = _filled_from_converted(converted, _entries(recipe, str(kind)), network)
    if digest is None:
        paths = [download.fetch(entry) for entry in _entries(recipe, str(kind))]
        digests = [_checked_digest(path, entry) for path, entry in zip(paths, _entries(recipe, str(kind)), strict=True)]
        arrays = _fill(recipe, paths, network)
        digest = _joint(digests)
        with suppress(OSError):  # a folder that may not be written costs time at every start, nothing else
            _keep(converted, arrays, digests)
    return Loaded(network, digest, name)


def _entries(recipe: _Recipe, kind: str) -> list[registry.Entry]:
    names = recipe.open_files if kind == "open" else (recipe.official_file,)
    return [entry for entry in map(registry.find, names) if entry is not None]


def _is_there(recipe: _Recipe, kind: str) -> bool:
    folder = download.cache_folder()
    return _converted_path(recipe, kind).exists() or all((folder / e.file).exists() for e in _entries(recipe, kind))


def _from_folder(recipe: _Recipe, folder: Path, network: "keras.Model") -> Loaded:
    kind, paths = _files_in(recipe, folder)
    digests = list(map(files.sha256, paths))
    _fill(recipe, paths, network)
    known = all(digest == e.sha256 for digest, e in zip(digests, _entries(recipe, kind), strict=True))
    digest = _joint(digests)
    return Loaded(network, digest, f"{recipe.title} ({kind if known else f'sha256 {digest[:8]}'})")


def _files_in(recipe: _Recipe, folder: Path) -> tuple[str, list[Path]]:
    """(open or official, its files) in a folder. Raises UserError where it has neither."""
    choices = {kind: [folder / entry.file for entry in _entries(recipe, kind)] for kind in KINDS[1:]}
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {folder}; the weights can be auto, open or official, or a folder of theirs"
        )
    for kind, paths in choices.items():
        if all(path.exists() for path in paths):
            return kind, paths
    either = ", or ".join(" and ".join(path.name for path in paths) for paths in choices.values())
    raise UserError(f"the folder {folder} must hold {either}")


def _checked_digest(path: Path, entry: registry.Entry) -> str:
    digest = files.sha256(path)
    if not digest.startswith(entry.sha256 or ""):
        raise Failure(
            f"{path.absolute()} is another file than the published one: its sha256 is {digest}, not {entry.sha256}; "
            "remove it, and it is downloaded again"
        )
    return digest


def _joint(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _fill(recipe: _Recipe, paths: list[Path], network: "keras.Model") -> dict[str, np.ndarray]:
    """Gives the network the weights in the files; returns them by our paths."""
    from stylegan_tf.weights import keras_file

    shapes = {path: tuple(variable.shape) for path, variable in keras_file.named_variables(network).items()}
    try:
        if paths[0].suffix == ".pkl":
            arrays = _official_arrays(recipe, paths[0], shapes)
        else:
            arrays = recipe.arrays(_merged([torch_file.read(path) for path in paths]), shapes)
        keras_file.fill(network, arrays)
    except UserError as error:
        named = any(str(error).startswith(str(path)) for path in paths)
        raise UserError(f"{'' if named else ' and '.join(map(str, paths)) + ': '}{error}") from None
    return arrays


def _merged(states: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    merged: dict[str, np.ndarray] = {}
    for state in states:
        if twice := sorted(merged.keys() & state.keys()):
            raise UserError(f"both have {metric_names.listed(twice)}")
        merged |= state
    return merged


def _official_arrays(recipe: _Recipe, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The variables of NVIDIA's file by our paths. Raises UserError that names what the file has instead."""
    variables: dict[str, np.ndarray] = {}
    unknown: list[str] = []
    try:
        variables = dict(_variables(safe_pickle.read(path)))
        state, unknown = metric_names.translated(variables, recipe.kind)
        if unknown or not variables:
            raise UserError("not all of its variables have names that are known")
        return recipe.arrays(state, shapes)
    except UserError as error:
        held = metric_names.listed(unknown or variables) if variables else "no variables"
        raise UserError(
            f"{error}; found: {held}. The open files hold the same network: ask for the open weights "
            f"({', '.join(recipe.open_files)})"
        ) from None


def _variables(content: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, np.ndarray]]:
    """(name, array) of a network and the networks inside of it; [] for what is no network with variables."""
    if not isinstance(content, safe_pickle.Network) or depth > 2:
        return []
    own, inside = (content.state.get(field) for field in ("variables", "components"))
    found = [
        (f"{prefix}{item[0]}", item[1])
        for item in (own if isinstance(own, list) else [])
        if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[1], np.ndarray)
    ]
    for part in inside.values() if isinstance(inside, dict) else ():
        name = part.state.get("name") if isinstance(part, safe_pickle.Network) else None
        found += _variables(part, f"{prefix}{name}/", depth + 1)
    return found


def _converted_path(recipe: _Recipe, kind: str) -> Path:
    return download.cache_folder() / f"{recipe.title}-{kind}.npz"


def _keep(path: Path, arrays: dict[str, np.ndarray], digests: list[str]) -> None:
    """Writes the arrays and, last, what they are made of and their digest."""
    with files.atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
    files.write_json(_note(path), {"format": FORMAT, "sources": digests, "sha256": files.sha256(path)})


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _filled_from_converted(path: Path, entries: list[registry.Entry], network: "keras.Model") -> str | None:
    """Fills the network from a converted file; None where there is none that is whole and of the published files."""
    from stylegan_tf.weights import keras_file

    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        sources, digest = list(note["sources"]), note["sha256"]
        published = len(sources) == len(entries) and all(
            source.startswith(entry.sha256 or "") for source, entry in zip(sources, entries, strict=True)
        )
        if note["format"] != FORMAT or not published or files.sha256(path) != digest:
            return None
        with np.load(path, allow_pickle=False) as arrays:
            keras_file.fill(network, {name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        return None
    return _joint(sources)
