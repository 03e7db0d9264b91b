"""Everything that has a name: losses, hardware rows, the paper's tables, data sets; and `experiment`, which puts one of
each together.

The numbers are those of the official training scripts of StyleGAN and Progressive GAN. A preset is a replace() of
another, beside what was published for it.
"""

import difflib
import os
from dataclasses import dataclass, replace
from typing import Any

from stylegan_tf.configs.fused_scale import MEASURED
from stylegan_tf.configs.schema import (
    DataConfig,
    Experiment,
    GeneratorConfig,
    LossConfig,
    OutputConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
    ScheduleConfig,
    TrainingConfig,
)
from stylegan_tf.configs.text import no_such
from stylegan_tf.errors import UserError

# ----------------------------------------------------------------------------------------------------------------------
# Losses

LOSSES = {
    "logistic": LossConfig(),  # non-saturating, R1 with gamma 10: FFHQ
    "logistic_saturating": LossConfig(G="logistic_saturating"),
    "wgan": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, drift_weight=0.001),
    "wgan_gp": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, gp_weight=10.0, drift_weight=0.001),  # CelebA-HQ, config A
    "hinge": LossConfig(G="wgan", D="hinge", r1_gamma=0.0),
    "hinge_gp": LossConfig(G="wgan", D="hinge", r1_gamma=0.0, gp_weight=10.0),
}
WGAN_GP_MOST_LRATE = 0.002  # in configs B to F

# ----------------------------------------------------------------------------------------------------------------------
# Hardware rows: minibatches of 1, 2, 4 or 8 GPUs, the official numbers. The row's num_gpus is part of the experiment;
# how many devices share a minibatch (replicas) is not.


@dataclass(frozen=True)
class HardwareRow:
    """Minibatches of a number of GPUs: `minibatch` by resolution, `minibatch_base` for those not listed."""

    num_gpus: int
    minibatch_base: int
    minibatch: dict[int, int]
    progan_lrate: dict[int, float]  # learning rates of Progressive GAN; 0.001 at resolutions not listed


GPUS = {
    "1gpu": HardwareRow(1, 4, {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4}, {1024: 0.0015}),
    "2gpu": HardwareRow(2, 8, {4: 256, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8}, {512: 0.0015, 1024: 0.002}),
    "4gpu": HardwareRow(
        4, 16, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16}, {256: 0.0015, 512: 0.002, 1024: 0.003}
    ),
    "8gpu": HardwareRow(
        8, 32, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}, {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
    ),
}
HARDWARE = ("cpu", *GPUS)
CPU_MINIBATCH, CPU_MINIBATCH_BASE = {4: 32, 8: 32, 16: 32, 32: 16}, 16
CPU_RESOLUTION = 32  # where neither the data set nor the user says less or more
CPU_NUM_FACES = 5000  # pictures to draw where the built-in faces are used
PROGAN_V1 = HardwareRow(1, 16, {256: 14, 512: 6, 1024: 3}, {})  # older than the rows: 0.001 at every resolution

# ----------------------------------------------------------------------------------------------------------------------
# The paper's tables, and the ablations of Progressive GAN

# Both networks of B to F. Resolutions that are not listed train with the base rate, 0.001.
LRATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}


def _with_G(older: Experiment, config: str, **fields: Any) -> Experiment:
    return replace(older, config=config, G=replace(older.G, **fields))


def _with_training(older: Experiment, config: str, **fields: Any) -> Experiment:
    return replace(older, config=config, training=replace(older.training, **fields))


# Table 1, from the full StyleGAN down.
F = Experiment(config="F", schedule=ScheduleConfig(G_lrate=LRATES, D_lrate=LRATES))
E = _with_training(F, "E", style_mixing_prob=0.0)
D = _with_G(E, "D", use_noise=False)
C = _with_G(D, "C", const_input_layer=False)
B = _with_G(C, "B", use_styles=False, use_pixel_norm=True, use_instance_norm=False, mapping_layers=0)
A = Experiment(
    config="A",
    G=ProganGeneratorConfig(),
    D=ProganDiscriminatorConfig(),
    loss=LOSSES["wgan_gp"],
    schedule=ScheduleConfig(initial_resolution=4, max_minibatch_per_gpu={256: 16, 512: 8, 1024: 4}),
    training=TrainingConfig(total_kimg=12000, style_mixing_prob=0.0),
    output=OutputConfig(grid="1080p"),
)

# Of Progressive GAN's own script.
A_FP16 = replace(
    _with_G(A, "A-fp16", pixelnorm_epsilon=1e-4),
    schedule=replace(A.schedule, max_minibatch_per_gpu={512: 16, 1024: 8}),
    training=replace(A.training, precision="mixed_float16"),
)
V1 = replace(
    _with_training(A, "v1-1gpu", total_kimg=19000),
    D=replace(A.D, mbstd_group_size=16),
    schedule=replace(A.schedule, lod_training_kimg=800, lod_transition_kimg=800),
)


