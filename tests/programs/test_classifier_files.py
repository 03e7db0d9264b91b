"""The folder of classifiers: names, what counts as finished, the table."""

import json

import pytest
from refusals import refused

from stylegan_tf.programs.classifiers import Place, stem, table, write_accuracy
from stylegan_tf.weights import faces_bundle

SCORE = {"accuracy": 0.9, "balanced": 0.8, "majority": 0.6, "pictures": 10}


def test_numbers_are_the_official_ones():
    names = ["male", "wearing-necktie", "zebra", "stripes"]
    assert [stem(name, names) for name in names] == ["00-male", "39-wearing-necktie", "40-zebra", "41-stripes"]


def test_finished_needs_both_files(tmp_path):
    place = Place(tmp_path, "00-male")
    assert place.finished({"seed": 1}) is None
    place.finish({"seed": 1}, SCORE, 2.04)
    assert json.loads(place.facts.read_text()) == {"conditions": {"seed": 1}, "score": SCORE, "seconds": 2.0}
    assert place.finished({"seed": 1}) is None
    place.weights.write_bytes(b"weights")
    assert place.finished({"seed": 1})["score"] == SCORE


def test_other_conditions_are_refused(tmp_path):
    place = Place(tmp_path, "00-male")
    place.weights.write_bytes(b"weights")
    place.finish({"seed": 1, "minibatch": 64}, SCORE, 2)
    with refused(place.weights, "minibatch", 64, 8, "--outdir"):
        place.finished({"seed": 1, "minibatch": 8})


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"conditions": 3}'])
def test_foreign_facts_are_refused(tmp_path, text):
    place = Place(tmp_path, "00-male")
    place.weights.write_bytes(b"weights")
    place.facts.write_text(text)
    with refused(place.facts, "train_classifiers.py", "--outdir"):
        place.finished({"seed": 1})


def test_table(tmp_path):
    scores = {"male": SCORE, "bald": {"accuracy": 0.98, "balanced": 0.6, "majority": 0.97, "pictures": 10}}
    shown = write_accuracy(tmp_path, scores)
    assert shown == (tmp_path / "accuracy.md").read_text()
    assert shown.splitlines()[2:] == [
        "| male | 0.900 | 0.800 | 0.600 |",
        "| bald | 0.980 | 0.600 | 0.970 |",
        "| **mean** | **0.940** | **0.700** | **0.785** |",
    ]
    summary = json.loads((tmp_path / "accuracy.json").read_text())
    assert summary["mean_accuracy"] == pytest.approx(0.94)
    assert (summary["lowest"], summary["attributes"]) == ("male", scores)


def test_the_page_beside_the_shipped_bundle_has_its_scores():
    page = (faces_bundle.BUNDLE.parent / "README.md").read_text(encoding="utf-8")
    assert table(faces_bundle.facts()["scores"]) in page
