"""Pictures in a folder and the folders below it."""

import os
from pathlib import Path

from stylegan_tf.data.importers.source import Found, Source, slashes, sort_out, system_file
from stylegan_tf.errors import UserError


def sources(folder: str | os.PathLike) -> Found:
    """Every file, named by its path inside `folder`. Raises UserError where it is no folder or cannot be listed."""
    root = Path(folder)
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise UserError(f"{root} {what}; name a folder, a zip or a tar file of pictures")
    found, left_out = [], []
    for where, folders, files in os.walk(root, followlinks=True, onerror=_refuse):
        here = Path(where)
        left_out += [name for name in folders if system_file(name)]
        folders[:] = [name for name in folders if not system_file(name) and not _leads_back(here / name)]
        inside = here.relative_to(root)
        for name in files:
            path = os.path.join(where, name)
            found.append(Source(slashes((inside / name).as_posix()), os.path.abspath(path), _size(path)))
    return sort_out(found, left_out)


def _size(path: str) -> int:
    """Bytes; 0 for what cannot be looked at: reading it says why."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _leads_back(folder: Path) -> bool:
    """Whether a link points to a folder that it lies in: following it would never end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _refuse(error: OSError) -> None:
    raise UserError(f"cannot list the folder {error.filename}: {error.strerror}")
