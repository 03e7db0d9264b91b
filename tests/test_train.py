"""train.py: flags to an experiment, its notes, and what it refuses. Training itself is tested with the loop."""

import json
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from refusals import check_printed, check_refusal, refused

from stylegan_tf import rundir
from stylegan_tf.command_line import parse
from stylegan_tf.configs import build
from stylegan_tf.configs.build import Pictures
from stylegan_tf.configs.presets import CONFIGS, LOSSES, description, experiment
from stylegan_tf.configs.schedule import phase
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.text import from_json, to_json
from stylegan_tf.data.writing import Writer
from stylegan_tf.errors import exit_code
from stylegan_tf.programs import train

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 grey pictures of 16x16 with two columns of labels."""
    folder = tmp_path_factory.mktemp("data") / "grey"
    pictures = np.random.default_rng(1).integers(0, 256, [128, 16, 16, 1], dtype=np.uint8)
    with Writer(folder, "grey", 16, 1) as writer:
        for picture in pictures:
            writer.add(picture)
        writer.set_labels(np.eye(2, dtype=np.float32)[np.arange(128) % 2])
    return folder


def dry_run(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[Experiment, str]:
    """The experiment that is printed as JSON, and all that is printed before it."""
    train.run(["--dry_run", *arguments])
    before, brace, after = capsys.readouterr().out.partition("\n{\n")
    return from_json(json.loads(brace + after)), before


def test_config_alone_works_without_a_gpu(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "auto_row", lambda gpus: "cpu")
    chosen, before = dry_run(capsys, "--config=F")
    assert (chosen.hardware, chosen.data.directory, chosen.G.resolution) == ("cpu", "", 32)
    assert "on the built-in faces (your own pictures: --dataset=DIR" in before
    assert "python train.py --config=F --dataset=DIR --hardware=8gpu" in before
    assert "G.fmap_max  " in before


def test_flags_reach_their_fields(capsys: pytest.CaptureFixture, dataset: Path) -> None:
    chosen, before = dry_run(
        capsys,
        *("--config=D", f"--dataset={dataset}/", "--hardware=1gpu", "--total_kimg=7.5", "--mirror", "--seed=7"),
        *("--outdir=elsewhere", "--precision=mixed_float16", "--tf32", "--loss=wgan_gp", "--replicas=2"),
        *("--threads=3", "--set=G.fmap_max=64", "--set=schedule.minibatch.8=32", "--set=data.max_label_size=none"),
    )
    assert (chosen.config, chosen.hardware, chosen.data.directory) == ("D", "1gpu", str(dataset))
    assert (chosen.G.resolution, chosen.D.num_channels, chosen.G.label_size) == (16, 1, 2)
    training = chosen.training
    assert (training.total_kimg, training.seed, training.precision, training.tf32) == (7.5, 7, "mixed_float16", True)
    assert (chosen.data.mirror, chosen.output.outdir, chosen.loss.gp_weight) == (True, "elsewhere", 10)
    assert (chosen.replicas, chosen.threads) == (2, 3)
    assert (chosen.G.fmap_max, chosen.schedule.minibatch[8]) == (64, 32)
    assert not (ROOT / "elsewhere").exists() and "built-in" not in before and "8gpu" not in before


def test_flags_that_are_not_given_leave_the_preset_alone(capsys: pytest.CaptureFixture) -> None:
    assert dry_run(capsys, "--hardware=cpu")[0] == experiment("F", "cpu")
    assert dry_run(capsys, "--hardware=8gpu", "--config=B")[0] == experiment("B", "8gpu")


def test_a_preset_brings_its_hardware_row(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "auto_row", lambda gpus: "2gpu")
    assert dry_run(capsys, "--config=v2-8gpus")[0].training.num_gpus == 8
    assert dry_run(capsys, "--config=A")[0].training.num_gpus == 2
    monkeypatch.setattr(train, "auto_row", lambda gpus: "cpu")
    chosen, before = dry_run(capsys, "--config=v2-8gpus")
    assert chosen.hardware == "cpu" and "--config=v2-8gpus --dataset=DIR --hardware=8gpu" in before


@pytest.mark.parametrize(
    ("flags", "resolution", "mirror"),
    [
        (["--dataset=ffhq"], 1024, True),
        (["--dataset=ffhq256"], 256, True),
        (["--dataset=ffhq", "--nomirror", "--resolution=128"], 128, False),
        (["--dataset=lsun-cat-full"], 256, False),
        (["--dataset=lsun-cat-full", "--mirror"], 256, True),
    ],
)
def test_dry_run_of_a_data_set_that_has_a_name_and_is_not_there(
    flags: list[str],
    resolution: int,
    mirror: bool,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen, before = dry_run(capsys, "--hardware=8gpu", *flags)
    folder = "lsun-cat-full" if "cat" in flags[0] else "ffhq"
    assert (chosen.data.directory, chosen.data.resolution, chosen.data.mirror) == (
        f"datasets/{folder}",
        resolution,
        mirror,
    )
    assert chosen.G.resolution == resolution and f"datasets/{folder} is not there" in before


def test_a_data_set_by_name(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "celebahq").symlink_to(dataset)
    flags = ("--hardware=1gpu", "--dataset=celebahq")
    with refused("--resolution=1024", "data/celebahq", "--resolution=16"):
        train.run(["--dry_run", "--data_dir=data", *flags])
    chosen, before = dry_run(capsys, "--data_dir=data", *flags, "--resolution=16")
    assert (chosen.data.directory, chosen.data.mirror, chosen.G.num_channels) == ("data/celebahq", True, 1)
    assert "is not there" not in before
    (tmp_path / "celebahq").symlink_to(dataset)  # a folder of that name is what the user means
    chosen, _ = dry_run(capsys, "--data_dir=data", *flags)
    assert (chosen.data.directory, chosen.data.mirror, chosen.G.resolution) == ("celebahq", False, 16)


def test_diff(capsys: pytest.CaptureFixture) -> None:
    flags = ["--dry_run", "--hardware=1gpu", "--set=G.fmap_max=64", "--total_kimg=70"]
    train.run([*flags, "--config=F", "--diff=D"])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "",
        "config: D -> F",
        "G.use_noise: false -> true",
        "training.style_mixing_prob: 0.0 -> 0.9",
    ]
    train.run([*flags, "--config=A", "--diff=F"])
    lines = capsys.readouterr().out.splitlines()
    assert "G.use_styles: true -> (no such field)" in lines and "G.use_pixelnorm: (no such field) -> true" in lines
    assert not any("fmap_max" in line or "total_kimg" in line for line in lines)
    train.run([*flags, "--config=F", "--diff=F"])
    assert capsys.readouterr().out.endswith("\n\nnothing differs\n")


def test_list(capsys: pytest.CaptureFixture) -> None:
    train.run(["--list"])
    assert capsys.readouterr().out.startswith("Table 1, generator designs: FID")


def test_flags_of_config_a(capsys: pytest.CaptureFixture) -> None:
    flags = ("--config=A", "--hardware=8gpu", "--resolution=1024")
    settings = ("schedule.initial_resolution=1024", "schedule.lod_training_kimg=0", "schedule.lod_transition_kimg=0")
    chosen, _ = dry_run(capsys, *flags, *(f"--set={setting}" for setting in settings), "--set=G.use_pixelnorm=false")
    assert (chosen.schedule.initial_resolution, chosen.G) == (1024, replace(CONFIGS["A"].G, use_pixelnorm=False))
    assert dry_run(capsys, *flags, "--loss=logistic")[0].loss == LOSSES["logistic"]
    assert dry_run(capsys, *flags)[0].loss == LOSSES["wgan_gp"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--dataset=nowhere"], "nowhere folder"),
        (["--resolution=48"], "48 --resolution=32"),
        (["--resolution=4096"], "--resolution=4096 faces --resolution=1024"),
        (["--config=AA"], "config AA"),
        (["--config=v2-8gpus", "--hardware=1gpu"], "v2-8gpus 8gpu 1gpu --hardware"),
        (["--dataset=celebahq"], "datasets/celebahq TFRecords"),
        (["--dataset=celebahq", "--data_dir=/x"], "dataset_tool.py create_from_images /x/celebahq PICTURES"),
        (["--dataset=celeba-hq"], "celeba-hq celebahq"),
        (["--config=A", "--hardware=1gpu", "--set=G.use_styles=false"], "G.use_styles"),
        (["--diff=E"], "--diff --dry_run"),
        *((["--dry_run", f"--max_hours={hours}"], f"--max_hours={hours} 10000") for hours in ("0", "-1", "nan", "inf")),
        (["--dry_run", "--diff=G"], "--diff=G A B"),
        (["--dry_run", "--diff=stylebased"], "--diff=stylebased stylebased-8"),
        (["--dry_run", "--diff=A", "--set=G.use_noise=false"], "--diff=A G.use_noise"),
        (["--hardware=9gpu"], "9gpu 8gpu"),
        (["--loss=wgangp"], "wgangp wgan_gp"),
        (["--precision=fp16"], "fp16 auto float32 mixed_bfloat16 mixed_float16"),
        (["--total_kimg=0"], "training.total_kimg 0 --total_kimg=25000"),
        (["--total_kimg=inf"], "training.total_kimg inf"),
        (["--replicas=-1"], "replicas -1"),
        (["--set=data.directory=x"], "data.directory --dataset"),
        (["--set=G.fmap_mx=3"], "G.fmap_mx G.fmap_max"),
        (["--set=data.max_label_size=2"], "data.max_label_size 0"),
        (["--outdir=file/x"], "--outdir=file/x folder"),
        (["--datset=x"], "--datset --dataset"),
    ],
)
def test_mistakes_exit_2_with_one_line(
    arguments: list[str],
    names: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    assert train.main() == 2
    printed = capsys.readouterr()
    check_printed(printed.err, *names.split())
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_data_set_too_small(dataset: Path) -> None:
    with refused("--resolution=32", dataset, "--resolution=16"):
        train.run([f"--dataset={dataset}", "--resolution=32"])
    with refused(dataset, 128, 256, "8x8", "--set=schedule.minibatch.8=128"):
        train.run([f"--dataset={dataset}", "--hardware=2gpu"])


def test_an_outdir_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.os, "access", lambda path, mode: False)  # root may write anywhere
    with refused(f"--outdir={tmp_path}/new", tmp_path, "writable"):
        train.run([f"--outdir={tmp_path}/new"])


def test_help(capsys: pytest.CaptureFixture) -> None:
    assert exit_code(lambda: train.run(["--help"])) == 0
    printed = capsys.readouterr().out
    assert printed.index("What is trained:") < printed.index("--config ") < printed.index("Runs:")
    assert "verbosity" not in printed


def test_help_and_dry_run_import_no_tensorflow() -> None:
    script = (
        "import sys\n"
        "from stylegan_tf.programs import train\n"
        "train.run(['--help'])\n"
        "train.run(['--list'])\n"
        "train.run(['--dry_run', '--hardware=8gpu', '--diff=A'])\n"
        "train.run(['--dry_run', '--hardware=auto'])\n"
        "print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


def test_init_from_takes_the_networks_of_a_file(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    import official_files
    import tiny

    from stylegan_tf.networks.kinds import make

    small = tiny.experiment()
    path = official_files.write(tmp_path / "tiny.pkl", {"G": make(small.G), "D": make(small.D), "Gs": make(small.G)})
    flags = ["--config=F", "--hardware=1gpu", f"--init_from={path}", "--resolution=32", "--set=G.use_noise=false"]
    chosen, before = dry_run(capsys, *flags)
    assert replace(small.G, resolution=32, use_noise=False) == chosen.G
    assert replace(small.D, resolution=32) == chosen.D
    assert (chosen.schedule.initial_resolution, chosen.training.init_from) == (16, str(path))
    assert f"G.z_dim=8, as in {path} (config F: 512)" in before
    with refused(f"--init_from={path}", "config A", "--config"):
        train.run(["--dry_run", "--config=A", f"--init_from={path}"])
    with refused(tmp_path / "none.pkl", "run directory", ".pkl"):
        train.run(["--dry_run", f"--init_from={tmp_path}/none.pkl"])
    with refused("--set=training.init_from=ffhq", "--init_from"):
        train.run(["--dry_run", "--set=training.init_from=ffhq"])


def test_black_bars_of_a_data_set(capsys: pytest.CaptureFixture, dataset: Path) -> None:
    """Its dataset.json says where the pictures lie at 16x16; training at 8x8 notes the half of it."""
    facts = json.loads((dataset / "dataset.json").read_text())
    try:
        (dataset / "dataset.json").write_text(json.dumps(facts | {"crop": [0, 4, 16, 8]}))
        for resolution, crop in ((16, "0,4,16,8"), (8, "0,2,8,4")):
            flags = ["--hardware=1gpu", f"--dataset={dataset}", f"--resolution={resolution}"]
            assert dry_run(capsys, *flags)[0].data.crop == crop
    finally:
        (dataset / "dataset.json").write_text(json.dumps(facts))
    with refused("data.crop=0,0,99,1", "16x16", "--set=data.crop="):
        train.run(["--dry_run", "--hardware=1gpu", f"--dataset={dataset}", "--set=data.crop=0,0,99,1"])


def test_the_cpu_row_says_what_it_does_otherwise(capsys):
    """Lazy R1 and choices by measuring, in the lines before the table and in it."""
    train.run(["--hardware=cpu", "--dry_run"])
    out = capsys.readouterr().out
    assert "R1 is lazy: in every 16th step of D (--set=training.r1_interval=1: all)" in out
    assert "precision and fused scaling are chosen when a run starts, by measuring this machine" in out
    assert "training.r1_interval" in out and '"fused_scale": "measured"' in out
    train.run(["--hardware=cpu", "--config=A", "--dry_run"])
    assert "R1 is lazy" not in capsys.readouterr().out
    train.run(["--hardware=1gpu", "--dry_run"])
    out = capsys.readouterr().out
    assert "lazy" not in out and "measuring" not in out and '"r1_interval": 1' in out


@pytest.mark.parametrize("flags", [["--loss=wgan_gp"], ["--set=loss.r1_gamma=0"]])
def test_lazy_penalties_that_are_none(flags, capsys):
    with refused("training.r1_interval", 4, "--set=training.r1_interval=1"):
        train.run(["--hardware=1gpu", "--dry_run", "--set=training.r1_interval=4", *flags])


def test_benchmark_is_no_dry_run():
    with refused("--benchmark", "--dry_run"):
        train.run(["--benchmark", "--dry_run"])


def test_several_mistakes_are_said_at_once(capsys, monkeypatch, tmp_path):
    """Of --set, of the values, of metrics and the folder of the runs; a line each, before anything is made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    flags = ["--hardware=1gpu", "--set=G.fmap_mx=3", "--total_kimg=0", "--metrics=fid5", "--outdir=file", "--cond"]
    monkeypatch.setattr(sys, "argv", ["train.py", *flags, "--resolution=64", "--set=G.z_dim=0", "--replicas=3"])
    assert train.main() == 2
    printed = capsys.readouterr()
    first, *lines = printed.err.splitlines()
    assert first.startswith("error: 6 ") and printed.out == ""
    said = ("G.fmap_max", "--total_kimg=25000", "--set=G.z_dim=512", "--replicas=2", "file", "fid5")
    for line, name in zip(lines, said, strict=True):
        check_refusal(line, name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_labels_that_are_there(capsys, dataset):
    """They are used where --cond asks for them; else a line says that they are not."""
    flags = ["--hardware=1gpu", f"--dataset={dataset}"]
    chosen, before = dry_run(capsys, *flags)
    assert chosen.G.label_size == 0 and "its labels (2 columns) are not used: --cond trains on them" in before
    for more in ("--cond", "--set=data.max_label_size=none"):
        chosen, before = dry_run(capsys, *flags, more)
        assert (chosen.data.max_label_size, chosen.G.label_size) == (None, 2) and "not used" not in before
    assert dry_run(capsys, *flags, "--cond", "--set=data.max_label_size=1")[0].D.label_size == 1


def test_classes_are_called_by_their_names(capsys, dataset, tmp_path):
    for path in dataset.iterdir():
        (tmp_path / path.name).symlink_to(path)
    facts = json.loads((dataset / "dataset.json").read_text())
    (tmp_path / "dataset.json").unlink()
    (tmp_path / "dataset.json").write_text(json.dumps(facts | {"classes": ["cat", "dog"]}))
    before = dry_run(capsys, "--hardware=1gpu", f"--dataset={tmp_path}")[1]
    assert "its 2 classes (cat, dog) are not used: --cond trains on them" in before


def test_labels_that_are_not_there(dataset, tmp_path, monkeypatch):
    (tmp_path / "grey").mkdir()
    for path in dataset.glob("*.tfrecords"):
        (tmp_path / "grey" / path.name).symlink_to(path)
    with refused("--cond", tmp_path / "grey", "labels", "dataset_tool.py create_from_images"):
        train.run(["--dry_run", "--hardware=1gpu", f"--dataset={tmp_path}/grey", "--cond"])


def test_a_gpu_row_that_nobody_asked_for(monkeypatch, tmp_path):
    """The driver shows a card and TensorFlow does not: nothing is made, and the remedy is named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "auto_row", lambda gpus: "1gpu")
    asked = []
    monkeypatch.setattr(train, "train", lambda *arguments: asked.append(arguments[3]))
    train.run([])
    train.run(["--hardware=1gpu"])
    assert asked == [False, True]


def test_max_hours_say_when_to_stop(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(train, "train", lambda *arguments: asked.append(arguments[-1]))
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    train.run(["--hardware=cpu"])
    train.run(["--hardware=cpu", "--max_hours=2"])
    assert asked == [math.inf, 1000 + 7200 - 300]


def flags_of(*arguments: str):
    return parse(arguments, train.FLAGS)


@pytest.mark.parametrize(
    ("hardware", "config", "num_images", "remedy"),
    [
        ("1gpu", "F", 9, "--batch=8"),
        ("1gpu", "F", 3, "--batch=3"),
        ("1gpu", "F", 112, "--set=schedule.minibatch.8=112 --set=schedule.minibatch.16=112"),
        ("1gpu", "A", 9, "--batch=8"),
        ("2gpu", "F", 9, "--batch=8"),
        ("2gpu", "F", 7, "--batch=6 --set=D.mbstd_group_size=3"),
        ("8gpu", "F", 9, "--batch=8 --set=D.mbstd_group_size=1"),
        ("8gpu", "F", 5, "--hardware=1gpu --batch=4"),
        ("8gpu", "F", 100, "--set=schedule.minibatch.8=96 --set=schedule.minibatch.16=96"),
        ("cpu", "F", 9, "--batch=8"),
    ],
)
def test_few_pictures_are_told_all_that_mends_it(hardware: str, config: str, num_images: int, remedy: str) -> None:
    few = Pictures("few", lowest=4, highest=32, num_images=num_images, resolution=32)
    asked = (f"--hardware={hardware}", f"--config={config}")
    with refused("few", num_images) as caught:
        build.build(flags_of(*asked), few)
    found = re.findall(r"--\S+=\S+", str(caught.value))
    assert found[: len(remedy.split())] == remedy.split()
    build.build(flags_of(*asked, *found), few)


def test_few_faces_are_drawn_more(capsys: pytest.CaptureFixture) -> None:
    with refused("faces", 7, "--set=data.num_faces=128", "--batch=4"):
        dry_run(capsys, "--hardware=1gpu", "--resolution=16", "--set=data.num_faces=7")


def test_flags_that_many_people_know(capsys: pytest.CaptureFixture, dataset: Path) -> None:
    chosen, _ = dry_run(
        capsys,
        *("--hardware=2gpu", "--resolution=256", "--batch=16", "--gamma=2.5", "--lrate_g=0.002", "--lrate_d=0.0025"),
        *("--snap=3", "--desc=try two/2", "--set=schedule.minibatch.8=64"),
    )
    assert chosen.loss.r1_gamma == 2.5 and chosen.output.snapshot_ticks == 3
    at = {nimg: phase(nimg * 1000, chosen.schedule, 256, 2) for nimg in (0, 1200, 25000)}
    assert [each.minibatch for each in at.values()] == [64, 16, 16]
    assert {(each.G_lrate, each.D_lrate) for each in at.values()} == {(0.002, 0.0025)}
    assert description(chosen) == "sgan-faces-256-F-2gpu-try-two-2"
    chosen, _ = dry_run(capsys, "--config=A", "--hardware=1gpu", "--resolution=512", "--batch=64")
    assert phase(12_000_000, chosen.schedule, 512, 1).minibatch == 64  # the caps of config A go too


@pytest.mark.parametrize(
    ("flag", "names"),
    [
        ("--batch=0", "--batch=0 --batch=4"),
        ("--lrate_g=-1", "--lrate_g=-1.0 --lrate_g=0.001"),
        ("--lrate_d=nan", "--lrate_d=nan --lrate_d=0.001"),
        ("--gamma=-1", "loss.r1_gamma -1.0 --gamma=10.0"),
        ("--snap=0", "output.snapshot_ticks 0 --snap=10"),
        ("--batch=6", "D.mbstd_group_size=4 --set=schedule.minibatch.8=8"),
        ("--set=output.outdir=~/x", "output.outdir --outdir"),
        (
            "--set=schedule.minibatch.32=0",
            "schedule.minibatch.32 0 --set=schedule.minibatch.32=4",
        ),
        ("--cond", "--cond labels dataset_tool.py"),
    ],
)
def test_each_refusal_has_its_remedy(flag: str, names: str) -> None:
    with refused(*names.split()):
        build.build(flags_of("--hardware=1gpu", flag), Pictures("set", num_images=1000, resolution=32, highest=32))


@pytest.mark.parametrize(
    "name", ["net.pkl", "there.bin", "https://host/net.pkl", "nowhere", "run/part", "run/checkpoints/7"]
)
@pytest.mark.parametrize("more", [[], ["--dry_run"]])
def test_resume_takes_runs_alone(name: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.bin").touch()
    for part in ("part", "checkpoints/7"):
        (tmp_path / "run" / part).mkdir(parents=True)
    (tmp_path / "run/config.json").touch()
    (tmp_path / "run/part/config.json").touch()  # as a snapshot has one
    run = f"--resume={tmp_path}/run"
    remedy = run if name.startswith("run") else "--init_from" if name == "nowhere" else f"--init_from={name}"
    with refused(f"--resume={name}", remedy):
        train.run([f"--resume={name}", "--hardware=cpu", *more])


def test_another_description_is_another_run(tmp_path: Path) -> None:
    first = experiment("F", "cpu")
    run = rundir.create(tmp_path, description(first))
    old = {name: value for name, value in to_json(first).items() if name != "desc"}  # of a run that is older
    (run / rundir.CONFIG).write_text(json.dumps(old))
    assert rundir.resume_choice("auto", tmp_path, first).run_dir == run
    other = rundir.resume_choice("auto", tmp_path, replace(first, desc="two"))
    assert other.run_dir is None and "differs in desc" in other.sentence


@pytest.mark.parametrize("channels", [2, 5, 7])
def test_channels_that_cannot_be_trained_on_are_one_line_before_there_is_a_run(tmp_path: Path, channels: int) -> None:
    with Writer(tmp_path / "set", "set", 8, channels) as writer:
        for _ in range(64):
            writer.add(np.zeros((8, 8, channels), np.uint8))
    with refused(tmp_path / "set", f"{channels} channels", "1, 3 or 4"):
        train.run([f"--dataset={tmp_path}/set", "--hardware=cpu", "--total_kimg=0.1", f"--outdir={tmp_path}/runs"])
    assert not (tmp_path / "runs").exists()
