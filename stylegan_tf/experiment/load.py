"""Networks from what a user names: a run directory, a snapshot directory or a .keras file."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stylegan_tf import rundir
from stylegan_tf.configs.json_form import from_json
from stylegan_tf.mistakes import Mistake
from stylegan_tf.training.schedule import phase

if TYPE_CHECKING:
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.networks.generator import Generator

ROLES = ("G", "D", "Gs")
ACCEPTED = "give a run directory, a network-snapshot directory or a .keras file"


class Networks(NamedTuple):
    """The generator, the discriminator, and the moving average of the generator that makes the best pictures.

    None where the files have none.
    """

    G: "Generator | None" = None
    D: "Discriminator | None" = None
    Gs: "Generator | None" = None


def load(what: str | os.PathLike) -> Networks:
    """The networks of a run directory (its newest snapshot), a snapshot directory or a single .keras file.

    G.keras, D.keras and Gs.keras are what their names say; a generator in a file of another name becomes Gs. Raises
    Mistake where there is nothing of the kind, or a file is not a network of ours.
    """
    read = [_read(path) for path in network_files(what)]
    return Networks(**dict(read))


def network_files(what: str | os.PathLike) -> list[Path]:
    """The .keras files that `what` means, without a look into them. Raises Mistake where there are none."""
    path = Path(what)
    if path.is_file() and path.suffix == ".keras":
        return [path]
    if path.is_dir():
        snapshot = path if _networks_in(path) else rundir.newest_snapshot(path)
        if snapshot is not None:
            return _networks_in(snapshot)
        if (path / rundir.CONFIG).is_file():
            raise Mistake(f"the run {path} has saved no networks yet")
        raise Mistake(f"there are no networks in {path}; {ACCEPTED}")
    if path.is_file() or path.suffix == ".pkl" or len(path.parts) == 1:
        missing = "" if path.exists() else f"there is no {path}; "
        raise Mistake(f"{missing}official network files (.pkl) and their names are not supported yet; {ACCEPTED}")
    raise Mistake(f"there is no {path}; {ACCEPTED}")


def generator_file(what: str | os.PathLike) -> Path:
    """The file of the generator whose pictures are meant to be seen: Gs, or G where that is all there is."""
    files = {path.stem: path for path in network_files(what)}
    found = files.get("Gs") or files.get("G")
    if found is None and len(files) == 1:
        found = next(iter(files.values()))
    if found is None or found.stem == "D":
        raise Mistake(f"{what} holds a discriminator alone, which makes no pictures")
    return found


def newest_network(outdir: str | os.PathLike) -> Path:
    """The newest run directory in `outdir` that has saved networks. Raises Mistake where there is none."""
    found = next((run for run in reversed(rundir.runs(outdir)) if rundir.newest_snapshot(run)), None)
    if found is None:
        raise Mistake(f"no run in {outdir} has saved networks; train one, or {ACCEPTED}")
    return found


def stage_of_snapshot(what: str | os.PathLike) -> tuple[int | None, float]:
    """(stage, fade) that a network had been trained to when it was saved; (None, 1.0), the final one, where unknown.

    Its layers for finer pictures are still as they were initialised. Known for snapshots that lie in the folder they
    were written to, to the thousand pictures that its name counts.
    """
    folder = network_files(what)[0].absolute().parent
    kimg = re.fullmatch(r"network-snapshot-(\d{6,})", folder.name)
    if kimg is None or not (folder / rundir.CONFIG).is_file():
        return None, 1.0
    try:
        experiment = from_json(rundir.read_config(folder))
    except Mistake as mistake:
        raise Mistake(f"{folder / rundir.CONFIG}: {mistake}") from None
    reached = phase(int(kimg[1]) * 1000, experiment.schedule, experiment.data.resolution, experiment.training.shares)
    return reached.stage, reached.fade


def _networks_in(folder: Path) -> list[Path]:
    return [path for path in (folder / f"{role}.keras" for role in ROLES) if path.is_file()]


def _read(path: Path) -> "tuple[str, Generator | Discriminator]":
    """(role, network). Imports Keras, which takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.official.keras_file import read

    network = read(path)
    fitting = ("Gs", "G") if isinstance(network, Generator) else ("D",)
    if path.stem in ROLES and path.stem not in fitting:
        raise Mistake(f"{path} holds a {type(network).__name__.lower()}, which its name does not say")
    return path.stem if path.stem in ROLES else fitting[0], network
