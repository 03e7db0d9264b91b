"""One table for the machine at hand: python benchmarks/machine.py, or make bench

What the CPU can do, what training, pictures, data sets and metrics make of it, and how long whole runs would take.
Another CPU's instructions can be left out to see what it would do without them:

    ONEDNN_MAX_CPU_ISA=AVX2 python benchmarks/machine.py
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np
import tensorflow as tf

from benchmarks import data_set, generate, runs
from benchmarks.train_step import DTYPES, convolution_peak
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.pipeline import Feed, Reader
from stylegan_tf.devices import Replicas, start_devices
from stylegan_tf.draws import Rows
from stylegan_tf.environment import cores
from stylegan_tf.errors import exit_code
from stylegan_tf.metrics.feature_extractors import FACES, feature_extractor
from stylegan_tf.programs import benchmark
from stylegan_tf.progress import format_time
from stylegan_tf.training.autotune import best_seconds, measured

ROOT = Path(__file__).resolve().parents[1]
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile")  # of those that matter here
PEAK_CHANNELS, PEAK_MINIBATCH, MATRIX = 256, 8, 1024
EMULATED_CHANNELS, EMULATED_MATRIX = 32, 256  # of precisions that some CPUs emulate, at a hundredth of the speed
RESOLUTIONS = (32, 64, 256, 1024)  # of the runs that are projected
NOT_THERE = "does not work"
IMPORTED = 2000  # pictures of 64x64


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table, a line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--largest", type=int, default=256, help="resolution up to which training is measured")
    options = parser.parse_args(arguments)
    chosen = experiment("F", "cpu", data_resolution=RESOLUTIONS[-1], resolution=RESOLUTIONS[-1])
    replicas, _ = start_devices(chosen)
    for what, value in rows(chosen, replicas, options.largest):
        print(f"| {what} | {value} |", flush=True)


def rows(chosen: Experiment, replicas: Replicas, largest: int) -> Iterator[tuple[str, str]]:
    """(what, value) of every line."""
    yield from machine()
    yield from peaks()
    chosen, lines = measured(chosen)
    yield "chosen by measuring", "; ".join(lines) or "nothing"
    found: dict[int, benchmark.Stage] = {}
    for one in benchmark.stages(chosen, replicas, list(range(3, largest.bit_length()))):
        found[one.stage] = one
        yield f"train {2**one.stage}x{2**one.stage}, cpu row, minibatch {one.minibatch}", f"{1 / one.seconds:.1f} img/s"
    for name in (generate.SHIPPED, "64"):
        row = generate.measured(name, generate.network(name), 8, 5)
        title = "32x32 network that comes along" if name == generate.SHIPPED else f"{name}x{name}, full widths"
        yield f"generate, {title}, 8 at once", f"{row.graph:.1f} img/s ({row.eager:.1f} eager)"
    yield from data()
    yield from metrics()
    for resolution in RESOLUTIONS:
        whole = experiment("F", "cpu", data_resolution=resolution, resolution=resolution)
        used = [one for at, one in found.items() if 2**at <= resolution]
        paces = {one.stage: one.seconds for one in used}
        seconds = benchmark.projected(whole, paces, sum(one.graphs for one in used))
        name = "make demo" if resolution == 32 else f"train.py --config=F --resolution={resolution} on this machine"
        yield f"{name}, projected", format_time(seconds)


def machine() -> Iterator[tuple[str, str]]:
    """The CPU, and what TensorFlow uses of it."""
    fields = runs.cpu()
    there = set(fields.get("flags", "").split())
    yield "CPU", fields.get("model name", platform.processor() or platform.machine())
    yield "cores, instructions", f"{cores()}, {' '.join(name for name in INSTRUCTIONS if name in there)}"
    settings = {name: os.environ.get(name) for name in ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS")}
    yield "TensorFlow, settings", ", ".join([tf.__version__, *(f"{name}={it}" for name, it in settings.items() if it)])


def peaks() -> Iterator[tuple[str, str]]:
    """The fastest that convolutions and matrix products of each precision are."""
    working = []
    for precision, dtype in DTYPES.items():
        work = convolution_peak(PEAK_MINIBATCH, dtype, PEAK_CHANNELS if dtype == tf.float32 else EMULATED_CHANNELS)
        rate = _rate(work.gflop, work.run)
        working += [precision] if rate != NOT_THERE else []
        yield f"convolution with gradients, {precision}", rate
    for precision in working:  # a matrix product that oneDNN does not have ends the process
        dtype = DTYPES[precision]
        side = MATRIX if dtype == tf.float32 else EMULATED_MATRIX
        multiply, a = matrix_product(side, dtype)
        yield f"matrix product, {precision}", _rate(2 * side**3 / 1e9, partial(multiply, a))


def _rate(gflop: float, work: Callable[[], object]) -> str:
    try:
        return f"{gflop / best_seconds(work):.3g} GFLOP/s"
    except tf.errors.OpError:
        return NOT_THERE


def matrix_product(side: int, dtype: tf.DType):
    """-> (function that waits for the product of a matrix with itself, matrix)."""
    a = tf.cast(tf.random.stateless_normal((side, side), (0, 0)), dtype)
    multiply = tf.function(lambda a: tf.reduce_sum(tf.cast(tf.matmul(a, a), tf.float32)))
    return (lambda a: multiply(a).numpy()), a


def data() -> Iterator[tuple[str, str]]:
    """create_from_images, and feeding what it made."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = data_set.drawn(64)
        data_set._save_all(Path(folder, "in"), pictures, IMPORTED, "png")
        # A process of its own: workers import what their parent's script imports, and TensorFlow takes seconds.
        tool = [sys.executable, str(ROOT / "dataset_tool.py"), "create_from_images", f"{folder}/set", f"{folder}/in"]
        began = time.perf_counter()
        subprocess.run(tool, check=True, capture_output=True)
        rate = IMPORTED / (time.perf_counter() - began)
        yield (
            f"dataset_tool create_from_images, {IMPORTED:,} png files of 64x64, its start included",
            f"{rate:,.0f} img/s",
        )
        feed = Feed(Reader(open_data_set(Path(folder, "set")), 6, 0), 0, 0, Rows(32, 4), Replicas(1))
        next(feed)
        wall, _ = data_set._times(lambda feed: [next(feed) for _ in range(200)], feed)
        feed.close()
        yield "feed, 64x64", f"{200 * 32 / wall:,.0f} img/s"


def metrics() -> Iterator[tuple[str, str]]:
    """What FID and KID of the built-in faces wait for."""
    pictures = np.zeros((100, 32, 32, 3), np.uint8)
    look = tf.function(feature_extractor("features", FACES, Replicas(1)), autograph=False)
    yield "features of fid@faces, 32x32", f"{100 / best_seconds(lambda: np.asarray(look(pictures))):,.0f} img/s"


if __name__ == "__main__":
    began = time.perf_counter()
    code = exit_code(main)
    print(f"measured in {format_time(time.perf_counter() - began)}", file=sys.stderr)
    sys.exit(code)
