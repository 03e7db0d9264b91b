import os
import subprocess
import sys
from pathlib import Path

import pytest

import dataset_tool
from stylegan_tf.data.importers import images

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "golden" / "dataset" / "png_rgb"


def test_help_loads_nothing_heavy():
    script = (
        "import sys, dataset_tool\n"
        "try:\n dataset_tool.main(['--help'])\n"
        "except SystemExit as stop:\n assert stop.code == 0\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "import stylegan_tf.data.records, stylegan_tf.data.importers.images, stylegan_tf.data.importers.faces_set\n"
        "import stylegan_tf.files, stylegan_tf.progress, stylegan_tf.pictures\n"
        "assert not {'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for command in ("create_from_images", "create_faces", "verify"):
        assert command in done.stdout
    for heavy in ("tensorflow", "keras", "numpy", "PIL", "google", "rich"):
        assert f"'{heavy}'" not in done.stderr


def test_create_and_verify(tmp_path, capsys):
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(PICTURES), "--shuffle", "0"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/set: 12 pictures of 32x32x3 at 4 resolutions\n"
    assert dataset_tool.main(["verify", str(tmp_path / "set")]) == 0
    assert "set: 12 pictures of 32x32x3" in capsys.readouterr().out


def test_create_faces(tmp_path, capsys):
    arguments = ["create_faces", str(tmp_path / "set"), "--resolution", "16", "--num_images", "3", "--seed", "5"]
    assert dataset_tool.main(arguments) == 0
    assert "3 pictures of 16x16x3" in capsys.readouterr().out
    assert (tmp_path / "set" / "list_attr_faces.txt").read_text().startswith("3\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["create_everything"],
        ["create_from_images", "set"],
        ["create_from_images", "set", "in", "--shuffle", "2"],
        ["create_from_images", "set", "in", "--shufle", "1"],
        ["create_faces", "set", "--num_images", "0"],
        ["create_faces", "set", "--resolution", "large"],
        ["verify"],
    ],
)
def test_usage_errors_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        dataset_tool.main(arguments)
    assert stop.value.code == 2
    assert "dataset_tool.py" in capsys.readouterr().err


def test_mistakes_exit_2_with_one_message(tmp_path, capsys):
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/none does not exist; ")
    assert dataset_tool.main(["verify", str(tmp_path)]) == 2
    assert "holds no data set" in capsys.readouterr().err
    assert dataset_tool.main(["create_faces", str(tmp_path / "set"), "--resolution", "48"]) == 2
    assert "power of two" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_ctrl_c_exits_130_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    def interrupted(sources):
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "_decode_chunk", interrupted)
    assert dataset_tool.main(["create_from_images", str(tmp_path / "set"), str(PICTURES)]) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
