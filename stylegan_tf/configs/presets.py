"""Table 1 of the paper as code: configs B to F, each a replace() of another; the hardware rows and the losses.

`experiment` puts one of each together with a data set. The numbers are those of the official train.py, except for the
`cpu` row, which is ours.
"""

from dataclasses import dataclass, replace

from stylegan_tf.configs.json_form import no_such
from stylegan_tf.configs.schema import (
    DataConfig,
    Experiment,
    GeneratorConfig,
    LossConfig,
    OutputConfig,
    ScheduleConfig,
    TrainingConfig,
)
from stylegan_tf.mistakes import Mistake

# Both networks. Resolutions that are not listed train with the base rate, 0.001.
LRATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}

# FID of the paper, CelebA-HQ / FFHQ:
F = Experiment(config="F", schedule=ScheduleConfig(G_lrate=LRATES, D_lrate=LRATES))  # 5.17 / 4.40, the full StyleGAN
E = replace(F, config="E", training=replace(F.training, style_mixing_prob=0.0))  # 5.06 / 4.42
D = replace(E, config="D", G=replace(E.G, use_noise=False))  # 5.07 / 4.88
C = replace(D, config="C", G=replace(D.G, const_input_layer=False))  # 5.34 / 4.85
B = replace(  # 6.11 / 5.25, the tuned baseline: no style-based generator yet
    F,
    config="B",
    G=GeneratorConfig(
        use_styles=False,
        const_input_layer=False,
        use_noise=False,
        use_pixel_norm=True,
        use_instance_norm=False,
        mapping_layers=0,
    ),
    training=TrainingConfig(style_mixing_prob=0.0),
)
CONFIGS = {"F": F, "E": E, "D": D, "C": C, "B": B}


@dataclass(frozen=True)
class HardwareRow:
    """Minibatches of a number of GPUs: `minibatch` by resolution, `minibatch_base` for those not listed."""

    shares: int
    minibatch_base: int
    minibatch: dict[int, int]


GPUS = {
    "1gpu": HardwareRow(1, 4, {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4}),
    "2gpu": HardwareRow(2, 8, {4: 256, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8}),
    "4gpu": HardwareRow(4, 16, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32, 128: 16}),
    "8gpu": HardwareRow(8, 32, {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}),
}
HARDWARE = ("cpu", *GPUS)

LOSSES = {
    "logistic": LossConfig(),  # non-saturating, R1 with gamma 10: FFHQ
    "logistic_saturating": LossConfig(G="logistic_saturating"),
    "wgan": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, drift_weight=0.001),
    "wgan_gp": LossConfig(G="wgan", D="wgan", r1_gamma=0.0, gp_weight=10.0, drift_weight=0.001),  # CelebA-HQ
    "hinge": LossConfig(G="wgan", D="hinge", r1_gamma=0.0),
    "hinge_gp": LossConfig(G="wgan", D="hinge", r1_gamma=0.0, gp_weight=10.0),
}
WGAN_GP_MOST_LRATE = 0.002

# The built-in faces have any resolution; this one is trained on GPUs where nobody asks for another.
FACES_RESOLUTION = 256


def experiment(
    config: str = "F",
    hardware: str = "1gpu",
    loss: str = "logistic",
    directory: str = "",
    data_resolution: int | None = None,
    num_channels: int = 3,
    resolution: int | None = None,
) -> Experiment:
    """A preset on a hardware row, with a loss, for a data set.

    `directory`, `data_resolution` and `num_channels` describe the data set ("": the built-in faces, any resolution).
    `resolution` is the one to train; None: the data set's own, or what the hardware row can do in minutes (cpu). As in
    the official code it changes the networks alone: the schedule ends as soon as their resolution is reached.
    """
    if config == "A":
        raise Mistake("config A is not available yet; configs B to F are: choose from F, E, D, C, B")
    for what, asked, choices in (
        ("config", config, CONFIGS),
        ("hardware row", hardware, HARDWARE),
        ("loss", loss, LOSSES),
    ):
        if asked not in choices:
            raise no_such(what, asked, choices)
    if resolution is None:
        resolution = _default_resolution(hardware, data_resolution)
    preset = CONFIGS[config]
    chosen = replace(
        preset,
        hardware=hardware,
        data=DataConfig(directory=directory, resolution=resolution),
        G=replace(preset.G, resolution=resolution, num_channels=num_channels),
        D=replace(preset.D, resolution=resolution, num_channels=num_channels),
        loss=LOSSES[loss],
    )
    if loss == "wgan_gp":
        chosen = _with_lrates(chosen, {at: min(rate, WGAN_GP_MOST_LRATE) for at, rate in LRATES.items()})
    return _on_cpu(chosen) if hardware == "cpu" else _on_gpus(chosen, GPUS[hardware])


