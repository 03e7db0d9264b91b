"""What a look at all files tells before anything is written: what they are, what it will take, whether it fits."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from stylegan_tf.data.importers.check import Header
from stylegan_tf.data.importers.convert import convert, tasks
from stylegan_tf.data.importers.labels import Labels
from stylegan_tf.data.importers.plan import Plan
from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.writing import encode_levels
from stylegan_tf.errors import Failure
from stylegan_tf.progress import few, format_time

_KINDS = {"L": "grey", "LA": "grey with alpha", "RGB": "RGB", "RGBA": "RGB with alpha"}
_SHOWN = 5  # sizes; the others are counted
_SAMPLES, _SAMPLE_SIZE = 8, 8  # tasks, and files of each at most


@dataclass(frozen=True)
class Estimate:
    """What a data set will take."""

    records: int  # at each level
    size: int  # bytes of all its files
    exact: bool  # whether the size is
    seconds: float


def describe(headers: Iterable[Header], labels: Labels | None) -> list[str]:
    """Formats, sizes and colours of the files that have any, and their labels: a line each."""
    sound = [header for header in headers if header.format]
    sizes = Counter(header.size for header in sound)
    lines = [
        f"formats  {counts(Counter(header.format for header in sound))}",
        f"sizes    {counts({f'{width}x{height}': count for (width, height), count in sizes.items()})}",
        f"colours  {counts(Counter(_KINDS.get(header.mode, 'other') for header in sound))}",
    ]
    if labels is not None:
        if labels.vectors:
            what = f"vectors of {labels.size:,} numbers"
        else:
            what = f"{labels.size:,} classes"
            if empty := labels.size - len(set(labels.classes.values())):
                what += f", {empty:,} of them without a picture"
        lines.append(f"labels   {what}{f' ({few(labels.names)})' if labels.names else ''}, from {labels.origin}")
    return lines


def counts(numbers: Mapping[str, int]) -> str:
    """The most common first: 'PNG 20, JPEG 3, and 2 others (4)'."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{few([name])} {count:,}" for name, count in ordered[:_SHOWN]]
    if rest := ordered[_SHOWN:]:
        parts.append(f"and {len(rest):,} others ({sum(count for _, count in rest):,})")
    return ", ".join(parts) or "none"


def estimate(
    pool: Executor, workers: int, plan: Plan, compression: str, sources: Sequence[Source], label_size: int
) -> Estimate:
    """Size and time of the data set of these files, from some of them; the size of raw records is exact."""
    chunks = tasks(plan, sources)
    samples = [chunks[index][:_SAMPLE_SIZE] for index in sorted({n * len(chunks) // _SAMPLES for n in range(_SAMPLES)})]
    done = list(pool.map(partial(convert, plan, compression), samples))
    records = len(sources) * (1 + plan.mirror)
    tried = sum(len(result.kept) + len(result.faults) for result in done)
    seconds = sum(result.seconds for result in done) * len(sources) / (tried * workers)
    written = sum(result.count for result in done)
    exact = compression == "none" or not written
    if exact:
        each = float(raw_size(plan))
    else:
        each = sum(len(blob) for result in done for blob in result.blobs) / written
    return Estimate(records, round(records * (each + 4 * label_size)), exact, seconds)


def raw_size(plan: Plan) -> int:
    """Bytes of one picture's raw records, all levels together."""
    blank = np.zeros((1, plan.resolution, plan.resolution, plan.channels), np.uint8)
    return sum(len(blob) for blob in encode_levels(blank, "none"))


def foretell(estimate: Estimate, plan: Plan, compression: str, free: int, workers: int) -> str:
    """The line about what will be written."""
    shape = f"{plan.resolution}x{plan.resolution}x{plan.channels}"
    about = "" if estimate.exact else "about "
    bars = f", picture {plan.content[0]}x{plan.content[1]} between black bars" if plan.has_bars else ""
    return (
        f"data set {estimate.records:,} pictures of {shape}{bars}, compression {compression}: "
        f"{about}{_bytes(estimate.size)} of {_bytes(free)} free, "
        f"about {format_time(estimate.seconds)} with {workers} workers"
    )


def _bytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def free_space(directory: str | os.PathLike) -> int:
    """Bytes that may still be written where the folder is to be."""
    return shutil.disk_usage(_existing(directory)).free


def check_room(directory: str | os.PathLike, needed: int, free: int) -> None:
    """Raises Failure where the data set would not fit."""
    if needed > free:
        raise Failure(
            f"the data set {directory} needs {_bytes(needed)}, but only {_bytes(free)} are free there; "
            "choose another disk, a smaller --resolution, or --compression=png"
        )


def _existing(directory: str | os.PathLike) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    path = Path(os.path.abspath(directory))
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
