"""Readers of what lies in and beside run directories, of w, directions, statistics and the bundle of small networks."""

import fcntl
import io
import json
import os
import shutil
import struct
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np

from stylegan_tf import checkpoint_files, files, plain_npz, rundir
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.schema import DiscriminatorConfig, Experiment, GeneratorConfig, ScheduleConfig
from stylegan_tf.configs.text import as_text, differences, shown, to_json
from stylegan_tf.errors import UserError
from stylegan_tf.masked_crc import masked_crc
from stylegan_tf.programs import directions
from stylegan_tf.weights import load
from tests.fuzz import Target, Tree, mutations
from tests.fuzz.networks import SMALL, STYLE, file, keras_seeds, read_whole

W_DIM, LAYERS = 4, 4
SIDE = 8
LATEST = "checkpoints/000000064/"


def as_json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


@cache
def small() -> Experiment:
    """What the small networks are of."""
    chosen = experiment("F", "cpu", resolution=SIDE)
    G, D = GeneratorConfig(**SMALL, **STYLE), DiscriminatorConfig(**SMALL)
    schedule = ScheduleConfig(initial_resolution=4, lod_training_kimg=0.1, lod_transition_kimg=0.1)
    return replace(chosen, G=G, D=D, schedule=schedule)


def as_record(**values: np.ndarray) -> bytes:
    """A file of np.savez."""
    stream = io.BytesIO()
    np.savez(stream, **values)
    return stream.getvalue()


def as_npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


# ----------------------------------------------------------------------------------------------------------------------
# Runs and checkpoints


@cache
def progress_seeds() -> list[Tree]:
    progress = checkpoint_files.Progress(nimg=64, seconds=1.5, tick=1, reset_key=[0, 1], threads=[2, 1])
    progress.sums = {"D": {"steps": 4.0, "skipped": 0.0, "D": 0.5}}
    progress.lengths = {"stats.jsonl": 10}
    state = {"state.index": b"index", "state.data-00000-of-00001": b"data"}
    digests = {"files": {name: sha256(content).hexdigest() for name, content in state.items()}}
    return [{"progress.json": as_json(asdict(progress) | more)} | state for more in ({}, digests)]


def sealed(name: str, content: bytes, rng: Random) -> bytes:
    """A fault of the format; in progress.json half of the times with the right checksum of itself."""
    changed = mutations.of_suffix(name, content, rng)
    if name.endswith("progress.json") and rng.random() < 0.5:
        try:
            fields = json.loads(changed)
            fields.pop("sha256", None)
            own = sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
            return json.dumps(fields | {"sha256": own}).encode()
        except (ValueError, AttributeError, TypeError, RecursionError):
            pass
    return changed


def read_progress(path: Path, out: Path) -> None:
    """Counters with which the loop can go on."""
    progress = checkpoint_files.read(path, checked=True)
    from stylegan_tf.training.loop import Ticker

    ticker = Ticker(progress.sums)
    ticker.means(), ticker.skipped(), ticker.has_diverged(), ticker.is_finite()
    assert progress.nimg / 1000 + progress.seconds + progress.tick_nimg >= 0
    assert all(length >= 0 for length in (progress.lengths or {}).values())


@cache
def checkpoint_seeds() -> list[Tree]:
    """A run of the small networks with one checkpoint, whose files have no checksums that would be wrong first."""
    import tensorflow as tf

    from stylegan_tf.networks.kinds import make

    def write(folder: Path) -> None:
        folder.mkdir()
        G, D, Gs = (make(config) for config in (small().G, small().D, small().G))
        tf.train.Checkpoint(G=G, D=D, Gs=Gs).write(str(folder / "state"))

    found = {f"{LATEST}{path}": content for path, content in folder_of(write).items()}
    return [{"config.json": as_json(to_json(small())), f"{LATEST}progress.json": b'{"nimg": 64}'} | found]


