"""What explore.py shows for a state of its page, the command of it, what it refuses. The page: test_explore_page.py."""

import asyncio
import io
import json
import os
import shlex
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import check_printed, refused

from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.networks.kinds import make
from stylegan_tf.programs import explore, figures
from stylegan_tf.programs.explore import Explorer, State

ROOT = Path(__file__).parents[2]
W_DIM = 8
SIZES = {"resolution": 16, "z_dim": W_DIM, "fmap_base": 64, "fmap_max": 8}
MAPPING = {"w_dim": W_DIM, "mapping_fmaps": W_DIM, "mapping_layers": 2}
KINDS = {
    "F": GeneratorConfig(**SIZES, **MAPPING),
    "classes": GeneratorConfig(**SIZES, **MAPPING, label_size=3),
    "noiseless": GeneratorConfig(**SIZES, **MAPPING, use_noise=False),
    "B": GeneratorConfig(**SIZES, **MAPPING, use_styles=False, const_input_layer=False, use_noise=False),
    "A": ProganGeneratorConfig(**SIZES),
}


@pytest.fixture(scope="module")
def explorers(tmp_path_factory):
    """One for a network of each kind, in a folder with a space in its name, and directions beside them."""
    folder = tmp_path_factory.mktemp("some networks")
    vectors = np.eye(3, W_DIM, dtype=np.float32)
    vectors[2] = 0  # no direction was found
    np.savez(folder / "directions-Gs.npz", attributes=np.array(["smiling", "male", "bald"]), w=vectors)
    (folder / "dataset.json").write_text('{"classes": ["cat", "dog, small", "2"]}')
    for name, config in KINDS.items():
        network = make(config)
        for variable in network.trainable_variables:
            if "noise" in variable.path:
                variable.assign(np.full(variable.shape, 0.5, np.float32))
        network.save(folder / f"{name}.keras")
    return {name: Explorer(str(folder / f"{name}.keras")) for name in KINDS}


STATES = [
    ("F", State()),
    ("F", State(seed=2**32 - 1, psi=-0.35, cutoff=3)),
    ("F", State(psi=1, cutoff=0, noise="none")),
    ("F", State(mix_layers="coarse", mix_seed=7)),
    ("F", State(directions=["smiling"], strengths=[2.5])),
    ("F", State(directions=["male", "sefa1"], strengths=[-1.3, 3], direction_layers="4x4-8x8")),
    ("F", State(noise="random", noise_seed=5)),
    ("F", State(noise="const", noise_layers="fine")),
    (
        "F",
        State(
            *(3, None, 0.5, 6, "2-3", 4),
            *("random", 9, "middle", "coarse", ["smiling", "sefa0"], [1, -2]),
        ),
    ),
    ("classes", State(label=1)),
    ("classes", State(label=2, mix_layers="fine", directions=["smiling"], strengths=[2])),
    ("noiseless", State(mix_layers="all")),
    ("B", State(seed=4)),
    ("A", State(seed=4)),
]


def pixels(file) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image).astype(int)


@pytest.mark.parametrize(("kind", "state"), STATES, ids=str)
def test_the_command_makes_the_picture_that_is_saved(explorers, kind, state, tmp_path, monkeypatch):
    shown = explorers[kind].picture(state)
    name, content = explorers[kind].saved_png(state)
    monkeypatch.chdir(tmp_path)
    python, program, *arguments = shlex.split(shown.command)
    assert (python, program) == ("python", "generate.py")
    figures.run(arguments)
    (made,) = tmp_path.glob("explored/*/*.png")
    assert made.parent.name in name
    np.testing.assert_array_equal(pixels(io.BytesIO(content)), pixels(made))
    assert np.abs(shown.pixels.astype(int) - pixels(made)).max() <= 1  # a graph rounds differently
    with Image.open(io.BytesIO(content)) as image:
        assert image.text["command"] == shown.command


def test_every_control_changes_the_picture(explorers):
    before = explorers["F"].picture(State()).pixels.astype(int)
    seen = [before]
    for state in [state for kind, state in STATES[1:] if kind == "F"]:
        seen.append(explorers["F"].picture(state).pixels.astype(int))
    for at, one in enumerate(seen):
        assert all(np.abs(one - other).max() > 2 for other in seen[:at])
    by_class = [explorers["classes"].picture(State(label=label)).pixels.astype(int) for label in range(3)]
    assert np.abs(by_class[0] - by_class[1]).max() > 2 and np.abs(by_class[1] - by_class[2]).max() > 2


def test_controls_are_those_that_mean_something(explorers):
    everything = STATES[8][1]
    assert explorers["A"].flags(everything) == explorers["B"].flags(everything) == ["--seeds=3"]
    assert explorers["A"].directions() == explorers["B"].directions() == []
    assert not [flag for flag in explorers["noiseless"].flags(everything) if "noise" in flag]
    assert explorers["F"].directions()[:4] == ["smiling", "male", "sefa0", "sefa1"]
    assert explorers["F"].layers() == ["coarse", "middle", "fine", "all"]
    assert explorers["classes"].classes == ["cat", "dog, small", "2"] and explorers["F"].classes == []
    assert "--labels=dog, small" in explorers["classes"].flags(State(label=1))


