"""Readers of network files: official pickles and ours, PyTorch's, and those of the networks in metrics."""

import io
import pickle
import pickletools
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import official_files
from torch_files import write_older, write_zip

from stylegan_tf import file_kinds, safe_pickle
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError
from stylegan_tf.weights import keras_header, load, metric_weights, official_pickle, torch_file
from tests.fuzz import Target, Tree, mutations

SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}
STYLE = {"z_dim": 4, "w_dim": 4, "mapping_fmaps": 4, "mapping_layers": 2}
TENSORS = {"a.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.float32([1]), "n": np.int64(3)}


def file(name: str, write: Callable[[Path], object]) -> Tree:
    """What `write` makes of a path; of an archive without the time at which it was made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        content = path.read_bytes()
    if not content.startswith(b"PK"):
        return {name: content}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for entry, data in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), b"{}" if entry == keras_header.METADATA else data)
    return {name: packed.getvalue()}


@cache
def networks():
    """G, D, a conditional G, a generator without styles, and Progressive GAN's two."""
    from stylegan_tf.networks.kinds import make

    G, D = make(GeneratorConfig(**SMALL, **STYLE)), make(DiscriminatorConfig(**SMALL))
    conditional = make(GeneratorConfig(**SMALL, **STYLE, label_size=2))
    plain = make(GeneratorConfig(**SMALL, **STYLE, use_styles=False))
    progan = make(ProganGeneratorConfig(**SMALL, z_dim=4)), make(ProganDiscriminatorConfig(**SMALL, mbstd_group_size=0))
    return G, D, conditional, plain, *progan


@cache
def official_seeds() -> list[Tree]:
    """Protocols 2 to 5, all versions of the format, three networks and one."""
    G, D, conditional, plain, of_a, judge_of_a = networks()
    choices = [
        ({"G": G, "D": D, "Gs": G}, {"protocol": 2, "version": 2}),
        ({"Gs": conditional}, {"protocol": 3}),
        ({"G": G, "D": D, "Gs": G}, {"protocol": 4, "easy": True}),
        ({"D": judge_of_a}, {"protocol": 5, "version": 4, "source": "import os"}),
        ({"Gs": of_a}, {"protocol": 4}),
        ({"Gs": plain}, {"protocol": 4}),
    ]
    return [
        file("net.pkl", lambda path, c=chosen, o=options: official_files.write(path, c, **o))
        for chosen, options in choices
    ]


@cache
def keras_seeds() -> list[Tree]:
    return [file("net.keras", network.save) for network in networks()]


def read_official(path: Path, out: Path) -> None:
    """What `python -m stylegan_tf.weights` looks at, and all that is checked before networks are made."""
    states = official_pickle.read(path)
    assert set(states) in ({"G", "D", "Gs"}, {"Gs"}, {"D"})
    stored = 0
    for role, state in states.items():
        official_pickle.translated(state)
        stored += sum(array.nbytes for array in state.variables.values())
        assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in state.variables.values()), role
    assert stored <= official_pickle.MOST_SHARED * path.stat().st_size


def read_declared(path: Path, out: Path) -> None:
    found, stage = load.declared(path)
    assert found and (stage is None or 2 <= stage <= 15)


def read_whole(path: Path, out: Path) -> None:
    """Networks whose variables are as many and of such shapes as they declare, with finite numbers."""
    for network in filter(None, load.load(path)):
        again = type(network).from_config(network.get_config())
        assert [v.shape for v in again.variables] == [v.shape for v in network.variables], "not the declared shapes"
        assert all(np.isfinite(variable.numpy()).all() for variable in network.variables), "numbers are not finite"


def read_keras_header(path: Path, out: Path) -> None:
    with keras_header.refusing(path), keras_header.opened(path) as (config, _, arrays):
        assert keras_header.declared(path) == config
        assert sum(array.nbytes for array in arrays.values()) <= path.stat().st_size


# ----------------------------------------------------------------------------------------------------------------------
# Pickles by themselves


