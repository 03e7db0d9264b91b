"""The weights with which outputs of Inception and LPIPS were recorded: made by a formula from each tensor's name."""

import json
import zlib
from functools import cache

import numpy as np
from recorded import Recorded

VGG_SHAPES = {
    **{0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256), 14: (256, 256)},
    **{17: (512, 256), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512)},
}


def tensor(name: str, shape) -> np.ndarray:
    """PyTorch's tensor of that name and shape."""
    x = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        x = 1 + 0.2 * np.abs(x)
    elif name.endswith("bn.weight"):
        x = 1 + 0.1 * x
    elif name.endswith(("running_mean", "bias")):
        x = 0.1 * x
    elif len(shape) > 1:
        x = x * np.sqrt(2 / np.prod(shape[1:]))
    return np.asarray(x, np.float32)


@cache
def inception_state() -> dict[str, np.ndarray]:
    """All tensors of torchvision's Inception3, counters included, as pytorch-fid's file has them. Leave them as is."""
    shapes = json.loads(str(Recorded("inception_formula")["shapes_json"]))
    return {
        name: np.int64(0) if name.endswith("num_batches_tracked") else tensor(name, shape)
        for name, shape in shapes.items()
    }


@cache
def vgg_state() -> dict[str, np.ndarray]:
    """Those of torchvision's VGG16 before its classifier."""
    shapes = {f"features.{index}.weight": (*shape, 3, 3) for index, shape in VGG_SHAPES.items()}
    shapes |= {f"features.{index}.bias": shape[:1] for index, shape in VGG_SHAPES.items()}
    return {name: tensor(name, shape) for name, shape in shapes.items()}


def lins_state() -> dict[str, np.ndarray]:
    """The published linear weights of LPIPS."""
    recording = Recorded("lpips_formula")
    return {f"lin{k}.model.1.weight": recording[f"lin{k}"].reshape(1, -1, 1, 1) for k in range(5)}
