"""What every importer of picture files produces: a list of names with a way to read each."""

import os
import posixpath
import stat
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import PurePosixPath

from stylegan_tf.errors import UserError, brief

LARGEST = 1 << 30  # bytes; a picture of the largest size that is accepted is smaller uncompressed
# Bytes that may come out of any archive, and out of each of its bytes: pictures that were packed already come to 1, and
# others to 10 or 20, but zeros to 1,000 and more.
PACKED_OF_ANY, PACKED_PER_BYTE = 2**26, 32
LIST_OF_ANY, LIST_PER_PICTURE = 2**23, 2**14  # bytes of a list, and more for each picture: 1,000 numbers for a label
LISTS = ("dataset.json", "metadata.csv", "metadata.jsonl")  # what may hold the labels

_SIDE_FILES = {".txt", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".md"}
# What systems, cameras and programs leave beside pictures, in lower case; names that begin with a dot are left out too.
_SYSTEM_FILES = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "thumbs.db:encryptable", "desktop.ini", "icon\r"),
    *("picasa.ini", "zbthumbnail.info", "pspbrwse.jbf", "nc_fllst.dat", "sync.ffs_db", "autorun.inf"),
    # folders of macOS, Windows, Linux, and the network drives of Synology and QNAP
    *("__macosx", "$recycle.bin", "system volume information", "recycler", "lost+found"),
    *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
}
# Notes of iPhones, cameras and raw converters beside a picture; links to elsewhere.
_MARK = ":zone.identifier"  # of what Windows downloaded, as a file of its own where Linux copies it
_SYSTEM_SUFFIXES = {".aae", ".xmp", ".thm", ".ctg", ".pp3", ".dop", ".lnk", ".url", ".webloc"}
_DEFLATED = 8
_LONGEST_NAME = 1000
_LOCAL_HEADER = struct.Struct("<4s22xHH")


class Unreadable(Exception):
    """The bytes of a file cannot be had: says why, about 'it'."""


@dataclass(frozen=True)
class Part:
    """Where in an archive a file lies."""

    start: int  # of its bytes, or for a zip file of the header before them
    stored: int  # bytes in the archive
    method: int | None = None  # of a zip file: 0 stored, 8 deflated; None: plain bytes
    crc: int = 0  # of a zip file, over the unpacked bytes


@dataclass(frozen=True)
class Source:
    """One file that should be a picture. Small and without an open handle, so that it can be sent to processes."""

    name: str  # its path inside the folder or archive, with forward slashes
    path: str  # the file itself, or the archive
    size: int  # unpacked bytes
    part: Part | None = None  # where in the archive

    @property
    def shown(self) -> str:
        """Its name, for a sentence."""
        return brief(self.name)

    def read(self, limit: int | None = None) -> bytes:
        """Its bytes, or the first `limit`. Raises Unreadable or OSError; safe to call from many threads."""
        if self.size > LARGEST:
            raise Unreadable(f"it has {self.size:,} bytes, more than any picture")
        # A pipe among the pictures would otherwise wait for somebody to write into it.
        with FileIO(self.path, opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("it is not a regular file")
            if self.part is None:
                return _slice(file, 0, LARGEST if limit is None else limit)
            if self.part.method is None:
                return _exactly(file, self.part.start, self.part.stored, limit)
            if limit is None and self.size > PACKED_OF_ANY + PACKED_PER_BYTE * self.part.stored:
                raise Unreadable(
                    f"{self.part.stored:,} bytes of the zip file claim to be {self.size:,}, more than a picture"
                )
            return _unzip(file, self.part, self.size, limit)


def _slice(file: FileIO, start: int, count: int) -> bytes:
    count = min(count, os.fstat(file.fileno()).st_size - start)  # Python allocates what it is asked for
    file.seek(start)
    count = min(count, os.fstat(file.fileno()).st_size)  # a call for more makes room for it first
    pieces = []
    while count > 0 and (piece := file.read(count)):
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _exactly(file: FileIO, start: int, count: int, limit: int | None) -> bytes:
    count = count if limit is None else min(count, limit)
    content = _slice(file, start, count)
    if len(content) < count:
        raise Unreadable("the archive ends in the middle of it")
    return content


def _unzip(file: FileIO, part: Part, size: int, limit: int | None) -> bytes:
    """One entry of a zip file (APPNOTE.TXT 4.3.7), with its checksum where the whole is wanted."""
    mark, name, extra = _LOCAL_HEADER.unpack(_exactly(file, part.start, _LOCAL_HEADER.size, None))
    if mark != b"PK\3\4":
        raise Unreadable("the zip file is damaged where it should begin")
    content = _exactly(file, part.start + _LOCAL_HEADER.size + name + extra, part.stored, limit)
    if part.method == _DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, (size + 1) if limit is None else limit)
        except zlib.error as error:
            raise Unreadable(f"the zip file is damaged in it: {error}") from None
    if limit is None and (len(content) != size or zlib.crc32(content) != part.crc):
        raise Unreadable("the zip file is damaged in it: the checksum differs")
    return content


