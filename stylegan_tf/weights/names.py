"""Official variable name <-> our attribute path, and the layouts of the two.

Official tensors are N C H W, ours N H W C. That matters for the constant input and the noise, and for two dense layers:
the discriminator's first (its input is flattened in the order C H W) and the traditional input's (its output is
reshaped to C H W). A fused upscaling convolution of the official code turns its kernel by 180 degrees.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from keras import ops

IGNORED = re.compile(r"(?:G_synthesis/)?lod$")  # the official schedule's variable; ours is an argument


def attribute_path(name: str, resolution: int) -> str:
    """'G_synthesis/8x8/Conv0_up/Noise/weight' -> 'synthesis.b8_conv0_up_epilogue.noise.weight'.

    name: local name in G or D of configs A to F; resolution: final, which the numbers of ToRGB_lod<k> count from.
    Raises ValueError for a name that those networks do not have.
    """
    if name == "dlatent_avg":
        return "w_avg"
    mapping = re.fullmatch(r"G_mapping/(?:Dense(\d+)/(weight|bias)|(LabelConcat)/weight)", name)
    if mapping:
        return "mapping.label_weight" if mapping[3] else f"mapping.dense{mapping[1]}.{mapping[2]}"
    scope, local = ("synthesis.", name[12:]) if name.startswith("G_synthesis/") else ("", name)
    if re.fullmatch(r"noise\d+", local):
        return scope + local
    rgb = re.fullmatch(r"(To|From)RGB_lod(\d+)/(weight|bias)", local)
    if rgb:
        return f"{scope}b{resolution >> int(rgb[2])}_{rgb[1].lower()}_rgb.{rgb[3]}"
    layer = re.fullmatch(
        r"(\d+)x\1/(Const|Dense|Dense0|Dense1|Conv|Conv0|Conv0_up|Conv1|Conv1_down)/"
        r"(Noise/|StyleMod/|)(const|weight|bias)",
        local,
    )
    if not layer or (layer[4] == "const" and (layer[2] != "Const" or layer[3])):
        raise ValueError(f"{name!r} is not a variable of a StyleGAN or Progressive GAN network")
    path = f"{scope}b{layer[1]}_{layer[2].lower()}"
    if layer[4] == "const":
        return path
    if path == "b4_dense" and layer[4] == "bias" and not layer[3]:  # config A: added after the reshape to 4x4
        return "b4_dense_bias"
    parts = {"": "", "Noise/": "noise.", "StyleMod/": "style."}
    in_epilogue = layer[3] or (scope and layer[4] == "bias")
    return f"{path}_epilogue.{parts[layer[3]]}{layer[4]}" if in_epilogue else f"{path}.{layer[4]}"


def pairs(network, names) -> Iterator[tuple[str, Any]]:
    """(official name, our variable) of every name in `names`, those of the official schedule left out.

    Raises ValueError where our network has no such variable.
    """
    for name in names:
        if IGNORED.match(name):
            continue
        path = attribute_path(name, network.resolution)
        # In a Progressive GAN without fused scaling the layers that change the resolution have plain names.
        paths = (path, path.replace("_conv0.", "_conv0_up."), path.replace("_conv1.", "_conv1_down."))
        found = next((variable for variable in (_at(network, each) for each in paths) if variable is not None), None)
        if found is None:
            raise ValueError(f"the network has no {path} for the official {name!r}")
        yield name, found


def official_names(network) -> list[str]:
    """The official name of every variable of a network. Config A's layers that change the resolution are called as in
    its official default, where they are fused."""
    heads = [f"G_mapping/Dense{index}" for index in range(getattr(network, "mapping_layers", 0))]
    layers = ("Const", "Dense", "Dense0", "Dense1", "Conv", "Conv0_up", "Conv0", "Conv1_down", "Conv1")
    for scope in ("G_synthesis/", ""):
        for stage in range(2, network.last_stage + 1):
            heads += [f"{scope}{rgb}_lod{network.last_stage - stage}" for rgb in ("ToRGB", "FromRGB")]
            heads += [f"{scope}{2**stage}x{2**stage}/{layer}" for layer in layers]
    parts = ("const", *(part + kind for part in ("", "Noise/", "StyleMod/") for kind in ("weight", "bias")))
    noises = [f"G_synthesis/noise{index}" for index in range(2 * network.last_stage - 2)]
    tensors = [f"{head}/{part}" for head in heads for part in parts]
    found: dict[int, str] = {}
    for name in ("dlatent_avg", "G_mapping/LabelConcat/weight", *noises, *tensors):
        with suppress(ValueError):  # no variable of this network
            for _, variable in pairs(network, [name]):
                found.setdefault(id(variable), name)
    return list(found.values())


def to_tensors(network) -> dict[str, np.ndarray]:
    """official name -> tensor of every variable in the official layout, for the official default of fused_scale."""
    fused = default_fused_scale(network)
    return {
        name: np.ascontiguousarray(to_official(name, ops.convert_to_numpy(variable), is_flipped(name, fused)))
        for name, variable in pairs(network, official_names(network))
    }


def default_fused_scale(network) -> str | bool:
    """What it is in G_style and D_basic: 'auto'; in Progressive GAN, which has no mapping: True."""
    return "auto" if hasattr(network, "mapping") else True


def _at(network, path: str):
    """The variable at an attribute path, None where there is none."""
    found = network
    for attribute in path.split("."):
        found = getattr(found, attribute, None)
    return found


def to_ours(name: str, array: np.ndarray, flipped: bool = False) -> np.ndarray:
    """An official tensor in our layout. flipped: its layer is a fused upscaling, so the kernel is turned."""
    if re.search(r"/const$|(^|/)noise\d+$", name):
        return np.transpose(array, (0, 2, 3, 1))
    if name.endswith("4x4/Dense0/weight"):  # [C 4 4, out] -> [4 4 C, out]
        return array.reshape(-1, 4, 4, array.shape[1]).transpose(1, 2, 0, 3).reshape(array.shape)
    if name.endswith("4x4/Dense/weight"):  # [w_dim, C 4 4] -> [w_dim, 4 4 C]
        return array.reshape(array.shape[0], -1, 4, 4).transpose(0, 2, 3, 1).reshape(array.shape)
    return array[::-1, ::-1] if flipped and is_upscaling(name) else array


def to_official(name: str, array: np.ndarray, flipped: bool = False) -> np.ndarray:
    """One of our tensors in the official layout: the inverse of `to_ours`."""
    if re.search(r"/const$|(^|/)noise\d+$", name):
        return np.transpose(array, (0, 3, 1, 2))
    if name.endswith("4x4/Dense0/weight"):
        return array.reshape(4, 4, -1, array.shape[1]).transpose(2, 0, 1, 3).reshape(array.shape)
    if name.endswith("4x4/Dense/weight"):
        return array.reshape(array.shape[0], 4, 4, -1).transpose(0, 3, 1, 2).reshape(array.shape)
    return array[::-1, ::-1] if flipped and is_upscaling(name) else array


def is_upscaling(name: str) -> bool:
    """Whether an official name is the kernel of an upscaling convolution."""
    return name.endswith("/Conv0_up/weight")


def is_flipped(name: str, fused_scale) -> bool:
    """Whether the official network computes this kernel turned: fused upscaling, 'auto' from 128x128 up."""
    if not is_upscaling(name):
        return False
    side = int(name.split("/")[-3].split("x")[0])
    return side >= 128 if fused_scale == "auto" else bool(fused_scale)


def assign(network, tensors: dict[str, np.ndarray], fused_scale="auto") -> None:
    """Gives a network the weights of an official one: every tensor used once, every variable of ours filled.

    tensors: official local name -> array. Raises ValueError for a name, a shape or a variable without its counterpart.
    """
    filled: set[int] = set()
    for name, variable in pairs(network, tensors):
        if id(variable) in filled:
            raise ValueError(f"{name!r} is there under another name too")
        array = np.asarray(tensors[name])
        wanted = to_official(name, np.broadcast_to(np.float32(0), variable.shape)).shape
        if array.shape != wanted:
            raise ValueError(f"{name!r} has the shape {list(array.shape)}, the network wants {list(wanted)}")
        variable.assign(to_ours(name, array, is_flipped(name, fused_scale)))
        filled.add(id(variable))
    missing = [variable.path for variable in network.variables if id(variable) not in filled]
    if missing:
        raise ValueError(f"no official tensor for {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}")
