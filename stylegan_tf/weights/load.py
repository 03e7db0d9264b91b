"""Networks from what a user names: a run or snapshot directory, a .keras or official file, an address, a known name."""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stylegan_tf import rundir
from stylegan_tf.configs.crop import Rectangle, rectangle
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.text import from_json
from stylegan_tf.errors import UserError
from stylegan_tf.weights import download, network_file, registry

if TYPE_CHECKING:
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator

ROLES = ("G", "D", "Gs")
SHIPPED = Path(__file__).parents[2] / "pretrained" / "faces" / "Gs.keras"  # a network that comes with the project
REPORT = "network.json"  # beside converted official files
ACCEPTED = (
    "give a run directory, a network-snapshot directory, a .keras or official .pkl file, an address, or one of "
    + ", ".join(registry.GENERATORS)
)


class Networks(NamedTuple):
    """The generator, the discriminator, and the moving average of the generator that makes the best pictures.

    None where the files have none.
    """

    G: "Generator | ProganGenerator | None" = None
    D: "Discriminator | ProganDiscriminator | None" = None
    Gs: "Generator | ProganGenerator | None" = None


class Opened(NamedTuple):
    """Networks, and the stage and fade that they had been trained to; None and 1.0: to the end, as far as is known.

    Layers for finer pictures are still as they were initialised.
    """

    networks: Networks
    stage: int | None
    fade: float


def load(what: str | os.PathLike) -> Networks:
    """The networks of what a user names.

    A run directory (its newest snapshot), a snapshot directory, a .keras file, an official network file, an http(s)
    address of either, or a registered name such as "ffhq" (see pretrained/README.md), which is downloaded once.
    G.keras, D.keras and Gs.keras are what their names say; the generator of a file of one network becomes Gs. Nothing
    in a file is executed. Raises UserError where there is nothing of the kind, or a file is not such a network.
    """
    return opened(what).networks


def opened(what: str | os.PathLike) -> Opened:
    """As `load`, with the stage that was reached."""
    files = network_files(what)
    if is_official(files[0]):
        return _official(files[0])
    read = [_read(path) for path in files]
    return Opened(Networks(**dict(read)), *stage_of_snapshot(files[0]))


def network_files(what: str | os.PathLike) -> list[Path]:
    """The files that `what` means: the .keras files of one snapshot, or a single file. Fetches what is not here.

    Raises UserError where there are none.
    """
    path = Path(what)
    if path.is_file():
        return [path]
    if path.is_dir():
        snapshot = path if _networks_in(path) else rundir.newest_snapshot(path)
        if snapshot is not None:
            return _networks_in(snapshot)
        if (path / rundir.CONFIG).is_file():
            raise UserError(f"the run {path} has saved no networks yet")
        raise UserError(f"there are no networks in {path}; {ACCEPTED}")
    if download.is_address(str(what)):
        return [download.fetch(str(what))]
    entry = registry.find(str(what))
    if entry is not None and entry.role == registry.METRIC:
        raise UserError(f"{what} is a network that metrics look through: it neither makes pictures nor judges them")
    if entry is not None:
        return [download.fetch(entry)]
    near = registry.nearest(str(what)) if len(path.parts) == 1 else ACCEPTED
    raise UserError(f"there is no {path}; {near if near.startswith('did you mean') else ACCEPTED}")


def is_official(path: Path) -> bool:
    """Whether a file is not one of ours, which are zip archives."""
    with open(path, "rb") as file:
        return file.read(2) != b"PK" and path.suffix != ".keras"


def generator_file(what: str | os.PathLike) -> Path:
    """The file of the generator whose pictures are meant to be seen: Gs, or G where that is all there is."""
    files = {path.name: path for path in network_files(what)}
    found = files.get("Gs.keras") or files.get("G.keras")
    if found is None and len(files) == 1:
        found = next(iter(files.values()))
    if found is None or found.name == "D.keras":
        raise UserError(f"{what} holds a discriminator alone, which makes no pictures")
    return found


