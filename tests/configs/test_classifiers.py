"""Recipes of attribute classifiers: the paper's numbers, what follows from the data, and what is refused."""

from dataclasses import replace

import pytest
from refusals import refused

from stylegan_tf.configs.classifiers import CPU, PAPER, recipe


def test_the_papers_numbers():
    chosen = recipe("1gpu", 1024)
    assert (chosen.resolution, chosen.minibatch, chosen.learning_rate, chosen.total_kimg) == (256, 8, 0.001, 150)
    network = chosen.network(3)
    assert (network.resolution, network.fmap_base, network.fmap_max, network.mbstd_group_size) == (256, 8192, 512, 0)


def test_the_resolution_follows_the_data():
    assert recipe("1gpu", 64).resolution == 64
    assert recipe("cpu", 64).resolution == 32
    assert recipe("cpu", 16).network(1).num_channels == 1
    assert recipe("cpu", 64, resolution=64).resolution == 64


def test_flags_replace_single_fields():
    assert recipe("cpu", 32, total_kimg=7.5, seed=3) == replace(CPU, total_kimg=7.5, seed=3)
    assert recipe("1gpu", 256, seed=0) == replace(PAPER, seed=0)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("8gpu", 32), "--hardware=8gpu auto cpu 1gpu"),
        (("cpu", 4), "resolution 8 4"),
        (("cpu", 32, 24), "resolution 8 24"),
        (("cpu", 32, None, 0.0), "--total_kimg=0 0"),
        (("cpu", 32, None, float("nan")), "--total_kimg=nan 0"),
        (("cpu", 32, None, None, -1), "--seed=-1 0 2147483647"),
    ],
)
def test_mistakes(arguments, names):
    with refused(*names.split()):
        recipe(*arguments)
