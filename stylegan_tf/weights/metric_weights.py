"""The networks that metrics look through, with weights from published files, which are read anew at every start.

The open files are those of pytorch-fid, torchvision and LPIPS; the official ones are NVIDIA's, whose variables are
taken where their names are known. PyTorch's names (torchvision's Inception3 and VGG16, LPIPS) are the common ground:
the variables of TensorFlow's graph of 2015 are given them first. In ours `<path>/vars/0` is a layer's kernel and
`<path>/vars/1` its bias. Finding and fetching files needs no Keras.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stylegan_tf import files, safe_pickle
from stylegan_tf.errors import Failure, UserError, brief
from stylegan_tf.file_kinds import of_file
from stylegan_tf.weights import download, registry, torch_file

if TYPE_CHECKING:
    import keras

Arrays = dict[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
KINDS = ("auto", "open", "official")
MOST_NAMES = 6  # that a message lists
LONGEST_NAME = 200  # letters of a variable of an official file
MOST_VARIABLES = 100_000  # of an official file, which has some hundreds


class Loaded(NamedTuple):
    """A network; the SHA-256 of the file or files its weights are from; and its name, which says which weights."""

    network: Any
    digest: str
    name: str


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
    return _recipe(name).is_there("open") or _recipe(name).is_there("official")


def fetch(name: str, kind: str | os.PathLike) -> None:
    """Downloads the open or official files of "inception" or "lpips" where they are missing. Without Keras.

    A folder is looked at for them. Raises UserError where it lacks one, Failure where a file cannot be had.
    """
    recipe = _recipe(name)
    if kind not in KINDS:
        _files_in(recipe, Path(kind))
    elif kind != "auto":
        for entry in recipe.entries(str(kind)):
            download.fetch(entry)


def joint_digest(paths: Sequence[str | os.PathLike]) -> str:
    """The SHA-256 of a file, or of the digests of several, each on a line."""
    return _joint([files.sha256(path) for path in paths])


def _joint(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


# ---------------------------------------------------------------------------------------------------------------------
# From files to a network.


@dataclass(frozen=True)
class _Recipe:
    """How one of the networks is made. open_files, official_file: names in the registry."""

    kind: str
    title: str
    open_files: tuple[str, ...]
    official_file: str
    make: "Callable[[], keras.Model]"
    arrays: Callable[[Mapping[str, np.ndarray], Shapes], Arrays]

    def entries(self, kind: str) -> list[registry.Entry]:
        names = self.open_files if kind == "open" else (self.official_file,)
        return [entry for entry in map(registry.find, names) if entry is not None]

    def is_there(self, kind: str) -> bool:
        return all((download.cache_folder() / entry.file).exists() for entry in self.entries(kind))


def _recipe(name: str) -> _Recipe:
    return _INCEPTION if name == "inception" else _LPIPS


def _load(recipe: _Recipe, kind: str | os.PathLike) -> Loaded:
    network = recipe.make()
    if kind in KINDS:
        if kind == "auto":
            kind = "official" if recipe.is_there("official") and not recipe.is_there("open") else "open"
        name, entries = str(kind), recipe.entries(str(kind))
        paths = [download.fetch(entry) for entry in entries]
        digests = [_checked_digest(path, entry) for path, entry in zip(paths, entries, strict=True)]
    else:
        name, paths = _files_in(recipe, Path(kind))
        digests = [files.sha256(path) for path in paths]
        if digests != [entry.sha256 for entry in recipe.entries(name)]:
            name = f"sha256 {_joint(digests)[:8]}"
    _fill(recipe, paths, network)
    return Loaded(network, _joint(digests), f"{recipe.title} ({name})")


def _files_in(recipe: _Recipe, folder: Path) -> tuple[str, list[Path]]:
    """(open or official, its files) in a folder. Raises UserError where it has neither."""
    choices = {kind: [folder / entry.file for entry in recipe.entries(kind)] for kind in KINDS[1:]}
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


def _fill(recipe: _Recipe, paths: list[Path], network: "keras.Model") -> None:
    """Gives the network the weights in the files."""
    from stylegan_tf.weights import keras_file

    shapes = {path: tuple(variable.shape) for path, variable in keras_file.named_variables(network).items()}
    try:
        if paths[0].suffix == ".pkl":
            arrays = _official_arrays(recipe, paths[0], shapes)
        else:
            state: Arrays = {}
            for path in paths:
                more = torch_file.read(path)
                if twice := sorted(state.keys() & more.keys()):
                    raise UserError(f"both have {listed(twice)}")
                state |= more
            arrays = recipe.arrays(state, shapes)
        keras_file.fill(network, arrays)
    except UserError as error:
        named = any(str(error).startswith(str(path)) for path in paths)
        raise UserError(f"{'' if named else ' and '.join(map(str, paths)) + ': '}{error}") from None


def _official_arrays(recipe: _Recipe, path: Path, shapes: Shapes) -> Arrays:
    """The variables of NVIDIA's file by our paths. Raises UserError that names what the file has instead."""
    variables: Arrays = {}
    unknown: list[str] = []
    if what := of_file(path):
        raise UserError(f"{path} is {what}")
    try:
        variables = dict(_variables(safe_pickle.read(path)))
        state, unknown = translated(variables, recipe.kind)
        if unknown or not variables:
            raise UserError("not all of its variables have names that are known")
        return recipe.arrays(state, shapes)
    except UserError as error:
        held = listed(unknown or variables) if variables else "no variables"
        raise UserError(
            f"{brief(error)}; found: {brief(held, 100)}. The open files hold the same network: ask for the open "
            f"weights ({', '.join(recipe.open_files)})"
        ) from None


