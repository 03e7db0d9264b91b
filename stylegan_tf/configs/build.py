"""From flags to an experiment: a preset, the pictures, perhaps a network to start from, and what the flags change.

Every check of an experiment is here (`problems`), so that all that is wrong with a command is said at once, with the
flags that mend it, before anything is made.
"""

import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from stylegan_tf.configs import options
from stylegan_tf.configs.crop import Rectangle, at_side, rectangle, text_of
from stylegan_tf.configs.presets import auto_hardware, experiment, with_labels
from stylegan_tf.configs.schedule import minibatch_of
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    Experiment,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
    ScheduleConfig,
)
from stylegan_tf.configs.text import as_text, flat, override, put
from stylegan_tf.errors import UserError

CHANNELS = (1, 3, 4)  # of pictures that a PNG file can hold
# The flags of train.py that stand for a single field. One that is not given is None, and leaves the preset as it is.
FIELD_OF = {
    "mirror": "data.mirror",
    "total_kimg": "training.total_kimg",
    "seed": "training.seed",
    "precision": "training.precision",
    "tf32": "training.tf32",
    "outdir": "output.outdir",
    "metrics": "output.metrics",
    "metric_ticks": "output.metric_ticks",
    "replicas": "replicas",
    "threads": "threads",
}
# Fields that would disagree with others if --set changed them alone: the flag that changes them all.
FLAG_OF = {
    "config": "config",
    "hardware": "hardware",
    "data.directory": "dataset",
    "data.resolution": "resolution",
    "training.init_from": "init_from",
}


@dataclass(frozen=True)
class Pictures:
    """What there is to train on, as far as an experiment depends on it."""

    directory: str = ""  # "": the built-in faces
    lowest: int = 4  # smallest resolution that is there
    highest: int = 1024  # the data set's own
    channels: int = 3
    num_images: int | None = None  # None: not known; of the built-in faces, as many as data.num_faces says
    label_columns: int = 0  # 0: no labels
    resolution: int | None = None  # to train where nobody asks for another; None: any
    mirror: bool = False  # likewise
    crop: Rectangle | None = None  # what is not black bars, at `highest`

    @property
    def name(self) -> str:
        """For messages."""
        return self.directory or "the built-in faces"


# They are drawn at the resolution that is asked for, and reduced to all smaller ones.
FACES = Pictures(lowest=16)


@dataclass(frozen=True)
class Start:
    """What is known of a network that training is to start from, without building it."""

    name: str  # as the user gave it
    G: GeneratorConfig | ProganGeneratorConfig | None
    D: DiscriminatorConfig | ProganDiscriminatorConfig | None
    resolution: int  # that it had been trained to


def build(
    flags: Any,
    pictures: Pictures,
    start: Start | None = None,
    machine: str = "cpu",
    also: Callable[[Experiment], Iterable[str]] = lambda chosen: (),
) -> Experiment:
    """The experiment that the flags of train.py ask for, checked.

    machine: the hardware row of --hardware=auto. also: problems that other parts find. Raises UserError that lists all
    that is wrong.
    """
    chosen, wrong = preset_of(flags, pictures, machine), []
    if start is not None:
        chosen = started_from(chosen, start)
    if flags.cond:
        chosen = put(chosen, "data.max_label_size", None)
        if not pictures.label_columns and pictures.num_images is not None:
            wrong.append(f"--cond: {pictures.name} has no labels to train on")
    for name, path in FIELD_OF.items():
        if getattr(flags, name) is not None:
            chosen = put(chosen, path, getattr(flags, name))
    for setting in flags.set:
        path = setting.partition("=")[0]
        try:
            if path in FLAG_OF:
                raise UserError(f"--set={setting}: {path} is set by --{FLAG_OF[path]}")
            chosen = override(chosen, setting)
        except UserError as error:
            wrong.append(str(error))
    chosen = labelled(chosen, pictures)
    refuse([*wrong, *problems(chosen, pictures), *also(chosen)])
    return chosen


