"""What the paper's FFHQ schedule takes on 1, 8 and 64 GPUs, worked out on paper: python benchmarks/scaling.py

Counts come from this project's schedule, networks and records. Times come from the totals that were published for V100
cards. The tables of docs/SCALING.md are written again, each between its markers.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np

from benchmarks.page import table, write_section
from stylegan_tf import rundir
from stylegan_tf.configs.presets import DATA_SETS, experiment
from stylegan_tf.configs.schedule import minibatch_of
from stylegan_tf.configs.schema import Experiment, NetworkConfig
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.configs.text import from_json
from stylegan_tf.data.writing import encode_levels
from stylegan_tf.errors import exit_code
from stylegan_tf.networks.kinds import make
from stylegan_tf.pictures import grid_size
from stylegan_tf.training.eta import multiplications, stage_kimg
from stylegan_tf.weights.load import SHIPPED

PAGE = Path(__file__).resolve().parents[1] / "docs" / "SCALING.md"
PRICE_PER_GPU_HOUR = 2.0  # dollars; --price
NETWORK_GBIT = 100.0  # between two machines, each way; --gbit
PICTURES = 70_000  # of FFHQ
FLOAT = 4  # bytes
LEAST_PER_GPU = 4  # pictures: one group of the minibatch standard deviation
KEPT_CHECKPOINTS = 4  # the last two, the last finite one, and the one that is being written
DAY = 86400.0

# The official README's "expected training times" of config F on FFHQ with Tesla V100 cards: hours of 25,000 kimg, by
# GPUs and final resolution.
PUBLISHED_HOURS = {
    1: {1024: 41 * 24 + 4, 512: 24 * 24 + 21, 256: 14 * 24 + 22},
    2: {1024: 21 * 24 + 22, 512: 13 * 24 + 7, 256: 9 * 24 + 5},
    4: {1024: 11 * 24 + 8, 512: 7 * 24, 256: 4 * 24 + 21},
    8: {1024: 6 * 24 + 14, 512: 4 * 24 + 10, 256: 3 * 24 + 8},
}
PUBLISHED_FID_HOURS = 16 / 60  # of fid50k at 1024x1024 on one V100, there too

# docs/GPU.md: pictures a second of the network that comes along, on one H200 (float32 with TF32, compiled by XLA).
H200_RATES = {4: 9200.0, 5: 7000.0, 6: 4400.0}


@dataclass(frozen=True)
class Stage:
    """What one stage of a schedule takes, whatever the machine. Bytes and pictures are those of the whole minibatch."""

    stage: int
    kimg: float
    minibatch: int
    G_parameters: int
    D_parameters: int
    record_bytes: int

    @property
    def iterations(self) -> float:
        """Each is a step of D and one of G."""
        return 1000 * self.kimg / self.minibatch

    def reduced_bytes(self, gpus: int) -> float:
        """What each GPU sends, and receives, in one iteration: the gradients of D and those of G once each."""
        return ring(FLOAT * (self.G_parameters + self.D_parameters), gpus)


def ring(size: float, gpus: int) -> float:
    """Bytes that each of the GPUs in a ring sends to add up `size` bytes: 2 (N - 1) / N of them."""
    return size * 2 * (gpus - 1) / gpus


@cache
def _network(config: NetworkConfig):
    return make(config)


def parameters(config: NetworkConfig, stage: int) -> int:
    """Numbers that are trained at a stage, and so have gradients."""
    return sum(prod(variable.shape) for variable in _network(config).variables_at(stage))


def stored(config: NetworkConfig) -> int:
    """Numbers of a network, those that are not trained too."""
    return sum(prod(variable.shape) for variable in _network(config).variables)


def record_bytes(resolution: int, channels: int = 3) -> dict[int, int]:
    """stage -> bytes of an official record, without compression, of every level down to 4x4."""
    levels = encode_levels(np.zeros((1, resolution, resolution, channels), np.uint8))
    return {stage_of(resolution) - number: len(level) for number, level in enumerate(levels)}


def stages(chosen: Experiment) -> list[Stage]:
    """The stages that an experiment trains, coarsest first."""
    side, sizes = chosen.data.resolution, record_bytes(chosen.data.resolution, chosen.G.num_channels)
    spans = stage_kimg(chosen.schedule, side, 0, chosen.training.total_kimg)
    return [
        Stage(
            stage,
            kimg,
            minibatch_of(chosen.schedule, 2**stage, chosen.training.num_gpus),
            parameters(chosen.G, stage),
            parameters(chosen.D, stage),
            sizes[stage],
        )
        for stage, kimg in spans.items()
    ]


def inferred_paces(chosen: Experiment, hours: Mapping[int, float]) -> dict[int, float]:
    """stage -> seconds of a picture, from the hours of whole runs to several final resolutions (resolution -> hours).

    The runs are alike but for their last stage, so each one's hours give the pace of its last stage. Stages below the
    lowest of these resolutions have paces in proportion to their arithmetic.
    """
    paces: dict[int, float] = {}
    for resolution in sorted(hours):
        spans = stage_kimg(chosen.schedule, resolution, 0, chosen.training.total_kimg)
        last = stage_of(resolution)
        known = sum(1000 * kimg * paces[stage] for stage, kimg in spans.items() if stage in paces)
        shares = {stage: multiplications(chosen, stage) for stage in spans if stage not in paces}
        weighed = sum(1000 * spans[stage] * share for stage, share in shares.items()) / shares[last]
        paces |= {
            stage: (3600 * hours[resolution] - known) / weighed * share / shares[last]
            for stage, share in shares.items()
        }
    return paces


def total_seconds(chosen: Experiment, paces: Mapping[int, float]) -> float:
    """Of the whole schedule."""
    spans = stage_kimg(chosen.schedule, chosen.data.resolution, 0, chosen.training.total_kimg)
    return sum(1000 * kimg * paces[stage] for stage, kimg in spans.items())


def most_gpus(minibatch: int) -> int:
    """That can share a minibatch: each has a whole group of the minibatch standard deviation."""
    return minibatch // LEAST_PER_GPU


def ticks(chosen: Experiment) -> float:
    """Ticks of the schedule."""
    schedule = chosen.schedule
    spans = stage_kimg(schedule, chosen.data.resolution, 0, chosen.training.total_kimg)
    return sum(kimg / schedule.tick_kimg.get(2**stage, schedule.tick_kimg_base) for stage, kimg in spans.items())


def full_minibatch(chosen: Experiment, gpus: int) -> Experiment:
    """`chosen` with LEAST_PER_GPU pictures for each GPU at every stage that has fewer: another experiment."""
    least = LEAST_PER_GPU * gpus
    schedule = chosen.schedule
    wider = {side: max(size, least) for side, size in schedule.minibatch.items()}
    return replace(
        chosen,
        schedule=replace(schedule, minibatch=wider, minibatch_base=max(schedule.minibatch_base, least)),
    )


def with_gpus(paces: Mapping[int, float], gpus: int, planned: Sequence[Stage], gbit: float) -> dict[int, float]:
    """Paces of `gpus` cards in machines of eight, from those of eight: as many times as fast, and after each iteration
    the gradients go once around over the slowest link, which nothing hides."""
    link = gbit * 1e9 / 8  # bytes a second
    return {one.stage: paces[one.stage] * 8 / gpus + one.reduced_bytes(gpus) / link / one.minibatch for one in planned}


def by_arithmetic(chosen: Experiment, measured: Experiment, rates: Mapping[int, float]) -> dict[int, float]:
    """Paces of `chosen` where every stage ran at the multiply-adds a second of the finest stage that was measured on
    another experiment. rates: stage -> pictures a second."""
    finest = max(rates)
    speed = rates[finest] * multiplications(measured, finest)
    spans = stage_kimg(chosen.schedule, chosen.data.resolution, 0, chosen.training.total_kimg)
    return {stage: multiplications(chosen, stage) / speed for stage in spans}


def checkpoint_bytes(chosen: Experiment) -> int:
    """G, D, Gs, and the two moments of Adam for G and D, all float32."""
    last = stage_of(chosen.data.resolution)
    return snapshot_bytes(chosen) + FLOAT * 2 * (parameters(chosen.G, last) + parameters(chosen.D, last))


def snapshot_bytes(chosen: Experiment) -> int:
    """G, D and Gs."""
    return FLOAT * (2 * stored(chosen.G) + stored(chosen.D))


def grid_bytes(chosen: Experiment) -> int:
    """A grid before PNG makes it smaller."""
    columns, rows = grid_size(chosen.output.grid, chosen.data.resolution)
    return columns * rows * 3 * chosen.data.resolution**2


# ----------------------------------------------------------------------------------------------------------------------
# Tables


def stages_section(planned: Sequence[Stage]) -> str:
    """Counts by stage."""
    rows = [
        [
            f"{2**one.stage}x{2**one.stage}",
            f"{one.kimg:,.0f}",
            str(one.minibatch),
            f"{one.iterations:,.0f}",
            f"{one.G_parameters:,}",
            f"{one.D_parameters:,}",
            f"{one.reduced_bytes(8) / 1e6:,.0f}",
            f"{one.reduced_bytes(8) * one.iterations / 1e12:,.1f}",
            f"{one.record_bytes:,}",
            str(min(most_gpus(one.minibatch), 64)),
        ]
        for one in planned
    ]
    heading = ["stage", "kimg", "minibatch", "iterations", "parameters of G", "of D"]
    heading += ["MB a GPU sends in an iteration, 8 GPUs", "TB in all", "bytes of a record", "GPUs that can share it"]
    total = sum(one.reduced_bytes(8) * one.iterations for one in planned)
    iterations = sum(one.iterations for one in planned)
    return (
        f"{table(heading, rows)}\n\nIn all {iterations:,.0f} iterations, in which each of eight GPUs sends "
        f"{total / 1e12:,.0f} TB of gradients."
    )


def paces_section(chosen: Experiment, planned: Sequence[Stage]) -> str:
    """Seconds per kimg by stage, and what they ask of the disk and of the links."""
    found = {gpus: inferred_paces(chosen, hours) for gpus, hours in PUBLISHED_HOURS.items()}
    rows = [
        [f"{2**one.stage}x{2**one.stage}"]
        + [f"{1000 * paces[one.stage]:.2f}" for paces in found.values()]
        + [f"{one.record_bytes / found[8][one.stage] / 1e6:,.0f}"]
        + [f"{one.reduced_bytes(8) / (one.minibatch * found[8][one.stage]) / 1e6:,.0f}"]
        for one in planned
    ]
    heading = ["stage", *(f"s/kimg, {gpus} GPU{'s' * (gpus > 1)}" for gpus in found)]
    heading += ["MB/s of records, 8 GPUs", "MB/s that each of them sends"]
    return table(heading, rows)


def costs_section(chosen: Experiment, price: float, gbit: float) -> str:
    """Days and money of the whole schedule."""
    paces = {gpus: inferred_paces(chosen, hours) for gpus, hours in PUBLISHED_HOURS.items()}
    days = {gpus: total_seconds(chosen, found) / DAY for gpus, found in paces.items()}
    wider = stages(full_minibatch(chosen, 64))
    with_64 = total_seconds(chosen, with_gpus(paces[8], 64, wider, gbit)) / DAY
    h200 = total_seconds(chosen, by_arithmetic(chosen, shipped(), H200_RATES)) / DAY
    rows = [
        *(
            [f"{gpus} V100", "published", f"row {gpus}gpu", *_costs(found, gpus, price), f"{days[1] / found:.1f}"]
            for gpus, found in days.items()
        ),
        [
            "64 V100 in eight machines",
            "at best",
            "256 and more: another experiment",
            *_costs(with_64, 64, price),
            f"{days[1] / with_64:.1f}",
        ],
        ["1 H200", "by arithmetic", "row 1gpu", *_costs(h200, 1, price), ""],
    ]
    heading = ["GPUs", "how known", "minibatches", "days", "GPU-hours", f"dollars at {price:g} an hour", "times 1 V100"]
    wait = sum(one.iterations * one.reduced_bytes(64) for one in wider) / (gbit * 1e9 / 8) / DAY
    return (
        f"{table(heading, rows)}\n\nOf the days of 64 GPUs {wait:.2f} are sending gradients over links of {gbit:g} "
        "Gbit/s, if nothing hides them."
    )


def _costs(days: float, gpus: int, price: float) -> list[str]:
    hours = 24 * days * gpus
    return [f"{days:.2f}", f"{hours:,.0f}", f"{hours * price:,.0f}"]


def disk_section(chosen: Experiment) -> str:
    """Bytes that have to lie somewhere."""
    number = ticks(chosen)
    records = PICTURES * sum(record_bytes(chosen.data.resolution).values())
    snapshots = number / chosen.output.snapshot_ticks
    grids = number / chosen.output.image_ticks
    one, kept, grid = snapshot_bytes(chosen), checkpoint_bytes(chosen), grid_bytes(chosen)
    rows = [
        ["records of the data set, all levels", f"{PICTURES:,}", _gb(records / PICTURES), _gb(records)],
        ["checkpoints", str(KEPT_CHECKPOINTS), _gb(kept), _gb(KEPT_CHECKPOINTS * kept)],
        ["snapshots", f"{snapshots:.0f}", _gb(one), _gb(snapshots * one)],
        [
            "grids, and again for TensorBoard",
            f"{2 * grids:,.0f}",
            _gb(grid),
            _gb(2 * grids * grid),
        ],
    ]
    evaluations = number / chosen.output.metric_ticks
    return (
        f"{table(['what', 'how many', 'GB of one', 'GB at most'], rows)}\n\n{number:.0f} ticks; with "
        f"`--metrics=fid50k` {evaluations:.0f} evaluations, which at the published 16 minutes each on one V100 take "
        f"{evaluations * PUBLISHED_FID_HOURS:.0f} hours."
    )


def _gb(size: float) -> str:
    return f"{size / 1e9:,.4f}" if size < 1e8 else f"{size / 1e9:,.1f}"


def shipped() -> Experiment:
    """That trained the network that comes along."""
    plain = rundir.read_config(SHIPPED.parent)
    return from_json({name: value for name, value in plain.items() if name != "kimg"})


def ffhq() -> Experiment:
    """Config F on FFHQ, as the paper trains it."""
    named = DATA_SETS["ffhq"]
    return experiment("F", "8gpu", directory="ffhq", data_resolution=named.highest, mirror=named.mirror)


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--price", type=float, default=PRICE_PER_GPU_HOUR, help="dollars of a GPU-hour")
    parser.add_argument("--gbit", type=float, default=NETWORK_GBIT, help="Gbit/s between two machines")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose tables are written")
    options = parser.parse_args(arguments)
    chosen = ffhq()
    planned = stages(chosen)
    write_section(options.page, "stages", stages_section(planned))
    write_section(options.page, "paces", paces_section(chosen, planned))
    write_section(options.page, "costs", costs_section(chosen, options.price, options.gbit))
    write_section(options.page, "disk", disk_section(chosen))


if __name__ == "__main__":
    sys.exit(exit_code(main))
