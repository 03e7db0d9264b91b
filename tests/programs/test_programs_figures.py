"""generate.py COMMAND: what each writes, what its .json says, and what it refuses. The arithmetic: tests/figures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf import files, to_uint8, video
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig, ScheduleConfig
from stylegan_tf.configs.text import to_json
from stylegan_tf.errors import UserError
from stylegan_tf.figures.images import Painter
from stylegan_tf.figures.walks import KINDS
from stylegan_tf.networks.kinds import make
from stylegan_tf.networks.sampling import latents
from stylegan_tf.programs import figures
from stylegan_tf.programs.directions import MANY

W_DIM = 8
WIDTHS = {"z_dim": W_DIM, "fmap_base": 64, "fmap_max": 8}


def generator(resolution=16, **changes):
    sizes = WIDTHS | {"w_dim": W_DIM, "mapping_fmaps": W_DIM, "mapping_layers": 2}
    Gs = make(GeneratorConfig(resolution=resolution, **sizes | changes))
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
    assert sheet.shape == (32 * 16, 48 * 16, 3) and facts(tmp_path / "out" / "truncation.json")["scale"] == 16
    assert np.array_equal(sheet[::16, ::16], sheet[15::16, 15::16])


def test_noise_writes_both_figures(network, tmp_path, capsys):
    arguments = [f"--network={network}", "--seeds=1,2", "--draws=6", "--scale=1", "--layers=4-5"]
    paths = made(tmp_path, capsys, "noise", *arguments)
    assert [pixels(path).shape for path in paths] == [(32, 48, 3), (32, 32, 3)]
    assert facts(tmp_path / "out" / "noise-layers.json")["fine"] == [4, 5]


def test_deviation_is_over_a_hundred_draws(Gs, network, tmp_path, capsys):
    path, _ = made(tmp_path, capsys, "noise", f"--network={network}", "--seeds=7", "--scale=1")
    ws = Gs.broadcast(Gs.mapping(latents([7], W_DIM)))
    draws = np.random.default_rng(7)
    noise = [draws.standard_normal((100, *shape), np.float32) for shape in Gs.synthesis.noise_shapes()]
    every = np.asarray(to_uint8(Gs.synthesis(np.repeat(ws, 100, axis=0), noise=noise)))
    expected = np.clip(np.std(every.mean(axis=3), axis=0) * 4 + 0.5, 0, 255)
    assert np.abs(pixels(path)[:, 32:, 0] - expected).max() <= 2
    assert facts(tmp_path / "out" / "noise.json")["draws"] == 100


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


def test_directions_of_a_network_of_no_run_are_found_in_metrics(network, tmp_path, capsys, monkeypatch):
    """Where run_metrics.py puts them; those of another network there are not taken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics").mkdir()
    vectors = np.eye(1, W_DIM, dtype=np.float32)
    for name, digest in (("young", files.sha256(network)), ("bald", "another")):
        path = tmp_path / "metrics" / f"directions-{name}.npz"
        np.savez(path, attributes=np.array([name]), w=vectors, network=digest)
    figures.run(["directions", f"--network={network}"])
    listed = capsys.readouterr().out
    assert "young" in listed and "bald" not in listed
    made(tmp_path, capsys, "edit", f"--network={network}", "--direction=young", "--seeds=1", "--steps=2")


def test_a_step_is_a_standard_deviation(Gs, network, tmp_path, capsys):
    np.save(tmp_path / "own.npy", np.arange(W_DIM, dtype=np.float32))
    arguments = ["--seeds=3", "--steps=3", "--scale=1", "--psi=1", f"--direction={tmp_path}/own.npy", "--strength=2"]
    (path,) = made(tmp_path, capsys, "edit", f"--network={network}", *arguments)
    unit = np.arange(W_DIM) / np.linalg.norm(np.arange(W_DIM))
    many = np.asarray(Gs.mapping(np.random.RandomState(0).randn(MANY, W_DIM).astype(np.float32)))
    w = np.asarray(Gs.mapping(latents([3], W_DIM))) + 2 * np.std(many @ unit) * unit
    expected = np.asarray(to_uint8(Gs.synthesis(Gs.broadcast(w.astype(np.float32)))))[0].astype(int)
    assert np.abs(pixels(path)[:, 32:] - expected).max() <= 1


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


EVERY = {  # of pictures of side x side: arguments of a command -> (height, width) of its first sheet, in pictures
    "mixing --rows=1 --columns=2": (2, 2),
    "noise --seeds=1 --draws=5": (1, 3),
    "truncation --seeds=1 --psis=1,0": (1, 2),
    "uncurated --rows=1 --lods=0,0": (1, 2),
    "edit --seeds=1 --steps=3": (1, 3),
    "video --seeds=0-1 --seconds=0.2 --video=webp": (1, 1),
}


