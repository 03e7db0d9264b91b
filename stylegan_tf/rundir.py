"""Run directories: their names, what lies where in them, and which one a command continues.

results/00000-sgan-ffhq-1024-F-8gpu/
    config.json  dataset.json  log.txt  stats.jsonl  events.out.tfevents.*  lock
    reals.png  fakes000000.png  network-snapshot-000140/{G,D,Gs}.keras
    checkpoints/  finished  stopped
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan_tf import files
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.text import differences as fields_that_differ
from stylegan_tf.configs.text import flat, from_json, shown
from stylegan_tf.errors import UserError

CONFIG = "config.json"
DATA_SET = "dataset.json"  # what the data set was that the run began with: data.layout.identity
CLASSES = "classes"  # in it: their names, in the order of the labels, where they have any
LOG = "log.txt"
STATS = "stats.jsonl"
LOCK = "lock"
CHECKPOINTS = "checkpoints"
FINISHED = "finished"
STOPPED = "stopped"  # the exit code of a worker of several that was told to stop
REALS = "reals.png"
# Fields and groups that may differ between two starts of one run. All else decides the numbers.
FREE = ("output", "training.total_kimg", "replicas", "threads", "training.batch_gpu", "training.recompute")
PATHS = ("data.directory", "training.init_from")  # equal however they are spelt
# Values that leave a field to measurement: a run is continued with what it has, however that was chosen.
OPEN = {"training.precision": "auto", "G.fused_scale": "measured", "D.fused_scale": "measured"}
# Fields that older runs do not have, and what they did.
ADDED: dict[str, Any] = {
    "training": {"r1_interval": 1, "deterministic": None, "xla": False, "batch_gpu": "all", "recompute": False},
    "desc": "",
}
RENAMED = {"training": {"shares": "num_gpus"}}  # what older runs call some fields, and what they are called now
NETWORK_SUFFIXES = (".pkl", ".keras", ".pt", ".pth", ".h5", ".npz")
NEAR = 3  # fields in which a run may differ and still be one that the user may have meant


@dataclass(frozen=True)
class Choice:
    """What a command does: continues `run_dir`, starts a new run (None), or has nothing left to do (finished)."""

    run_dir: Path | None
    finished: bool
    sentence: str  # for the user


def create(outdir: str | os.PathLike, description: str) -> Path:
    """Makes outdir/<number>-<description> with the next free number, five digits.

    Two processes never get the same number: it is claimed by a folder of that name alone, which only one can make.
    Raises UserError where nothing can be written.
    """
    try:
        return _create(Path(outdir), description)
    except OSError as error:
        raise UserError(f"no run directory can be made in {outdir}: {error.strerror}; name another --outdir") from None


def _create(folder: Path, description: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    number = max(_numbers(folder), default=-1) + 1
    while True:
        claim = folder / f"{number:05d}"
        try:
            claim.mkdir()
        except FileExistsError:
            number += 1
            continue
        # Whoever had the number between our look at the folder and our claim has renamed it by now.
        if _numbers(folder).count(number) == 1:
            return claim.rename(folder / f"{number:05d}-{description}")
        claim.rmdir()
        number += 1


def runs(outdir: str | os.PathLike) -> list[Path]:
    """The run directories in `outdir` that have a configuration, oldest first."""
    folder = Path(outdir)
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((run for run in found if _number(run) is not None and (run / CONFIG).is_file()), key=_order)


def read_config(run_dir: Path) -> dict[str, Any]:
    """config.json of a run, with the fields that were ADDED or RENAMED since. Raises UserError where it is missing or
    no object.
    """
    if not (run_dir / CONFIG).is_file():  # a pipe would wait for somebody to write into it
        raise UserError(f"{run_dir} is no run directory: it has no {CONFIG}")
    config = files.read_json(run_dir / CONFIG)
    for group, values in ADDED.items():
        if not isinstance(values, dict):
            config.setdefault(group, values)
        elif isinstance(config.get(group), dict):
            names = RENAMED.get(group, {})
            config[group] = values | {names.get(name, name): value for name, value in config[group].items()}
    return config


def experiment_of(run_dir: Path) -> Experiment:
    """What a run trains. Raises UserError where its config.json does not say."""
    try:
        return from_json(read_config(run_dir))
    except UserError as error:
        said = str(error) if CONFIG in str(error) else f"{run_dir / CONFIG}: {error}"
        raise UserError(said) from None


def fakes_path(run_dir: Path, nimg: int) -> Path:
    """The picture grid after `nimg` pictures shown."""
    return run_dir / f"fakes{nimg // 1000:06d}.png"


def snapshot_dir(run_dir: Path, nimg: int) -> Path:
    """The folder of the networks after `nimg` pictures shown."""
    return run_dir / f"network-snapshot-{nimg // 1000:06d}"


def newest_fakes(run_dir: Path) -> Path | None:
    """The newest picture grid."""
    found = [path for path in run_dir.glob("fakes*.png") if path.stem[5:].isdecimal()]
    return max(found, key=lambda path: int(path.stem[5:]), default=None)


def newest_snapshot(run_dir: str | os.PathLike) -> Path | None:
    """The snapshot folder with the highest number that holds networks."""
    found = [path for path in Path(run_dir).glob("network-snapshot-*") if re.fullmatch(r"\d{6,}", path.name[17:])]
    whole = [path for path in found if (path / "Gs.keras").is_file()]
    return max(whole, key=lambda path: int(path.name[17:]), default=None)


def mark_finished(run_dir: Path, nimg: int) -> None:
    """Notes that the run has shown all its `nimg` pictures."""
    temporary = run_dir / f".{FINISHED}.{os.getpid()}"
    temporary.write_text(f"{nimg}\n", encoding="ascii")
    temporary.replace(run_dir / FINISHED)


def finished_nimg(run_dir: Path) -> int | None:
    """Pictures that a finished run has shown; None for a run that is not finished."""
    path = run_dir / FINISHED
    with suppress(OSError, ValueError):
        nimg = int(path.read_text(encoding="ascii")) if path.is_file() else -1
        return nimg if 0 <= nimg < 2**62 else None
    return None


def shown_nimg(run_dir: Path) -> int:
    """Pictures that a run has shown, as far as that is saved: at its end, or at its newest checkpoint."""
    folder = run_dir / CHECKPOINTS
    saved = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    return max([finished_nimg(run_dir) or 0, *saved])


def kept(run_dir: Path, experiment: Experiment) -> dict[str, Any]:
    """What a run has in the fields that the `experiment` of a command leaves OPEN: path -> value."""
    theirs, yours = flat(experiment_of(run_dir)), flat(experiment)
    return {path: theirs[path] for path, value in OPEN.items() if yours.get(path) == value and path in theirs}


def resume_choice(
    resume: str,
    outdir: str | os.PathLike,
    experiment: Experiment,
    data: dict[str, Any] | None = None,
    allow_changed_data: bool = False,
) -> Choice:
    """What `--resume` means for a command.

    auto: the newest run in `outdir` with an equal configuration that has more to do; else the newest that has not;
    else a new run. never: a new run. Otherwise a run directory, which must have an equal configuration. "Equal" leaves
    out the fields in FREE, the spelling of PATHS, and where the data set lies: `data`, its identity, is compared with
    that in the run's dataset.json. Raises UserError where a run is named that differs, or where the data set of the run
    to continue has changed and nobody allows it.
    """
    if resume == "never":
        return Choice(None, False, "starting a new run")
    total_nimg = round(experiment.training.total_kimg * 1000)
    if resume != "auto":
        run = check_resume(resume)
        found, changed = _compared(run, experiment, data)
        if found:
            listed = "; ".join(f"{path}: {shown(one)} there, {shown(other)} here" for path, one, other in found)
            raise UserError(f"--resume={run}: that run has another configuration: {listed}")
        return _choice_of(run, total_nimg, changed, allow_changed_data)
    equal: list[tuple[Path, str]] = []
    near = ""
    for run in reversed(runs(outdir)):
        with suppress(UserError):  # an unreadable configuration is no equal one, and no reason not to train
            found, changed = _compared(run, experiment, data)
            if not found:
                equal.append((run, changed))
            elif not near and len(found) <= NEAR and finished_nimg(run) is None:
                listed = ", ".join(f"{path} ({shown(theirs)} there)" for path, theirs, _ in found)
                near = f": {run.name.partition('-')[0]} differs in {listed}"
    # A run whose data set is as it was comes first, finished or not; of those, one that has more to do.
    choices = [_choice_of(run, total_nimg) for run, changed in equal if not changed]
    for choice in choices:
        if not choice.finished:
            return choice
    if choices:
        return choices[0]
    for run, changed in equal:
        choice = _choice_of(run, total_nimg, changed, allow_changed_data)
        if not choice.finished:
            return choice
    return Choice(None, False, f"starting a new run{near}")


def check_resume(resume: str) -> Path:
    """The run directory that --resume names. Raises UserError where it is none: a network's file, a part of a run."""
    run = Path(resume)
    if run.is_file() or run.suffix in NETWORK_SUFFIXES or "://" in resume:
        raise UserError(
            f"--resume={resume} continues a run, and names a file: for a network file it is --init_from={resume}"
        )
    if not run.is_dir():
        raise UserError(
            f"--resume={run}: there is no such run directory; choose auto, never or a run directory, or for the "
            "weights of a network --init_from"
        )
    inside = next((above for above in list(run.absolute().parents)[:2] if (above / CONFIG).is_file()), None)
    if inside is not None and not (run / CHECKPOINTS).is_dir():
        raise UserError(
            f"--resume={run} is a part of the run {inside}: --resume={inside} continues it from its newest checkpoint"
        )
    return run


