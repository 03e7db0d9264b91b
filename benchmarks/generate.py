"""Pictures per second of a generator, op by op and as a graph: python benchmarks/generate.py

Both make the same pictures in turn, in one process, so that other work on the machine slows both alike; the ratio is
the median over the turns. The network that comes along ("faces") has 32x32 pictures, the others are of config F with
full widths and random weights. oneDNN's instructions are chosen by its own variables, such as

    ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=1 python benchmarks/generate.py --networks faces 64 --json
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

from keras import ops

from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.networks.sampling import latents
from stylegan_tf.weights import load

SHIPPED = "faces"


@dataclass(frozen=True)
class Row:
    """One line of the table: a network, at so many pictures at once. Seconds are of one batch, medians."""

    network: str
    batch: int
    s_eager: float
    s_graph: float
    s_first: float  # of the first batch as a graph, which makes it
    eager: float  # pictures per second
    graph: float
    ratio: float  # median over the turns of eager by graph


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a row for every network and batch that was asked for."""
    options = _parser().parse_args(arguments)
    if options.repeats < 1:
        raise UserError(f"--repeats={options.repeats}: at least one turn must be timed")
    rows: list[Row] = []
    for name in options.networks:
        Gs = network(name)
        for batch in options.batch:
            rows.append(measured(name, Gs, batch, options.repeats))
            if not options.json:
                print(_line(rows[-1], heading=len(rows) == 1), flush=True)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))


def network(name: str):
    """The network that comes along, or one with random weights of that resolution. Raises UserError for other names."""
    if name == SHIPPED:
        return load.load(load.SHIPPED).Gs
    from stylegan_tf.networks.generator import Generator

    try:
        return Generator(resolution=int(name))  # the defaults are config F
    except ValueError as error:
        raise UserError(f"--networks {name}: expected {SHIPPED} or a resolution ({error})") from None


def measured(name: str, Gs, batch: int, repeats: int) -> Row:
    """Times `repeats` turns of Gs as it is and as graphs, with the stored noise and truncation."""
    z, graphs = latents(range(batch), Gs.z_dim), Gs.as_graphs()
    _timed(lambda: Gs(z))  # TensorFlow allocates and oneDNN compiles
    first = _timed(lambda: graphs(z))
    _timed(lambda: graphs(z))
    eager, graph = [], []
    for _ in range(repeats):
        eager.append(_timed(lambda: Gs(z)))
        graph.append(_timed(lambda: graphs(z)))
    ratio = median(slow / fast for slow, fast in zip(eager, graph, strict=True))
    s_eager, s_graph = median(eager), median(graph)
    return Row(name, batch, s_eager, s_graph, first, batch / s_eager, batch / s_graph, ratio)


def _timed(draw: Callable) -> float:
    """Seconds until the pictures have been copied out."""
    began = time.perf_counter()
    ops.convert_to_numpy(draw())
    return time.perf_counter() - began


def _line(row: Row, heading: bool) -> str:
    titles = ("network", "batch", "s eager", "s graph", "s first", "img/s eager", "img/s graph", "ratio")
    values = (
        row.network, str(row.batch), f"{row.s_eager:.4f}", f"{row.s_graph:.4f}", f"{row.s_first:.2f}",
        f"{row.eager:.1f}", f"{row.graph:.1f}", f"{row.ratio:.2f}",
    )  # fmt: skip
    lines = [titles, values] if heading else [values]
    return "\n".join(" ".join(f"{text:>11}" for text in line) for line in lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    add = parser.add_argument
    add("--networks", nargs="+", default=[SHIPPED, "64"], help=f"{SHIPPED}, or resolutions of config F")
    add("--batch", nargs="+", type=int, default=[8], help="pictures at once")
    add("--repeats", type=int, default=7, help="turns that are timed")
    add("--json", action="store_true", help="print a list of rows instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(exit_code(main))