def preset_of(flags: Any, pictures: Pictures, machine: str) -> Experiment:
    """A config on the hardware row, with the loss and for the pictures that the flags name."""
    chosen = experiment(
        config=flags.config,
        hardware=auto_hardware(flags.config, machine) if flags.hardware == "auto" else flags.hardware,
        loss=flags.loss,
        directory=pictures.directory,
        data_resolution=pictures.resolution,
        num_channels=pictures.channels,
        resolution=flags.resolution,
        mirror=pictures.mirror,
    )
    if pictures.crop is None:
        return chosen
    return put(chosen, "data.crop", text_of(at_side(pictures.crop, pictures.highest, chosen.data.resolution)))


def labelled(chosen: Experiment, pictures: Pictures) -> Experiment:
    """With networks for as many labels of these pictures as data.max_label_size asks for (None: all)."""
    asked = chosen.data.max_label_size
    wanted = pictures.label_columns if asked is None else asked
    return with_labels(chosen, wanted) if 0 < wanted <= pictures.label_columns else chosen


# ----------------------------------------------------------------------------------------------------------------------
# Starting from another network

# Arguments that follow the pictures or the machine, not the file.
NOT_OF_THE_FILE = ("resolution", "num_channels", "label_size", "fused_scale")
WIDTHS = ("fmap_base", "fmap_decay", "fmap_max", "use_wscale")


def started_from(chosen: Experiment, start: Start) -> Experiment:
    """`chosen` with the networks of `start`, as far as the pictures allow, growing from the resolution it reached.

    Without a discriminator in the file, a new one is as wide as the generator. Raises UserError where the file holds no
    generator, or one of another kind than the configuration trains.
    """
    if start.G is None:
        raise UserError(f"--init_from={start.name} holds no generator to start from")
    if type(start.G) is not type(chosen.G):
        kinds = {GeneratorConfig: "a style-based generator", ProganGeneratorConfig: "a Progressive GAN (config A)"}
        raise UserError(
            f"--init_from={start.name} holds {kinds[type(start.G)]}, and config {chosen.config} trains "
            f"{kinds[type(chosen.G)]}; choose another --config"
        )
    D: Any = start.D if type(start.D) is type(chosen.D) else None
    if D is None:
        D = replace(chosen.D, **{name: getattr(start.G, name) for name in WIDTHS})
    first = min(start.resolution, chosen.data.resolution)
    return replace(
        chosen,
        G=replace(start.G, **{name: getattr(chosen.G, name) for name in NOT_OF_THE_FILE}),
        D=replace(D, **{name: getattr(chosen.D, name) for name in NOT_OF_THE_FILE}),
        schedule=replace(chosen.schedule, initial_resolution=first),
        training=replace(chosen.training, init_from=start.name),
    )


def changes(chosen: Experiment, start: Start) -> list[str]:
    """Lines that say what `started_from` changes in the networks: G.fmap_max=64, as in FILE (config F: 512)."""
    changed = started_from(chosen, start)
    return [
        f"{role}.{part.name}={getattr(theirs, part.name)}, as in {start.name} (config {chosen.config}: "
        f"{getattr(ours, part.name)})"
        for role, ours, theirs in (("G", chosen.G, changed.G), ("D", chosen.D, changed.D))
        for part in fields(theirs)
        if getattr(ours, part.name) != getattr(theirs, part.name)
    ]


# ----------------------------------------------------------------------------------------------------------------------
# Checks

