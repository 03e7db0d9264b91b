"""What the saved directions of attributes do: python benchmarks/directions.py

Moves pictures of many seeds along each direction and asks the classifiers: in which share of the seeds the attribute's
logit rises at every step, and what else moves. A command that was killed goes on where it was when it is started again.
The table goes into docs/RESULTS.md. The directions: run_metrics.py --metrics=ls.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np

from benchmarks.judging import Judged, forget, judged, kept
from benchmarks.page import RESULTS, table, write_section
from stylegan_tf import files
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.figures.directions import moved, spread
from stylegan_tf.figures.truncation import truncated
from stylegan_tf.programs import directions

WANTED = 0.95  # share of the seeds
PLAIN = 1000  # seeds that the standard deviations of the logits are of; none of those that move
MOST = 3  # other attributes that are named


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--network", help="as for generate.py (default: the network that comes along)")
    parser.add_argument("--nets", default="faces", help="attribute classifiers, as for run_metrics.py (default: faces)")
    parser.add_argument("--directions", type=Path, help="directions-*.npz (default: those that generate.py edit finds)")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--strength", type=float, default=2.0, help="as of generate.py edit (default: 2)")
    parser.add_argument("--steps", type=int, default=5, help="from -strength to strength (default: 5)")
    parser.add_argument("--psi", type=float, default=0.7, help="(default: 0.7)")
    parser.add_argument("--page", type=Path, default=RESULTS, help="into which the table goes (default: %(default)s)")
    parser.add_argument("--workdir", type=Path, default=Path("results/.directions"), help="of what is done so far")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.steps < 2:
        raise UserError(f"--seeds={options.seeds} --steps={options.steps}: 1 and 2 at least")
    found = judged(options.network, options.nets)
    path, names, vectors = vectors_of(found, options.directions)
    chosen = f"{options.seeds}-{options.strength:g}-{options.steps}-{options.psi:g}"
    workdir = options.workdir / f"{found.digest}-{files.sha256(path)[:16]}-{chosen}"
    plain, logits = measured(found, dict(zip(names, vectors, strict=True)), options, workdir)
    text = section(found, names, plain, logits, options)
    write_section(options.page, "directions", text)
    print(text)
    forget(workdir)


def vectors_of(found: Judged, path: Path | None) -> tuple[Path, list[str], np.ndarray]:
    """(file, attributes that the classifiers know, unit vectors [A, w_dim])."""
    w_dim = found.Gs.synthesis.w_dim
    path = path or next(iter(directions.saved(found.path, w_dim)), None)
    if path is None:
        raise UserError(f"no directions were saved beside {found.path}: run_metrics.py --metrics=ls finds some")
    names, vectors, _ = directions.read(path, w_dim)
    known = [index for index, name in enumerate(names) if name in found.attributes]
    return path, [names[index] for index in known], vectors[known]


def measured(found: Judged, vectors: dict[str, np.ndarray], options, workdir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits of pictures that are not moved [PLAIN, attributes], and of those that are [vectors, seeds, steps, ...]."""
    w_avg, steps = np.asarray(found.Gs.w_avg), np.linspace(-options.strength, options.strength, options.steps)
    many = found.w(range(options.seeds, options.seeds + PLAIN))
    every = range(found.Gs.synthesis.num_layers)

    def of(w: np.ndarray) -> np.ndarray:
        return truncated(np.asarray(found.Gs.broadcast(w)), w_avg, options.psi)

    def along(name: str) -> np.ndarray:
        if name == "plain":
            return found.logits(of(many))
        step = vectors[name] * spread(many, vectors[name])
        ws = moved(of(found.w(range(options.seeds))), step, steps, every)
        return found.logits(ws.reshape(-1, *ws.shape[2:])).reshape(*ws.shape[:2], -1)

    plain, *logits = kept(workdir, ["plain", *vectors], along, "directions")
    return plain, np.stack(logits)


def rising(logits: np.ndarray) -> np.ndarray:
    """[..., steps] -> whether each is larger than the one before."""
    return np.all(np.diff(logits, axis=-1) > 0, axis=-1)


def section(found: Judged, names: Sequence[str], plain: np.ndarray, logits: np.ndarray, options) -> str:
    """The text for the page: how many reach what is wanted, then each attribute and what it takes along."""
    deviations = np.maximum(plain.std(axis=0), 1e-12)
    rows, failed = [], []
    for name, own in sorted(zip(names, logits, strict=True), key=lambda pair: pair[0]):
        at = found.attributes.index(name)
        share = rising(own[:, :, at]).mean()
        change = (own[:, -1] - own[:, 0]).mean(axis=0) / deviations
        others = [index for index in np.argsort(-np.abs(change)) if index != at][:MOST]
        told = ", ".join(f"{found.attributes[index]} {change[index]:+.1f}" for index in others)
        rows.append([name, f"{share:.3f}", f"{change[at]:+.1f}", told])
        failed += [name] if share < WANTED else []
    side = 2 ** (found.stage or found.Gs.last_stage)
    told = f"In {len(names) - len(failed)} of {len(names)} the logit rises at every step in {WANTED:.0%} of the seeds"
    return "\n\n".join(
        [
            f"`{found.path.parent.name}/{found.path.name}` at {side}x{side}, {options.seeds} seeds, psi "
            f"{options.psi:g}, {options.steps} steps from {-options.strength:g} to {options.strength:g} standard "
            f"deviations of w, judged by {found.nets}. {told}" + (f"; not in {', '.join(failed)}." if failed else "."),
            "Changes are from the first to the last step, in standard deviations of the logit over pictures that are "
            "not moved.",
            table(["direction", "rises in", "by", "moves most beside it"], rows),
        ]
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