def _variables(content: Any) -> list[tuple[str, np.ndarray]]:
    """(name, array) of a network and the networks inside of it; [] for what is no network with variables."""
    found, waiting = [], [(content, "", 0)]
    while waiting:
        network, prefix, depth = waiting.pop()
        if not isinstance(network, safe_pickle.Network) or depth > 2:
            continue
        own, inside = (network.state.get(field) for field in ("variables", "components"))
        found += [
            (f"{prefix}{item[0]}", item[1])
            for item in (own if isinstance(own, list) else [])
            if isinstance(item, list | tuple) and len(item) == 2
            if type(item[0]) is str and len(item[0]) <= LONGEST_NAME and isinstance(item[1], np.ndarray)
        ]
        for part in inside.values() if isinstance(inside, dict) else ():
            name = part.state.get("name") if isinstance(part, safe_pickle.Network) else ""
            known = type(name) is str and len(name) <= LONGEST_NAME
            waiting.append((part, f"{prefix}{name if known else ''}/", depth + 1))
        if len(found) + len(waiting) > MOST_VARIABLES:  # one network can be there under many names
            raise UserError(f"it has more than {MOST_VARIABLES} variables")
    return found


# ---------------------------------------------------------------------------------------------------------------------
# From PyTorch's tensors to arrays by our paths.

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
EPSILON = 1e-3  # of Inception's batch norm
# In a list of layers of VGG16 with its ReLUs and pools, the places of the convolutions.
VGG16 = {
    **{"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12, "conv3_3": 14},
    **{"conv4_1": 17, "conv4_2": 19, "conv4_3": 21, "conv5_1": 24, "conv5_2": 26, "conv5_3": 28},
}
LINS = 5
LEFT_OUT = {  # parts of the files that the networks have no use for
    "inception": r".*\.num_batches_tracked|AuxLogits\..*",
    "lpips": r"classifier\..*",
}


def inception_arrays(state: Mapping[str, np.ndarray], shapes: Shapes) -> Arrays:
    """PyTorch's tensors -> arrays by our paths, batch norm folded into kernels and biases.

    shapes: our path -> shape of every variable of networks.inception.Inception. Raises UserError where a tensor is left
    over, missing, or of another shape.
    """
    kernels = {path.removesuffix("/vars/0"): shape for path, shape in shapes.items() if path.endswith("/vars/0")}
    classes = kernels.pop("fc")
    wanted: dict[str, tuple[int, ...]] = {"fc.weight": classes[::-1], "fc.bias": classes[1:]}
    for path, shape in kernels.items():
        name = path.replace("/", ".")
        wanted[f"{name}.conv.weight"] = (shape[3], shape[2], *shape[:2])
        wanted |= {f"{name}.bn.{part}": shape[3:] for part in BATCH_NORM}
    check(state, wanted, LEFT_OUT["inception"])
    arrays = {"fc/vars/0": state["fc.weight"].T, "fc/vars/1": state["fc.bias"]}
    for path in kernels:
        name = path.replace("/", ".")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused with the rest
            gamma, beta, mean, variance = (state[f"{name}.bn.{part}"].astype(np.float64) for part in BATCH_NORM)
            if variance.min() < 0:
                raise UserError(f"its {name}.bn.running_var is negative")
            scale = gamma / np.sqrt(variance + EPSILON)
            arrays[f"{path}/vars/0"] = (state[f"{name}.conv.weight"].transpose(2, 3, 1, 0) * scale).astype(np.float32)
            arrays[f"{path}/vars/1"] = (beta - mean * scale).astype(np.float32)
    return arrays


def lpips_arrays(state: Mapping[str, np.ndarray], shapes: Shapes) -> Arrays:
    """PyTorch's tensors of VGG16 and of LPIPS together -> arrays by our paths. As `inception_arrays`, of Lpips."""
    wanted = {f"lin{k}.model.1.weight": (1, *shapes[f"vars/{k}"], 1, 1) for k in range(LINS)}
    for layer, place in VGG16.items():
        height, width, channels, filters = shapes[f"{layer}/vars/0"]
        wanted[f"features.{place}.weight"] = (filters, channels, height, width)
        wanted[f"features.{place}.bias"] = (filters,)
    check(state, wanted, LEFT_OUT["lpips"])
    arrays = {f"vars/{k}": state[f"lin{k}.model.1.weight"].reshape(-1) for k in range(LINS)}
    for layer, place in VGG16.items():
        arrays[f"{layer}/vars/0"] = state[f"features.{place}.weight"].transpose(2, 3, 1, 0)
        arrays[f"{layer}/vars/1"] = state[f"features.{place}.bias"]
    return arrays


def check(state: Mapping[str, np.ndarray], wanted: Shapes, left_out: str) -> None:
    """Raises UserError unless `state` has what is wanted, finite and in these shapes, and beyond it only `left_out`."""
    if missing := sorted(wanted.keys() - state.keys()):
        raise UserError(f"it lacks {listed(missing)}")
    extra = [name for name in state if name not in wanted and not re.fullmatch(left_out, name)]
    if extra:
        raise UserError(f"it has {listed(extra)}, and the network no place for that")
    for name, shape in wanted.items():
        if state[name].shape != shape:
            raise UserError(f"its {name} has the shape {list(state[name].shape)}, not {list(shape)}")
        if state[name].dtype != np.float32 or not np.isfinite(state[name]).all():
            raise UserError(
                f"its {name} holds {state[name].dtype} or numbers that are not finite, where float32 belong"
            )


def listed(names: Iterable) -> str:
    """Some of the names, without the control characters that a file may have put in, and how many there are."""
    names = [ascii(name)[1:-1][:40] for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


# ---------------------------------------------------------------------------------------------------------------------
# TensorFlow's names.

# TensorFlow's graph of 2015-12-05: the order of its layers, and scope in a block -> torchvision's name.
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
BLOCKS = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
A = {"conv": "branch1x1", "tower": "branch5x5_{}", "tower_1": "branch3x3dbl_{}", "tower_2": "branch_pool"}
B = {"conv": "branch3x3", "tower": "branch3x3dbl_{}"}
C = {"conv": "branch1x1", "tower": "branch7x7_{}", "tower_1": "branch7x7dbl_{}", "tower_2": "branch_pool"}
D = {"tower": "branch3x3_{}", "tower_1": "branch7x7x3_{}"}
E = {"conv": "branch1x1", "tower": "branch3x3_{}", "tower_1": "branch3x3dbl_{}", "tower_2": "branch_pool"}
E |= {"tower/mixed": "branch3x3_2{}", "tower_1/mixed": "branch3x3dbl_3{}"}
SCOPES = dict(zip(BLOCKS, (A, A, A, B, C, C, C, C, D, E, E), strict=True))
PARTS = {"conv2d_params": "conv.weight", "batchnorm/gamma": "bn.weight", "batchnorm/beta": "bn.bias"}
PARTS |= {"batchnorm/moving_mean": "bn.running_mean", "batchnorm/moving_variance": "bn.running_var"}
WEIGHTS, BIASES = ("weight", "weights", "kernel", "filter"), ("bias", "biases")


def translated(variables: Mapping[str, np.ndarray], kind: str) -> tuple[Arrays, list[str]]:
    """TensorFlow variables [h, w, in, out] by PyTorch's names and in its layout, and the names that are not known.

    kind: "inception" or "lpips". Known are the names of the graph of 2015, with or without scopes around them, and
    conv<block>_<number>/weight, lin<k>/weight and their like. A batch norm without gamma has ones.
    """
    rule = _inception_name if kind == "inception" else _lpips_name
    state: Arrays = {}
    unknown = []
    for name, array in variables.items():
        found = rule(name)
        if found is None or found in state:
            unknown.append(name)
        else:
            state[found] = _to_torch(found, array)
    if kind == "inception":
        for name, beta in list(state.items()):
            if name.endswith(".bn.bias"):
                ones = np.broadcast_to(np.ones((), beta.dtype), beta.shape)  # of a size that is not checked yet
                state.setdefault(f"{name.removesuffix('bias')}weight", ones)
    return state, unknown


def _to_torch(name: str, array: np.ndarray) -> np.ndarray:
    if name.startswith("lin"):
        return array.reshape(1, -1, 1, 1)
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    return array.T if name == "fc.weight" else array


def _inception_name(name: str) -> str | None:
    """mixed_1/tower/conv_1/batchnorm/beta -> Mixed_5c.branch5x5_2.bn.bias, and so on."""
    if found := re.search(r"(?:^|/)softmax/(weights|biases)$", name):
        return {"weights": "fc.weight", "biases": "fc.bias"}[found[1]]
    scope, part = next(((name.removesuffix(f"/{part}"), part) for part in PARTS if name.endswith(f"/{part}")), ("", ""))
    if found := re.search(r"(?:^|/)mixed(?:_(\d+))?/((?:tower(?:_[12])?/)?(?:mixed/)?)conv(?:_(\d))?$", scope):
        block, inside, number = int(found[1] or 0), found[2].rstrip("/"), int(found[3] or 0)
        layer = SCOPES[BLOCKS[block]].get(inside or "conv") if block < len(BLOCKS) else None
        if layer is None or (number and "{}" not in layer):
            return None
        layer = layer.format("ab"[number : number + 1] if inside.endswith("mixed") else number + 1)
        return f"Mixed_{BLOCKS[block]}.{layer}.{PARTS[part]}"
    if found := re.search(r"(?:^|/)conv(?:_([1-4]))?$", scope):
        return f"{STEM[int(found[1] or 0)]}.{PARTS[part]}"
    return None


def _lpips_name(name: str) -> str | None:
    """conv1_2/weight -> features.2.weight, lin0/weight -> lin0.model.1.weight, and so on."""
    found = re.search(r"(?:^|/)(conv[1-5]_[1-3]|lin[0-4])(?:/([a-z]+))?$", name)
    layer, part = found.groups() if found else ("", "")
    if layer.startswith("lin") and part in (None, *WEIGHTS):
        return f"{layer}.model.1.weight"
    if layer in VGG16 and part in WEIGHTS + BIASES:
        return f"features.{VGG16[layer]}.{'weight' if part in WEIGHTS else 'bias'}"
    return None


def _make_inception() -> "keras.Model":
    from stylegan_tf.networks.inception import Inception

    return Inception()


def _make_lpips() -> "keras.Model":
    from stylegan_tf.networks.lpips import Lpips

    return Lpips()


_INCEPTION = _Recipe(
    "inception", "inception-2015-12-05", ("inception-pth",), "inception", _make_inception, inception_arrays
)
_LPIPS = _Recipe("lpips", "lpips-vgg16-0.1", ("vgg16-pth", "lpips-pth"), "vgg16-lpips", _make_lpips, lpips_arrays)
