"""Data sets by name."""

from pathlib import Path

import pytest

from stylegan_tf.configs.data_sets import DATA_SETS, missing, named
from stylegan_tf.errors import UserError


@pytest.mark.parametrize(
    ("name", "folder", "resolution", "mirror"),
    [
        ("ffhq", "ffhq", 1024, True),
        ("ffhq512", "ffhq", 512, True),
        ("ffhq256", "ffhq", 256, True),
        ("celebahq", "celebahq", 1024, True),
        ("lsun-bedroom-full", "lsun-bedroom-full", 256, False),
        ("lsun-car-512x384", "lsun-car-512x384", 512, False),
        ("lsun-cat-full", "lsun-cat-full", 256, False),
    ],
)
def test_rows(
    name: str, folder: str, resolution: int, mirror: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = named(name)
    assert row is not None and row == DATA_SETS[name]
    assert (row.folder, row.resolution, row.mirror) == (folder, resolution, mirror)
    assert row.highest >= row.resolution


def test_no_more_rows_than_those() -> None:
    assert len(DATA_SETS) == 7


def test_a_folder_wins_over_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ffhq").mkdir()
    assert named("ffhq") is None and named("ffhq512") is not None


def test_paths_and_misspelt_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named("datasets/ffhq") is None and named("mine") is None
    with pytest.raises(UserError, match=r"--dataset=FFHQ: there is no such folder; did you mean ffhq\?"):
        named("FFHQ")
    with pytest.raises(UserError, match=r"did you mean lsun-cat-full\?"):
        named("lsun-cats-full")


def test_missing_says_where_and_how() -> None:
    sentence = str(missing("ffhq512", "elsewhere/ffhq"))
    assert "--dataset=ffhq512: its records are expected in elsewhere/ffhq" in sentence
    assert "python dataset_tool.py create_from_images elsewhere/ffhq PICTURES" in sentence
    assert "original TFRecords" in sentence and "--data_dir" in sentence
