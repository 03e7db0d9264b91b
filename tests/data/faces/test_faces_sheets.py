import sys

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf.data.faces import sheets
from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.faces.draw import draw
from stylegan_tf.data.faces.traits import face


def test_the_first_sheet_is_a_grid_read_row_by_row():
    sheet = np.asarray(sheets.faces_sheet(rows=2, columns=3, resolution=16, seed=4))
    assert sheet.shape == (32, 48, 3)
    assert np.array_equal(sheet[16:32, 16:32], draw(face(4, 4), 16))


def test_the_second_sheet_has_off_left_and_on_right():
    sheet = np.asarray(sheets.attributes_sheet(columns=4, resolution=16))
    assert sheet.shape == (10 * (16 + 18 + 12) + 12, 4 * (2 * 16 + 2 + 12) + 12, 3)
    name = ATTRIBUTES[5]  # second row, second column
    x, y = 12 + 1 * 46, 12 + 1 * 46 + 18
    sitter = sheets.sitter_for(name)
    off, on = (sitter.flipped(name), sitter) if sitter.attributes[name] else (sitter, sitter.flipped(name))
    assert np.array_equal(sheet[y : y + 16, x : x + 16], draw(off, 16))
    assert np.array_equal(sheet[y : y + 16, x + 18 : x + 34], draw(on, 16))


def test_both_sheets_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["sheets", str(tmp_path)])
    sheets.main()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["faces-attributes.png", "faces-sheet.png"]
    with Image.open(tmp_path / "faces-sheet.png") as sheet:
        assert sheet.size == (1024, 1024)
    assert all(each.stat().st_size < 700_000 for each in tmp_path.iterdir())


def test_mistakes_are_said(tmp_path, monkeypatch, capsys):
    with refused(tmp_path / "none", "folder"):
        sheets.write_sheets(tmp_path / "none")
    monkeypatch.setattr(sys, "argv", ["sheets"])
    with pytest.raises(SystemExit) as stop:
        sheets.main()
    assert stop.value.code == 2 and "usage: python -m stylegan_tf.data.faces.sheets" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["sheets", "--help"])
    with pytest.raises(SystemExit) as stop:
        sheets.main()
    assert stop.value.code == 0 and "OUTDIR" in capsys.readouterr().out