def pickle_seeds() -> list[Tree]:
    shared = [1, 2.5, None, True, "text"]
    content = {
        "list": [shared, shared, (shared, {"a": shared})],
        "array": np.arange(6, dtype=">f4").reshape(2, 3),
        "order": OrderedDict([("x", 1), ("y", b"bytes")]),
        **{"scalar": np.float32(0.5), "set": {1, 2}, "fortran": np.asfortranarray(np.eye(3)), "whole": 2**100},
    }
    return [{"data.pkl": pickle.dumps(content, protocol)} for protocol in range(2, 6)]


def read_pickle(path: Path, out: Path) -> None:
    """Plain data alone, no larger than a few times the file."""
    seen: dict[int, object] = {}
    waiting = [safe_pickle.read(path)]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, safe_pickle.Network):
            waiting.append(value.state)
        else:
            assert type(value) in safe_pickle.PLAIN, type(value)
    assert len(seen) <= safe_pickle.MOST_INSTRUCTIONS


# ----------------------------------------------------------------------------------------------------------------------
# PyTorch's files, and the networks of the metrics, here as narrow as they can be


def torch_seeds() -> list[Tree]:
    return [
        file("w.pth", lambda path: write_zip(path, TENSORS)),
        file("w.pth", lambda path: write_older(path, TENSORS, 1)),
        file("w.pth", lambda path: write_older(path, TENSORS, 2)),
    ]


def of_torch(name: str, content: bytes, rng: Random) -> bytes:
    """A fault in the format that the bytes are of."""
    if content.startswith(b"PK"):
        return mutations.of_suffix(name, content, rng)
    try:
        return of_older_torch(content, rng)
    except Exception:  # an earlier fault has left nothing of the format
        return mutations.anywhere(content, rng)


def of_older_torch(content: bytes, rng: Random) -> bytes:
    """One of the five pickles at the beginning of a file of before 2020 changed."""
    stream, ends = io.BytesIO(content), [0]
    for _ in range(5):
        list(pickletools.genops(stream))
        ends.append(stream.tell())
    place = rng.choice((2, 3, 3, 3, 3, 4))
    changed = mutations.of_pickle(content[ends[place] : ends[place + 1]], rng)
    return content[: ends[place]] + changed + content[ends[place + 1] :]


def read_torch(path: Path, out: Path) -> None:
    arrays = torch_file.read(path)
    assert sum(array.nbytes for array in arrays.values()) <= torch_file.MOST_SHARED * path.stat().st_size


NARROW = {
    "inception": {"Conv2d_1a_3x3/vars/0": (3, 3, 2, 1), "Conv2d_1a_3x3/vars/1": (1,)}
    | {
        "Mixed_5b/branch1x1/vars/0": (1, 1, 1, 2),
        "Mixed_5b/branch1x1/vars/1": (2,),
        "fc/vars/0": (2, 3),
        "fc/vars/1": (3,),
    },
    "lpips": {f"{layer}/vars/0": (3, 3, 1, 1) for layer in metric_weights.VGG16}
    | {f"{layer}/vars/1": (1,) for layer in metric_weights.VGG16}
    | {f"vars/{k}": (1,) for k in range(metric_weights.LINS)},
}


@cache
def narrow(kind: str):
    """A layer with layers in it whose variables have these paths and shapes."""
    import keras

    top = keras.layers.Layer()
    for path, shape in NARROW[kind].items():
        at, names = top, path.split("/")[:-2]
        for name in names:
            if not hasattr(at, name):
                setattr(at, name, keras.layers.Layer())
            at = getattr(at, name)
        at.add_weight(shape=shape)
    return top


def inception_tensors() -> dict[str, np.ndarray]:
    """PyTorch's, with one that is left out."""
    found = {"fc.weight": np.ones((3, 2)), "fc.bias": np.ones(3), "AuxLogits.x": np.ones(1)}
    for name, shape in {"Conv2d_1a_3x3": (1, 2, 3, 3), "Mixed_5b.branch1x1": (2, 1, 1, 1)}.items():
        found |= {f"{name}.conv.weight": np.ones(shape)}
        found |= {f"{name}.bn.{part}": np.full(shape[0], 0.5) for part in metric_weights.BATCH_NORM}
    return {name: array.astype(np.float32) for name, array in found.items()}


