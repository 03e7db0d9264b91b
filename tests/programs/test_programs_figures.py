"""generate.py COMMAND: what each writes, what its .json says, and what it refuses. The arithmetic: tests/figures."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf import to_uint8, video
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.figures.images import Painter
from stylegan_tf.figures.walks import KINDS
from stylegan_tf.networks.kinds import make
from stylegan_tf.networks.sampling import latents
from stylegan_tf.programs import figures

W_DIM = 8
WIDTHS = {"z_dim": W_DIM, "fmap_base": 64, "fmap_max": 8}


def generator(**changes):
    Gs = make(GeneratorConfig(resolution=16, w_dim=W_DIM, mapping_fmaps=W_DIM, mapping_layers=2, **WIDTHS, **changes))
    for variable in Gs.trainable_variables:
        if "noise" in variable.path:
            variable.assign(np.full(variable.shape, 0.5, np.float32))
    return Gs


@pytest.fixture(scope="module")
def Gs():
    return generator()


@pytest.fixture(scope="module")
def network(Gs, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "Gs.keras"
    Gs.save(path)
    return path


def made(tmp_path, capsys, *arguments):
    """The files that a command says it wrote."""
    figures.run([*arguments, f"--outdir={tmp_path / 'out'}"])
    return [line for line in capsys.readouterr().out.splitlines() if str(tmp_path / "out") in line]


def pixels(path):
    return np.asarray(Image.open(path))


def facts(path):
    return json.loads(path.read_text())


def test_mixing_is_what_the_api_makes(Gs, network, tmp_path, capsys):
    arguments = [f"--network={network}", "--rows=1,2", "--columns=3-5", "--layers=coarse,4-5", "--scale=1"]
    (path,) = made(tmp_path, capsys, "mixing", *arguments)
    sheet, out = pixels(path), tmp_path / "out"
    assert sheet.shape == (48, 64, 3)
    ws = Painter(Gs).ws(latents([2, 4], W_DIM)).copy()
    ws[0, 4:6] = ws[1, 4:6]
    expected = np.asarray(to_uint8(Gs.synthesis(ws[:1])))[0].astype(int)
    assert np.abs(sheet[32:, 32:48] - expected).max() <= 1
    found = facts(out / "mixing.json")
    assert (found["rows"], found["columns"], found["layers"]) == ([1, 2], [3, 4, 5], [[0, 1], [4, 5]])
    assert found["picture"] == "mixing.png" and found["network"] == str(network) and len(found["sha256"]) == 64


def test_the_same_command_into_the_same_folder_leaves_one_picture(network, tmp_path, capsys):
    command = ["truncation", f"--network={network}", "--seeds=1", "--psis=1,0"]
    made(tmp_path, capsys, *command)
    made(tmp_path, capsys, *command, "--format=jpg")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["truncation.jpg", "truncation.json"]
    assert facts(tmp_path / "out" / "truncation.json")["picture"] == "truncation.jpg"


def test_small_networks_are_enlarged(network, tmp_path, capsys):
    (path,) = made(tmp_path, capsys, "truncation", f"--network={network}", "--seeds=1,2", "--psis=1,0.5,0")
    sheet = pixels(path)
    assert sheet.shape == (32 * 11, 48 * 11, 3) and facts(tmp_path / "out" / "truncation.json")["scale"] == 11
    assert np.array_equal(sheet[::11, ::11], sheet[10::11, 10::11])


def test_noise_writes_both_figures(network, tmp_path, capsys):
    arguments = [f"--network={network}", "--seeds=1,2", "--draws=6", "--scale=1", "--layers=4-5"]
    paths = made(tmp_path, capsys, "noise", *arguments)
    assert [pixels(path).shape for path in paths] == [(32, 48, 3), (32, 32, 3)]
    assert facts(tmp_path / "out" / "noise-layers.json")["fine"] == [4, 5]


def test_uncurated_mosaic(network, tmp_path, capsys):
    (path,) = made(tmp_path, capsys, "uncurated", f"--network={network}", "--rows=2", "--lods=0,1,2", "--scale=1")
    assert pixels(path).shape == (32, 16 + 8 + 4, 3)


def test_edits_along_the_directions_there_are(Gs, network, tmp_path, capsys):
    vectors = np.eye(2, W_DIM, dtype=np.float32)
    np.savez(network.parent / "directions-Gs.npz", attributes=np.array(["smiling", "male"]), z=vectors, w=vectors)
    np.save(tmp_path / "own.npy", np.arange(W_DIM, dtype=np.float32))
    figures.run(["directions", f"--network={network}"])
    listed = capsys.readouterr().out
    assert "smiling, male" in listed and "sefa0, sefa1" in listed
    sheets = []
    for name in ("male", "sefa1", tmp_path / "own.npy"):
        arguments = ["--seeds=3", "--steps=3", "--scale=1", "--psi=1", f"--direction={name}"]
        (path,) = made(tmp_path, capsys, "edit", f"--network={network}", *arguments)
        sheets.append(pixels(path).astype(int))
    plain = np.asarray(to_uint8(Gs.synthesis(Painter(Gs).ws(latents([3], W_DIM)))))[0].astype(int)
    for sheet in sheets:
        assert sheet.shape == (16, 48, 3) and np.abs(sheet[:, 16:32] - plain).max() <= 1
    assert np.abs(sheets[0] - sheets[1]).max() > 3 and np.abs(sheets[1] - sheets[2]).max() > 3


def frames(path):
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            yield np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "choice",
    [
        *([f"--walk={kind}", "--space=w"] for kind in KINDS),
        ["--space=z", "--walk=slerp"],
        ["--of=truncation", "--grid=2x1"],
        ["--of=direction", "--direction=sefa0", "--layers=coarse"],
        ["--of=mixing", "--layers=fine"],
    ],
    ids=lambda choice: " ".join(choice),
)
def test_videos_end_where_they_began(network, tmp_path, capsys, choice):
    arguments = ["--seeds=0-3", "--seconds=0.9", "--fps=10", "--video=gif", "--scale=2"]
    (path,) = made(tmp_path, capsys, "video", f"--network={network}", *arguments, *choice)
    found = list(frames(path))
    width = 64 if "--grid=2x1" in choice else 32
    assert found[0].shape == (32, width, 3) and facts(tmp_path / "out" / "video.json")["frames"] == 9
    assert np.abs(found[0] - found[-1]).max() <= 8
    assert max(np.abs(frame - found[0]).max() for frame in found) > 8
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["video.gif", "video.json"]


def test_paper_makes_all_figures(network, tmp_path, capsys):
    paths = made(tmp_path, capsys, "paper", f"--network={network}", "--scale=1")
    names = [path.rpartition("/")[2] for path in paths]
    assert names == ["mixing.png", "noise.png", "noise-layers.png", "truncation.png", "uncurated.png"]


def test_classes_of_a_conditional_network(tmp_path, capsys):
    path = tmp_path / "Gs.keras"
    generator(label_size=3).save(path)
    with refused("--labels", 0, 2):
        made(tmp_path, capsys, "truncation", f"--network={path}", "--seeds=1,2")
    (sheet,) = made(tmp_path, capsys, "truncation", f"--network={path}", "--seeds=1,1", "--psis=1", "--labels=0,2")
    both = pixels(sheet).astype(int)
    assert np.abs(both[: len(both) // 2] - both[len(both) // 2 :]).max() > 3


def test_grey_pictures(tmp_path, capsys):
    path = tmp_path / "Gs.keras"
    generator(num_channels=1).save(path)
    (sheet,) = made(tmp_path, capsys, "mixing", f"--network={path}", "--rows=1", "--columns=2", "--scale=1")
    assert pixels(sheet).shape == (32, 32)


def test_config_a_has_no_styles(tmp_path, capsys):
    path = tmp_path / "Gs.keras"
    make(ProganGeneratorConfig(resolution=16, **WIDTHS)).save(path)
    for command in ("mixing", "noise", "truncation", "edit", "video", "paper"):
        with refused(path, "config A", "--seeds"):
            made(tmp_path, capsys, command, f"--network={path}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["mixing", "--layers=coarse,fine"], "--layers=coarse,fine"),
        (["mixing", "--layers=soft"], "soft"),
        (["mixing", "--format=bmp"], "--format=bmp"),
        (["mixing", "--scale=0"], "--scale=0"),
        (["noise", "--draws=4"], "--draws=4"),
        (["truncation", "--psis=a"], "--psis=a"),
        (["uncurated", "--lods=9"], "--lods=9"),
        (["edit", "--direction=nose"], "--direction=nose"),
        (["edit", "--direction=sefa99"], "--direction=sefa99"),
        (["edit", "--direction=none.npy"], "--direction=none.npy"),
        (["edit", "--steps=1"], "--steps=1"),
        (["video", "--of=dreams"], "--of=dreams"),
        (["video", "--direction=sefa1"], "--direction --of=seeds"),
        (["video", "--of=truncation", "--psi=0.5"], "--psi --of=truncation"),
        (["video", "--of=direction", "--walk=lerp"], "--walk --of=direction"),
        (["video", "--of=mixing", "--space=z"], "--space --of=mixing"),
        (["mixing", "--crop=0,0,8,8"], "--crop=0,0,8,8"),
        (["video", "--walk=run"], "--walk=run"),
        (["video", "--of=mixing", "--walk=run"], "--walk=run"),
        (["video", "--space=x"], "--space=x"),
        (["video", "--fps=0"], "--fps=0"),
        (["video", "--video=avi"], "video.avi"),
        (["video", "--grid=3x1", "--seeds=0-3"], "--seeds"),
        (["video", "--of=mixing", "--seeds=0"], "--seeds"),
        (["mixing", "--rows=x"], "--rows=x"),
        (["mixing", "--seeds=1"], "--seeds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_sentence_that_names_the_flag(network, tmp_path, capsys, arguments, names):
    with refused(*names.split()):
        made(tmp_path, capsys, arguments[0], f"--network={network}", *arguments[1:])
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_networks_without_noise_have_none_to_show(tmp_path, capsys):
    path = tmp_path / "Gs.keras"
    generator(use_noise=False).save(path)
    with refused(path, "noise"):
        made(tmp_path, capsys, "noise", f"--network={path}")


def test_help_of_every_command(capsys):
    for name, command in figures.COMMANDS.items():
        figures.run([name, "--help"])
        shown = capsys.readouterr().out
        assert command.about in shown and "--network" in shown
    figures.run(["--help"])
    shown = capsys.readouterr().out
    assert "--seeds" in shown and all(name in shown for name in figures.COMMANDS)
    assert video.default_suffix() in (".mp4", ".webp")


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
LINES = re.findall(r"^python generate\.py (.+?)(?:  +#.*)?$", README, re.M)
EXAMPLES = [line for line in LINES if line.split()[0] in figures.COMMANDS]


def test_readme_shows_every_command():
    assert {line.split()[0] for line in EXAMPLES} == set(figures.COMMANDS)


@pytest.mark.parametrize("line", EXAMPLES)
def test_commands_of_the_readme(network, tmp_path, capsys, line):
    shorter = ["--seconds=0.4", "--video=gif"] if line.startswith("video") else []
    place = [] if line == "directions" else [f"--outdir={tmp_path}"]
    figures.run([*line.split(), f"--network={network}", *shorter, *place])
    for path in capsys.readouterr().out.splitlines():
        assert line == "directions" or not path.startswith(str(tmp_path)) or facts(Path(path).with_suffix(".json"))
    assert line == "directions" or list(tmp_path.glob("*.json"))
