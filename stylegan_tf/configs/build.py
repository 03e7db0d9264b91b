"""From flags to an experiment: a preset, the pictures, perhaps a network to start from, and what the flags change.

Every check of an experiment is here (`problems`), so that all that is wrong with a command is said at once, with the
flags that mend it, before anything is made.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from stylegan_tf.configs import options
from stylegan_tf.configs.crop import Rectangle, at_side, rectangle, text_of
from stylegan_tf.configs.presets import auto_hardware, experiment, with_labels
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
    "desc": "desc",
    "gamma": "loss.r1_gamma",
    "total_kimg": "training.total_kimg",
    "seed": "training.seed",
    "precision": "training.precision",
    "tf32": "training.tf32",
    "outdir": "output.outdir",
    "metrics": "output.metrics",
    "metric_ticks": "output.metric_ticks",
    "snap": "output.snapshot_ticks",
    "batch_gpu": "training.batch_gpu",
    "replicas": "replicas",
    "threads": "threads",
}
# Those that stand for a value at every resolution: the field of schedule for it, and the tables that would overrule it.
AT_EVERY_RESOLUTION = {
    "batch": ("minibatch_base", "minibatch", "max_minibatch_per_gpu"),
    "lrate_g": ("G_lrate_base", "G_lrate"),
    "lrate_d": ("D_lrate_base", "D_lrate"),
}
# Fields that would disagree with others if --set changed them alone, and paths: the flag that changes them rightly.
FLAG_OF = {
    "config": "config",
    "hardware": "hardware",
    "output.outdir": "outdir",
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
    classes: tuple[str, ...] = ()  # their names, where the columns are classes that have any
    resolution: int | None = None  # to train where nobody asks for another; None: any
    mirror: bool = False  # likewise
    crop: Rectangle | None = None  # what is not black bars, at `highest`

    @property
    def name(self) -> str:
        """For messages."""
        return self.directory or "the built-in faces"


# They are drawn at the resolution that is asked for, and reduced to all smaller ones.
FACES = Pictures(lowest=16)


class Start(NamedTuple):
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
            wrong.append(
                f"--cond: {pictures.name} has no labels to train on: leave --cond out, or make the data set with "
                "labels (dataset_tool.py create_from_images --help)"
            )
    for name, path in FIELD_OF.items():
        if getattr(flags, name) is not None:
            chosen = put(chosen, path, getattr(flags, name))
    for name, (base, *tables) in AT_EVERY_RESOLUTION.items():
        value = getattr(flags, name)
        if value is not None and not (value > 0 and math.isfinite(value)):
            wrong.append(f"--{name}={value} must be a number above 0 (--{name}={getattr(ScheduleConfig(), base)})")
        elif value is not None:
            for field, new in ((base, value), *((table, {}) for table in tables)):
                chosen = put(chosen, f"schedule.{field}", new)
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

    A sentence for each value, or pair of values, that cannot be, with the flag that mends it. Values are compared only
    where each of them by itself is right.
    """
    G, D, loss, schedule = chosen.G, chosen.D, chosen.loss, chosen.schedule
    training, data, resolution = chosen.training, chosen.data, chosen.data.resolution
    found: list[str] = []
    wrong: set[str] = set()  # fields that a sentence is about, or "G" or "D" for any field of a network

    def add(sentence: str, *about: str) -> None:
        found.append(sentence)
        wrong.update(about)

    def fine(*groups: str) -> bool:
        return not any(f"{field}.".startswith(f"{group}.") for field in wrong for group in groups)

    # --- Every value by itself.
    for path, sentence, _ in options.wrong(chosen):
        if not path.startswith(("G.", "D.")):
            words = path.split(".")  # three of an entry of a table
            usual = getattr(schedule, f"{words[1]}_base", schedule.minibatch_base) if len(words) > 2 else None
            add(f"{sentence} ({_mend(path, usual)})", path)
    tables = {f"schedule.{name}": value for name, value in vars(schedule).items() if isinstance(value, dict)}
    for path, side in ((path, side) for path, table in tables.items() for side in table):
        if not _is_resolution(side, 4):
            add(f"{path}.{side}: {side} {_POWER_OF_TWO.format(4)}; name one, or leave it out", path)

    # --- The resolution, and where growing begins.
    if not _is_resolution(resolution, 8):
        add(f"the resolution {resolution} {_POWER_OF_TWO.format(8)} (--resolution=32)", "data.resolution")
    elif pictures is not None and resolution > pictures.highest:
        add(
            f"--resolution={resolution} is too much for {pictures.name}: {pictures.highest} at most "
            f"(--resolution={pictures.highest})",
            "data.resolution",
        )
    if not G.resolution == D.resolution == resolution:
        add(
            f"G.resolution={G.resolution}, D.resolution={D.resolution} and data.resolution={resolution} must be equal; "
            "--resolution sets all three"
        )
    path, first = "schedule.initial_resolution", schedule.initial_resolution
    lowest = resolution if pictures == FACES else first
    if not _is_resolution(first, 4):
        add(f"{path}={first} {_POWER_OF_TWO.format(4)} ({_mend(path)})", path)
    elif not fine("data.resolution"):
        wrong.add(path)
    elif first > resolution:
        mend = _mend(path, resolution)
        add(f"{path}={first} is above the resolution that is trained, {resolution} ({mend})", path)
    elif schedule.lod_training_kimg + schedule.lod_transition_kimg == 0 and first != resolution:
        add(
            f"without growing (schedule.lod_training_kimg and lod_transition_kimg 0) training stays at {path}={first}: "
            f"set it to {resolution} ({_mend(path, resolution)})",
            path,
        )
    elif pictures is not None and lowest < pictures.lowest:
        mend = f"--resolution={pictures.lowest}" if pictures == FACES else _mend(path, pictures.lowest)
        add(f"{lowest}x{lowest} is too small for {pictures.name}: {pictures.lowest} at least ({mend})")

    # --- The networks; a resolution that cannot be has been said.
    for role, network in (("G", G), ("D", D)):
        possible = resolution if fine("data.resolution") else 8
        for sentence in options.problems(replace(network, resolution=possible), role):
            add(sentence, role)
    if isinstance(G, GeneratorConfig) and G.const_input_layer and not G.use_styles:
        add(
            "without G.use_styles, w enters at the input alone: G.const_input_layer must be false "
            f"({_mend('G.const_input_layer', 'false')})"
        )
    if training.style_mixing_prob > 0 and fine("training.style_mixing_prob"):
        must = f"to mix: training.style_mixing_prob must be 0 ({_mend('training.style_mixing_prob', 0)})"
        if isinstance(G, ProganGeneratorConfig):
            add(f"config A has no styles {must}")
        elif not G.use_styles:
            add(f"without G.use_styles there is no style {must}")

    # --- Channels, labels and black bars, as the pictures have them.
    if pictures is not None and pictures.channels not in CHANNELS:
        add(
            f"{pictures.name}: pictures of {pictures.channels} channels can be neither shown nor saved; make the data "
            f"set with {', '.join(map(str, CHANNELS[:-1]))} or {CHANNELS[-1]}"
        )
    elif G.num_channels != D.num_channels:
        add(
            f"G.num_channels={G.num_channels} and D.num_channels={D.num_channels} must be equal; leave them out, they "
            "follow the data set"
        )
    elif pictures is not None and G.num_channels != pictures.channels:
        add(
            f"G.num_channels={G.num_channels}, but the pictures of {pictures.name} have {pictures.channels} channels: "
            "leave G.num_channels and D.num_channels out, they follow the data set"
        )
    path, wanted = "data.max_label_size", data.max_label_size
    if pictures is not None and (wanted or 0) > pictures.label_columns:
        columns = pictures.label_columns
        mend = _mend(path, columns)
        add(f"{path}={wanted}: {pictures.name}: there are {columns} columns of labels ({mend})", path)
    elif G.label_size != D.label_size:
        add(
            f"G.label_size={G.label_size} and D.label_size={D.label_size} must be equal; leave them out, they "
            f"follow {path}"
        )
    elif wanted not in (None, G.label_size) and fine(path, "G"):
        add(
            f"G.label_size={G.label_size} does not fit {path}={wanted}; set {path} alone (none: all columns of the "
            "label file), the networks follow"
        )
    try:
        rectangle(data.crop, resolution, "data.crop")
    except UserError as error:
        add(f"{error} (--set=data.crop=)")

    # --- Lazy penalties.
    if training.r1_interval > 1 and fine("loss") and (loss.gp_weight or not (loss.r1_gamma or loss.r2_gamma)):
        what = "WGAN-GP's penalty belongs to every step" if loss.gp_weight else "there is no R1 or R2 penalty"
        mend = _mend("training.r1_interval", 1)
        add(f"training.r1_interval is {training.r1_interval}, but {what} (loss.r1_gamma=0): set it to 1 ({mend})")

    if training.xla and training.recompute:
        add(
            "training.recompute is without effect with training.xla, which computes nothing twice: choose one "
            f"({_mend('training.xla', 'false')})"
        )

    # --- Minibatches: what GPUs of the row and groups of the deviation they are divided into, and who shares them.
    num_gpus, group_size = training.num_gpus, D.mbstd_group_size
    if not fine("schedule", "training.num_gpus", "data.resolution") or group_size < 0:
        return found
    unit = num_gpus * max(1, group_size)
    for side, minibatch in minibatches(chosen):
        part, where = minibatch // num_gpus, f"the minibatch at {side}x{side}, {minibatch}"
        mend = _mend_minibatches(chosen, {side: math.ceil(minibatch / unit) * unit})
        gives = f"{where}, gives each of training.num_gpus={num_gpus} GPUs {part} pictures"
        if minibatch % num_gpus:
            add(f"{where}, must be a multiple of training.num_gpus={num_gpus} ({mend})", "minibatch")
        elif num_gpus > 1 and part < group_size:
            add(f"{gives}, fewer than D.mbstd_group_size={group_size} ({mend})", "minibatch")
        elif group_size > 1 and part % min(group_size, part):
            add(f"{gives}, which must be a multiple of D.mbstd_group_size={group_size} ({mend})", "minibatch")
    if pictures is not None and fine("data.num_faces"):
        num_images = data.num_faces if pictures == FACES else pictures.num_images
        larger = {side: size for side, size in minibatches(chosen) if num_images is not None and size > num_images}
        if larger and num_images is not None:
            side, size = max(larger.items(), key=lambda item: (item[1], -item[0]))
            more = f"draw more ({_mend('data.num_faces', size)})" if pictures == FACES else "add pictures"
            add(
                f"{pictures.name}: {num_images} pictures are fewer than a minibatch, {size} at {side}x{side}; {more}, "
                f"or make it smaller with {_mend_for_few(chosen, list(larger), num_images)}"
            )
    if chosen.replicas and fine("replicas", "minibatch"):
        found += replicas_problems(chosen, chosen.replicas)
    return found


