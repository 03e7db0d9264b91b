"""Why blur and leaky ReLU are written as they are: python benchmarks/elementary.py

Times every way to write them that was tried, in turn, each with the gradient and the gradient of its square, as R1
needs them.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import tensorflow as tf
from keras import ops

from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.ops.activate import leaky_relu
from stylegan_tf.ops.resample import blur


def blur_by_slices(x):
    """The binomial filter as sums of shifted copies, first along one axis, then along the other."""
    shape = tuple(x.shape)
    for axis in (1, 2):
        padded = ops.pad(x, [(1, 1) if at == axis else (0, 0) for at in range(4)])
        first, middle, last = (
            ops.slice(padded, [shift * (at == axis) for at in range(4)], shape) for shift in range(3)
        )
        x = (first + middle * 2 + last) * 0.25
    return x


def blur_by_indexing(x):
    """The same with Python's slices, whose gradient is another op."""
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = (x[:, :-2] + x[:, 1:-1] * 2 + x[:, 2:]) * 0.25
    return (x[:, :, :-2] + x[:, :, 1:-1] * 2 + x[:, :, 2:]) * 0.25


def leaky_by_where(x):
    """A choice at every number."""
    return ops.where(x >= 0, x, 0.2 * x)


def leaky_by_maximum(x):
    """The larger of two; half the slope of either where they are equal."""
    return ops.maximum(x, 0.2 * x)


def leaky_of_keras(x):
    """Slope 0.2 at exactly 0, where the official networks have 1."""
    return ops.leaky_relu(x, 0.2)


WAYS: dict[str, dict[str, Callable]] = {
    "blur": {
        "depthwise convolution (ours)": blur,
        "shifted copies, ops.slice": blur_by_slices,
        "shifted copies, x[:, 1:-1]": blur_by_indexing,
    },
    "leaky ReLU": {
        "ops.leaky_relu(x + tiny) (ours)": leaky_relu,
        "where(x >= 0, x, 0.2 x)": leaky_by_where,
        "maximum(x, 0.2 x)": leaky_by_maximum,
        "ops.leaky_relu(x), other slope at 0": leaky_of_keras,
    },
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each way."""
    options = _parser().parse_args(arguments)
    if len(options.shape) != 4 or min(options.shape) < 1 or options.repeats < 1:
        raise UserError("--shape needs four sizes N H W C, such as 32 32 32 64, and --repeats at least 1")
    tf.config.experimental.enable_op_determinism()  # as in training
    x = tf.cast(tf.random.stateless_normal(options.shape, (0, 0)), options.dtype)
    print(f"{'':12} {'':36} {'ms median':>10} {'ms min':>10} {'ms CPU':>10}   {options.shape} {options.dtype}")
    for what, ways in WAYS.items():
        for name, (wall, cpu) in timed(ways, x, options.repeats).items():
            print(f"{what:12} {name:36} {median(wall):10.2f} {min(wall):10.2f} {median(cpu):10.2f}")


def timed(ways: dict[str, Callable], x, repeats: int) -> dict[str, tuple[list[float], list[float]]]:
    """name -> (milliseconds, milliseconds of CPU time on all threads), once per repetition."""
    compiled = {name: tf.function(with_gradients(way)).get_concrete_function(x) for name, way in ways.items()}
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for function in compiled.values():
        function(x)
    for _ in range(repeats):
        for name, function in compiled.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function(x)
            times[name][0].append(1000 * (time.perf_counter() - wall))
            times[name][1].append(1000 * (time.process_time() - cpu))
    return times


def with_gradients(way: Callable) -> Callable:
    """x -> way(x), dx = the gradient of sum(way(x)^2) / 2, and the gradient of sum(dx^2) / 2."""

    def both(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = way(x)
            slope = inner.gradient(y, x, output_gradients=y)
        return y, slope, outer.gradient(slope, x, output_gradients=slope)

    return both


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Times the ways to write blur and leaky ReLU.")
    parser.add_argument("--shape", nargs="+", type=int, default=[32, 32, 32, 64], metavar="N")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--repeats", type=int, default=50)
    return parser


if __name__ == "__main__":
    sys.exit(exit_code(main))
