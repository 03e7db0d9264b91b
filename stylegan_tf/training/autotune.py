"""What is chosen by measuring the machine at hand: the precision, and which convolutions are fused with their scaling.

CPUs differ in this by an order of magnitude: bfloat16 is twice as fast as float32 where there are units for it, and
ten times as slow where there are none. What was chosen is stored with the run and kept when it is continued.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import keras
import tensorflow as tf

from stylegan_tf.configs import fused_scale
from stylegan_tf.configs.schedule import minibatch_of
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.layers.equalized import EqualizedConv2D
from stylegan_tf.layers.scaled_conv import DownscaleConv2D, UpscaleConv2D

CHOICES = ("float32", "mixed_bfloat16")  # of precision "auto": float16 may lose steps
SECONDS = 0.15  # of each measurement, the making of its graph not counted
MOST_RUNS = 30
MOST_NUMBERS = 2**21  # of a layer's input; larger minibatches are cut
PRECISION_SIDE, PRECISION_CHANNELS = 16, 32  # of the convolution that the precisions are compared on
LONG = 2.0  # seconds of a first run that tell enough: no graph takes so long to make, an emulated precision does


def measured(experiment: Experiment) -> tuple[Experiment, list[str]]:
    """The experiment with everything chosen, and lines that say what and why. Takes some seconds."""
    experiment, lines = _with_precision(experiment)
    for role in ("G", "D"):
        network = getattr(experiment, role)
        if network.fused_scale == fused_scale.MEASURED:
            chosen = fused_scale.of_resolutions(fused_resolutions(experiment, role))
            experiment = replace(experiment, **{role: replace(network, fused_scale=chosen)})
            lines.append(f"{role}.fused_scale {chosen}: measured here, layer by layer")
    return experiment, lines


def _with_precision(experiment: Experiment) -> tuple[Experiment, list[str]]:
    """Chooses where it is auto; says so where another than float32 was asked for and is slower."""
    asked = experiment.training.precision
    if asked == "float32":
        return experiment, []
    if asked != "auto":
        ratio = convolution_seconds(asked) / convolution_seconds("float32")
        slower = f"precision {asked}, as asked for: on this machine it {_slow(ratio)} float32"
        return experiment, [slower] if ratio > 1.05 else []
    seconds = {name: convolution_seconds(name) for name in CHOICES}
    best, other = sorted(CHOICES, key=lambda name: seconds[name])
    line = f"precision {best}: on this machine {other} {_slow(seconds[other] / seconds[best])} it"
    return replace(experiment, training=replace(experiment.training, precision=best)), [line]


def _slow(ratio: float) -> str:
    return f"is {ratio:.1f} times as slow as" if math.isfinite(ratio) else "does not work, unlike"


def convolution_seconds(precision: str) -> float:
    """Best time of a 3x3 convolution of 32 to 32 channels at 16x16, minibatch 8, with both gradients.

    Infinite where TensorFlow has none, as with oneDNN kept to instructions that do not know the precision.
    """
    layer = EqualizedConv2D(PRECISION_CHANNELS, 3, dtype=precision)
    try:
        return _layer_seconds(layer, (8, PRECISION_SIDE, PRECISION_SIDE, PRECISION_CHANNELS))
    except tf.errors.OpError:
        return math.inf


def fused_resolutions(experiment: Experiment, role: str) -> list[int]:
    """Resolutions at which the scaled convolution of G or D is faster fused, its gradients included."""
    network, last = getattr(experiment, role), stage_of(experiment.data.resolution)
    widths = {at: network.width(at) for at in range(2, last + 1)}
    found = []
    for stage in range(3, last + 1):
        inside, outside = (stage - 1, stage) if role == "G" else (stage, stage - 1)
        numbers = 4**inside * widths[inside]
        minibatch = min(minibatch_of(experiment.schedule, 2**stage, 1), max(1, MOST_NUMBERS // numbers))
        kind = UpscaleConv2D if role == "G" else DownscaleConv2D
        seconds = [
            _layer_seconds(
                kind(widths[outside], fused=fused, use_bias=False, dtype=experiment.training.precision),
                (minibatch, 2**inside, 2**inside, widths[inside]),
            )
            for fused in (True, False)
        ]
        if seconds[0] < seconds[1]:
            found.append(2**stage)
    return found


def _layer_seconds(layer: keras.layers.Layer, shape: tuple[int, ...]) -> float:
    """Best time of a layer, forward and back to its input and its weight."""
    layer.build(shape)
    x = tf.cast(tf.random.stateless_normal(shape, (0, 0)), layer.compute_dtype)

    @tf.function(autograph=False)
    def work(x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, layer.weight.value])
            y = layer(x)
        to_x, to_weight = tape.gradient(y, [x, layer.weight.value])
        return tf.reduce_sum(tf.cast(to_x, tf.float32)) + tf.reduce_sum(to_weight)  # one number to wait for

    return best_seconds(lambda: work(x).numpy())


def best_seconds(work: Callable[[], object]) -> float:
    """The shortest of the times that `work` takes, after a first one that does not count, unless it is LONG."""
    began = time.perf_counter()
    work()
    first = time.perf_counter() - began
    if first > LONG:
        return first
    best, until = float("inf"), time.perf_counter() + SECONDS
    for _ in range(MOST_RUNS):
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        best = min(best, end - start)
        if end > until:
            break
    return best
