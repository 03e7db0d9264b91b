"""Whether bytes are the network file that they are called: hosts answer with pages of HTML, and connections break."""

import html
import re
import zipfile
from pathlib import Path

PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
ZIP = (b"PK\x03\x04",)
STARTS = {".pkl": PICKLE, ".keras": ZIP}  # others (.pth): either
FIRST = 2**15  # bytes that are looked at: enough for the words of a page
PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")
# What the pages of Google Drive say when they stand in for a file; what says most comes first.
SENTENCES = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        "too many users have viewed or downloaded this file",
        "(?:google drive )?can.{1,2}t scan this file for viruses",
        "quota exceeded|exceeded (?:the|its) (?:download )?quota",
        "(?:sorry, )?you can.{1,2}t (?:view or )?download this file",
        "you need access|you need permission",
        "the file you have requested does not exist",
    )
)
LONGEST = 200


def complaint(file: str, first: bytes) -> str | None:
    """What is wrong with a file called `file` that begins with `first`, as the rest of a sentence; None if nothing."""
    if is_page(first):
        return f"is a web page instead of a network file: {page_words(first) or 'without a title'}"
    suffix = Path(file).suffix.lower()
    if first.startswith(STARTS.get(suffix, PICKLE + ZIP)):
        return None
    wanted = {".pkl": "a pickle", ".keras": "a .keras archive"}.get(suffix, "a pickle or a zip archive")
    return f"is not {wanted}: it begins with {first[:8]!r}" if first else "is empty"


def is_page(first: bytes) -> bool:
    """Whether the bytes are the beginning of a page of HTML (or an error in XML)."""
    return first.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGES)


def page_words(page: bytes) -> str:
    """The title of a page and, if it has one, the known sentence that says why: one line, 200 characters at most."""
    text = page.decode("utf-8", "replace")
    title = re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE)
    words = plain(re.sub(r"<[^<>]*>", " ", text))
    line = plain(title.group(1)) if title else ""
    said = next((found for sentence in SENTENCES if (found := sentence.search(words))), None)
    if said is not None and said.group().lower() not in line.lower():
        sentence = re.split(r"(?<=[.!?])\s", words[said.start() :], maxsplit=1)[0]
        line = f"{line}: {sentence}" if line else sentence
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def plain(text: str) -> str:
    """`text` as one line of words, without entities of HTML and without what a terminal would act upon."""
    return " ".join("".join(c if c.isprintable() else " " for c in html.unescape(text)).split())


def lacks_its_end(path: Path) -> bool:
    """Whether the file was cut: a .pkl ends with the stop sign of pickles, a zip archive with its directory."""
    with open(path, "rb") as file:
        is_zip = file.read(4).startswith(ZIP)
        file.seek(-1, 2)
        last = file.read(1)
    if is_zip:
        return not zipfile.is_zipfile(path)
    return path.name.removesuffix(".part").endswith(".pkl") and last != b"."
