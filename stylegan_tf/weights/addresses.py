"""Addresses of files: which we follow, how Google Drive spells its own, and what a file fetched from one is called."""

import hashlib
import re
from urllib.parse import parse_qs, urlsplit

from stylegan_tf.errors import UserError

SCHEMES = ("http", "https")
DRIVE_HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")
DRIVE_ID = re.compile(r"[\w-]{10,}", re.ASCII)


def is_address(text: str) -> bool:
    """Whether `text` is meant as an address, and no path or name: it starts with a scheme, as in https://host/file."""
    return re.match(r"[a-z][a-z0-9+.-]+://|file:", text, re.IGNORECASE) is not None


def check(address: str) -> None:
    """Raises UserError unless `address` is one that we follow: http or https, a host, no password, nothing
    unescaped.
    """
    if not address.isascii() or re.search(r"[\x00-\x20\x7f]", address):
        raise UserError(f"the address {address!r} has spaces or letters that must be percent-encoded")
    try:
        parts = urlsplit(address)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UserError(f"{address} is no valid address: {error}") from None
    if parts.scheme not in SCHEMES:
        raise UserError(f"{address} is not fetched: only http and https addresses are, not {parts.scheme or 'others'}")
    if not parts.hostname or not port_is_valid:
        raise UserError(f"{address} is no valid address: it names no host")
    if parts.username is not None:
        raise UserError(f"the address of a file on {parts.hostname} holds a user name; fetch the file by hand")


def drive_id(address: str) -> str | None:
    """The id of the file on Google Drive that `address` means in any of Drive's spellings; None for other addresses."""
    parts = urlsplit(address)
    if parts.hostname not in DRIVE_HOSTS:
        return None
    in_path = re.search(r"/file/(?:u/\d+/)?d/([^/]+)", parts.path)
    found = in_path.group(1) if in_path else parse_qs(parts.query).get("id", [""])[0]
    return found if DRIVE_ID.fullmatch(found) else None


def drive_addresses(file_id: str) -> tuple[str, str]:
    """Where Google Drive gives a file: without its warning page about large files, and the older address."""
    return (
        f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t",
        f"https://drive.google.com/uc?id={file_id}&export=download",
    )


def file_name(address: str) -> str:
    """What a file from `address` is called on disk: its last path component, for Google Drive <id>.pkl.

    Only letters, digits and ._- are kept, so that it is a plain visible name; without any of them it is 'network'.
    """
    file_id = drive_id(address)
    if file_id is not None:
        return f"{file_id}.pkl"
    last = urlsplit(address).path.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]+", "-", last, flags=re.ASCII).strip(".-")[-100:].lstrip(".-") or "network"


def marked(file: str, whose: str) -> str:
    """`file` with eight digits of `whose` before its suffix: for a second file of one name."""
    stem, dot, suffix = file.rpartition(".")
    digits = hashlib.sha256(whose.encode()).hexdigest()[:8]
    return f"{stem}-{digits}{dot}{suffix}" if dot else f"{file}-{digits}"
