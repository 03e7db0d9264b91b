"""Makes the recorded numbers of this folder from whole recordings: python tests/golden/make_thinned.py SOURCE_DIR

Inputs, weights and outputs up to 64x64 stay whole; gradients, trajectories and larger pictures are thinned.
"""

import argparse
import hashlib
import pickletools
import re
import shutil
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from recorded import thin

HERE = Path(__file__).resolve().parent

# Files to take, and what to thin in each: a pattern of the names of its arrays, or None.
FILES = {
    "style32_uncond": None,
    "style256": r"synth_",
    "ablation16_*": None,
    "progan32*": None,
    "losses32": r"(grad|adam1|train_iter\d|ema_after_Gstep)/.*/",
    "losses32_lod1p6": r"grad/",
    "losses32_lod2p0": r"grad/",
    "losses32_r1_realgrads": None,
    "cond16": r"grad/",
    "progan16_cond": r"(grad|adam1)/",
    "traintwo": r"train_iter\d/.*/",
    "mixing16": None,
    "chan16_[14]": r"grad/",
    "process_reals": None,
    "network32_outputs": None,
    "metrics": None,
    "inception_formula": None,
    "lpips_formula": None,
}
# Of arrays that stay whole: those of which the first row is enough, and those that are left out.
FIRST_ROW = {"inception_formula": r".*_299", "lpips_formula": r"(a|b|d_ab)_256"}
LEFT_OUT = {"lpips_formula": r"(c|d_ac)_256"}
COPIED = ("vars_1024.json", "network32.pkl", "classifier32.pkl", "cond16.pkl", "progan16_cond.pkl")
# Files that hold the arrays of another: what differs is stored, and where the rest is in the other.
TWINS = {"network32_proto4": "network32", "classifier32_proto4": "classifier32"}
SHORTEST = 64  # bytes that are worth a reference


def thinned(source: Path, pattern: str | None) -> dict[str, np.ndarray]:
    """The arrays of a file, those that fit the pattern replaced by rows of a table."""
    whole, names, rows = {}, [], []
    with np.load(source) as file:
        for name in file.files:
            if source.stem in LEFT_OUT and re.fullmatch(LEFT_OUT[source.stem], name):
                continue
            array = file[name]
            if source.stem in FIRST_ROW and re.fullmatch(FIRST_ROW[source.stem], name):
                array = array[:1]
            if pattern and re.match(pattern, name) and array.size > 1:
                names.append(name)
                rows.append(thin(array))
            elif array.dtype == np.float64:
                whole[name] = array.astype(np.float32)
            else:
                whole[name] = array
    return whole | ({"thinned_names": np.array(names), "thinned": np.stack(rows)} if names else {})


def difference(content: bytes, like: bytes) -> dict[str, np.ndarray]:
    """A pickle as pieces [bytes, offset in `like`], or [bytes, -1]: the next of its `own` bytes; and its SHA-256."""
    pieces, own, done = [], b"", 0
    for _, argument, position in pickletools.genops(content):
        if not isinstance(argument, bytes) or len(argument) < SHORTEST:
            continue
        start, offset = content.index(argument, position), like.find(argument)
        if offset >= 0:
            own += content[done:start]
            pieces += [[start - done, -1], [len(argument), offset]]
            done = start + len(argument)
    pieces.append([len(content) - done, -1])
    own += content[done:]
    digest = hashlib.sha256(content).hexdigest()
    return {"own": np.frombuffer(own, np.uint8), "pieces": np.array(pieces), "sha256": np.array(digest)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder of the whole recordings")
    folder = parser.parse_args().source
    for stem, pattern in FILES.items():
        for source in sorted(folder.glob(f"{stem}.npz")):
            np.savez_compressed(HERE / source.name, **thinned(source, pattern))
    for name in COPIED:
        shutil.copyfile(folder / name, HERE / name)
    for name, other in TWINS.items():
        whole, like = ((folder / f"{stem}.pkl").read_bytes() for stem in (name, other))
        np.savez_compressed(HERE / f"{name}.npz", **difference(whole, like))


if __name__ == "__main__":
    main()
