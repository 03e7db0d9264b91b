"""Which attributes follow the styles of coarse, middle and fine layers: python benchmarks/styles_by_layer.py

Of many pairs of latents, as in the paper's Figure 3: the picture of one gets the styles of the other, its source, in
the layers of one range. Among the pairs whose two pictures differ in an attribute, the share is counted in which the
mixed picture has the source's. A command that was killed goes on where it was when it is started again. The table goes
into docs/RESULTS.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np

from benchmarks.judging import Judged, forget, judged, kept
from benchmarks.page import RESULTS, table, write_section
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.figures.layers import NAMES, layers_of
from stylegan_tf.figures.mixing import mixed

RANGES = [name for name in NAMES if name != "all"]
PART = 100  # pairs that are kept together
# What the paper says that each range brings (sec. 3.1): the attributes by its words.
GROUPS = {
    "pose, shape of face and hair, glasses (coarse)": (
        *("male", "young", "bald", "receding-hairline", "chubby", "double-chin", "oval-face", "big-nose"),
        *("pointy-nose", "eyeglasses", "wearing-hat"),
    ),
    "features of the face, hair style, eyes (middle)": (
        *("smiling", "attractive", "wavy-hair", "straight-hair", "bangs", "arched-eyebrows", "bags-under-eyes"),
        *("big-lips", "bushy-eyebrows", "narrow-eyes", "high-cheekbones", "mouth-slightly-open", "goatee"),
        *("mustache", "no-beard", "sideburns", "wearing-earrings", "wearing-necklace", "wearing-necktie"),
    ),
    "colours (fine)": (
        *("black-hair", "blond-hair", "brown-hair", "gray-hair", "pale-skin", "rosy-cheeks", "heavy-makeup"),
        *("wearing-lipstick", "5-o-clock-shadow", "blurry"),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--network", help="as for generate.py (default: the network that comes along)")
    parser.add_argument("--nets", default="faces", help="attribute classifiers, as for run_metrics.py (default: faces)")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--page", type=Path, default=RESULTS, help="into which the table goes (default: %(default)s)")
    parser.add_argument("--workdir", type=Path, default=Path("results/.styles"), help="of what is done so far")
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        raise UserError(f"--pairs={options.pairs}: 1 at least")
    found = judged(options.network, options.nets)
    workdir = options.workdir / found.digest
    logits = measured(found, options.pairs, workdir)
    text = section(found, *followed(logits), options.pairs)
    write_section(options.page, "styles by layer", text)
    print(text)
    forget(workdir)


def measured(found: Judged, pairs: int, workdir: Path) -> np.ndarray:
    """Logits [pairs, 2 + ranges, attributes]: of the destination, the source, and the mixture by each range.

    Pair i has the seeds 2 i and 2 i + 1.
    """
    last_stage = found.stage or found.Gs.last_stage
    ranges = [layers_of(name, last_stage) for name in RANGES]

    def part(name: str) -> np.ndarray:
        first, end = map(int, name.split("-"))
        ws = np.asarray(found.Gs.broadcast(found.w(range(2 * first, 2 * end))))
        return found.logits(pictures(ws, ranges)).reshape(end - first, 2 + len(ranges), -1)

    parts = [f"{first}-{min(first + PART, pairs)}" for first in range(0, pairs, PART)]
    return np.concatenate(kept(workdir, parts, part, "pairs"))


def pictures(ws: np.ndarray, ranges: Sequence[range]) -> np.ndarray:
    """ws [2 n, layers, w_dim] of n pairs -> ws of all pictures of a pair, pair by pair: [n (2 + ranges), ...]."""
    found = []
    for destination, source in zip(ws[::2], ws[1::2], strict=True):
        own = mixed(np.repeat(destination[None], len(ranges), axis=0), source[None], ranges)[:, 0]
        found.append(np.concatenate([destination[None], source[None], own]))
    return np.concatenate(found)


def followed(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(how many pairs differ, [A]; share of them that follow the source, [ranges, A], NaN where none differs)."""
    has = logits > 0
    differ = has[:, 0] != has[:, 1]
    follows = (has[:, 2:] == has[:, 1:2]) & differ[:, None]
    counts = differ.sum(axis=0)
    return counts, np.where(counts, follows.sum(axis=0) / np.maximum(counts, 1), np.nan)


def section(found: Judged, counts: np.ndarray, shares: np.ndarray, pairs: int) -> str:
    """The text for the page: a line for each group, then each attribute."""
    summary, rows = [], []
    rest = tuple(name for name in found.attributes if not any(name in names for names in GROUPS.values()))
    for group, names in {**GROUPS, "others": rest}.items():
        own = [index for index, name in enumerate(found.attributes) if name in names and counts[index]]
        if own:
            summary.append([group, *(f"{share:.2f}" for share in shares[:, own].mean(axis=1))])
        for index in sorted(own, key=lambda index: -shares[0, index]):
            share = [f"{one:.2f}" for one in shares[:, index]]
            rows.append([found.attributes[index], group.rpartition("(")[2].rstrip(")"), str(counts[index]), *share])
    side = 2 ** (found.stage or found.Gs.last_stage)
    return "\n\n".join(
        [
            f"`{found.path.parent.name}/{found.path.name}` at {side}x{side}, {pairs:,} pairs, no truncation, stored "
            f"noise, judged by {found.nets}. Share of the pairs with differing labels in which the mixed picture takes "
            "the source's; ranges for which none differ are left out.",
            table(["attributes, as the paper groups them", *RANGES], summary),
            table(["attribute", "paper", "pairs that differ", *RANGES], rows),
        ]
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
