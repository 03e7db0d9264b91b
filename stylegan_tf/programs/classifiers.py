"""Attribute classifiers, trained one after another, from a data set to a folder of networks: train_classifiers.py."""

import hashlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import environment, files, rundir
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.classifiers import Recipe, recipe
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.configs.text import shown
from stylegan_tf.data.attributes import Attributes, attributes_of, chosen, split
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.devices import auto_row, full_float32
from stylegan_tf.errors import Failure, Stopped, UserError, exit_code
from stylegan_tf.programs.foreign_flags import CLASSIFIERS
from stylegan_tf.progress import LiveLine, format_time, track
from stylegan_tf.weights.registry import ATTRIBUTES

WHAT = "Trains networks that say whether a face has an attribute: python train_classifiers.py --dataset=DIR"
MEMORY = 2**31  # bytes of pictures that are kept in memory; more are read from the disk as they are needed
READ_AHEAD = 1024  # pictures
FEATURES = "features"  # the file name of the feature network
FEATURES_RESOLUTION = 32
FEATURES_KIMG = 2  # times as many pictures as for a classifier: it learns all attributes
ACCURACY, TABLE = "accuracy.json", "accuracy.md"
FLAGS = {
    "What is trained": (
        Flag("dataset", "path", None, "folder of TFRecords, made by dataset_tool.py"),
        Flag("attributes", "path", None, "list in CelebA's layout (default: the list_attr_*.txt in the data set)"),
        Flag("only", "text", None, "names with commas, such as Smiling,Male (default: every attribute of the list)"),
        Flag("features", "switch", False, "also a network for Frechet and perceptual distances (32x32 only)"),
        Flag("resolution", "whole", None, "a power of two (default: the data set's, 256 at most; cpu row: 32 at most)"),
        Flag("total_kimg", "number", None, "thousands of pictures to show for each attribute (default: 150)"),
        Flag("seed", "whole", None, "of everything random (default: 1000)"),
    ),
    "On which machine": (
        Flag("hardware", "text", "auto", "auto, cpu, 1gpu: cpu trains narrow networks, 1gpu those of the paper"),
        Flag("threads", "whole", None, "of TensorFlow on the CPU (default: one for each core)"),
    ),
    "Where to": (
        Flag("outdir", "path", None, "folder of the networks (default: results/classifiers-<data set>-<resolution>)"),
        Flag("pack", "path", None, "write all networks into this one .npz, float16, when they are trained"),
    ),
}


@dataclass(frozen=True)
class Job:
    """What is trained: a classifier for each of `names` (plain ones, in the order of training), from `data_set`."""

    data_set: DataSet
    attributes: Attributes
    names: Sequence[str]
    recipe: Recipe
    outdir: Path
    features: bool = False  # also the network for Frechet and perceptual distances
    pack: str | None = None  # file for all of them together
    threads: int | None = None

    @property
    def stage(self) -> int:
        return stage_of(self.recipe.resolution)

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """(numbers of the pictures to train on, numbers of those held out)."""
        return split(self.data_set.num_images, self.recipe.held_out, self.recipe.seed)

    def truth(self, names: Sequence[str]) -> np.ndarray:
        """bool [pictures, len(names)]."""
        return np.stack([self.attributes.column(name) for name in names], axis=1)


@dataclass(frozen=True)
class Place:
    """Where one network goes: `<stem><suffix>` with the weights and `<stem>.json` with what is known of it.

    The second is written last, so that where it is the training is finished.
    """

    folder: Path
    stem: str
    suffix: str = ".keras"

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.stem}{self.suffix}"

    @property
    def facts(self) -> Path:
        return self.folder / f"{self.stem}.json"

    def finished(self, conditions: Mapping[str, Any]) -> dict[str, Any] | None:
        """The facts of a network that is there; None where it must be trained.

        Raises UserError where it was trained otherwise than under these conditions.
        """
        if not (self.facts.exists() and self.weights.exists()):
            return None
        try:
            found = files.read_json(self.facts)
            before = dict(found["conditions"])
            found["score"], found["seconds"]  # noqa: B018 (KeyError where there is none)
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"{self.facts} is not what train_classifiers.py writes; remove it or name another --outdir"
            ) from None
        differing = [name for name in conditions if before.get(name) != conditions[name]]
        if differing:
            name = differing[0]
            change = f"{name} was {shown(before.get(name))}, now it is {conditions[name]}"
            raise UserError(f"{self.weights} was trained otherwise ({change}); name another --outdir")
        return found

    def finish(self, conditions: Mapping[str, Any], scores: Any, seconds: float) -> dict[str, Any]:
        """Writes the facts, after the weights."""
        found = {"conditions": dict(conditions), "score": scores, "seconds": round(seconds, 1)}
        files.write_json(self.facts, found)
        return found