# What a value must be, and the fields that must be so.
CHOICES = {
    "loss.G": ("logistic_nonsaturating", "logistic_saturating", "wgan"),
    "loss.D": ("logistic", "wgan", "hinge"),
    "training.precision": ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
}
AT_LEAST_ONE = (
    *("schedule.minibatch_base", "training.num_gpus", "training.minibatch_repeats", "training.D_repeats"),
    *("training.r1_interval", "data.num_faces"),
    *("output.image_ticks", "output.snapshot_ticks", "output.metric_ticks"),
)
ABOVE_ZERO = (
    *("schedule.G_lrate_base", "schedule.D_lrate_base", "schedule.tick_kimg_base"),
    *("training.total_kimg", "training.adam_epsilon", "output.checkpoint_minutes"),
)
NOT_NEGATIVE = (
    *("loss.r1_gamma", "loss.r2_gamma", "loss.gp_weight", "loss.gp_target", "loss.drift_weight"),
    *("schedule.lod_training_kimg", "schedule.lod_transition_kimg", "schedule.lrate_rampup_kimg"),
    *("data.max_label_size", "training.seed", "training.ema_half_life_kimg", "replicas", "threads"),
)
BETWEEN_0_AND_1 = ("training.style_mixing_prob", "training.w_avg_beta", "training.adam_beta1", "training.adam_beta2")
TABLES = ("minibatch", "max_minibatch_per_gpu", "G_lrate", "D_lrate", "tick_kimg")


def validate(chosen: Experiment, pictures: Pictures | None = None) -> Experiment:
    """Returns `chosen`; raises UserError that lists its `problems`."""
    refuse(problems(chosen, pictures))
    return chosen


def refuse(wrong: Sequence[str]) -> None:
    """Raises UserError with what is wrong, one per line; nothing where it is nothing."""
    if wrong:
        several = f"{len(wrong)} things are wrong:\n  " if len(wrong) > 1 else ""
        raise UserError(several + "\n  ".join(dict.fromkeys(wrong)))


def problems(chosen: Experiment, pictures: Pictures | None = None) -> list[str]:
    """All that keeps an experiment from being trained on these pictures (None: any that have what it asks for).

    A sentence for each value, or pair of values, that cannot be, with the flag that mends it. Two fields are compared
    only where each of them by itself is right.
    """
    found = _Problems()
    _check_values(found, chosen)
    _check_resolution(found, chosen, pictures)
    _check_networks(found, chosen)
    _check_growing(found, chosen)
    if pictures is not None:
        _check_pictures(found, chosen, pictures)
    _check_agreement(found, chosen)
    if found.fine("schedule", "training.num_gpus", "data.resolution") and chosen.D.mbstd_group_size >= 0:
        _check_minibatches(found, chosen)
        if pictures is not None:
            _check_enough(found, chosen, pictures)
        if found.fine("replicas", "minibatches") and chosen.replicas:
            found.lines += replicas_problems(chosen, chosen.replicas)
    return found.lines