def folder_of(write) -> Tree:
    """All files that `write` makes in a folder."""
    import tempfile

    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "folder"
        write(folder)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def of_table(name: str, content: bytes, rng: Random) -> bytes:
    """A fault in a block of TensorFlow's table of what is in a checkpoint, with the right checksum."""
    if not name.endswith(".index") or len(content) < FOOTER or rng.random() < 0.3:
        return mutations.of_suffix(name, content, rng)
    numbers, at = [], len(content) - FOOTER
    while len(numbers) < 4:  # offset and size of the block of meta data, and of that of the offsets
        value = shift = 0
        while at < len(content):
            value |= (content[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if content[at - 1] < 128:
                break
        numbers.append(value)
    start, size = rng.choice(((0, numbers[0] - TRAILER), (numbers[2], numbers[3])))
    if not 0 < size <= len(content) - start - TRAILER:
        return mutations.anywhere(content, rng)
    fault = rng.choice((mutations.numbers, mutations.anywhere))
    block = (
        fault(content[start : start + size], rng)[:size].ljust(size, b"\0") + content[start + size : start + size + 1]
    )
    return content[:start] + block + struct.pack("<I", masked_crc(block)) + content[start + size + TRAILER :]


FOOTER, TRAILER = 48, 5  # bytes at the end of the table, and behind each block


def read_checkpoint(path: Path, out: Path) -> None:
    load.declared(path / "checkpoints")
    read_whole(path / "checkpoints", out)


@cache
def run_seeds() -> list[Tree]:
    run = "00000-sgan-x/"
    data = {"name": "x", "num_images": 9, "classes": ["cat", "dog"]}
    tick = {"nimg": 64, "Progress/lod": 1.0, "Timing/sec_per_kimg": 3.5, "Loss/G": None}
    lines = "".join(json.dumps(tick | {"Progress/lod": lod}) + "\n" for lod in (1.0, 0.5, 0.0)).encode()
    parts = {"config.json": as_json(to_json(small())), "dataset.json": as_json(data), "stats.jsonl": lines}
    parts |= {"finished": b"64000\n", f"{LATEST}progress.json": b'{"nimg": 64}', "log.txt": b"x\n"}
    return [{f"{run}{name}": content for name, content in parts.items()}]


def read_run(path: Path, out: Path) -> None:
    """What train.py asks of the runs that there are."""
    from stylegan_tf.programs.train import pace_of

    data = {"name": "x", "num_images": 9}
    for resume in ("auto", str(next(iter(path.iterdir())))):
        for choice in (rundir.resume_choice(resume, path, small(), data, allow_changed_data=True),):
            assert choice.sentence.replace("\n  ", "").isprintable()
    paces = pace_of(path / "00000-sgan-x", small())
    assert all(2 <= stage <= 3 and 0 < seconds < 1e9 for stage, seconds in paces.items())


def config_seeds() -> list[Tree]:
    plain = to_json(experiment("A", "cpu", resolution=16))
    plain["training"]["shares"] = plain["training"].pop("num_gpus")  # as older runs call it
    return [{"config.json": as_json(to_json(small()))}, {"config.json": as_json(plain)}]


def read_config(path: Path, out: Path) -> None:
    found = rundir.experiment_of(path.parent)
    for _, one, other in differences(found, Experiment()):
        assert shown(one).isprintable() and shown(other).isprintable()
        as_text(one)


def points_seeds() -> list[Tree]:
    files_of = [f"results/00000-x/network-snapshot-{kimg:06d}/Gs.keras" for kimg in (10, 20)] + ["ffhq.pkl"]
    rows = [{"metric": "ppl", "value": 1.5, "value_z": 2, "conditions": {"file": path, "seed": 1}} for path in files_of]
    return [{"metric-ppl.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in rows)}]


def read_points(path: Path, out: Path) -> None:
    from stylegan_tf.metrics.report import _points

    metric, points, lost = _points(path)
    assert isinstance(metric, str)
    assert all(np.isfinite(np.array(list(values.values()), float)).all() for values in points.values())
    if lost:
        raise UserError(f"{path}: {lost} lines are left out")


@cache
def snapshot_seeds() -> list[Tree]:
    Gs, D = (keras_seeds()[at]["net.keras"] for at in (0, 1))
    beside = {"config.json": as_json(to_json(small())), "dataset.json": as_json({"classes": ["cat", "dog"]})}
    snapshot = {f"network-snapshot-000007/{name}": content for name, content in beside.items()}
    snapshot |= {"network-snapshot-000007/Gs.keras": Gs, "network-snapshot-000007/D.keras": D}
    told = {"networks": {"Gs": {"lod": 0.5, "arguments": {"resolution": SIDE}}}}
    return [snapshot, {"Gs.keras": Gs, "network.json": as_json(told)}]


def read_snapshot(path: Path, out: Path) -> None:
    found, stage = load.declared(path)
    chosen = load.generator_file(path)
    assert all(name.isprintable() for name in load.classes_of_snapshot(chosen))
    load.crop_of_snapshot(chosen)
    assert found and (stage is None or 2 <= stage <= 3)


def read_lock(path: Path, out: Path) -> None:
    """What is said where another process holds it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with files.Lock(path):
            raise AssertionError("two hold it")
    except UserError as error:
        if "1234" not in str(error):
            raise
    finally:
        os.close(descriptor)


# ----------------------------------------------------------------------------------------------------------------------
# Arrays


def w_seeds() -> list[Tree]:
    w = np.random.RandomState(1).randn(3, W_DIM).astype(np.float32)
    ws = np.repeat(w[:, None], LAYERS, axis=1)
    packed = io.BytesIO()
    np.savez_compressed(packed, w=ws)
    return [
        {"w.npz": as_record(w=w, seeds=np.arange(3))},
        {"w.npz": packed.getvalue()},
        *({"w.npy": as_npy(array)} for array in (w, ws, ws[0], w[0].astype(np.float64))),
    ]


def read_w(path: Path, out: Path) -> None:
    from stylegan_tf.programs import w_file

    w, seeds = w_file.read_w(path, W_DIM, LAYERS)
    assert w.dtype == np.float32 and np.isfinite(w).all() and w.shape[1:] in ((W_DIM,), (LAYERS, W_DIM))
    assert len(seeds) == len(w) and all(0 <= seed < 2**32 for seed in seeds)


def directions_seeds() -> list[Tree]:
    vectors = np.eye(2, W_DIM)
    return [{"directions-x.npz": as_record(attributes=np.array(["male", "smiling"]), w=vectors, z=vectors)}]


GENERATOR = SimpleNamespace(synthesis=SimpleNamespace(w_dim=W_DIM))


def read_directions(path: Path, out: Path) -> None:
    names, vectors, _ = directions.read(path, W_DIM)
    assert np.isfinite(vectors).all() and vectors.shape == (len(names), W_DIM)
    [str(name).encode() for name in names]


def read_array(path: Path, out: Path) -> None:
    unit = directions.unit_vector(str(path), path, GENERATOR, range(1))
    assert abs(np.linalg.norm(unit) - 1) < 1e-5


KEY = {"data_set": "0" * 64, "network": "1" * 64, "count": 9, "mirror": False}


def statistics_seeds() -> list[Tree]:
    from stylegan_tf.metrics.cache import Key

    values = {"mean": np.zeros(2), "covariance": np.eye(2), "count": np.array(9), "key": np.array(json.dumps(KEY))}
    return [{Key(**KEY).file_name(): as_record(**values)}]


def read_statistics(path: Path, out: Path) -> None:
    """What is damaged is made anew."""
    from stylegan_tf.metrics.cache import Key, statistics
    from stylegan_tf.metrics.fid import Gaussian

    with redirect_stdout(io.StringIO()) as said:
        found = statistics(path.parent, Key(**KEY), lambda: Gaussian(9, np.zeros(2), np.eye(2)))
    assert found.count > 1 and np.isfinite(found.mean).all() and found.covariance.shape == (found.mean.size,) * 2
    if said.getvalue():
        raise UserError(said.getvalue().rstrip("\n"))


@cache
def samples_seeds() -> list[Tree]:
    from stylegan_tf.metrics.ls_samples import _conditions

    judged = {
        f"{part}_{space}": value
        for space in "zw"
        for part, value in (("entropy", np.array(0.5)), ("settled", np.array(True)))
    }
    judged |= {"normal_z": np.ones(W_DIM), "normal_w": np.ones(W_DIM), "keep": np.array(2)}
    arrays = {name: as_npy(np.zeros((3, W_DIM), np.float32)) for name in ("z.npy", "w.npy")}
    texts = {"conditions.json": as_json(_conditions(FAKES, 3)), "done.json": as_json({"z": 3, "w": 3}), "lock": b""}
    return [arrays | texts | {"judged-male.npz": as_record(**judged)}]


FAKES = SimpleNamespace(
    seed=1,
    stage=3,
    fade=1.0,
    labels=None,
    Gs=SimpleNamespace(resolution=8, z_dim=W_DIM, synthesis=SimpleNamespace(w_dim=W_DIM)),
)


def read_samples(path: Path, out: Path) -> None:
    """In a copy, as what is missing is made."""
    out.mkdir()
    for each in path.iterdir():
        shutil.copyfile(each, out / each.name) if each.is_file() else os.mkfifo(out / each.name)
    try:
        check_samples(out)
    except UserError:
        shutil.rmtree(out)
        raise


def check_samples(folder: Path) -> None:
    from stylegan_tf.metrics import ls
    from stylegan_tf.metrics.ls_samples import Samples

    with Samples(FAKES, 3, folder) as samples:
        for name, size in samples.spaces().items():
            assert samples.array(name, (size,)).shape == (3, size)
        assert all(0 <= rows <= 3 for rows in samples.done.values())
        found = ls._kept(samples, "male", 2)
        assert found is None or all(np.isfinite(normal).all() for normal in found.normal.values())


@cache
def bundle_seeds() -> list[Tree]:
    from stylegan_tf.networks.faces_features import FacesFeatures
    from stylegan_tf.networks.progan import ProganDiscriminator
    from stylegan_tf.weights import faces_bundle

    named = [(name, ProganDiscriminator(**SMALL, mbstd_group_size=0)) for name in ("male", "smiling")]
    features = FacesFeatures(widths=(2, 2, 2, 2), num_features=3, num_attributes=2)
    return [file("it.npz", lambda path: faces_bundle.write(path, named, features, {"pictures": 7}))]


def of_bundle(name: str, content: bytes, rng: Random) -> bytes:
    """A fault in the header's JSON, or of the archive."""
    if rng.random() < 0.5:
        return mutations.of_suffix(name, content, rng)
    try:
        with np.load(io.BytesIO(content)) as arrays:
            found = dict(arrays)
        found["header"] = np.frombuffer(mutations.of_json(found["header"].tobytes(), rng), np.uint8)
    except Exception:  # an earlier fault has left nothing of the format
        return mutations.anywhere(content, rng)
    return as_record(**found)


def read_bundle(path: Path, out: Path) -> None:
    from stylegan_tf.weights import faces_bundle

    faces_bundle.facts(path)
    assert all(isinstance(name, str) for name, _ in faces_bundle.classifiers(path).networks)
    faces_bundle.features(path)


def read_npz(path: Path, out: Path) -> None:
    """No more than the file has bytes, or a little."""
    found = plain_npz.read(path)
    assert sum(array.nbytes for array in found.values()) <= max(4 * path.stat().st_size, plain_npz.SMALL)
    assert all(array.dtype.kind in "?biufU" for array in found.values())
    repr(found)


def classifier_seeds() -> list[Tree]:
    told = {"conditions": {"seed": 1, "kimg": 2.5}, "score": 0.9, "seconds": 3}
    return [{"male.json": as_json(told), "male.keras": b"weights"}]


def read_classifier(path: Path, out: Path) -> None:
    from stylegan_tf.programs.classifiers import Place

    found = Place(path, "male").finished({"seed": 1, "kimg": 2.5})
    assert found is None or found["score"] is not ...


TARGETS = [
    Target("checkpoint-progress", progress_seeds, read_progress, mutate=sealed, names=("state.",)),
    Target("checkpoint", checkpoint_seeds, read_checkpoint, mutate=of_table, share=20),
    Target("run", run_seeds, read_run),
    Target("config", config_seeds, read_config),
    Target("metric-lines", points_seeds, read_points),
    Target("snapshot", snapshot_seeds, read_snapshot),
    Target("lock", lambda: [{"lock": b"1234\n"}], read_lock),
    Target("w", w_seeds, read_w),
    Target("directions", directions_seeds, read_directions),
    Target("direction", lambda: [{"d.npy": as_npy(np.ones(W_DIM))}], read_array),
    Target("statistics", statistics_seeds, read_statistics),
    Target("samples", samples_seeds, read_samples, names=("/out",)),
    Target("bundle", bundle_seeds, read_bundle, mutate=of_bundle, share=20),
    Target("bundle-arrays", bundle_seeds, read_npz, mutate=of_bundle),
    Target("classifier", classifier_seeds, read_classifier),
]
