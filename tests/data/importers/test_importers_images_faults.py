import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_files import animation, encoded, facts, huge_png, noise, put, read, save
from PIL import Image
from refusals import check_printed, check_refusal, failed, refused

from stylegan_tf.data.importers import images
from stylegan_tf.data.importers.images import Options, create_from_images
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.errors import UserError

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "tests" / "golden" / "dataset" / "png_rgb"
SORTED = Options(shuffle=False, workers=2)


def spoil(folder):
    """Five sound pictures, and one of every fault; returns what is to be said about each."""
    for number in range(5):
        save(folder / f"fine{number}.png", seed=number)
    put(folder / "bomb.png", huge_png(60000, 60000))
    put(folder / "cut.png", (folder / "fine0.png").read_bytes()[:-40])
    put(folder / "document.pdf", b"%PDF")
    put(folder / "empty.png", b"")
    put(folder / "film.gif", animation())
    put(folder / "glass.png", encoded(Image.new("RGBA", (8, 8), (1, 2, 3, 128))))
    save(folder / "grey.png", mode="L")
    save(folder / "large.png", 16)
    put(folder / "notes.txt", b"no picture, and no fault")
    save(folder / "odd.png", 12)
    put(folder / "sky.tif", encoded(Image.new("F", (8, 8)), form="TIFF"))
    put(folder / "text.png", b"just text")
    save(folder / "tiny.png", 2)
    put(folder / "wide.png", encoded(noise(8)[:4]))
    return {
        "bomb.png": "268,435,456",
        "cut.png": "damaged",
        "document.pdf": "picture",
        "empty.png": "empty",
        "film.gif": "3 frames",
        "glass.png": "--background=white",
        "grey.png": "grayscale",
        "large.png": "16x16",
        "odd.png": "12x12",
        "sky.tif": "8 or 16 bits",
        "text.png": "picture",
        "tiny.png": "4x4",
        "wide.png": "8x4",
    }


@pytest.mark.parametrize("slow", [False, True])
def test_all_faults_are_reported_at_once_and_nothing_is_written(tmp_path, capsys, monkeypatch, slow):
    monkeypatch.setattr(images, "_SOON", 0.0 if slow else 60.0)
    folder = tmp_path / "in"
    expected = spoil(folder)
    with pytest.raises(UserError) as raised:
        create_from_images(tmp_path / "new" / "set", folder, SORTED)
    lines = str(raised.value).splitlines()
    check_refusal(lines[0], "13 of 18", folder)
    assert len(lines) == 1 + len(expected)
    for line, (name, what) in zip(lines[1:], expected.items(), strict=True):
        check_refusal(line, name, what)
    assert os.listdir(tmp_path) == ["in"]
    report = capsys.readouterr().err
    assert f"faults   11 of 18 files in {folder} " in report  # without the two that must be decoded
    assert ("    odd.png: " in report) is slow  # said before the rest is decoded


def test_skipped_files_are_left_out_and_noted(tmp_path, capsys):
    expected = spoil(tmp_path / "in")
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", Options(shuffle=False, on_error="skip"))
    assert np.array_equal(read(data_set, 3), [noise(8, number) for number in range(5)])
    skipped = facts(data_set)["skipped"]
    assert sorted(skipped) == sorted(expected)
    for name, what in expected.items():
        check_refusal(skipped[name], what)
    late = capsys.readouterr().err.partition("2 of 18 files")[2].splitlines()
    assert [line.split(":")[0].strip() for line in late[1:]] == ["cut.png", "glass.png"]


def test_labels_of_what_is_skipped_are_left_out(tmp_path):
    for number in range(3):
        save(tmp_path / "in" / f"{number}.png", seed=number)
    put(tmp_path / "in" / "1.png", (tmp_path / "in" / "1.png").read_bytes()[:-40])
    put(tmp_path / "in" / "dataset.json", b'{"labels": [["0.png", 2], ["1.png", 1], ["2.png", 0], ["gone.png", 1]]}')
    with refused("1 of 3", "1 labels", tmp_path / "in", "gone.png", "dataset.json") as raised:
        create_from_images(tmp_path / "set", tmp_path / "in")
    check_refusal(str(raised.value), "1.png", "damaged")
    assert len(str(raised.value).splitlines()) == 3
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", Options(shuffle=False, on_error="skip"))
    assert data_set.labels.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize("content", [b"", encoded(noise(8))[:-40]])
def test_nothing_but_faults_is_no_data_set(tmp_path, on_error, content):
    put(tmp_path / "in" / "a.png", content)
    with refused("1 of 1", tmp_path / "in", "a.png"):
        create_from_images(tmp_path / "set", tmp_path / "in", Options(on_error=on_error))
    assert os.listdir(tmp_path) == ["in"]


