"""run_metrics.py compare: numbers of folders, archives, data sets and networks, and what it refuses."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from refusals import check_printed, refused

from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.data.importers.extract import extract
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import exit_code
from stylegan_tf.metrics import features, fid, kid, precision_recall
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs import metrics
from stylegan_tf.weights import faces_bundle

ROOT = Path(__file__).parents[2]
SMALL = GeneratorConfig(32, z_dim=8, w_dim=8, mapping_fmaps=8, mapping_layers=2, fmap_base=64, fmap_max=8)
NAMES = ["fid@faces", "kid@faces", "kid@faces_std", "pr@faces_precision", "pr@faces_recall"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets of faces, the second also as a folder and an archive, and networks."""
    folder = tmp_path_factory.mktemp("work")
    create_faces(folder / "one", 32, 40, 1, 1)
    create_faces(folder / "two", 32, 30, 2, 1)
    extract(folder / "two", folder / "folder", 1)
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        for path in (folder / "folder").iterdir():
            archive.write(path, path.name)
    (folder / "large").mkdir()
    for number, path in enumerate(sorted((folder / "folder").iterdir())[:6]):
        with Image.open(path) as image:
            image.resize((64 + 2 * (number == 0), 64)).save(folder / "large" / path.name)
    network = make(SMALL)
    tiny.unsettle(network)
    network.save(folder / "Gs.keras")
    make(GeneratorConfig(**(vars(SMALL) | {"num_channels": 4}))).save(folder / "rgba.keras")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(autouse=True)
