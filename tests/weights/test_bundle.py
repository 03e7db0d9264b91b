"""A run packed into a bundle, and a new run that starts from it."""

import numpy as np
import pytest
import tiny

from stylegan_tf import files
from stylegan_tf.configs.text import to_json
from stylegan_tf.devices import Replicas
from stylegan_tf.errors import UserError
from stylegan_tf.networks.kinds import make
from stylegan_tf.training.state import State
from stylegan_tf.training.transfer import start_of, take
from stylegan_tf.weights import __main__ as program
from stylegan_tf.weights import load
from stylegan_tf.weights.bundle import pack
from stylegan_tf.weights.keras_file import named_variables

TINY = tiny.experiment()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one snapshot, whose directions were found."""
    run = tmp_path_factory.mktemp("runs") / "00000-tiny"
    snapshot = run / "network-snapshot-000001"
    snapshot.mkdir(parents=True)
    for name, config, seed in (("G", TINY.G, 1), ("D", TINY.D, 2), ("Gs", TINY.G, 3)):
        make(config, seed).save(snapshot / f"{name}.keras")
    for folder in (run, snapshot):
        files.write_json(folder / "config.json", to_json(TINY))
    np.savez(run / "directions-network-snapshot-000001.npz", attributes=["male"], w=np.ones((1, TINY.G.w_dim)))
    return run


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "bundle"
    assert program.main([str(run), f"--pack={out}"]) == 0
    return out


def numbers(network):
    return {path: variable.numpy() for path, variable in named_variables(network).items()}


def test_what_is_in_it(run, bundle):
    assert sorted(path.name for path in bundle.iterdir()) == ["D.keras", "Gs.keras", "config.json", "directions-Gs.npz"]
    snapshot = run / "network-snapshot-000001"
    assert (bundle / "Gs.keras").read_bytes() == (snapshot / "Gs.keras").read_bytes()
    assert (bundle / "D.keras").stat().st_size < (snapshot / "D.keras").stat().st_size
    ours, theirs = numbers(load.load(bundle).D), numbers(load.load(snapshot).D)
    assert all(array.dtype == np.float32 for array in ours.values())
    assert all(np.array_equal(ours[path], theirs[path].astype(np.float16)) for path in theirs)


def test_training_starts_from_gs_and_d(run, bundle, monkeypatch):
    monkeypatch.setattr(load, "SHIPPED", bundle / "Gs.keras")
    start, networks = start_of("faces"), load.load("faces")
    assert (start.G, start.D) == (TINY.G, TINY.D) and networks.G is None
    state = State(TINY, Replicas(1))
    lines = take(state, networks, "faces")
    assert "starts anew" not in "".join(lines)
    D, Gs = numbers(networks.D), numbers(networks.Gs)
    assert all(np.array_equal(array, D[path]) for path, array in numbers(state.D).items())
    for network in (state.G, state.Gs):
        assert all(np.array_equal(array, Gs[path]) for path, array in numbers(network).items())


def test_what_cannot_be_packed(run, bundle, tmp_path, capsys):
    with pytest.raises(UserError) as caught:
        pack(str(run / "network-snapshot-000001" / "D.keras"), str(tmp_path / "out"))
    assert "Gs.keras" in str(caught.value)
    assert program.main([str(run), f"--pack={bundle}"]) == 2
    assert str(bundle) in capsys.readouterr().err
    large = make(TINY.D)
    large.variables[0].assign(np.full(large.variables[0].shape, 1e6, np.float32))
    folder = tmp_path / "network-snapshot-000002"
    folder.mkdir()
    large.save(folder / "D.keras")
    make(TINY.G).save(folder / "Gs.keras")
    with pytest.raises(UserError) as caught:
        pack(str(folder), str(tmp_path / "out"))
    assert "float16" in str(caught.value) and "D.keras" in str(caught.value)
    assert not (tmp_path / "out").exists()
