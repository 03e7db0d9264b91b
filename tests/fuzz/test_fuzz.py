"""Damaged and malicious inputs of every reader: each is refused with one sentence, or read after all."""

import pytest
from campaign import Totals, run
from fuzz_readers import READERS

SAMPLE = 300
# Faults that are known and wait to be mended: reader -> signatures. A fault that is gone must go from here too.
KNOWN: dict[str, set[str]] = {}


def sample(heavy: bool) -> dict[str, Totals]:
    readers = [name for name, reader in READERS.items() if reader.heavy == heavy]
    totals = {name: Totals() for name in readers}
    run([(name, 0, SAMPLE) for name in readers], totals)
    return totals


@pytest.fixture(scope="module")
def light() -> dict[str, Totals]:
    return sample(heavy=False)


@pytest.fixture(scope="module")
def heavy() -> dict[str, Totals]:
    return sample(heavy=True)


@pytest.mark.parametrize("name", READERS)
def test_broken_inputs_are_refused_or_read(request, name):
    totals = request.getfixturevalue("heavy" if READERS[name].heavy else "light")[name]
    assert totals.faults.keys() == KNOWN.get(name, set()), totals.faults
    assert totals.inputs == SAMPLE
    assert totals.good > 0, "faults that do not matter leave an input good"


BY_DESIGN_GOOD = {"facts", "stats"}  # what is no fact or tick is left out


@pytest.mark.parametrize("name", sorted({*READERS} - BY_DESIGN_GOOD))
def test_most_broken_inputs_are_noticed(request, name):
    totals = request.getfixturevalue("heavy" if READERS[name].heavy else "light")[name]
    assert totals.refused > SAMPLE / 5
