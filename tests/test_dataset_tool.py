import importlib
import inspect
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from refusals import check_printed, check_refusal

from stylegan_tf.data import verifying
from stylegan_tf.data.example import COMPRESSIONS
from stylegan_tf.data.importers import convert, options
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.store import Storage
from stylegan_tf.data.importers.svhn import create_svhn
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.data.writing import Writer
from stylegan_tf.environment import cores
from stylegan_tf.programs import dataset_tool

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "dataset"
PICTURES = GOLDEN / "png_rgb"
WORKERS = min(cores(), 16)
OFFICIAL = ["display", "extract", "compare", "create_mnist", "create_mnistrgb", "create_cifar10", "create_cifar100"]
OFFICIAL += [
    "create_svhn",
    "create_lsun",
    "create_lsun_wide",
    "create_celeba",
    "create_from_images",
    "create_from_hdf5",
]
OURS = ["create_faces", "info", "labels", "verify"]

LIGHT = """
import pkgutil, sys
import dataset_tool
try:
    dataset_tool.main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
loaded = {name.split(".")[0] for name in sys.modules}
assert not {"tensorflow", "keras", "numpy", "PIL", "google", "h5py", "lmdb"} & loaded, loaded
import stylegan_tf.data.importers
for module in pkgutil.walk_packages(stylegan_tf.data.importers.__path__, "stylegan_tf.data.importers."):
    __import__(module.name)
folder, pictures = sys.argv[1:]
for words in (
    f"create_from_images {folder}/set {pictures} --compression png",
    f"info {folder}/set",
    f"verify {folder}/set",
    f"compare {folder}/set {folder}/set",
    f"extract {folder}/set {folder}/out",
    f"display {folder}/set --out {folder}/sheet.png",
):
    assert dataset_tool.main(words.split()) == 0
assert not {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
"""


