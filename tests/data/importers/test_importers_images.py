import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.importers.images import create_from_images
from stylegan_tf.data.records import open_data_set, read_pictures
from stylegan_tf.mistakes import Mistake

GOLDEN = Path(__file__).parents[2] / "golden" / "dataset"  # 12 pictures, and the official tool's records of them


def read(data_set, stage):
    with open(data_set.path(stage), "rb") as file:
        return read_pictures(file, *data_set.index(stage))


def save(path, resolution=8, mode="RGB", seed=0):
    pixels = np.random.RandomState(seed).randint(0, 256, (resolution, resolution, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.mark.parametrize(("official", "shuffle"), [("rgb_noshuffle", False), ("rgb_shuffle", True)])
@pytest.mark.parametrize("packed", [False, True])
def test_the_records_are_the_official_ones(tmp_path, official, shuffle, packed):
    pictures = GOLDEN / "png_rgb"
    if packed:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
            for path in sorted(pictures.iterdir(), reverse=True):
                file.write(path, f"pictures/{path.name}")
        pictures = tmp_path / "a.zip"
    ours, theirs = create_from_images(tmp_path / "set", pictures, shuffle), open_data_set(GOLDEN / official)
    assert ours.stages == theirs.stages == (2, 3, 4, 5)
    for stage in ours.stages:
        assert np.array_equal(read(ours, stage), read(theirs, stage))


def test_dataset_json_says_where_it_came_from(tmp_path):
    save(tmp_path / "in" / "a.png")
    create_from_images(tmp_path / "set", tmp_path / "in")
    facts = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert (facts["command"], facts["shuffle"], facts["source"]) == ("create_from_images", 1, str(tmp_path / "in"))
    assert (facts["name"], facts["num_images"], facts["resolution"], facts["channels"]) == ("set", 1, 8, 3)


def test_a_dropped_alpha_channel_is_mentioned(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", mode="RGBA")
    save(tmp_path / "in" / "b.png", mode="RGBA", seed=1)
    save(tmp_path / "in" / "c.png", seed=2)
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", shuffle=False)
    with Image.open(tmp_path / "in" / "b.png") as image:
        assert np.array_equal(read(data_set, 3)[1].transpose(1, 2, 0), np.array(image)[:, :, :3])
    assert "dropped the fully opaque alpha channel of 2 pictures" in capsys.readouterr().err


def test_grey_pictures(tmp_path):
    save(tmp_path / "in" / "a.png", mode="L")
    assert create_from_images(tmp_path / "set", tmp_path / "in").channels == 1


def test_all_faults_are_reported_at_once_and_nothing_is_written(tmp_path):
    folder = tmp_path / "in"
    for number in range(5):
        save(folder / f"fine{number}.png", seed=number)
    (folder / "cut.png").write_bytes((folder / "fine0.png").read_bytes()[:-40])
    (folder / "empty.png").touch()
    (folder / "notes.txt").touch()
    (folder / "document.pdf").write_bytes(b"%PDF")
    save(folder / "grey.png", mode="L")
    save(folder / "large.png", 16)
    save(folder / "odd.png", 12)
    save(folder / "tiny.png", 2)
    Image.new("RGB", (8, 4)).save(folder / "wide.png")
    Image.new("RGBA", (8, 8), (1, 2, 3, 128)).save(folder / "glass.png")
    Image.new("CMYK", (8, 8)).save(folder / "print.jpg")
    with pytest.raises(Mistake) as raised:
        create_from_images(tmp_path / "new" / "set", folder)
    lines = str(raised.value).splitlines()
    assert lines[0] == f"10 of 15 files in {folder} cannot be used; nothing was written:"
    expected = {
        "cut.png": "damaged or cut short",
        "document.pdf": "not a picture",
        "empty.png": "it is empty (zero bytes)",
        "glass.png": "Input images must be stored as RGB or grayscale",
        "grey.png": "it is grayscale, most are RGB",
        "large.png": "it is 16x16, most are 8x8",
        "odd.png": "Input image resolution must be a power-of-two, not 12x12",
        "print.jpg": "Input images must be stored as RGB or grayscale of 8 bits, not CMYK",
        "tiny.png": "4x4 or more",
        "wide.png": "Input images must have the same width and height, but this one is 8x4",
    }
    assert len(lines) == 1 + len(expected)
    for line, (name, what) in zip(lines[1:], expected.items(), strict=True):
        assert line.startswith(f"  {name}: ")
        assert what in line
    assert os.listdir(tmp_path) == ["in"]


def test_a_fault_found_while_writing_leaves_nothing(tmp_path):
    for number in range(6):
        save(tmp_path / "in" / f"{number}.png", seed=number)
    for name in ("2.png", "4.png"):
        path = tmp_path / "in" / name
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Mistake, match=r"(?s)2 of 6 files .*2\.png: .*4\.png: "):
        create_from_images(tmp_path / "set", tmp_path / "in")
    assert os.listdir(tmp_path) == ["in"]


def test_nothing_to_import(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").touch()
    with pytest.raises(Mistake, match="No input images found in .*in; name a folder"):
        create_from_images(tmp_path / "set", tmp_path / "in")


def test_an_occupied_target_is_kept(tmp_path):
    save(tmp_path / "in" / "a.png")
    with pytest.raises(Mistake, match="is not empty"):
        create_from_images(tmp_path / "in", tmp_path / "in")
    assert os.listdir(tmp_path / "in") == ["a.png"]