def sizes_of_all(path, tmp_path, capsys, *more, only=""):
    """command -> (height, width, channels...) of the first file that it writes, in pictures of the network's."""
    found = {}
    for command in (one for one in EVERY if one.startswith(only)):
        file = made(tmp_path, capsys, *command.split(), f"--network={path}", "--scale=1", *more)[0]
        with Image.open(file) as image:
            found[command] = np.asarray(image).shape
    return found


@pytest.mark.parametrize("side", [8, 32, 64, 256, pytest.param(1024, marks=pytest.mark.slow)])
def test_every_size(tmp_path, capsys, side):
    path = tmp_path / "Gs.keras"
    generator(resolution=side, fmap_base=4 * side).save(path)
    for command, shape in sizes_of_all(path, tmp_path, capsys).items():
        assert shape == (EVERY[command][0] * side, EVERY[command][1] * side, 3)


def snapshot_of_run(folder, Gs, kimg, crop=""):
    """Gs.keras of a run that shows 20 kimg at 8x8, fades in 16x16 for 10 more, and has black bars around `crop`."""
    folder = folder / f"network-snapshot-{kimg:06d}"
    folder.mkdir()
    Gs.save(folder / "Gs.keras")
    schedule = ScheduleConfig(initial_resolution=8, lod_training_kimg=20, lod_transition_kimg=10)
    config = to_json(replace(experiment("F", "cpu", resolution=16), schedule=schedule))
    config["data"]["crop"] = crop
    files.write_json(folder / "config.json", config)
    return folder


def test_crops_that_are_no_squares(Gs, tmp_path, capsys):
    """As 512x384 of cars: without the black bars, whatever the figure."""
    run = snapshot_of_run(tmp_path, Gs, 60, "0,2,16,12")
    for command, shape in sizes_of_all(run, tmp_path, capsys).items():
        assert shape == (EVERY[command][0] * 12, EVERY[command][1] * 16, 3)
    whole = sizes_of_all(run, tmp_path, capsys, "--crop=none", only="mixing")
    assert list(whole.values()) == [(32, 32, 3)]


def test_coarse_stages(Gs, tmp_path, capsys):
    run = snapshot_of_run(tmp_path, Gs, 10)
    for command, shape in sizes_of_all(run, tmp_path, capsys).items():
        assert shape == (EVERY[command][0] * 8, EVERY[command][1] * 8, 3)


@pytest.mark.parametrize("changes", [{"num_channels": 1}, {"num_channels": 4}, {"label_size": 3}], ids=str)
def test_grey_alpha_and_classes(tmp_path, capsys, changes):
    path = tmp_path / "Gs.keras"
    generator(**changes).save(path)
    more = ["--labels=1"] if "label_size" in changes else []
    for command, shape in sizes_of_all(path, tmp_path, capsys, *more).items():
        channels = {1: (), 4: (4,)}.get(changes.get("num_channels", 3), (3,))
        channels = channels or ((3,) if command.startswith("video") else ())  # WebP has no grey
        assert shape == (EVERY[command][0] * 16, EVERY[command][1] * 16, *channels)


def test_config_a_has_mosaics_and_ways_through_z(tmp_path, capsys):
    path = tmp_path / "Gs.keras"
    Gs = make(ProganGeneratorConfig(resolution=16, **WIDTHS))
    Gs.save(path)
    for command in ("mixing", "noise", "truncation", "edit", "video", "video --of=mixing"):
        with pytest.raises(UserError) as caught:
            made(tmp_path, capsys, *command.split(), f"--network={path}")
        assert "config A" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    (sheet,) = made(tmp_path, capsys, "paper", f"--network={path}", "--scale=1")
    assert sheet.endswith("uncurated.png")
    expected = np.asarray(to_uint8(Gs(np.random.RandomState(5).randn(1, W_DIM).astype(np.float32))))[0]
    assert np.abs(pixels(sheet)[:16, :16].astype(int) - expected).max() <= 1
    with pytest.raises(UserError) as caught:
        made(tmp_path, capsys, "uncurated", f"--network={path}", "--psi=0.5")
    assert "--psi" in str(caught.value)
    arguments = ["--space=z", "--seconds=0.4", "--fps=10", "--video=gif", "--scale=1"]
    (path,) = made(tmp_path, capsys, "video", f"--network={path}", *arguments)
    assert len(list(frames(path))) == 4


def test_networks_without_styles(tmp_path, capsys):
    """As config B's: one w for all, so styles cannot be told apart."""
    path = tmp_path / "Gs.keras"
    generator(use_styles=False, const_input_layer=False, use_noise=True).save(path)
    for command in ("mixing", "truncation", "edit", "video --of=truncation"):
        with pytest.raises(UserError) as caught:
            made(tmp_path, capsys, *command.split(), f"--network={path}")
        assert "without styles" in str(caught.value)
    assert not (tmp_path / "out").exists()
    paths = made(tmp_path, capsys, "paper", f"--network={path}", "--scale=1")
    assert [file.rpartition("/")[2] for file in paths] == ["noise.png", "noise-layers.png", "uncurated.png"]
    (path,) = made(tmp_path, capsys, "video", f"--network={path}", "--seconds=0.4", "--fps=10", "--video=gif")
    assert facts(tmp_path / "out" / "video.json")["psi"] == 1


