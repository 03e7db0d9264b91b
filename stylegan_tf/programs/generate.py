"""Pictures of a trained generator, as PNG files or one sheet, and what they were made from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stylegan_tf import files, pictures, progress
from stylegan_tf.configs.crop import Rectangle, at_side, rectangle
from stylegan_tf.errors import UserError
from stylegan_tf.leave_out import left_out
from stylegan_tf.networks.sampling import Look, Sources, has_w, pictures_of
from stylegan_tf.programs.w_file import read_w, save_w
from stylegan_tf.weights import load

if TYPE_CHECKING:
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganGenerator

SHEET = "grid.png"
REPORT = "generate.json"


@dataclass(frozen=True)
class Request:
    """Which pictures, of which network, to where."""

    network: Path  # what load.generator_file takes
    seeds: Sequence[int]  # unused with `w`
    psi: float = 0.7
    cutoff: int = 8
    noise: str = "random"  # random | const | none
    crop: str = "auto"  # x,y,width,height at the full resolution; "": nothing; auto: the bars that the run's data had
    labels: Sequence[int] | None = None  # class indices: one for all, or one per seed
    w: Path | None = None  # .npz: pictures of these instead of seeds
    save_w: Path | None = None  # .npz
    outdir: Path = Path("generated")
    grid: tuple[int, int] | None = None  # (columns, rows) of one sheet instead of single pictures


def generate(request: Request) -> list[Path]:
    """Makes and writes the pictures of a request, and generate.json beside them. Returns the picture files.

    Raises UserError where network, labels or w do not fit together.
    """
    path = load.generator_file(request.network)
    _prepare_devices()
    Gs, stage, fade = _generator(path)
    sources = _sources(request, Gs)
    targets = _targets(request, sources.seeds)
    if stage and stage > Gs.last_stage:
        raise UserError(
            f"{path} makes pictures of {Gs.resolution}x{Gs.resolution}, less than the config.json beside it says"
        )
    side, last = 2 ** (stage or Gs.last_stage), Gs.resolution
    print(f"network: {path}, pictures of {side}x{side}", flush=True)
    if side < last or fade < 1:
        faded = f", faded in to {fade:.0%}" if fade < 1 else ""
        print(f"it was saved at {side}x{side} of {last}x{last}{faded}: pictures show it at that stage", flush=True)
    box = _box(request, path, side, last)
    _make_outdir(request.outdir)
    report = {"network": str(path), "sha256": files.sha256(path), "resolution": side, "fade": fade}
    report |= {"crop": box and list(box)}
    report |= {"psi": request.psi, "cutoff": request.cutoff, "noise": request.noise}
    report |= {"seeds": list(sources.seeds), "labels": sources.labels and list(sources.labels)}
    report |= {"w": request.w and str(request.w), "pictures": [target.name for target in targets]}
    files.write_json(request.outdir / REPORT, report)
    about = {"Software": "stylegan_tf"} | {name: json.dumps(value) for name, value in report.items()}
    look = Look(request.psi, request.cutoff, request.noise, stage, fade)
    _write(request, targets, sources, box, Gs, look, about)
    return targets


def _box(request: Request, path: Path, side: int, last: int) -> Rectangle | None:
    """What is kept of pictures of side x side, of a network that can make last x last; None: all."""
    if request.crop != "auto":
        found = rectangle(request.crop, last, "--crop")
        return found and at_side(found, last, side)
    trained = load.crop_of_snapshot(path)
    return trained and at_side(*trained, side)


def _generator(path: Path) -> "tuple[Generator | ProganGenerator, int | None, float]":
    """The generator in a file, and the stage and fade that it had been trained to."""
    nets, stage, fade = load.opened(path)
    Gs = nets.Gs or nets.G
    if Gs is None:
        raise UserError(f"{path} holds a discriminator, which makes no pictures")
    if Gs.num_channels not in (1, 3, 4):
        raise UserError(f"{path} makes pictures of {Gs.num_channels} channels; PNG has 1, 3 or 4")
    return Gs, stage, fade


def _prepare_devices() -> None:
    """A GPU is shared with whatever else runs there, and computes in full float32."""
    with left_out("sklearn", "matplotlib"):
        import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)


def _sources(request: Request, Gs: "Generator | ProganGenerator") -> Sources:
    if not has_w(Gs) and (request.w is not None or request.save_w is not None):
        raise UserError("a Progressive GAN (config A) has no w: leave --w and --save_w out")
    if request.w is not None:
        if request.labels is not None:
            raise UserError("--labels has no effect on --w, which was made with its labels: leave it out")
        w, seeds = read_w(request.w, Gs.synthesis.w_dim)
        return Sources(seeds, w=w)
    labels = checked_labels(request.labels, Gs.label_size, len(request.seeds))
    return Sources(request.seeds, labels)


def checked_labels(labels: Sequence[int] | None, classes: int, count: int) -> list[int] | None:
    """One class for each of `count` pictures, None for a network without classes.

    Raises UserError where there are too few, too many, or classes that the network does not have.
    """
    if not classes:
        if labels:
            raise UserError("the network has no classes: leave --labels out")
        return None
    if not labels:
        raise UserError(f"the network has {classes} classes: give --labels, numbers from 0 to {classes - 1}")
    if max(labels) >= classes or min(labels) < 0:
        raise UserError(f"--labels must be from 0 to {classes - 1}, the network's classes")
    if len(labels) not in (1, count):
        raise UserError(f"--labels has {len(labels)} numbers: give one for all pictures, or one for each of {count}")
    return list(labels) * (count // len(labels))


def _targets(request: Request, seeds: Sequence[int]) -> list[Path]:
    """The picture files: one per seed, or one sheet."""
    if request.grid is not None:
        columns, rows = request.grid
        if len(seeds) > columns * rows:
            raise UserError(f"--grid={columns}x{rows} has {columns * rows} cells, too few for {len(seeds)} pictures")
        return [request.outdir / SHEET]
    if len(set(seeds)) < len(seeds):
        raise UserError("a seed is there twice, and would be written to the same file twice: use --grid=COLUMNSxROWS")
    return [request.outdir / f"seed{seed:04d}.png" for seed in seeds]


def _make_outdir(outdir: Path) -> None:
    try:
        outdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--outdir={outdir}: {error.strerror}; name another folder") from None


def _write(
    request: Request,
    targets: list[Path],
    sources: Sources,
    box: Rectangle | None,
    Gs: "Generator | ProganGenerator",
    look: Look,
    about: dict[str, str],
) -> None:
    """Single pictures are written as they are made; a sheet, and the file of w, when all are there."""
    kept_w, cells = [], []
    each = progress.track(pictures_of(Gs, sources, look), len(sources.seeds), "generating", "pictures")
    for index, (w, pixels) in enumerate(each):
        if request.save_w is not None:
            kept_w.append(w)
        if box is not None:
            x, y, width, height = box
            pixels = pixels[y : y + height, x : x + width]
        if request.grid is not None:
            cells.append(pixels)
        else:
            pictures.save_png(targets[index], pixels, about)
    if request.grid is not None:
        pictures.save_png(targets[0], pictures.grid(np.stack(cells), *request.grid), about)
    if request.save_w is not None:
        save_w(request.save_w, np.stack(kept_w), sources.seeds)
