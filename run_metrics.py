"""Measures a trained StyleGAN: python run_metrics.py --metrics=fid50k,ls --network=RUN_DIR"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.metrics import definitions

if TYPE_CHECKING:
    from stylegan_tf.programs.metrics import Request

RESULTS = "results"
FLAGS = {
    "What is measured": (
        Flag("metrics", "text", None, "names with commas, such as fid50k,ppl_wend,ls or fid5k@faces; or all"),
        Flag("list", "switch", False, "print the metrics"),
        Flag(
            "network",
            "text",
            None,
            "run or snapshot directory, .keras or official .pkl file, address, or name such as ffhq "
            f"(default: the newest run in {RESULTS}/, else the network that comes with the project)",
        ),
        Flag("run_dir", "text", None, "a run instead of --network: its newest snapshot"),
        Flag("all", "switch", False, "with --run_dir: every snapshot, and a curve of each metric as a picture"),
    ),
    "How": (
        Flag("dataset", "text", None, "folder of the real pictures (default: those of the run)"),
        Flag("mirror", "switch", None, "real pictures left-right with probability 1/2 (default: as in training)"),
        Flag(
            "nets",
            "text",
            "auto",
            "networks that metrics look through: open or official files, downloaded once; faces, which come along; a "
            "folder; auto: published ones that are here, else faces (default: auto)",
        ),
        Flag("num_samples", "whole", None, "instead of each metric's own number; the metric's name then says so"),
        Flag("seed", "whole", 0, "of everything random (default: 0)"),
        Flag("batch", "whole", 0, "pictures at once on each device (default: by the size of the network)"),
        Flag("replicas", "whole", 0, "devices (default: every GPU, or one CPU)"),
    ),
    "Where it goes": (
        Flag("outdir", "text", None, "folder of metric-<name>.jsonl (default: the run directory, else metrics/)"),
    ),
}


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS)
    if values is None or values.list:
        print(help_text(__doc__, FLAGS) if values is None else definitions.listing())
        return
    request = build(values)
    from stylegan_tf.metrics.curve import curve
    from stylegan_tf.programs.metrics import evaluate

    for path in evaluate(request):
        print(path)
        drawn = curve(path) if values.all else None
        if drawn is not None:
            print(drawn)


def build(values: Any) -> "Request":
    """What the flags ask for. All that can be known without TensorFlow is checked first."""
    if values.metrics is None:
        raise UserError(f"--metrics is missing: names with commas, from {', '.join(definitions.METRICS)}, or all")
    metrics = definitions.asked_for(",".join(definitions.METRICS) if values.metrics == "all" else values.metrics)
    for name in ("num_samples", "batch", "replicas", "seed"):
        if getattr(values, name) is not None and getattr(values, name) < 0:
            raise UserError(f"--{name}={getattr(values, name)} must not be negative")
    if values.all and values.run_dir is None:
        raise UserError("--all needs --run_dir, the run whose snapshots are meant")
    if values.run_dir is not None and values.network is not None:
        raise UserError("--run_dir and --network both say what is measured: give one of them")
    from stylegan_tf.programs.metrics import Request

    return Request(
        networks=networks_of(values),
        metrics=metrics,
        nets=values.nets,
        dataset=values.dataset,
        mirror=values.mirror,
        num_samples=values.num_samples,
        seed=values.seed,
        batch=values.batch,
        replicas=values.replicas,
        outdir=None if values.outdir is None else Path(values.outdir),
    )


def networks_of(values: Any) -> list[Path]:
    """The generator files that are measured."""
    from stylegan_tf.programs.metrics import snapshots
    from stylegan_tf.weights import load

    if values.run_dir is not None:
        found = snapshots(Path(values.run_dir))
        return found if values.all else found[-1:]
    if values.network is not None:
        return [load.generator_file(values.network)]
    return [load.generator_file(load.newest_network(RESULTS, load.SHIPPED))]


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
