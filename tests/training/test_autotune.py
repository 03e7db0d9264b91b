"""Choices by measuring: what is compared, what is said, and that a run keeps them."""

from dataclasses import replace

import pytest
import tensorflow as tf
import tiny

from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.training import autotune


def with_precision(precision: str) -> Experiment:
    chosen = experiment("F", "cpu")
    return replace(chosen, training=replace(chosen.training, precision=precision))


@pytest.fixture
def speeds(monkeypatch):
    """Seconds of a convolution by precision; of a scaled convolution fused and separate, by output resolution."""
    times = {"float32": 1.0, "mixed_bfloat16": 3.0, "mixed_float16": 9.0}
    monkeypatch.setattr(autotune, "convolution_seconds", lambda precision: times[precision])
    asked = []

    def layer_seconds(layer, shape):
        asked.append((type(layer).__name__, layer.fused, shape, layer.filters, layer.dtype_policy.name))
        return 1.0 if layer.fused == (shape[1] == 8) else 2.0  # what works on 8x8 is faster fused, others are not

    monkeypatch.setattr(autotune, "_layer_seconds", layer_seconds)
    return times, asked


def test_the_faster_precision(speeds):
    times, _ = speeds
    chosen, lines = autotune.measured(with_precision("auto"))
    assert chosen.training.precision == "float32"
    assert lines[0] == "precision float32: on this machine mixed_bfloat16 is 3.0 times as slow as it"
    times["mixed_bfloat16"] = 0.5
    chosen, lines = autotune.measured(with_precision("auto"))
    assert chosen.training.precision == "mixed_bfloat16" and "float32 is 2.0 times as slow" in lines[0]


def test_a_slower_precision_is_obeyed_and_said(speeds):
    chosen, lines = autotune.measured(with_precision("mixed_float16"))
    assert chosen.training.precision == "mixed_float16"
    assert "9.0 times as slow as float32" in lines[0]
    assert not any("slow" in line for line in autotune.measured(with_precision("float32"))[1])


def test_a_precision_that_does_not_work_is_not_chosen(monkeypatch):
    def refuse(layer, shape):
        if layer.dtype_policy.name != "float32":
            raise tf.errors.AbortedError(None, None, "could not create a primitive descriptor")
        return 1.0

    monkeypatch.setattr(autotune, "_layer_seconds", refuse)
    chosen, lines = autotune._with_precision(with_precision("auto"))
    assert chosen.training.precision == "float32"
    assert lines == ["precision float32: on this machine mixed_bfloat16 does not work, unlike it"]


def test_fused_scaling_layer_by_layer(speeds):
    """An upscaling to 16 works on 8x8, a downscaling to 4 does: G's layer is called by 16, D's by 8."""
    chosen, lines = autotune.measured(with_precision("float32"))
    assert (chosen.G.fused_scale, chosen.D.fused_scale) == ("16", "8")
    assert lines == [
        "G.fused_scale 16: measured here, layer by layer",
        "D.fused_scale 8: measured here, layer by layer",
    ]
    of_G = [call for call in speeds[1] if call[0] == "UpscaleConv2D"]
    assert [call[2:4] for call in of_G[::2]] == [((32, 4, 4, 64), 64), ((32, 8, 8, 64), 64), ((16, 16, 16, 64), 32)]
    assert {call[4] for call in of_G} == {"float32"}
    assert autotune.measured(chosen) == (chosen, [])


def test_nothing_is_measured_for_the_papers_rows(monkeypatch):
    monkeypatch.setattr(autotune, "_layer_seconds", lambda *arguments: pytest.fail("measured"))
    chosen = tiny.experiment()
    assert autotune.measured(chosen) == (chosen, [])


def test_the_real_clock():
    assert 0 < autotune.convolution_seconds("float32") < 60
