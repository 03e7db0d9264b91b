"""What becomes of small files that would take much memory (bombs.py)."""

import os
import re

import pytest
from early import Early

EXPECTED = {
    "mnist": r"refused .*\[262144, 28, 28\]",
    "p-rgb": "refused .*16384x16384",
    "p-turned": "made 1",
    "p-alpha": "made 1",
    "p-wide": "made 1",
    "p-icon": "refused .*16384x16384",
    "p-icon-bitmap": "refused .*16384x32768",
    "p-tile": "refused .*(claims|damaged)",
    "z-jsonl.zip": "refused .*metadata.jsonl .*67,108,864 bytes",
    "z-json.zip": "refused .*dataset.json ",
    "z-csv.zip": "refused .*metadata.csv ",
    "z-large.zip": "refused .*zip file .*134,217,728",
    "z-overlap.zip": "refused .*another file",
    "t.gz": "refused .*unpacks [0-9,]+ bytes",
    "t.xz": "refused .*unpacks [0-9,]+ bytes",
    "t-dict.xz": "refused .*damaged",
    "h.h5": "refused .*1,000,000,000 .* 0 bytes",
    "h-chunk.h5": "refused .*damaged",
    "set": "refused .*dataset.json .* bytes",
}
bombs = Early(lambda folder: ["tests/data/importers/bombs.py", str(folder)])


@pytest.mark.early(bombs)
def test_small_files_take_little_memory():
    folder = bombs.wait()
    said = dict(line.split(" ", 1) for line in (folder / "said").read_text().splitlines())
    assert sorted(said) == sorted(EXPECTED) == sorted(os.listdir(folder / "in"))
    wrong = [f"{name}: {said[name]}" for name, what in EXPECTED.items() if not re.match(what, said[name])]
    assert not wrong, "\n".join(wrong)
