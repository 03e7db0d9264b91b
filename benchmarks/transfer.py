"""What it is worth to start from a trained network: python benchmarks/transfer.py

Trains config F on another population of the built-in faces, all of whom wear a hat and glasses, from three starts: the
networks that come along, their generator without the discriminator, and nothing. The Frechet distance of each on the
way goes as a table into docs/RESULTS.md. Runs that were stopped go on when the command is started again.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np

from benchmarks.page import RESULTS, table, write_section
from stylegan_tf import rundir
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.traits import face
from stylegan_tf.data.importers.store import PLAIN, store
from stylegan_tf.errors import Failure, UserError, exit_code
from stylegan_tf.weights import load

ROOT = Path(__file__).resolve().parents[1]
WORN = ("Wearing_Hat", "Eyeglasses")
SERIES = 7  # of faces; training draws series 0, the networks that look at them were trained on series 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--kimg", type=float, default=50.0, help="thousands of pictures of each run (default: 50)")
    parser.add_argument("--pictures", type=int, default=2000, help="of the other population (default: 2000)")
    parser.add_argument("--metric", default="fid2k@faces", help="as for run_metrics.py (default: %(default)s)")
    parser.add_argument("--ticks", type=int, default=2, help="between two measurements (default: 2)")
    parser.add_argument("--outdir", type=Path, default=Path("results/transfer"), help="(default: %(default)s)")
    parser.add_argument("--page", type=Path, default=RESULTS, help="into which the table goes (default: %(default)s)")
    options = parser.parse_args(arguments)
    bundle = load.SHIPPED.parent
    if not (bundle / "D.keras").is_file():
        raise UserError(f"{bundle} has no D.keras: python -m stylegan_tf.weights RUN --pack=DIR packs one")
    declared = load.declared(bundle)[0]
    resolution = declared["Gs"].resolution
    # Networks from a file bring their widths along; those from nothing get the same ones.
    names = {"G": ("z_dim", "w_dim", "mapping_fmaps", "fmap_base", "fmap_max"), "D": ("fmap_base", "fmap_max")}
    of = {"G": declared["Gs"], "D": declared["D"]}
    widths = [f"--set={net}.{name}={getattr(of[net], name)}" for net in names for name in names[net]]
    data = population(options.outdir / f"faces-{resolution}-{options.pictures}", resolution, options.pictures)
    starts = {"Gs and D": str(bundle), "Gs": str(load.SHIPPED), "nothing": ""}
    rows = []
    for name, start in starts.items():
        outdir = options.outdir / name.replace(" ", "-")
        flags = [f"--dataset={data}", f"--outdir={outdir}", f"--total_kimg={options.kimg:g}"]
        flags += [f"--resolution={resolution}", f"--metrics={options.metric}", f"--metric_ticks={options.ticks}"]
        flags += [f"--init_from={start}"] if start else widths
        train = [sys.executable, str(ROOT / "train.py"), "--config=F", "--hardware=cpu", *flags]
        if subprocess.run(train).returncode:
            raise Failure(f"training from {name} failed or was stopped; the same command goes on")
        rows += [(name, kimg, value) for kimg, value in measured(outdir, options.metric)]
    text = section(rows, resolution, options.pictures, options.metric)
    write_section(options.page, "transfer", text)
    print(text)


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


def measured(outdir: Path, metric: str) -> list[tuple[float, float]]:
    """(kimg, value) of the newest run in a folder."""
    run = rundir.runs(outdir)[-1]
    lines = (run / f"metric-{metric}.jsonl").read_text(encoding="utf-8").splitlines()
    found = {}
    for row in map(json.loads, lines):  # a resumed run may have measured one twice
        found[int(Path(row["conditions"]["file"]).parent.name.rpartition("-")[2])] = row["value"]
    return sorted(found.items())


def section(rows: Sequence[tuple[str, float, float]], resolution: int, pictures: int, metric: str) -> str:
    """The text for the page: a line for each start, a column for each measurement."""
    columns = sorted({kimg for _, kimg, _ in rows})
    found = {(name, kimg): f"{value:.1f}" for name, kimg, value in rows}
    names = dict.fromkeys(name for name, _, _ in rows)
    lines = [[name, *(found.get((name, kimg), "") for kimg in columns)] for name in names]
    return "\n\n".join(
        [
            f"{metric} of config F (cpu row) at {resolution}x{resolution} on {pictures:,} faces that wear a hat and "
            "glasses, after so many kimg. Started from nothing it grows from 8x8.",
            table(["started from", *(f"{kimg:g}" for kimg in columns)], lines),
        ]
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
