"""Generators as graphs: the numbers of the plain ones, and as few graphs as are promised."""

import numpy as np
import pytest
import tolerances
from recorded import relative
from refusals import raises

from stylegan_tf.networks.generator import Generator
from stylegan_tf.networks.progan import ProganGenerator

TINY = {"resolution": 16, "fmap_base": 64, "fmap_max": 8, "z_dim": 8}
STYLE = TINY | {"w_dim": 8, "mapping_fmaps": 8, "mapping_layers": 2}
KINDS = {
    "F": (Generator, STYLE | {"label_size": 3}),
    "B": (
        Generator,
        STYLE | {"use_styles": False, "const_input_layer": False, "use_noise": False, "use_instance_norm": False},
    ),
    "A": (ProganGenerator, TINY | {"label_size": 3}),
}


def made(kind):
    """A network in which everything shows: noise, biases, w_avg."""
    network = KINDS[kind][0](**KINDS[kind][1])
    random = np.random.default_rng(5)
    for variable in network.variables:
        if variable.path.endswith(("noise/weight", "bias", "w_avg")):
            variable.assign(random.normal(size=variable.shape))
    return network


@pytest.fixture(scope="module", params=KINDS)
def pair(request):
    """(network, the same as graphs), for all tests of the file: graphs are slow to make."""
    network = made(request.param)
    return network, network.as_graphs()


@pytest.fixture(scope="module")
def F():
    network = made("F")
    return network, network.as_graphs()


def inputs(network, count, seed=1):
    """(z, labels) in double precision, as users have them."""
    random = np.random.RandomState(seed)
    labels = np.eye(3)[random.randint(3, size=count)] if network.label_size else None
    return random.randn(count, network.z_dim), labels


def noise_of(count):
    random = np.random.RandomState(2)
    return [random.randn(count, side, side, 1) for side in (4, 4, 8, 8, 16, 16)]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"psi": None},
        {"psi": -0.3, "cutoff": 2},
        {"psi": np.float32(0.5), "noise": "none"},
        {"psi": 0, "cutoff": None},
        {"noise": noise_of(1)},
        {"noise": tuple(noise_of(3)), "stage": 3},
        {"stage": 3, "fade": 0.25},
        {"stage": 2, "fade": 0},
        {"fade": np.float32(1)},
    ],
    ids=lambda arguments: ",".join(arguments),
)
def test_the_numbers_are_those_of_the_network(pair, arguments):
    network, graphs = pair
    z, labels = inputs(network, 3)
    found = graphs(z, labels, **arguments)
    expected = np.asarray(network(z, labels, **arguments))
    assert found.dtype == "float32" and relative(found, expected) <= tolerances.SAME


def test_the_steps_too(F):
    network, graphs = F
    z, labels = inputs(network, 3)
    w, ws = graphs.mapping(z, labels=labels), graphs.broadcast(network.mapping(z, labels))
    assert relative(w, np.asarray(network.mapping(z, labels))) <= tolerances.SAME
    assert np.array_equal(ws, network.broadcast(network.mapping(z, labels)))
    for arguments in ({}, {"noise": noise_of(3)}, {"stage": 3, "fade": 0.5}):
        expected = np.asarray(network.synthesis(ws, **arguments))
        assert relative(graphs.synthesis(ws, **arguments), expected) <= tolerances.SAME


def test_what_is_no_call_is_the_networks_own(pair):
    network, graphs = pair
    assert graphs.z_dim == 8 and graphs.last_stage == 4 and graphs.width(4) == 8
    assert hasattr(graphs, "mapping") == hasattr(network, "mapping")
    if hasattr(network, "mapping"):
        assert graphs.w_avg is network.w_avg
        assert graphs.synthesis.noise_shapes() == network.synthesis.noise_shapes()


def test_one_graph_for_all_numbers_of_pictures_seeds_and_strengths():
    network = made("F")
    graphs = network.as_graphs()
    for count, seed, psi, fade in ((1, 1, 0.7, 0.5), (4, 2, 0.5, 0.25), (3, 3, 0, 0), (1, 4, -1, np.float32(0.1))):
        assert graphs(*inputs(network, count, seed), psi=psi, fade=fade).shape == (count, 16, 16, 3)
    assert graphs._graph.count == 1
    for count in (1, 2):
        ws = graphs.broadcast(graphs.mapping(*inputs(network, count)))
        graphs.synthesis(ws, noise=noise_of(count))
    assert [step._graph.count for step in (graphs.mapping, graphs.broadcast, graphs.synthesis)] == [1, 1, 1]
    graphs(*inputs(network, 2), psi=1)
    for psi, cutoff in ((None, 8), (1.0, 8), (0.5, 0), (0.5, None)):
        graphs(*inputs(network, 2), psi=psi, cutoff=cutoff)
    assert graphs._graph.count == 2, "without truncation there is one graph, however that is said"


def test_changed_variables_are_seen(F):
    network, graphs = F
    z, labels = inputs(network, 2)
    before = np.asarray(graphs(z, labels))
    old = np.asarray(network.w_avg)
    network.w_avg.assign(old + 3)
    after = np.asarray(network(z, labels))
    assert relative(graphs(z, labels), after) <= tolerances.SAME < relative(before, after)
    network.w_avg.assign(old)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda Gs: Gs(np.zeros((2, 9)), np.eye(3)[:2]), ("z", "[N, 8]", "[2, 9]")),
        (lambda Gs: Gs(np.zeros(8), np.eye(3)[:1]), ("z", "[N, 8]", "[8]")),
        (lambda Gs: Gs(np.zeros((2, 8))), ("labels", "[N, 3]", None)),
        (lambda Gs: Gs.mapping(np.zeros((2, 8)), np.array([0, 1])), ("labels", "[N, 3]", "[2]")),
        (lambda Gs: Gs.broadcast(np.zeros((2, 6, 8))), ("w", "[N, 8]", "[2, 6, 8]")),
        (lambda Gs: Gs.synthesis(np.zeros((2, 8))), ("ws", "[N, 6, 8]", "[2, 8]")),
        (lambda Gs: Gs.synthesis(np.zeros((2, 6, 8)), noise="random"), ("noise", "'const'", "'none'", "'random'")),
        (lambda Gs: Gs.synthesis(np.zeros((2, 6, 8)), noise=noise_of(2)[:1]), ("noise", 6, 1)),
        (
            lambda Gs: Gs.synthesis(np.zeros((2, 6, 8)), noise=noise_of(2)[1:] * 2),
            ("noise[1]", "[N, 4, 4, 1]", "[2, 8, 8, 1]"),
        ),
        (lambda Gs: Gs(np.zeros((2, 8)), np.eye(3)[:2], stage=9), ("stage", "2 (4x4)", "4 (16x16)", 9)),
    ],
)
def test_errors_are_those_of_the_network(F, call, names):
    told = []
    for network in F:
        with raises(ValueError, *names) as caught:
            call(network)
        told.append(str(caught.value))
    assert told[0].splitlines()[:3] == told[1].splitlines()[:3]


def test_the_network_itself_is_left_as_it_was(F):
    network, graphs = F
    graphs(*inputs(network, 1), cutoff=3)  # a graph of its own
    assert not network.synthesis.b16_conv0_up.fused


def test_wrong_arguments_are_named(F):
    with raises(TypeError, "'truncation'"):
        F[1](np.zeros((2, 8)), truncation=0.7)
