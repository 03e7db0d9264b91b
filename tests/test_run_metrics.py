"""run_metrics.py: numbers with the bundle that comes along, what is written beside them, what it refuses."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import check_printed, refused

from stylegan_tf import files
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import GeneratorConfig
from stylegan_tf.configs.text import to_json
from stylegan_tf.data import training_set
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import exit_code
from stylegan_tf.metrics import definitions, directions, ls
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs import metrics
from stylegan_tf.weights import load

ROOT = Path(__file__).parents[1]
SMALL = GeneratorConfig(32, z_dim=8, w_dim=8, mapping_fmaps=8, mapping_layers=2, fmap_base=64, fmap_max=8)
RUN = "results/00000-sgan-faces-32-F-cpu"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two snapshots of new networks on 40 faces, and networks of other kinds."""
    folder = tmp_path_factory.mktemp("work")
    create_faces(folder / "faces", 32, 40, 3, 1)
    chosen = experiment("F", "cpu", resolution=32)
    config = to_json(replace(chosen, data=replace(chosen.data, directory=str(folder / "faces"))))
    for kimg in (100, 110):
        snapshot = folder / RUN / f"network-snapshot-{kimg:06d}"
        snapshot.mkdir(parents=True)
        make(SMALL, kimg).save(snapshot / "Gs.keras")
        files.write_json(snapshot / "config.json", config)
    files.write_json(folder / RUN / "config.json", config)
    make(replace(SMALL, num_channels=4)).save(folder / "rgba.keras")
    make(replace(SMALL, resolution=16)).save(folder / "small.keras")
    make(replace(SMALL, use_styles=False)).save(folder / "unstyled.keras")
    broken = make(SMALL)
    broken.synthesis.b4_const.assign(np.full(broken.synthesis.b4_const.shape, 1e38))
    broken.save(folder / "broken.keras")
    return folder


