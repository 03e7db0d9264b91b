"""project.py: what it writes, that it goes on after a kill, what it refuses. The search itself: tests/projection."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import check_printed, refused

from stylegan_tf.command_line import parse
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.data.faces.create import faces
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs import figures, project
from stylegan_tf.projection import search
from stylegan_tf.projection.projector import Projector
from stylegan_tf.projection.targets import read_targets

ROOT = Path(__file__).parents[2]
SMALL = {"resolution": 16, "fmap_base": 64, "fmap_max": 8, "z_dim": 8}
W_DIM = {"w_dim": 8, "mapping_fmaps": 8, "mapping_layers": 2}
NAMES = ["0.png", "1.png", "2.png"]
FACTOR = 11  # by which a sheet of 48x64 is enlarged
MADE = ["losses.jsonl", "project.json", "projected.npz", "sheet.png", "video.gif"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with networks, and pictures: three in a folder, the first in a file, and two in a zip file."""
    folder = tmp_path_factory.mktemp("work")
    Gs = make(GeneratorConfig(**SMALL, **W_DIM))
    for variable in Gs.trainable_variables:
        if "noise" in variable.path:  # so that pictures show it
            variable.assign(np.full(variable.shape, 0.3, np.float32))
    Gs.save(folder / "Gs.keras")
    make(GeneratorConfig(**SMALL, **W_DIM, label_size=2, num_channels=1)).save(folder / "classes.keras")
    make(GeneratorConfig(**SMALL, **W_DIM, use_noise=False)).save(folder / "plain.keras")
    make(GeneratorConfig(**(SMALL | {"resolution": 8}), **W_DIM)).save(folder / "tiny.keras")
    make(GeneratorConfig(**SMALL, **W_DIM, num_channels=4)).save(folder / "alpha.keras")
    make(ProganGeneratorConfig(**SMALL)).save(folder / "A.keras")
    (folder / "some").mkdir()
    for number, (pixels, _) in enumerate(faces(3, 32, seed=2)):
        Image.fromarray(pixels[:, : 32 - number]).save(folder / f"some/{number}.png")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        for number in (1, 2):
            archive.write(folder / f"some/{number}.png", f"{number}.png")
    Image.new("RGB", (8, 8)).save(folder / "small.png")
    Image.new("RGBA", (16, 16)).save(folder / "clear.png")
    (folder / "note.png").write_text("no picture")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(autouse=True)
def here(work, monkeypatch):
    monkeypatch.chdir(work)


def projected(out, *arguments, target="some"):
    project.run([f"--target={target}", "--network=Gs.keras", f"--outdir={out}", "--video=gif", "--steps=4", *arguments])
    return sorted(path.name for path in out.iterdir())


@pytest.fixture(scope="module")
def done(work, tmp_path_factory):
    """A folder with the projection of the three pictures."""
    out = tmp_path_factory.mktemp("done")
    with contextlib.chdir(work):
        projected(out)
    return out


def test_what_is_written(done):
    assert sorted(path.name for path in done.iterdir()) == MADE
    report = json.loads((done / "project.json").read_text())
    assert (report["space"], report["steps"], report["distance"]) == ("wn", 4, "lpips@faces")
    assert [one["name"] for one in report["pictures"]] == NAMES and len(report["sha256"]) == 64
    losses = [json.loads(line) for line in (done / "losses.jsonl").read_text().splitlines()]
    assert [(row["step"], row["picture"]) for row in losses] == [(step, name) for step in range(5) for name in NAMES]
    assert losses[-1]["lpips@faces"] == pytest.approx(report["pictures"][2]["after"], rel=1e-4)
    with np.load(done / "projected.npz") as arrays:
        assert arrays["w"].shape == (3, 6, 8) and arrays["noise5"].shape == (3, 16, 16, 1)
        assert arrays["names"].tolist() == NAMES and json.loads(str(arrays["about"]))["sha256"] == report["sha256"]
    with Image.open(done / "sheet.png") as sheet:
        assert (sheet.width, sheet.height) == (3 * 16 * FACTOR, 4 * 16 * FACTOR) and "lpips@faces" in sheet.text[
            "about"
        ]
        target, average, found, difference = np.split(np.asarray(sheet)[::FACTOR, ::FACTOR].astype(int), 4)
    assert np.array_equal(difference, np.abs(target - found)) and not np.array_equal(found, average)
    with Image.open(done / "video.gif") as film:
        assert film.n_frames >= 4  # the first step is of rate 0, and GIF leaves equal frames out


