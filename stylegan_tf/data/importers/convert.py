"""What the processes do: files in, records out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stylegan_tf.data.importers.check import reason
from stylegan_tf.data.importers.plan import Plan
from stylegan_tf.data.importers.source import Source
from stylegan_tf.data.importers.transform import decode
from stylegan_tf.data.writing import encode_levels

_CHUNK_VALUES = 2**19  # numbers per task: enough to hide what a task costs, few enough to be held many times
_CHUNK_BYTES = 2**21  # of files per task: some tenths of a second


@dataclass
class Converted:
    """What became of some files."""

    blobs: list[bytes] = field(default_factory=list)  # records of each level, finest first; none where none is kept
    kept: list[int] = field(default_factory=list)  # which of the files
    count: int = 0  # of records at each level: twice as many with mirror images
    faults: dict[int, str] = field(default_factory=dict)
    opaque: int = 0  # pictures that lost an alpha channel
    seconds: float = 0.0


def tasks(plan: Plan, sources: Sequence[Source]) -> list[list[Source]]:
    """The files in order, divided into tasks of about the same work: few where they or the records are large."""
    most = max(1, _CHUNK_VALUES // (plan.resolution**2 * plan.channels * (1 + plan.mirror)))
    chunks: list[list[Source]] = []
    taken = 0  # bytes of files in the last one
    for source in sources:
        if not chunks or len(chunks[-1]) == most or taken + source.size > _CHUNK_BYTES:
            chunks.append([])
            taken = 0
        chunks[-1].append(source)
        taken += source.size
    return chunks


def convert(plan: Plan, compression: str, sources: Sequence[Source]) -> Converted:
    """Reads, decodes, transforms and encodes some files; never raises for what is in a file."""
    start = time.perf_counter()
    result = Converted()
    pictures = []
    for index, source in enumerate(sources):
        try:
            pixels, had_alpha = decode(source.read(), plan)
        except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
            result.faults[index] = reason(error, empty=source.size == 0)
            continue
        result.kept.append(index)
        result.opaque += had_alpha
        pictures.append(pixels)
        if plan.mirror:
            pictures.append(pixels[:, ::-1])
    if pictures:
        result.blobs = encode_levels(np.stack(pictures), compression)
        result.count = len(pictures)
    result.seconds = time.perf_counter() - start
    return result