def test_help_loads_next_to_nothing_and_no_command_needs_tensorflow(tmp_path):
    command = [sys.executable, "-c", LIGHT, str(tmp_path), str(PICTURES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for command in OFFICIAL + OURS:
        assert any(line.startswith(f"  {command} ") for line in lines), command


def test_every_command_has_help(capsys):
    assert sorted(dataset_tool.COMMANDS) == sorted(OFFICIAL + OURS)
    for command in dataset_tool.COMMANDS:
        with pytest.raises(SystemExit) as stop:
            dataset_tool.main([command, "--help"])
        assert stop.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: dataset_tool.py {command} ")


STORED = Storage("png", True, 3)
STORING = "--compression png --overwrite --workers 3"


@pytest.mark.parametrize(
    ("line", "module", "expected"),
    [
        ("create_mnist s in", "importers.mnist", ("s", "in", Storage())),
        (f"create_mnist s in {STORING}", "importers.mnist", ("s", "in", STORED)),
        ("create_mnistrgb s in", "importers.mnist", ("s", "in", 1000000, 123, Storage())),
        ("create_mnistrgb s in --num_images 5 --random_seed 0", "importers.mnist", ("s", "in", 5, 0, Storage())),
        (f"create_cifar10 s in {STORING}", "importers.cifar", ("s", "in", STORED)),
        ("create_cifar100 s in", "importers.cifar", ("s", "in", Storage())),
        ("create_svhn s in", "importers.svhn", ("s", "in", Storage())),
        ("create_lsun s in", "importers.lsun", ("s", "in", 256, None, Storage())),
        ("create_lsun s in --resolution=64 --max_images=9", "importers.lsun", ("s", "in", 64, 9, Storage())),
        ("create_lsun_wide s in", "importers.lsun", ("s", "in", 512, 384, None, Storage())),
        (
            "create_lsun_wide s in --width 64 --height 9 --max_images 2",
            "importers.lsun",
            ("s", "in", 64, 9, 2, Storage()),
        ),
        ("create_celeba s in", "importers.celeba", ("s", "in", 89, 121, Storage())),
        (f"create_celeba s in --cx 70 --cy -1 {STORING}", "importers.celeba", ("s", "in", 70, -1, STORED)),
        ("create_from_hdf5 s in", "importers.hdf5", ("s", "in", True, Storage())),
        ("create_from_hdf5 s in --shuffle 0", "importers.hdf5", ("s", "in", False, Storage())),
        ("create_faces s", "faces.create", ("s", 64, 20000, 0, WORKERS, "none", False)),
        (f"create_faces s --resolution 8 --num_images 2 {STORING}", "faces.create", ("s", 8, 2, 0, 3, "png", True)),
        ("create_from_images s in", "importers.images", ("s", "in", Options(workers=WORKERS))),
        (
            "create_from_images s in --shuffle 0 --seed 4 --resolution 64 --crop wide --resize_filter box "
            "--channels grey --mirror --max_images 7 --labels folders --on_error skip --scan_only --background red "
            + STORING,
            "importers.images",
            (
                "s",
                "in",
                Options(False, 4, 64, "wide", "box", "grey", True, 7, "folders", "skip", "png", 3, True, True, "red"),
            ),
        ),
    ],
)
def test_what_each_command_asks_for(monkeypatch, capsys, line, module, expected):
    command, *rest = line.split()
    home = importlib.import_module(f"stylegan_tf.data.{module}")
    signature, asked = inspect.signature(getattr(home, command)), []
    made = SimpleNamespace(directory="s", resolution=8, channels=3, num_images=1234, stages=(2, 3))
    monkeypatch.setattr(home, command, lambda *given: asked.append(given) or made)
    assert dataset_tool.main([command, *rest]) == 0
    assert asked == [expected]
    signature.bind(*expected)
    assert capsys.readouterr().out == "s: 1,234 pictures of 8x8x3 at 2 resolutions\n"


def test_the_choices_are_those_of_the_options():
    given = dict(dataset_tool.IMAGES + dataset_tool.STORAGE)
    known = {field.name for field in fields(Options)}
    assert {f"--{name}" for name in known} == {name for name in given if name.startswith("--")}
    for name in ("crop", "resize_filter", "channels", "on_error", "compression"):
        choices = getattr(options, {"resize_filter": "FILTERS", "crop": "CROPS"}.get(name, name.upper()), COMPRESSIONS)
        assert given[f"--{name}"]["choices"] == choices
        assert given[f"--{name}"]["default"] == getattr(Options(), name)
    assert given["--labels"]["default"] == Options().labels  # Options checks it: it may be the name of a list
    assert all(f"{choice}" in given["--labels"]["help"] for choice in options.LABELS)


def test_create_look_and_compare(tmp_path, capsys, monkeypatch):
    made, sheet = tmp_path / "set", tmp_path / "sheet.png"
    assert dataset_tool.main(["create_from_images", str(made), str(PICTURES), "--shuffle", "0"]) == 0
    assert capsys.readouterr().out == f"{made}: 12 pictures of 32x32x3 at 4 resolutions\n"
    assert dataset_tool.main(["verify", str(made)]) == 0
    assert "set: 12 pictures of 32x32x3" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(verifying, "SAMPLE", 5)
        for more, recomputed in ([], 5), (["--full"], 12):
            assert dataset_tool.main(["verify", str(made), *more]) == 0
            assert f"smaller copies of {recomputed} pictures" in capsys.readouterr().out
    assert dataset_tool.main(["info", str(made)]) == 0
    assert "create_from_images" in capsys.readouterr().out
    assert dataset_tool.main(["extract", str(made), str(tmp_path / "out"), "--workers", "2"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/out: 12 pictures\n"
    assert dataset_tool.main(["display", str(made), f"--out={sheet}"]) == 0
    assert capsys.readouterr().out == f"{sheet}: the first 12 pictures\n"
    assert dataset_tool.main(["compare", str(made), str(GOLDEN / "rgb_noshuffle")]) == 0
    assert capsys.readouterr().out == "Identical images: 12 / 12\nIdentical labels: 12 / 12\n"
    assert dataset_tool.main(["compare", str(made), str(GOLDEN / "rgb_shuffle"), "--ignore_labels", "1"]) == 1
    told = capsys.readouterr()
    assert "labels" not in told.out
    assert told.err.endswith("error: the data sets differ\n")


def test_scan_only_makes_nothing(tmp_path, capsys):
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(PICTURES), "--scan_only"]) == 0
    assert "resolutions" not in capsys.readouterr().out
    assert os.listdir(tmp_path) == []


def test_labels_are_counted(tmp_path, capsys):
    with Writer(tmp_path / "set", "set", 4, 1) as writer:
        for number in range(4):
            writer.add(np.full((4, 4, 1), number, np.uint8))
        writer.set_labels(np.eye(2)[[1, 0, 1, 1]])
    assert dataset_tool.main(["labels", str(tmp_path / "set")]) == 0
    assert "4 pictures of 2 classes\n  0: 1 (25.00%)\n  1: 3 (75.00%)" in capsys.readouterr().out


def test_create_faces(tmp_path, capsys):
    arguments = ["create_faces", str(tmp_path / "set"), "--resolution", "16", "--num_images", "3", "--seed", "5"]
    assert dataset_tool.main(arguments) == 0
    assert "3 pictures of 16x16x3" in capsys.readouterr().out
    assert (tmp_path / "set" / "list_attr_faces.txt").read_text().startswith("3\n")
    assert dataset_tool.main([*arguments, "--compression", "gzip"]) == 2
    assert dataset_tool.main([*arguments, "--compression", "gzip", "--overwrite"]) == 0
    assert dataset_tool.main(["info", str(tmp_path / "set")]) == 0
    assert "compression  gzip" in capsys.readouterr().out


def check_usage(printed, *names):
    """Asserts that argparse said which program it was, how it is called, and the mistake."""
    usage, _, mistake = printed.rpartition("error: ")
    assert "dataset_tool.py" in usage
    check_refusal(mistake.removesuffix("\n"), *names)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", "required COMMAND"),
        ("create_everything", "create_everything create_svhn"),
        ("create_cifar set in", "create_cifar create_cifar10"),
        ("extact set out", "extact extract"),
        ("create_from_images set", "required IMAGE_DIR"),
        ("create_from_images set in --shuffle 2", "--shuffle 2"),
        ("create_from_images set in --shufle 1", "--shufle --shuffle"),
        ("create_from_images set in --crop centre", "--crop 'centre' center"),
        ("create_lsun set in --max_images -3", "--max_images '-3'"),
        ("create_faces set --num_images 0", "--num_images '0'"),
        ("create_faces set --resolution large", "--resolution 'large'"),
        ("verify", "required TFRECORD_DIR"),
    ],
)
def test_usage_errors_exit_2(line, names, capsys):
    with pytest.raises(SystemExit) as stop:
        dataset_tool.main(line.split())
    assert stop.value.code == 2
    check_usage(capsys.readouterr().err, *names.split())


