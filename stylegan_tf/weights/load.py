"""Networks from what a user names. `load` takes

results/00000-sgan-mine-256-F-1gpu         a run directory: its newest snapshot
.../network-snapshot-000140                a snapshot: G.keras, D.keras, Gs.keras
.../checkpoints                            the newest checkpoint of a run, as far as it has come
.../checkpoints/000140032                  one of them
Gs.keras                                   a file of one network
karras2019stylegan-ffhq-1024x1024.pkl      an official network file
https://host/net.pkl                       the address of either, which is downloaded once
ffhq                                       a published network by its name (pretrained/README.md), likewise
faces                                      the networks that come with the project
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stylegan_tf import checkpoint_files, environment, files, rundir
from stylegan_tf.configs.crop import Rectangle, rectangle
from stylegan_tf.configs.options import problems
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import DiscriminatorConfig, Experiment, ProganDiscriminatorConfig
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.configs.text import shown
from stylegan_tf.errors import UserError, brief
from stylegan_tf.weights import download, official_pickle, registry
from stylegan_tf.weights.arguments import check_size

if TYPE_CHECKING:
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganDiscriminator, ProganGenerator

ROLES = ("G", "D", "Gs")
SHIPPED = Path(__file__).resolve().parents[1] / "pretrained" / "faces" / "Gs.keras"  # comes with the project
FACES = "faces"  # the name of the folder around it
REPORT = "network.json"  # beside converted official files
STATE = f"{checkpoint_files.STATE}.index"  # TensorFlow's table of a checkpoint, for which it stands here
ACCEPTED = (
    "give a run directory, a network-snapshot directory, a checkpoints directory, a .keras or official .pkl file, an "
    f"address, or one of {FACES}, " + ", ".join(registry.GENERATORS)
)


def load(what: str | os.PathLike) -> "Networks":
    """The networks of what a user names: see the list at the top of this file.

    G.keras, D.keras and Gs.keras are what their names say; the generator of a file of one network becomes Gs. Nothing
    in a file is executed. Raises UserError where there is nothing of the kind, or a file is not such a network.
    """
    return opened(what).networks


def opened(what: str | os.PathLike) -> "Opened":
    """As `load`, with the stage that was reached."""
    environment.check_backend()
    paths = network_files(what)
    if paths[0].name == STATE:
        networks = _read_checkpoint(paths[0].parent)
    elif is_official(paths[0]):
        return _read_official(paths[0])
    else:
        networks = Networks(**dict(_read_keras(path) for path in paths))
    return Opened(networks, *stage_of_snapshot(paths[0], next(filter(None, networks)).resolution))


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


def declared(what: str | os.PathLike) -> tuple[dict[str, Any], int | None]:
    """(role -> dataclass of its arguments, stage that was reached) of what `load` takes, without TensorFlow and Keras.

    Fetches what is not here. Raises UserError where there is none.
    """
    paths = network_files(what)
    found: dict[str, Any] = {}
    if paths[0].name == STATE:
        experiment, _ = _run_of(paths[0].parent)
        found = {"G": experiment.G, "D": experiment.D, "Gs": experiment.G}
    elif is_official(paths[0]):
        states = official_pickle.read(paths[0])
        found = {role: official_pickle.declared(state) for role, state in states.items()}
        shown = next(role for role in ("Gs", "G", "D") if role in states)
        return found, stage_of_lod(states[shown].lod, stage_of(found[shown].resolution))[0]
    else:
        from stylegan_tf.weights import keras_header

        for path in paths:
            config = keras_header.declared(path)
            judges = isinstance(config, DiscriminatorConfig | ProganDiscriminatorConfig)
            found["D" if judges else path.stem if path.stem in ROLES else "Gs"] = config
    return found, stage_of_snapshot(paths[0], next(iter(found.values())).resolution)[0]


# ---------------------------------------------------------------------------------------------------------------------
# Which files are meant.


def network_files(what: str | os.PathLike) -> list[Path]:
    """The files that `what` means: the .keras files of one snapshot, the STATE of a checkpoint, or a single file.

    Fetches what is not here. Raises UserError where there are none.
    """
    path = Path(what)
    if path.is_file():
        return [path]
    if path.is_dir():
        return _files_in(path)
    if str(what) == FACES:
        return _files_in(SHIPPED.parent)
    if download.is_address(str(what)):
        return [download.fetch(str(what))]
    entry = registry.find(str(what))
    if entry is not None and entry.role == registry.METRIC:
        raise UserError(f"{what} is a network that metrics look through: it neither makes pictures nor judges them")
    if entry is not None:
        return [download.fetch(entry)]
    near = registry.nearest(str(what)) if len(path.parts) == 1 else ACCEPTED
    hint = near if near.startswith("did you mean") else ACCEPTED
    if meant := download.without_scheme(str(what)):
        hint = f"an address begins with https://, as in {meant}; otherwise {ACCEPTED}"
    raise UserError(f"there is no {path}; {hint}")


def _files_in(folder: Path) -> list[Path]:
    snapshot = folder if _keras_files(folder) else rundir.newest_snapshot(folder)
    if snapshot is not None:
        return _keras_files(snapshot)
    if (folder / STATE).is_file():
        return [folder / STATE]
    is_run = (folder / rundir.CONFIG).is_file()
    checkpoints = folder / rundir.CHECKPOINTS if is_run else folder
    numbered = [path for path in checkpoints.glob("*") if path.name.isdecimal() and (path / STATE).is_file()]
    newest = max(numbered, key=lambda path: int(path.name), default=None)
    if is_run:
        hint = f"; its newest checkpoint can be named: {checkpoints}" if newest else ""
        raise UserError(f"the run {folder} has saved no networks yet{hint}")
    if newest is None or checkpoints.absolute().name != rundir.CHECKPOINTS:
        what = (
            "holds a SavedModel, made for other programs"
            if (folder / "saved_model.pb").is_file()
            else "holds no networks"
        )
        raise UserError(f"{folder} {what}; {ACCEPTED}")
    return [newest / STATE]


def _keras_files(folder: Path) -> list[Path]:
    return [path for path in (folder / f"{role}.keras" for role in ROLES) if path.is_file()]


def is_official(path: Path) -> bool:
    """Whether a file is not one of ours, which are zip archives."""
    with open(path, "rb") as file:
        return file.read(2) != b"PK" and path.suffix != ".keras"


def generator_file(what: str | os.PathLike) -> Path:
    """The file of the generator whose pictures are meant to be seen: Gs, or G where that is all there is.

    Of a checkpoint, which has all networks in one, its STATE.
    """
    paths = {path.name: path for path in network_files(what)}
    found = paths.get("Gs.keras") or paths.get("G.keras")
    if found is None and len(paths) == 1:
        found = next(iter(paths.values()))
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


# ---------------------------------------------------------------------------------------------------------------------
# How far a network was trained, and on what.


def stage_of_snapshot(path: Path, resolution: int) -> tuple[int | None, float]:
    """(stage, fade) that the network in a file of ours had been trained to; (None, 1.0), the final one, where unknown.

    resolution: of the network. Raises UserError where what lies beside the file is about another one.

    Known for snapshots that lie in the folder they were written to, to the thousand pictures that its name counts; for
    checkpoints in their run; and for converted official files beside the report of their conversion.
    """
    folder = path.absolute().parent
    if (folder / REPORT).is_file():
        return _stage_of_converted(path, folder / REPORT, resolution)
    experiment, nimg = trained(folder)
    if experiment is None:
        return None, 1.0
    side = experiment.data.resolution
    if side != resolution:
        raise UserError(
            f"{path} makes or judges pictures of {resolution}x{resolution}, and the {rundir.CONFIG} of its run says "
            f"{side}x{side}: they do not belong together; move the network to another folder"
        )
    try:
        reached = phase(nimg, experiment.schedule, side, experiment.training.num_gpus)
    except ArithmeticError as error:
        raise UserError(f"the {rundir.CONFIG} of {path} has no schedule that can be: {brief(error)}") from None
    return reached.stage, reached.fade


def crop_of_snapshot(path: Path) -> tuple[Rectangle, int] | None:
    """What is not black bars in the pictures that the network in a file of ours was trained on, and their side.

    None where there are none, or nothing is known: see stage_of_snapshot.
    """
    experiment, _ = trained(path.absolute().parent)
    if experiment is None or not experiment.data.crop:
        return None
    side = experiment.data.resolution
    found = rectangle(experiment.data.crop, side, f"{path.parent / rundir.CONFIG}: data.crop")
    return found and (found, side)


def classes_of_snapshot(path: Path) -> tuple[str, ...]:
    """The names of the classes that the network in a file of ours was trained on; () where it has none that are known.

    They are in the dataset.json beside a snapshot, or of the run that a checkpoint lies in.
    """
    for folder in path.absolute().parents[: 3 if path.name == STATE else 1]:
        with suppress(UserError):
            names = files.read_json(folder / rundir.DATA_SET).get(rundir.CLASSES)
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                return tuple(map(shown, names))
    return ()


def trained(folder: Path) -> tuple[Experiment | None, int]:
    """The experiment that wrote a snapshot or checkpoint, and its nimg, that of a snapshot to the thousand.

    (None, 0) for other folders.
    """
    if (folder / STATE).is_file():
        return _run_of(folder)
    kimg = re.fullmatch(r"network-snapshot-(\d{6,})", folder.name)
    if kimg is None or not (folder / rundir.CONFIG).is_file():
        return None, 0
    return _experiment(folder), int(kimg[1]) * 1000


def _run_of(checkpoint: Path, checked: bool = False) -> tuple[Experiment, int]:
    """The experiment of the run that a checkpoint lies in, and its nimg; `checked`: its files are whole."""
    run = checkpoint.absolute().parents[1]
    if checkpoint.absolute().parent.name != rundir.CHECKPOINTS or not (run / rundir.CONFIG).is_file():
        raise UserError(
            f"the checkpoint {checkpoint} lies in no {rundir.CHECKPOINTS} folder of a run, whose {rundir.CONFIG} would "
            "say which networks it holds; put it back there"
        )
    try:
        progress = checkpoint_files.read(checkpoint, checked)
    except UserError as error:
        raise UserError(f"the checkpoint {checkpoint} is damaged ({error}); {_another(checkpoint)}") from None
    return _experiment(run), progress.nimg


def _experiment(folder: Path) -> Experiment:
    """That of a run or snapshot, whose networks can be."""
    found = rundir.experiment_of(folder)
    wrong = [*problems(found.G), *problems(found.D)]
    if not found.G.resolution == found.D.resolution == found.data.resolution:
        wrong.append("its G, D and data are of different resolutions")
    if wrong:
        raise UserError(f"{folder / rundir.CONFIG}: {wrong[0]}")
    return found


def _another(checkpoint: Path) -> str:
    return f"name another checkpoint in {checkpoint.parent}, or a snapshot of the run"


def _stage_of_converted(path: Path, report: Path, resolution: int) -> tuple[int | None, float]:
    """What the report of a conversion (python -m stylegan_tf.weights) says about one of its files."""
    try:
        told = files.read_json(report)["networks"].get(path.stem)
        if told is None:
            return None, 1.0
        lod, side = told["lod"], told["arguments"]["resolution"]
        if type(lod) not in (int, float) or not 0 <= lod <= official_pickle.HIGHEST_LOD or side != resolution:
            raise UserError(f"it says lod {shown(lod)} of {shown(side)} pixels, and the network has {resolution}")
        return stage_of_lod(lod, stage_of(resolution))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UserError(
            f"{report} is no report of a conversion to {path.name} ({brief(error)}); remove it, or convert anew"
        ) from None


def stage_of_lod(lod: float, last_stage: int) -> tuple[int | None, float]:
    """The official level of detail of a file as (stage, fade); (None, 1.0) for 0, the final one.

    stage = last - floor(lod), fade = 1 - (lod - floor(lod)).
    """
    if lod <= 0:
        return None, 1.0
    return max(last_stage - int(lod), 2), 1 - (lod - int(lod))


# ---------------------------------------------------------------------------------------------------------------------
# The networks in a file. Keras, which takes seconds, is imported after the file has been found.


def _read_official(path: Path) -> Opened:
    states = official_pickle.read(path)
    from stylegan_tf.weights.convert import to_network

    networks = {role: to_network(state) for role, state in states.items()}
    shown = next(role for role in ("Gs", "G", "D") if role in states)
    stage, fade = stage_of_lod(states[shown].lod, networks[shown].last_stage)
    return Opened(Networks(**networks), stage, fade)


def _read_keras(path: Path) -> "tuple[str, Generator | Discriminator | ProganGenerator | ProganDiscriminator]":
    """(role, network)."""
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


def _read_checkpoint(folder: Path) -> Networks:
    """The networks that the run's config.json describes, with the weights of a checkpoint (training/checkpoint.py)."""
    experiment, _ = _run_of(folder, checked=True)
    stored = sum(path.stat().st_size for path in folder.glob("state.data-*"))
    for config in (experiment.G, experiment.D):
        try:
            check_size(config, stored)
        except UserError as error:
            raise UserError(
                f"the checkpoint {folder} is damaged, or of other networks ({error}); {_another(folder)}"
            ) from None
    import keras
    import numpy as np

    if keras.config.backend() != "tensorflow":
        raise UserError(f"{folder} is a checkpoint of TensorFlow's: {keras.config.backend()} can load a snapshot")
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    from stylegan_tf import checkpoint_index
    from stylegan_tf.networks.kinds import make

    try:
        checkpoint_index.check(folder / checkpoint_files.STATE)
        G, D, Gs = make(experiment.G), make(experiment.D), make(experiment.G)
        # A checkpoint also holds the state of the optimizers, which nobody needs here.
        status = checkpoint_index.read(tf.train.Checkpoint(G=G, D=D, Gs=Gs), folder / checkpoint_files.STATE)
        status.assert_existing_objects_matched()
    except (*checkpoint_files.UNREADABLE, DecodeError, tf.errors.OpError) as error:
        raise UserError(
            f"the checkpoint {folder} is damaged, or of other networks ({brief(error)}); {_another(folder)}"
        ) from None
    for role, network in (("G", G), ("D", D), ("Gs", Gs)):
        if not all(np.isfinite(variable.numpy()).all() for variable in network.variables):
            raise UserError(f"the {role} of {folder} holds numbers that are not finite; {_another(folder)}")
    return Networks(G, D, Gs)