def _mixing(config: str, probability: float) -> Experiment:
    return _with_training(F, config, style_mixing_prob=probability)


def _mapping(older: Experiment, config: str, layers: int) -> Experiment:
    return _with_G(older, config, mapping_layers=layers)


def _on(config: str) -> Experiment:
    return replace(A, config=config)


@dataclass(frozen=True)
class Preset:
    """One line of a table."""

    experiment: Experiment
    what: str
    published: str = ""  # a word for each column of the table; "; " between two measurements
    hardware: str | None = None  # the one row that it is for; None: any
    row: HardwareRow | None = None  # its own numbers for that row


@dataclass(frozen=True)
class Table:
    """Presets that were published together."""

    title: str
    columns: tuple[str, ...]
    presets: tuple[Preset, ...]


TABLES = (
    Table(
        "Table 1, generator designs: FID (on CelebA-HQ B to F were trained with --loss=wgan_gp)",
        ("CelebA-HQ", "FFHQ"),
        (
            Preset(A, "Progressive GAN with WGAN-GP, from 4x4", "7.79 8.04"),
            Preset(B, "tuned: logistic loss with R1, from 8x8, blur, 25000 kimg", "6.11 5.25"),
            Preset(C, "mapping network and styles", "5.34 4.85"),
            Preset(D, "a learned constant instead of the traditional input", "5.07 4.88"),
            Preset(E, "noise inputs", "5.06 4.42"),
            Preset(F, "style mixing: the full StyleGAN", "5.17 4.40"),
        ),
    ),
    Table(
        "Table 2, how often styles are mixed in training: FID on FFHQ of pictures of 1 to 4 latents",
        ("1", "2", "3", "4"),
        (
            Preset(_mixing("mix0", 0.0), "F, never", "4.42 8.22 12.88 17.41"),
            Preset(_mixing("mix50", 0.5), "F, half of the time", "4.41 6.10 8.71 11.61"),
            Preset(_mixing("mix90", 0.9), "F", "4.40 5.11 6.88 9.03"),
            Preset(_mixing("mix100", 1.0), "F, always", "4.83 5.17 6.63 8.40"),
        ),
    ),
    Table(
        "Table 4, depth of the mapping network, on FFHQ: FID; path length (PPL) and separability in the space named",
        ("space", "FID", "PPL-full", "PPL-end", "separability"),
        (
            Preset(_mapping(B, "traditional-0", 0), "B", "Z 5.25 412.0 415.3 10.78"),
            Preset(
                _mapping(B, "traditional-8", 8),
                "B with 8 layers",
                "Z 4.87 896.2 902.0 170.29; W 4.87 324.5 212.2 6.52",
            ),
            Preset(_mapping(F, "stylebased-0", 0), "F without layers: w is z", "Z 5.06 283.5 285.5 9.88"),
            Preset(_mapping(F, "stylebased-1", 1), "F with 1 layer", "W 4.60 219.9 209.4 6.81"),
            Preset(_mapping(F, "stylebased-2", 2), "F with 2 layers", "W 4.43 217.8 199.9 6.25"),
            Preset(_mapping(F, "stylebased-8", 8), "F", "W 4.40 234.0 195.9 3.79"),
        ),
    ),
    Table(
        "Progressive GAN, the presets of its own training script",
        (),
        (
            Preset(A_FP16, "A in mixed_float16"),
            Preset(V1, "the older one: smaller minibatches, 19000 kimg", hardware="1gpu", row=PROGAN_V1),
            Preset(_on("v2-1gpu"), "A", hardware="1gpu"),
            Preset(_on("v2-2gpus"), "A", hardware="2gpu"),
            Preset(_on("v2-4gpus"), "A", hardware="4gpu"),
            Preset(_on("v2-8gpus"), "A", hardware="8gpu"),
        ),
    ),
)

# The ablations of Progressive GAN: what --set makes of config A.
ABLATIONS = {
    "nogrowing": (
        *("schedule.initial_resolution=1024", "schedule.lod_training_kimg=0", "schedule.lod_transition_kimg=0"),
        "training.total_kimg=10000",
    ),
    "nopixelnorm": ("G.use_pixelnorm=false",),
    "nowscale": ("G.use_wscale=false", "D.use_wscale=false"),
    "noleakyrelu": ("G.use_leakyrelu=false",),
    "nosmoothing": ("training.ema_half_life_kimg=0",),
    "norepeat": ("training.minibatch_repeats=1",),
    "noreset": ("training.reset_optimizer=false",),
    "cond": ("data.max_label_size=none",),
    "cond1": ("data.max_label_size=1",),
}