def test_a_folder_that_is_used_again_has_no_mixture(network, tmp_path, capsys, monkeypatch):
    command = ["video", f"--network={network}", "--seeds=0-1", "--seconds=0.2", "--scale=1"]
    made(tmp_path, capsys, *command, "--video=gif")
    made(tmp_path, capsys, *command, "--video=webp")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["video.json", "video.webp"]

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Painter, "__call__", stopped)
        made(tmp_path, capsys, *command, "--video=gif", "--seeds=2-3")
    assert facts(tmp_path / "out" / "video.json")["seeds"] == "0-1" and (tmp_path / "out" / "video.webp").exists()
    sheet = ["truncation", f"--network={network}", "--psis=1,0"]
    made(tmp_path, capsys, *sheet, "--seeds=1")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(figures.pictures, "save", stopped)
        made(tmp_path, capsys, *sheet, "--seeds=2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["video.json", "video.webp"]


@pytest.mark.parametrize("grid", ["1x1", "2x1"])
@pytest.mark.parametrize("of", figures.FRAMES)
def test_videos_have_seeds_enough_where_none_are_named(network, tmp_path, capsys, of, grid):
    arguments = [f"--of={of}", f"--grid={grid}", "--seconds=0.2", "--video=gif", "--scale=1"]
    (path,) = made(tmp_path, capsys, "video", f"--network={network}", *arguments)
    assert next(frames(path)).shape[1] == 16 * int(grid[0])


def test_another_reader_finds_the_frames(network, tmp_path, capsys):
    """TensorFlow's, of what Pillow wrote."""
    import tensorflow as tf

    arguments = ["--seeds=0-3", "--seconds=0.8", "--fps=10", "--video=gif", "--scale=1"]
    (path,) = made(tmp_path, capsys, "video", f"--network={network}", *arguments)
    found = tf.io.decode_gif(tf.io.read_file(path)).numpy().astype(int)
    assert len(found) == facts(tmp_path / "out" / "video.json")["frames"] == 8
    assert np.abs(found[0] - found[-1]).max() <= 8


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["mixing", "--layers=coarse,fine"], "--layers=coarse,fine"),
        (["mixing", "--layers=soft"], "soft"),
        (["mixing", "--format=bmp"], "--format=bmp"),
        (["mixing", "--scale=0"], "--scale=0"),
        (["mixing", "--scale=10000"], "--scale=10000"),
        (["mixing", "--scale=200", "--format=webp"], "--format=webp"),
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
PLAIN = [line for line in LINES if line not in EXAMPLES and "--w=projected/" not in line]


def test_readme_shows_every_command():
    assert {line.split()[0] for line in EXAMPLES} == set(figures.COMMANDS)


@pytest.mark.parametrize("line", PLAIN)
def test_plain_commands_of_the_readme(Gs, network, tmp_path, monkeypatch, line):
    """With another network in the place of the one that they name."""
    monkeypatch.chdir(tmp_path)
    w = np.asarray(Gs.mapping(latents([0, 1], W_DIM)))
    np.savez("projected_w.npz", w=w)
    arguments = [f"--network={network}" if word.startswith("--network=") else word for word in line.split()]
    figures.run(arguments)
    assert list(tmp_path.glob("*/*.png")) and list(tmp_path.glob("*/generate.json"))


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not line.startswith("export")])
def test_commands_of_the_readme(network, tmp_path, capsys, line):
    shorter = ["--seconds=0.4", "--video=gif"] if line.startswith("video") else []
    place = [] if line == "directions" else [f"--outdir={tmp_path}"]
    figures.run([*line.split(), f"--network={network}", *shorter, *place])
    for path in capsys.readouterr().out.splitlines():
        assert line == "directions" or not path.startswith(str(tmp_path)) or facts(Path(path).with_suffix(".json"))
    assert line == "directions" or list(tmp_path.glob("*.json"))


def test_noise_has_the_seeds_of_two_figures(tmp_path):
    for seeds, shown in (([], ("1157,1012", "1967,1555")), (["--seeds=3,8"], ("3,8", "3,8"))):
        figures.run(["noise", "--network=faces", "--draws=5", f"--outdir={tmp_path}", *seeds])
        reports = [json.loads((tmp_path / name).read_text()) for name in ("noise.json", "noise-layers.json")]
        assert [",".join(map(str, report["seeds"])) for report in reports] == list(shown)
