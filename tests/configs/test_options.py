"""What fields may be: ranges, choices, types, and fields that do not go together."""

import json
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from refusals import check_refusal

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


def check_problems(found: list[str], *expected: str) -> None:
    for sentence, names in zip(found, expected, strict=True):
        check_refusal(sentence, *names.split())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Outer(), []),
        (Outer(name="later", inner=Inner(0, {8: 1}, 2)), []),
        (Outer(side=16), []),
        (Outer(side=12), ["side=12 4 32768"]),
        (Outer(side=2), ["side=2 4 32768"]),
        (Outer(name="c"), ["name c b later"]),
        (Outer(name="\x1b[2J"), ["name '\\x1b[2J' b later"]),
        (Outer(side=8.0, flag=1), ["side 8.0", "flag true false 1"]),  # type: ignore[arg-type]
        (Outer(side=True), ["side True"]),
        (Outer(name=3), ["name 3"]),  # type: ignore[arg-type]
        (Outer(inner=Inner(-0.1)), ["inner.share -0.1 --set=inner.share=0.5"]),
        (Outer(inner=Inner(1.5)), ["inner.share 1 1.5 --set=inner.share=0.5"]),
        (Outer(inner=Inner(float("nan"))), ["inner.share nan --set=inner.share=0.5"]),
        (Outer(inner=Inner(perhaps=1)), ["inner.perhaps 2 1 --set=inner.perhaps=none"]),
        (Outer(side=16, name="b"), ["side name"]),
        (Outer(side=16, name="b", inner=Inner(2)), ["inner.share 1 2 --set=inner.share=0.5"]),
    ],
)
def test_by_hand(config: Any, expected: list[str]) -> None:
    check_problems(problems(config), *expected)


def test_tables() -> None:
    wrong = Inner(table={4: 0, 8: 1, 16: "x"})  # type: ignore[dict-item]
    check_problems(problems(wrong, "a.b"), 'a.b.table.4 0 --set=a.b.table={"4":', "a.b.table.16 'x' --set=a.b.table={")
    check_problems(problems(Inner(table=[1])), "table resolution [1]")  # type: ignore[arg-type]
    assert Inner().table is not Inner().table


def test_what_is_decided_later_is_wrong_where_a_network_is_built() -> None:
    later = Outer(name="later")
    assert problems(later) == []
    check_problems(problems(later, decided=True), "name later training")
    (sentence,) = problems(Outer(name="c"), decided=True)
    check_refusal(sentence, "name", "c", "a, b")
    assert "later" not in sentence


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks(kind: Any) -> None:
    assert problems(kind(), decided=True) == []
    for each in fields(kind):
        assert each.metadata["doc"], each.name
        wrong: Any = replace(kind(), **{each.name: [[]]})
        (sentence,) = problems(wrong, "G")
        check_refusal(sentence, f"G.{each.name}", f"--set=G.{each.name}=")


@pytest.mark.parametrize(
    ("config", "names", "mends"),
    [
        (GeneratorConfig(fmap_base=511), "G.fmap_base=511", "fmap_base=512"),
        (GeneratorConfig(mapping_layers=0, w_dim=4), "G.mapping_layers=0 G.w_dim G.z_dim 512 4", "w_dim=512"),
        (DiscriminatorConfig(mbstd_num_features=3), "G.mbstd_num_features=3 512 4x4", "mbstd_num_features=1"),
    ],
)
def test_networks_that_cannot_be(config: Any, names: str, mends: str) -> None:
    check_problems(problems(config, "G"), f"{names} --set=G.{mends}")
    name, _, value = mends.partition("=")
    assert problems(replace(config, **{name: json.loads(value)})) == []


def test_without_the_minibatch_deviation_its_maps_do_not_count() -> None:
    assert problems(DiscriminatorConfig(mbstd_num_features=3, mbstd_group_size=0)) == []