class Display:
    """The line that is rewritten while training, and the end after SIGINT or SIGTERM.

    request: a training.signals.StopRequest. total: pictures that all trainings together will be shown.
    """

    def __init__(self, request: Any, total: int, line: LiveLine | None = None):
        self.request, self.total, self.line = request, total, line or LiveLine()
        self.start, self.done = time.monotonic(), 0
        self.name, self.shown = "", 0

    def begin(self, name: str) -> "Display":
        """The next training is that of `name`."""
        self.name, self.shown = name, 0
        return self

    def say(self, nimg: int, loss: float) -> None:
        """After a few minibatches; nimg: pictures shown in this training. Raises Stopped where that was asked for."""
        self.done, self.shown = self.done + nimg - self.shown, nimg
        if self.request.requested:
            self.line.close()
            sentence = f"stopped in {self.name}; what is finished is kept, and the same command continues"
            raise Stopped(sentence, self.request.number)
        rate = self.done / max(time.monotonic() - self.start, 1e-9)
        left = format_time(max(self.total - self.done, 0) / rate)
        if self.line.due():
            self.line.show(
                f"{self.name}: {nimg / 1000:.1f} kimg  loss {loss:.3f}  {rate:,.0f} img/s  {left} left in all"
            )

    def end(self, text: str) -> None:
        """A line that stays."""
        if self.line.live:
            self.line.close()
        print(text, flush=True)


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS, CLASSIFIERS)
    if values is None:
        print(help_text(WHAT, FLAGS))
        return
    environment.check_backend("train_classifiers.py")
    if values.dataset is None:
        raise UserError("--dataset is missing: name a folder that dataset_tool.py made, such as create_faces DIR")
    if values.threads is not None and values.threads < 1:
        raise UserError(f"--threads={values.threads}: expected 1 or more")
    if values.pack and not values.pack.endswith(".npz"):
        raise UserError(f"--pack={values.pack}: the name must end in .npz")
    data_set = open_data_set(values.dataset)
    listed = attributes_of(data_set, values.attributes)
    only = [] if values.only is None else [name for name in values.only.split(",") if name.strip()]
    if values.only is not None and not only:
        raise UserError(f"--only={values.only} names no attribute; leave it out for all of {listed.path}")
    names = chosen(listed.names, only, ATTRIBUTES)
    row = values.hardware
    if row == "auto":  # the paper's recipe is for a single card, however many there are
        row = "cpu" if auto_row() == "cpu" else "1gpu"
    how = recipe(row, data_set.resolution, values.resolution, values.total_kimg, values.seed)
    where = values.outdir or f"results/classifiers-{data_set.name}-{how.resolution}"
    small = "; the cpu row trains narrow networks, the paper's are those of --hardware=1gpu"
    print(
        f"{len(names)} attribute{'' if len(names) == 1 else 's'} at {how.resolution}x{how.resolution} on "
        f"{data_set.num_images:,} pictures, {how.total_kimg:g} kimg each, hardware row {row}"
        f"{small if row == 'cpu' else ''}",
        flush=True,
    )
    train(Job(data_set, listed, names, how, Path(where), values.features, values.pack, values.threads))


def check(job: Job) -> None:
    """Raises UserError for what cannot be trained, before anything slow begins."""
    job.data_set.path(job.stage)
    if job.data_set.channels not in (1, 3):
        raise UserError(
            f"classifiers take RGB or grey pictures; those of {job.data_set.directory} have another channel"
        )
    if job.data_set.num_images < 10:
        raise UserError(f"{job.data_set.directory} holds {job.data_set.num_images} pictures; 10 is the least")
    train, _ = job.parts()
    truth = job.truth(job.names)[train]
    constant = {
        name: column.all() for name, column in zip(job.names, truth.T, strict=True) if column.all() or not column.any()
    }
    if constant:
        listed = ", ".join(
            f"{name} is {'present on' if all_ else 'absent from'} all" for name, all_ in constant.items()
        )
        rest = ",".join(name for name in job.names if name not in constant)
        mend = f"--only={rest}" if rest else "another list with --attributes"
        raise UserError(
            f"{listed} {len(train)} pictures to train on, so there is nothing to learn; leave it out with {mend} "
            f"(of {job.attributes.path})"
        )
    if job.features and (job.recipe.resolution != FEATURES_RESOLUTION or job.data_set.channels != 3):
        raise UserError(f"--features needs RGB pictures and --resolution={FEATURES_RESOLUTION}")


