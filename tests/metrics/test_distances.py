"""Distances of known features against those that torch-fidelity computed (tests/golden/make_distances.py)."""

import json
from pathlib import Path

import numpy as np
import pytest
import tolerances
from known_features import fakes_and_reals

from stylegan_tf.metrics import fid, kid
from stylegan_tf.metrics import precision_recall as pr

KEYS = ("kernel_inception_distance_mean", "kernel_inception_distance_std")


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((Path(__file__).parents[1] / "golden" / "distances.json").read_text())


def test_the_same_definitions(golden):
    """The cubic kernel with 1 / F and 1, 100 subsets of 1000, and the third neighbour."""
    given = golden["defaults"]
    assert (given["kid_subsets"], given["kid_subset_size"]) == (kid.SUBSETS, kid.SUBSET_SIZE)
    assert given["prc_neighborhood"] == pr.NEIGHBOURS
    assert (given["kid_kernel"], given["kid_kernel_poly_gamma"]) == ("poly", None)
    x, y = fakes_and_reals()
    by_name = (x @ y.T / x.shape[1] + given["kid_kernel_poly_coef0"]) ** given["kid_kernel_poly_degree"]
    assert kid.polynomial_kernel(x, y) == pytest.approx(by_name, rel=1e-4)


def test_frechet_distance(golden):
    """The root of the covariances by its eigenvalues there, as a matrix here."""
    found = fid.frechet_distance(*(fid.statistics_of([features]) for features in fakes_and_reals()))
    assert found == pytest.approx(golden["values"]["frechet_inception_distance"], rel=1e-9)


def test_kernel_distance(golden, monkeypatch):
    """Mean and deviation over the same subsets, which torch-fidelity draws by NumPy's older generator."""
    monkeypatch.setattr(np.random, "default_rng", np.random.RandomState)
    monkeypatch.setattr(kid, "SUBSET_SIZE", golden["subset_size"])
    found = kid.kernel_distance(*fakes_and_reals(), seed=golden["defaults"]["rng_seed"])
    assert found == pytest.approx([golden["values"][key] for key in KEYS], rel=1e-9)


def test_kernel_distance_by_our_own_subsets(golden, monkeypatch):
    """The mean is within four of its deviations, the deviation within a third."""
    monkeypatch.setattr(kid, "SUBSET_SIZE", golden["subset_size"])
    found, (mean, deviation) = kid.kernel_distance(*fakes_and_reals()), (golden["values"][key] for key in KEYS)
    assert found.mean == pytest.approx(mean, abs=4 * deviation / np.sqrt(kid.SUBSETS))
    assert found.deviation == pytest.approx(deviation, rel=1 / 3)


def test_kernel_distance_of_whole_sets(golden, monkeypatch):
    """Where a set is its only subset nothing is drawn that matters."""
    monkeypatch.setattr(kid, "SUBSETS", 2)
    fakes, reals = fakes_and_reals()
    found = kid.kernel_distance(fakes, reals[: len(fakes)])
    assert found == pytest.approx([golden["of_whole_sets"][key] for key in KEYS], rel=1e-9, abs=1e-12)


def test_precision_and_recall(golden):
    found = pr.precision_recall(*fakes_and_reals())
    assert found == pytest.approx([golden["values"][key] for key in found._fields], abs=tolerances.BY_HAND)
