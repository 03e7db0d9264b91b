"""Which files a tar file holds, and where in it they lie."""

import bz2
import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from stylegan_tf.data.importers.source import Part, Source, quoted, slashes
from stylegan_tf.errors import UserError, brief
from stylegan_tf.progress import track

_BLOCK = 2**20
_CONTAINER = "/sys/fs/cgroup/memory"
_USTAR = 257  # where the magic word lies in a tar file
_PACKINGS: dict[bytes, Callable] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_DAMAGES = (
    *(tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, ArithmeticError, RecursionError, MemoryError),
)
_OF_ANY, _PER_BYTE = 2**28, 16  # bytes that may come out of any packed file, and more out of each of its bytes
_FILES_OF_ANY, _BYTES_OF_FILE = 10_000, 32  # files in any packed file, and its bytes for each one more
_LONGEST_HEADER = 2**14  # bytes; a long name with attributes takes some hundred
_XZ_MEMORY = 2**27  # bytes: xz -9 takes half of it; a file may ask for 4 GB


def packing(path: str) -> Callable | None:
    """What opens the file if it looks like a tar file, packed (gzip, bzip2, xz) or not; None for any other."""
    with open(path, "rb") as file:
        head = file.read(_USTAR + 5)
    if head[_USTAR:] == b"ustar":
        return open
    return next((opener for mark, opener in _PACKINGS.items() if head.startswith(mark)), None)


@contextmanager
def open_tar(path: str, shown: str) -> Iterator[list[Source]]:
    """The files in the tar file `path`, called `shown` in messages.

    The order of a data set jumps about in the file, and a packed one cannot be jumped about in: it is unpacked into a
    memory file, which other processes of the user can open too and which ends with this process. Raises UserError for
    one that does not fit into half of the free memory, is damaged, or holds links or devices.
    """
    opener = packing(path)
    if opener is None or opener is open:
        yield _members(path, shown)
        return
    descriptor = os.memfd_create("pictures", os.MFD_CLOEXEC)
    try:
        _unpack(path, shown, opener, descriptor)
        most = _FILES_OF_ANY + os.path.getsize(path) // _BYTES_OF_FILE
        yield _members(f"/proc/{os.getpid()}/fd/{descriptor}", shown, most)
    finally:
        os.close(descriptor)


def _unpack(path: str, shown: str, opener: Callable, descriptor: int) -> None:
    room, size = free_memory() // 2, os.path.getsize(path)
    most = _OF_ANY + _PER_BYTE * size
    total = 0
    try:
        if opener is lzma.open:
            with open(path, "rb") as file:
                lzma.LZMADecompressor(memlimit=_XZ_MEMORY).decompress(file.read(_BLOCK), 1)
        with cast(BinaryIO, opener(path, "rb")) as packed, open(descriptor, "wb", closefd=False) as memory:
            blocks = iter(lambda: packed.read(_BLOCK), b"")
            for block in track(blocks, None, f"unpacking {os.path.basename(shown)}", "MiB"):
                total += len(block)
                if total > min(room, most):
                    break
                memory.write(block)
    except _DAMAGES as error:
        raise UserError(f"{shown} is damaged or cut short ({brief(error)}); fetch or pack it anew") from None
    if total > most:
        raise UserError(
            f"{shown} unpacks {size:,} bytes to more than {most:,}, which no pictures do; unpack it to a plain .tar"
        )
    if total > room:
        raise UserError(
            f"{shown} holds more than {room / 1e9:.1f} GB unpacked, half of the free memory; unpack it to a plain .tar"
        )


def free_memory() -> int:
    """Bytes that programs can still have, by the kernel's estimate and by the limit of the container."""
    with open("/proc/meminfo", encoding="ascii") as file:
        facts = dict(line.split(":", 1) for line in file)
    free = int(facts["MemAvailable"].split()[0]) * 1024
    try:
        limit, used = (int(Path(f"{_CONTAINER}.{name}").read_text("ascii")) for name in ("max", "current"))
        return min(free, limit - used)
    except (OSError, ValueError):  # no such limit, or "max"
        return free


class _Headers(FileIO):
    """A tar file of which headers are read and files skipped: some headers take Python the square of their length."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return super().read(size)


def _members(path: str, shown: str, most: int | None = None) -> list[Source]:
    """The files in it; most: how many files and folders there may be."""
    found = []
    try:
        with _Headers(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for count, member in enumerate(archive, 1):
                if not member.isdir():
                    found.append(_source(path, shown, member))
                if most is not None and count > most:
                    raise UserError(
                        f"{shown} holds more than {most:,} files in so few bytes; unpack it to a plain .tar"
                    )
        total = os.stat(path).st_size
    except _DAMAGES as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{shown} is not a whole tar file ({brief(error)}); fetch or pack it anew") from None
    for source in found:
        if source.part is not None and source.part.start + source.part.stored > total:
            raise UserError(
                f"{shown} is not a whole tar file (it ends in {quoted(source.name)}); fetch or pack it anew"
            )
    return found


def _source(path: str, shown: str, member: tarfile.TarInfo) -> Source:
    if not member.isreg() or member.issparse():
        what = "link" if member.issym() or member.islnk() else "device" if member.isdev() else "sparse file"
        raise UserError(f"{shown} holds {quoted(member.name)}, a {what}; it is refused: pack plain files")
    return Source(slashes(member.name), path, member.size, Part(member.offset_data, member.size))
