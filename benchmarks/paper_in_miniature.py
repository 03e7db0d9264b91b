"""The paper's tables on the built-in faces: python benchmarks/paper_in_miniature.py

Trains the configurations of Tables 1 to 4 at 32x32 with the narrow networks of the cpu row, and measures them: FID,
path length, separability, and what Figure 9 shows of B and F on the way. Each run is a line in
docs/results/paper_in_miniature.jsonl, and the tables go into docs/RESULTS.md. Stopped at any moment, the same command
goes on, here or, once the lines are committed, elsewhere: a run that has its line is not trained again.

    python benchmarks/paper_in_miniature.py --plan
    python benchmarks/paper_in_miniature.py --tables=1,figure9 --seeds=2
    python benchmarks/paper_in_miniature.py --write_only
"""

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

from benchmarks import paper_tables, runs
from benchmarks.page import write_section
from benchmarks.paper_tables import RESOLUTION, TABLE_2, TABLE_4, same_as
from stylegan_tf import files, rundir
from stylegan_tf.configs.presets import experiment
from stylegan_tf.errors import Failure, UserError, exit_code
from stylegan_tf.metrics import definitions
from stylegan_tf.progress import format_time

LINES = runs.LINES / "paper_in_miniature.jsonl"
FIRST = ("F", "B", "A", "C", "D", "E")  # so that after any stop the most useful comparison is there
CONFIGS_OF = {"1": FIRST, "figure9": paper_tables.CURVES, "4": TABLE_4, "2": TABLE_2}  # Table 3 is in "1"
SEED_STEP = 1000  # seeds are 1000, 2000, ...
NETS = "faces"
# What training on a picture costs, F's being 1: CPU time of iterations at 32x32, measured in turn.
COST = {"A": 1.24, "C": 0.9, "D": 0.9, "E": 0.9}
# What measuring is worth in thousands of pictures of F's training: the start, and 1,000 pictures or paths.
MEASURING = {"fid": (0.3, 0.13), "ppl": (0.5, 0.17), "ls": (0.8, 0.6)}
SNAP_TICKS, TICK_KIMG = 2, 5  # between two snapshots: the points of Figure 9


@dataclass(frozen=True)
class Run:
    """One training and what is measured of it."""

    config: str
    seed: int
    tables: tuple[str, ...]  # that were asked for and that it is in

    @property
    def name(self) -> str:
        return f"{self.config}-{self.seed}"

    @property
    def kinds(self) -> list[str]:
        """What its tables want; see paper_tables.kinds."""
        return paper_tables.kinds(self.config, "2" in self.tables)

    @property
    def curves(self) -> list[str]:
        """Those that are wanted of every snapshot."""
        chosen = self.kinds if "figure9" in self.tables else []
        return [kind for kind in chosen if kind == "fid" or kind.endswith("full")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains and measures what has no line yet, and writes the tables."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0].partition(":")[0],
        epilog="A run whose line was removed by hand is taken from --outdir, if it is there.",
    )
    parser.add_argument(
        "--tables", default=",".join(CONFIGS_OF), help="with commas (default: %(default)s); 3 comes with 1"
    )
    parser.add_argument("--seeds", type=int, default=2, help="of Table 1; the others have one (default: 2)")
    parser.add_argument("--kimg", type=float, default=40.0, help="thousands of pictures of each run (default: 40)")
    parser.add_argument("--fid", type=int, default=10_000, help="pictures of FID (default: 10000)")
    parser.add_argument("--ppl", type=int, default=5000, help="paths of the path length (default: 5000)")
    parser.add_argument("--ls", type=int, default=5000, help="pictures of the separability (default: 5000)")
    parser.add_argument("--plan", action="store_true", help="only say what would be run, and for how long")
    runs.add_arguments(parser, Path("results/miniature"), LINES)
    options = parser.parse_args(arguments)
    images = options.page.parent / "images"

    def publish() -> None:
        found = runs.lines(options.lines)
        paper_tables.draw(found, images / "figure9.png")
        write_section(options.page, "paper in miniature", paper_tables.section(found, images))

    if options.plan:
        work(plan(options), options, images, publish)
        return
    publish()  # first, so that a page without the section is told before hours of training
    if not options.write_only:
        options.outdir.mkdir(parents=True, exist_ok=True)
        with files.Lock(options.outdir / "lock"):
            work(plan(options), options, images, publish)
    print(f"the tables are in {options.page}")


