"""The names that users program against, called with numpy arrays as README does."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import raises

import stylegan_tf

ROOT = Path(stylegan_tf.__file__).parent.parent
TINY = {"resolution": 16, "fmap_base": 64, "fmap_max": 8}


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory):
    """Networks with three classes, saved and loaded."""
    from stylegan_tf.networks.discriminator import Discriminator
    from stylegan_tf.networks.generator import Generator

    snapshot = tmp_path_factory.mktemp("run") / "network-snapshot-000001"
    snapshot.mkdir()
    Generator(**TINY, label_size=3, z_dim=8, w_dim=8, mapping_fmaps=8).save(snapshot / "Gs.keras")
    Discriminator(**TINY, label_size=3).save(snapshot / "D.keras")
    return stylegan_tf.load(snapshot)


def test_contract(nets) -> None:
    Gs = nets.Gs
    assert nets.G is None
    z = np.random.RandomState(1).randn(4, 8)
    labels = np.eye(3)[[0, 1, 2, 0]]
    images = Gs(z, labels=labels, psi=0.7, cutoff=8, noise="const", stage=None, fade=1.0)
    assert images.shape == (4, 16, 16, 3) and images.dtype == "float32"
    np.testing.assert_array_equal(images, Gs(z, labels))
    w = Gs.mapping(z, labels=labels)
    ws = Gs.broadcast(w)
    assert (w.shape, ws.shape) == ((4, 8), (4, 6, 8))
    whole = Gs.synthesis(ws, noise="const", stage=None, fade=1.0)
    for psi, cutoff in ((1, 8), (None, 8), (0.7, 0), (0.7, None)):
        np.testing.assert_allclose(Gs(z, labels, psi=psi, cutoff=cutoff), whole, atol=1e-5)
    noise = stylegan_tf.random_noise(Gs, 4, 9)
    assert Gs.synthesis(np.asarray(ws, np.float64), noise=noise).shape == (4, 16, 16, 3)
    assert Gs.synthesis(ws, noise=stylegan_tf.random_noise(Gs, 1, 9)).shape == (4, 16, 16, 3)
    assert Gs(z, labels, noise="none", stage=3, fade=0.5).shape == (4, 8, 8, 3)
    logits = nets.D(np.asarray(images), labels=labels, stage=None, fade=1.0)
    assert logits.shape == (4, 1) and nets.D(np.zeros((4, 4, 4, 3)), labels, stage=2).shape == (4, 1)
    pixels = stylegan_tf.to_uint8(np.float32([[[[-1, 0, 1, 7]]]]))
    assert pixels.dtype == np.uint8 and pixels.tolist() == [[[[0, 128, 255, 255]]]]
    assert Image.fromarray(stylegan_tf.to_uint8(images)[0]).size == (16, 16)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda Gs, D: Gs(np.zeros((2, 9)), np.eye(3)[:2]), ("z", "[N, 8]", "[2, 9]")),
        (lambda Gs, D: Gs(np.zeros(8), np.eye(3)[:1]), ("z", "[N, 8]", "[8]")),
        (lambda Gs, D: Gs(np.zeros((2, 8))), ("labels", "[N, 3]", "None")),
        (
            lambda Gs, D: Gs.mapping(np.zeros((2, 8)), np.array([0, 1])),
            ("labels", "[N, 3]", "[2]"),
        ),
        (lambda Gs, D: Gs.broadcast(np.zeros((2, 6, 8))), ("w", "[N, 8]", "[2, 6, 8]")),
        (lambda Gs, D: Gs.synthesis(np.zeros((2, 8))), ("ws", "[N, 6, 8]", "[2, 8]")),
        (lambda Gs, D: Gs.synthesis(np.zeros((2, 6, 8)), noise="random"), ("noise", "'const'", "'none'", "'random'")),
        (lambda Gs, D: Gs.synthesis(np.zeros((2, 6, 8)), noise=[np.zeros((2, 4, 4, 1))]), ("noise", "6", "1")),
        (lambda Gs, D: Gs(np.zeros((2, 8)), np.eye(3)[:2], stage=9), ("stage", "2 (4x4)", "4 (16x16)", "9")),
        (lambda Gs, D: D(np.zeros((2, 8, 8, 3)), np.eye(3)[:2]), ("images", "[N, 16, 16, 3]", "[2, 8, 8, 3]")),
        (lambda Gs, D: D(np.zeros((2, 16, 16, 3))), ("labels", "[N, 3]", "None")),
    ],
)
def test_wrong_shapes_say_what_was_expected(call, names: tuple, nets) -> None:
    with raises(ValueError, *names):
        call(nets.Gs, nets.D)


def test_names() -> None:
    assert [name for name in stylegan_tf.CONFIGS if len(name) == 1] == ["A", "B", "C", "D", "E", "F"]
    assert {"CONFIGS", "load", "random_noise", "to_uint8", "__version__"} <= set(dir(stylegan_tf))
    assert stylegan_tf.__version__.split(".")[0].isdecimal()
    with pytest.raises(AttributeError, match="module 'stylegan_tf' has no attribute 'lode'"):
        getattr(stylegan_tf, "lo" + "de")


def test_importing_and_help_are_instant() -> None:
    script = (
        "import sys, stylegan_tf\n"
        "dir(stylegan_tf)\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'h5py', 'PIL'} & set(sys.modules)\n"
        "from stylegan_tf.programs import generate\n"
        "generate.run(['--help'])\n"
        "print(sorted({'tensorflow', 'keras', 'h5py', 'scipy', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Which pictures:" in done.stdout and done.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(
    "lines", re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
)
def test_the_readmes_lines_of_python(lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(lines, {})
    with Image.open("face.png") as image:
        assert image.mode == "RGB" and image.size[0] == image.size[1] >= 32
