"""Files in NVIDIA's format, made of our networks: states as plain dicts, which tests may spoil, and then pickled."""

import hashlib
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from recorded import FOLDER

from stylegan_tf.weights import names

ROLES = ("G", "D", "Gs")
OFFICIAL = {"z_dim": "latent_size", "w_dim": "dlatent_size"}
OURS_ALONE = ("name", "trainable", "dtype", "seed", "downscale_last", "fused_scale", "blur")
FUNCTIONS = {
    "Generator": "G_style",
    "Discriminator": "D_basic",
    "ProganGenerator": "G_paper",
    "ProganDiscriminator": "D_paper",
}


def write(path: Path, networks: dict[str, Any], protocol=4, easy=False, spoil=None, **options) -> Path:
    """A file of our networks by role: {"G", "D", "Gs"}, or a single one. `spoil` changes the states, {role: state}.

    easy: tables of arguments and components are EasyDict, and (G, D, Gs) is a tuple. options: see `state`.
    """
    states = {role: state(network, role, **options) for role, network in networks.items()}
    if spoil is not None:
        spoil(states)
    return write_states(path, list(states.values()) if len(states) > 1 else next(iter(states.values())), protocol, easy)


def state(network, role: str, version=3, lod=0.0, source="", fused_scale: Any = "default", **arguments) -> dict:
    """What the official code would have stored of a network like ours; components are states in it.

    fused_scale: the official one; by default "auto", and of Progressive GAN True, unless the discriminator
    downscales last. arguments: added to the official ones, or None to leave one out.
    """
    config = network.get_config()
    function = FUNCTIONS[type(network).__name__]
    if fused_scale == "default":
        fused_scale = "auto" if function in ("G_style", "D_basic") else not config.get("downscale_last", False)
    static = {OFFICIAL.get(name, name): value for name, value in config.items() if name not in OURS_ALONE}
    static |= {"fused_scale": fused_scale}
    static |= {"blur_filter": [1, 2, 1] if config["blur"] else None} if "blur" in config else {}
    static = {name: value for name, value in (static | arguments).items() if name not in arguments or value is not None}
    tensors = [(name, official_array(network, name, fused_scale)) for name in official_names(network, fused_scale)]
    variables = [("lod", np.float32(lod)), *tensors]
    shared = {"version": version, "build_module_src": source}
    components = {}
    for key, part in (("synthesis", "G_synthesis"), ("mapping", "G_mapping")) if function == "G_style" else ():
        own = [(name.removeprefix(f"{part}/"), array) for name, array in variables if name.startswith(f"{part}/")]
        own = [("lod", np.float32(lod)), *own] if key == "synthesis" else own
        kwargs = static | ({"dlatent_broadcast": 2 * network.last_stage - 2} if key == "mapping" else {})
        fields = {"static_kwargs": kwargs, "components": {}, "build_func_name": part, "variables": own}
        components[key] = shared | {"name": part} | fields
        variables = [(name, array) for name, array in variables if not name.startswith(f"{part}/")]
    fields = {"static_kwargs": static, "components": components, "build_func_name": function, "variables": variables}
    return shared | {"name": role} | fields


def official_array(network, name: str, fused_scale) -> np.ndarray:
    """The number of one variable as the official code stores them."""
    ((_, variable),) = names.pairs(network, [name])
    flipped = names.is_flipped(name, fused_scale)
    return np.ascontiguousarray(names.to_official(name, np.asarray(variable.numpy()), flipped))


def official_names(network, fused_scale=True) -> list[str]:
    """The official name of every variable of a network of ours, each once."""
    progan, generator = type(network).__name__.startswith("Progan"), type(network).__name__.endswith("Generator")
    plain = progan and not fused_scale
    style = "G_synthesis/" if generator and not progan else ""
    layers = ["4x4/Const", "4x4/Dense", "4x4/Conv"] if generator else []
    for stage in range(3, network.last_stage + 1):
        up, down = ("Conv0_up", "Conv1") if generator else ("Conv0", "Conv1_down")
        layers += [f"{2**stage}x{2**stage}/{layer.partition('_')[0] if plain else layer}" for layer in (up, down)]
    layers += [] if generator else ["4x4/Conv", "4x4/Dense0", "4x4/Dense1"]
    layers += [f"{'To' if generator else 'From'}RGB_lod{lod}" for lod in range(network.last_stage - 1)]
    parts = ("weight", "const", "Noise/weight", "bias", "StyleMod/weight", "StyleMod/bias")
    candidates = [f"{style}{layer}/{part}" for layer in layers for part in parts]
    if style:
        candidates += [f"G_synthesis/noise{index}" for index in range(2 * network.last_stage - 2)]
        candidates += [f"G_mapping/Dense{index}/{part}" for index in range(64) for part in ("weight", "bias")]
        candidates += ["G_mapping/LabelConcat/weight", "dlatent_avg"]
    found = [name for name in candidates if has(network, name)]
    assert len(found) == len(network.variables)
    return found


def has(network, name: str) -> bool:
    try:
        return bool(list(names.pairs(network, [name])))
    except ValueError:
        return False


class EasyDict(dict):
    pass


class Network:
    pass


EasyDict.__module__, Network.__module__ = "dnnlib.util", "dnnlib.tflib.network"


def write_states(path: Path, states: Any, protocol=4, easy=False) -> Path:
    """Pickles a state, or a list of them, as the official code pickles its networks."""
    many = isinstance(states, list)
    networks = [_network(each, easy) for each in (states if many else [states])]
    content = (tuple(networks) if easy else networks) if many else networks[0]
    with official_modules():
        path.write_bytes(pickle.dumps(content, protocol))
    return path


def _network(plain: Any, easy: bool) -> Any:
    if not isinstance(plain, dict) or "variables" not in plain:
        return plain  # spoiled
    table = EasyDict if easy else dict
    network = Network()
    network.__dict__.update(plain)
    if isinstance(plain.get("static_kwargs"), dict):
        network.__dict__["static_kwargs"] = table(plain["static_kwargs"])
    if isinstance(plain.get("components"), dict):
        parts = {key: _network(part, easy) for key, part in plain["components"].items()}
        network.__dict__["components"] = table(parts)
    return network


@contextmanager
def official_modules() -> Iterator[None]:
    """Within, pickle finds the classes under their official names."""
    made = {name: ModuleType(name) for name in ("dnnlib", "dnnlib.util", "dnnlib.tflib", "dnnlib.tflib.network")}
    made["dnnlib.util"].EasyDict = EasyDict  # type: ignore[attr-defined]
    made["dnnlib.tflib.network"].Network = Network  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def randomized(network, seed=3):
    """Numbers that no initialisation gives, so that a variable that is not read shows."""
    random = np.random.default_rng(seed)
    for variable in network.variables:
        variable.assign(random.normal(size=variable.shape))
    return network


def recorded_file(name: str, folder: Path) -> Path:
    """A recorded network file: network32, classifier32, and either with _proto4, put together in `folder`."""
    whole = FOLDER / f"{name}.pkl"
    if whole.exists():
        return whole
    with np.load(FOLDER / f"{name}.npz") as file:
        own, pieces, digest = file["own"].tobytes(), file["pieces"].tolist(), str(file["sha256"])
    like = (FOLDER / f"{name.removesuffix('_proto4')}.pkl").read_bytes()
    content, at = b"", 0
    for count, offset in pieces:
        content += own[at : at + count] if offset < 0 else like[offset : offset + count]
        at += count if offset < 0 else 0
    assert hashlib.sha256(content).hexdigest() == digest
    path = folder / f"{name}.pkl"
    path.write_bytes(content)
    return path
