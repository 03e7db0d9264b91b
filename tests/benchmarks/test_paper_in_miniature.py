"""The paper's tables in miniature: which runs, the arithmetic of their tables, and that a stopped command goes on."""

import argparse
import re
from pathlib import Path

import pytest

from benchmarks import paper_in_miniature, paper_tables, runs
from benchmarks.paper_tables import HOLDS, ONE_SEED, ORDERINGS, REVERSED, WITHIN
from stylegan_tf.errors import UserError
from tests.refusals import refused

SIZES = argparse.Namespace(kimg=10.0, fid=1000, ppl=200, ls=500)
PAGE = "<!-- paper in miniature: begin -->\nold\n<!-- paper in miniature: end -->\n"


def line(config: str, seed: int = 1000, **values: float) -> dict:
    """A made-up line; ls_z and ls_w are the two results of one measurement."""
    measured: dict[str, list[dict]] = {}
    for name, value in values.items():
        kind, key = ("ls", f"value{name[2:]}") if name.startswith("ls_") else (name, "value")
        row = measured.setdefault(kind, [{"metric": f"{kind}@faces", "kimg": 10, "seconds": 2.0}])[0]
        row[key] = value
    about = {"kimg": 10.0, "phase": 1.0, "machine": "a machine", "train_seconds": 60, "curves": [], "tables": ["1"]}
    return {"config": config, "seed": seed, "measured": measured, **about}


# ----------------------------------------------------------------------------------------------------------------------
# Which runs


def test_each_network_is_trained_once_and_in_the_order_of_use():
    found = paper_in_miniature.wanted("1,figure9,4,2", 2)
    first = [f"{config}-1000" for config in "FBACDE"]
    second = [f"{config}-2000" for config in "FBACDE"]
    rest = ["traditional-8", "stylebased-0", "stylebased-1", "stylebased-2", "mix50", "mix100"]
    assert [run.name for run in found] == [*first, *second, *(f"{config}-1000" for config in rest)]
    assert found[0].tables == ("1", "figure9", "4", "2") and found[6].tables == ("1", "4", "2")
    assert found[9].tables == ("1",) and found[-1].tables == ("2",)
    assert [run.name for run in paper_in_miniature.wanted("2", 3)] == ["F-1000", "E-1000", "mix50-1000", "mix100-1000"]
    assert paper_in_miniature.wanted("3", 1) == paper_in_miniature.wanted("1", 1)
    with refused("--tables=5", "figure9"):
        paper_in_miniature.wanted("1,5", 1)
    with refused("--seeds=0"):
        paper_in_miniature.wanted("1", 0)


def test_equal_configurations():
    names = ("mix90", "stylebased-8", "mix0", "traditional-0", "traditional-8", "mix50", "A")
    assert [paper_tables.same_as(name) for name in names] == ["F", "F", "E", "B", "traditional-8", "mix50", "A"]


def test_what_is_measured():
    assert paper_tables.kinds("A", mixed=False) == ["fid", "ppl_zfull", "ppl_zend", "ls"]
    assert paper_tables.kinds("stylebased-0", mixed=False)[1] == "ppl_zfull"
    assert len(paper_tables.kinds("traditional-8", mixed=False)) == 6
    assert paper_tables.kinds("F", mixed=True)[3:6] == ["fid_mix4", "ppl_wfull", "ppl_wend"]
    names = [paper_in_miniature.metric(kind, SIZES) for kind in ("fid", "fid_mix2", "ppl_wend", "ls")]
    assert names == ["fid1k@faces", "fid1k_mix2@faces", "ppl_wend_0.2k@faces", "ls_0.5k@faces"]
    run = paper_in_miniature.Run("B", 1000, ("figure9",))
    assert run.curves == ["fid", "ppl_zfull"] and not paper_in_miniature.Run("B", 1000, ("1",)).curves


# ----------------------------------------------------------------------------------------------------------------------
# Arithmetic


def test_the_orderings_are_those_of_the_paper():
    published = paper_tables.published()
    for words, lower, higher in ORDERINGS:
        assert float(published[lower]) < float(published[higher]), words
    assert published["mix50", "fid_mix3"] == "8.71" and published["traditional-8", "ls_w"] == "6.52"