def here(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    shutil.rmtree("metrics", ignore_errors=True)


def compared(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    """What --json prints, which is all that stands on standard output."""
    capsys.readouterr()
    metrics.run(["compare", *arguments, "--nets=faces", "--json"])
    return json.loads(capsys.readouterr().out)


def test_the_values_are_those_of_the_features(capsys: pytest.CaptureFixture) -> None:
    """Whatever the pictures lie in; their numbers and sizes are told."""
    _, digest, network = faces_bundle.features()
    seen = [
        np.asarray(network.features(np.stack(list(all_pictures(open_data_set(name)))).astype(np.float32)))
        for name in ("folder/../two", "one")
    ]
    distance = kid.kernel_distance(seen[0], seen[1], 5)
    shares = precision_recall.precision_recall(seen[0], seen[1])
    expected = [fid.frechet_distance(*(fid.statistics_of([each]) for each in seen)), *distance, *shares]
    for place in ("two", "folder", "two.zip"):
        found = compared(capsys, place, "one", "--seed=5")
        assert list(found["values"]) == NAMES and found["nets"] == {faces_bundle.features().name: digest}
        assert list(found["values"].values()) == pytest.approx(expected, rel=1e-4)
        assert found["a"] == {"place": place, "pictures": 30, "size": [32, 32]}
        assert (found["b"]["pictures"], found["seed"], found["mirror"]) == (40, 5, False)
    assert compared(capsys, "one", "two", "--seed=5", "--metrics=pr")["values"] == {
        NAMES[3]: pytest.approx(expected[4]),
        NAMES[4]: pytest.approx(expected[3]),
    }


def test_a_set_and_itself(capsys: pytest.CaptureFixture) -> None:
    values = compared(capsys, "two.zip", "folder")["values"]
    assert values["fid@faces"] == pytest.approx(0, abs=1e-4)
    assert (values["pr@faces_precision"], values["pr@faces_recall"]) == (1, 1)


def test_lines_for_people(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The word compare may be left out; few pictures are warned of, and networks that were not asked for told."""
    monkeypatch.setenv("STYLEGAN_TF_CACHE", str(tmp_path))
    metrics.run(["folder", "one", "--metrics=fid, pr@faces", "--num_samples=20"])
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[:2] == ["A: 20 pictures of 32x32, folder", "B: 20 pictures of 32x32, one"]
    assert [line.split()[0] for line in lines[2:]] == [NAMES[0], *NAMES[3:]]
    assert "warning: 20 pictures" in printed.err and "--nets=open" in printed.err


def test_the_first_pictures_and_mirrored_ones(capsys: pytest.CaptureFixture) -> None:
    """The mirror is for B alone."""
    for place in ("two", "two.zip"):
        plain, mirrored = (
            compared(capsys, place, place, "--metrics=fid", "--num_samples=25", *more)["values"]["fid@faces"]
            for more in ([], ["--mirror"])
        )
        assert plain == pytest.approx(0, abs=1e-4) and mirrored > 1


def test_statistics_of_data_sets_are_kept(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they are looked at once, by metrics of networks too."""
    first = compared(capsys, "folder", "one", "--metrics=fid")
    (kept,) = Path("metrics/.metrics").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(features, "real_batches", None)
        assert compared(capsys, "folder", "one", "--metrics=fid")["values"] == first["values"]
    metrics.run(["--metrics=fid0.04k@faces", "--network=Gs.keras", "--dataset=one", "--batch=8"])
    assert list(Path("metrics/.metrics").iterdir()) == [kept]
    compared(capsys, "folder", "one", "--metrics=fid", "--num_samples=35")
    assert len(list(Path("metrics/.metrics").iterdir())) == 2


def test_a_network(capsys: pytest.CaptureFixture) -> None:
    """Makes as many pictures as the other set has, the samples of other metrics."""
    found = compared(capsys, "Gs.keras", "one", "--metrics=fid", "--batch=8", "--seed=3")
    assert (found["a"]["pictures"], found["b"]["pictures"]) == (40, 40)
    metrics.run(
        ["--metrics=fid0.04k@faces", "--network=Gs.keras", "--dataset=one", "--batch=8", "--seed=3", "--nomirror"]
    )
    (row,) = Path("metrics/metric-fid0.04k@faces.jsonl").read_text().splitlines()
    assert found["values"]["fid@faces"] == pytest.approx(json.loads(row)["value"], rel=1e-6)
    both = compared(capsys, "one", "Gs.keras", "--metrics=fid", "--num_samples=16")
    assert (both["a"]["pictures"], both["b"]["pictures"]) == (16, 16)


def test_resized(capsys: pytest.CaptureFixture) -> None:
    found = compared(capsys, "large", "one", "--resolution=32", "--num_samples=6")
    assert found["a"]["size"] == found["b"]["size"] == [32, 32]
    with refused("large", "64x64", "66x64", "--resolution"):
        metrics.run(["large", "one"])
    Path("large/img00000000.png").rename("other.png")
    with refused("large", "64x64", "32x32", "--resolution"):
        metrics.run(["large", "one"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "compare A B"),
        (["one"], "one compare A B"),
        (["one", "two", "folder"], "3 compare A B"),
        (["one", "nowhere"], "nowhere --network"),
        (["one", "empty"], "empty No input"),
        (["one", "folder/img00000000.png"], "folder/img00000000.png PNG"),
        (["one", "rgba.keras"], "rgba.keras 4 channels"),
        (["one", "Gs.keras", "--mirror"], "--mirror Gs.keras"),
        (["one", "Gs.keras", "--resolution=16"], "--resolution=16 Gs.keras 32x32"),
        (["one", "two", "--resolution=64"], "64x64 one 32"),
        (["one", "two", "--resolution=30"], "--resolution=30"),
        (["one", "two", "--resolution=16"], "16x16 faces --resolution=32 --nets=open"),
        (["one", "two", "--metrics=fid50k"], "--metrics=fid50k fid kid pr --num_samples"),
        (["one", "two", "--metrics=fid,fid@faces"], "fid@faces twice"),
        (["one", "two", "--nets=face"], "--nets=face auto open official faces"),
        (["one", "two", "--num_samples=0"], "--num_samples=0"),
        (["one", "two", "--num_samples=3"], "one 3 4"),
        (["one", "two", "--batch=-1"], "--batch=-1"),
        (["one", "two", "--dataset=x"], "--dataset compare A B"),
    ],
)
def test_mistakes_exit_2(arguments: list[str], names: str, capsys: pytest.CaptureFixture) -> None:
    assert exit_code(lambda: metrics.run(["compare", *arguments, "--json"])) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    check_printed(printed.err[printed.err.index("error: ") :], *names.split())


def test_what_is_refused_is_refused_without_tensorflow() -> None:
    script = (
        "import sys\n"
        "from stylegan_tf.errors import UserError\n"
        "from stylegan_tf.programs import metrics\n"
        "metrics.run(['compare', '--help'])\n"
        "try: metrics.run(['compare', 'folder', 'Gs.keras', '--resolution=16'])\n"
        "except UserError: print({'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert "--num_samples" in done.stdout and done.stdout.endswith("set()\n"), done
