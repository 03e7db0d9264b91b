"""Pages of results: tables that the commands which measured them write between markers, each its own."""

import re
from collections.abc import Sequence
from pathlib import Path

from stylegan_tf import files
from stylegan_tf.errors import UserError

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "RESULTS.md"


def write_section(page: Path, name: str, text: str) -> None:
    """Puts `text` between the markers of `name`, whole or not at all; raises UserError where the page has none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    there = page.read_text(encoding="utf-8") if page.is_file() else ""
    found, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{text}\n{end}", there, flags=re.DOTALL
    )
    if count != 1:
        raise UserError(f"{page} must hold the lines {begin} and {end} once, between which the table goes")
    files.write_text(page, found)


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