@pytest.fixture(autouse=True)
def here(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_metric_of_the_bundle(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture, two_classifiers: None
) -> None:
    """Named after it everywhere, with its conditions; a second time the same numbers, bit by bit."""
    names = ["fid50k", "fid50k_mix3", "kid50k", "pr50k3", "ppl_zfull", "ppl_wend", "ppl2_wend", "ls"]
    for again, asked in (("one", names), ("two", ["fid50k", "ppl_wend"])):
        flags = [f"--metrics={','.join(asked)}", "--nets=faces", "--num_samples=32", f"--outdir={tmp_path / again}"]
        metrics.run([*flags, "--batch=32"])
    written = sorted(path.name for path in (tmp_path / "one").glob("metric-*.jsonl"))
    scaled = ["fid0.032k", "fid0.032k_mix3", "kid0.032k", "ls_0.032k", "pr0.032k3"]
    scaled += [f"{name}_0.032k" for name in ("ppl2_wend", "ppl_wend", "ppl_zfull")]
    assert written == sorted(f"metric-{name}@faces.jsonl" for name in scaled)
    digest = files.sha256(Path(RUN) / "network-snapshot-000110/Gs.keras")
    for name in written:
        (one,) = rows(tmp_path / "one" / name)
        values = {key: value for key, value in one.items() if key.startswith("value")}
        assert np.isfinite(list(values.values())).all()
        if (tmp_path / "two" / name).exists():
            (two,) = rows(tmp_path / "two" / name)
            assert values == {key: two[key] for key in values}
        assert one["network"] == digest and len(one["nets"]) == 64 and one["seconds"] > 0
        assert one["metric"] == name[7:-6] and one["conditions"]["nets"].startswith("faces-")
        assert one["conditions"]["samples"] == 32 and one["conditions"]["config"] == "F"
    printed = capsys.readouterr().out
    assert f"{'network-snapshot-000110':<30s} time " in printed and " fid0.032k@faces " in printed
    assert " kid0.032k@faces " in printed and " kid0.032k@faces_std " in printed
    (kid,) = rows(tmp_path / "one" / "metric-kid0.032k@faces.jsonl")
    assert list(kid)[:3] == ["metric", "value", "value_std"] and abs(kid["value_std"]) < 1e-6 * abs(kid["value"])
    assert " ls_0.032k@faces_z " in printed and "male " in printed and "H(Y|w)" in printed
    with np.load(tmp_path / "one" / "directions-network-snapshot-000110.npz") as found:
        assert found["w"].shape == (2, 8) and found["z"].shape == (2, 8)


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_directions_where_they_are_wanted(
    wanted: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluated(fakes, classifiers, num_samples, keep, workdir, *others) -> ls.Separability:
        workdir.mkdir(parents=True)
        spaces = dict.fromkeys(("z", "w"), 0.5), dict.fromkeys(("z", "w"), np.ones(8)), dict.fromkeys(("z", "w"), True)
        return ls.Separability({"male": ls.Attribute(*spaces)})

    monkeypatch.setattr(ls, "evaluate", evaluated)
    monkeypatch.setattr(directions, "rising", lambda fakes, classifiers, points: {"w": np.zeros((1, 8))})
    flags = ["--metrics=ls@faces", f"--run_dir={RUN}", f"--outdir={tmp_path}", "--num_samples=16"]
    metrics.run([*flags, f"--directions={wanted}"])
    made = [] if wanted == "false" else ["directions-network-snapshot-000110.npz"]
    assert [path.name for path in tmp_path.glob("*.npz")] == made
    (row,) = rows(tmp_path / "metric-ls_0.016k@faces.jsonl")
    assert row["value_z"] == row["value_w"] == pytest.approx(2**0.5)


def test_every_snapshot_and_a_curve(work: Path, tmp_path: Path) -> None:
    metrics.run(["--metrics=fid50k@faces", f"--run_dir={RUN}", "--all", "--num_samples=16"])
    path = Path(RUN) / "metric-fid0.016k@faces.jsonl"
    assert [row["conditions"]["file"][-15:] for row in rows(path)] == ["000100/Gs.keras", "000110/Gs.keras"]
    with Image.open(path.with_suffix(".png")) as image:
        assert image.size == (960, 600)
    assert (Path(RUN) / ".metrics").is_dir(), "the statistics of the reals are kept"
    alone = f"--network={RUN}/network-snapshot-000110"
    metrics.run(["--metrics=fid50k@faces", alone, "--num_samples=16", f"--outdir={tmp_path}"])
    (one,) = rows(tmp_path / path.name)
    assert one["value"] == rows(path)[1]["value"] != rows(path)[0]["value"]


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ([], "--metrics fid50k"),
        (["--metrics=fid"], "--metrics=fid fid50k"),
        (["--metrics=none"], "--metrics=none fid50k"),
        (["--metrics=fid5k_mix2@faces", "--network=unstyled.keras", "--dataset=faces"], "fid5k_mix2@faces fid5k"),
        (["--metrics=ls", "--all"], "--all --run_dir"),
        (["--metrics=ls", "--run_dir=a", "--network=b"], "--run_dir --network"),
        (["--metrics=ls", "--run_dir=nowhere"], "nowhere"),
        (["--metrics=ls", "--seed=-1"], "--seed=-1"),
        (["--metrics=ls", "--seed=4294967296"], "--seed=4294967296 4294967295"),
        (["--metrics=fid50k,fid5k@faces", "--nets=faces", "--num_samples=32"], "fid0.032k@faces"),
        (["--metrics=fid5k_labels@faces"], "fid5k_labels@faces fid5k"),
        (["--metrics=ls", "--nets=face"], "--nets=face auto open official faces"),
        (["--metrics=is50k", "--nets=faces"], "is50k Inception --nets=open"),
        (["--metrics=ppl_wend@faces", "--network=rgba.keras"], "4 channels RGB alpha"),
        (["--metrics=fid5k@faces", "--network=broken.keras"], "fid5k@faces --dataset"),
        (["--metrics=ls_1k@faces", "--network=small.keras"], "ls_1k@faces 16x16"),
        (["--metrics=kid5k@faces"], "kid5k@faces 40 5000"),
        (["--metrics=fid5k@faces", "--dataset=nowhere"], "nowhere folder"),
    ],
)
def test_mistakes_exit_2(flags: list[str], names: str, capsys: pytest.CaptureFixture) -> None:
    assert exit_code(lambda: metrics.run(flags)) == 2
    *_, last = capsys.readouterr().err.splitlines(keepends=True)
    check_printed(last, *names.split())