_POWER_OF_TWO = f"must be a power of two from {{}} to {options.HIGHEST_RESOLUTION}, such as 32, 256 or 1024"


def _is_resolution(value: int, least: int) -> bool:
    return least <= value <= options.HIGHEST_RESOLUTION and not value & (value - 1)


def _mend(path: str, value: object = None) -> str:
    """The flag that sets a field, to its default where no better value is known."""
    flag = {field: name for name, field in FIELD_OF.items()}.get(path)
    text = as_text(flat(Experiment()).get(path) if value is None else value)
    return f"--{flag}={text}" if flag else f"--set={path}={text}"


def minibatches(chosen: Experiment) -> list[tuple[int, int]]:
    """(resolution, minibatch) of every stage that is trained, capped as the schedule does."""
    schedule, num_gpus, found, side = chosen.schedule, chosen.training.num_gpus, [], chosen.schedule.initial_resolution
    while side <= chosen.data.resolution:
        minibatch = schedule.minibatch.get(side, schedule.minibatch_base)
        found.append((side, min(minibatch, schedule.max_minibatch_per_gpu.get(side, minibatch) * num_gpus)))
        side *= 2
    return found


def _mend_minibatches(chosen: Experiment, sizes: Mapping[int, int]) -> str:
    """The flags that make minibatches of these sizes, multiples of num_gpus, at resolutions; --batch where it is one
    size at all that are trained.
    """
    if len(set(sizes.values())) == 1 and set(sizes) == {side for side, _ in minibatches(chosen)}:
        return f"--batch={next(iter(sizes.values()))}"
    num_gpus, capped = chosen.training.num_gpus, chosen.schedule.max_minibatch_per_gpu
    flags = []
    for side, size in sizes.items():
        if size != chosen.schedule.minibatch.get(side, chosen.schedule.minibatch_base):
            flags.append(f"--set=schedule.minibatch.{side}={size}")
        if side in capped and size > capped[side] * num_gpus:
            flags.append(f"--set=schedule.max_minibatch_per_gpu.{side}={size // num_gpus}")
    return " ".join(flags)


