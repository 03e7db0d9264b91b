"""What every importer of picture files produces: a list of names with a way to open each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

_SIDE_FILES = {".txt", ".json", ".csv"}
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Source:
    """One file that should be a picture. `name` is its path inside the folder or archive, with forward slashes."""

    name: str
    opener: Callable[[], object]

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Opens it for reading; safe to call from many threads."""
        return cast(AbstractContextManager[BinaryIO], self.opener())


def ignored(name: str) -> bool:
    """Whether a file is none of ours: hidden, left by an operating system, or lists and notes beside the pictures."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return hidden or path.suffix.lower() in _SIDE_FILES or path.name.lower() in _SYSTEM_FILES


def by_name(sources: list[Source]) -> list[Source]:
    """The official order: sorted by name."""
    return sorted(sources, key=lambda source: source.name)