def test_a_scan_reports_and_writes_nothing(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", 16)
    assert create_from_images(tmp_path / "set", tmp_path / "in", Options(scan_only=True, workers=3)) is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"create_from_images: 1 files in {tmp_path}/in"
    assert lines[1:4] == ["  formats  PNG 1", "  sizes    16x16 1", "  colours  RGB 1"]
    assert lines[4].startswith("  data set 1 pictures of 16x16x3, compression none: 0.0 MB of ")
    assert lines[4].endswith(" with 3 workers")
    for number in range(30):
        put(tmp_path / "in" / f"{number}.png", b"")
    with refused("30 of 31", tmp_path / "in", "report"):
        create_from_images(tmp_path / "set", tmp_path / "in", Options(scan_only=True))
    assert capsys.readouterr().out.count(".png: ") == 30
    assert os.listdir(tmp_path) == ["in"]


def test_nothing_to_import(tmp_path):
    put(tmp_path / "in" / "readme.txt", b"")
    with refused(tmp_path / "in", "folder", "zip", "tar"):
        create_from_images(tmp_path / "set", tmp_path / "in")
    with refused(tmp_path / "nowhere", "folder", "zip", "tar"):
        create_from_images(tmp_path / "set", tmp_path / "nowhere")


def test_an_occupied_target_is_kept_unless_overwriting_is_asked_for(tmp_path):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", seed=1)
    first = create_from_images(tmp_path / "set", tmp_path / "in", Options(max_images=1))
    with refused(tmp_path / "set", "empty", "--overwrite"):
        create_from_images(tmp_path / "set", tmp_path / "nowhere")
    assert open_data_set(tmp_path / "set") == first
    assert create_from_images(tmp_path / "set", tmp_path / "in", Options(overwrite=True)).num_images == 2
    assert sorted(os.listdir(tmp_path)) == ["in", "set"]


def test_a_read_only_target_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode, **options: False)  # root may write everywhere
    with refused(tmp_path, "read-only"):
        create_from_images(tmp_path / "set", tmp_path / "nowhere")


def test_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    save(tmp_path / "in" / "a.png")
    monkeypatch.setattr(images, "free_space", lambda directory: 100)
    with failed(tmp_path / "set", "0.0 MB", "--resolution", "--compression=png"):
        create_from_images(tmp_path / "set", tmp_path / "in")
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("processes", [False, True])
def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch, processes):
    def interrupted(blobs, count):
        raise KeyboardInterrupt

    for number in range(8):
        save(tmp_path / "in" / f"{number}.png", seed=number)
    monkeypatch.setattr(images, "_MANY", 1 if processes else 1000)
    monkeypatch.setattr(images.Writer, "append", lambda *given: interrupted(*given[1:]))
    with pytest.raises(KeyboardInterrupt):
        create_from_images(tmp_path / "set", tmp_path / "in", SORTED)
    assert os.listdir(tmp_path) == ["in"]


DISK_FULL = """
import resource, sys
from stylegan_tf.data.importers.images import create_from_images
from stylegan_tf.errors import exit_code
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
sys.exit(exit_code(lambda: create_from_images(*sys.argv[1:])))
"""


def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", DISK_FULL, str(tmp_path / "set"), str(PICTURES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    check_printed("\n".join(errors) + "\n", "set-r05.tfrecords", tmp_path / "set", "File too large")
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "options", [{}, {"max_images": 3}, {"channels": "rgb", "resolution": 4}, {"on_error": "skip", "crop": "center"}]
)
def test_a_scan_finds_what_the_real_run_refuses(tmp_path, capsys, options):
    spoil(tmp_path / "in")
    for number, cut in enumerate((60, 100, 150)):
        content = encoded(noise(16 if "resolution" in options else 8, number), form="JPEG")
        put(tmp_path / "in" / f"cut{number}.jpg", content[:-cut])
    put(tmp_path / "in" / "glass2.png", encoded(Image.new("LA", (8, 8), (1, 128))))
    chosen = Options(shuffle=False, **options)
    try:
        create_from_images(tmp_path / "set", tmp_path / "in", replace(chosen, scan_only=True))
    except UserError:
        assert chosen.on_error == "fail"
    report = capsys.readouterr().out
    found = [line.strip() for line in report.splitlines() if line.startswith("    ")]
    if chosen.on_error == "skip":
        skipped = facts(create_from_images(tmp_path / "set", tmp_path / "in", chosen))["skipped"]
        assert found == [f"{name}: {what}" for name, what in sorted(skipped.items())]
    else:
        with pytest.raises(UserError) as raised:
            create_from_images(tmp_path / "set", tmp_path / "in", chosen)
        assert found == [line.strip() for line in str(raised.value).splitlines()[1:]]


def test_a_scan_says_that_the_target_is_occupied(tmp_path, capsys):
    save(tmp_path / "in" / "a.png")
    put(tmp_path / "set" / "notes", b"")
    with refused(tmp_path / "set", "empty", "--overwrite"):
        create_from_images(tmp_path / "set", tmp_path / "in", Options(scan_only=True))
    assert "data set 1 pictures of 8x8x3" in capsys.readouterr().out


def test_transparent_pictures_are_flattened_where_a_background_is_given(tmp_path):
    put(tmp_path / "in" / "a.png", encoded(Image.new("RGBA", (8, 8), (10, 20, 30, 0))))
    put(tmp_path / "in" / "b.png", encoded(noise(8)))
    for channels in ("auto", "rgb"):
        with refused(tmp_path / "in", "a.png", "transparent", "--channels=rgba", "--background=white"):
            create_from_images(tmp_path / channels, tmp_path / "in", Options(channels=channels))
    made = create_from_images(tmp_path / "set", tmp_path / "in", Options(shuffle=False, background="#ff8000"))
    assert read(made, 3)[0, 4, 4].tolist() == [255, 128, 0]
    assert facts(made)["options"] == {"background": "#ff8000"}


def test_dataset_json_names_so_many_skipped_files_and_counts_the_others(tmp_path, monkeypatch):
    spoil(tmp_path / "in")
    monkeypatch.setattr(images, "_SKIPPED", 4)
    made = create_from_images(tmp_path / "set", tmp_path / "in", Options(on_error="skip"))
    assert list(facts(made)["skipped"]) == ["bomb.png", "cut.png", "document.pdf", "empty.png"]
    assert facts(made)["skipped_too"] == 9
