import json
import os

import numpy as np
import pytest
import tensorflow as tf
from metric_stubs import Painter
from refusals import failed, refused

from stylegan_tf.devices import Replicas
from stylegan_tf.metrics import ls_samples
from stylegan_tf.metrics.ls_samples import Samples, drawn, fitted
from stylegan_tf.metrics.samples import Fakes

COUNT, BATCH, CHUNK = 60, 4, 16


def row(number: int):
    return lambda images: images[:, number, 0, 0]


NETWORKS = [(f"row-{number}", row(number)) for number in range(3)]


class Killed(BaseException):
    """Comes from nowhere in the middle of the work, as SIGKILL does."""


class Killer:
    """Progress that lets `batches` batches pass, and counts all of them."""

    def __init__(self, batches: int | None = None):
        self.left, self.seen = batches, 0

    def __call__(self, what, done, total):
        self.seen += 1
        if self.left is not None and self.seen >= self.left:
            raise Killed


def arrays(folder, killer=None, networks=NETWORKS, at_once=2, seed=0) -> dict[str, np.ndarray]:
    fakes = Fakes(Painter(), Replicas(1), seed, BATCH, on_progress=killer or Killer())
    with Samples(fakes, COUNT, folder, {"network": "aa"}) as samples:
        logits = {name: np.array(array) for name, array in drawn(samples, networks, at_once)}
        return logits | {name: np.array(array) for name, array in samples.latents().items()}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(ls_samples, "CHUNK", CHUNK)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return arrays(tmp_path_factory.mktemp("whole"))


def test_what_is_kept(whole, tmp_path):
    assert {name: array.shape for name, array in whole.items()} == {
        **dict.fromkeys(["row-0", "row-1", "row-2"], (COUNT,)),
        **dict.fromkeys("zw", (COUNT, 4)),
    }
    assert np.array_equal(whole["w"], 2 * whole["z"])
    assert np.array_equal(whole["row-2"], whole["w"][:, 2])
    temporary = arrays(None)
    assert all(np.array_equal(temporary[name], whole[name]) for name in whole)


@pytest.mark.parametrize("batches", [1, 6, 14, 15, 20])  # before a chunk, within two, at an end, in the next group
def test_killed_and_continued(whole, tmp_path, batches):
    with pytest.raises(Killed):
        arrays(tmp_path, Killer(batches))
    killer = Killer()
    found = arrays(tmp_path, killer)
    assert all(found[name].tobytes() == whole[name].tobytes() for name in whole)
    # Two groups of 15 batches; what was made before the kill was kept in chunks of 4 batches.
    kept = {1: 0, 6: 4, 14: 12, 15: 15, 20: 15 + 4}[batches]
    assert killer.seen == 30 - kept
    again = Killer()
    arrays(tmp_path, again)
    assert again.seen == 0


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-8])


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def a_link(path):
    path.rename(path.with_name("mine"))
    cut_short(path.with_name("mine"))
    path.symlink_to("mine")


@pytest.mark.parametrize("spoil", [cut_short, a_pipe, a_link])
def test_damaged_files_are_made_again(spoil, whole, tmp_path, capsys):
    arrays(tmp_path)
    path = tmp_path / "logits-row-1.npy"
    spoil(path)
    others = {other.name: other.read_bytes() for other in tmp_path.iterdir() if other.name == "mine"}
    killer = Killer()
    found = arrays(tmp_path, killer)
    assert found["row-1"].tobytes() == whole["row-1"].tobytes()
    assert killer.seen == 15
    assert "logits-row-1.npy is damaged: its samples are made again" in capsys.readouterr().out
    assert all((tmp_path / name).read_bytes() == content for name, content in others.items())


def test_a_folder_of_other_conditions_is_refused(tmp_path):
    arrays(tmp_path)
    with refused(tmp_path, "seed 0", "here 1"):
        arrays(tmp_path, seed=1)
    conditions = json.loads((tmp_path / "conditions.json").read_text())
    (tmp_path / "conditions.json").write_text(json.dumps(conditions | {"network": "bb"}))
    with refused(tmp_path, "network bb", "here aa"):
        arrays(tmp_path)
    (tmp_path / "conditions.json").write_text('{"network')
    with refused(tmp_path, "damaged"):
        arrays(tmp_path)


def test_one_evaluation_at_a_time(tmp_path):
    with (
        Samples(Fakes(Painter(), Replicas(1)), COUNT, tmp_path),
        refused(tmp_path, f"process {os.getpid()}"),
        Samples(Fakes(Painter(), Replicas(1)), COUNT, tmp_path),
    ):
        raise AssertionError("two at a time")
    with Samples(Fakes(Painter(), Replicas(1)), COUNT, tmp_path) as samples:
        assert samples.done == {}


def test_logits_that_are_not_finite():
    with failed("sample 0", "finite"):
        arrays(None, networks=[("light", lambda images: images[:, 0, 0, 0] / 0)])


def test_names_that_are_no_file_names():
    with refused("'../up'", "letters"):
        arrays(None, networks=[("../up", row(0))])


def test_pictures_are_made_to_fit():
    images = tf.constant(np.random.RandomState(0).standard_normal((1, 8, 8, 3)).astype(np.float32))
    small, same, free = (type("C", (), {"resolution": side})() for side in (4, 8, None))
    means = images.numpy().reshape(1, 4, 2, 4, 2, 3).mean((2, 4))
    assert fitted(images, "a", small).numpy() == pytest.approx(means, abs=1e-6)
    assert fitted(images, "a", same) is images
    assert fitted(images, "a", free) is images  # 256 where it does not say
    large = tf.zeros((1, 1024, 1024, 3))
    assert fitted(large, "a", free).shape == (1, 256, 256, 3)
    with refused("8x8", "classifier 'a'", "32x32"):
        fitted(images, "a", type("C", (), {"resolution": 32})())
