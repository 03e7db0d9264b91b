"""Pictures back to w, to a w for each layer, and to noise maps: project.py."""

import hashlib
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stylegan_tf import environment, files, pictures, video
from stylegan_tf.command_line import Flag, expanded, help_text, parse
from stylegan_tf.configs.crop import at_side
from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.metrics import feature_extractors
from stylegan_tf.networks.sampling import Label, label_rows
from stylegan_tf.programs import generate
from stylegan_tf.programs.foreign_flags import PROJECT
from stylegan_tf.programs.generate import RESULTS, checked_labels, labels_of, opened_generator
from stylegan_tf.progress import few
from stylegan_tf.projection.settings import SPACES, Settings
from stylegan_tf.projection.targets import CHANNELS, Target, read_targets
from stylegan_tf.weights import load

if TYPE_CHECKING:
    from stylegan_tf.projection.projector import Statistics
    from stylegan_tf.projection.search import Found

WHAT = "Finds what a trained StyleGAN makes pictures from: python project.py --target=me.jpg --network=RUN_DIR"
W, SHEET, LOSSES, REPORT = "projected.npz", "sheet.png", "losses.jsonl", "project.json"
UNFINISHED = "unfinished"  # folder in outdir of what a run that is killed goes on from
FPS = 20.0
NEAR = 3.0  # what is less than so many times nearer than the average picture was not found
FLAGS = {
    "Which pictures": (
        Flag("target", "texts", None, "a picture, or a folder, zip or tar file of pictures; may be repeated"),
        Flag("background", "text", None, "what shows where a picture is transparent: a colour's name, or #rrggbb"),
        generate.FLAGS["Which pictures"][0],  # --network
        Flag("labels", "text", None, "as in generate.py: one for all, or one per picture"),
    ),
    "How": (
        Flag(
            "space",
            "text",
            None,
            "w; w+: a w for each layer, nearer to any picture and farther from what the network knows; wn: a w and the "
            "noise maps (default: wn, StyleGAN2's; w for a network without noise)",
        ),
        Flag("steps", "whole", 1000, "of the search (default: 1000)"),
        Flag("pixel_weight", "number", 0.0, "of the mean squared difference of pixels in the loss (default: 0)"),
        Flag("seed", "whole", 0, "of everything random (default: 0)"),
        Flag(
            "nets",
            "path",
            "auto",
            "the network that says how different pictures look: open or official LPIPS, downloaded once; faces, which "
            "comes along; a folder; auto: LPIPS if it is here, else faces (default: auto)",
        ),
        Flag("batch", "whole", None, "pictures at once (default: by the size of the network)"),
    ),
    "Where they go": (
        Flag("outdir", "path", "projected", f"folder of {W}, {SHEET}, video, {LOSSES} (default: projected)"),
        Flag("video", "text", None, "mp4, webp, gif or png (default: mp4 with imageio-ffmpeg, else webp)"),
        Flag("overwrite", "switch", False, "replace another projection in --outdir (default: refuse)"),
    ),
}


@dataclass(frozen=True)
class Request:
    """Which pictures, with which network and how, to where."""

    network: Path  # the file of a generator
    targets: Sequence[Target]
    labels: Sequence[Label] | None  # one for each target
    space: str
    steps: int = 1000
    pixel_weight: float = 0.0
    seed: int = 0
    nets: str = "auto"
    batch: int | None = None  # None: by the size of the network
    outdir: Path = Path("projected")
    video: str = "video.webp"
    overwrite: bool = False


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS, PROJECT)
    if values is None:
        print(help_text(WHAT, FLAGS))
        return
    environment.check_backend("project.py")
    for path in project(build(values)):
        print(path)


