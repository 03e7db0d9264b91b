"""Metrics of trained networks: which network, which pictures, which metrics; the only place where they meet."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf import files, rundir
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.errors import UserError
from stylegan_tf.metrics import definitions, report
from stylegan_tf.metrics.definitions import Asked, Metric
from stylegan_tf.weights import load

if TYPE_CHECKING:
    from stylegan_tf.configs.schedule import Phase
    from stylegan_tf.data.layout import DataSet
    from stylegan_tf.metrics.feature_extractors import FeatureExtractor
    from stylegan_tf.metrics.samples import Fakes
    from stylegan_tf.training.state import State

CACHE = ".metrics"  # in the folder of the results: statistics of reals, samples of linear separability


@dataclass(frozen=True)
class Request:
    """Which metrics of which networks."""

    networks: Sequence[Path]  # files of generators; the snapshots of a run in their order
    metrics: Sequence[Asked]
    nets: str = "auto"  # for metrics that name none; see experiment.nets.eye
    dataset: str | None = None  # folder; None: that of the run
    mirror: bool | None = None  # None: as the run trained
    num_samples: int | None = None  # None: each metric's own number
    seed: int = 0
    batch: int = 0  # pictures at once on each device; 0: by the size of the network
    replicas: int = 0  # 0: every GPU, or one CPU
    outdir: Path | None = None  # None: the run directory, or metrics/ for other networks


@dataclass(frozen=True)
class Subject:
    """A network that is measured, and what is known about it."""

    path: Path
    digest: str
    experiment: Experiment | None  # of the run that wrote it; None where unknown
    outdir: Path

    @property
    def name(self) -> str:
        """What the official line calls it: the snapshot, or the file."""
        folder = self.path.absolute().parent.name
        return folder if folder.startswith("network-snapshot-") else self.path.stem


def evaluate(request: Request) -> list[Path]:
    """Computes all metrics of all networks; prints a line for each and adds it to its metric-<name>.jsonl.

    Returns those files. Raises UserError where a metric cannot be had of a network, Failure where it has no value.
    """
    replicas = _devices(request.replicas)
    written: dict[Path, None] = {}
    for path in request.networks:
        subject = _subject(path, request.outdir)
        with replicas.scope():
            networks, stage, fade = load.opened(path)
        Gs = networks.Gs or networks.G
        if Gs is None:
            raise UserError(f"{path} holds a discriminator, which makes no pictures")
        for asked in request.metrics:
            metric = (
                asked.metric if request.num_samples is None else definitions.scaled(asked.metric, request.num_samples)
            )
            *_, file = _measure(request, subject, Asked(metric, asked.nets), Gs, replicas, stage, fade)
            written[file] = None
    return list(written)


def while_training(experiment: Experiment, run_dir: Path) -> Callable[["State", "Phase", int], dict[str, float]] | None:
    """What the training loop calls for output.metrics: (state, phase, nimg) -> value of each metric of Gs by its name.

    None where no metrics are asked for. Raises UserError for names that are none.
    """
    metrics = definitions.asked_for(experiment.output.metrics)
    if not metrics:
        return None

    def measure(state, phase, nimg: int) -> dict[str, float]:
        request = Request([], metrics, outdir=run_dir)
        subject = Subject(rundir.snapshot_dir(run_dir, nimg) / "Gs.keras", f"nimg {nimg}", experiment, run_dir)
        found: dict[str, float] = {}
        for asked in metrics:
            name, values, _ = _measure(request, subject, asked, state.Gs, state.replicas, phase.stage, phase.fade)
            found |= {name + suffix: value for suffix, value in values.items()}
        return found

    return measure


def _measure(
    request: Request, subject: Subject, asked: Asked, Gs, replicas, stage, fade
) -> tuple[str, dict[str, float], Path]:
    """One metric of one network, told and written down. Returns its full name, its values and the file."""
    from stylegan_tf.metrics.feature_extractors import feature_extractor
    from stylegan_tf.metrics.samples import Fakes
    from stylegan_tf.networks.sampling import batch_size

    began = time.monotonic()
    metric, looks = asked.metric, feature_extractor(asked.metric.network, asked.nets or request.nets, replicas)
    name = f"{metric.name}@{looks.suffix}" if looks.suffix else metric.name
    random_labels = metric.random_labels and Gs.label_size > 0
    data = _data_set(request, subject, Gs) if metric.needs_reals or random_labels else None
    mirror = request.mirror if request.mirror is not None else bool(_setting(subject, "mirror", False))
    labels = None if data is None or data.labels is None or not random_labels else data.labels[:, : Gs.label_size]
    with report.Live(name) as live:
        fakes = Fakes(Gs, replicas, request.seed, request.batch or batch_size(Gs), labels, stage, fade, live)
        values = _values(metric, name, fakes, looks, data, mirror, subject)
    seconds = time.monotonic() - began
    conditions = {
        "file": str(subject.path),
        "samples": metric.samples,
        "seed": request.seed,
        "batch": fakes.batch,
        "replicas": replicas.count,
        "nets": looks.name,
        "dataset": None if data is None else str(data.directory),
        "mirror": mirror if metric.needs_reals else None,
        "labels": "random rows" if labels is not None else "zeros" if Gs.label_size else None,
        "stage": stage,
        "fade": fade,
        "config": subject.experiment.config if subject.experiment else None,
    }
    print(report.line(subject.name, seconds, name, values), flush=True)
    subject.outdir.mkdir(parents=True, exist_ok=True)
    row = report.Row(name, values, subject.digest, looks.digest, seconds, conditions)
    return name, values, report.append(subject.outdir, row)


def _values(
    metric: Metric,
    name: str,
    fakes: "Fakes",
    looks: "FeatureExtractor",
    data: "DataSet | None",
    mirror: bool,
    subject: Subject,
) -> dict[str, float]:
    """suffix of the result's name -> value."""
    folder = subject.outdir / CACHE
    if metric.family == "ppl":
        from stylegan_tf.metrics import ppl

        sampled = (metric.space, metric.sampling, metric.samples, metric.epsilon, metric.crop)
        return {"": ppl.evaluate(fakes, looks, *sampled)}
    if metric.family == "ls":
        return _separability(metric, name, fakes, looks, subject)
    if metric.family == "inception_score":
        from stylegan_tf.metrics import inception_score

        return dict(zip(metric.suffixes, inception_score.evaluate(fakes, looks, metric.samples), strict=True))
    if data is None:
        raise ValueError(f"{metric.name} needs real pictures")
    from stylegan_tf.metrics import cache, fid, kid, precision_recall, reals

    pictures = reals.batches(data, metric.samples, mirror, repeat=metric.family == "fid")
    if metric.family == "kid":
        return {"": kid.evaluate(fakes, pictures, looks, metric.samples, name)}
    if metric.family == "precision_recall":
        found = precision_recall.evaluate(fakes, pictures, looks, metric.samples, name)
        return dict(zip(metric.suffixes, found, strict=True))
    key = cache.Key(cache.fingerprint(data), looks.digest, metric.samples, mirror)
    known = cache.statistics(folder, key, lambda: fid.of_reals(pictures, looks, fakes, metric.samples))
    return {"": fid.evaluate(fakes, known, looks, metric.samples)}