def _compared(run: Path, experiment: Experiment, data: dict[str, Any] | None) -> tuple[list[tuple[str, Any, Any]], str]:
    """((path, value there, value here) of the fields in which a run differs, how its data set has changed or "")."""
    theirs = experiment_of(run)
    found = []
    for path, one, other in fields_that_differ(theirs, experiment):
        same_path = path in PATHS and _is_same_path(one, other)
        is_free = any(path == free or path.startswith(f"{free}.") for free in FREE)
        if not (is_free or same_path or (path in OPEN and OPEN[path] == other)):
            found.append((path, one, other))
    stored = None
    with suppress(UserError):  # a run of an older version has none
        stored = files.read_json(run / DATA_SET)
    if stored is None or data is None:
        return found, ""
    stored.pop(CLASSES, None)  # names decide no number
    elsewhere = [difference for difference in found if difference[0] == "data.directory"]
    if stored == data:
        return [difference for difference in found if difference not in elsewhere], ""
    if elsewhere:  # another data set, not one that changed
        return found, ""
    keys = [key for key in dict.fromkeys([*stored, *data]) if stored.get(key) != data.get(key)]
    return found, ", ".join(f"{shown(key)} was {shown(stored.get(key))}, is {data.get(key)}" for key in keys)


def _is_same_path(one: str, other: str) -> bool:
    if "\0" in one:  # no path, and realpath would say so by a ValueError
        return False
    return bool(one and other) and os.path.realpath(one) == os.path.realpath(other)