def wanted(tables: str, seeds: int) -> list[Run]:
    """The runs of some tables, each once, in their order. Raises UserError for a table that there is not."""
    asked = ["1" if name.strip() == "3" else name.strip() for name in tables.split(",")]
    if unknown := [name for name in asked if name not in CONFIGS_OF]:
        raise UserError(f"--tables={','.join(unknown)}: choose from {', '.join(CONFIGS_OF)}")
    if seeds < 1:
        raise UserError(f"--seeds={seeds}: 1 at least")
    found: dict[tuple[int, str], list[str]] = {}
    of_tables = [("1", seed) for seed in range(1, seeds + 1)] + [("4", 1), ("2", 1)]
    trained = {name: {same_as(config) for config in configs} for name, configs in CONFIGS_OF.items()}
    for table, seed in of_tables:
        for config in map(same_as, CONFIGS_OF[table]):
            own = [name for name in asked if config in trained[name]]
            if seed > 1:  # only for Table 1, but then for the others too, except the curves
                own = [name for name in own if name != "figure9"] if "1" in asked else []
            found.setdefault((seed, config), own)
    return [Run(config, seed * SEED_STEP, tuple(own)) for (seed, config), own in found.items() if own]


def plan(options: argparse.Namespace) -> list[Run]:
    """What has no line yet, or not all of it. Raises UserError for what cannot be measured, or not beside the lines."""
    if options.kimg <= 0:
        raise UserError(f"--kimg={options.kimg:g} must be more than 0")
    asked = wanted(options.tables, options.seeds)
    for kind in dict.fromkeys(kind for run in asked for kind in run.kinds):
        definitions.find(metric(kind, options))
    if options.redo and not options.plan:
        others = [line for line in runs.lines(options.lines) if not any(is_of(run, line) for run in asked)]
        runs.write(options.lines, others)
        for run in asked:
            shutil.rmtree(options.outdir / run.name, ignore_errors=True)
    there = runs.lines(options.lines)
    runs.check_alike(options.lines, there, conditions(options))
    todo = [run for run in asked if lacks(run, there)]
    print(f"{len(asked)} runs, of which {len(asked) - len(todo)} are in {options.lines}", flush=True)
    return todo


def conditions(options: argparse.Namespace) -> dict[str, Any]:
    """What all lines of a table have in common."""
    schedule = {"kimg": options.kimg, "phase": phase_of(options.kimg), "resolution": RESOLUTION}
    return schedule | {name: getattr(options, name) for name in MEASURING}


def work(todo: Sequence[Run], options: argparse.Namespace, images: Path, publish: Callable[[], object]) -> None:
    """Trains, measures and keeps, and says how long it will take."""
    seconds = 0.0
    for number, run in enumerate(todo, 1):
        seconds = pace(runs.lines(options.lines), options) or seconds or measured_pace(options.kimg)
        left = sum(cost_left(one, options) for one in todo[number - 1 :]) * seconds
        print(f"run {number} of {len(todo)}: {run.name}; about {format_time(left)} to go for all", flush=True)
        if options.plan:
            print(f"then {', '.join(one.name for one in todo[1:]) or 'nothing'}")
            return
        line = one_run(run, options, runs.lines(options.lines), images)
        runs.keep(options.lines, conditions(options) | line, partial(is_of, run))
        publish()


def metric(kind: str, options: argparse.Namespace) -> str:
    """Its name for run_metrics.py: fid_mix2 -> fid10k_mix2@faces, ppl_wend -> ppl_wend_5k@faces."""
    family, _, rest = kind.partition("_")
    original = definitions.METRICS["fid50k" if family == "fid" else kind]
    mixed = f"_{rest}" if family == "fid" and rest else ""
    return f"{definitions.scaled(original, getattr(options, family)).name}{mixed}@{NETS}"


def is_of(run: Run, line: Mapping[str, Any]) -> bool:
    return (line["config"], line["seed"]) == (run.config, run.seed)


