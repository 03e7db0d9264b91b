"""What a trained StyleGAN is for: style mixing, noise, truncation, mosaics, videos and edits, one command each."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylegan_tf import environment, files, pictures, progress, video
from stylegan_tf.command_line import Flag, Groups, help_text, parse
from stylegan_tf.configs.crop import Rectangle, at_side
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.networks.sampling import LARGEST_SEED, Label, has_w, label_rows
from stylegan_tf.programs import export, generate
from stylegan_tf.programs.directions import SEFA, saved, step
from stylegan_tf.programs.foreign_flags import of_figures
from stylegan_tf.programs.generate import (
    RESULTS,
    checked_labels,
    grid_of,
    labels_of,
    numbers,
    opened_generator,
    real_numbers,
)
from stylegan_tf.weights import load

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
MOST_STEPS = 100
# The seeds and layers of the paper's figures.
MIXING_ROWS, MIXING_COLUMNS = "888,829,1898,1733,1614,845", "639,701,687,615,2268"
DETAIL_SEEDS, COMPONENT_SEEDS, TRUNCATION_SEEDS = "1157,1012", "1967,1555", "91,388"
LODS = "0,1,2,2,3,3"

SOURCE = (
    generate.FLAGS["Which pictures"][0],  # --network
    generate.FLAGS["Which pictures"][2],  # --labels
)
TARGET = (
    Flag("outdir", "path", "generated", "folder of the picture and of what it was made from (default: generated)"),
    Flag("scale", "whole", None, "each pixel so many times larger (default: as often as 512 pixels a side need)"),
    Flag("format", "text", "png", "png, jpg or webp (default: png)"),
    Flag("crop", "text", "auto", "auto: without the black bars that the run's pictures had; none (default: auto)"),
)
WAY = Flag("layers", "text", "all", "layers that are moved: coarse, middle, fine, all, 0-3, 4x4-8x8 (default: all)")
STRENGTH = Flag("strength", "number", 3.0, "standard deviations of w to go along it, in both directions (default: 3)")
DIRECTION = Flag(
    "direction", "path", f"{SEFA}0", f"a name that `generate.py directions` lists, or FILE.npy (default: {SEFA}0)"
)
PSI = Flag("psi", "number", 0.7, "truncation of all layers: 1 is none (default: 0.7)")


class Command(NamedTuple):
    """One command: what it does in a line, its flags, and its work: (values, Subject) -> files made.

    needs: "styles" or "noise" where a network without them has nothing to show. check: of the values, before a network
    is looked for.
    """

    about: str
    flags: Groups
    work: Callable[[Any, "Subject"], list[Path]]
    needs: str = ""
    check: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Subject:
    """A generator that is looked at: its file, itself, the stage it had reached, and what is kept of its pictures."""

    path: Path
    Gs: Any
    stage: int | None
    fade: float
    crop: Rectangle | None
    labels: Sequence[Label] | None  # as the user gave them

    @property
    def last_stage(self) -> int:
        return self.stage or self.Gs.last_stage

    def painter(self):
        """The figures' way to its pictures."""
        from stylegan_tf.figures.images import Painter

        return Painter(self.Gs, self.stage, self.fade, self.crop)

    def classes(self, count: int) -> np.ndarray | None:
        """Labels float32 [count, label_size]; None for a network without labels."""
        chosen = checked_labels(self.labels, self.Gs.label_size, count, self.path)
        return None if chosen is None else label_rows(chosen, self.Gs.label_size)

    def lacks(self, what: str) -> str:
        """See generate.lacks."""
        return generate.lacks(self.path, self.Gs, what)

    def ws(self, seeds: Sequence[int], psi: float = 1.0) -> np.ndarray:
        """ws [N, layers, w_dim] of seeds, truncated in all layers."""
        from stylegan_tf.networks.sampling import latents

        return self.truncated(self.painter().ws(latents(seeds, self.Gs.z_dim), self.classes(len(seeds))), psi)

    def truncated(self, ws: np.ndarray, psi: float) -> np.ndarray:
        """ws drawn towards their average in all layers; as they are in a network without styles."""
        from stylegan_tf.figures.truncation import truncated

        if psi == 1 or not self.Gs.synthesis.use_styles:
            return ws
        return truncated(ws, np.asarray(self.Gs.w_avg), psi).astype(np.float32)

    def noise(self, seed: int, count: int = 1) -> list[np.ndarray]:
        """Fresh noise for each layer, [count, H, W, 1]."""
        generator = np.random.default_rng(seed)
        shapes = self.Gs.synthesis.noise_shapes(self.stage)
        return [generator.standard_normal((count, *shape), np.float32) for shape in shapes]


