"""Pictures of a trained generator, as PNG files or one sheet, and what they were made from: generate.py."""

import json
import math
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stylegan_tf import environment, files, pictures, progress
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.crop import Rectangle, at_side, rectangle
from stylegan_tf.devices import full_float32
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.leave_out import left_out
from stylegan_tf.networks.sampling import LARGEST_SEED, Inputs, Label, Look, has_w, label_rows, pictures_of
from stylegan_tf.programs.directions import step
from stylegan_tf.programs.foreign_flags import GENERATE
from stylegan_tf.programs.w_file import read_noise, read_w, save_w
from stylegan_tf.progress import few
from stylegan_tf.weights import load

if TYPE_CHECKING:
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.networks.progan import ProganGenerator

WHAT = "Makes pictures with a trained StyleGAN: python generate.py --network=RUN_DIR --seeds=0-31"
RESULTS = "results"
SHEET = "grid.png"
REPORT = "generate.json"
NOISES = ("random", "const", "none", "maps")
PICTURE = re.compile(rf"seed\d{{4,}}\.png|{re.escape(SHEET)}")
LOOK = ("sha256", "resolution", "fade", "crop", "psi", "cutoff", "noise")  # of the report: equal in all of a folder
CHANGES = ("mix_layers", "directions", "direction_layers", "noise_layers", "noise_seed")  # likewise, if any
STRENGTH, STRONGEST = 3.0, 1000  # standard deviations of w
MOST_SEEDS = 100_000  # of one command
FLAGS = {
    "Which pictures": (
        Flag(
            "network",
            "path",
            None,
            "run, snapshot or checkpoints directory, .keras or official .pkl file, address, or name as ffhq "
            f"(default: the newest run in {RESULTS}/, else the one that comes along)",
        ),
        Flag("seeds", "text", None, "such as 0-31 or 1,5,7-9; a seed means the same z everywhere (default: 0-31)"),
        Flag(
            "labels",
            "text",
            None,
            "numbers or names of the network's classes, or vectors as [0.5,3]: one for all, or one per seed",
        ),
        Flag(
            "w", "path", None, "instead of seeds: FILE.npz of --save_w or project.py, .npz or .npy of another projector"
        ),
    ),
    "How they look": (
        Flag(
            "psi",
            "number",
            None,
            "truncation: 1 is none, towards 0 less varied and more typical (default: 0.7; 1 where --w has one w "
            "for each layer)",
        ),
        Flag("cutoff", "whole", 8, "layers that are truncated, from the coarsest (default: 8)"),
        Flag(
            "noise",
            "text",
            None,
            "random (by the seed), const (stored in the network; what Gs() takes in Python), none, maps (those in the "
            "file of --w; default: maps where it has some, else random)",
        ),
    ),
    "What is changed in them": (
        Flag("mix", "text", None, "seeds whose styles are taken in --mix_layers: one for all, or one per picture"),
        Flag("mix_layers", "text", "coarse", "coarse, middle, fine, all, 0-3, 4x4-8x8 (default: coarse)"),
        Flag(
            "direction",
            "paths",
            None,
            "moves w along it: a name that `generate.py directions` lists, or FILE.npy; may be repeated",
        ),
        Flag(
            "strength",
            "text",
            None,
            "standard deviations of w to go along it: one for all, or one per --direction, as 3,-1.5 (default: 3)",
        ),
        Flag("direction_layers", "text", "all", "layers that are moved, as --mix_layers (default: all)"),
        Flag("noise_layers", "text", None, "layers that have noise, as --mix_layers (default: all)"),
        Flag("noise_seed", "text", None, "of --noise=random: the same for all pictures (default: that of the picture)"),
    ),
    "Where they go": (
        Flag(
            "crop",
            "text",
            "auto",
            "auto: without the black bars that the run's pictures had; none; or x,y,width,height (default: auto)",
        ),
        Flag("outdir", "path", "generated", "folder of seed0000.png, ... and generate.json (default: generated)"),
        Flag("grid", "text", None, "such as 8x4 (columns x rows): one sheet, grid.png, instead of single pictures"),
        Flag(
            "scale",
            "whole",
            None,
            "of --grid: each pixel so many times larger (default: as often as 512 pixels a side need)",
        ),
        Flag("save_w", "path", None, "FILE.npz: also keep the w of every picture, before anything is changed in it"),
        Flag(
            "overwrite",
            "switch",
            False,
            "remove pictures in --outdir that another network or look has made (default: refuse such a mixture)",
        ),
    ),
}