def vgg_tensors() -> dict[str, np.ndarray]:
    places = metric_weights.VGG16.values()
    found = {f"features.{place}.weight": np.ones((1, 1, 3, 3), np.float32) for place in places}
    return found | {f"features.{place}.bias": np.ones(1, np.float32) for place in places}


def lin_tensors() -> dict[str, np.ndarray]:
    return {f"lin{k}.model.1.weight": np.ones((1, 1, 1, 1), np.float32) for k in range(metric_weights.LINS)}


def official_state(variables: dict[str, np.ndarray]) -> dict:
    fields = {"version": 3, "name": "net", "static_kwargs": {}, "components": {}, "build_func_name": "net"}
    return fields | {"build_module_src": "", "variables": list(variables.items())}


def official_inception(path: Path) -> None:
    found = {"softmax/weights": np.ones((2, 3)), "softmax/biases": np.ones(3)}
    for scope, shape in {"conv": (3, 3, 2, 1), "mixed/conv": (1, 1, 1, 2)}.items():
        found[f"{scope}/conv2d_params"] = np.ones(shape)
        parts = ("beta", "moving_mean", "moving_variance")
        found |= {f"{scope}/batchnorm/{part}": np.full(shape[3], 0.5) for part in parts}
    official_files.write_states(path, official_state({name: array.astype(np.float32) for name, array in found.items()}))


def inception_seeds() -> list[Tree]:
    return [
        file("inception.pth", lambda path: write_zip(path, inception_tensors())),
        file("inception.pkl", official_inception),
    ]


def lpips_seeds() -> list[Tree]:
    pairs = [(write_zip, write_older), (write_older, write_zip)]
    return [
        file("vgg16.pth", lambda path, w=one: w(path, vgg_tensors()))
        | file("vgg.pth", lambda path, w=other: w(path, lin_tensors()))
        for one, other in pairs
    ]


def read_inception(path: Path, out: Path) -> None:
    metric_weights._fill(metric_weights._INCEPTION, [path], narrow("inception"))


def read_lpips(path: Path, out: Path) -> None:
    metric_weights._fill(metric_weights._LPIPS, [path / "vgg16.pth", path / "vgg.pth"], narrow("lpips"))


# ----------------------------------------------------------------------------------------------------------------------
# What came in place of a file


def page_seeds() -> list[Tree]:
    page = (
        b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body><p>Sorry, you can&#39;t "
    )
    page += b"view or download this file at this time.</p><p>Too many users have viewed or downloaded this file.</p>"
    texts = (page, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", b'{"error": "none"}', b"Not Found")
    heads = (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", b"\x1f\x8b" + bytes(40))
    return [{"net.pkl": content} for content in (*texts, *heads)]


def read_page(path: Path, out: Path) -> None:
    """What a file is called that is no network: a line that can be printed."""
    what = file_kinds.as_network(path) if path.is_file() else None
    head = path.read_bytes()[: file_kinds.HEAD] if path.is_file() else b""
    for said in (what, file_kinds.as_picture(path, head), file_kinds.page_words(head)):
        assert said is None or (said.isprintable() and len(said) < 600), f"{said!a:.300}"
    if what is None:
        raise UserError(f"{path} may be a network, as far as is known")


TARGETS = [
    Target("official-pickle", official_seeds, read_official),
    Target("official-declared", official_seeds, read_declared, share=10),
    Target("official-network", official_seeds, read_whole, share=20),
    Target("pickle", pickle_seeds, read_pickle),
    Target("keras-header", keras_seeds, read_keras_header),
    Target("keras-network", keras_seeds, read_whole, share=20),
    Target("torch", torch_seeds, read_torch, mutate=of_torch),
    Target("inception", inception_seeds, read_inception),
    Target("lpips", lpips_seeds, read_lpips),
    Target("page", page_seeds, read_page),
]
