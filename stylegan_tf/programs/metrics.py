"""Metrics of trained networks: run_metrics.py, and what is measured while a network trains."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf import environment, files, rundir
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.build import Pictures, refuse
from stylegan_tf.configs.schema import Experiment, GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.errors import Failure, UserError, exit_code
from stylegan_tf.metrics import definitions
from stylegan_tf.metrics.definitions import Asked, Metric
from stylegan_tf.programs import compare
from stylegan_tf.programs.foreign_flags import METRICS

if TYPE_CHECKING:
    from stylegan_tf.configs.schedule import Phase
    from stylegan_tf.data.layout import DataSet
    from stylegan_tf.metrics.feature_extractors import FeatureExtractor
    from stylegan_tf.metrics.samples import Fakes
    from stylegan_tf.training.state import State

WHAT = (
    "Measures a trained StyleGAN: python run_metrics.py --metrics=fid50k,ls --network=RUN_DIR\n"
    "Compares two sets of pictures, whoever made them: python run_metrics.py compare A B (compare --help tells more)"
)
COMPARE = "compare"  # may be left out before two paths
RESULTS = "results"
LARGEST_SEED = 2**32 - 1  # of scikit-learn
FLAGS = {
    "What is measured": (
        Flag("metrics", "text", None, "names with commas, such as fid50k,ppl_wend,ls or fid5k@faces; or all"),
        Flag("list", "switch", False, "print the metrics"),
        Flag(
            "network",
            "path",
            None,
            "run, snapshot or checkpoints directory, .keras or official .pkl file, address, or name as ffhq "
            f"(default: the newest run in {RESULTS}/, else the network that comes with the project)",
        ),
        Flag("run_dir", "path", None, "a run instead of --network: its newest snapshot"),
        Flag("all", "switch", False, "with --run_dir: every snapshot, and a curve of each metric as a picture"),
    ),
    "How": (
        Flag("dataset", "path", None, "folder of the real pictures (default: those of the run)"),
        Flag("mirror", "switch", None, "real pictures left-right with probability 1/2 (default: as in training)"),
        Flag(
            "nets",
            "path",
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
        Flag("outdir", "path", None, "folder of metric-<name>.jsonl (default: the run directory, else metrics/)"),
        Flag(
            "directions", "switch", True, "with ls: directions-<network>.npz too, for generate.py edit (default: true)"
        ),
    ),
}


@dataclass(frozen=True)
class Evaluation:
    """Which metrics, and how they are computed."""

    metrics: Sequence[Asked]
    nets: str = "auto"  # for metrics that name none; see feature_extractors.feature_extractor
    dataset: str | None = None  # folder; None: that of the run
    mirror: bool | None = None  # None: as the run trained
    seed: int = 0
    batch: int = 0  # pictures at once on each device; 0: by the size of the network
    replicas: int = 0  # 0: every GPU, or one CPU
    directions: bool = True  # ls also writes those to edit along


@dataclass(frozen=True)
class Subject:
    """A network that is measured, and what is known about it."""

    path: Path
    G: GeneratorConfig | ProganGeneratorConfig
    experiment: Experiment | None  # of the run that wrote it; None where unknown
    outdir: Path
    digest: str = ""  # of the file

    @property
    def name(self) -> str:
        """What the official line calls it: the snapshot, the checkpoint, or the file."""
        folder, stem = self.path.absolute().parent.name, self.path.stem
        return folder if folder.startswith("network-snapshot-") or self.path.suffix == ".index" else stem


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    if arguments and not arguments[0].startswith("-"):
        compare.run(arguments[arguments[0] == COMPARE :])
        return
    values = parse(arguments, FLAGS, METRICS)
    if values is None or values.list:
        print(help_text(WHAT, FLAGS) if values is None else definitions.listing())
        return
    environment.check_backend("run_metrics.py")
    evaluation = build(values)
    from stylegan_tf.metrics.report import curve

    for path in evaluate(evaluation, networks_of(values), None if values.outdir is None else Path(values.outdir)):
        print(path)
        drawn = curve(path) if values.all else None
        if drawn is not None:
            print(drawn)


def build(values: Any) -> Evaluation:
    """What the flags ask for."""
    if values.metrics in (None, "none"):
        given = "--metrics is missing" if values.metrics is None else "--metrics=none leaves nothing to do"
        raise UserError(f"{given}: names with commas, from {', '.join(definitions.METRICS)}, or all")
    metrics = definitions.asked_for(",".join(definitions.METRICS) if values.metrics == "all" else values.metrics)
    for name in ("num_samples", "batch", "replicas", "seed"):
        if getattr(values, name) is not None and getattr(values, name) < 0:
            raise UserError(f"--{name}={getattr(values, name)} must not be negative")
    if values.seed > LARGEST_SEED:
        raise UserError(f"--seed={values.seed} must be {LARGEST_SEED} at most")
    if values.all and values.run_dir is None:
        raise UserError("--all needs --run_dir, the run whose snapshots are meant")
    if values.run_dir is not None and values.network is not None:
        raise UserError("--run_dir and --network both say what is measured: give one of them")
    if values.num_samples is not None:
        metrics = [Asked(definitions.scaled(metric, values.num_samples), nets) for metric, nets in metrics]
    same = {
        name: getattr(values, name) for name in ("nets", "dataset", "mirror", "seed", "batch", "replicas", "directions")
    }
    return Evaluation(metrics, **same)


def networks_of(values: Any) -> list[Path]:
    """The generator files that are measured; the snapshots of a run in their order."""
    from stylegan_tf.weights import load

    if values.run_dir is not None:
        run_dir = Path(values.run_dir)
        found = sorted(run_dir.glob("network-snapshot-*/Gs.keras"), key=lambda path: int(path.parent.name[17:]))
        if not found:
            raise UserError(
                f"the run {run_dir} has saved no networks yet" if run_dir.is_dir() else f"there is no {run_dir}"
            )
        return found if values.all else found[-1:]
    return [
        load.generator_file(load.newest_network(RESULTS, load.SHIPPED) if values.network is None else values.network)
    ]


def evaluate(evaluation: Evaluation, networks: Sequence[Path], outdir: Path | None = None) -> list[Path]:
    """Computes all metrics of all networks; prints a line for each and adds it to its metric-<name>.jsonl.

    outdir: None: the run directory, or metrics/ for other networks. Returns the files. Raises UserError where a metric
    cannot be had of a network, before TensorFlow is loaded; Failure where it has no value.
    """
    subjects = [_subject(path, outdir) for path in networks]
    evaluator = Evaluator(evaluation)
    evaluator.check(subjects)
    import tensorflow as tf

    from stylegan_tf.devices import Replicas, full_float32
    from stylegan_tf.weights import load

    full_float32()
    tf.config.experimental.enable_op_determinism()
    replicas = Replicas(evaluation.replicas)
    written: dict[Path, None] = {}
    before, Gs = None, None
    for subject in subjects:
        with replicas.scope():
            opened, stage, fade = load.opened(subject.path)
        loaded: Any = opened.Gs or opened.G
        if (
            before == subject.G and Gs is not None
        ):  # the next snapshot of a run: its weights go into the graphs there are
            _take(Gs, loaded)
        else:
            before, Gs = subject.G, loaded
        known = replace(subject, digest=files.sha256(subject.path))
        for asked in evaluation.metrics:
            line, _, file = evaluator.measure(known, asked, Gs, replicas, stage, fade)
            print(line, flush=True)
            written[file] = None
    return list(written)


def check(experiment: Experiment) -> None:
    """Raises UserError where a metric of output.metrics cannot be had, and fetches the networks that it looks through.

    For the time before a run begins, or has a directory: a download then would be one in its middle.
    """
    evaluation = Evaluation(definitions.asked_for(experiment.output.metrics))
    Evaluator(evaluation).check([Subject(Path(), experiment.G, experiment, Path())])


def callback(
    experiment: Experiment, run_dir: Path
) -> Callable[["State", "Phase", int], Iterator[tuple[str, Mapping[str, float]]]] | None:
    """What the training loop calls for output.metrics, with (state, phase, nimg); None where none are asked for.

    It yields the official line and the values by their names, metric by metric, of state.Gs. What was made for an
    evaluation (networks, graphs) is kept for the next one. Metrics that fail are left out, and told by one Failure at
    the end. Raises UserError for what is known to be impossible; see `check`.
    """
    evaluation = Evaluation(definitions.asked_for(experiment.output.metrics))
    if not evaluation.metrics:
        return None
    check(experiment)
    evaluator = Evaluator(evaluation)

    def measure(state: "State", phase: "Phase", nimg: int) -> Iterator[tuple[str, Mapping[str, float]]]:
        import tensorflow as tf

        path = rundir.snapshot_dir(run_dir, nimg) / "Gs.keras"
        subject = Subject(path, experiment.G, experiment, run_dir, f"nimg {nimg}")
        Gs, replicas, failures = state.Gs, state.replicas, []
        if not replicas.workers.is_alone:  # the others take no part, so that a copy on the devices here is measured
            Gs, replicas = evaluator.once("copy", lambda: _copy_of(state, experiment))
            _take(Gs, state.Gs)
        for asked in evaluation.metrics:
            try:
                line, values, _ = evaluator.measure(subject, asked, Gs, replicas, phase.stage, phase.fade)
            except (UserError, Failure, OSError, tf.errors.OpError) as error:  # the last: out of memory
                failures.append(f"{asked.name}: {str(error).partition(chr(10))[0]}")
            else:
                yield line, values
        if failures:
            raise Failure("; ".join(failures))

    return measure


def _copy_of(state: "State", experiment: Experiment) -> tuple[Any, Any]:
    """(a network like state.Gs, the devices of this process, which it is on)."""
    from stylegan_tf.networks.kinds import make

    replicas = state.replicas.of_this_worker()
    with replicas.scope():
        return make(experiment.G, experiment.training.seed, experiment.training.precision), replicas


def _take(Gs, other) -> None:
    """Gives Gs the weights of another network of its kind."""
    for variable, new in zip(Gs.variables, other.variables, strict=True):
        variable.assign(new.numpy())


@dataclass
class Evaluator:
    """Computes metrics, one after the other, and keeps what they have in common: networks, graphs, real pictures."""

    evaluation: Evaluation
    made: dict[Any, Any] = field(default_factory=dict)

    def check(self, subjects: Sequence[Subject]) -> None:
        """Raises UserError with all that is known to be impossible; fetches the networks. Without TensorFlow."""
        from stylegan_tf.metrics import feature_extractors

        metrics, nets = self.evaluation.metrics, self.evaluation.nets
        found: dict[str, None] = {}
        for subject in subjects:
            facts = None
            if any(one.metric.needs_data for one in metrics) and (data := self._data_set(subject)):
                facts = Pictures(
                    *(str(data.directory), 2 ** data.stages[0], 2 ** data.stages[-1], data.channels, data.num_images),
                    0 if data.labels is None else data.labels.shape[1],
                )
            found |= dict.fromkeys(definitions.problems(metrics, subject.G, facts, nets))
        refuse(list(found))
        for metric, own in metrics:
            feature_extractors.fetch(metric.network, feature_extractors.kind_of(metric.network, own or nets))

    def measure(
        self, subject: Subject, asked: Asked, Gs, replicas, stage: int | None, fade: float
    ) -> tuple[str, dict[str, float], Path]:
        """One metric of one network, written down: its official line, its values by name, and the file."""
        from stylegan_tf.metrics import report
        from stylegan_tf.metrics.feature_extractors import feature_extractor
        from stylegan_tf.metrics.samples import Fakes
        from stylegan_tf.networks.sampling import batch_size

        began, metric, evaluation = time.monotonic(), asked.metric, self.evaluation
        role, nets = metric.network, asked.nets or evaluation.nets
        extractor = self.once((role, nets), lambda: feature_extractor(role, nets, replicas))
        name = f"{metric.name}@{extractor.suffix}" if extractor.suffix else metric.name
        data = self._data_set(subject) if metric.needs_data else None
        labels = data.labels[:, : Gs.label_size] if data and metric.random_labels and data.labels is not None else None
        if self.made.get("Gs") is not Gs:
            self.made |= {"Gs": Gs, "graphs": {}}
        with report.Live(name) as live:
            batch = evaluation.batch or batch_size(Gs)
            fakes = Fakes(Gs, replicas, evaluation.seed, batch, labels, stage, fade, live, self.made["graphs"])
            found = self._values(metric, name, fakes, extractor, data, subject)
        seconds = time.monotonic() - began
        conditions = {
            "file": str(subject.path),
            "samples": metric.samples,
            "seed": evaluation.seed,
            "batch": batch,
            "replicas": replicas.count,
            "nets": extractor.name,
            "dataset": None if data is None else str(data.directory),
            "mirror": self._mirror(subject) if metric.needs_reals else None,
            "labels": "random rows" if labels is not None else "zeros" if Gs.label_size else None,
            "stage": stage,
            "fade": fade,
            "config": subject.experiment.config if subject.experiment else None,
        }
        line = report.line(subject.name, seconds, name, found)
        subject.outdir.mkdir(parents=True, exist_ok=True)
        row = report.Row(name, found, subject.digest, extractor.digest, seconds, conditions)
        file = report.append(subject.outdir, row)
        return line, {name + suffix: value for suffix, value in found.items()}, file

    def _values(
        self,
        metric: Metric,
        name: str,
        fakes: "Fakes",
        extractor: "FeatureExtractor",
        data: "DataSet | None",
        subject: Subject,
    ) -> dict[str, float]:
        """suffix of the result's name -> value."""
        if metric.family == "ppl":
            from stylegan_tf.metrics import ppl

            sampled = (metric.space, metric.sampling, metric.samples, metric.epsilon, metric.crop)
            return {"": ppl.evaluate(fakes, extractor, *sampled)}
        if metric.family == "ls":
            return _separability(metric, name, fakes, extractor, subject, self.evaluation.directions)
        if metric.family == "inception_score":
            from stylegan_tf.metrics import inception_score

            return dict(zip(metric.suffixes, inception_score.evaluate(fakes, extractor, metric.samples), strict=True))
        if data is None:
            raise ValueError(f"{metric.name} needs real pictures")
        from stylegan_tf.metrics import cache, features, fid, kid, precision_recall

        mirror = self._mirror(subject)
        pictures = features.real_batches(data, metric.samples, mirror, repeat=metric.family == "fid")
        if metric.family == "kid":
            return dict(
                zip(metric.suffixes, kid.evaluate(fakes, pictures, extractor, metric.samples, name), strict=True)
            )
        if metric.family == "precision_recall":
            found = precision_recall.evaluate(fakes, pictures, extractor, metric.samples, name)
            return dict(zip(metric.suffixes, found, strict=True))
        fingerprint = self.once(("fingerprint", data.directory, data.resolution), lambda: cache.fingerprint(data))
        key = cache.Key(fingerprint, extractor.digest, metric.samples, mirror)
        known = cache.statistics(
            subject.outdir / cache.FOLDER, key, lambda: fid.of_reals(pictures, extractor, fakes, metric.samples)
        )
        return {"": fid.evaluate(fakes, known, extractor, metric.samples, metric.latents)}

    def _mirror(self, subject: Subject) -> bool:
        if self.evaluation.mirror is not None:
            return self.evaluation.mirror
        return subject.experiment is not None and subject.experiment.data.mirror

    def _data_set(self, subject: Subject) -> "DataSet | None":
        """The pictures to compare with, at the network's resolution if they have it; None where nothing says which."""
        from stylegan_tf.data.layout import open_data_set
        from stylegan_tf.data.training_set import data_set_of, faces_of
        from stylegan_tf.weights import load

        side, experiment, dataset = subject.G.resolution, subject.experiment, self.evaluation.dataset
        asked = [one.metric for one in self.evaluation.metrics if one.metric.needs_data]
        # Random labels are rows of the whole set; pictures are the first ones, which are the same in a smaller set.
        enough = None if any(metric.random_labels for metric in asked) else max(metric.samples for metric in asked)
        if dataset is not None:
            found = self.once(("data", dataset), lambda: open_data_set(dataset))
        elif experiment is not None:
            found = self.once(("data", experiment.data), lambda: data_set_of(experiment, enough))
        elif subject.path.resolve() == load.SHIPPED:
            found = self.once(("data", side), lambda: faces_of(side, enough=enough))
        else:
            return None
        stages = tuple(stage for stage in found.stages if 2**stage <= side)
        return replace(found, stages=stages, resolution=side) if 2 ** found.stages[-1] >= side else found

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gave the first time."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