Step = Callable[[str, Path, Any, range, np.ndarray | None], np.ndarray]  # programs.directions.step


@dataclass(frozen=True)
class Request:
    """Which pictures, of which network, to where."""

    network: Path  # the file of a generator
    seeds: Sequence[int]  # unused with `w`
    psi: float | None = None  # None: 0.7, or 1 where w has one for each layer
    cutoff: int = 8
    noise: str | None = None  # random | const | none | maps; None: maps where the file of w has some, else random
    crop: str = "auto"  # x,y,width,height at the full resolution; "": nothing; auto: the bars that the run's data had
    labels: Sequence[Label] | None = None  # one for all, or one per seed
    w: Path | None = None  # .npz, .npy: pictures of these instead of seeds
    save_w: Path | None = None  # .npz
    outdir: Path = Path("generated")
    grid: tuple[int, int] | None = None  # (columns, rows) of one sheet instead of single pictures
    scale: int | None = None  # how often each pixel of the sheet is repeated; None: until it has 512 a side
    overwrite: bool = False  # remove what another network or look has made in outdir
    mix: Sequence[int] = ()  # seeds of styles: none, one for all, or one per picture
    mix_layers: str = "coarse"  # as figures.layers.layers_of reads it, like those below
    directions: Sequence[tuple[str, float]] = ()  # what --direction names, and the strength
    direction_layers: str = "all"
    noise_layers: str | None = None  # None: all
    noise_seed: int | None = None


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS, GENERATE)
    if values is None:
        print(help_text(WHAT, FLAGS))
        return
    environment.check_backend()
    made = generate(build(values))
    print(f"{made[0]}" if len(made) == 1 else f"{made[0]} ... {made[-1].name}")


def build(values: Any) -> Request:
    """What the flags ask for. All that can be known without TensorFlow is checked first."""
    if values.psi is not None and not math.isfinite(values.psi):
        raise UserError(f"--psi={values.psi}: expected a number, such as 0.7")
    if values.noise not in (None, *NOISES):
        raise UserError(f"--noise={values.noise}: choose from {', '.join(NOISES)}")
    if values.w is not None and values.seeds is not None:
        raise UserError("--w and --seeds both say which pictures: give one of them")
    grid = None if values.grid is None else grid_of(values.grid)
    if values.scale is not None and grid is None:
        raise UserError("--scale is of the sheet that --grid=COLUMNSxROWS makes, and there is none: leave it out")
    if values.scale is not None and values.scale < 1:
        raise UserError(f"--scale={values.scale}: 1 at least")
    default = f"0-{grid[0] * grid[1] - 1}" if grid else "0-31"
    seeds = numbers("seeds", default if values.seeds is None else values.seeds, LARGEST_SEED)
    w, save_w = (None if path is None else Path(path) for path in (values.w, values.save_w))
    if save_w is not None and (save_w.suffix != ".npz" or not save_w.absolute().parent.is_dir()):
        raise UserError(f"--save_w={save_w}: expected a file name that ends in .npz, in a folder that exists")
    network = load.generator_file(
        load.newest_network(RESULTS, load.SHIPPED) if values.network is None else values.network
    )
    labels = None if values.labels is None else labels_of(values.labels, load.classes_of_snapshot(network))
    crop = "" if values.crop == "none" else values.crop
    look = (values.psi, values.cutoff, values.noise)
    request = Request(network, seeds, *look, crop, labels, w, save_w, Path(values.outdir), grid)
    return with_changes(replace(request, scale=values.scale, overwrite=values.overwrite), values)