def test_mistakes_exit_2_with_one_message(tmp_path, capsys):
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(tmp_path / "none")]) == 2
    check_printed(capsys.readouterr().err, tmp_path / "none", "folder")
    assert dataset_tool.main(["verify", str(tmp_path)]) == 2
    check_printed(capsys.readouterr().err, tmp_path, "*-rNN.tfrecords")
    assert dataset_tool.main(["create_faces", str(tmp_path / "set"), "--resolution", "48"]) == 2
    check_printed(capsys.readouterr().err, "resolution", 48)
    assert dataset_tool.main(["create_mnist", str(tmp_path / "set"), str(tmp_path)]) == 2
    check_printed(capsys.readouterr().err, tmp_path, "train-images-idx3-ubyte.gz")
    assert os.listdir(tmp_path) == []


def test_ctrl_c_exits_130_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(convert, "decode", interrupted)
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(PICTURES)]) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whoever_stops_it_nothing_stays_behind(tmp_path, number, capfd):
    tool = [sys.executable, str(ROOT / "dataset_tool.py"), "create_faces", str(tmp_path / "set"), "--resolution=16"]
    before = None if number == signal.SIGKILL else signal.signal(number, signal.SIG_DFL)  # nohup ignores SIGHUP
    with subprocess.Popen([*tool, "--num_images=500000", "--workers=1"], cwd=ROOT) as process:
        if before is not None:
            signal.signal(number, before)
        try:
            until = time.monotonic() + 60
            while not os.listdir(tmp_path) and time.monotonic() < until:
                time.sleep(0.05)
            assert os.listdir(tmp_path) == [f".set.tmp-{process.pid}"]
            process.send_signal(number)
            process.wait(60)
        finally:
            process.kill()
    said = capfd.readouterr().err
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number and said.splitlines()[-1] == f"stopped by {number.name}"
        assert os.listdir(tmp_path) == []
        return
    assert subprocess.run([*tool, "--num_images=2"], cwd=ROOT, check=False).returncode == 0
    assert os.listdir(tmp_path) == ["set"]
    assert f"removed {tmp_path}/.set.tmp-{process.pid}, which" in capfd.readouterr().err


