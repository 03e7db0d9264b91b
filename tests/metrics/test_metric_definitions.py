import subprocess
import sys
from dataclasses import replace

import pytest
from refusals import check_refusal, refused

from stylegan_tf.configs.build import Pictures
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.metrics import definitions
from stylegan_tf.metrics.definitions import METRICS, asked_for, find, problems

G, DATA = GeneratorConfig(32), Pictures("datasets/it", 4, 64, 3, 100)


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
        *("fid50k", "fid50k_mix2", "fid50k_mix3", "fid50k_mix4", "kid50k", "pr50k3"),
        *("is50k", "ppl_zfull", "ppl_wfull", "ppl_zend", "ppl_wend", "ppl2_wend", "ls"),
    ]


@pytest.mark.parametrize(
    ("name", "canonical", "samples"),
    [
        ("fid5k", "fid5k", 5000),
        ("fid050.0k", "fid50k", 50_000),
        ("fid0.3k", "fid0.3k", 300),
        ("fid123.456k", "fid123.456k", 123_456),
        ("fid50k_mix1", "fid50k", 50_000),
        ("fid5k_mix1", "fid5k", 5000),
        ("fid50.0k_mix3", "fid50k_mix3", 50_000),
        ("fid0.3k_mix4", "fid0.3k_mix4", 300),
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


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_only_metrics_need_pictures_that_they_can_see(channels):
    network = replace(G, num_channels=channels)
    assert problems([], network, DATA) == []
    assert "metrics see RGB" in problems(asked_for("ppl_wend"), network)[0]


def test_mixing_of_table_2():
    for latents in (2, 3, 4):
        metric = find(f"fid5k_mix{latents}@faces").metric
        assert (metric.latents, metric.family, metric.samples) == (latents, "fid", 5000)
        assert definitions.scaled(metric, 50_000) is METRICS[f"fid50k_mix{latents}"]
    assert find("fid5k_mix2_labels").metric.random_labels
    assert METRICS["fid50k"].latents == 1


def test_none_means_no_metric():
    assert asked_for("none") == asked_for("") == []
    with refused("--metrics=none", "fid50k"):
        asked_for("fid5k,none")


def test_scaled_again():
    metric = definitions.scaled(find("ppl2_wend_1k").metric, 2000)
    assert (metric.name, metric.samples, metric.crop) == ("ppl2_wend_2k", 2000, False)
    assert definitions.scaled(metric, 50_000) is METRICS["ppl2_wend"]
    with refused("fid50k", 1, 2):
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
        with refused(f"--metrics={name}", "fid50k@faces"):
            find(name)


@pytest.mark.parametrize(
    ("name", "remedies"),
    [
        ("fid50", "fid50k"),
        ("ppl_wed", "ppl_wend"),
        ("FID50K", "fid50k"),
        ("fid50k_mix5", "fid50k_mix4"),
        ("kid50k_mix2", "fid50k_mix2"),
        ("accuracy", "fid50k kid50k pr50k3 is50k ppl_zfull ls"),
        ("", "fid50k kid50k pr50k3 is50k ppl_zfull ls"),
    ],
)
def test_unknown_names(name, remedies):
    with refused(f"--metrics={name}", *remedies.split()):
        find(name)


def test_listing_names_every_metric():
    lines = definitions.listing().splitlines()
    assert [line.split()[0] for line in lines[:-2]] == list(METRICS)
    assert "100,000 samples" in lines[list(METRICS).index("ppl_wend")]


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """No published files are here."""
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("metrics", "G", "data"),
    [
        ("fid50k,kid0.1k,pr0.1k3,ppl_zfull,ppl_wend,ppl2_wend,ls", G, DATA),
        ("fid50k@open,kid0.1k@open,is50k@open,ppl_wend@open,ls@faces", G, DATA),
        ("fid5k,ppl_zend,ls", ProganGeneratorConfig(64), DATA),
        ("fid5k_mix1,fid5k_mix2,fid5k_mix4", G, DATA),
        ("fid5k_mix4@open", GeneratorConfig(8), DATA),
        ("ppl_wend@faces", GeneratorConfig(16), None),
        ("ppl2_wend@faces,fid5k@open", GeneratorConfig(8), DATA),
        ("ls@open,ls_2k@official", GeneratorConfig(256), None),
        ("fid5k_labels", replace(G, label_size=2), replace(DATA, label_columns=3)),
        ("fid5k", replace(G, num_channels=1), replace(DATA, channels=1)),
        ("kid5k", G, replace(DATA, num_images=None)),
        ("", replace(G, num_channels=3), None),
    ],
)
def test_metrics_that_can_be_had(nothing_here, metrics, G, data):
    assert problems(asked_for(metrics), G, data) == []


@pytest.mark.parametrize(
    ("metrics", "G", "data", "nets", "names"),
    [
        ("kid0.1k@faces", GeneratorConfig(16), DATA, "auto", ["kid0.1k@faces", "16x16", "32x32"]),
        ("fid5k", GeneratorConfig(16), DATA, "faces", ["fid5k@faces", "features of faces", "32x32"]),
        ("fid5k_mix2", ProganGeneratorConfig(32), DATA, "auto", ["fid5k_mix2@faces", "style", "fid5k"]),
        ("fid5k_mix3", replace(G, use_styles=False), DATA, "auto", ["fid5k_mix3@faces", "style", "fid5k"]),
        ("fid50k_mix3@open", GeneratorConfig(4), DATA, "auto", ["fid50k_mix3", "3 latents", "2 layers"]),
        ("is50k", G, None, "auto", ["Inception", "--nets=open", "is50k@open"]),
        ("ppl_wend", ProganGeneratorConfig(32), None, "auto", ["ppl_wend@faces", "config A", "w"]),
        ("kid0.2k", G, DATA, "auto", ["datasets/it", 100, "kid0.2k@faces", 200, "kid0.1k"]),
        (
            "pr0.2k3",
            G,
            replace(DATA, num_images=2),
            "faces",
            ["datasets/it", 2, "pr0.2k3@faces", 200],
        ),
        ("ls", replace(G, num_channels=4), None, "auto", ["4 channels", "alpha"]),
        ("ls@faces", GeneratorConfig(16), None, "auto", ["ls@faces", "16x16", "classifiers of faces", "32x32"]),
        ("ls@open", GeneratorConfig(128), None, "auto", ["ls", "128x128", "classifiers of open", "256x256"]),
        (
            "ppl_zfull@open",
            GeneratorConfig(16),
            None,
            "auto",
            ["ppl_zfull", "8x8", "distance of open", "16x16"],
        ),
        ("ppl_zfull@faces", GeneratorConfig(8), None, "auto", ["ppl_zfull@faces", "4x4", "8x8"]),
        (
            "ppl2_wend",
            GeneratorConfig(8),
            None,
            "official",
            ["ppl2_wend", "8x8", "distance of official", "16x16"],
        ),
        ("fid5k,fid5.0k", G, DATA, "auto", ["fid5k@faces", "twice"]),
        ("ls,ppl_wend,ls@faces", G, DATA, "auto", ["ls@faces", "twice"]),
        ("fid5k_labels", G, DATA, "auto", ["fid5k_labels@faces", "fid5k"]),
        ("ls_labels", replace(G, label_size=2), DATA, "auto", ["datasets/it", 2, "ls"]),
        (
            "fid5k",
            GeneratorConfig(128),
            DATA,
            "auto",
            ["datasets/it", "128x128"],
        ),
        ("fid5k", replace(G, num_channels=1), DATA, "auto", ["datasets/it", "3 channels", 1]),
        ("fid5k", G, None, "auto", ["fid5k", "--dataset"]),
        ("pr0.003k3", G, DATA, "auto", ["pr0.003k3", 3, 4]),
        ("is0.009k@open", G, None, "auto", ["is0.009k", 9, 10]),
        ("fid5k@opne", G, DATA, "auto", ["fid5k", "--nets=opne", "auto, open, official, faces"]),
    ],
)
def test_metrics_that_cannot_be_had(nothing_here, metrics, G, data, nets, names):
    (why,) = problems(asked_for(metrics), G, data, nets)
    check_refusal(why, *names)


def test_a_folder_without_the_files(nothing_here, tmp_path):
    found = problems(asked_for("fid5k,ls,ppl_wend"), G, DATA, str(tmp_path))
    for why, name in zip(found, ("pt_inception", "celebahq-classifier-00-male.pkl", "vgg16"), strict=True):
        check_refusal(why, tmp_path)
        assert name in why


def test_all_problems_at_once(nothing_here):
    found = problems(asked_for("kid5k@faces,is50k,fid5k@faces,ls@faces"), GeneratorConfig(16, num_channels=4), DATA)
    assert [why.split()[0] for why in found] == [
        "the",
        "kid5k@faces:",
        "the",
        "datasets/it",
        "the",
        "fid5k@faces:",
        "ls@faces:",
    ]
    assert len(found) == len(set(found))


def test_the_smallest_pictures_are_those_of_the_networks():
    import numpy as np

    from stylegan_tf.configs.classifiers import RESOLUTION
    from stylegan_tf.networks import faces_features, lpips
    from stylegan_tf.weights import faces_bundle

    assert definitions.SMALLEST["features"] == (1, faces_features.RESOLUTION)
    assert definitions.SMALLEST["classifiers"] == (RESOLUTION, faces_bundle.classifiers().networks[0][1].resolution)
    assert definitions.SMALLEST["distance"] == (lpips.SMALLEST, 8)
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)
    distance = faces_bundle.features().network.distance(images, images[::-1])
    assert (np.asarray(distance) > 0).all()


def test_it_answers_without_tensorflow():
    code = (
        "import sys\n"
        "from stylegan_tf.configs.schema import GeneratorConfig\n"
        "from stylegan_tf.metrics.definitions import asked_for, problems\n"
        "print(len(problems(asked_for('ls,fid5k,is50k,ppl_wend'), GeneratorConfig(8))))\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == ["set()"], done
