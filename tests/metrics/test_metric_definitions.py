import subprocess
import sys

import pytest

from stylegan_tf.errors import UserError
from stylegan_tf.metrics import definitions
from stylegan_tf.metrics.definitions import METRICS, find


def test_the_official_numbers():
    assert METRICS["fid50k"].samples == 50_000
    for space in "zw":
        for sampling in ("full", "end"):
            metric = METRICS[f"ppl_{space}{sampling}"]
            assert (metric.space, metric.sampling, metric.samples) == (space, sampling, 100_000)
            assert (metric.epsilon, metric.crop) == (1e-4, True)
    assert (METRICS["ls"].samples, METRICS["ls"].keep, METRICS["ls"].suffixes) == (200_000, 100_000, ("_z", "_w"))
    ppl2 = METRICS["ppl2_wend"]
    assert (ppl2.space, ppl2.sampling, ppl2.samples, ppl2.crop) == ("w", "end", 50_000, False)
    assert list(METRICS) == [
        *("fid50k", "kid50k", "pr50k3", "is50k", "ppl_zfull", "ppl_wfull", "ppl_zend", "ppl_wend", "ppl2_wend", "ls")
    ]


@pytest.mark.parametrize(
    ("name", "canonical", "samples"),
    [
        ("fid5k", "fid5k", 5000),
        ("fid050.0k", "fid50k", 50_000),
        ("fid0.3k", "fid0.3k", 300),
        ("fid123.456k", "fid123.456k", 123_456),
        ("kid10k", "kid10k", 10_000),
        ("is1000k", "is1000k", 1_000_000),
        ("pr5k3", "pr5k3", 5000),
        ("ppl_wend_1k", "ppl_wend_1k", 1000),
        ("ppl2_wend_0.25k", "ppl2_wend_0.25k", 250),
        ("ppl2_wend_50k", "ppl2_wend", 50_000),
        ("ls_2k", "ls_2k", 2000),
    ],
)
def test_other_numbers_of_samples(name, canonical, samples):
    asked = find(name)
    assert (asked.name, asked.metric.samples, asked.nets) == (canonical, samples, None)
    assert find(asked.name) == asked
    if canonical.startswith("ls"):
        assert asked.metric.keep == samples // 2


def test_scaled_again():
    metric = definitions.scaled(find("ppl2_wend_1k").metric, 2000)
    assert (metric.name, metric.samples, metric.crop) == ("ppl2_wend_2k", 2000, False)
    assert definitions.scaled(metric, 50_000) is METRICS["ppl2_wend"]
    with pytest.raises(UserError, match="fid50k of 1 samples: ask for 2 at least"):
        definitions.scaled(METRICS["fid50k"], 1)


def test_random_labels_have_a_name_of_their_own():
    asked = find("fid5k_labels@faces")
    assert asked.metric.random_labels and not find("fid5k").metric.random_labels
    assert (asked.name, asked.metric.samples) == ("fid5k_labels@faces", 5000)
    assert find("ppl_wend_1k_labels").metric.space == "w"
    assert definitions.scaled(asked.metric, 50_000) == find("fid50k_labels").metric


def test_networks_by_name():
    asked = find("fid5k@faces")
    assert (asked.metric.name, asked.nets, asked.name) == ("fid5k", "faces", "fid5k@faces")
    assert find("ls@faces").metric is METRICS["ls"]
    for name in ("fid50k@", "fid50k@a/b"):
        with pytest.raises(UserError, match="after @ comes the name of the networks, for instance fid50k@faces"):
            find(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fid50", "did you mean fid50k?"),
        ("ppl_wed", "did you mean ppl_wend?"),
        ("FID50K", "did you mean fid50k?"),
        ("accuracy", "choose from fid50k, kid50k, pr50k3, is50k, ppl_zfull"),
        ("", "choose from"),
    ],
)
def test_unknown_names(name, hint):
    with pytest.raises(UserError) as told:
        find(name)
    assert f"--metrics={name}: there is no metric {name}; {hint}" in str(told.value)


def test_listing_names_every_metric():
    lines = definitions.listing().splitlines()
    assert [line.split()[0] for line in lines[:-2]] == list(METRICS)
    assert "100,000 samples" in lines[list(METRICS).index("ppl_wend")]


def test_it_answers_without_tensorflow():
    code = "import sys, stylegan_tf.metrics.definitions; print({'tensorflow', 'keras'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
