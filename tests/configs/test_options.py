"""What fields may be: ranges, choices, types, and fields that do not go together."""

import json
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from stylegan_tf.configs.options import option, problems
from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)

NETWORKS = (GeneratorConfig, DiscriminatorConfig, ProganGeneratorConfig, ProganDiscriminatorConfig)


@dataclass(frozen=True)
class Inner:
    share: float = option(0.5, "a share", low=0, high=1)
    table: dict[int, float] = option({4: 1.0}, "by resolution", above=0)
    perhaps: int | None = option(None, "or none", low=2)


@dataclass(frozen=True)
class Outer:
    side: int = option(8, "a resolution", power_of_two=True)
    name: str = option("a", "one of two", choices=("a", "b"), undecided="later")
    flag: bool = option(True, "")
    inner: Inner = Inner()

    def conflicts(self, at: str) -> list[tuple[str, str]]:
        return [(f"{at}side and {at}name", "side=8")] if self.side == 16 and self.name == "b" else []


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Outer(), []),
        (Outer(name="later", inner=Inner(0, {8: 1}, 2)), []),
        (Outer(side=16), []),
        (Outer(side=12), ["side=12 must be a power of two from 4 to 32768, such as 32, 256 or 1024"]),
        (Outer(side=2), ["side=2 must be a power of two from 4 to 32768, such as 32, 256 or 1024"]),
        (Outer(name="c"), ["name is c; choose from a, b, or later"]),
        (Outer(name="\x1b[2J"), ["name is '\\x1b[2J'; choose from a, b, or later"]),
        (Outer(side=8.0, flag=1), ["side must be a whole number, not 8.0", "flag must be true or false, not 1"]),  # type: ignore[arg-type]
        (Outer(side=True), ["side must be a whole number, not True"]),
        (Outer(name=3), ["name must be a text, not 3"]),  # type: ignore[arg-type]
        (Outer(inner=Inner(-0.1)), ["inner.share must not be negative, not -0.1 (--set=inner.share=0.5)"]),
        (Outer(inner=Inner(1.5)), ["inner.share must be at most 1, not 1.5 (--set=inner.share=0.5)"]),
        (Outer(inner=Inner(float("nan"))), ["inner.share must be a finite number, not nan (--set=inner.share=0.5)"]),
        (Outer(inner=Inner(perhaps=1)), ["inner.perhaps must be at least 2, not 1 (--set=inner.perhaps=none)"]),
        (Outer(side=16, name="b"), ["side and name"]),
        (Outer(side=16, name="b", inner=Inner(2)), ["inner.share must be at most 1, not 2 (--set=inner.share=0.5)"]),
    ],
)
def test_by_hand(config: Any, expected: list[str]) -> None:
    assert problems(config) == expected


def test_tables() -> None:
    wrong = Inner(table={4: 0, 8: 1, 16: "x"})  # type: ignore[dict-item]
    assert problems(wrong, "a.b") == [
        'a.b.table.4 must be above 0, not 0 (--set=a.b.table={"4": 1.0})',
        "a.b.table.16 must be a number, not 'x' (--set=a.b.table={\"4\": 1.0})",
    ]
    assert problems(Inner(table=[1])) == ["table must be a table from resolution to value, not [1]"]  # type: ignore[arg-type]
    assert Inner().table is not Inner().table


def test_what_is_decided_later_is_wrong_where_a_network_is_built() -> None:
    later = Outer(name="later")
    assert problems(later) == []
    assert problems(later, decided=True) == [
        "name is later, which stands for a value that is chosen when training starts"
    ]
    assert problems(Outer(name="c"), decided=True) == ["name is c; choose from a, b"]


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks(kind: Any) -> None:
    assert problems(kind(), decided=True) == []
    for each in fields(kind):
        assert each.metadata["doc"], each.name
        wrong: Any = replace(kind(), **{each.name: [[]]})
        (sentence,) = problems(wrong, "G")
        assert sentence.startswith(f"G.{each.name} must be ") and f"(--set=G.{each.name}=" in sentence


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (GeneratorConfig(fmap_base=511), "G.fmap_base=511 leaves layers without channels (--set=G.fmap_base=512)"),
        (
            GeneratorConfig(mapping_layers=0, w_dim=4),
            "with G.mapping_layers=0, w is z: G.w_dim must be 512 (G.z_dim), not 4 (--set=G.w_dim=512)",
        ),
        (
            DiscriminatorConfig(mbstd_num_features=3),
            "G.mbstd_num_features=3 must divide the 512 channels at 4x4 (--set=G.mbstd_num_features=1)",
        ),
    ],
)
def test_networks_that_cannot_be(config: Any, sentence: str) -> None:
    assert problems(config, "G") == [sentence]
    name, _, value = sentence.rpartition("(--set=G.")[2].rstrip(")").partition("=")
    assert problems(replace(config, **{name: json.loads(value)})) == []


def test_without_the_minibatch_deviation_its_maps_do_not_count() -> None:
    assert problems(DiscriminatorConfig(mbstd_num_features=3, mbstd_group_size=0)) == []
