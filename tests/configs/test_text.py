"""Experiments as JSON and back, and single fields changed by path."""

import json
from dataclasses import replace

import pytest
from refusals import refused

from stylegan_tf.configs.presets import CONFIGS, experiment
from stylegan_tf.configs.schema import Experiment, ProganDiscriminatorConfig, ProganGeneratorConfig
from stylegan_tf.configs.text import ABSENT, as_text, differences, flat, from_json, override, table, to_json


@pytest.mark.parametrize("config", CONFIGS)
def test_round_trip_through_text(config: str) -> None:
    before = experiment(config, resolution=256)
    text = json.dumps(to_json(before), allow_nan=False)
    assert from_json(json.loads(text)) == before


def test_keys_of_tables_are_texts() -> None:
    text = json.dumps(to_json(experiment("F", "8gpu")))
    assert json.loads(text)["schedule"]["minibatch"]["64"] == 32


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [
        ("G.fmap_max", "64", "G.fmap_max '64'"),
        ("G.fmap_max", 64.0, "G.fmap_max 64.0"),
        ("G.fmap_max", True, "G.fmap_max True"),
        ("G.fmap_max", None, "G.fmap_max None"),
        ("G.use_noise", 1, "G.use_noise true false 1"),
        ("G.nonlinearity", 3, "G.nonlinearity 3"),
        ("training.total_kimg", float("nan"), "training.total_kimg nan"),
        ("training.total_kimg", [1], "training.total_kimg [1]"),
        ("schedule.minibatch", [4], 'schedule.minibatch {"32": [4]'),
        ("schedule.minibatch", {"big": 4}, "schedule.minibatch.big 32"),
        ("schedule.minibatch", {"32": "x"}, "schedule.minibatch.32 'x'"),
        ("G.fmap_mx", 3, "G.fmap_mx G.fmap_max"),
    ],
)
def test_from_json_names_the_field(path: str, value: object, names: str) -> None:
    plain = to_json(Experiment())
    group, name = path.split(".")
    plain[group][name] = value
    with refused(*names.split()):
        from_json(plain)


def test_from_json_misses_fields_and_groups() -> None:
    plain = to_json(Experiment())
    del plain["G"]["blur"]
    with refused("G.blur"):
        from_json(plain)
    with refused("JSON", "[1]"):
        from_json([1])
    with refused("JSON", "D", "3"):
        from_json({**to_json(Experiment()), "D": 3})


def test_from_json_takes_the_kind_of_network_that_fits() -> None:
    plain = to_json(experiment("A", "1gpu"))
    assert type(from_json(plain).G) is ProganGeneratorConfig and type(from_json(plain).D) is ProganDiscriminatorConfig
    del plain["G"]["pixelnorm_epsilon"]
    with refused("G.pixelnorm_epsilon"):
        from_json(plain)
    plain["G"]["pixelnorm_epsilon"] = plain["G"]["use_styles"] = 1e-8
    with refused("G.use_styles"):
        from_json(plain)
    plain["G"] = None  # a network may be of either kind, and must be there
    with refused("JSON", "G", "None"):
        from_json(plain)


def test_override_of_a_network_of_the_other_kind() -> None:
    chosen = experiment("A", "1gpu")
    assert replace(chosen.G, use_pixelnorm=False) == override(chosen, "G.use_pixelnorm=false").G
    assert replace(chosen.D, downscale_last=True) == override(chosen, "D.downscale_last=true").D
    with refused("G.use_styles", "G.use_wscale"):
        override(chosen, "G.use_styles=false")
    with refused("G", "resolution", "use_pixelnorm", "pixelnorm_epsilon"):
        override(chosen, "G=1")
    with refused("G.use_pixelnorm", "G.use_pixel_norm"):
        override(experiment("F", "1gpu"), "G.use_pixelnorm=false")


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("G.fmap_max=64", "G.fmap_max", 64),
        ("G.use_noise=false", "G.use_noise", False),
        ("G.use_noise=True", "G.use_noise", True),
        ("data.max_label_size=none", "data.max_label_size", None),
        ("data.max_label_size=10", "data.max_label_size", 10),
        ("data.directory=a=b", "data.directory", "a=b"),
        ("training.adam_epsilon=1e-6", "training.adam_epsilon", 1e-6),
        ("training.total_kimg=70", "training.total_kimg", 70),
        ("replicas=2", "replicas", 2),
        ('schedule.minibatch={"32": 16}', "schedule.minibatch", {32: 16}),
    ],
)
def test_override(assignment: str, path: str, value: object) -> None:
    before = experiment("F", "1gpu")
    after = override(before, assignment)
    assert flat(after)[path] == value
    assert all(name == path or name.startswith(f"{path}.") for name, _, _ in differences(before, after))


