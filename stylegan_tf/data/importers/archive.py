"""Pictures in a zip file, read from it directly: nothing is unpacked to disk."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath

from stylegan_tf.data.importers.source import Source, by_name, ignored
from stylegan_tf.mistakes import Mistake

LARGEST_ENTRY = 1 << 30  # bytes; a picture of the largest resolution that Pillow decodes is smaller uncompressed


@contextmanager
def sources(path: str | os.PathLike) -> Iterator[list[Source]]:
    """Every file in the zip that should be a picture, sorted by name; they can be opened while the block lasts.

    Raises Mistake where it is no zip file, is encrypted, or holds a name that leads out of it or twice the same name.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise Mistake(f"{path} does not exist; name a folder or a zip file of pictures") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Mistake(f"{path} is not a whole zip file ({error}); name a folder or a zip file of pictures") from None
    with archive:
        entries = [info for info in archive.infolist() if not info.is_dir()]
        for info in entries:
            _refuse_dangerous(path, info)
        wanted = [info for info in entries if not ignored(info.filename)]
        if len({info.filename for info in wanted}) < len(wanted):
            raise Mistake(f"the zip file {path} holds two files of the same name; pack it anew")
        yield by_name([Source(info.filename, partial(archive.open, info)) for info in wanted])


def _refuse_dangerous(path: str | os.PathLike, info: zipfile.ZipInfo) -> None:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or name[1:2] == ":":
        raise Mistake(f"the zip file {path} holds {name!r}, a name that leads out of it; it is refused")
    if info.flag_bits & 1:
        raise Mistake(f"the zip file {path} is encrypted ({name!r}); unpack it and name the folder")
    if info.file_size > LARGEST_ENTRY:
        raise Mistake(f"the zip file {path} holds {name!r} of {info.file_size} bytes unpacked, larger than any picture")