def newest_network(outdir: str | os.PathLike, otherwise: Path | None = None) -> Path:
    """The newest run directory in `outdir` that has saved networks, else `otherwise`, if it is there.

    Raises UserError where there is none.
    """
    found = next((run for run in reversed(rundir.runs(outdir)) if rundir.newest_snapshot(run)), None)
    if found is None and otherwise is not None and otherwise.exists():
        return otherwise
    if found is None:
        raise UserError(f"no run in {outdir} has saved networks; train one, or {ACCEPTED}")
    return found


def stage_of_snapshot(path: Path) -> tuple[int | None, float]:
    """(stage, fade) that the network in a .keras file had been trained to; (None, 1.0), the final one, where unknown.

    Known for snapshots that lie in the folder they were written to, to the thousand pictures that its name counts, and
    for converted official files beside the report of their conversion.
    """
    folder = path.absolute().parent
    if (folder / REPORT).is_file():
        return _stage_of_converted(path, folder / REPORT)
    experiment, nimg = trained(folder)
    if experiment is None:
        return None, 1.0
    reached = phase(nimg, experiment.schedule, experiment.data.resolution, experiment.training.num_gpus)
    return reached.stage, reached.fade


def crop_of_snapshot(path: Path) -> tuple[Rectangle, int] | None:
    """What is not black bars in the pictures that the network in a .keras file was trained on, and their side.

    None where there are none, or nothing is known: see stage_of_snapshot.
    """
    experiment, _ = trained(path.absolute().parent)
    if experiment is None or not experiment.data.crop:
        return None
    side = experiment.data.resolution
    found = rectangle(experiment.data.crop, side, f"{path.parent / rundir.CONFIG}: data.crop")
    return found and (found, side)


def trained(folder: Path) -> tuple[Experiment | None, int]:
    """The experiment that wrote a snapshot folder, and its nimg to the thousand; (None, 0) for other folders."""
    kimg = re.fullmatch(r"network-snapshot-(\d{6,})", folder.name)
    if kimg is None or not (folder / rundir.CONFIG).is_file():
        return None, 0
    try:
        return from_json(rundir.read_config(folder)), int(kimg[1]) * 1000
    except UserError as error:
        raise UserError(f"{folder / rundir.CONFIG}: {error}") from None


def _stage_of_converted(path: Path, report: Path) -> tuple[int | None, float]:
    """What the report of a conversion (python -m stylegan_tf.weights) says about one of its files."""
    try:
        told = json.loads(report.read_text(encoding="utf-8"))["networks"].get(path.stem)
        if told is None:
            return None, 1.0
        return stage_of_lod(float(told["lod"]), int(told["arguments"]["resolution"]).bit_length() - 1)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise UserError(
            f"{report} is no report of a conversion ({error}); remove it, or convert the file anew"
        ) from None


def stage_of_lod(lod: float, last_stage: int) -> tuple[int | None, float]:
    """The official level of detail of a file as (stage, fade); (None, 1.0) for 0, the final one.

    stage = last - floor(lod), fade = 1 - (lod - floor(lod)).
    """
    if lod <= 0:
        return None, 1.0
    return max(last_stage - int(lod), 2), 1 - (lod - int(lod))


def _networks_in(folder: Path) -> list[Path]:
    return [path for path in (folder / f"{role}.keras" for role in ROLES) if path.is_file()]


def _official(path: Path) -> Opened:
    """Imports Keras, which takes seconds, after the file has been found to be whole."""
    states = network_file.read(path)
    from stylegan_tf.weights.convert import to_network

    networks = {role: to_network(state) for role, state in states.items()}
    shown = next(role for role in ("Gs", "G", "D") if role in states)
    stage, fade = stage_of_lod(states[shown].lod, networks[shown].last_stage)
    return Opened(Networks(**networks), stage, fade)


def _read(path: Path) -> "tuple[str, Generator | Discriminator | ProganGenerator | ProganDiscriminator]":
    """(role, network). Imports Keras, which takes seconds."""
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.networks.progan import ProganDiscriminator
    from stylegan_tf.weights.keras_file import read

    network = read(path)
    judges = isinstance(network, (Discriminator, ProganDiscriminator))
    fitting = ("D",) if judges else ("Gs", "G")
    if path.stem in ROLES and path.stem not in fitting:
        kind = "discriminator" if judges else "generator"
        raise UserError(f"{path} holds a {kind}, which its name does not say")
    return path.stem if path.stem in ROLES else fitting[0], network