@pytest.mark.parametrize(
    ("lower", "higher", "usual", "expected"),
    [
        ([1, 2], [3, 4], None, HOLDS),
        ([1, 2], [2, 4], None, WITHIN),
        ([5, 6], [3, 4], 100, REVERSED),
        ([1], [3, 4], 2, HOLDS),
        ([1], [3, 4], 2.5, WITHIN),
        ([9], [3, 4], 2, REVERSED),
        ([1], [3], None, ONE_SEED),
        ([], [3], 1, ""),
    ],
)
def test_verdicts_by_hand(lower, higher, usual, expected):
    assert paper_tables.verdict(lower, higher, usual) == expected


def test_mean_and_spread():
    lines = [line("F", fid=100.0), line("F", 2000, fid=110.0), line("B", fid=90.0), line("C", fid=1.0)]
    assert paper_tables.values(lines, "mix90", "fid") == [100.0, 110.0]
    assert paper_tables.said([100.0, 110.0]) == "105.0 (100.0 to 110.0)" and paper_tables.said([3.14159]) == "3.14"
    assert paper_tables.spread(lines, "fid") == 10.0 and paper_tables.spread(lines, "ls_z") is None
    # B has one seed: 15 away from F's mean, and F's two seeds are 10 apart.
    assert paper_tables.judged(lines, ("F", "fid"), ("B", "fid")) == REVERSED
    assert paper_tables.judged(lines, ("C", "fid"), ("B", "fid")) == HOLDS
    assert paper_tables.judged(lines, ("F", "ls_w"), ("F", "ls_z")) == ""
    lines = [line("F", ls_z=9.0, ls_w=3.0), line("B", ls_z=5.0, ls_w=5.0), line("A", ls_z=4.0)]  # no w in A
    assert paper_tables.values(lines, "A", "ls_w") == [] and paper_tables.spread(lines, "ls_w") is None
    assert paper_tables.judged(lines, ("F", "ls_w"), ("B", "ls_z")) == ONE_SEED


def test_what_the_page_says_of_F(tmp_path):
    lines = [line("F", fid=100.0), line("F", 2000, fid=110.0), line("A", fid=200.0), line("A", 2000, fid=205.0)]
    lines += [line("B", fid=105.0), line("B", 2000, fid=90.0)]
    text = paper_tables.section(lines, tmp_path)
    assert "F is better than A, beyond the spread of the seeds (F 105.0 (100.0 to 110.0), A 202.5" in text
    assert "**F is not better than B beyond the spread of the seeds**: they are within it" in text
    assert "| F is better than Progressive GAN | FID of F < FID of A | 4.40 < 8.04 | " in text
    assert "Of the paper's 27 orderings: 2 hold beyond the spread, 1 are not decided" in text and "images" not in text
    (tmp_path / "miniature-F.png").touch()
    assert "![pictures of F](images/miniature-F.png)" in paper_tables.section(lines, tmp_path)


def test_rows_of_the_tables(tmp_path):
    lines = [line("F", fid=4.0, fid_mix2=5.0, ppl_wfull=300.0, ppl_wend=200.0, ls_z=90.0, ls_w=40.0)]
    text = paper_tables.section(lines, tmp_path)
    for row in (
        "| F | style mixing: the full StyleGAN | 1 | 4.00 | 4.40 |",
        "| F | W | 1 | 300.0 | 234.0 | 200.0 | 195.9 | 40.00 | 3.79 |",
        "| F | Z | 1 |  |  |  |  | 90.00 | 165.01 |",
        "| mix90 | 1 | 4.00 | 4.40 | 5.00 | 5.11 |  | 6.88 |  | 9.03 |",
        "| stylebased-8 | W | 1 | 4.00 | 4.40 | 300.0 | 234.0 |",
        "| A | Progressive GAN with WGAN-GP, from 4x4 | not run yet |  | 8.04 |",
    ):
        assert row in text, row
    assert "fid@faces, fid_mix2@faces" in text and "1 run, 0.0 hours on a machine" in text
    assert paper_tables.section([], tmp_path).count("not run yet") > 40


# ----------------------------------------------------------------------------------------------------------------------
# The command


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    (tmp_path / "RESULTS.md").write_text(PAGE)
    paths = [f"--outdir={tmp_path / 'out'}", f"--lines={tmp_path / 'lines.jsonl'}", f"--page={tmp_path / 'RESULTS.md'}"]
    return [*paths, "--kimg=10", "--fid=1000", "--ppl=200", "--ls=500", "--tables=1,figure9"]