class _Problems:
    """Sentences, and the fields that they are about."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.fields: set[str] = set()

    def add(self, sentence: str, *about: str) -> None:
        self.lines.append(sentence)
        self.fields.update(about)

    def fine(self, *groups: str) -> bool:
        """Whether nothing is wrong with these fields, or with any field of these groups."""
        return not any(f"{field}.".startswith(f"{group}.") for field in self.fields for group in groups)


def _mend(path: str, value: object = None) -> str:
    """The flag that sets a field, to its default where no better value is known."""
    flag = {field: name for name, field in FIELD_OF.items()}.get(path)
    text = as_text(flat(Experiment()).get(path) if value is None else value)
    return f"--{flag}={text}" if flag else f"--set={path}={text}"


def _check_values(found: _Problems, chosen: Experiment) -> None:
    """Every field by itself, but for those of the networks."""
    values = {path: value for path, value in flat(chosen).items() if not path.startswith(("G.", "D."))}
    for path, value in values.items():
        if path in CHOICES and value not in CHOICES[path]:
            found.add(f"{path} is {value}; choose from {', '.join(CHOICES[path])} ({_mend(path)})", path)
        if isinstance(value, float) and not math.isfinite(value):
            found.add(f"{path} must be a finite number, not {value} ({_mend(path)})", path)
            continue
        for paths, allowed, must in (
            (AT_LEAST_ONE, lambda value: value >= 1, "must be at least 1"),
            (ABOVE_ZERO, lambda value: value > 0, "must be above 0"),
            (NOT_NEGATIVE, lambda value: value >= 0, "must not be negative"),
            (BETWEEN_0_AND_1, lambda value: 0 <= value <= 1, "must be between 0 and 1"),
        ):
            if path in paths and value is not None and not allowed(value):
                found.add(f"{path} {must}, not {as_text(value)} ({_mend(path)})", path)
    for path in (f"schedule.{name}" for name in TABLES):
        for resolution, value in values[path].items():
            if not _is_resolution(resolution, 4):
                found.add(f"{path}.{resolution}: {resolution} {_MUST_BE_A_POWER.format(4)}", path)
            if not (value > 0 and math.isfinite(value)):
                found.add(f"{path}.{resolution} must be above 0, not {value}", path)
    if not re.fullmatch(r"1080p|4k|[1-9]\d{0,2}x[1-9]\d{0,2}", chosen.output.grid):
        found.add(
            f"output.grid is {chosen.output.grid}; choose 1080p, 4k, or columns x rows such as 8x8 "
            f"({_mend('output.grid', '8x8')})",
            "output.grid",
        )


_MUST_BE_A_POWER = f"must be a power of two from {{}} to {options.HIGHEST_RESOLUTION}, such as 32, 256 or 1024"


def _is_resolution(value: int, least: int) -> bool:
    return least <= value <= options.HIGHEST_RESOLUTION and not value & (value - 1)


def _check_resolution(found: _Problems, chosen: Experiment, pictures: Pictures | None) -> None:
    resolution = chosen.data.resolution
    if not _is_resolution(resolution, 8):
        found.add(f"the resolution {resolution} {_MUST_BE_A_POWER.format(8)} (--resolution=32)", "data.resolution")
    elif pictures is not None and resolution > pictures.highest:
        found.add(
            f"--resolution={resolution} is too much for {pictures.name}: {pictures.highest} at most "
            f"(--resolution={pictures.highest})",
            "data.resolution",
        )


def _check_networks(found: _Problems, chosen: Experiment) -> None:
    """Whether G and D can be built. A resolution that cannot be is said once, of the data."""
    data = chosen.data
    if not chosen.G.resolution == chosen.D.resolution == data.resolution:
        found.add(
            f"G.resolution={chosen.G.resolution}, D.resolution={chosen.D.resolution} and data.resolution="
            f"{data.resolution} must be equal; --resolution sets all three"
        )
    resolution = data.resolution if found.fine("data.resolution") else 8
    for role in ("G", "D"):
        for sentence in options.problems(replace(getattr(chosen, role), resolution=resolution), role):
            found.add(sentence, role)


def _check_growing(found: _Problems, chosen: Experiment) -> None:
    schedule, resolution, first = chosen.schedule, chosen.data.resolution, chosen.schedule.initial_resolution
    path = "schedule.initial_resolution"
    if not _is_resolution(first, 4):
        found.add(f"{path}={first} {_MUST_BE_A_POWER.format(4)} ({_mend(path)})", path)
    elif found.fine("data.resolution") and first > resolution:
        found.add(
            f"{path}={first} is above the resolution that is trained, {resolution} ({_mend(path, resolution)})", path
        )
    elif schedule.lod_training_kimg + schedule.lod_transition_kimg == 0 and first != resolution:
        found.add(
            f"without growing (schedule.lod_training_kimg and lod_transition_kimg 0) training stays at {path}={first}: "
            f"set it to {resolution} ({_mend(path, resolution)})",
            path,
        )


def _check_agreement(found: _Problems, chosen: Experiment) -> None:
    """G, D, the loss and the training are made for each other."""
    G, D, data, training, loss = chosen.G, chosen.D, chosen.data, chosen.training, chosen.loss
    if G.num_channels != D.num_channels:
        found.add(
            f"G.num_channels={G.num_channels} and D.num_channels={D.num_channels} must be equal; they follow the "
            "data set",
            *("G.num_channels", "D.num_channels"),
        )
    if G.label_size != D.label_size:
        found.add(
            f"G.label_size={G.label_size} and D.label_size={D.label_size} must be equal; they follow "
            "data.max_label_size",
            "labels",
        )
    elif found.fine("data.max_label_size", "G") and data.max_label_size not in (None, G.label_size):
        found.add(
            f"G.label_size={G.label_size} does not fit data.max_label_size={data.max_label_size}; set "
            "data.max_label_size alone (none: all columns of the label file), the networks follow",
            "labels",
        )
    try:
        rectangle(data.crop, data.resolution, "data.crop")
    except UserError as error:
        found.add(f"{error} (--set=data.crop=)", "data.crop")
    if training.r1_interval > 1 and found.fine("loss") and (loss.gp_weight or not (loss.r1_gamma or loss.r2_gamma)):
        what = "WGAN-GP's penalty belongs to every step" if loss.gp_weight else "there is no R1 or R2 penalty"
        found.add(
            f"training.r1_interval is {training.r1_interval}, but {what} (loss.r1_gamma=0): set it to 1 "
            f"({_mend('training.r1_interval', 1)})"
        )
    if training.style_mixing_prob > 0 and found.fine("training.style_mixing_prob"):
        mend = _mend("training.style_mixing_prob", 0)
        if isinstance(G, ProganGeneratorConfig):
            found.add(f"config A has no styles to mix: training.style_mixing_prob must be 0 ({mend})")
        elif not G.use_styles:
            found.add(f"without G.use_styles there is no style to mix: training.style_mixing_prob must be 0 ({mend})")


def _check_pictures(found: _Problems, chosen: Experiment, pictures: Pictures) -> None:
    """What is trained is there."""
    data, name = chosen.data, pictures.name
    if pictures.channels not in CHANNELS:
        found.add(
            f"{name}: pictures of {pictures.channels} channels can be neither shown nor saved; make the data set with "
            f"{', '.join(map(str, CHANNELS[:-1]))} or {CHANNELS[-1]}",
            "channels",
        )
    elif chosen.G.num_channels == chosen.D.num_channels != pictures.channels and found.fine("G", "D"):
        found.add(
            f"G.num_channels={chosen.G.num_channels}, but the pictures of {name} have {pictures.channels} channels: "
            "leave G.num_channels and D.num_channels out, they follow the data set"
        )
    wanted = data.max_label_size or 0
    if wanted > pictures.label_columns:
        mend = _mend("data.max_label_size", pictures.label_columns)
        found.add(
            f"data.max_label_size={wanted}: {name}: there are {pictures.label_columns} columns of labels ({mend})",
            "data.max_label_size",
        )
    first = data.resolution if pictures == FACES else chosen.schedule.initial_resolution
    if found.fine("data.resolution", "schedule.initial_resolution") and first < pictures.lowest:
        path = "--resolution" if pictures == FACES else "--set=schedule.initial_resolution"
        found.add(f"{first}x{first} is too small for {name}: {pictures.lowest} at least ({path}={pictures.lowest})")


def _check_minibatches(found: _Problems, chosen: Experiment) -> None:
    num_gpus, group_size = chosen.training.num_gpus, chosen.D.mbstd_group_size
    for resolution, minibatch in minibatches(chosen):
        asked = chosen.schedule.minibatch.get(resolution, chosen.schedule.minibatch_base)
        where = f"the minibatch at {resolution}x{resolution}, {minibatch if minibatch else asked}"
        mend = _mend_minibatch(chosen.schedule, resolution, num_gpus * max(1, group_size), num_gpus)
        part = minibatch // num_gpus
        group = min(group_size, part)
        if not minibatch or (asked % num_gpus and minibatch == asked - asked % num_gpus):
            found.add(
                f"the minibatch at {resolution}x{resolution}, {asked}, must be a multiple of training.num_gpus="
                f"{num_gpus} ({mend})",
                "minibatches",
            )
        elif num_gpus > 1 and part < group_size:
            found.add(
                f"{where}, gives each of training.num_gpus={num_gpus} GPUs {part} pictures, fewer than "
                f"D.mbstd_group_size={group_size} ({mend})",
                "minibatches",
            )
        elif group > 1 and part % group:
            found.add(
                f"{where}, gives each of training.num_gpus={num_gpus} GPUs {part} pictures, which must be a multiple "
                f"of D.mbstd_group_size={group_size} ({mend})",
                "minibatches",
            )


def _mend_minibatch(schedule: ScheduleConfig, resolution: int, unit: int, num_gpus: int) -> str:
    """The flag that makes a minibatch the next multiple of `unit`."""
    most = schedule.max_minibatch_per_gpu.get(resolution)
    minibatch = schedule.minibatch.get(resolution, schedule.minibatch_base)
    capped = most is not None and most * num_gpus < minibatch
    size = most * num_gpus if most is not None and capped else minibatch
    size = math.ceil(size / unit) * unit
    if capped:
        return f"--set=schedule.max_minibatch_per_gpu.{resolution}={size // num_gpus}"
    return f"--set=schedule.minibatch.{resolution}={size}"


def minibatches(chosen: Experiment) -> list[tuple[int, int]]:
    """(resolution, minibatch) of every stage that is trained, as the schedule has them."""
    found, resolution = [], chosen.schedule.initial_resolution
    while resolution <= chosen.data.resolution:
        found.append((resolution, minibatch_of(chosen.schedule, resolution, chosen.training.num_gpus)))
        resolution *= 2
    return found


def _check_enough(found: _Problems, chosen: Experiment, pictures: Pictures) -> None:
    num_images = chosen.data.num_faces if pictures == FACES else pictures.num_images
    if num_images is None or not found.fine("data.num_faces"):
        return
    unit = chosen.training.num_gpus * max(1, chosen.D.mbstd_group_size)
    larger = [(minibatch, -resolution) for resolution, minibatch in minibatches(chosen) if minibatch > num_images]
    if larger:
        largest, resolution = max(larger)
        fits = num_images // unit * unit
        mends = " ".join(f"--set=schedule.minibatch.{-at}={fits or 'N'}" for _, at in larger)
        found.add(
            f"{pictures.name}: {num_images} pictures are fewer than a minibatch, {largest} at "
            f"{-resolution}x{-resolution}; add pictures, or make it smaller with {mends}"
        )


def replicas_problems(chosen: Experiment, replicas: int) -> list[str]:
    """Why so many devices cannot share all minibatches, in whole groups of the deviation; [] where they can."""
    unshared = _unshared(chosen, replicas)
    if not unshared:
        return []
    resolution, minibatch, unit = unshared[0]
    num_gpus = chosen.training.num_gpus
    mends = [_mend_minibatch(chosen.schedule, at, math.lcm(unit, num_gpus), num_gpus) for at, _, unit in unshared]
    return [
        f"--replicas={replicas}: the minibatch at {resolution}x{resolution}, {minibatch}, must be a multiple of {unit} "
        f"(replicas times the group of the minibatch deviation); --replicas={most_replicas(chosen, replicas)} fits, or "
        f"{' '.join(mends)}"
    ]


def most_replicas(chosen: Experiment, devices: int) -> int:
    """The largest number of replicas, `devices` at most, that can share all minibatches."""
    return next((number for number in range(devices, 1, -1) if not _unshared(chosen, number)), 1)


def _unshared(chosen: Experiment, replicas: int) -> list[tuple[int, int, int]]:
    """(resolution, minibatch, what it must be a multiple of) of the minibatches that so many cannot share."""
    found = []
    for resolution, minibatch in minibatches(chosen):
        group = max(1, min(chosen.D.mbstd_group_size, minibatch // chosen.training.num_gpus))
        if minibatch % (group * replicas):
            found.append((resolution, minibatch, group * replicas))
    return found


def outdir_problems(outdir: Path) -> list[str]:
    """Why no run directory can be made in `outdir`."""
    nearest = next(folder for folder in (outdir, *outdir.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        return [f"--outdir={outdir}: {nearest} is a file, not a folder"]
    if not os.access(nearest, os.W_OK | os.X_OK):
        return [f"--outdir={outdir}: {nearest} is not writable; name another folder"]
    return []