# --- the commands


def mixing(values: Any, subject: Subject) -> list[Path]:
    """Figure 3."""
    from stylegan_tf.figures import mixing as figure
    from stylegan_tf.figures.layers import default_rows, layers_of

    rows, columns = seeds_of("rows", values.rows), seeds_of("columns", values.columns)
    names = values.layers.split(",") if values.layers else default_rows(len(rows), subject.last_stage)
    if len(names) not in (1, len(rows)):
        raise UserError(f"--layers={values.layers}: give one range, or one for each of the {len(rows)} rows")
    ranges = [layers_of(name.strip(), subject.last_stage) for name in names] * (len(rows) // len(names))
    both = subject.ws([*rows, *columns], values.psi)
    sheet = figure.sheet(subject.painter(), both[: len(rows)], both[len(rows) :], ranges)
    facts = {"rows": rows, "columns": columns, "layers": [[layers.start, layers.stop - 1] for layers in ranges]}
    return [write_sheet(values, subject, "mixing", sheet, facts | {"psi": values.psi})]


def noise(values: Any, subject: Subject) -> list[Path]:
    """Figures 4 and 5."""
    from stylegan_tf.figures import noise as figure
    from stylegan_tf.figures.layers import layers_of

    draws = at_least("draws", values.draws, figure.DETAILS + 1)
    fine, painter = layers_of(values.layers, subject.last_stage), subject.painter()
    seeds, others = (
        seeds_of("seeds", paper if values.seeds is None else values.seeds) for paper in (DETAIL_SEEDS, COMPONENT_SEEDS)
    )
    each = progress.track(zip(seeds, subject.ws(seeds, values.psi), strict=True), len(seeds), "noise", "pictures")
    rows = [figure.detail(painter, own[None], subject.noise(seed, draws)) for seed, own in each]
    stored = [np.asarray(getattr(subject.Gs.synthesis, f"noise{index}")) for index in range(painter.num_layers)]
    ws = subject.ws(others, values.psi)
    parts = [figure.components(painter, own[None], stored, fine, bool(index % 2)) for index, own in enumerate(ws)]
    facts = {"seeds": seeds, "psi": values.psi, "draws": draws}
    made = write_sheet(values, subject, "noise", np.concatenate(rows), facts)
    facts = {"seeds": others, "psi": values.psi, "fine": [fine.start, fine.stop - 1]}
    return [made, write_sheet(values, subject, "noise-layers", np.concatenate(parts, axis=1), facts)]


def truncation(values: Any, subject: Subject) -> list[Path]:
    """Figure 8."""
    from stylegan_tf.figures import truncation as figure

    seeds, psis = seeds_of("seeds", values.seeds), real_numbers("psis", values.psis)
    sheet = figure.sheet(subject.painter(), subject.ws(seeds), psis)
    return [write_sheet(values, subject, "truncation", sheet, {"seeds": seeds, "psis": psis})]


def uncurated(values: Any, subject: Subject) -> list[Path]:
    """Figures 2 and 10 to 12. One stream of latents for the whole mosaic, and random noise, as in the official ones."""
    from stylegan_tf.figures import uncurated as figure
    from stylegan_tf.figures.images import cropped
    from stylegan_tf.networks.sampling import Look, batch_size, to_uint8

    rows, lods = at_least("rows", values.rows, 1), numbers("lods", values.lods, 10)
    side = 2**subject.last_stage
    width, height = (side, side) if subject.crop is None else subject.crop[2:]
    if not min(width, height) >> max(lods):
        raise UserError(
            f"--lods={values.lods}: pictures of {width}x{height} vanish at 1/{2 ** max(lods)}; name lower ones"
        )
    count, Gs = figure.count(rows, lods), subject.Gs
    z = np.random.RandomState(values.seed).randn(count, Gs.z_dim).astype(np.float32)
    labels, look = subject.classes(count), Look(values.psi, values.cutoff, "random", subject.stage, subject.fade)

    def images() -> Iterator[np.ndarray]:
        for start in range(0, count, batch_size(Gs)):
            part = slice(start, start + batch_size(Gs))
            own = None if labels is None else labels[part]
            fresh = subject.noise(values.seed + start, len(z[part])) if has_w(Gs) else "const"
            found = Gs(z[part], own, psi=look.psi, cutoff=look.cutoff, noise=fresh, stage=look.stage, fade=look.fade)
            yield from cropped(to_uint8(found), subject.crop)

    shown = progress.track(images(), count, "uncurated", "pictures")
    sheet = figure.sheet(shown, height, width, Gs.num_channels, rows, lods)
    facts = {"seed": values.seed, "rows": rows, "lods": lods, "psi": values.psi, "cutoff": values.cutoff}
    return [write_sheet(values, subject, "uncurated", sheet, facts)]


def edit(values: Any, subject: Subject) -> list[Path]:
    """A strip per seed: steps along a direction."""
    from stylegan_tf.figures.directions import moved
    from stylegan_tf.figures.layers import layers_of

    seeds, count = seeds_of("seeds", values.seeds), at_least("steps", values.steps, 2)
    if count > MOST_STEPS:
        raise UserError(f"--steps={count}: {MOST_STEPS} at most; a video has more")
    layers = layers_of(values.layers, subject.last_stage)
    steps = np.linspace(-values.strength, values.strength, count)
    ws = moved(subject.ws(seeds, values.psi), direction_of(values, subject, layers), steps, layers)
    images = subject.painter()(ws.reshape(-1, *ws.shape[2:]))
    facts = {"seeds": seeds, "direction": values.direction, "steps": steps.tolist(), "psi": values.psi}
    facts |= {"layers": [layers.start, layers.stop - 1]}
    return [write_sheet(values, subject, "edit", pictures.grid(images, count, len(seeds)), facts)]


def directions(values: Any, subject: Subject) -> list[Path]:
    """Prints what --direction can name."""
    from stylegan_tf.figures.directions import MOST

    found = saved(subject.path, subject.Gs.synthesis.w_dim)
    for path, those in found.items():
        print(f"{path}: {', '.join(those.names)}")
    if not found:
        print(f"no directions were saved beside {subject.path}: run_metrics.py --metrics=ls finds those of attributes")
    print(f"of the weights of any --layers (SeFa): {', '.join(f'{SEFA}{number}' for number in range(MOST))}, ...")
    return []


def film(values: Any, subject: Subject) -> list[Path]:
    """A video: through seeds, by truncation, along a direction, or with styles of other seeds."""
    from stylegan_tf.figures.walks import KINDS

    columns, rows = grid_of(values.grid) if values.grid else (1, 1)
    fps, cells = values.fps, columns * rows
    if not (0 < fps <= 240 and math.isfinite(values.seconds) and values.seconds > 0):
        raise UserError(f"--fps={fps} --seconds={values.seconds}: expected up to 240 and more than 0 seconds")
    count = max(2, round(fps * values.seconds))
    name = f"video{('.' + values.video.lstrip('.')) if values.video else video.default_suffix()}"
    target = Path(values.outdir) / name
    video.check(target)
    frames = FRAMES.get(values.of)
    if frames is None:
        raise UserError(f"--of={values.of}: choose from {', '.join(FRAMES)}")
    for flag in ("space", "walk", "direction", "strength", "layers", "psi"):
        if values[flag].present and flag not in USED[values.of]:
            raise UserError(f"--{flag} has no effect with --of={values.of}: leave it out")
    if values.of != "seeds" and (why := subject.lacks("styles")):
        raise UserError(f"{why}: --of={values.of} has nothing to move")
    if values.of == "seeds" and values.space == "w" and not has_w(subject.Gs):
        raise UserError(f"{subject.path} is a Progressive GAN (config A), which has no w: add --space=z")
    if values.seeds is None:
        values.seeds = f"0-{cells * EACH[values.of] + (values.of == 'mixing') * KEYS - 1}"
    if values.walk not in KINDS:
        raise UserError(f"--walk={values.walk}: choose from {', '.join(KINDS)}")
    factor = None

    def shown() -> Iterator[np.ndarray]:
        nonlocal factor
        for images in progress.track(frames(values, subject, count, cells), count, "video", "frames"):
            frame = pictures.grid(images, columns, rows)
            factor = factor or scale_of(values, frame)
            yield enlarged(frame, factor)
        make_room(target, video.SUFFIXES)  # not before: Ctrl-C leaves the video of before

    make_outdir(target.parent)
    written = video.save(target, shown(), fps)
    facts = {"of": values.of, "seeds": values.seeds, "frames": written, "fps": fps}
    facts |= {flag: getattr(values, flag) for flag in USED[values.of]}
    write_facts(values, subject, target, facts | {"grid": [columns, rows]})
    return [target]


def through_seeds(values: Any, subject: Subject, count: int, cells: int) -> Iterator[np.ndarray]:
    """Pictures uint8 [cells, H, W, C] of each frame of a loop through seeds; each cell has keys of its own."""
    from stylegan_tf.figures.walks import walk
    from stylegan_tf.networks.sampling import latents

    painter = subject.painter()
    seeds = seeds_of("seeds", values.seeds)
    keys = len(seeds) // cells
    if keys < 1 or keys * cells != len(seeds):
        raise UserError(f"--seeds: {len(seeds)} seeds cannot be shared by {cells} cells; give a multiple of {cells}")
    if values.space == "w":
        points = subject.ws(seeds, values.psi)
        whole = points.reshape(cells, keys, *points.shape[1:]).swapaxes(0, 1)
        yield from map(painter, walk(whole, count, values.walk))
    elif values.space == "z":
        z = latents(seeds, subject.Gs.z_dim).reshape(cells, keys, -1).swapaxes(0, 1)
        labels = subject.classes(cells)
        for point in walk(z, count, values.walk):
            if has_w(subject.Gs):
                yield painter(subject.truncated(painter.ws(point, labels), values.psi))
            else:
                yield painter.of_z(point, labels)
    else:
        raise UserError(f"--space={values.space}: choose w or z")


def by_truncation(values: Any, subject: Subject, count: int, cells: int) -> Iterator[np.ndarray]:
    """psi swings from 1 through 0 to -1 and back."""
    ws, painter = subject.ws(cell_seeds(values, cells)), subject.painter()
    for turn in np.linspace(0, 2 * np.pi, count):
        yield painter(subject.truncated(ws, float(np.cos(turn))))


def along_direction(values: Any, subject: Subject, count: int, cells: int) -> Iterator[np.ndarray]:
    """There and back along a direction."""
    from stylegan_tf.figures.directions import moved
    from stylegan_tf.figures.layers import layers_of

    layers = layers_of(values.layers, subject.last_stage)
    ws, way = subject.ws(cell_seeds(values, cells), values.psi), direction_of(values, subject, layers)
    painter = subject.painter()
    for turn in np.linspace(0, 2 * np.pi, count):
        yield painter(moved(ws, way, np.array([values.strength * np.sin(turn)]), layers)[:, 0])


def style_mixed(values: Any, subject: Subject, count: int, cells: int) -> Iterator[np.ndarray]:
    """The first seeds stand still but for some layers, whose styles walk through the other seeds."""
    from stylegan_tf.figures.layers import layers_of
    from stylegan_tf.figures.walks import walk

    seeds = seeds_of("seeds", values.seeds)
    if len(seeds) <= cells:
        raise UserError(f"--seeds: {cells} stand still, and one at least must follow whose styles come and go")
    layers = layers_of(values.layers, subject.last_stage)
    ws, painter = subject.ws(seeds, values.psi), subject.painter()
    for styles in walk(ws[cells:], count, values.walk):
        frame = ws[:cells].copy()
        frame[:, layers.start : layers.stop] = styles[layers.start : layers.stop]
        yield painter(frame)


KEYS = 8  # that a loop passes where nobody names seeds
EACH = {"seeds": KEYS, "truncation": 1, "direction": 1, "mixing": 1}  # seeds of a cell, likewise
FRAMES: dict[str, Callable[[Any, Subject, int, int], Iterator[np.ndarray]]] = {
    "seeds": through_seeds,
    "truncation": by_truncation,
    "direction": along_direction,
    "mixing": style_mixed,
}
USED = {  # flags that each of them looks at
    "seeds": ("space", "walk", "psi"),
    "truncation": (),
    "direction": ("direction", "strength", "layers", "psi"),
    "mixing": ("walk", "layers", "psi"),
}


def paper(values: Any, subject: Subject) -> list[Path]:
    """All figures with the official seeds, but for those that the network has nothing to show in."""
    made: list[Path] = []
    for name in ("mixing", "noise", "truncation", "uncurated"):
        command = COMMANDS[name]
        if command.needs and (why := subject.lacks(command.needs)):
            print(f"{name} is left out: {why}")
            continue
        shared = [
            f"--{flag.name}={getattr(values, flag.name)}" for flag in TARGET if getattr(values, flag.name) is not None
        ]
        made += command.work(parse(shared, command.flags), subject)
    return made


COMMANDS = {
    "mixing": Command(
        "style mixing (Figure 3): pictures of the rows with the styles of the columns in some layers",
        {
            "Which pictures": (
                *SOURCE,
                Flag("rows", "text", MIXING_ROWS, "seeds of the pictures on the left (default: the paper's)"),
                Flag("columns", "text", MIXING_COLUMNS, "seeds of the styles on top (default: the paper's)"),
                Flag("layers", "text", None, "coarse, middle, fine, 0-3, 4x4-8x8: one, or one per row with commas"),
                Flag("psi", "number", 1.0, "truncation of all layers: 1 is none (default: 1)"),
            ),
            "Where they go": TARGET,
        },
        mixing,
        "styles",
    ),
    "noise": Command(
        "what noise does (Figures 4 and 5): details of several draws, and noise in all, no, fine and coarse layers",
        {
            "Which pictures": (
                *SOURCE,
                Flag("seeds", "text", None, f"of both (default: the paper's, {DETAIL_SEEDS} and {COMPONENT_SEEDS})"),
                Flag("draws", "whole", 100, "draws of noise that the deviation is over (default: 100)"),
                Flag("layers", "text", "fine", "layers that count as fine (default: fine)"),
                Flag("psi", "number", 1.0, "truncation of all layers: 1 is none (default: 1)"),
            ),
            "Where they go": TARGET,
        },
        noise,
        "noise",
    ),
    "truncation": Command(
        "the truncation trick (Figure 8): a row for each seed, a column for each psi",
        {
            "Which pictures": (
                *SOURCE,
                Flag("seeds", "text", TRUNCATION_SEEDS, "of the rows (default: the paper's)"),
                Flag("psis", "text", "1,0.7,0.5,0,-0.5,-1", "of the columns (default: the paper's)"),
            ),
            "Where they go": TARGET,
        },
        truncation,
        "styles",
    ),
    "uncurated": Command(
        "a mosaic of pictures nobody chose (Figures 2 and 10 to 12)",
        {
            "Which pictures": (
                *SOURCE,
                Flag("seed", "whole", 5, "of all latents together (default: 5)"),
                Flag("rows", "whole", 3, "rows of the largest pictures (default: 3)"),
                Flag("lods", "text", LODS, "a column each: pictures of 1/2^lod of the side (default: the paper's)"),
                Flag("psi", "number", 0.7, "truncation: 1 is none (default: 0.7)"),
                Flag("cutoff", "whole", 8, "layers that are truncated (default: 8)"),
            ),
            "Where they go": TARGET,
        },
        uncurated,
    ),
    "video": Command(
        "a video: through seeds, by truncation, along a direction, or with the styles of other seeds",
        {
            "Which pictures": (
                *SOURCE,
                Flag("of", "text", "seeds", f"{', '.join(FRAMES)} (default: seeds)"),
                Flag("seeds", "text", None, "keys of the way, or the pictures that move (default: 0, 1, ...)"),
                Flag("space", "text", "w", "w or z: where the way through seeds lies (default: w)"),
                Flag("walk", "text", "spline", "lerp, slerp or spline: the way between keys (default: spline)"),
                DIRECTION,
                STRENGTH,
                WAY,
                PSI,
            ),
            "Where they go": (
                *(flag for flag in TARGET if flag.name != "format"),
                Flag("video", "text", None, "mp4, webp, gif or png (default: mp4 with imageio-ffmpeg, else webp)"),
                Flag("grid", "text", None, "such as 3x2 (columns x rows) of pictures that move together"),
                Flag("fps", "number", 25.0, "frames per second (default: 25)"),
                Flag("seconds", "number", 8.0, "of the video (default: 8)"),
            ),
        },
        film,
    ),
    "edit": Command(
        "moves pictures along a direction in W: a strip of steps for each seed",
        {
            "Which pictures": (
                *SOURCE,
                DIRECTION,
                Flag("seeds", "text", "0-3", "of the pictures (default: 0-3)"),
                STRENGTH,
                Flag("steps", "whole", 7, "pictures of a strip (default: 7)"),
                WAY,
                PSI,
            ),
            "Where they go": TARGET,
        },
        edit,
        "styles",
    ),
    "directions": Command(
        "lists the directions that there are for a network", {"Of what": SOURCE[:1]}, directions, "styles"
    ),
    "export": Command(
        "writes the generator for other programs: z (and labels) -> pictures in [-1, 1], float32",
        {
            "Which function": (
                *SOURCE[:1],
                PSI,
                Flag("cutoff", "whole", 8, "layers that are truncated (default: 8)"),
                Flag(
                    "noise",
                    "text",
                    "const",
                    "const (stored in the network), none (default: const)",
                ),
                *(flag for flag in TARGET if flag.name == "crop"),
            ),
            "Where it goes": (
                Flag("format", "text", "onnx", f"{', '.join(export.FORMATS)} (weights alone) (default: onnx)"),
                Flag("outdir", "path", None, "new folder of it and export.json (default: exported/onnx, ...)"),
            ),
        },
        export.export,
        check=export.check,
    ),
    "paper": Command("all figures with the seeds of the paper", {"Of what": SOURCE, "Where they go": TARGET}, paper),
}


# --- what they share


def run(arguments: Sequence[str]) -> None:
    """Does what `generate.py COMMAND ...` says; without a command, what `generate.run` does. Raises UserError."""
    if not arguments or arguments[0] not in COMMANDS:
        generate.run(list(arguments))
        if any(argument in ("--help", "-h") for argument in arguments):
            print(f"\n{overview()}")
        return
    name, *rest = arguments
    command = COMMANDS[name]
    known = {flag.name for group in command.flags.values() for flag in group}
    values = parse(rest, command.flags, of_figures(known))
    if values is None:
        print(help_text(f"{command.about}: python generate.py {name}", command.flags))
        return
    environment.check_backend()
    formats = export.FORMATS if name == "export" else FORMATS
    if "format" in values and values.format not in formats:
        raise UserError(f"--format={values.format}: choose from {', '.join(formats)}")
    if getattr(values, "crop", "auto") not in ("auto", "none"):
        raise UserError(f"--crop={values.crop}: choose auto or none")
    if getattr(values, "scale", None) is not None:
        at_least("scale", values.scale, 1)
    if command.check is not None:
        command.check(values)
    subject = subject_of(values)
    if command.needs and (why := subject.lacks(command.needs)):
        raise UserError(why)
    if "psi" in values and (why := subject.lacks("styles")):
        for flag in ("psi", "cutoff"):
            if flag in values and values[flag].present:
                raise UserError(f"{why}, so --{flag} has no effect: leave it out")
        values.psi = 1.0
    for path in command.work(values, subject):
        print(path)


def subject_of(values: Any) -> Subject:
    """The network that is meant."""
    path = load.generator_file(values.network or load.newest_network(RESULTS, load.SHIPPED))
    Gs, stage, fade = opened_generator(path)
    crop = load.crop_of_snapshot(path) if getattr(values, "crop", "auto") == "auto" else None
    given = getattr(values, "labels", None)
    labels = labels_of(given, load.classes_of_snapshot(path)) if given else None
    box = crop and at_side(*crop, 2 ** (stage or Gs.last_stage))
    return Subject(path, Gs, stage, fade, box, labels)


def seeds_of(flag: str, text: str) -> list[int]:
    return numbers(flag, text, LARGEST_SEED)


def cell_seeds(values: Any, cells: int) -> list[int]:
    """One seed for each cell of a video."""
    seeds = seeds_of("seeds", values.seeds)
    if len(seeds) < cells:
        raise UserError(f"--seeds: {len(seeds)} seeds are too few for {cells} cells")
    return seeds[:cells]


def at_least(flag: str, value: int, least: int) -> int:
    if value < least:
        raise UserError(f"--{flag}={value}: {least} at least")
    return value


def direction_of(values: Any, subject: Subject, layers: range) -> np.ndarray:
    """The vector [w_dim] that --direction means, one standard deviation of w of the first class that was asked for.

    Raises UserError where there is none of that name.
    """
    labels = subject.classes(len(subject.labels)) if subject.labels else None
    return step(values.direction, subject.path, subject.Gs, layers, None if labels is None else labels[:1])


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    from stylegan_tf.figures.images import enlarged

    return enlarged(pixels, factor) if factor > 1 else pixels


def scale_of(values: Any, pixels: np.ndarray) -> int:
    """How often each pixel is repeated. Raises UserError for what is too large."""
    from stylegan_tf.figures.images import checked_factor

    return checked_factor(values.scale, *pixels.shape[:2], getattr(values, "format", "png"))


def write_sheet(values: Any, subject: Subject, name: str, sheet: np.ndarray, facts: dict) -> Path:
    """Writes <outdir>/<name>.<format> and <name>.json, which says what it was made from. Returns the picture's path."""
    factor = scale_of(values, sheet)
    target = Path(values.outdir) / f"{name}.{values.format}"
    make_outdir(target.parent)
    make_room(target, [f".{kind}" for kind in FORMATS])
    about = {"Software": "stylegan_tf"} | {key: json.dumps(value) for key, value in facts.items()}
    pictures.save(target, enlarged(sheet, factor), FORMATS[values.format], about)
    write_facts(values, subject, target, facts | {"scale": factor})
    return target


def make_room(target: Path, suffixes: Sequence[str]) -> None:
    """Removes what an earlier run has left under the name, its .json first: none speaks of another run's picture."""
    for suffix in (".json", *suffixes):
        target.with_suffix(suffix).unlink(missing_ok=True)


def write_facts(values: Any, subject: Subject, target: Path, facts: dict) -> None:
    known = {"picture": target.name, "network": str(subject.path), "sha256": files.sha256(subject.path)}
    labels = subject.labels and list(subject.labels)
    files.write_json(target.with_suffix(".json"), known | {"labels": labels} | facts)


def make_outdir(outdir: Path) -> None:
    try:
        outdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--outdir={outdir}: {error.strerror}; name another folder") from None


def overview() -> str:
    """The commands, a line each, for `generate.py --help`."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.about}" for name, command in COMMANDS.items()]
    return "\n".join(["Commands (python generate.py COMMAND --help):", *lines])


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
