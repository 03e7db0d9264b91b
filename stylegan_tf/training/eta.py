"""How much longer a training run takes: the whole schedule, not today's speed, for the last resolution is the slowest.

Where a resolution has been trained its measured seconds per picture count; elsewhere those of the nearest measured
one, scaled by the multiplications that both need.
"""

import math
from collections.abc import Mapping

from stylegan_tf.configs.fused_scale import MEASURED, is_fused
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    Experiment,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
    ScheduleConfig,
)
from stylegan_tf.configs.stages import stage_of

# How often a picture goes through each network, forward or (about as expensive) backward to weights or to inputs.
# G: forward in the D step; forward and twice backward in the G step. D: reals and fakes forward and twice backward,
# then forward and backward for G. The penalties: their gradient and its derivative; lazy ones need a pass forward and
# one backward more.
G_PASSES, D_PASSES, PENALTY_PASSES, LAZY_PENALTY_PASSES = 4, 8, 3, 6
FUSED_COST = 4 / 9  # multiplications of a fused convolution, relative to the separate form

# How fast old measurements are forgotten, per measurement: the mean covers about the last ten.
MEMORY = 0.9


class Pace:
    """Measured seconds per picture, by stage; a mean over the recent past."""

    def __init__(self) -> None:
        self._sums: dict[int, tuple[float, float]] = {}

    def add(self, stage: int, images: int, seconds: float) -> None:
        """Notes that `images` pictures of `stage` took `seconds`. Leave out steps in which a graph was traced."""
        old_images, old_seconds = self._sums.get(stage, (0.0, 0.0))
        self._sums[stage] = (old_images * MEMORY + images, old_seconds * MEMORY + seconds)

    def seconds_per_image(self) -> dict[int, float]:
        """stage -> seconds."""
        return {stage: seconds / images for stage, (images, seconds) in self._sums.items() if images}


def remaining_seconds(experiment: Experiment, nimg: int, seconds_per_image: Mapping[int, float]) -> float | None:
    """Seconds from picture `nimg` to the end of the schedule; None as long as nothing was measured."""
    if not seconds_per_image:
        return None
    spans = stage_kimg(experiment.schedule, experiment.data.resolution, nimg / 1000, experiment.training.total_kimg)
    return sum(1000 * kimg * _pace_of(stage, experiment, seconds_per_image) for stage, kimg in spans.items())


def stage_kimg(schedule: ScheduleConfig, resolution: int, start: float, end: float) -> dict[int, float]:
    """stage -> thousands of pictures that are trained at it between `start` and `end` kimg.

    A stage begins with its fade, as in `schedule.phase`.
    """
    first, last = stage_of(schedule.initial_resolution), stage_of(resolution)
    period = schedule.lod_training_kimg + schedule.lod_transition_kimg
    if period == 0:
        last = first
    spans = {}
    for stage in range(first, last + 1):
        begins = 0.0 if stage == first else schedule.lod_training_kimg + (stage - first - 1) * period
        # Without a transition the jump comes at the end of the period, which is then the training time alone.
        ends = math.inf if stage == last else schedule.lod_training_kimg + (stage - first) * period
        kimg = min(ends, end) - max(begins, start)
        if kimg > 0:
            spans[stage] = kimg
    return spans


def multiplications(experiment: Experiment, stage: int) -> float:
    """Multiply-adds that train on one picture of `stage`: convolutions and dense layers, in all passes."""
    interval = experiment.training.r1_interval
    passes = D_PASSES + (PENALTY_PASSES if interval == 1 else LAZY_PENALTY_PASSES / interval)
    return G_PASSES * generator_cost(experiment.G, stage) + passes * discriminator_cost(experiment.D, stage)


def generator_cost(G: GeneratorConfig | ProganGeneratorConfig, stage: int) -> float:
    """Multiply-adds of one picture of 2**stage x 2**stage, forward; styles and blurs are too few to count."""
    width = {at: G.width(at) for at in range(2, stage + 1)}
    if isinstance(G, ProganGeneratorConfig):
        cost = float((G.z_dim + G.label_size) * 16 * width[2])
    else:
        first = G.z_dim * (2 if G.label_size else 1)
        widths = [first, *[G.mapping_fmaps] * (G.mapping_layers - 1), *[G.w_dim] * (G.mapping_layers > 0)]
        cost = float(sum(one * next_one for one, next_one in zip(widths, widths[1:], strict=False)))
        cost += 0 if G.const_input_layer else G.w_dim * 16 * width[2]
    cost += 16 * 9 * width[2] ** 2
    for at in range(3, stage + 1):
        up = 9 * width[at - 1] * width[at] * _scaling(G.fused_scale, at)
        cost += 4**at * (up + 9 * width[at] ** 2)
    return cost + 4**stage * width[stage] * G.num_channels


def discriminator_cost(D: DiscriminatorConfig | ProganDiscriminatorConfig, stage: int) -> float:
    """Multiply-adds of one picture of 2**stage x 2**stage, forward."""
    width = {at: D.width(at) for at in range(1, stage + 1)}
    cost = float(4**stage * D.num_channels * width[stage])
    for at in range(3, stage + 1):
        down = 9 * width[at] * width[at - 1] * _scaling(D.fused_scale, at)
        cost += 4**at * (9 * width[at] ** 2 + down)
    deviations = outputs = 1
    if isinstance(D, DiscriminatorConfig):
        deviations, outputs = D.mbstd_num_features, max(D.label_size, 1)
    cost += 16 * 9 * (width[2] + (deviations if D.mbstd_group_size > 1 else 0)) * width[2]
    return cost + 16 * width[2] * width[1] + width[1] * outputs


def _pace_of(stage: int, experiment: Experiment, seconds_per_image: Mapping[int, float]) -> float:
    if stage in seconds_per_image:
        return seconds_per_image[stage]
    # Of two stages equally near, the finer one: less of its time is overhead that does not grow.
    nearest = min(seconds_per_image, key=lambda measured: (abs(measured - stage), -measured))
    return seconds_per_image[nearest] * multiplications(experiment, stage) / multiplications(experiment, nearest)


def _scaling(fused_scale: str, stage: int) -> float:
    fused = fused_scale == MEASURED or is_fused(fused_scale, 2**stage)  # what is not measured yet: most often
    return FUSED_COST if fused else 1.0
