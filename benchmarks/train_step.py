"""How fast one training iteration is, against this machine's own convolutions: python benchmarks/train_step.py

An iteration is one step of D (with R1) and one of G. Its arithmetic (benchmarks/flops.py) by its time is set against
the peak: a 3x3 convolution of 512 to 512 channels at 32x32 with both its gradients, in the same process. The peak is
measured before, between and after the two steps, so that other work on the machine slows both alike.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import tensorflow as tf

from benchmarks.flops import count
from stylegan_tf.configs.build import validate
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import Experiment, GeneratorConfig
from stylegan_tf.configs.text import override
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps

WIDTHS = {"full": (8192, 512, 512), "512/64": (512, 64, 64)}  # fmap_base, fmap_max, width of z, w and the mapping
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
DTYPES = {"float32": tf.float32, "mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}
PEAK_SIDE, PEAK_CHANNELS = 32, 512
WARM_UP = 2  # iterations that are not timed: TensorFlow traces and allocates


@dataclass(frozen=True)
class Work:
    """Something to time. `run` does it once and returns when it is done."""

    run: Callable[[], object]
    gflop: float


@dataclass(frozen=True)
class Times:
    """Seconds of one piece of work, once for each time that it was done; `cpu`: of all threads of the process."""

    wall: list[float]
    cpu: list[float]


@dataclass(frozen=True)
class Row:
    """One line of the table. "s" is seconds of one iteration."""

    widths: str
    resolution: int
    minibatch: int
    precision: str
    gflop: float  # of one iteration
    s_median: float
    s_min: float
    s_cpu: float  # median of the CPU time, all threads
    images_per_second: float  # from the median, as all that follow
    gflops: float
    peak_gflops: float
    peak_gflops_max: float
    ratio: float  # median over the iterations of its GFLOP/s by those of the peaks around it
    ratio_cpu: float  # the same by CPU time: steadier on a busy machine, but blind to cores that wait


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a row for every combination that was asked for."""
    options = _parser().parse_args(arguments)
    if options.repeats < 1:
        raise UserError(f"--repeats={options.repeats}: at least one iteration must be timed")
    tf.config.experimental.enable_op_determinism()  # as in training
    rows: list[Row] = []
    for case in itertools.product(options.resolution, options.minibatch, options.precision, options.widths):
        resolution, minibatch, precision, widths = case
        row = measured(widths, resolution, minibatch, precision, options.repeats, options.set)
        if not options.json:
            print(_line(row, heading=not rows), flush=True)
        rows.append(row)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))


def measured(
    widths: str, resolution: int, minibatch: int, precision: str, repeats: int, settings: Sequence[str] = ()
) -> Row:
    """Times `repeats` iterations, and the peak around each of their steps. settings: changes to config F."""
    peak = convolution_peak(minibatch, DTYPES[precision])
    steps = iteration(config_f(widths, resolution, minibatch, precision, settings), minibatch)
    for _ in range(WARM_UP):
        for work in (peak, *steps):
            work.run()
    whole, peaks = Times([], []), Times([], [])
    for _ in range(repeats):
        around = [_timed(peak)]
        halves = []
        for step in steps:
            halves.append(_timed(step))
            around.append(_timed(peak))
        for times, parts, divisor in ((whole, halves, 1), (peaks, around, len(around))):
            times.wall.append(sum(wall for wall, _ in parts) / divisor)
            times.cpu.append(sum(cpu for _, cpu in parts) / divisor)
    gflop = sum(step.gflop for step in steps)
    seconds = median(whole.wall)
    return Row(
        widths, resolution, minibatch, precision, gflop,
        s_median=seconds,
        s_min=min(whole.wall),
        s_cpu=median(whole.cpu),
        images_per_second=minibatch / seconds,
        gflops=gflop / seconds,
        peak_gflops=peak.gflop / median(peaks.wall),
        peak_gflops_max=peak.gflop / min(peaks.wall),
        ratio=_ratio(gflop, whole.wall, peak.gflop, peaks.wall),
        ratio_cpu=_ratio(gflop, whole.cpu, peak.gflop, peaks.cpu),
    )  # fmt: skip


def config_f(widths: str, resolution: int, minibatch: int, precision: str, settings: Sequence[str] = ()) -> Experiment:
    """Config F with the widths of that name. Raises UserError where it cannot be trained."""
    base, most, width = WIDTHS[widths]
    chosen = experiment("F", "1gpu", resolution=resolution)
    chosen = replace(
        chosen,
        G=GeneratorConfig(
            resolution, fmap_base=base, fmap_max=most, z_dim=width, w_dim=width, mapping_fmaps=width
        ),  # the defaults are config F
        D=replace(chosen.D, fmap_base=base, fmap_max=most),
        schedule=replace(chosen.schedule, minibatch={resolution: minibatch}),
        training=replace(chosen.training, precision=precision),
    )
    for setting in settings:
        chosen = override(chosen, setting)
    return validate(chosen)


