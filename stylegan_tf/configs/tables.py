"""The paper's tables as code: every preset a replace() of another, beside what was published for it.

The numbers are those of the official training scripts of StyleGAN and Progressive GAN.
"""

from dataclasses import dataclass, replace
from typing import Any

from stylegan_tf.configs.rows import PROGAN_V1, HardwareRow
from stylegan_tf.configs.schema import (
    Experiment,
    LossConfig,
    OutputConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
    ScheduleConfig,
    TrainingConfig,
)

LOSSES = {
    "logistic": LossConfig(),  # non-saturating, R1 with gamma 10: FFHQ
    "logistic_saturating": LossConfig(G="logistic_saturating"),
    "wgan": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, drift_weight=0.001),
    "wgan_gp": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, gp_weight=10.0, drift_weight=0.001),  # CelebA-HQ, config A
    "hinge": LossConfig(G="wgan", D="hinge", r1_gamma=0.0),
    "hinge_gp": LossConfig(G="wgan", D="hinge", r1_gamma=0.0, gp_weight=10.0),
}
WGAN_GP_MOST_LRATE = 0.002  # in configs B to F

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