def _separability(
    metric: Metric, name: str, fakes: "Fakes", looks: "FeatureExtractor", subject: Subject
) -> dict[str, float]:
    """Its scores; each attribute's entropies are printed, and the normals written as directions-<network>.npz."""
    from stylegan_tf.metrics import ls

    folder = subject.outdir / CACHE / f"{name}-{subject.digest[:16]}-{fakes.seed}"
    conditions = {"network": subject.digest, "nets": looks.digest, "batch": fakes.batch}
    at_once = 40 if looks.suffix else 8  # the small networks of the bundle fit into memory together
    found = ls.evaluate(fakes, looks.see, metric.samples, metric.keep, folder, conditions, at_once)
    for attribute, one in found.attributes.items():
        entropies = "  ".join(f"H(Y|{space}) {bits:.4f}" for space, bits in one.entropy.items())
        print(f"  {attribute:<22} {entropies}")
    report.write_directions(subject.outdir, subject.name, found.directions())
    shutil.rmtree(folder)  # a gigabyte at full size, of use only to go on after a kill
    return {f"_{space}": found.score(space) for space in found.spaces()}


def _subject(path: Path, outdir: Path | None) -> Subject:
    folder = path.absolute().parent
    experiment, _ = load.trained(folder)
    if outdir is None:
        outdir = folder.parent if experiment is not None else Path("metrics")
    return Subject(path, files.sha256(path), experiment, outdir)


def _setting(subject: Subject, name: str, otherwise: Any) -> Any:
    return otherwise if subject.experiment is None else getattr(subject.experiment.data, name)


def _data_set(request: Request, subject: Subject, Gs) -> "DataSet":
    """The pictures to compare with, at the network's resolution. Raises UserError where they do not fit it."""
    from stylegan_tf.data.layout import open_data_set
    from stylegan_tf.data.training_set import data_set_of, faces_of

    if request.dataset is not None:
        found = open_data_set(request.dataset)
    elif subject.experiment is not None:
        found = data_set_of(subject.experiment)
    elif subject.path.absolute() == load.SHIPPED:
        found = faces_of(Gs.resolution)
    else:
        raise UserError(f"{subject.path} does not say what it was trained on: name the pictures with --dataset")
    stage = Gs.last_stage
    if stage not in found.stages:
        raise UserError(
            f"{found.directory} has no pictures of {Gs.resolution}x{Gs.resolution}, which the network makes"
        )
    if found.channels != Gs.num_channels:
        raise UserError(
            f"the pictures of {found.directory} have {found.channels} channels, those of the network {Gs.num_channels}"
        )
    return replace(found, stages=tuple(s for s in found.stages if s <= stage), resolution=Gs.resolution)


def snapshots(run_dir: Path) -> list[Path]:
    """The generators of all snapshots of a run, oldest first. Raises UserError where there are none."""
    found = sorted(run_dir.glob("network-snapshot-*/Gs.keras"), key=lambda path: int(path.parent.name[17:]))
    if not found:
        raise UserError(
            f"the run {run_dir} has saved no networks yet" if run_dir.is_dir() else f"there is no {run_dir}"
        )
    return found


def _devices(replicas: int):
    """-> Replicas. A GPU is shared with whatever else runs there, and computes in full float32."""
    import tensorflow as tf

    from stylegan_tf.devices import Replicas

    tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.experimental.enable_op_determinism()
    return Replicas(replicas)