PRESETS = {preset.experiment.config: preset for table in TABLES for preset in table.presets}
CONFIGS = {config: preset.experiment for config, preset in PRESETS.items()}

# ----------------------------------------------------------------------------------------------------------------------
# Data sets by name: where they are expected, and how the official scripts train on them


@dataclass(frozen=True)
class NamedDataSet:
    """What --dataset=NAME stands for."""

    folder: str  # in --data_dir
    resolution: int  # that is trained
    mirror: bool
    highest: int  # resolution of the records
    fid: str  # the paper's, of config F trained to this resolution; "": not published
    what: str


DATA_SETS = {
    "ffhq": NamedDataSet("ffhq", 1024, True, 1024, "4.40", "Flickr-Faces-HQ"),
    "ffhq512": NamedDataSet("ffhq", 512, True, 1024, "", "the records of ffhq"),
    "ffhq256": NamedDataSet("ffhq", 256, True, 1024, "", "the records of ffhq"),
    "celebahq": NamedDataSet("celebahq", 1024, True, 1024, "5.17", "CelebA-HQ, with --loss=wgan_gp"),
    "lsun-bedroom-full": NamedDataSet("lsun-bedroom-full", 256, False, 256, "2.65", "LSUN bedrooms, after 70000 kimg"),
    "lsun-car-512x384": NamedDataSet("lsun-car-512x384", 512, False, 512, "3.27", "LSUN cars, after 46000 kimg"),
    "lsun-cat-full": NamedDataSet("lsun-cat-full", 256, False, 256, "8.53", "LSUN cats, after 70000 kimg"),
}
LOWEST = 4  # resolution of the records


def named_data_set(asked: str) -> NamedDataSet | None:
    """The data set that is called `asked`; None where it is a path, as a folder of that name is.

    Raises UserError for what is neither but looks like a name misspelt.
    """
    if os.path.exists(asked):
        return None
    near = difflib.get_close_matches(asked.lower(), DATA_SETS, n=1, cutoff=0.8)
    if asked not in DATA_SETS and near:
        raise UserError(f"--dataset={asked}: there is no such folder; did you mean {near[0]}?")
    return DATA_SETS.get(asked)


def missing_data_set(asked: str, directory: str) -> UserError:
    """The UserError where the records of a named data set are not there: says how to get them."""
    return UserError(
        f"--dataset={asked}: its records are expected in {directory}, which does not exist; put the original TFRecords "
        f"there, make it with `python dataset_tool.py create_from_images {directory} PICTURES`, or name the folder "
        f"above it with --data_dir"
    )


# ----------------------------------------------------------------------------------------------------------------------
# A preset on a hardware row, with a loss, for a data set

# The built-in faces have any resolution; this one is trained on GPUs where nobody asks for another.
FACES_RESOLUTION = 256


def preset(config: str) -> Preset:
    """The preset of that name. Raises UserError that says the nearest one."""
    if config not in PRESETS:
        raise no_such("config", config, PRESETS)
    return PRESETS[config]


def auto_hardware(config: str, machine: str) -> str:
    """The row of a preset on a machine whose own row is `machine`: a preset's GPUs are counted in its minibatches, and
    need not be there. Raises UserError for a name that does not exist."""
    return machine if machine == "cpu" else preset(config).hardware or machine


def experiment(
    config: str = "F",
    hardware: str | None = None,
    loss: str | None = None,
    directory: str = "",
    data_resolution: int | None = None,
    num_channels: int = 3,
    resolution: int | None = None,
    mirror: bool = False,
) -> Experiment:
    """A preset on a hardware row, with a loss, for a data set.

    `hardware` None: the preset's own row, or 1gpu. `loss` None: the preset's own. `directory`, `data_resolution` and
    `num_channels` describe the data set ("": the built-in faces, any resolution), `mirror` what is done with it.
    `resolution` is the one to train; None: the data set's own, or what the hardware row can do in minutes (cpu). As in
    the official code it changes the networks alone: the schedule ends as soon as their resolution is reached.
    Raises UserError for a name that does not exist, and for a row that the preset is not for.
    """
    chosen = preset(config)
    if hardware is None:
        hardware = chosen.hardware or "1gpu"
    if hardware not in HARDWARE:
        raise no_such("hardware row", hardware, HARDWARE)
    if chosen.hardware not in (None, hardware) and hardware != "cpu":
        raise UserError(
            f"config {config} is made for the hardware row {chosen.hardware}, not {hardware}: leave --hardware out, "
            "name cpu (scaled down), or train config A, which is for every row"
        )
    if resolution is None:
        resolution = _default_resolution(hardware, data_resolution)
    start = _with_loss(chosen.experiment, loss)
    start = replace(
        start,
        data=DataConfig(directory=directory, resolution=resolution, mirror=mirror),
        G=replace(start.G, resolution=resolution, num_channels=num_channels),
        D=replace(start.D, resolution=resolution, num_channels=num_channels),
    )
    return on_cpu(start) if hardware == "cpu" else on_gpus(start, hardware, chosen.row or GPUS[hardware])