def test_the_page_shows_no_others(explorers, tmp_path):
    pytest.importorskip("gradio", reason="pip install gradio: the page is made with it")
    script = (  # a process of its own, as Gradio leaves an event loop open
        "import json, sys\n"
        "from stylegan_tf.programs import explore\n"
        "for path in sys.argv[1:]:\n"
        "    blocks = explore.page(explore.Explorer(path)).blocks.values()\n"
        "    print(json.dumps([block.label for block in blocks if not getattr(block, 'visible', True)]))\n"
    )
    paths = [str(explorer.path) for explorer in explorers.values()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, *paths], stdout=subprocess.PIPE, check=True, env=environment)
    parts = {"Mixing: styles of another seed", "Directions", "Noise"}
    absent = {"A": parts, "B": parts, "noiseless": {"Noise"}}
    for kind, line in zip(explorers, done.stdout.splitlines(), strict=True):
        hidden = set(json.loads(line))
        assert hidden & parts == absent.get(kind, set())
        assert ("Truncation: psi" in hidden) == (kind in "AB") and ("Class" in hidden) == (kind != "classes")


def test_graphs_are_made_once(explorers):
    explorer = explorers["F"]
    explorer.picture(State())
    synthesis = explorer._fast.synthesis._graph
    count = synthesis.count
    for number in range(4):
        state = State(seed=number, psi=number / 4, cutoff=number, mix_layers="fine", mix_seed=number)
        explorer.picture(state._replace(directions=["smiling"], strengths=[number]))
    assert synthesis.count == count


def test_users_at_once_see_their_own(explorers):
    states = [State(seed=seed, directions=["male"], strengths=[seed]) for seed in range(8)]
    alone = [explorers["F"].picture(state) for state in states]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(explorers["F"].picture, states))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and one.command == other.command


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (State(seed=-1), "--seeds=-1"),
        (State(seed=1e20), "--seeds=100000000000000000000"),
        (State(seed=1.5), "--seeds=1.5"),
        (State(seed=float("nan")), "--seeds=nan"),
        (State(seed=float("inf")), "--seeds=inf"),
        (State(seed=None), "--seeds="),
        (State(psi=None), "--psi="),
        (State(psi=float("nan")), "--psi=nan"),
        (State(cutoff=1.5), "--cutoff=1.5"),
        (State(mix_layers="soft"), "--mix_layers=soft coarse"),
        (State(mix_layers="0-9"), "--mix_layers=0-9 0-5"),
        (State(mix_layers="fine", mix_seed=-3), "--mix=-3"),
        (State(noise="loud"), "--noise=loud random"),
        (State(noise="random", noise_seed=None), "--noise_seed="),
        (State(noise_layers=None), "--noise_layers="),
        (State(directions=["nose"], strengths=[1]), "--direction=nose sefa0"),
        (State(directions=["smiling", "male"], strengths=[1, None]), "--strength=1,"),
        (State(directions=["smiling"], strengths=[1], direction_layers=""), "--direction_layers="),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(explorers, state, names):
    for show in (explorers["F"].picture, explorers["F"].saved_png):
        with refused(*names.split()):
            show(state)
    explorers["F"].picture(State())


def test_a_class_that_is_not_there(explorers):
    with refused("--labels="):
        explorers["classes"].picture(State(label=None))


def run_script(tmp_path, arguments: list[str]) -> subprocess.CompletedProcess:
    """explore.py where Gradio is not installed; prints its exit code and the heavy modules that it imported."""
    script = (
        "import importlib.util, runpy, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'gradio' else find(name, *rest)\n"
        f"sys.argv = ['explore.py', *{arguments!r}]\n"
        f"try: runpy.run_path({str(ROOT / 'explore.py')!r}, run_name='__main__')\n"
        "except SystemExit as done: code = done.code\n"
        "print(code, {'tensorflow', 'keras', 'gradio'} & set(sys.modules))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )


def test_without_gradio(tmp_path):
    done = run_script(tmp_path, ["--network=faces"])
    assert done.stdout == "2 set()\n"
    check_printed(done.stderr, "explore.py", "Gradio", "pip install gradio")


def test_help_needs_nothing(tmp_path):
    done = run_script(tmp_path, ["--help"])
    assert "--network" in done.stdout and "--host" in done.stdout and done.stdout.endswith("0 set()\n")
    assert not done.stderr


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--port=0"], "--port=0 65535"),
        (["--port=70000"], "--port=70000"),
        (["--share"], "--share"),
        (["--network_pkl=x"], "--network"),
    ],
)
def test_flags_that_cannot_be(arguments, names):
    with refused(*names.split()):
        explore.run(arguments)


def test_places_where_nothing_can_listen():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with refused("--host=127.0.0.1", f"--port={port}"):
            explore.check_place("127.0.0.1", port)
    explore.check_place("127.0.0.1", None)
    for host in ("256.0.0.1", "a" * 70, "192.0.2.1"):  # no address, no name, another machine's
        with refused(f"--host={host}"):
            explore.check_place(host, None)


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:7860", None, 200),
        ("localhost:7860", "http://localhost:7860", 200),
        ("[::1]:7860", None, 200),
        ("example.org:7860", None, 403),
        ("", None, 403),
        ("127.0.0.1:7860", "http://example.org", 403),
        ("127.0.0.1:7860", "http://127.0.0.1:8000", 403),
        ("127.0.0.1:7860", "null", 403),
        ("[::1", None, 403),
    ],
)
def test_requests_of_other_sites_are_not_answered(host, origin, status):
    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    scope = {"type": "http", "headers": headers}
    asyncio.run(explore.OwnRequests(app, explore.LOOPBACK)(scope, None, send))
    assert sent[0]["status"] == status
    if status == 200:
        assert (b"content-security-policy", explore.POLICY.encode()) in sent[0]["headers"]
