"""Makes the recorded numbers of this folder from whole recordings: python tests/golden/make_thinned.py SOURCE_DIR

Inputs, weights and outputs up to 64x64 stay whole; gradients, trajectories and larger pictures are thinned.
"""

import argparse
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
    "losses32": r"(grad|adam1|train_iter\d|ema_after_Gstep)/.*/",
    "losses32_lod1p6": r"grad/",
    "losses32_lod2p0": r"grad/",
    "losses32_r1_realgrads": None,
    "process_reals": None,
}
COPIED = ("vars_1024.json",)


def thinned(source: Path, pattern: str | None) -> dict[str, np.ndarray]:
    """The arrays of a file, those that fit the pattern replaced by rows of a table."""
    whole, names, rows = {}, [], []
    with np.load(source) as file:
        for name in file.files:
            array = file[name]
            if pattern and re.match(pattern, name) and array.size > 1:
                names.append(name)
                rows.append(thin(array))
            elif array.dtype == np.float64:
                whole[name] = array.astype(np.float32)
            else:
                whole[name] = array
    return whole | ({"thinned_names": np.array(names), "thinned": np.stack(rows)} if names else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder of the whole recordings")
    folder = parser.parse_args().source
    for stem, pattern in FILES.items():
        for source in sorted(folder.glob(f"{stem}.npz")):
            np.savez_compressed(HERE / source.name, **thinned(source, pattern))
    for name in COPIED:
        shutil.copyfile(folder / name, HERE / name)


if __name__ == "__main__":
    main()