def with_labels(experiment: Experiment, label_size: int) -> Experiment:
    """`experiment` for one-hot labels of that length. Without a mapping network w is z and the embedded label."""
    G = replace(experiment.G, label_size=label_size)
    if isinstance(G, GeneratorConfig) and G.mapping_layers == 0:
        G = replace(G, w_dim=G.z_dim * (2 if label_size else 1))
    return replace(experiment, G=G, D=replace(experiment.D, label_size=label_size))


def description(experiment: Experiment) -> str:
    """What the run is called behind its number: sgan-<data set>-<resolution>-<config>-<hardware>[-<desc>]."""
    name = experiment.data.directory.rstrip("/").rsplit("/", 1)[-1] or "faces"
    parts = ["sgan", name, str(experiment.data.resolution), experiment.config, experiment.hardware, experiment.desc]
    joined = "-".join(part for part in parts if part)
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in joined)


def _default_resolution(hardware: str, data_resolution: int | None) -> int:
    if hardware == "cpu":
        return min(CPU_RESOLUTION, data_resolution or CPU_RESOLUTION)
    return data_resolution or FACES_RESOLUTION


def _with_loss(experiment: Experiment, loss: str | None) -> Experiment:
    """With the loss of that name. WGAN-GP bears no high learning rates; those of config A come with its row."""
    if loss is None:
        return experiment
    if loss not in LOSSES:
        raise no_such("loss", loss, LOSSES)
    if loss == "wgan_gp":
        rates = {at: min(rate, WGAN_GP_MOST_LRATE) for at, rate in experiment.schedule.G_lrate.items()}
        experiment = replace(experiment, schedule=replace(experiment.schedule, G_lrate=rates, D_lrate=rates))
    return replace(experiment, loss=LOSSES[loss])


def on_gpus(experiment: Experiment, hardware: str, row: HardwareRow) -> Experiment:
    """`experiment` with the numbers of `row`, which is called `hardware`."""
    schedule = replace(experiment.schedule, minibatch_base=row.minibatch_base, minibatch=row.minibatch)
    if isinstance(experiment.G, ProganGeneratorConfig):
        schedule = replace(schedule, G_lrate=row.progan_lrate, D_lrate=row.progan_lrate)
    training = replace(experiment.training, num_gpus=row.num_gpus)
    return replace(experiment, hardware=hardware, schedule=schedule, training=training)


def on_cpu(chosen: Experiment) -> Experiment:
    """`chosen` scaled down to narrow networks and a short schedule, the rest of it as it is: recognisable 32x32
    pictures from config F in some ten minutes on two cores."""
    training, loss, side = chosen.training, chosen.loss, chosen.data.resolution
    narrow: dict[str, Any] = {"fmap_base": 512, "fmap_max": 64, "fused_scale": MEASURED}  # 64 channels up to 16x16
    G = replace(chosen.G, z_dim=64, **narrow)
    if isinstance(G, GeneratorConfig):
        G = replace(G, w_dim=64, mapping_fmaps=64)
    doublings = max(side.bit_length() - chosen.schedule.initial_resolution.bit_length(), 0)
    lazy = (loss.r1_gamma or loss.r2_gamma) and not loss.gp_weight
    return replace(
        chosen,
        hardware="cpu",
        data=replace(chosen.data, num_faces=CPU_NUM_FACES),
        G=G,
        D=replace(chosen.D, **narrow),
        # The penalty sums over the pixels of the final picture; the paper's gamma at most.
        loss=replace(loss, r1_gamma=min(0.0005 * side**2, loss.r1_gamma)),
        schedule=replace(
            chosen.schedule,
            lod_training_kimg=10,
            lod_transition_kimg=10,
            # Narrow networks and short schedules bear three times the paper's learning rate.
            G_lrate_base=0.003,
            D_lrate_base=0.003,
            minibatch_base=CPU_MINIBATCH_BASE,
            minibatch=CPU_MINIBATCH,
            tick_kimg_base=5,
            tick_kimg={},
        ),
        training=replace(
            training,
            total_kimg=20 * doublings + 60,  # 60 at the final resolution: 100 in all for 8x8 -> 16x16 -> 32x32
            ema_half_life_kimg=4.0,
            r1_interval=16 if lazy else training.r1_interval,
            precision="auto" if training.precision == "float32" else training.precision,
        ),
        output=OutputConfig(grid="8x8", image_ticks=1, snapshot_ticks=5, checkpoint_minutes=2.0),
    )