def shown_again(folder, out):
    """(what is found by the sheet, what generate.py makes of it, its report)."""
    figures.run(["--network=Gs.keras", f"--w={folder}/projected.npz", "--grid=3x1", "--scale=1", f"--outdir={out}"])
    found = np.asarray(Image.open(folder / "sheet.png"))[::FACTOR, ::FACTOR][32:48].astype(int)
    return found, np.asarray(Image.open(out / "grid.png")), json.loads((out / "generate.json").read_text())


def test_generate_shows_what_was_found(done, tmp_path):
    projected(tmp_path / "w", "--space=w", "--steps=2")
    for folder in (done, tmp_path / "w"):
        found, again, report = shown_again(folder, tmp_path / folder.name)
        assert np.abs(found - again).max() <= 1 and (report["noise"], report["psi"]) == ("maps", 1)


def test_killed_and_resumed_is_uninterrupted(tmp_path, monkeypatch, capsys):
    arguments = ("--batch=2", "--seed=3")
    projected(tmp_path / "whole", *arguments)
    monkeypatch.setattr(search, "SAVE_SECONDS", 0)
    step = Projector.step
    for last in (2, 5):  # steps of the first and of the second minibatch
        left = iter(range(last))

        def dies(projector, number, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            step(projector, number)

        monkeypatch.setattr(Projector, "step", dies)
        with pytest.raises(KeyboardInterrupt):
            projected(tmp_path / "killed", *arguments)
        assert "unfinished" in {path.name for path in (tmp_path / "killed").iterdir()}
        with refused(f"--outdir={tmp_path}/killed", "--overwrite"):
            projected(tmp_path / "killed", "--batch=2", "--seed=4")
    monkeypatch.setattr(Projector, "step", step)
    assert projected(tmp_path / "killed", *arguments) == MADE
    for name in MADE:
        if name != "projected.npz":
            assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    with np.load(tmp_path / "killed/projected.npz") as killed, np.load(tmp_path / "whole/projected.npz") as whole:
        assert set(killed) == set(whole) and all(np.array_equal(killed[name], whole[name]) for name in killed)


def test_a_folder_holds_one_projection(done, tmp_path, capsys, monkeypatch):
    shutil.copytree(done, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "project.json").stat().st_mtime_ns
    assert projected(tmp_path) == MADE and (tmp_path / "project.json").stat().st_mtime_ns == before
    assert "holds this projection" in capsys.readouterr().out
    with refused(f"--outdir={tmp_path}", "--overwrite"):
        projected(tmp_path, "--seed=1")
    with monkeypatch.context() as patch, refused(f"--outdir={tmp_path}", "--overwrite"):
        # What another version of the program searches by.
        patch.setattr(project, "Settings", partial(project.Settings, w_noise=0.05))
        projected(tmp_path)
    (tmp_path / "mine.txt").touch()
    assert projected(tmp_path, "--seed=1", "--steps=1", "--overwrite") == sorted([*MADE, "mine.txt"])
    assert json.loads((tmp_path / "project.json").read_text())["seed"] == 1
    assert (
        "3 of 3 were not found (0.png, 1.png, 2.png)" in (printed := capsys.readouterr().out) and "--steps" in printed
    )


def test_places_of_pictures():
    found = read_targets(["two.zip", "some/0.png", "some"], 16, 3)
    assert [one.name for one in found] == ["1.png", "2.png", "0.png", *NAMES]
    assert all(one.pixels.shape == (16, 16, 3) for one in found) and np.array_equal(found[0].pixels, found[4].pixels)
    (clear,) = read_targets(["clear.png"], 16, 1, background="white")
    assert (clear.pixels == 255).all() and clear.pixels.shape == (16, 16, 1)
    (barred,) = read_targets(["some/0.png"], 16, 3, content=(16, 8))
    assert not barred.pixels[:4].any() and not barred.pixels[12:].any() and barred.pixels[4:12].any()


def test_classes_and_grey(tmp_path):
    with refused("--labels", "vectors"):
        projected(tmp_path, "--network=classes.keras")
    projected(tmp_path, "--network=classes.keras", "--labels=0,1,0", "--space=w", "--steps=1")
    assert json.loads((tmp_path / "project.json").read_text())["labels"] == [0, 1, 0]
    assert np.asarray(Image.open(tmp_path / "sheet.png")).ndim == 2


def test_networks_without_noise_have_no_maps_to_find():
    asked = ["--target=some", "--network=plain.keras"]
    assert project.build(parse(asked, project.FLAGS)).space == "w"
    with refused("--space=wn", "plain.keras", "--space=w"):
        project.build(parse([*asked, "--space=wn"], project.FLAGS))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--target"),
        (["--target=nowhere.png"], "--target=nowhere.png"),
        (["--target=empty"], "--target=empty"),
        (["--target=$NO_SUCH_VARIABLE/x"], "--target=$NO_SUCH_VARIABLE/x"),
        (["--target=some", "--target=small.png"], "small.png"),
        (["--target=note.png"], "note.png"),
        (["--target=clear.png"], "--background"),
        (["--target=clear.png", "--background=nocolour"], "--background"),
        (["--target=some", "--space=z"], "--space=z"),
        (["--target=some", "--steps=0"], "--steps=0"),
        (["--target=some", "--seed=-1"], "--seed=-1"),
        (["--target=some", "--batch=0"], "--batch=0"),
        (["--target=some", "--pixel_weight=-1"], "--pixel_weight=-1"),
        (["--target=some", "--video=avi"], "video.avi"),
        (["--target=some", "--nets=best"], "--nets=best"),
        (["--target=some", "--labels=0"], "--labels"),
        (["--target=some", "--network=A.keras"], "A.keras config"),
        (["--target=some", "--network=tiny.keras", "--nets=open"], "tiny.keras 8x8 16x16"),
        (["--target=some", "--network=alpha.keras"], "alpha.keras 4 3"),
        (["--target=some", "--num_steps=5"], "--steps"),
        (["--target=some", "--outdir=note.png"], "--outdir=note.png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_sentence_that_names_the_flag(work, arguments, named):
    before = sorted(work.rglob("*"))
    network = [] if any("--network" in argument for argument in arguments) else ["--network=Gs.keras"]
    with refused(*named.split()):
        project.run([*network, *arguments])
    assert sorted(work.rglob("*")) == before


def test_the_script_refuses_without_tensorflow(work):
    script = (
        f"import runpy, sys\nsys.argv = ['project.py', '--target=some', '--network=A.keras']\n"
        f"try: runpy.run_path({str(ROOT / 'project.py')!r}, run_name='__main__')\n"
        "except SystemExit as done: code = done.code\n"
        "print(code, {'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "2 set()\n"
    check_printed(done.stderr, "A.keras", "config A")


README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = re.findall(r"^python (project|generate)\.py (.*(?:--target|--w=projected/).*?)(?:  +#.*)?$", README, re.M)


def test_commands_of_the_readme(tmp_path, monkeypatch, work):
    """In their order: what the first finds, the others show."""
    monkeypatch.chdir(tmp_path)
    Image.open(work / "some/0.png").save("me.png")
    (tmp_path / "photos").symlink_to(work / "some")
    assert {program for program, _ in LINES} == {"project", "generate"}
    for program, line in LINES:
        run = project.run if program == "project" else figures.run
        run([*line.split(), f"--network={work}/Gs.keras", *(["--steps=1"] if program == "project" else [])])