def check_list(source: Source, pictures: int) -> None:
    """Raises UserError for a list that is much larger, or takes much more room when it is read, than labels of so many
    pictures do."""
    most = LIST_OF_ANY + LIST_PER_PICTURE * pictures
    if source.size > most:
        raise UserError(
            f"{source.shown} has {source.size:,} bytes, more than labels of {pictures:,} pictures take; shorten it"
        )
    try:
        text = source.read()
    except (OSError, Unreadable):  # it is read once more, and then it is said
        return
    nested = text.count(b"[") + text.count(b"{")
    head, _, rest = text.partition(b"\n")
    # A row that is shorter than the first line of a table gets all of its columns in memory.
    cells = head.count(b",") * (rest.count(b"\n") + text.count(b"\r"))
    if nested > most // 8 or cells > most + text.count(b",") * 2:
        raise UserError(f"{source.shown} is not a list of the labels of {pictures:,} pictures; correct it or remove it")


@dataclass(frozen=True)
class Found:
    """The files of a folder or archive, sorted by name."""

    pictures: list[Source]  # what should be pictures
    lists: list[Source]  # LISTS, which may hold the labels
    side: list[Source]  # other lists and notes
    left_out: Counter[str]  # what no user put there: what it is called -> how many
    clashes: dict[str, str] = field(default_factory=dict)  # pictures whose name another one has in another spelling


def sort_out(sources: Iterable[Source], left_out: Iterable[str] = ()) -> Found:
    """Divides files by what they are, in the official order: sorted by name. left_out: names of what is no `Source`."""
    found = Found([], [], [], Counter(filter(None, map(system_file, left_out))))
    spelled: dict[str, str] = {}
    for source in sorted(sources, key=lambda source: source.name):
        if what := system_file(source.name):
            found.left_out[what] += 1
        elif posixpath.splitext(source.name)[1].lower() not in _SIDE_FILES:
            found.pictures.append(source)
            other = spelled.setdefault(normal(source.name), source.name)
            if other != source.name:
                found.clashes[source.name] = (
                    f"its name is another spelling of {brief(ascii(other))}; rename one of the two"
                )
        elif posixpath.basename(source.name).lower() in LISTS:
            found.lists.append(source)
        else:
            found.side.append(source)
    return found


def normal(name: str) -> str:
    """The spelling by which names are compared: forward slashes, no ./ and folder/../, accents composed (NFC), and the
    extension in lower case."""
    path, suffix = posixpath.splitext(posixpath.normpath(name.replace("\\", "/")))
    return composed(path + suffix.lower())


def composed(text: str) -> str:
    """Accents composed (NFC), which takes the square of the length: a text longer than any name stays as it is."""
    return unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_NAME else text


def slashes(name: str) -> str:
    """With / where Windows writes \\, and without the ./ that tar likes to put before names."""
    name = name.replace("\\", "/")
    plain = name and "//" not in name and "/." not in name and not name.startswith(".") and not name.endswith("/")
    return name if plain else PurePosixPath(name).as_posix()  # which takes long, and archives may hold very many names


def quoted(name: str) -> str:
    """A name out of an archive, for a sentence."""
    return brief(repr(name))


def ignored(name: str) -> bool:
    """Whether a file is no picture: left by a system, hidden, or lists and notes beside the pictures."""
    return bool(system_file(name)) or posixpath.splitext(name)[1].lower() in _SIDE_FILES


def system_file(name: str) -> str:
    """What to call a file or folder that a system, camera or program left beside the pictures; "" for any other."""
    for part in name.split("/"):
        if part.startswith("._"):
            return "._*"
        if part.startswith(".") or part.lower() in _SYSTEM_FILES:
            return part
    if name.lower().endswith(_MARK):
        return f"*{_MARK}"
    suffix = posixpath.splitext(name)[1].lower()
    return f"*{suffix}" if suffix in _SYSTEM_SUFFIXES else ""
