"""What the weights of the metrics' networks are called in foreign files, and their way into ours.

PyTorch's names (torchvision's Inception3 and VGG16, LPIPS) are the common ground: the variables of TensorFlow's graph
of 2015 are given them first. A layer of ours has `<path>/vars/0`, its kernel, and `<path>/vars/1`, its bias.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from stylegan_tf.errors import UserError

Arrays = dict[str, np.ndarray]
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
EPSILON = 1e-3  # of Inception's batch norm
MOST_NAMES = 12  # that a message lists

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


def inception_arrays(state: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
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
        gamma, beta, mean, variance = (state[f"{name}.bn.{part}"].astype(np.float64) for part in BATCH_NORM)
        if variance.min() < 0:
            raise UserError(f"its {name}.bn.running_var is negative")
        scale = gamma / np.sqrt(variance + EPSILON)
        arrays[f"{path}/vars/0"] = (state[f"{name}.conv.weight"].transpose(2, 3, 1, 0) * scale).astype(np.float32)
        arrays[f"{path}/vars/1"] = (beta - mean * scale).astype(np.float32)
    return arrays


def lpips_arrays(state: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
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


def check(state: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]], left_out: str) -> None:
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


def listed(names: Any) -> str:
    """Some of the names, without the control characters that a file may have put in, and how many there are."""
    names = [ascii(name)[1:-1][:80] for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


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
                state.setdefault(f"{name.removesuffix('bias')}weight", np.ones_like(beta))
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
