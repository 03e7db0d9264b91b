"""train.py --benchmark: the stages, and the projected time."""

from dataclasses import replace

import pytest
import tiny

from stylegan_tf.devices import Replicas
from stylegan_tf.programs import benchmark


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(benchmark, "SECONDS", 0.0)
    monkeypatch.setattr(benchmark, "start_devices", lambda experiment, asked: (Replicas(1), ["a warning"]))


def test_every_stage_and_the_whole(quick, capsys):
    """With labels and lazy penalties."""
    benchmark.benchmark(tiny.experiment(labels=True, r1_interval=4))
    warning, devices, *lines = capsys.readouterr().out.splitlines()
    assert warning == "a warning" and devices.startswith("training on 1 CPU, ")
    assert [line.split()[:2] for line in lines[2:4]] == [["8x8", "8"], ["16x16", "8"]]
    assert [line.split()[4] for line in lines[2:4]] == ["0.064", "0.128"]
    assert lines[4].startswith("all 0.192 kimg: ")


def test_projected_by_hand():
    """64 pictures at 8x8 and 128 at 16x16; what was not measured goes by its arithmetic."""
    chosen = tiny.experiment()
    assert benchmark.projected(chosen, {3: 0.5, 4: 2.0}, graphs=7.0) == pytest.approx(7 + 64 * 0.5 + 128 * 2)
    assert benchmark.projected(chosen, {3: 0.5}) > 64 * 0.5 + 128 * 0.5


def test_two_replicas_share_the_minibatch(quick):
    chosen = tiny.experiment()
    (stage,) = benchmark.stages(replace(chosen, replicas=2), Replicas(2), [3])
    assert (stage.stage, stage.minibatch) == (3, 8) and stage.seconds > 0
