"""Pictures to project: files, folders and archives, cropped and resized as dataset_tool.py create_from_images does."""

import os
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylegan_tf.data.importers import archive, folder
from stylegan_tf.data.importers.check import Faults, pillow_limits, read_headers, reason
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.plan import Plan, make_plan
from stylegan_tf.data.importers.source import Found, Source, sort_out
from stylegan_tf.data.importers.tar import packing
from stylegan_tf.data.importers.transform import decode
from stylegan_tf.errors import UserError

CHANNELS = {1: "grey", 3: "rgb"}


class Target(NamedTuple):
    """A picture to project: what it is called, and its pixels, uint8 [side, side, C]."""

    name: str
    pixels: np.ndarray


def read_targets(
    places: Sequence[str],
    side: int,
    channels: int,
    content: tuple[int, int] | None = None,
    background: str | None = None,
) -> list[Target]:
    """The pictures in files, folders, zip and tar files; those of one place are sorted by name.

    channels: 1 or 3. content: width and height of the picture between black bars; None: all of the square. background:
    the colour behind a transparent picture. Raises UserError that lists the files that are no pictures, are smaller
    than what is wanted, or are transparent without a background.
    """
    options = Options(resolution=side, crop="center", channels=CHANNELS[channels], background=background)
    found: list[Target] = []
    for place in places:
        with _opened(place) as there, pillow_limits():
            faults = Faults(dict(there.clashes))
            plan = make_plan(there.pictures, read_headers(there.pictures), options, faults)
            if not there.pictures:
                raise UserError(
                    f"--target={place}: there is no picture in it; name a picture, or a folder or zip of them"
                )
            if plan is not None:
                plan = replace(plan, content=content or plan.content)
                for source in there.pictures:
                    if source.name not in faults.found:
                        found += _decoded(source, plan, faults)
            faults.refuse(f"--target={place}", len(there.pictures))
    return found


def _opened(place: str) -> AbstractContextManager[Found]:
    if os.path.isdir(place):
        return nullcontext(folder.sources(place))
    if not os.path.isfile(place):
        raise UserError(f"--target={place}: there is no such file or folder")
    if zipfile.is_zipfile(place) or packing(place) is not None:
        return archive.sources(place)
    return nullcontext(sort_out([Source(Path(place).name, os.path.abspath(place), os.path.getsize(place))]))


def _decoded(source: Source, plan: Plan, faults: Faults) -> list[Target]:
    try:
        return [Target(source.name, decode(source.read(), plan)[0])]
    except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
        faults.add(source.name, reason(error, empty=not source.size))
        return []