def lacks(run: Run, lines: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a run has no line, or one without something that its tables want."""
    own = next((line for line in lines if is_of(run, line)), None)
    return own is None or not (set(run.kinds) <= set(own["measured"]) and set(run.curves) <= set(own["curves"]))


def cost(config: str, kinds: Sequence[str], curves: Sequence[str], options: argparse.Namespace) -> float:
    """What a run takes, in thousands of pictures of F's training."""
    found = options.kimg * COST.get(config, 1.0)
    for kind in kinds:
        family = kind.partition("_")[0]
        snapshots = options.kimg / (SNAP_TICKS * TICK_KIMG) + 1 if kind in curves else 1
        start, thousand = MEASURING[family]
        found += start + snapshots * thousand * getattr(options, family) / 1000
    return found


def cost_left(run: Run, options: argparse.Namespace) -> float:
    """The same without what is trained already."""
    there = rundir.runs(options.outdir / run.name)
    shown = rundir.shown_nimg(there[-1]) / 1000 if there else 0.0
    whole = cost(run.config, run.kinds, run.curves, options)
    return whole - min(shown, options.kimg) * COST.get(run.config, 1.0)


def pace(lines: Sequence[Mapping[str, Any]], options: argparse.Namespace) -> float | None:
    """Seconds of a unit of `cost` by the lines of this machine; None where there are none."""
    own = [line for line in lines if line["machine"] == runs.machine()]
    found = [
        (line["train_seconds"] + paper_tables.measuring(line))
        / cost(line["config"], list(line["measured"]), line["curves"], options)
        for line in own
    ]
    return median(found) if found else None


def measured_pace(kimg: float) -> float:
    """The same, measured now by training steps of F."""
    print("measuring this machine first: a minute or more", flush=True)
    told = runs.program("train.py", *of_training("F", kimg), "--benchmark", capture=True)
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    whole = re.findall(r"(\d+)([dhms])", told.rpartition("kimg:")[2])
    return max(sum(int(count) * units[unit] for count, unit in whole), 1) / kimg


def phase_of(kimg: float) -> float:
    """kimg at a resolution, and of each fade, in a run of so many: the share that the cpu row gives them."""
    chosen = experiment("F", "cpu", resolution=RESOLUTION)
    return kimg * chosen.schedule.lod_training_kimg / chosen.training.total_kimg


def of_training(config: str, kimg: float) -> list[str]:
    """Flags of train.py. float32 on every machine, whatever is faster there."""
    row = ["--hardware=cpu", "--precision=float32", f"--resolution={RESOLUTION}", f"--total_kimg={kimg:g}"]
    growing = [f"--set=schedule.lod_{phase}_kimg={phase_of(kimg):g}" for phase in ("training", "transition")]
    return [f"--config={config}", *row, *growing]


def one_run(run: Run, options: argparse.Namespace, lines: Sequence[Mapping[str, Any]], images: Path) -> dict[str, Any]:
    """Trains, measures what was not measured yet, and makes a sheet of pictures. -> the line."""
    outdir = options.outdir / run.name
    flags = [*of_training(run.config, options.kimg), f"--seed={run.seed}", f"--snap={SNAP_TICKS}", f"--outdir={outdir}"]
    runs.program("train.py", *flags)
    run_dir = runs.trained(outdir, options.kimg)
    # What an older line has beyond what is wanted is measured again: its networks may have been other ones.
    older = next((line for line in lines if is_of(run, line)), {"tables": (), "measured": (), "curves": ()})
    tables, kinds, curves = (
        list(dict.fromkeys([*new, *old]))
        for new, old in ((run.tables, older["tables"]), (run.kinds, older["measured"]), (run.curves, older["curves"]))
    )
    names = {kind: metric(kind, options) for kind in kinds}
    snapshots = len(list(run_dir.glob("network-snapshot-*/Gs.keras")))
    for every in (True, False):
        need = snapshots if every else 1
        chosen = [names[kind] for kind in kinds if (kind in curves) == every]
        if lacking := [name for name in chosen if len(runs.measured(run_dir, name)) < need]:
            what = [f"--metrics={','.join(lacking)}", "--directions=false", *["--all"] * every]
            runs.program("run_metrics.py", f"--run_dir={run_dir}", *what)
    measured = {kind: runs.measured(run_dir, name) for kind, name in names.items()}
    if empty := [names[kind] for kind, rows in measured.items() if not rows]:
        raise Failure(f"{run_dir} has no value of {', '.join(empty)}")
    if run.config in paper_tables.SHEETS and run.seed == SEED_STEP:
        sheet(run_dir, images / f"miniature-{run.config}.png")
    about = {"tables": tables, "config": run.config, "seed": run.seed, "curves": curves}
    return about | runs.circumstances(run_dir) | {"measured": measured}


def sheet(run_dir: Path, path: Path) -> None:
    """Pictures of the newest network of a run."""
    made = run_dir / "sheet"
    flags = ["--seeds=0-31", "--psi=1", "--grid=8x4", f"--outdir={made}", "--overwrite"]
    runs.program("generate.py", f"--network={run_dir}", *flags)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as temporary:
        shutil.copyfile(made / "grid.png", temporary)


if __name__ == "__main__":
    sys.exit(exit_code(main))
