"""Whether an experiment can be run: one clear sentence if it cannot."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from stylegan_tf.configs.crop import rectangle
from stylegan_tf.configs.json_form import as_text, flat
from stylegan_tf.configs.options import HIGHEST_RESOLUTION, problems
from stylegan_tf.configs.schema import Experiment, ProganGeneratorConfig
from stylegan_tf.errors import UserError

CHOICES = {
    "loss.G": ("logistic_nonsaturating", "logistic_saturating", "wgan"),
    "loss.D": ("logistic", "wgan", "hinge"),
    "training.precision": ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
}
AT_LEAST_ONE = (
    *("schedule.minibatch_base", "training.num_gpus", "training.minibatch_repeats", "training.D_repeats"),
    "training.r1_interval",
    *("output.image_ticks", "output.snapshot_ticks", "output.metric_ticks", "data.num_faces"),
)
ABOVE_ZERO = (
    *("schedule.G_lrate_base", "schedule.D_lrate_base", "schedule.tick_kimg_base"),
    *("training.total_kimg", "training.adam_epsilon", "output.checkpoint_minutes"),
)
NOT_NEGATIVE = (
    *("loss.r1_gamma", "loss.r2_gamma", "loss.gp_weight", "loss.gp_target", "loss.drift_weight"),
    *("schedule.lod_training_kimg", "schedule.lod_transition_kimg", "schedule.lrate_rampup_kimg"),
    *("training.seed", "training.ema_half_life_kimg", "replicas", "threads"),
)
BETWEEN_0_AND_1 = ("training.style_mixing_prob", "training.w_avg_beta", "training.adam_beta1", "training.adam_beta2")
TABLES = ("minibatch", "max_minibatch_per_gpu", "G_lrate", "D_lrate", "tick_kimg")


def validate(experiment: Experiment) -> Experiment:
    """Returns `experiment`; raises UserError where a value, or two of them together, cannot be."""
    for problem in problems(experiment.G, "G") + problems(experiment.D, "D"):
        raise UserError(problem)
    _check_values(flat(experiment))
    _check_resolutions(experiment)
    _check_agreement(experiment)
    _check_penalties(experiment)
    _check_generator(experiment)
    _check_minibatches(experiment)
    return experiment


def check_enough_pictures(experiment: Experiment, num_images: int) -> None:
    """Raises UserError where the data set has fewer pictures than the largest minibatch."""
    resolution, largest = max(_minibatches(experiment), key=lambda pair: pair[1])
    if num_images < largest:
        where = experiment.data.directory or "the built-in faces"
        raise UserError(
            f"{where}: {num_images} pictures are fewer than a minibatch, {largest} at {resolution}x{resolution}; "
            f"add pictures, or make it smaller with --set=schedule.minibatch.{resolution}=N"
        )


def check_replicas(experiment: Experiment, replicas: int) -> None:
    """Raises UserError where a minibatch cannot be shared by so many replicas in whole groups of the deviation."""
    for resolution, minibatch in _minibatches(experiment):
        group = max(1, min(experiment.D.mbstd_group_size, minibatch // experiment.training.num_gpus))
        if minibatch % (group * replicas):
            raise UserError(
                f"--replicas={replicas}: the minibatch at {resolution}x{resolution}, {minibatch}, must be a "
                f"multiple of {group * replicas} (replicas times the group of the minibatch deviation); name another "
                f"number of replicas, or --set=schedule.minibatch.{resolution}={group * replicas}"
            )


def _check_values(values: dict[str, Any]) -> None:
    for path, choices in CHOICES.items():
        if path in values and values[path] not in choices:
            raise UserError(f"{path} is {values[path]}; choose from {', '.join(choices)}")
    for path, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{path} must be a finite number, not {value}")
    _check_each(AT_LEAST_ONE, values, lambda value: value >= 1, "must be at least 1")
    _check_each(ABOVE_ZERO, values, lambda value: value > 0, "must be above 0")
    _check_each(NOT_NEGATIVE, values, lambda value: value >= 0, "must not be negative")
    _check_each(BETWEEN_0_AND_1, values, lambda value: 0 <= value <= 1, "must be between 0 and 1")
    for name in TABLES:
        for resolution, value in values[f"schedule.{name}"].items():
            _check_power_of_two(f"schedule.{name}.{resolution}: {resolution}", resolution, 4)
            if value <= 0:
                raise UserError(f"schedule.{name}.{resolution} must be above 0, not {value}")
    if not re.fullmatch(r"1080p|4k|[1-9]\d{0,2}x[1-9]\d{0,2}", str(values["output.grid"])):
        raise UserError(f"output.grid is {values['output.grid']}; choose 1080p, 4k, or columns x rows such as 8x8")


def _check_each(paths: Iterable[str], values: dict[str, Any], allowed: Callable[[Any], bool], must: str) -> None:
    for path in paths:
        if path in values and not allowed(values[path]):
            raise UserError(f"{path} {must}, not {as_text(values[path])}")


def _check_power_of_two(what: str, value: int, least: int) -> None:
    if value < least or value > HIGHEST_RESOLUTION or value & (value - 1):
        raise UserError(f"{what} must be a power of two from {least} to {HIGHEST_RESOLUTION}, such as 32, 256 or 1024")


def _check_resolutions(experiment: Experiment) -> None:
    rectangle(experiment.data.crop, experiment.data.resolution, "data.crop")
    schedule, resolution = experiment.schedule, experiment.data.resolution
    _check_power_of_two(f"the resolution {resolution}", resolution, 8)
    first = schedule.initial_resolution
    _check_power_of_two(f"schedule.initial_resolution={first}", first, 4)
    if first > resolution:
        raise UserError(f"schedule.initial_resolution={first} is above the resolution that is trained, {resolution}")
    if schedule.lod_training_kimg + schedule.lod_transition_kimg == 0 and first != resolution:
        raise UserError(
            "without growing (schedule.lod_training_kimg and lod_transition_kimg 0) training stays at "
            f"schedule.initial_resolution={first}: set it to {resolution}"
        )


def _check_agreement(experiment: Experiment) -> None:
    """G, D and the data set are made for each other."""
    G, D, data = experiment.G, experiment.D, experiment.data
    if not G.resolution == D.resolution == data.resolution:
        raise UserError(
            f"G.resolution={G.resolution}, D.resolution={D.resolution} and data.resolution={data.resolution} must be "
            "equal; --resolution sets all three"
        )
    if G.num_channels != D.num_channels:
        raise UserError(f"G.num_channels={G.num_channels} and D.num_channels={D.num_channels} must be equal")
    if G.label_size != D.label_size:
        raise UserError(f"G.label_size={G.label_size} and D.label_size={D.label_size} must be equal")
    if data.max_label_size is not None and data.max_label_size != G.label_size:
        raise UserError(
            f"G.label_size={G.label_size} does not fit data.max_label_size={data.max_label_size}; set "
            "data.max_label_size alone (none: all columns of the label file), the networks follow"
        )


def _check_penalties(experiment: Experiment) -> None:
    interval, loss = experiment.training.r1_interval, experiment.loss
    if interval > 1 and (loss.gp_weight or not (loss.r1_gamma or loss.r2_gamma)):
        what = "WGAN-GP's penalty belongs to every step" if loss.gp_weight else "there is no R1 or R2 penalty"
        raise UserError(f"training.r1_interval is {interval}, but {what} (loss.r1_gamma=0): set it to 1")


def _check_generator(experiment: Experiment) -> None:
    G, mixing = experiment.G, experiment.training.style_mixing_prob
    if isinstance(G, ProganGeneratorConfig):
        if mixing > 0:
            raise UserError("config A has no styles to mix: training.style_mixing_prob must be 0")
        return
    if not G.use_styles and mixing > 0:
        raise UserError("without G.use_styles there is no style to mix: training.style_mixing_prob must be 0")


def _minibatches(experiment: Experiment) -> list[tuple[int, int]]:
    """(resolution, minibatch) of every stage that is trained, capped as the schedule does."""
    schedule = experiment.schedule
    found, resolution = [], schedule.initial_resolution
    while resolution <= experiment.data.resolution:
        minibatch = schedule.minibatch.get(resolution, schedule.minibatch_base)
        most = schedule.max_minibatch_per_gpu.get(resolution)
        found.append((resolution, minibatch if most is None else min(minibatch, most * experiment.training.num_gpus)))
        resolution *= 2
    return found


def _check_minibatches(experiment: Experiment) -> None:
    shares, group_size = experiment.training.num_gpus, experiment.D.mbstd_group_size
    for resolution, minibatch in _minibatches(experiment):
        where = f"the minibatch at {resolution}x{resolution}, {minibatch}"
        if minibatch % shares:
            raise UserError(f"{where}, must be a multiple of training.num_gpus={shares}")
        if shares > 1 and minibatch // shares < group_size:
            raise UserError(
                f"{where}, gives each of training.num_gpus={shares} shares {minibatch // shares} pictures, fewer than "
                f"D.mbstd_group_size={group_size}"
            )
        group = min(group_size, minibatch // shares)
        if group > 1 and minibatch // shares % group:
            raise UserError(
                f"{where}, gives each of training.num_gpus={shares} shares {minibatch // shares} pictures, which must "
                f"be a multiple of D.mbstd_group_size={group_size}"
            )