def with_changes(request: Request, values: Any) -> Request:
    """A request with what the flags of changes ask for. Raises UserError for flags that have no effect, too."""
    for flag, other in (("mix_layers", "mix"), ("strength", "direction"), ("direction_layers", "direction")):
        if values[flag].present and not values[other].present:
            raise UserError(f"--{flag} has no effect without --{other}: leave it out")
    if values.noise_layers is not None and values.noise == "none":
        raise UserError("--noise_layers has no effect with --noise=none: leave it out")
    if values.noise_seed is not None and values.noise not in (None, "random"):
        raise UserError(f"--noise_seed has no effect with --noise={values.noise}: leave it out")
    mix = () if values.mix is None else numbers("mix", values.mix, LARGEST_SEED)
    noise_seed = None if values.noise_seed is None else one_seed("noise_seed", values.noise_seed)
    names = values.direction or []
    strengths = [STRENGTH] if values.strength is None else real_numbers("strength", values.strength)
    if names and len(strengths) not in (1, len(names)):
        raise UserError(f"--strength={values.strength}: give one for all, or one for each of {len(names)} directions")
    if max(map(abs, strengths)) > STRONGEST:
        raise UserError(f"--strength={values.strength}: from -{STRONGEST} to {STRONGEST}, standard deviations of w")
    directions = list(zip(names, strengths * (len(names) // len(strengths)), strict=True)) if names else []
    return replace(
        request,
        mix=mix,
        mix_layers=values.mix_layers,
        directions=directions,
        direction_layers=values.direction_layers,
        noise_layers=values.noise_layers,
        noise_seed=noise_seed,
    )


def one_seed(flag: str, text: str) -> int:
    """A single seed. Raises UserError that names the flag."""
    found = numbers(flag, text, LARGEST_SEED)
    if len(found) > 1:
        raise UserError(f"--{flag}={text}: expected one whole number")
    return found[0]


def real_numbers(flag: str, text: str) -> list[float]:
    """'1,0.7,-1' -> [1.0, 0.7, -1.0]. Raises UserError that names the flag."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(map(math.isfinite, found)):
        raise UserError(f"--{flag}={text}: expected numbers with commas, such as 1,0.7,0")
    return found


def numbers(flag: str, text: str, largest: int) -> list[int]:
    """'1,5,7-9' -> [1, 5, 7, 8, 9]. Raises UserError that names the flag."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if not match:
            raise UserError(f"--{flag}={text}: expected whole numbers and ranges, such as 1,5,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > largest:
            raise UserError(f"--{flag}={text}: {part.strip()} must ascend, and end at {largest} at most")
        if len(found) + last - first >= MOST_SEEDS:
            raise UserError(f"--{flag}={text}: {MOST_SEEDS} at most in one command")
        found += range(first, last + 1)
    return found


def labels_of(text: str, names: Sequence[str]) -> list[Label]:
    """'[0.5,3],[1,2]' -> [[0.5, 3], [1, 2]], and what `class_numbers` reads."""
    if not text.lstrip().startswith("[") or text in names:
        return [*class_numbers(text, names)]
    with suppress(ValueError, TypeError, RecursionError):
        found = json.loads(f"[{text}]")
        numbers_in = [x for vector in found for x in vector]  # TypeError where one is no list
        if all(type(x) in (int, float) and abs(x) < 1e38 for x in numbers_in):
            return found
    raise UserError(f"--labels={text}: expected vectors of numbers, such as [0.5,3] or [0.5,3],[1,2]")


def class_numbers(text: str, names: Sequence[str]) -> list[int]:
    """'cat,2-3' -> [0, 2, 3]: names of classes, and what `numbers` reads. A name in digits goes before the number."""
    if not names:
        return numbers("labels", text, LARGEST_SEED)
    if text in names:  # it may have a comma in it
        return [names.index(text)]
    found: list[int] = []
    for part in text.split(","):
        name = unicodedata.normalize("NFC", part.strip())
        if name in names:
            found.append(names.index(name))
        elif re.fullmatch(r"[0-9-]*", name):
            found += numbers("labels", part, LARGEST_SEED)
        else:
            raise UserError(f"--labels={text}: the network has no class {name}; it has {few(names, 20)}")
    return found


def grid_of(text: str) -> tuple[int, int]:
    """'8x4' -> (8, 4)."""
    match = re.fullmatch(r"([1-9][0-9]{0,2})x([1-9][0-9]{0,2})", text)
    if not match:
        raise UserError(f"--grid={text}: expected columns x rows, such as 8x4")
    return int(match[1]), int(match[2])


def generate(request: Request) -> list[Path]:
    """Makes and writes the pictures of a request, and generate.json beside them. Returns the picture files.

    Raises UserError where network, labels or w do not fit together.
    """
    from stylegan_tf.figures.images import checked_factor, enlarged

    path = request.network
    Gs, stage, fade = opened_generator(path)
    inputs, look = prepared(request, Gs, stage, fade)
    targets = _targets(request, inputs.seeds)
    side, last = 2 ** (stage or Gs.last_stage), Gs.resolution
    print(f"network: {path}, pictures of {side}x{side}", flush=True)
    if side < last or fade < 1:
        faded = f", faded in to {fade:.0%}" if fade < 1 else ""
        print(f"it was saved at {side}x{side} of {last}x{last}{faded}: pictures show it at that stage", flush=True)
    box = box_of(request, last, side)
    report = {"network": str(path), "sha256": files.sha256(path), "resolution": side, "fade": fade}
    report |= {"crop": box and list(box)}
    report |= {"psi": look.psi, "cutoff": look.cutoff, "noise": look.noise} | _changed(request, look)
    report |= {"seeds": list(inputs.seeds), "labels": inputs.labels and list(inputs.labels)}
    report |= {"w": request.w and str(request.w), "pictures": [target.name for target in targets]}
    width, height = box[2:] if box else (side, side)
    factor = 1
    if request.grid is not None:
        columns, rows = request.grid
        factor = checked_factor(request.scale, rows * height, columns * width)
        report |= {"scale": factor}
    about = {"Software": "stylegan_tf"} | {name: json.dumps(value) for name, value in report.items()}
    try:
        earlier = _make_room(request, targets, report)
        request.outdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--outdir={request.outdir}: {error.strerror}; name another folder") from None
    files.write_json(request.outdir / REPORT, report | ({"earlier": earlier} if earlier else {}))
    # Single pictures are written as they are made; a sheet, and the file of w, when all are there.
    kept_w, cells = [], []
    made = pictures_of(Gs, inputs, look)
    for index, (w, pixels) in enumerate(progress.track(made, len(inputs.seeds), "generating", "pictures")):
        if request.save_w is not None:
            kept_w.append(w)
        pixels = inside(pixels, box)
        if request.grid is not None:
            cells.append(pixels)
        else:
            pictures.save_png(targets[index], pixels, about)
    if request.grid is not None:
        pictures.save_png(targets[0], enlarged(pictures.grid(np.stack(cells), *request.grid), factor), about)
    if request.save_w is not None:
        save_w(request.save_w, np.stack(kept_w), inputs.seeds)
    return targets


def prepared(request: Request, Gs: Any, stage: int | None, fade: float, step: Step = step) -> tuple[Inputs, Look]:
    """What the pictures of a request are made from, and how. step: see programs.directions.step.

    Raises UserError where network, labels, w or changes do not fit together.
    """
    inputs, last_stage = _inputs(request, Gs, stage), stage or Gs.last_stage
    psi = request.psi
    if psi is None:
        psi = 0.7 if inputs.w is None or inputs.w.ndim == 2 else 1.0
    noise = request.noise or ("maps" if inputs.noise else "random")
    if noise == "maps" and not inputs.noise:
        raise UserError("--noise=maps: only a file of --w that project.py wrote has noise maps")
    if request.noise_seed is not None and noise != "random":
        raise UserError(f"--noise_seed has no effect on the noise of --w={request.w}: add --noise=random")
    for flags, given, what in (
        ("--mix and --direction", request.mix or request.directions, "styles"),
        ("--noise_layers and --noise_seed", request.noise_layers or request.noise_seed is not None, "noise"),
    ):
        if given and (why := lacks(request.network, Gs, what)):
            raise UserError(f"{why}: leave {flags} out")
    noise_layers = None if request.noise_layers is None else _layers("noise_layers", request.noise_layers, last_stage)
    offset = None
    if request.directions:
        layers = _layers("direction_layers", request.direction_layers, last_stage)
        label = None if not inputs.labels else label_rows(inputs.labels[:1], Gs.label_size)
        offset = np.zeros((Gs.synthesis.num_layers, Gs.synthesis.w_dim), np.float32)
        for name, strength in request.directions:
            offset[layers.start : layers.stop] += strength * step(name, request.network, Gs, layers, label)
    mix_layers = _layers("mix_layers", request.mix_layers, last_stage) if request.mix else range(0)
    look = Look(psi, request.cutoff, noise, stage, fade, mix_layers, noise_layers, request.noise_seed, offset)
    return inputs, look


def _layers(flag: str, text: str, last_stage: int) -> range:
    from stylegan_tf.figures.layers import layers_of

    try:
        return layers_of(text, last_stage)
    except UserError as error:
        raise UserError(f"--{flag}={text}: {error}") from None


def lacks(path: Path, Gs: Any, what: str) -> str:
    """A sentence that says why there are no styles or noise to show; "" where there are. path: of the network."""
    if not has_w(Gs):
        return f"{path} is a Progressive GAN (config A), which has no {what}"
    if what == "styles" and not Gs.synthesis.use_styles:
        return f"{path} was made without styles, as config B is"
    if what == "noise" and not Gs.synthesis.use_noise:
        return f"{path} was made without noise inputs, so there is none to show"
    return ""


def box_of(request: Request, last: int, side: int) -> Rectangle | None:
    """What is kept of pictures with that side, of a network whose last ones have the side `last`."""
    if request.crop == "auto":
        trained = load.crop_of_snapshot(request.network)
        return trained and at_side(*trained, side)
    asked = rectangle(request.crop, last, "--crop")
    return asked and at_side(asked, last, side)


def inside(pixels: np.ndarray, box: Rectangle | None) -> np.ndarray:
    """[H, W, C] -> what lies in the rectangle."""
    if box is None:
        return pixels
    x, y, width, height = box
    return pixels[y : y + height, x : x + width]


def _changed(request: Request, look: Look) -> dict[str, Any]:
    """Of the report: what is changed in the pictures, by the flags that say so. Empty without."""
    found: dict[str, Any] = {}
    if request.mix:
        found |= {"mix": list(request.mix), "mix_layers": [look.mix_layers.start, look.mix_layers.stop - 1]}
    if request.directions:
        found |= {"directions": [list(one) for one in request.directions], "direction_layers": request.direction_layers}
    if look.noise_layers is not None:
        found |= {"noise_layers": [look.noise_layers.start, look.noise_layers.stop - 1]}
    return found | ({} if look.noise_seed is None else {"noise_seed": look.noise_seed})


def opened_generator(path: Path) -> "tuple[Generator | ProganGenerator, int | None, float]":
    """The generator in a file, and the stage and fade that it had been trained to."""
    _prepare_devices()
    networks, stage, fade = load.opened(path)
    Gs = networks.Gs or networks.G
    if Gs is None:
        raise UserError(f"{path} holds a discriminator, which makes no pictures")
    if Gs.num_channels not in (1, 3, 4):
        raise UserError(f"{path} makes pictures of {Gs.num_channels} channels; PNG has 1, 3 or 4")
    return Gs, stage, fade


def _prepare_devices() -> None:
    """A GPU is shared with whatever else runs there, and computes in full float32."""
    with left_out("sklearn", "matplotlib"):
        import keras

    full_float32()
    if keras.config.backend() == "torch":
        import torch

        torch.set_grad_enabled(False)  # which would keep all layers of all pictures


def _inputs(request: Request, Gs: "Generator | ProganGenerator", stage: int | None) -> Inputs:
    """What the pictures are made from. Raises UserError where w or labels do not fit the network."""
    if not has_w(Gs) and (request.w is not None or request.save_w is not None):
        raise UserError("a Progressive GAN (config A) has no w: leave --w and --save_w out")
    if request.w is not None:
        if request.labels is not None:
            raise UserError("--labels has no effect on --w, which was made with its labels: leave it out")
        if request.mix and Gs.label_size:
            raise UserError("--mix has no class for its styles, as --w has no --labels: give --seeds and --labels")
        w, seeds = read_w(request.w, Gs.synthesis.w_dim, Gs.synthesis.num_layers)
        noise = read_noise(request.w, len(w), Gs.synthesis.noise_shapes(stage))
        return Inputs(seeds, w=w, noise=noise, mix=_mix(request, len(w)))
    labels = checked_labels(request.labels, Gs.label_size, len(request.seeds), request.network)
    return Inputs(request.seeds, labels, mix=_mix(request, len(request.seeds)))


def _mix(request: Request, count: int) -> list[int]:
    """A seed of styles for each of `count` pictures; [] without."""
    if len(request.mix) not in (0, 1, count):
        raise UserError(f"--mix has {len(request.mix)} seeds: give one for all pictures, or one for each of {count}")
    return list(request.mix) * (count // len(request.mix)) if request.mix else []


def checked_labels(labels: Sequence[Label] | None, classes: int, count: int, network: Path) -> list[Label] | None:
    """One label for each of `count` pictures, None for a network without labels.

    Raises UserError where there are too few, too many, or labels that the network does not have.
    """
    if not classes:
        if labels:
            raise UserError("the network has no classes: leave --labels out")
        return None
    if not labels:
        names = load.classes_of_snapshot(network)
        called = f", or names: {few(names, 20)}" if names else ""
        raise UserError(
            f"the network has {classes} classes: give --labels, numbers from 0 to {classes - 1}{called}, or vectors"
        )
    for label in labels:
        if isinstance(label, list) and len(label) != classes:
            raise UserError(f"--labels: {label} has {len(label)} numbers, and the network takes {classes}")
        if isinstance(label, int) and not 0 <= label < classes:
            raise UserError(f"--labels must be from 0 to {classes - 1}, the network's classes")
    if len(labels) not in (1, count):
        raise UserError(f"--labels has {len(labels)} labels: give one for all pictures, or one for each of {count}")
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


def _make_room(request: Request, targets: Sequence[Path], report: dict[str, Any]) -> list[dict[str, Any]]:
    """Makes a folder that was used before hold pictures of one network and look alone. Returns the reports of the
    pictures of before that stay.

    Those of the same network and look stay, and those that are made anew go. Raises UserError where others would stay,
    unless --overwrite says that they may be removed.
    """
    folder, new = request.outdir, {target.name for target in targets}
    there = {path.name for path in folder.glob("*.png") if PICTURE.fullmatch(path.name)} if folder.is_dir() else set()
    same: list[dict[str, Any]] = []

    def changes_of(one):
        return [one.get(key) for key in CHANGES]

    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):  # no report of ours
        last = files.read_json(folder / REPORT)
        for one in [*last.pop("earlier", []), last]:
            names = [name for name in one["pictures"] if name in there and name not in new]
            if names and all(one[key] == report[key] for key in LOOK) and changes_of(one) == changes_of(report):
                same.append(one | {"pictures": names})
    foreign = sorted(there - new - {name for one in same for name in one["pictures"]})
    if foreign and not request.overwrite:
        raise UserError(
            f"--outdir={folder} holds {len(foreign)} pictures of another network or look, such as {foreign[0]}: name "
            "another folder, or remove them with --overwrite"
        )
    for name in [*foreign, *(there & new)]:  # what is made anew too: a process that is stopped leaves no mixture
        (folder / name).unlink()
    return same


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