def test_it_goes_on_where_it_was_stopped(arguments, programs, tmp_path, capsys):
    programs.value = lambda config, seed, metric, kimg: 100.0 - kimg + ord(config[0]) + seed / 1000
    paper_in_miniature.main([*arguments, "--plan"])
    assert not programs.called and (tmp_path / "RESULTS.md").read_text() == PAGE
    assert re.search(r"run 1 of 12: F-1000; about .*\nthen B-1000, A-1000, ", capsys.readouterr().out)
    programs.stop_after = 5  # F whole, B trained
    with pytest.raises(KeyboardInterrupt):
        paper_in_miniature.main(arguments)
    lines = tmp_path / "lines.jsonl"
    kept = runs.lines(lines)
    assert [one["config"] for one in kept] == ["F"] and kept[0]["tables"] == ["1", "figure9"]
    assert [row["kimg"] for row in kept[0]["measured"]["ppl_wfull"]] == [0, 5, 10]
    assert [row["kimg"] for row in kept[0]["measured"]["ppl_wend"]] == [10]
    programs.stop_after = None
    paper_in_miniature.main(arguments)
    trained = [Path(given["outdir"]).name for name, given in programs.called if name == "train.py"]
    assert trained == ["F-1000", "B-1000", *(f"{config}-1000" for config in "BACDE"), *(f"{c}-2000" for c in "FBACDE")]
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| F | style mixing: the full StyleGAN | 2 | 161.5 (161.0 to 162.0) | 4.40 |" in text
    assert "images/figure9.png" in text and "images/miniature-A.png" in text
    assert (tmp_path / "images" / "figure9.png").stat().st_size > 10_000
    assert str(tmp_path) not in lines.read_text() + text
    before = len(programs.called)
    paper_in_miniature.main(arguments)
    assert len(programs.called) == before and "of which 12 are in" in capsys.readouterr().out


def test_what_another_table_wants_is_added(arguments, programs, tmp_path):
    lines = tmp_path / "lines.jsonl"
    paper_in_miniature.main([*arguments, "--tables=figure9"])
    kept = runs.lines(lines)
    kept[0]["measured"].pop("ls")
    kept[1]["curves"] = []
    runs.write(lines, kept)
    programs.called.clear()
    paper_in_miniature.main([*arguments, "--tables=figure9"])
    again = runs.lines(lines)
    assert [one["config"] for one in again] == ["F", "B"] and all(len(one["measured"]) == 4 for one in again)
    assert again[1]["curves"] == ["fid", "ppl_zfull"]
    assert not [given for name, given in programs.called if name == "run_metrics.py"]  # it was still in --outdir


def test_redo_and_other_conditions(arguments, programs, tmp_path):
    lines = tmp_path / "lines.jsonl"
    paper_in_miniature.main([*arguments, "--tables=figure9"])
    with refused(lines, "kimg 10.0, not 20.0", "--lines"):
        paper_in_miniature.main([*arguments, "--kimg=20"])
    programs.value = lambda *_: 7.0
    paper_in_miniature.main([*arguments, "--tables=figure9", "--redo"])
    assert [one["measured"]["fid"][-1]["value"] for one in runs.lines(lines)] == [7.0, 7.0]
    programs.value = lambda *_: 8.0
    paper_in_miniature.main([*arguments, "--tables=figure9", "--write_only"])
    assert "| 7.00 | 4.40 |" in (tmp_path / "RESULTS.md").read_text()


def test_the_time_is_learned_from_the_lines(programs):
    own = line("F", fid=1.0) | {"machine": runs.machine(), "train_seconds": 1000}
    cost = paper_in_miniature.cost("F", ["fid"], [], SIZES)
    assert paper_in_miniature.pace([own], SIZES) == pytest.approx(1002 / cost)
    assert paper_in_miniature.pace([own | {"machine": "another"}], SIZES) is None
    assert paper_in_miniature.measured_pace(10) == 10.0  # "all 10 kimg: 1m 40s"


def test_a_page_without_the_section_is_told_first(arguments, programs, tmp_path):
    (tmp_path / "RESULTS.md").write_text("nothing")
    with pytest.raises(UserError):
        paper_in_miniature.main(arguments)
    assert not programs.called


@pytest.mark.slow
def test_the_programs_themselves(arguments, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)  # where the faces are drawn
    few = ["--tables=figure9", "--seeds=1", "--kimg=0.1", "--fid=100", "--ppl=32", "--ls=100"]
    paper_in_miniature.main([*arguments, *few])
    kept = runs.lines(tmp_path / "lines.jsonl")
    assert [one["config"] for one in kept] == ["F", "B"]
    assert set(kept[1]["measured"]) == {"fid", "ppl_zfull", "ppl_zend", "ls"}
    assert "run 2 of 2: B-1000; about " in capfd.readouterr().out