def train(job: Job) -> dict[str, dict[str, Any]]:
    """Trains what is not finished in `outdir`. -> attribute -> its score on held-out pictures.

    An attribute whose training was interrupted is trained anew: with the same seed, to the same weights. Raises
    UserError, Failure, or Stopped after SIGINT or SIGTERM.
    """
    check(job)
    _make_folders(job)
    with files.Lock(job.outdir / rundir.LOCK):
        for leftover in job.outdir.glob(".tmp-*"):  # of a process that was killed while it wrote
            leftover.unlink()
        conditions = _conditions(job)
        places = {name: Place(job.outdir, stem(name, job.names)) for name in job.names}
        scores = {name: found["score"] for name in job.names if (found := places[name].finished(conditions[name]))}
        viewer = Place(job.outdir, FEATURES, ".npz") if job.features else None
        whole = viewer is None or viewer.finished(conditions[FEATURES]) is not None
        left = [name for name in job.names if name not in scores]
        print(f"{len(scores)} of {len(job.names)} attributes are finished in {job.outdir}", flush=True)
        if left or not whole:
            _train_all(job, left, places, None if whole else viewer, conditions, scores)
        scores = {name: scores[name] for name in job.names}
        print(write_accuracy(job.outdir, scores), end="", flush=True)
        if job.pack:
            _pack(job, places, viewer, scores)
    return scores


def _train_all(job: Job, left, places, viewer: Place | None, conditions, scores: dict[str, Any]) -> None:
    _start_tensorflow(job.threads)
    from stylegan_tf.networks.faces_features import FacesFeatures
    from stylegan_tf.networks.kinds import make
    from stylegan_tf.training.classifier import Trainer
    from stylegan_tf.training.signals import StopRequest
    from stylegan_tf.weights import faces_bundle

    read = _reader(job.data_set, job.stage)
    parts = job.parts()
    channels = job.data_set.channels
    with StopRequest() as request:
        trainings = len(left) + (0 if viewer is None else FEATURES_KIMG)
        show = Display(request, round(1000 * job.recipe.total_kimg * trainings))
        if left:
            network = make(job.recipe.network(channels), job.recipe.seed, job.recipe.precision)
            trainer = Trainer(network, job.recipe, channels)
            for name in left:
                seconds, (score,) = _train_one(trainer, read, parts, job.truth([name]), show.begin(name))
                _save(network, places[name].weights)
                scores[name] = places[name].finish(conditions[name], score, seconds)["score"]
                words = "accuracy {accuracy:.4f}, balanced {balanced:.4f}, majority {majority:.4f}".format(**score)
                show.end(f"{places[name].stem}: {words}")
        if viewer is not None:
            how = features_recipe(job.recipe)
            seeing = FacesFeatures(num_attributes=len(job.names), seed=how.seed, dtype=how.precision)
            trainer = Trainer(seeing, how, channels)
            seconds, each = _train_one(trainer, read, parts, job.truth(job.names), show.begin(FEATURES))
            faces_bundle.write(viewer.weights, [], seeing, {"attributes": list(job.names)})
            viewer.finish(conditions[FEATURES], dict(zip(job.names, each, strict=True)), seconds)
            show.end(f"{FEATURES}: mean accuracy {np.mean([score['accuracy'] for score in each]):.4f}")


def _train_one(trainer, read, parts, truth: np.ndarray, show: Display) -> tuple[float, list[dict[str, Any]]]:
    """-> (seconds, the score of each column of `truth` on the held-out pictures)."""
    from stylegan_tf.training.classifier import score

    start = time.monotonic()
    train, held_out = parts
    trainer.fit(read, train, truth, show.say)
    logits = trainer.logits(read, held_out)
    scores = [asdict(score(logits[:, column], truth[held_out, column])) for column in range(truth.shape[1])]
    # rounded to what their pictures can tell
    rounded = [{name: round(value, 5) for name, value in one.items()} for one in scores]
    return time.monotonic() - start, rounded


def features_recipe(recipe: Recipe) -> Recipe:
    """How the feature network is trained where classifiers are trained by `recipe`."""
    return replace(recipe, total_kimg=FEATURES_KIMG * recipe.total_kimg)


