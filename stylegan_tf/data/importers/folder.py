"""Pictures in a folder and the folders below it."""

import os
from functools import partial
from pathlib import Path

from stylegan_tf.data.importers.source import Source, by_name, ignored
from stylegan_tf.mistakes import Mistake


def sources(folder: str | os.PathLike) -> list[Source]:
    """Every file that should be a picture, sorted by its path inside `folder`. Raises Mistake where it is no folder."""
    root = Path(folder)
    if not root.is_dir():
        what = "is neither a folder nor a zip file" if root.exists() else "does not exist"
        raise Mistake(f"{root} {what}; name a folder or a zip file of pictures")
    found = []
    for where, folders, files in os.walk(root, followlinks=True, onerror=_refuse):
        here = Path(where)
        folders[:] = [name for name in folders if not ignored(name) and not _leads_back(here / name)]
        for name in files:
            if not ignored(name):
                path = here / name
                found.append(Source(path.relative_to(root).as_posix(), partial(open, path, "rb")))
    return by_name(found)


def _leads_back(folder: Path) -> bool:
    """Whether a link points to a folder that it lies in: following it would never end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _refuse(error: OSError) -> None:
    raise Mistake(f"cannot list the folder {error.filename}: {error.strerror}")