def test_what_cannot_be_had_is_refused_before_anything_is_loaded() -> None:
    """All of it at once, without TensorFlow, by the script itself."""
    script = (
        "import runpy, sys\n"
        "sys.argv = ['run_metrics.py', '--metrics=kid5k@faces,ls_1k@faces,is50k', '--network=small.keras', "
        "'--dataset=faces', '--nets=faces']\n"
        f"try: runpy.run_path({str(ROOT / 'run_metrics.py')!r}, run_name='__main__')\n"
        "except SystemExit as done: code = done.code\n"
        "print(code, {'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "2 set()\n", done
    assert len(done.stderr.splitlines()) == 5
    check_printed(done.stderr, "4", "kid5k@faces", "40")
    check_printed(done.stderr, "ls_1k@faces", "32x32")
    check_printed(done.stderr, "is50k", "Inception")


def test_a_network_without_finite_pictures_exits_1(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    flags = ["--metrics=fid0.1k@faces", "--network=broken.keras", "--dataset=faces", f"--outdir={tmp_path}"]
    assert exit_code(lambda: metrics.run(flags)) == 1
    *_, last = capsys.readouterr().err.splitlines(keepends=True)
    check_printed(last, "sample 0", "finite")
    assert list(tmp_path.glob("*.jsonl")) == []


def test_published_networks_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without them names the files."""
    with refused("fid50k", tmp_path, "pt_inception-2015-12-05-6726825d.pth"):
        metrics.run(["--metrics=fid50k", f"--nets={tmp_path}"])
    with refused("ls", tmp_path, "celebahq-classifier-00-male.pkl"):
        metrics.run(["--metrics=ls", f"--nets={tmp_path}"])


def test_without_a_run_the_network_that_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "results", ignore_errors=True)
    values = metrics.parse(["--metrics=ls"], metrics.FLAGS)
    assert metrics.networks_of(values) == [load.SHIPPED] and load.SHIPPED.is_file()


def test_help_and_list_are_instant() -> None:
    script = (
        "import sys\n"
        "from stylegan_tf.programs import metrics\n"
        "metrics.run(['--help']); metrics.run(['--list'])\n"
        "assert not {'tensorflow', 'keras', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "--num_samples" in done.stdout and "ppl_wend" in done.stdout


def test_no_more_faces_are_drawn_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = []

    def draw(folder, resolution, count, *more):
        drawn.append((str(folder), resolution, count))
        return create_faces(folder, resolution, count, *more)

    monkeypatch.setattr(training_set, "create_faces", draw)
    G = SMALL
    shipped = metrics.Subject(load.SHIPPED, G, None, tmp_path)
    trained = replace(shipped, path=Path("x"), experiment=experiment("F", "cpu", resolution=G.resolution))
    side = G.resolution

    def number(names: str, subject: metrics.Subject, **more) -> int:
        asked = definitions.asked_for(names)
        found = metrics.Evaluator(metrics.Evaluation(asked, **more))._data_set(subject)
        assert found is not None
        return found.num_images

    assert number("fid0.016k@faces,kid0.02k@faces", shipped) == 20
    assert number("fid0.02k@faces", trained) == 20
    assert drawn == [(f"datasets/faces-{side}-20", side, 20)]
    few = training_set.faces_of(side, 24)
    assert training_set.faces_of(side, 24, enough=20).num_images == 24  # which are there
    fewer = np.stack(list(all_pictures(training_set.faces_of(side, 20))))
    np.testing.assert_array_equal(fewer, np.stack(list(all_pictures(few)))[:20])


def test_results_of_a_checkpoint_stand_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "results/00000-x"
    checkpoint = run / "checkpoints/000015000"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.index").touch()
    files.write_json(checkpoint / "progress.json", {"nimg": 15000})
    files.write_json(run / "config.json", to_json(experiment("F", "cpu", resolution=16)))
    for what in (run / "checkpoints", checkpoint):
        subject = metrics._subject(load.generator_file(what), None)
        assert (subject.outdir, subject.name) == (run, "000015000")
