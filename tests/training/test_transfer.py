"""Starting from the weights of another network: which layers are taken, and what is said about it."""

from dataclasses import replace

import numpy as np
import official_files
import pytest
import tiny
from refusals import refused

from stylegan_tf.devices import Replicas
from stylegan_tf.networks.kinds import make
from stylegan_tf.training.state import State
from stylegan_tf.training.transfer import start_of, take
from stylegan_tf.weights.keras_file import named_variables
from stylegan_tf.weights.load import Networks, load

TINY = tiny.experiment()


def network(config, seed):
    """One whose w_avg and biases are not those of a new one."""
    made = make(config, seed)
    for number, variable in enumerate(made.variables):
        variable.assign(np.random.default_rng([seed, number]).normal(size=variable.shape))
    return made


@pytest.fixture(scope="module")
def state():
    return State(TINY, Replicas(1))


@pytest.fixture(scope="module")
def others():
    return Networks(network(TINY.G, 1), network(TINY.D, 2), network(TINY.G, 3))


def equal(ours, theirs) -> dict[str, bool]:
    """path -> whether both networks have the same numbers there."""
    there = named_variables(theirs)
    return {path: np.array_equal(found.numpy(), there[path].numpy()) for path, found in named_variables(ours).items()}


def test_equal_networks_are_taken_whole(state, others):
    lines = take(state, others, "the file")
    assert lines == ["weights from the file:", "G: 47 of 47 arrays taken", "Gs: 47 of 47 arrays taken", lines[3]]
    assert lines[3] == "D: 20 of 20 arrays taken"
    for ours, theirs in ((state.G, others.G), (state.D, others.D), (state.Gs, others.Gs)):
        assert all(equal(ours, theirs).values())


def test_what_the_file_does_not_have(state, others):
    before = [variable.numpy() for variable in state.D.variables]
    lines = take(state, Networks(None, None, others.Gs), "Gs.keras")
    assert lines[3] == "D: starts anew, Gs.keras has none"
    assert all(equal(state.G, others.Gs).values()) and all(equal(state.Gs, others.Gs).values())
    assert all(map(np.array_equal, before, [variable.numpy() for variable in state.D.variables]))


def test_a_smaller_network_gives_all_its_layers_but_none_of_the_finer_ones(state):
    small = Networks(network(replace(TINY.G, resolution=8), 4), network(replace(TINY.D, resolution=8), 5))
    lines = take(state, small, "8x8")
    new = ["noise4", "noise5", "b16_conv0_up", "b16_conv1", "b16_to_rgb"]
    assert lines[1] == "G: 33 of 47 arrays taken; new: " + ", ".join(f"synthesis/{layer}" for layer in new)
    assert lines[3] == "D: 14 of 20 arrays taken; new: b16_from_rgb, b16_conv0, b16_conv1_down"
    there = named_variables(small.D)
    for path, found in named_variables(state.D).items():
        assert (path in there) == ("b16" not in path)
        assert path not in there or np.array_equal(found.numpy(), there[path].numpy())


def test_layers_of_another_shape_are_left_alone(state):
    grey = network(replace(TINY.D, num_channels=1), 6)
    before = state.D.b16_from_rgb.weight.numpy()
    lines = take(state, Networks(None, grey), "grey")
    assert "new: b4_from_rgb, b8_from_rgb, b16_from_rgb; not used: b4_from_rgb, b8_from_rgb, b16_from_rgb" in lines[3]
    assert "G: starts anew" in lines[1]
    assert np.array_equal(state.D.b16_from_rgb.weight.numpy(), before)
    assert np.array_equal(state.D.b16_conv0.weight.numpy(), grey.b16_conv0.weight.numpy())


def test_nothing_that_fits(state):
    progan = network(tiny.experiment("A").G, 7)
    with refused("--init_from=A.pkl", "layers"):
        take(state, Networks(None, None, progan), "A.pkl")


def test_what_is_known_without_loading(others, tmp_path):
    official = official_files.write(tmp_path / "n.pkl", {"G": others.G, "D": others.D, "Gs": others.Gs}, lod=0.5)
    start = start_of(str(official))
    assert (start.name, start.G, start.D, start.resolution) == (str(official), TINY.G, TINY.D, 16)
    coarse = official_files.write(tmp_path / "coarse.pkl", {"Gs": others.Gs}, lod=1.0)
    assert start_of(str(coarse))[1:] == (TINY.G, None, 8)
    others.D.save(tmp_path / "D.keras")
    assert start_of(str(tmp_path / "D.keras"))[1:] == (None, TINY.D, 16)
    others.G.save(tmp_path / "mine.keras")
    assert start_of(str(tmp_path / "mine.keras"))[1:] == (TINY.G, None, 16)
    others.Gs.save(tmp_path / "Gs.keras")
    assert start_of(str(tmp_path))[1:] == (TINY.G, TINY.D, 16)


def test_official_files_load(others, tmp_path):
    roles = {"G": others.G, "D": others.D, "Gs": others.Gs}
    nets = load(official_files.write(tmp_path / "network.pkl", roles))
    for role, theirs in roles.items():
        assert all(equal(getattr(nets, role), theirs).values())
    alone = load(official_files.write(tmp_path / "alone.pkl", {"Gs": others.Gs}))
    assert alone.G is alone.D is None and all(equal(alone.Gs, others.Gs).values())