def with_labels(experiment: Experiment, label_size: int) -> Experiment:
    """`experiment` for one-hot labels of that length. Without a mapping network w is z and the embedded label."""
    G = replace(experiment.G, label_size=label_size)
    if G.mapping_layers == 0:
        G = replace(G, w_dim=G.z_dim * (2 if label_size else 1))
    return replace(experiment, G=G, D=replace(experiment.D, label_size=label_size))


def description(experiment: Experiment) -> str:
    """What the run is called behind its number: sgan-<data set>-<resolution>-<config>-<hardware>."""
    name = experiment.data.directory.rstrip("/").rsplit("/", 1)[-1] or "faces"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return f"sgan-{safe}-{experiment.data.resolution}-{experiment.config}-{experiment.hardware}"


def _default_resolution(hardware: str, data_resolution: int | None) -> int:
    if hardware == "cpu":
        return min(CPU_RESOLUTION, data_resolution or CPU_RESOLUTION)
    return data_resolution or FACES_RESOLUTION


def _with_lrates(experiment: Experiment, rates: dict[int, float]) -> Experiment:
    return replace(experiment, schedule=replace(experiment.schedule, G_lrate=rates, D_lrate=rates))


def _on_gpus(experiment: Experiment, row: HardwareRow) -> Experiment:
    schedule = replace(experiment.schedule, minibatch_base=row.minibatch_base, minibatch=row.minibatch)
    return replace(experiment, schedule=schedule, training=replace(experiment.training, shares=row.shares))


# The cpu row: recognisable 32x32 pictures from config F in about seven minutes on two cores. ------------------------
CPU_RESOLUTION = 32  # where neither the data set nor the user says less or more
CPU_FMAP_BASE, CPU_FMAP_MAX = 512, 64  # channels: 64 up to 16x16, then 32, 16, ...
CPU_WIDTH = 64  # of z, w and the mapping network
CPU_PRECISION = "mixed_bfloat16"
CPU_R1_GAMMA_PER_PIXEL = 0.0005  # of the final picture, the paper's 10 at most: the penalty sums over pixels
CPU_MINIBATCH = {4: 32, 8: 32, 16: 32, 32: 16}
CPU_MINIBATCH_BASE = 16
CPU_TRAINING_KIMG, CPU_TRANSITION_KIMG = 10, 10  # at a resolution, and fading into the next
CPU_FINAL_KIMG = 60  # at the final resolution: 100 in all for 8x8 -> 16x16 -> 32x32
CPU_LRATE = 0.003  # both networks, every resolution: narrow networks and short schedules bear three times the paper's
CPU_EMA_HALF_LIFE_KIMG = 4.0
CPU_TICK_KIMG = 5
CPU_NUM_FACES = 5000  # pictures to draw where the built-in faces are used
CPU_OUTPUT = OutputConfig(grid="8x8", image_ticks=1, snapshot_ticks=5, checkpoint_minutes=2.0)


def _on_cpu(experiment: Experiment) -> Experiment:
    r1_gamma = CPU_R1_GAMMA_PER_PIXEL * experiment.data.resolution**2
    doublings = experiment.data.resolution.bit_length() - experiment.schedule.initial_resolution.bit_length()
    return replace(
        experiment,
        data=replace(experiment.data, num_faces=CPU_NUM_FACES),
        G=replace(
            experiment.G,
            z_dim=CPU_WIDTH,
            w_dim=CPU_WIDTH,
            mapping_fmaps=CPU_WIDTH,
            fmap_base=CPU_FMAP_BASE,
            fmap_max=CPU_FMAP_MAX,
        ),
        D=replace(experiment.D, fmap_base=CPU_FMAP_BASE, fmap_max=CPU_FMAP_MAX),
        loss=replace(experiment.loss, r1_gamma=min(r1_gamma, experiment.loss.r1_gamma)),
        schedule=replace(
            experiment.schedule,
            lod_training_kimg=CPU_TRAINING_KIMG,
            lod_transition_kimg=CPU_TRANSITION_KIMG,
            G_lrate_base=CPU_LRATE,
            D_lrate_base=CPU_LRATE,
            minibatch_base=CPU_MINIBATCH_BASE,
            minibatch=CPU_MINIBATCH,
            tick_kimg_base=CPU_TICK_KIMG,
            tick_kimg={},
        ),
        training=replace(
            experiment.training,
            total_kimg=(CPU_TRAINING_KIMG + CPU_TRANSITION_KIMG) * max(doublings, 0) + CPU_FINAL_KIMG,
            ema_half_life_kimg=CPU_EMA_HALF_LIFE_KIMG,
            precision=CPU_PRECISION,
        ),
        output=CPU_OUTPUT,
    )