def test_override_of_one_table_entry_leaves_the_preset_alone() -> None:
    before = experiment("F", "1gpu")
    after = override(override(before, "schedule.minibatch.32=16"), "schedule.minibatch.1024=2")
    assert after.schedule.minibatch == {4: 128, 8: 128, 16: 128, 32: 16, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 2}
    assert before.schedule.minibatch[32] == 64 and 1024 not in before.schedule.minibatch


@pytest.mark.parametrize(
    ("assignment", "names"),
    [
        ("G.fmap_mx=64", "G.fmap_mx G.fmap_max"),
        ("g.fmap_max=64", "field G"),
        ("shedule.minibatch.32=4", "shedule schedule"),
        ("G.zebra=1", "G.zebra G.resolution G.num_channels"),
        ("G=1", "G resolution fmap_max use_noise"),
        ("G.fmap_max.x=1", "G.fmap_max 512"),
        ("G.fmap_max", "--set=G.fmap_max path.to.field=value"),
        ("=3", "--set==3 path.to.field=value"),
        ("G.fmap_max=many", "G.fmap_max 'many'"),
        ("G.fmap_max=none", "G.fmap_max None"),
        ("training.total_kimg=nan", "training.total_kimg 'nan'"),
        ("G.use_noise=maybe", "G.use_noise true false 'maybe'"),
        ("schedule.minibatch.x=3", "schedule.minibatch.x 32"),
    ],
)
def test_override_mistakes(assignment: str, names: str) -> None:
    with refused(*names.split()):
        override(experiment("F", "1gpu"), assignment)


def test_differences() -> None:
    a = Experiment()
    b = replace(a, G=replace(a.G, fmap_max=64), replicas=2)
    assert differences(a, b) == [("G.fmap_max", 512, 64), ("replicas", 0, 2)]
    assert differences(a, a) == []
    b, c = (override(a, f'schedule.minibatch={{"8": 4, "32": {number}}}') for number in (16, 32))
    c = override(c, "schedule.minibatch.16=8")
    assert differences(b, c) == [("schedule.minibatch.32", 16, 32), ("schedule.minibatch.16", None, 8)]


def test_differences_of_networks_of_different_kinds() -> None:
    changes = differences(experiment("A", "1gpu"), experiment("F", "1gpu"))
    assert ("G.use_styles", ABSENT, True) in changes and ("G.pixelnorm_epsilon", 1e-8, ABSENT) in changes
    assert ("D.blur", ABSENT, True) in changes and ("G.fused_scale", "on", "auto") in changes
    groups = [path.partition(".")[0] for path, _, _ in changes]
    assert list(dict.fromkeys(groups)) == ["config", "G", "D", "loss", "schedule", "training", "output"]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)  # a group is not split
    assert as_text(ABSENT) == "(no such field)"


def test_table_has_every_field_as_override_reads_it() -> None:
    chosen = experiment("C", "2gpu", "wgan_gp", resolution=64)
    again = Experiment()
    for line in table(chosen).splitlines():
        path, _, value = line.partition(" ")
        again = override(again, f"{path}={value.strip()}")
    assert again == chosen
    assert (as_text(None), as_text(True), as_text({8: 2})) == ("none", "true", '{"8": 2}')
