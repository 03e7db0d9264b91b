"""Run directories: their names, what lies where in them, and which one a command continues.

results/00000-sgan-ffhq-1024-F-8gpu/
    config.json  log.txt  stats.jsonl  events.out.tfevents.*  lock
    reals.png  fakes000000.png  network-snapshot-000140/{G,D,Gs}.keras
    checkpoints/  finished
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylegan_tf.errors import UserError

CONFIG = "config.json"
LOG = "log.txt"
STATS = "stats.jsonl"
LOCK = "lock"
CHECKPOINTS = "checkpoints"
FINISHED = "finished"
REALS = "reals.png"
# Fields that may differ between two starts of one run. All else decides the numbers.
FREE = ("output.outdir", "output.metrics", "output.metric_ticks", "training.total_kimg", "replicas", "threads")
# Values that leave a field to measurement: a run is continued with what it has, however that was chosen.
OPEN = {"training.precision": "auto", "G.fused_scale": "measured", "D.fused_scale": "measured"}
# Fields that older runs do not have, and what they did.
ADDED = {"training": {"r1_interval": 1, "deterministic": None, "xla": False}}
RENAMED = {"training": {"shares": "num_gpus"}}  # what older runs call some fields, and what they are called now
NEAR = 3  # fields in which a run may differ and still be one that the user may have meant
MISSING = "(not there)"


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


def newest_run(outdir: str | os.PathLike) -> Path | None:
    """The run directory with the highest number."""
    return next(reversed(runs(outdir)), None)


def read_config(run_dir: Path) -> dict[str, Any]:
    """config.json of a run, with the fields that were ADDED or RENAMED since. Raises UserError where it is missing or
    no object.
    """
    try:
        config = json.loads((run_dir / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{run_dir} is no run directory: it has no {CONFIG}") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{run_dir / CONFIG} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{run_dir / CONFIG} must hold a JSON object")
    for group, values in ADDED.items():
        if isinstance(config.get(group), dict):
            names = RENAMED.get(group, {})
            config[group] = values | {names.get(name, name): value for name, value in config[group].items()}
    return config


def fakes_path(run_dir: Path, nimg: int) -> Path:
    """The picture grid after `nimg` pictures shown."""
    return run_dir / f"fakes{nimg // 1000:06d}.png"


def snapshot_dir(run_dir: Path, nimg: int) -> Path:
    """The folder of the networks after `nimg` pictures shown."""
    return run_dir / f"network-snapshot-{nimg // 1000:06d}"


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
    with suppress(OSError, ValueError):
        return int((run_dir / FINISHED).read_text(encoding="ascii"))
    return None


def differences(theirs: Mapping[str, Any], yours: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(path, theirs, yours) of every field in which two configurations differ, but for FREE, and OPEN in yours."""
    a, b = _flat(theirs), _flat(yours)
    pairs = [(path, a.get(path, MISSING), b.get(path, MISSING)) for path in dict.fromkeys([*a, *b])]
    differ = [(path, one, other) for path, one, other in pairs if one != other and not _is_free(path)]
    return [(path, one, other) for path, one, other in differ if OPEN.get(path, MISSING) != other]


def kept(run_dir: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run has in the fields that `config`, of the command that continues it, leaves OPEN: path -> value."""
    theirs, yours = _flat(read_config(run_dir)), _flat(config)
    return {path: theirs[path] for path, value in OPEN.items() if yours.get(path) == value and path in theirs}


def resume_choice(resume: str, outdir: str | os.PathLike, config: Mapping[str, Any]) -> Choice:
    """What `--resume` means for a command with this configuration (as in config.json).

    auto: the newest run in `outdir` with an equal configuration that is not finished; else the newest finished one,
    with nothing left to do; else a new run. never: a new run. Otherwise a run directory, which must have an equal
    configuration: raises UserError that lists the differences. "Equal" leaves the fields in FREE out, and a run counts
    as finished only if it has shown as many pictures as are asked for now.
    """
    if resume == "never":
        return Choice(None, False, "starting a new run")
    total_nimg = round(config["training"]["total_kimg"] * 1000)
    if resume != "auto":
        return _choice_of(_equal_run(Path(resume), config), total_nimg)
    equal = [run for run in reversed(runs(outdir)) if _is_equal(run, config)]
    choices = [_choice_of(run, total_nimg) for run in equal]
    fallback = choices[0] if choices else Choice(None, False, f"starting a new run{_near_miss(outdir, config)}")
    return next((choice for choice in choices if not choice.finished), fallback)


def _near_miss(outdir: str | os.PathLike, config: Mapping[str, Any]) -> str:
    """Says which unfinished run would have been continued but for a field or two; "" where there is none."""
    for run in reversed(runs(outdir)):
        with suppress(UserError):
            found = differences(read_config(run), config)
            if len(found) <= NEAR and finished_nimg(run) is None:
                listed = ", ".join(f"{path} ({theirs} there, {yours} here)" for path, theirs, yours in found)
                return f": {run} is unfinished, but differs in {listed}"
    return ""


def _choice_of(run_dir: Path, total_nimg: int) -> Choice:
    nimg = finished_nimg(run_dir)
    if nimg is None or nimg < total_nimg:
        return Choice(run_dir, False, f"continuing {run_dir}")
    ways = "a larger --total_kimg continues it, --resume=never starts a new run"
    return Choice(run_dir, True, f"{run_dir} is finished, after {nimg / 1000:g} kimg; {ways}")


def _is_equal(run_dir: Path, config: Mapping[str, Any]) -> bool:
    try:
        return not differences(read_config(run_dir), config)
    except UserError:  # an unreadable configuration is no equal one, and no reason not to train
        return False


def _equal_run(run_dir: Path, config: Mapping[str, Any]) -> Path:
    if not run_dir.is_dir():
        raise UserError(f"--resume={run_dir}: there is no such run directory; choose auto, never or a run directory")
    found = differences(read_config(run_dir), config)
    if found:
        listed = "; ".join(f"{path}: {theirs} there, {yours} here" for path, theirs, yours in found)
        raise UserError(f"--resume={run_dir}: that run has another configuration: {listed}")
    return run_dir


def _flat(config: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in config.items():
        here = f"{path}.{name}" if path else name
        values |= _flat(value, here) if isinstance(value, Mapping) and value else {here: value}
    return values


def _is_free(path: str) -> bool:
    return any(path == free or path.startswith(f"{free}.") for free in FREE)


def _number(path: Path) -> int | None:
    found = re.fullmatch(r"(\d{5,})(-.*)?", path.name, re.DOTALL)
    return int(found[1]) if found else None


def _numbers(folder: Path) -> list[int]:
    return [number for number in map(_number, folder.iterdir()) if number is not None]


def _order(path: Path) -> tuple[int, str]:
    return _number(path) or 0, path.name
