"""Pictures of folders and archives in batches, as run_metrics.py compare reads them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import encoded, noise, put, save, turned
from PIL import Image
from refusals import refused

from stylegan_tf.data.importers import batches
from stylegan_tf.data.importers.batches import picture_files


def pixels_of(place: Path, **options) -> np.ndarray:
    with picture_files(str(place), 100, **options) as files:
        return np.concatenate(list(files.batches()))


def test_pictures_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of their names, of any one size, in as many batches as it takes; grey as RGB, upright."""
    monkeypatch.setattr(batches, "_MOST", 3)
    pictures = [np.ascontiguousarray(noise(12, seed)[:9]) for seed in range(8)]
    for number, pixels in enumerate(pictures):
        put(tmp_path / "in" / f"{number}.png", encoded(pixels))
    put(tmp_path / "in" / "8.png", encoded(pictures[0][:, :, 0]))
    put(tmp_path / "in" / "9.png", turned(pictures[1], 3))
    put(tmp_path / "in" / "notes.txt", b"no picture")
    grey = np.repeat(pictures[0][:, :, :1], 3, axis=2)
    expected = np.stack([*pictures, grey, pictures[1][::-1, ::-1]])
    with picture_files(str(tmp_path / "in"), 100) as files:
        assert files.size == (12, 9) and [len(part) for part in files.batches()] == [3, 3, 3, 1]
    assert np.array_equal(pixels_of(tmp_path / "in"), expected)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in (tmp_path / "in").iterdir():
            archive.write(path, path.name)
    assert np.array_equal(pixels_of(tmp_path / "in.zip"), expected)
    with picture_files(str(tmp_path / "in"), 4) as files:
        assert np.array_equal(np.concatenate(list(files.batches())), expected[:4])


def test_central_squares_of_a_resolution(tmp_path: Path) -> None:
    """As create_from_images --crop=center makes them."""
    put(tmp_path / "a.png", encoded(noise(16)))
    put(tmp_path / "b.png", encoded(np.ascontiguousarray(noise(20)[:8])))
    found = pixels_of(tmp_path, resolution=8)
    small = Image.fromarray(noise(16)).resize((8, 8), Image.Resampling.LANCZOS)
    assert np.array_equal(found, [small, noise(20)[:8, 6:14]])
    with refused("b.png", "20x8", "never enlarged"):
        pixels_of(tmp_path, resolution=16)


def test_transparent_pictures_show_the_background(tmp_path: Path) -> None:
    put(tmp_path / "a.png", encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    assert (pixels_of(tmp_path, background="white") == 255).all()
    with refused("a.png", "transparent", "--background=white"):
        pixels_of(tmp_path)
    with refused("--background", "nocolour"):
        pixels_of(tmp_path, background="nocolour")


def test_every_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """What headers show before anything is read, what decoding shows at its end."""
    for number in range(4):
        save(tmp_path / f"fine{number}.png", seed=number)
    cut = (tmp_path / "fine0.png").read_bytes()[:-40]
    put(tmp_path / "cut.png", cut)
    put(tmp_path / "cut too.png", cut)
    for name in ("cut.png", "cut too.png"):
        with refused(tmp_path, "2 of 6", name, "damaged"):
            pixels_of(tmp_path)
    put(tmp_path / "empty.png", b"")
    save(tmp_path / "large.png", 16)
    for name, what in (("empty.png", "empty"), ("large.png", "16x16")):
        with refused("2 of 8", name, what), picture_files(str(tmp_path), 100):
            raise AssertionError("it was opened")


def test_places_without_pictures(tmp_path: Path) -> None:
    put(tmp_path / "notes.txt", b"no picture")
    for place, names in ((tmp_path, [tmp_path]), (tmp_path / "nowhere", ["nowhere"])):
        with refused(*names), picture_files(str(place), 100):
            raise AssertionError("it was opened")


def test_only_a_few_pictures_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, threads stay a little ahead of who uses the batches."""
    for number in range(120):
        save(tmp_path / f"{number:03}.png", seed=number)
    monkeypatch.setattr(batches, "_MOST", 5)
    monkeypatch.setattr(batches, "cores", lambda: 2)
    read: list[str] = []
    original = batches.PictureFiles._pixels
    monkeypatch.setattr(batches.PictureFiles, "_pixels", lambda *given: read.append("") or original(*given))
    with picture_files(str(tmp_path), 1000) as files:
        for number, part in enumerate(files.batches(), 1):
            assert len(part) == 5 and len(read) <= 5 * number + 4
        assert len(read) == 120