def _conditions(job: Job) -> dict[str, dict[str, Any]]:
    """What the weights of each network depend on, by attribute, and by FEATURES."""
    pictures = files.sha256(job.data_set.path(job.stage))

    def of(names: Sequence[str], recipe: Recipe) -> dict[str, Any]:
        answers = hashlib.sha256(np.packbits(job.truth(names)).tobytes()).hexdigest()
        return {**asdict(recipe), "attributes": list(names), "pictures_sha256": pictures, "answers_sha256": answers}

    found = {name: of([name], job.recipe) for name in job.names}
    return {**found, FEATURES: of(list(job.names), features_recipe(job.recipe))}


def _reader(data_set: DataSet, stage: int):
    """numbers int64 [n] -> pictures uint8 [n, H, W, C]; all of them are read now where they fit into memory."""
    from stylegan_tf.data.pipeline import Reader

    reader = Reader(data_set, stage, 0)
    count = len(reader.starts)
    if count * int(np.prod(reader.shape)) > MEMORY:
        return lambda numbers: reader.read(numbers)[0]
    pictures = np.empty((count, *reader.shape), np.uint8)
    for number in track(range(0, count, READ_AHEAD), None, "reading", "parts"):
        part = np.arange(number, min(number + READ_AHEAD, count))
        pictures[part] = reader.read(part)[0]
    return pictures.__getitem__


def _start_tensorflow(threads: int | None) -> None:
    import tensorflow as tf

    with suppress(RuntimeError):  # it has started already, in a test
        tf.config.threading.set_intra_op_parallelism_threads(threads or environment.cores())
        tf.config.threading.set_inter_op_parallelism_threads(threads or environment.cores())
    full_float32()
    tf.config.experimental.enable_op_determinism()


def _save(network, path: Path) -> None:
    try:
        with files.atomic_path(path) as temporary:
            network.save(temporary)
    except (OSError, RuntimeError) as error:  # h5py says RuntimeError where the disk is full
        raise Failure(f"{path} could not be written: {error}") from None


def _make_folders(job: Job) -> None:
    for flag, folder in (("--outdir", job.outdir), ("--pack", Path(job.pack or job.outdir).parent)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UserError(f"{flag}: {folder} cannot be a folder, because there is a file of that name") from None


def _pack(job: Job, places, viewer: Place | None, scores: Mapping[str, Any]) -> None:
    from stylegan_tf.weights import faces_bundle, keras_file

    networks = [(name, keras_file.read(places[name].weights)) for name in job.names]
    features = None if viewer is None else faces_bundle.features(viewer.weights).network
    about = {"data": job.data_set.name, "pictures": job.data_set.num_images, "recipe": asdict(job.recipe)}
    faces_bundle.write(str(job.pack), networks, features, {**about, "scores": dict(scores)})
    print(f"{job.pack}: {len(networks)} classifiers, {os.path.getsize(str(job.pack)):,} bytes", flush=True)


def stem(attribute: str, names: Sequence[str]) -> str:
    """'00-male': the official number and name. Attributes that CelebA has not follow from 40 on, in their order."""
    if attribute in ATTRIBUTES:
        number = ATTRIBUTES.index(attribute)
    else:
        number = len(ATTRIBUTES) + [name for name in names if name not in ATTRIBUTES].index(attribute)
    return f"{number:02d}-{attribute}"


def write_accuracy(folder: Path, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Writes accuracy.json and accuracy.md, which is the same as a table. Returns the table."""
    mean = sum(score["accuracy"] for score in scores.values()) / len(scores)
    lowest = min(scores, key=lambda name: scores[name]["accuracy"])
    summary = {"mean_accuracy": mean, "lowest": lowest, "attributes": {name: dict(one) for name, one in scores.items()}}
    files.write_json(folder / ACCURACY, summary)
    files.write_text(folder / TABLE, table(scores))
    return table(scores)


def table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """The scores in Markdown: a row for each attribute, then their means."""
    keys = ("accuracy", "balanced", "majority")
    rows = ["| attribute | accuracy | balanced accuracy | majority |", "|---|---|---|---|"]
    for name, score in scores.items():
        rows.append(f"| {name} | " + " | ".join(f"{score[key]:.3f}" for key in keys) + " |")
    means = [sum(score[key] for score in scores.values()) / len(scores) for key in keys]
    rows.append("| **mean** | " + " | ".join(f"**{mean:.3f}**" for mean in means) + " |")
    return "\n".join(rows) + "\n"


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