def _choice_of(run_dir: Path, total_nimg: int, changed: str = "", allow_changed_data: bool = False) -> Choice:
    """Raises UserError where the run would go on with a data set that has `changed`, unless that is allowed."""
    finished, shown = finished_nimg(run_dir), shown_nimg(run_dir)
    if total_nimg > shown or (finished is None and total_nimg == shown):
        if changed and not allow_changed_data:
            raise UserError(
                f"the data set has changed since {run_dir} began: {changed}; --allow_changed_data continues with it as "
                "it is now, --resume=never starts a new run"
            )
        but = f", though the data set has changed: {changed}" if changed else ""
        return Choice(run_dir, False, f"continuing {run_dir}{but}")
    last = [path for path in (newest_fakes(run_dir), newest_snapshot(run_dir)) if path is not None]
    state = f"finished, after {shown / 1000:g} kimg" if finished == shown else f"already at {shown / 1000:g} kimg"
    ways = "a larger --total_kimg continues it, --resume=never starts a new run"
    return Choice(run_dir, True, "\n  ".join([f"{run_dir} is {state}; {ways}", *(f"last: {path}" for path in last)]))


def _number(path: Path) -> int | None:
    found = re.fullmatch(r"(\d{5,})(-.*)?", path.name, re.DOTALL)
    return int(found[1]) if found else None


def _numbers(folder: Path) -> list[int]:
    return [number for number in map(_number, folder.iterdir()) if number is not None]


def _order(path: Path) -> tuple[int, str]:
    return _number(path) or 0, path.name