def iteration(chosen: Experiment, minibatch: int) -> tuple[Work, Work]:
    """The step of D and the step of G at the final resolution, on noise, with the networks just initialised."""
    side = chosen.data.resolution
    steps = Steps(State(chosen, Replicas(1)), chosen, side.bit_length() - 1, minibatch)
    shape = (minibatch, side, side, chosen.G.num_channels)
    pictures = tf.cast(tf.random.stateless_uniform(shape, (0, 0), 0, 256, tf.int32), tf.uint8)
    phase = (tf.constant(0, tf.int64), tf.constant(1.0), tf.constant(0.001))  # nimg, fade, learning rate
    labels, works = tf.zeros((minibatch, 0)), []
    for step, arguments in ((steps.d_step, (pictures, labels, *phase)), (steps.g_step, (labels, *phase))):
        gflop = count(step.get_concrete_function(*arguments)).total() / 1e9
        works.append(Work(partial(_finished, step, *arguments), gflop))
    return works[0], works[1]


def convolution_peak(minibatch: int, dtype: tf.DType, channels: int = PEAK_CHANNELS) -> Work:
    """A 3x3 convolution and its two gradients, one after the other: three times the same arithmetic."""
    image_shape = (minibatch, PEAK_SIDE, PEAK_SIDE, channels)
    kernel_shape = (3, 3, channels, channels)
    images, slope, kernel = (
        tf.cast(tf.random.stateless_normal(shape, (seed, 0)), dtype)
        for seed, shape in enumerate((image_shape, image_shape, kernel_shape))
    )
    how = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    ops = tf.raw_ops
    passes = (
        tf.function(lambda x, k, dy: ops.Conv2D(input=x, filter=k, **how)),
        tf.function(lambda x, k, dy: ops.Conv2DBackpropInput(input_sizes=x.shape, filter=k, out_backprop=dy, **how)),
        tf.function(lambda x, k, dy: ops.Conv2DBackpropFilter(input=x, filter_sizes=k.shape, out_backprop=dy, **how)),
    )
    concrete = [one.get_concrete_function(images, kernel, slope) for one in passes]

    def run():
        for one in concrete:
            one(images, kernel, slope)

    return Work(run, sum(count(one).total() for one in concrete) / 1e9)


def _finished(step: Callable, *arguments) -> None:
    """Copying the statistics out waits for the end of the step, as training does when it shows them."""
    tf.nest.map_structure(lambda value: value.numpy(), step(*arguments))


def _timed(work: Work) -> tuple[float, float]:
    """-> (wall seconds, CPU seconds) of doing it once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work.run()
    return time.perf_counter() - wall, time.process_time() - cpu


def _ratio(gflop: float, seconds: Sequence[float], peak_gflop: float, peak_seconds: Sequence[float]) -> float:
    each = zip(seconds, peak_seconds, strict=True)
    return median((gflop / step) / (peak_gflop / peak) for step, peak in each)


def _line(row: Row, heading: bool) -> str:
    titles = (
        *("widths", "pixels", "batch", "precision", "GFLOP", "s median", "s min", "s CPU", "img/s", "GFLOP/s"),
        *("peak", "(best)", "of peak", "by CPU time"),
    )
    values = (
        row.widths, f"{row.resolution}x{row.resolution}", str(row.minibatch), row.precision, f"{row.gflop:.1f}",
        f"{row.s_median:.3f}", f"{row.s_min:.3f}", f"{row.s_cpu:.3f}", f"{row.images_per_second:.2f}",
        f"{row.gflops:.1f}", f"{row.peak_gflops:.0f}", f"{row.peak_gflops_max:.0f}", f"{row.ratio:.0%}",
        f"{row.ratio_cpu:.0%}",
    )  # fmt: skip
    widths = [max(len(title), 8) for title in titles[:3]] + [14] + [max(len(title), 8) for title in titles[4:]]
    lines = [titles, values] if heading else [values]
    return "\n".join(" ".join(f"{text:>{width}}" for text, width in zip(line, widths, strict=True)) for line in lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    add = parser.add_argument
    add("--widths", nargs="+", choices=WIDTHS, default=list(WIDTHS), help="fmap_base 8192 / fmap_max 512, or 512 / 64")
    add("--resolution", nargs="+", type=int, default=[32])
    add("--minibatch", nargs="+", type=int, default=[8])
    add("--precision", nargs="+", choices=PRECISIONS, default=["float32"])
    add("--repeats", type=int, default=7, help="iterations that are timed")
    add("--set", action="append", default=[], metavar="PATH=VALUE", help="change a field of the experiment")
    add("--json", action="store_true", help="print a list of rows instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(exit_code(main))
