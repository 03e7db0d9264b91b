"""The commands that write docs/RESULTS.md: their arithmetic, their tables, and that a killed one goes on."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import directions, judging, page, paper_in_miniature, runs, styles_by_layer, transfer
from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import make
from tests.refusals import refused

ATTRIBUTES = ("male", "smiling", "black-hair", "unheard-of")
SIZES = {"resolution": 16, "z_dim": 8, "w_dim": 8, "mapping_fmaps": 8, "mapping_layers": 2, "fmap_max": 8}


@pytest.fixture(scope="module")
def found():
    """Attribute k is there where component k of the w of coarse (0, 3), middle (1) or fine (2) layers is positive."""
    Gs = make(GeneratorConfig(**SIZES, fmap_base=64))

    def look(ws):
        return np.stack([ws[:, 0, 0], ws[:, 2, 1], ws[:, 4, 2], ws[:, 0, 3] ** 2], axis=1)

    def logits(ws):
        return look(np.asarray(ws))

    judge = judging.Judged(Path("faces/Gs.keras"), Gs, None, 1.0, ATTRIBUTES, "stub", "0" * 8, look)
    judge.logits = logits
    return judge


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "RESULTS.md"
    names = ("styles by layer", "directions", "transfer")
    path.write_text("before\n" + "".join(f"<!-- {name}: begin -->\nold\n<!-- {name}: end -->\n" for name in names))
    return path


def test_sections(sheet):
    page.write_section(sheet, "directions", r"new \1")
    text = sheet.read_text()
    assert "<!-- directions: begin -->\nnew \\1\n<!-- directions: end -->" in text and text.count("old") == 2
    with pytest.raises(UserError) as caught:
        page.write_section(sheet, "nothing", "x")
    assert str(sheet) in str(caught.value) and "nothing: begin" in str(caught.value)


def test_results_page_has_the_sections():
    text = page.RESULTS.read_text(encoding="utf-8")
    assert re.findall("<!-- (.+): begin -->", text) == re.findall("<!-- (.+): end -->", text)
    assert set(re.findall("<!-- (.+): begin -->", text)) == {
        *("styles by layer", "directions", "transfer", "paper in miniature"),
    }


def test_followers_by_hand():
    destination, source = [-1.0, 1, 1], [1.0, 1, -1]
    pairs = np.array([[destination, source, source, destination], [source, destination, source, source]])
    counts, shares = styles_by_layer.followed(pairs)
    assert counts.tolist() == [2, 0, 2]
    assert shares[:, [0, 2]].tolist() == [[0.5, 0.5], [0, 0]] and np.isnan(shares[:, 1]).all()


def test_styles_by_layer(found, sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(styles_by_layer, "judged", lambda network, nets: found)
    monkeypatch.setattr(styles_by_layer, "PART", 30)
    arguments = ["--pairs=70", f"--page={sheet}", f"--workdir={tmp_path / 'work'}"]
    with monkeypatch.context() as patch:
        patch.setattr(styles_by_layer, "write_section", _stopped)
        with pytest.raises(KeyboardInterrupt):
            styles_by_layer.main(arguments)
    assert len(list((tmp_path / "work").rglob("*.npy"))) == 3
    with monkeypatch.context() as patch:
        patch.setattr(type(found), "logits", _stopped)  # nothing is made again
        patch.delattr(found, "logits")
        styles_by_layer.main(arguments)
    assert not list((tmp_path / "work").rglob("*.npy"))
    text = sheet.read_text()
    rows = {line.split(" | ")[0][2:]: line.split(" | ")[-3:] for line in text.splitlines() if line.startswith("| ")}
    assert [rows[name][at].strip(" |") for at, name in enumerate(ATTRIBUTES[:3])] == ["1.00"] * 3
    assert rows["male"][1] == rows["smiling"][0] == rows["black-hair"][0] == "0.00"
    assert "unheard-of" not in text and "70 pairs" in text  # it never differs


def _stopped(*_):
    raise KeyboardInterrupt


def test_directions(found, sheet, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(directions, "judged", lambda network, nets: found)
    path = tmp_path / "directions-Gs.npz"
    vectors = np.eye(4, 8, dtype=np.float32)
    np.savez(path, attributes=["male", "smiling", "not judged", "unheard-of"], w=vectors)
    arguments = [f"--directions={path}", "--seeds=20", f"--page={sheet}", f"--workdir={tmp_path / 'work'}"]
    directions.main(arguments)
    text = sheet.read_text()
    assert "| male | 1.000 | +" in text and "| smiling | 1.000 | +" in text and "not judged" not in text
    assert "In 2 of 3 the logit rises" in text and "not in unheard-of." in text
    (tmp_path / "empty" / found.path).parent.mkdir(parents=True)
    (tmp_path / "empty" / found.path).write_bytes(b"")
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UserError) as caught:
        directions.main(arguments[1:])
    assert "--metrics=ls" in str(caught.value)


def test_the_other_population_wears_hats(tmp_path):
    first, second = transfer.drawn(32, 2)
    assert first.shape == (32, 32, 3) and first.dtype == np.uint8 and not np.array_equal(first, second)
    folder = transfer.population(tmp_path / "faces", 32, 4)
    assert (folder / "dataset.json").is_file() or list(folder.glob("*.tfrecords"))
    assert transfer.population(folder, 32, 4) == folder


def test_transfer_needs_a_discriminator(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer.load, "SHIPPED", tmp_path / "Gs.keras")
    with pytest.raises(UserError) as caught:
        transfer.main([])
    assert "D.keras" in str(caught.value) and "--pack" in str(caught.value)


def test_transfer_table():
    def line(start, **values):
        measured = [{"kimg": int(kimg[1:]), "value": value} for kimg, value in values.items()]
        return {"start": start, "metric": "fid2k@faces", "pictures": 64, "resolution": 32, "measured": measured}

    text = transfer.section([line("nothing", k10=90.0), line("Gs and D", k5=30.04, k10=20.0)])
    assert "| started from | 5 | 10 |" in text and "fid2k@faces" in text
    assert text.endswith("| Gs and D | 30.0 | 20.0 |\n| Gs | not run yet |  |\n| nothing |  | 90.0 |")
    assert transfer.section([]).count("not run yet") == 3


def test_transfer_goes_on(programs, sheet, tmp_path, capsys):
    lines = tmp_path / "lines.jsonl"
    arguments = [f"--outdir={tmp_path / 'out'}", f"--lines={lines}", f"--page={sheet}", "--pictures=4", "--kimg=10"]
    programs.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        transfer.main(arguments)
    assert [line["start"] for line in runs.lines(lines)] == ["Gs and D"] and sheet.read_text().count("not run yet") == 2
    programs.stop_after = None
    transfer.main(arguments)
    assert [Path(given["outdir"]).name for _, given in programs.called] == ["Gs-and-D", "Gs", "nothing"]
    assert ["init_from" in given for _, given in programs.called] == [True, True, False]
    assert sheet.read_text().count("| 100.0 | 95.0 | 90.0 |") == 3
    transfer.main([*arguments, "--write_only"])
    transfer.main(arguments)
    assert len(programs.called) == 3
    with refused(lines, "kimg 10.0, not 20.0", "--lines"):
        transfer.main([*arguments, "--kimg=20"])
    programs.value = lambda config, seed, metric, kimg: 7.0
    transfer.main([*arguments, "--redo"])
    assert len(programs.called) == 6 and sheet.read_text().count("| 7.0 | 7.0 | 7.0 |") == 3
    assert str(tmp_path) not in lines.read_text()


@pytest.mark.parametrize("benchmark", [transfer, paper_in_miniature])
def test_the_page_has_what_the_committed_lines_give(benchmark, tmp_path):
    copy = tmp_path / page.RESULTS.name
    copy.write_bytes(page.RESULTS.read_bytes())
    if (page.RESULTS.parent / "images").is_dir():
        (tmp_path / "images").mkdir()
        for picture in (page.RESULTS.parent / "images").iterdir():
            (tmp_path / "images" / picture.name).touch()
    benchmark.main(["--write_only", f"--page={copy}"])
    assert copy.read_text("utf-8") == page.RESULTS.read_text("utf-8")
