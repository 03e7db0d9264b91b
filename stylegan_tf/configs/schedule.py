"""What to train after how many pictures: a pure function of nimg (official training_schedule, paper app. C).

Training starts at a low resolution and doubles it: `lod_training_kimg` at a resolution, then `lod_transition_kimg` in
which the next one fades in, and so on. The official `lod` counts resolutions down from the final one: its integer part
is how many doublings are still missing, its fraction the weight of the coarser picture.
"""

import math
from dataclasses import dataclass

from stylegan_tf.configs.schema import ScheduleConfig


@dataclass(frozen=True)
class Phase:
    """The schedule's answer at one moment."""

    lod: float  # official level of detail, 0 at the end
    stage: int  # log2 of the resolution being trained; during a fade already the finer one
    fade: float  # weight of the finest branch, 0 < fade <= 1; exactly 1.0 where nothing fades
    resolution: int  # 2 ** stage
    minibatch: int  # global, divisible by the num_gpus
    G_lrate: float
    D_lrate: float
    tick_kimg: float  # length of a tick in thousands of pictures


def phase(nimg: int, schedule: ScheduleConfig, resolution: int, num_gpus: int = 1) -> Phase:
    """The phase in which the picture number `nimg` (pictures shown so far) is trained.

    `resolution` is the final one, a power of two. `num_gpus` is the number of GPUs of the official hardware row: the
    minibatch is rounded down to a multiple of it, then capped at max_minibatch_per_gpu x num_gpus.
    """
    final_stage = resolution.bit_length() - 1
    lod = level_of_detail(nimg, schedule, final_stage)
    stage = final_stage - math.floor(lod)
    current = 2**stage
    rampup = 1.0
    if schedule.lrate_rampup_kimg > 0:
        rampup = min(nimg / 1000 / schedule.lrate_rampup_kimg, 1.0)
    return Phase(
        lod=lod,
        stage=stage,
        fade=1.0 - (lod - math.floor(lod)),
        resolution=current,
        minibatch=minibatch_of(schedule, current, num_gpus),
        G_lrate=rampup * schedule.G_lrate.get(current, schedule.G_lrate_base),
        D_lrate=rampup * schedule.D_lrate.get(current, schedule.D_lrate_base),
        tick_kimg=schedule.tick_kimg.get(current, schedule.tick_kimg_base),
    )


def level_of_detail(nimg: int, schedule: ScheduleConfig, final_stage: int) -> float:
    """The official lod after `nimg` pictures. Training and transition both 0: no growing, the first lod for ever."""
    kimg = nimg / 1000
    period = schedule.lod_training_kimg + schedule.lod_transition_kimg
    doublings = math.floor(kimg / period) if period > 0 else 0
    lod = float(final_stage - (schedule.initial_resolution.bit_length() - 1) - doublings)
    if schedule.lod_transition_kimg > 0:
        in_transition = max(kimg - doublings * period - schedule.lod_training_kimg, 0.0)
        lod -= in_transition / schedule.lod_transition_kimg
    return max(lod, 0.0)


def reset_key(phase: Phase) -> tuple[int, int]:
    """What must change for the optimizers to forget: (floor, ceil) of lod.

    It changes twice per doubling, when a fade begins and when it ends.
    """
    return math.floor(phase.lod), math.ceil(phase.lod)


def minibatch_of(schedule: ScheduleConfig, resolution: int, num_gpus: int) -> int:
    """Pictures of a global minibatch at a resolution: see `phase`."""
    minibatch = schedule.minibatch.get(resolution, schedule.minibatch_base)
    minibatch -= minibatch % num_gpus
    most = schedule.max_minibatch_per_gpu.get(resolution)
    return minibatch if most is None else min(minibatch, most * num_gpus)