def _separability(
    metric: Metric, name: str, fakes: "Fakes", extractor: "FeatureExtractor", subject: Subject, with_directions: bool
) -> dict[str, float]:
    """Its scores; each attribute's entropies are printed, and, where asked for, directions-<network>.npz is written.

    It has the normals in Z, directions for edits in W where there is one, and the digest of the network.
    """
    from stylegan_tf.metrics import cache, directions, ls, report

    folder = subject.outdir / cache.FOLDER / f"{name}-{subject.digest[:16]}-{fakes.seed}"
    conditions = {"network": subject.digest, "nets": extractor.digest, "batch": fakes.batch}
    at_once = 40 if extractor.suffix else 8  # the small networks of the bundle fit into memory together
    found = ls.evaluate(fakes, extractor.network, metric.samples, metric.keep, folder, conditions, at_once)
    for attribute, one in found.attributes.items():
        entropies = "  ".join(f"H(Y|{space}) {bits:.4f}" for space, bits in one.entropy.items())
        print(f"  {attribute:<22} {entropies}")
    if with_directions:
        vectors = found.directions()
        if "w" in vectors:
            vectors |= directions.rising(fakes, extractor.network, min(directions.POINTS, metric.samples))
        path = report.write_directions(subject.outdir, subject.name, vectors | {"network": subject.digest})
        print(f"  directions for generate.py edit: {path}")
    shutil.rmtree(folder)  # a gigabyte at full size, of use only to go on after a kill
    return {f"_{space}": found.score(space) for space in found.spaces()}


def _subject(path: Path, outdir: Path | None) -> Subject:
    from stylegan_tf.training.transfer import start_of
    from stylegan_tf.weights import load

    G = start_of(str(path)).G
    if G is None:
        raise UserError(f"{path} holds a discriminator, which makes no pictures")
    experiment, _ = load.trained(path.absolute().parent)
    if outdir is None:  # a snapshot lies in its run, a checkpoint in a folder of it
        above = path.absolute().parents[2 if path.name == load.STATE else 1]
        outdir = above if experiment is not None else Path("metrics")
    return Subject(path, G, experiment, outdir)


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
