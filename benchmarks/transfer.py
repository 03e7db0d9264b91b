"""What it is worth to start from a trained network: python benchmarks/transfer.py

Trains config F on another population of the built-in faces, all of whom wear a hat and glasses, from three starts: the
networks that come along, their generator without the discriminator, and nothing. The Frechet distance of each on the
way goes into docs/results/transfer.jsonl, a line for each start, and as a table into docs/RESULTS.md. Runs that were
stopped go on when the command is started again, here or, once the lines are committed, elsewhere.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np

from benchmarks import runs
from benchmarks.page import table, write_section
from stylegan_tf import files
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.traits import face
from stylegan_tf.data.importers.store import PLAIN, store
from stylegan_tf.errors import Failure, UserError, exit_code
from stylegan_tf.weights import load

LINES = runs.LINES / "transfer.jsonl"
STARTS = ("Gs and D", "Gs", "nothing")
WORN = ("Wearing_Hat", "Eyeglasses")
SERIES = 7  # of faces; training draws series 0, the networks that look at them were trained on series 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--kimg", type=float, default=50.0, help="thousands of pictures of each run (default: 50)")
    parser.add_argument("--pictures", type=int, default=2000, help="of the other population (default: 2000)")
    parser.add_argument("--metric", default="fid2k@faces", help="as for run_metrics.py (default: %(default)s)")
    parser.add_argument("--ticks", type=int, default=2, help="between two measurements (default: 2)")
    runs.add_arguments(parser, Path("results/transfer"), LINES)
    options = parser.parse_args(arguments)

    def publish() -> str:
        text = section(runs.lines(options.lines))
        write_section(options.page, "transfer", text)
        return text

    publish()  # first, so that a page without the section is told before hours of training
    if not options.write_only:
        options.outdir.mkdir(parents=True, exist_ok=True)
        with files.Lock(options.outdir / "lock"):
            train(options, publish)
    print(publish())


def train(options: argparse.Namespace, publish: Callable[[], object]) -> None:
    """Trains from each start that has no line yet, and keeps one."""
    bundle = load.SHIPPED.parent
    if not (bundle / "D.keras").is_file():
        raise UserError(f"{bundle} has no D.keras: python -m stylegan_tf.weights RUN --pack=DIR packs one")
    declared = load.declared(bundle)[0]
    resolution = declared["Gs"].resolution
    asked = {"metric": options.metric, "kimg": options.kimg, "pictures": options.pictures, "resolution": resolution}
    asked |= {"bundle": files.sha256(load.SHIPPED)}
    # Networks from a file bring their widths along; those from nothing get the same ones.
    names = {"G": ("z_dim", "w_dim", "mapping_fmaps", "fmap_base", "fmap_max"), "D": ("fmap_base", "fmap_max")}
    of = {"G": declared["Gs"], "D": declared["D"]}
    widths = [f"--set={net}.{name}={getattr(of[net], name)}" for net in names for name in names[net]]
    from_file = {"Gs and D": [f"--init_from={bundle}"], "Gs": [f"--init_from={load.SHIPPED}"], "nothing": widths}
    data = population(options.outdir / f"faces-{resolution}-{options.pictures}", resolution, options.pictures)
    folder = options.outdir / f"{resolution}-{options.pictures}-{asked['bundle'][:8]}"
    if options.redo:
        runs.write(options.lines, [])
        shutil.rmtree(folder, ignore_errors=True)
    for name in STARTS:
        there = runs.lines(options.lines)
        runs.check_alike(options.lines, there, asked)
        if any(line["start"] == name for line in there):
            print(f"{name}: its line is in {options.lines}")
            continue
        outdir = folder / name.replace(" ", "-")
        flags = [f"--dataset={data}", f"--outdir={outdir}", f"--total_kimg={options.kimg:g}"]
        flags += [f"--resolution={resolution}", f"--metrics={options.metric}", f"--metric_ticks={options.ticks}"]
        runs.program("train.py", "--config=F", "--hardware=cpu", *flags, *from_file[name])
        run_dir = runs.trained(outdir, options.kimg)
        if not (found := runs.measured(run_dir, options.metric)):
            raise Failure(f"{run_dir} has no value of {options.metric}; its log says why")
        runs.keep(options.lines, {"start": name, **asked, "measured": found, **runs.circumstances(run_dir)})
        publish()


def population(folder: Path, resolution: int, count: int) -> Path:
    """The data set of faces that all wear a hat and glasses, drawn where it is not there yet."""
    if not folder.is_dir():
        origin = {"command": "faces in hats", "seed": SERIES}
        store(folder, drawn(resolution, count), (resolution, 3), count, origin, PLAIN)
    return folder


def drawn(resolution: int, count: int) -> Iterator[np.ndarray]:
    """uint8 [R, R, 3] each."""
    for index in range(count):
        sitter = face(SERIES, index)
        worn = {**sitter.attributes, **dict.fromkeys(WORN, True)}
        yield draw(replace(sitter, attributes=worn), resolution)


def section(lines: Sequence[Mapping[str, Any]]) -> str:
    """The text for the page: a line for each start, a column for each measurement."""
    found = {line["start"]: {one["kimg"]: f"{one['value']:.1f}" for one in line["measured"]} for line in lines}
    columns = sorted({kimg for values in found.values() for kimg in values})
    rows = [
        [start, *(found[start].get(kimg, "") for kimg in columns)] if start in found else [start, runs.NOT_RUN]
        for start in STARTS
    ]
    if not lines:
        return table(["started from", ""], rows)
    width = 1 + max(len(columns), 1)
    first = lines[0]
    return "\n\n".join(
        [
            f"{first['metric']} of config F (cpu row) at {first['resolution']}x{first['resolution']} on "
            f"{first['pictures']:,} faces that wear a hat and glasses, after so many kimg. Started from nothing it "
            "grows from 8x8.",
            table(
                ["started from", *(f"{kimg:g}" for kimg in columns)], [row + [""] * (width - len(row)) for row in rows]
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