def build(values: Any) -> Request:
    """What the flags ask for. All that can be known without TensorFlow is checked first."""
    if not values.target:
        raise UserError("--target is missing: a picture, or a folder, zip or tar file of pictures")
    for name, least in (("steps", 1), ("seed", 0), ("batch", 1)):
        value = getattr(values, name)
        if value is not None and not least <= value <= generate.LARGEST_SEED:
            raise UserError(f"--{name}={value}: from {least} to {generate.LARGEST_SEED}")
    if not (math.isfinite(values.pixel_weight) and values.pixel_weight >= 0):
        raise UserError(f"--pixel_weight={values.pixel_weight}: expected a number from 0 on")
    if values.space not in (None, *SPACES):
        raise UserError(f"--space={values.space}: choose from {', '.join(SPACES)}")
    film = f"video{('.' + values.video.lstrip('.')) if values.video else video.default_suffix()}"
    video.check(Path(film))
    network = load.generator_file(
        load.newest_network(RESULTS, load.SHIPPED) if values.network is None else values.network
    )
    G, side = _declared(network)
    space = values.space or ("wn" if G.use_noise else "w")
    if space == "wn" and not G.use_noise:
        raise UserError(f"--space=wn: {network} was made without noise inputs; use --space=w or w+")
    crop = load.crop_of_snapshot(network)
    content = None if crop is None else at_side(*crop, side)[2:]
    targets = read_targets([_place(text) for text in values.target], side, G.num_channels, content, values.background)
    labels = None if values.labels is None else labels_of(values.labels, load.classes_of_snapshot(network))
    labels = checked_labels(labels, G.label_size, len(targets), network)
    kind = feature_extractors.kind_of("distance", values.nets)
    if side < (smallest := 8 if kind == feature_extractors.FACES else 16):
        raise UserError(f"{network} makes pictures of {side}x{side}: {smallest}x{smallest} at least can be compared")
    feature_extractors.fetch("distance", kind)
    how = (space, values.steps, values.pixel_weight, values.seed, kind, values.batch)
    return Request(network, targets, labels, *how, Path(values.outdir), film, values.overwrite)


def _place(text: str) -> str:
    """One --target, with ~ and $VARIABLES as in every path."""
    try:
        return expanded(text)
    except UserError as error:
        raise UserError(f"--target={error}") from None


def _declared(network: Path) -> tuple[GeneratorConfig, int]:
    """The generator in a file, and the side of the pictures that it had been trained to make."""
    roles, stage = load.declared(network)
    G = roles.get("Gs") or roles.get("G")
    if G is None:
        raise UserError(f"{network} holds a discriminator, which makes no pictures")
    if not isinstance(G, GeneratorConfig):
        raise UserError(f"{network} is a Progressive GAN (config A), which has no w: project with another network")
    if G.num_channels not in CHANNELS:
        raise UserError(f"{network} makes pictures of {G.num_channels} channels: those of 3 or 1 can be projected")
    return G, 2**stage if stage else G.resolution