def _mend_for_few(chosen: Experiment, sides: Sequence[int], num_images: int) -> str:
    """The flags that make the minibatches at `sides` as large as so few pictures allow."""
    num_gpus, group_size = chosen.training.num_gpus, max(1, chosen.D.mbstd_group_size)
    unit = num_gpus * group_size
    if num_images < num_gpus:
        return f"--hardware=1gpu --batch={num_images // group_size * group_size or num_images}"
    if num_images >= unit:
        return _mend_minibatches(chosen, dict.fromkeys(sides, num_images // unit * unit))
    # Fewer than a group of the deviation on each GPU: on one GPU a minibatch may be a smaller group itself.
    part = num_images // num_gpus
    group = f" --set=D.mbstd_group_size={part}" if num_gpus > 1 else ""
    return f"--batch={part * num_gpus}{group}"


def replicas_problems(chosen: Experiment, replicas: int) -> list[str]:
    """Why so many devices cannot share all minibatches, in whole groups of the deviation; [] where they can."""
    unshared = _unshared(chosen, replicas)
    if not unshared:
        return []
    resolution, minibatch, unit = unshared[0]
    sizes = {}
    for side, size, unit_of_side in unshared:
        whole = math.lcm(unit_of_side, chosen.training.num_gpus)
        sizes[side] = math.ceil(size / whole) * whole
    return [
        f"--replicas={replicas}: the minibatch at {resolution}x{resolution}, {minibatch}, must be a multiple of {unit} "
        f"(replicas times the group of the minibatch deviation); --replicas={most_replicas(chosen, replicas)} fits, or "
        f"{_mend_minibatches(chosen, sizes)}"
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
