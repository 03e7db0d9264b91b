"""Hardware rows: what an experiment is on 1, 2, 4 or 8 GPUs (the official numbers) and on a CPU (ours)."""

from dataclasses import dataclass, replace

from stylegan_tf.configs.fused_scale import MEASURED
from stylegan_tf.configs.schema import (
    Experiment,
    GeneratorConfig,
    OutputConfig,
    ProganGeneratorConfig,
    ScheduleConfig,
)


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
PROGAN_V1 = HardwareRow(1, 16, {256: 14, 512: 6, 1024: 3}, {})  # older than the rows: 0.001 at every resolution


def on_gpus(experiment: Experiment, hardware: str, row: HardwareRow) -> Experiment:
    """`experiment` with the numbers of `row`, which is called `hardware`."""
    schedule = replace(experiment.schedule, minibatch_base=row.minibatch_base, minibatch=row.minibatch)
    if isinstance(experiment.G, ProganGeneratorConfig):
        schedule = replace(schedule, G_lrate=row.progan_lrate, D_lrate=row.progan_lrate)
    training = replace(experiment.training, num_gpus=row.num_gpus)
    return replace(experiment, hardware=hardware, schedule=schedule, training=training)


# The cpu row: recognisable 32x32 pictures from config F in some ten minutes on two cores. --------------------------
CPU_RESOLUTION = 32  # where neither the data set nor the user says less or more
CPU_FMAP_BASE, CPU_FMAP_MAX = 512, 64  # channels: 64 up to 16x16, then 32, 16, ...
CPU_WIDTH = 64  # of z, w and the mapping network
CPU_PRECISION = "auto"
CPU_FUSED_SCALE = MEASURED
CPU_R1_INTERVAL = 16  # of the losses that have R1 or R2
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


def on_cpu(experiment: Experiment) -> Experiment:
    """`experiment` scaled down: narrow networks and a short schedule, the rest of it as it is."""
    training = experiment.training
    r1_gamma = CPU_R1_GAMMA_PER_PIXEL * experiment.data.resolution**2
    lazy = (experiment.loss.r1_gamma or experiment.loss.r2_gamma) and not experiment.loss.gp_weight
    doublings = experiment.data.resolution.bit_length() - experiment.schedule.initial_resolution.bit_length()
    return replace(
        experiment,
        hardware="cpu",
        data=replace(experiment.data, num_faces=CPU_NUM_FACES),
        G=_narrow(experiment.G),
        D=replace(experiment.D, fmap_base=CPU_FMAP_BASE, fmap_max=CPU_FMAP_MAX, fused_scale=CPU_FUSED_SCALE),
        loss=replace(experiment.loss, r1_gamma=min(r1_gamma, experiment.loss.r1_gamma)),
        schedule=_short(experiment.schedule),
        training=replace(
            training,
            total_kimg=(CPU_TRAINING_KIMG + CPU_TRANSITION_KIMG) * max(doublings, 0) + CPU_FINAL_KIMG,
            ema_half_life_kimg=CPU_EMA_HALF_LIFE_KIMG,
            r1_interval=CPU_R1_INTERVAL if lazy else training.r1_interval,
            precision=CPU_PRECISION if training.precision == "float32" else training.precision,
        ),
        output=CPU_OUTPUT,
    )


def _narrow(G: GeneratorConfig | ProganGeneratorConfig) -> GeneratorConfig | ProganGeneratorConfig:
    narrow = replace(G, z_dim=CPU_WIDTH, fmap_base=CPU_FMAP_BASE, fmap_max=CPU_FMAP_MAX, fused_scale=CPU_FUSED_SCALE)
    if isinstance(narrow, ProganGeneratorConfig):
        return narrow
    return replace(narrow, w_dim=CPU_WIDTH, mapping_fmaps=CPU_WIDTH)


def _short(schedule: ScheduleConfig) -> ScheduleConfig:
    return replace(
        schedule,
        lod_training_kimg=CPU_TRAINING_KIMG,
        lod_transition_kimg=CPU_TRANSITION_KIMG,
        G_lrate_base=CPU_LRATE,
        D_lrate_base=CPU_LRATE,
        minibatch_base=CPU_MINIBATCH_BASE,
        minibatch=CPU_MINIBATCH,
        tick_kimg_base=CPU_TICK_KIMG,
        tick_kimg={},
    )
