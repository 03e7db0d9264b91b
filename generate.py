"""Makes pictures with a trained StyleGAN: python generate.py --network=RUN_DIR --seeds=0-31"""

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.errors import UserError, exit_code

if TYPE_CHECKING:
    from stylegan_tf.programs.generate import Request

RESULTS = "results"
NOISES = ("random", "const", "none")
MOST_SEEDS = 100_000  # of one command
LARGEST_SEED = 2**32 - 1  # of numpy's RandomState

NETWORK_HELP = (
    "run or snapshot directory, .keras or official .pkl file, address, or name such as ffhq "
    f"(default: the newest run in {RESULTS}/, else the one that comes along)"
)
FLAGS = {
    "Which pictures": (
        Flag("network", "text", None, NETWORK_HELP),
        Flag("seeds", "text", None, "such as 0-31 or 1,5,7-9; a seed means the same z everywhere (default: 0-31)"),
        Flag("labels", "text", None, "class numbers for a network with classes: one for all, or one per seed"),
        Flag("w", "text", None, "FILE.npz of --save_w: pictures of these w instead of seeds"),
    ),
    "How they look": (
        Flag("psi", "number", 0.7, "truncation: 1 is none, towards 0 less varied and more typical (default: 0.7)"),
        Flag("cutoff", "whole", 8, "layers that are truncated, from the coarsest (default: 8)"),
        Flag("noise", "text", "random", "random (by the seed), const (stored in the network), none (default: random)"),
    ),
    "Where they go": (
        Flag(
            "crop",
            "text",
            "auto",
            "auto: without the black bars that the run's pictures had; none; or x,y,width,height (default: auto)",
        ),
        Flag("outdir", "text", "generated", "folder of seed0000.png, ... and generate.json (default: generated)"),
        Flag("grid", "text", None, "such as 8x4 (columns x rows): one sheet, grid.png, instead of single pictures"),
        Flag("save_w", "text", None, "FILE.npz: also keep the w of every picture"),
    ),
}


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS)
    if values is None:
        print(help_text(__doc__, FLAGS))
        return
    request = build(values)
    from stylegan_tf.programs.generate import generate  # imports TensorFlow, which takes seconds

    made = generate(request)
    print(f"{made[0]}" if len(made) == 1 else f"{made[0]} ... {made[-1].name}")


def build(values: Any) -> "Request":
    """What the flags ask for. All that can be known without TensorFlow is checked first."""
    if not math.isfinite(values.psi):
        raise UserError(f"--psi={values.psi}: expected a number, such as 0.7")
    if values.noise not in NOISES:
        raise UserError(f"--noise={values.noise}: choose from {', '.join(NOISES)}")
    if values.w is not None and values.seeds is not None:
        raise UserError("--w and --seeds both say which pictures: give one of them")
    grid = None if values.grid is None else grid_of(values.grid)
    default = f"0-{grid[0] * grid[1] - 1}" if grid else "0-31"
    seeds = numbers("seeds", values.seeds or default, LARGEST_SEED)
    labels = None if values.labels is None else numbers("labels", values.labels, LARGEST_SEED)
    w, save_w = (None if path is None else Path(path) for path in (values.w, values.save_w))
    if save_w is not None and (save_w.suffix != ".npz" or not save_w.absolute().parent.is_dir()):
        raise UserError(f"--save_w={save_w}: expected a file name that ends in .npz, in a folder that exists")

    from stylegan_tf.weights import load

    network = load.generator_file(values.network or load.newest_network(RESULTS, load.SHIPPED))
    from stylegan_tf.programs.generate import Request

    return Request(
        network,
        seeds,
        values.psi,
        values.cutoff,
        values.noise,
        "" if values.crop == "none" else values.crop,
        labels,
        w,
        save_w,
        Path(values.outdir),
        grid,
    )


def numbers(flag: str, text: str, largest: int) -> list[int]:
    """'1,5,7-9' -> [1, 5, 7, 8, 9]. Raises UserError that names the flag."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if not match:
            raise UserError(f"--{flag}={text}: expected whole numbers and ranges, such as 1,5,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > largest:
            raise UserError(f"--{flag}={text}: {part.strip()} must ascend, and end at {largest} at most")
        if len(found) + last - first >= MOST_SEEDS:
            raise UserError(f"--{flag}={text}: {MOST_SEEDS} at most in one command")
        found += range(first, last + 1)
    return found


def grid_of(text: str) -> tuple[int, int]:
    """'8x4' -> (8, 4)."""
    match = re.fullmatch(r"([1-9][0-9]{0,2})x([1-9][0-9]{0,2})", text)
    if not match:
        raise UserError(f"--grid={text}: expected columns x rows, such as 8x4")
    return int(match[1]), int(match[2])


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
