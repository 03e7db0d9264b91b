"""Grids of reals and fakes, and the networks as files."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from stylegan_tf.configs.schema import OutputConfig
from stylegan_tf.configs.text import to_json
from stylegan_tf.devices import Replicas
from stylegan_tf.training import snapshots
from stylegan_tf.training.snapshots import Grid, grid_size, save_networks
from stylegan_tf.training.state import State
from stylegan_tf.weights import load


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return tiny.data_set(tmp_path_factory.mktemp("data") / "noise")


def experiment(labels=False, grid="3x2"):
    return replace(tiny.experiment(labels=labels), output=OutputConfig(grid=grid))


@pytest.fixture(scope="module")
def state():
    return State(experiment(), Replicas(1))


def cells(grid, side=16):
    """[H, W, C] -> [cells, side, side, C], row by row."""
    rows, columns = grid.shape[0] // side, grid.shape[1] // side
    return grid.reshape(rows, side, columns, side, -1).transpose(0, 2, 1, 3, 4).reshape(-1, side, side, grid.shape[2])


@pytest.mark.parametrize(
    ("layout", "resolution", "expected"),
    [
        ("8x5", 64, (8, 5)),
        ("4k", 1024, (7, 4)),
        ("4k", 128, (30, 16)),
        ("1080p", 1024, (3, 2)),
        ("1080p", 32, (32, 32)),
    ],
)
def test_grid_size(layout, resolution, expected):
    assert grid_size(layout, resolution) == expected


def test_the_cells_are_the_pictures(data_set):
    grid = Grid(experiment(), data_set)
    image = grid.reals(data_set)
    assert image.shape == (32, 48, 3) and image.dtype == np.uint8 and len(set(grid.numbers)) > 1
    means = cells(image).mean(axis=(1, 2, 3))
    assert np.abs(means - (64 + 2 * grid.numbers)).max() < 6  # picture i is about 2 i + 64 bright


def test_fakes_have_the_labels_of_the_reals(data_set):
    grid = Grid(experiment(labels=True), data_set)
    assert grid.labels.numpy().argmax(axis=1).tolist() == (grid.numbers % 2).tolist()
    assert grid.labels.shape == (6, 2) and Grid(experiment(), data_set).labels is None


class Pictures:
    """Stands for Gs: notes how it is called, and paints everything in one colour, or with the first number of z."""

    def __init__(self, colour=None):
        self.colour, self.calls = colour, []

    def as_graphs(self):
        return self

    def __call__(self, z, **arguments):
        self.calls.append((z.numpy(), arguments))
        side = 2 ** arguments["stage"]
        colour = z[:, :1] if self.colour is None else tf.fill([len(z), 1], self.colour)
        return tf.broadcast_to(colour[:, :, None, None], (len(z), side, side, 3))


@pytest.mark.parametrize(("number", "pixel"), [(-1.0, 0), (1.0, 255), (-3.0, 0), (7.0, 255), (0.1, 140), (-0.004, 127)])
def test_rounding_by_hand(number, pixel, data_set):
    """x 127.5 + 127.5, rounded: 0.1 is 140.25, -0.004 is 126.99."""
    assert np.all(Grid(experiment(), data_set).fakes(Pictures(number), 4, 1.0) == pixel)


def test_a_run_shows_the_same_latents_in_every_grid(data_set):
    grid, Gs = Grid(experiment(labels=True), data_set), Pictures()
    first = grid.fakes(Gs, 3, 0.5)
    assert np.array_equal(first, Grid(experiment(labels=True), data_set).fakes(Gs, 3, 0.5))
    (z, arguments), (again, _) = Gs.calls
    assert np.array_equal(z, again) and len(np.unique(z)) == z.size == 6 * 8
    assert (arguments["psi"], arguments["stage"], arguments["fade"]) == (None, 3, 0.5)
    assert np.array_equal(arguments["labels"], grid.labels)


def test_grids_of_a_stage_share_their_graphs_and_show_the_weights_of_now(data_set):
    Gs = State(experiment(), Replicas(1)).Gs
    grid = Grid(experiment(), data_set)
    first, again = grid.fakes(Gs, 3, 0.5), grid.fakes(Gs, 3, 0.75)
    graphs = grid._kept[2]
    assert graphs._graph.count == 1 and not np.array_equal(first, again)
    tiny.unsettle(Gs)
    assert not np.array_equal(grid.fakes(Gs, 3, 0.5), first) and grid._kept[2] is graphs and graphs._graph.count == 1
    images = Gs(grid.z, psi=None, stage=3, fade=0.5).numpy() * 127.5 + 127.5
    found = cells(grid.fakes(Gs, 3, 0.5))[:, ::2, ::2].astype(int)
    assert np.abs(found - np.clip(np.rint(images), 0, 255)).max() <= 1
    grid.fakes(Gs, 4, 1.0)
    assert grid._kept[2] is not graphs


def test_coarse_fakes_are_enlarged(data_set, state):
    image = Grid(experiment(), data_set).fakes(state.Gs, 3, 1.0)
    assert image.shape == (32, 48, 3)
    assert np.array_equal(image, image[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)) and np.ptp(image) > 0


def test_fakes_are_made_in_parts(data_set, monkeypatch):
    grid, whole, parts = Grid(experiment(labels=True), data_set), Pictures(), Pictures()
    expected = grid.fakes(whole, 4, 1.0)
    monkeypatch.setattr(snapshots, "BATCH_PIXELS", 4 * 16 * 16)
    assert np.array_equal(grid.fakes(parts, 4, 1.0), expected)
    assert [len(z) for z, _ in parts.calls] == [4, 2]
    assert np.array_equal(np.concatenate([arguments["labels"] for _, arguments in parts.calls]), grid.labels)


def test_saved_networks_come_back(state, tmp_path):
    tiny.unsettle(state.Gs)
    (tmp_path / "dataset.json").write_text('{"classes": ["cat", "dog"]}')
    folder = save_networks(tmp_path, state, experiment(), 140_352)
    assert folder.name == "network-snapshot-000140"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("D.keras", "G.keras", "Gs.keras", "config.json", "dataset.json")
    ]
    assert load.classes_of_snapshot(folder / "Gs.keras") == ("cat", "dog")
    assert json.loads((folder / "config.json").read_text()) == to_json(experiment())
    z = tf.random.normal([2, 8])
    for name in ("G", "Gs"):
        network = keras.models.load_model(folder / f"{name}.keras")
        assert np.array_equal(network(z, psi=None), getattr(state, name)(z, psi=None))
    images = state.G(z)
    assert np.array_equal(keras.models.load_model(folder / "D.keras")(images), state.D(images))
    assert not np.array_equal(state.G(z), state.Gs(z)), "G and Gs are one"


def test_a_later_snapshot_of_the_same_thousand_replaces_the_earlier(state, tmp_path):
    """A short run may end within the thousand pictures in which its last snapshot was saved."""
    save_networks(tmp_path, state, experiment(), 96)
    state.Gs.w_avg.assign(np.full(8, 3.0))
    folder = save_networks(tmp_path, state, experiment(), 192)
    assert np.all(keras.models.load_model(folder / "Gs.keras").w_avg.numpy() == 3.0)
    assert [path.name for path in tmp_path.iterdir()] == ["network-snapshot-000000"]
