"""The small networks for the built-in faces that come with the project: one .npz of float16 arrays.

`header` is JSON as bytes; `classifiers/<path>` [K, ...] are the K classifiers' variables of that path, stacked;
`features/<path>` those of the feature network. Paths are those of `keras_file.named_variables`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from stylegan_tf import files, plain_npz
from stylegan_tf.configs.text import shown
from stylegan_tf.errors import UserError
from stylegan_tf.networks.faces_features import FacesFeatures
from stylegan_tf.networks.progan import ProganDiscriminator
from stylegan_tf.weights import keras_file

BUNDLE = Path(__file__).resolve().parents[1] / "pretrained" / "faces" / "attributes.npz"
FORMAT = 1
# Arguments that are kept, and the largest values that a file may ask for.
CLASSIFIER_ARGUMENTS = {
    **{"resolution": 256, "num_channels": 3, "fmap_max": 512},
    **dict.fromkeys(("fmap_base", "fmap_decay", "use_wscale")),  # whatever they are, fmap_max limits the widths
}
FEATURE_ARGUMENTS = {"widths": 512, "num_features": 512, "num_attributes": 512}


class Features(NamedTuple):
    """The feature network of a file called `name`; digest: SHA-256 of the file."""

    name: str
    digest: str
    network: FacesFeatures


class Classifiers(NamedTuple):
    """(attribute, network) in the order of the file; a positive logit says that the attribute is present."""

    name: str
    digest: str
    networks: list[tuple[str, ProganDiscriminator]]


def classifiers(path: str | os.PathLike = BUNDLE) -> Classifiers:
    """The attribute classifiers in a bundle. Raises UserError that names the file where it is not whole."""
    with _opened(path) as (header, arrays):
        arguments = _declared(header, "classifiers", "classifiers", CLASSIFIER_ARGUMENTS)
        named = _part(arrays, "classifiers/")
        attributes = header["classifiers"]["attributes"]
        for name, array in named.items():
            if array.ndim < 1 or len(array) != len(attributes):
                raise UserError(
                    f"its {name} has the shape {list(array.shape)}, and there are {len(attributes)} attributes"
                )
        networks = []
        for row, attribute in enumerate(attributes):
            network = ProganDiscriminator(**arguments, mbstd_group_size=0, dtype="float32")
            keras_file.fill(network, {name: array[row] for name, array in named.items()})
            networks.append((str(attribute), network))
        return Classifiers("faces-classifiers", files.sha256(path), networks)


def features(path: str | os.PathLike = BUNDLE) -> Features:
    """The feature network in a bundle. Raises UserError that names the file where it is not whole."""
    with _opened(path) as (header, arrays):
        arguments = _declared(header, "features", "feature network", FEATURE_ARGUMENTS)
        network = FacesFeatures(**arguments, dtype="float32")
        keras_file.fill(network, _part(arrays, "features/"))
        return Features("faces-features", files.sha256(path), network)


def facts(path: str | os.PathLike = BUNDLE) -> dict[str, Any]:
    """What is written about a bundle's networks: how and on what they were trained, and their accuracy."""
    with _opened(path) as (header, _):
        return header["facts"]


def write(
    path: str | os.PathLike,
    named: Sequence[tuple[str, ProganDiscriminator]],
    seeing: FacesFeatures | None,
    about: Mapping[str, Any],
) -> None:
    """Writes a bundle: classifiers of one and the same architecture, the feature network or None, and the facts."""
    header: dict[str, Any] = {"format": FORMAT, "facts": dict(about)}
    arrays: dict[str, np.ndarray] = {}
    if named:
        first, *others = (_arguments(network, CLASSIFIER_ARGUMENTS) for _, network in named)
        if any(other != first for other in others):
            raise ValueError("the classifiers of a bundle must have the same arguments")
        header["classifiers"] = {"arguments": first, "attributes": [attribute for attribute, _ in named]}
        each = [keras_file.named_variables(network) for _, network in named]
        arrays |= {f"classifiers/{name}": np.stack([_half(one[name]) for one in each]) for name in each[0]}
    if seeing is not None:
        header["features"] = {"arguments": _arguments(seeing, FEATURE_ARGUMENTS)}
        found = keras_file.named_variables(seeing)
        arrays |= {f"features/{name}": _half(variable) for name, variable in found.items()}
    arrays["header"] = np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8)
    with files.atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _half(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype(np.float16)


def _arguments(network: keras.Model, names: Iterable[str]) -> dict[str, Any]:
    config = network.get_config()
    return {name: config[name] for name in names}


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[tuple[dict[str, Any], Mapping[str, np.ndarray]]]:
    """(header, arrays). What goes wrong inside becomes a UserError."""
    if not os.path.isfile(path):
        raise UserError(f"there is no {path}: it comes with the project, or train_classifiers.py --pack makes it")
    arrays = plain_npz.read(path)
    try:
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise UserError(f"its format is {shown(header['format'])}, and {FORMAT} is known")
        yield header, arrays
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"{path} is not a whole bundle of classifiers: {why}") from None


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix, by the rest of their names."""
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _declared(header: Mapping[str, Any], part: str, title: str, largest: Mapping[str, int | None]) -> dict[str, Any]:
    """The arguments of the networks of a part, within their limits."""
    if part not in header:
        raise UserError(f"it holds no {title}")
    arguments = {name: header[part]["arguments"][name] for name in largest}
    for name, most in largest.items():
        if most is not None and not np.max(arguments[name]) <= most:
            raise UserError(
                f"its {title} would be too large: {name} {shown(arguments[name])}, and at most {most} is taken"
            )
    return arguments
