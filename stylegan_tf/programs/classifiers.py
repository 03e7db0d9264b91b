"""Training of attribute classifiers, one after another: where data, networks and training meet."""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stylegan_tf import files, rundir
from stylegan_tf.configs.classifiers import Recipe
from stylegan_tf.data.attributes import Attributes, split
from stylegan_tf.data.layout import DataSet
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.programs.classifier_display import Display, told
from stylegan_tf.programs.classifier_files import Place, as_json, stem, write_accuracy
from stylegan_tf.progress import track

MEMORY = 2**31  # bytes of pictures that are kept in memory; more are read from the disk as they are needed
READ_AHEAD = 1024  # pictures
FEATURES = "features"  # the file name of the feature network
FEATURES_RESOLUTION = 32
FEATURES_KIMG = 2  # times as many pictures as for a classifier: it learns all attributes


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
        return self.recipe.resolution.bit_length() - 1

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """(numbers of the pictures to train on, numbers of those held out)."""
        return split(self.data_set.num_images, self.recipe.held_out, self.recipe.seed)

    def truth(self, names: Sequence[str]) -> np.ndarray:
        """bool [pictures, len(names)]."""
        return np.stack([self.attributes.column(name) for name in names], axis=1)


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
    for name in job.names:
        column = job.attributes.column(name)[train]
        if column.all() or not column.any():
            what = "present on all" if column.all() else "absent from all"
            rest = f"leave it out with --only (of {job.attributes.path})"
            raise UserError(f"{name} is {what} {len(train)} pictures to train on, so there is nothing to learn; {rest}")
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
        _tidy(job.outdir)
        conditions = _conditions(job)
        places = {name: Place(job.outdir, stem(name, job.names)) for name in job.names}
        scores = {name: found["score"] for name in job.names if (found := places[name].finished(conditions[name]))}
        seeing = Place(job.outdir, FEATURES, ".npz") if job.features else None
        whole = seeing is None or seeing.finished(conditions[FEATURES]) is not None
        left = [name for name in job.names if name not in scores]
        print(f"{len(scores)} of {len(job.names)} attributes are finished in {job.outdir}", flush=True)
        if left or not whole:
            _train_all(job, left, places, None if whole else seeing, conditions, scores)
        scores = {name: scores[name] for name in job.names}
        print(write_accuracy(job.outdir, scores), end="", flush=True)
        if job.pack:
            _pack(job, places, seeing, scores)
    return scores


def _train_all(job: Job, left, places, seeing: Place | None, conditions, scores: dict[str, Any]) -> None:
    _start_tensorflow(job.threads)
    from stylegan_tf.networks.kinds import make
    from stylegan_tf.training.classifier import Trainer
    from stylegan_tf.training.signals import StopRequest

    read = _reader(job.data_set, job.stage)
    parts = job.parts()
    channels = job.data_set.channels
    with StopRequest() as request:
        trainings = len(left) + (0 if seeing is None else FEATURES_KIMG)
        show = Display(request, round(1000 * job.recipe.total_kimg * trainings))
        if left:
            network = make(job.recipe.network(channels), job.recipe.seed, job.recipe.precision)
            trainer = Trainer(network, job.recipe, channels)
            for name in left:
                seconds, (score,) = _train_one(trainer, read, parts, job.truth([name]), show.begin(name))
                _save(network, places[name].weights)
                scores[name] = places[name].finish(conditions[name], score, seconds)["score"]
                show.end(f"{places[name].stem}: {told(score)}")
        if seeing is not None:
            _train_features(job, read, parts, show, seeing, conditions[FEATURES])


def _train_one(trainer, read, parts, truth: np.ndarray, show: Display) -> tuple[float, list[dict[str, Any]]]:
    """-> (seconds, the score of each column of `truth` on the held-out pictures)."""
    from stylegan_tf.training.classifier import score

    start = time.monotonic()
    train, held_out = parts
    trainer.fit(read, train, truth, show.say)
    logits = trainer.logits(read, held_out)
    return time.monotonic() - start, [
        as_json(score(logits[:, column], truth[held_out, column])) for column in range(truth.shape[1])
    ]


def _train_features(job: Job, read, parts, show: Display, place: Place, conditions: Mapping[str, Any]) -> None:
    from stylegan_tf.networks.faces_features import FacesFeatures
    from stylegan_tf.training.classifier import Trainer
    from stylegan_tf.weights import faces_bundle

    recipe = features_recipe(job.recipe)
    network = FacesFeatures(num_attributes=len(job.names), seed=recipe.seed, dtype=recipe.precision)
    trainer = Trainer(network, recipe, job.data_set.channels)
    seconds, scores = _train_one(trainer, read, parts, job.truth(job.names), show.begin(FEATURES))
    faces_bundle.write(place.weights, [], network, {"attributes": list(job.names)})
    place.finish(conditions, dict(zip(job.names, scores, strict=True)), seconds)
    show.end(f"{FEATURES}: mean accuracy {np.mean([score['accuracy'] for score in scores]):.4f}")


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
        tf.config.threading.set_intra_op_parallelism_threads(threads or os.cpu_count() or 1)
        tf.config.threading.set_inter_op_parallelism_threads(threads or os.cpu_count() or 1)
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


def _tidy(folder: Path) -> None:
    """Removes what a process left that was killed while it wrote."""
    for leftover in folder.glob(".tmp-*"):
        leftover.unlink()


def _pack(job: Job, places, seeing: Place | None, scores: Mapping[str, Any]) -> None:
    from stylegan_tf.weights import faces_bundle, keras_file

    networks = [(name, keras_file.read(places[name].weights)) for name in job.names]
    features = None if seeing is None else faces_bundle.features(seeing.weights).network
    about = {"data": job.data_set.name, "pictures": job.data_set.num_images, "recipe": asdict(job.recipe)}
    faces_bundle.write(str(job.pack), networks, features, {**about, "scores": dict(scores)})
    print(f"{job.pack}: {len(networks)} classifiers, {os.path.getsize(str(job.pack)):,} bytes", flush=True)
