"""Pictures in a zip or tar file, read from it directly: nothing is unpacked to disk."""

import os
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from stylegan_tf.data.importers.source import Found, Part, Source, quoted, slashes, sort_out
from stylegan_tf.data.importers.tar import open_tar, packing
from stylegan_tf.errors import UserError, brief
from stylegan_tf.file_kinds import of_file

_UTF8 = 1 << 11
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@contextmanager
def sources(path: str | os.PathLike) -> Iterator[Found]:
    """Every file in the zip or tar file, also a packed one (gz, bz2, xz); they can be read while the block lasts.

    Raises UserError where it is no such file, is damaged or encrypted, or holds a name that leads out of it, twice the
    same name, or what is no file (links, devices).
    """
    if not os.path.exists(path):
        raise UserError(f"{path} does not exist; name a folder, a zip or a tar file of pictures")
    absolute = os.path.abspath(path)
    if packing(absolute) is not None:
        with open_tar(absolute, os.fspath(path)) as found:
            yield _checked(path, found)
    else:
        yield _checked(path, _zip_sources(absolute, os.fspath(path)))


def _checked(path: str | os.PathLike, found: list[Source]) -> Found:
    for source in found:
        if source.name.startswith("/") or ".." in source.name.split("/") or source.name[1:2] == ":":
            raise UserError(f"{path} holds {quoted(source.name)}, a name that leads out of it; it is refused")
    wanted = sort_out(found)
    twice = [name for name, count in Counter(source.name for source in wanted.pictures).items() if count > 1]
    if twice:
        raise UserError(f"{path} holds two files of the same name, {quoted(twice[0])}; pack it anew")
    return wanted


def _zip_sources(path: str, shown: str) -> list[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if not info.filename.endswith(("/", "\\"))]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        if what := of_file(path):
            raise UserError(f"{shown} is {what}; name a folder, a zip or a tar file of pictures") from None
        kind = "whole zip file" if _begins_as_zip(path) else "zip or tar file"
        other = "name a folder, a zip or a tar file of pictures"
        raise UserError(f"{shown} is not a {kind} ({brief(error)}); {other}") from None
    end = 0
    for info in sorted(entries, key=lambda info: info.header_offset):
        if info.header_offset < end:  # so that a small file can stand for any number of large ones
            raise UserError(f"{shown} holds {quoted(info.filename)} in the middle of another file; pack it anew")
        end = info.header_offset + info.compress_size
    return [_zip_source(path, shown, info) for info in entries]


def _zip_source(path: str, shown: str, info: zipfile.ZipInfo) -> Source:
    if info.flag_bits & 1:
        raise UserError(f"the zip file {shown} is encrypted ({quoted(info.filename)}); unpack it and name the folder")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UserError(f"{shown} holds {quoted(info.filename)}, a link; it is refused: pack plain files")
    if info.compress_type not in _METHODS:
        how = zipfile.compressor_names.get(info.compress_type, info.compress_type)  # type: ignore[attr-defined]
        raise UserError(
            f"{shown} holds {quoted(info.filename)} packed by {how}; pack it anew by deflate, or not at all"
        )
    part = Part(info.header_offset, info.compress_size, info.compress_type, info.CRC)
    return Source(slashes(_name(info)), path, info.file_size, part)


def _name(info: zipfile.ZipInfo) -> str:
    """The name of an entry. macOS writes UTF-8 without the flag that says so (APPNOTE.TXT 4.4.4, bit 11)."""
    if info.filename.isascii():
        return info.filename
    try:
        return info.filename if info.flag_bits & _UTF8 else info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _begins_as_zip(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK"