def project(request: Request) -> list[Path]:
    """Projects the pictures and writes what was found. Returns the files.

    A projection that was killed goes on where it was last saved. Raises UserError where `outdir` holds another one,
    Failure where a loss is not finite.
    """
    Gs, stage, fade = opened_generator(request.network)
    import tensorflow as tf

    from stylegan_tf.devices import Replicas
    from stylegan_tf.networks.sampling import batch_size
    from stylegan_tf.projection.projector import Projector
    from stylegan_tf.projection.search import frames, search

    tf.config.experimental.enable_op_determinism()
    seen = feature_extractors.feature_extractor("embedding", request.nets, Replicas(1))
    distance = f"lpips@{seen.suffix}" if seen.suffix else "lpips"
    count = len(request.targets)
    minibatches = -(-count // (request.batch or batch_size(Gs)))
    size = -(-count // minibatches)
    settings = Settings(request.space, request.steps, request.seed, pixel_weight=request.pixel_weight)
    facts = _facts(request, settings, distance, seen.digest, size)
    made = [request.outdir / name for name in (W, SHEET, request.video, LOSSES, REPORT)]
    if _is_done(request.outdir, facts, request.overwrite):
        print(f"{request.outdir} holds this projection; --overwrite makes it anew", flush=True)
        return made
    print(f"network: {request.network}; {count} pictures, space {request.space}, distance {distance}", flush=True)
    work = request.outdir / UNFINISHED
    if any(work.glob("*.npz")):
        print(f"going on with what is in {work}", flush=True)
    with files.Lock(work / "lock"):
        projector = Projector(Gs, seen, settings, size, stage, fade)
        found = search(projector, request.targets, _statistics(Gs, request), work, distance)
        _write(request, facts, found, lambda: frames(work, request.steps, count, size))
        shutil.rmtree(work)
    return made


def _facts(request: Request, settings: Settings, distance: str, digest: str, batch: int) -> dict[str, Any]:
    """All that the result depends on."""
    experiment, _ = load.trained(request.network.absolute().parent)
    targets = [
        {"name": one.name, "sha256": hashlib.sha256(one.pixels.tobytes()).hexdigest()} for one in request.targets
    ]
    return {
        "network": str(request.network),
        "sha256": files.sha256(request.network),
        "config": experiment and experiment.config,
        "distance": distance,
        "distance_sha256": digest,
        **asdict(settings),
        "video": request.video,
        "batch": batch,
        "labels": request.labels and list(request.labels),
        "targets": targets,
    }


def _is_done(outdir: Path, facts: dict[str, Any], overwrite: bool) -> bool:
    """Whether the folder holds this very projection; makes it hold the beginning of one where it does not.

    Raises UserError where it holds another one.
    """
    work = outdir / UNFINISHED
    if _same(work / REPORT, facts):
        return False
    if _same(outdir / REPORT, facts) and not overwrite:
        return True
    names = (W, SHEET, LOSSES, REPORT, UNFINISHED, *(f"video{suffix}" for suffix in video.SUFFIXES))
    there = [outdir / name for name in names if (outdir / name).exists()]
    if there and not overwrite:
        what = "the beginning of another projection" if work in there else f"another projection, {there[0].name}"
        raise UserError(f"--outdir={outdir} holds {what}: name another folder, or replace it with --overwrite")
    try:
        for path in there:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        work.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"--outdir={outdir}: {error.strerror}; name another folder") from None
    files.write_json(work / REPORT, facts)
    return False


def _same(report: Path, facts: dict[str, Any]) -> bool:
    """Whether a report is of these facts; the network may have been moved."""
    try:
        known = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(known, dict) and all(known.get(name) == facts[name] for name in facts.keys() - {"network"})


def _statistics(Gs, request: Request) -> "list[Statistics]":
    """Of w, for each picture: of the class that it is to be of."""
    from stylegan_tf.projection.projector import w_statistics

    if request.labels is None:
        return [w_statistics(Gs, request.seed)] * len(request.targets)
    rows = label_rows(request.labels, Gs.label_size)
    known = {row.tobytes(): w_statistics(Gs, request.seed, row) for row in rows}
    return [known[row.tobytes()] for row in rows]


def _write(request: Request, facts: dict[str, Any], found: "Found", frames: Callable[[], Iterator[np.ndarray]]) -> None:
    """Writes what was found, and prints how near that is; the report comes last. frames: see projection.search."""
    from stylegan_tf.figures.images import enlarged, factor_for
    from stylegan_tf.projection.search import looks

    names, outdir, about = [target.name for target in request.targets], request.outdir, json.dumps(facts)
    noise = {f"noise{layer}": maps for layer, maps in enumerate(found.noise)}
    with files.atomic_path(outdir / W) as temporary:
        np.savez(temporary, allow_pickle=False, w=found.ws, names=np.array(names), about=np.array(about), **noise)
    rows = [
        {"picture": name, "step": step, facts["distance"]: distance, "pixels": pixels, "noise_correlation": correlation}
        for step, losses in zip(looks(request.steps), found.losses.tolist(), strict=True)
        for name, distance, pixels, correlation in zip(names, *losses, strict=True)
    ]
    lines = [json.dumps(row | {"network": facts["sha256"]}) for row in rows]
    files.write_text(outdir / LOSSES, "\n".join([*lines, ""]))

    first, *_, last = frames()
    targets = np.stack([target.pixels for target in request.targets[: len(last)]])
    difference = np.abs(targets.astype(np.int16) - last).astype(np.uint8)
    sheet = pictures.grid(np.concatenate([targets, first, last, difference]), len(targets), 4)
    png_text = {"Software": "stylegan_tf", "rows": "target, average picture, found, difference", "about": about}
    pictures.save_png(outdir / SHEET, enlarged(sheet, factor_for(*sheet.shape[:2])), png_text)
    columns = math.ceil(math.sqrt(len(targets) / 2))

    def pairs() -> Iterator[np.ndarray]:
        for frame in frames():
            page = pictures.grid(np.concatenate([targets, frame], axis=2), columns, -(-len(targets) // columns))
            yield enlarged(page, factor_for(*page.shape[:2]))

    video.save(outdir / request.video, pairs(), FPS)
    before, after = found.losses[0, 0], found.losses[-1, 0]
    told = [
        {"name": name, "before": round(float(was), 6), "after": round(float(now), 6)}
        for name, was, now in zip(names, before, after, strict=True)
    ]
    _say(facts["distance"], names, before, after)
    files.write_json(outdir / REPORT, facts | {"pictures": told})


def _say(distance: str, names: Sequence[str], before: np.ndarray, after: np.ndarray) -> None:
    """How near every picture was found, and which were not."""
    for name, was, now in zip(names, before, after, strict=True):
        print(f"{name}: {distance} {was:.4f} of the average picture, {now:.4f} of the one found", flush=True)
    far = [name for name, was, now in zip(names, before, after, strict=True) if was < NEAR * now]
    if far:
        what = f"{len(far)} of {len(names)} were not found ({few(far)}): the distance fell less than {NEAR:g} times"
        print(f"{what}; more --steps or --space=w+ come nearer", flush=True)


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