def test_the_page_names_every_command_and_option_and_its_examples_are_right():
    page = (ROOT / "docs" / "DATA.md").read_text(encoding="utf-8")
    for name, (_, arguments) in dataset_tool.COMMANDS.items():
        assert f"`{name} " in page
        assert [option for option, _ in arguments if option.startswith("--") and option not in page] == []
    examples = re.findall(r"^python dataset_tool\.py (.+)$", page, re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        assert dataset_tool.parser().parse_args(example.split()).command == example.split()[0]


def test_the_page_tells_how_to_make_the_svhn_files(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    page = (ROOT / "docs" / "DATA.md").read_text(encoding="utf-8")
    images = np.random.RandomState(15).randint(0, 256, (32, 32, 3, 7), np.uint8)
    savemat(tmp_path / "train_32x32.mat", {"X": images, "y": np.arange(4, 11, dtype=np.uint8)[:, None]})
    script = page.split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data_set = create_svhn(tmp_path / "set", tmp_path)
    order = np.arange(7)
    np.random.RandomState(123).shuffle(order)
    assert np.array_equal(list(all_pictures(data_set)), images.transpose(3, 0, 1, 2)[order])
    assert data_set.labels.argmax(1).tolist() == (np.arange(4, 11) % 10)[order].tolist()


def test_paths_are_taken_as_a_shell_takes_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SETS", str(tmp_path / "sets"))
    monkeypatch.chdir(tmp_path)
    assert dataset_tool.main(["create_from_images", "~/sets/a", str(PICTURES)]) == 0
    assert dataset_tool.main(["info", "$SETS/a"]) == 0
    assert dataset_tool.main(["display", "${SETS}/a", "--out=~/sheet.png"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sets", "sheet.png"]
    capsys.readouterr()
    for typed, names in (("$NONE/a", ["variable NONE"]), ("", ["empty", "path"])):
        with pytest.raises(SystemExit) as stop:
            dataset_tool.main(["info", typed])
        assert stop.value.code == 2
        check_usage(capsys.readouterr().err, *names)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("--source=in --dest=out", "--source create_from_images"),
        ("--dest in", "--dest first"),
        ("create_from_images out in --transform=center-crop", "--transform --crop=center"),
        ("create_from_images out in --width=256", "--width --resolution"),
        ("create_from_images out in --max-images=3", "--max-images --max_images"),
        ("create_from_images out in --res=64", "--res --resolution"),
        ("create_from_images out in --shuf=0", "--shuf --shuffle"),
    ],
)
def test_options_of_other_tools(line, names, capsys):
    with pytest.raises(SystemExit) as stop:
        dataset_tool.main(line.split())
    assert stop.value.code == 2
    check_usage(capsys.readouterr().err, *names.split())


def test_mirror_images_are_counted_while_they_are_made(tmp_path, capsys):
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(PICTURES), "--mirror"]) == 0
    printed = capsys.readouterr()
    made = re.search(r"set: (\d+) pictures", printed.out)
    assert made and f"create_from_images: {made[1]} pictures in" in printed.err
