"""Flags: values, paths as typed, one-sentence mistakes, grouped help."""

import importlib
import os
import re
from pathlib import Path

import pytest
from refusals import refused

from stylegan_tf.command_line import Flag, expanded, help_text, parse
from stylegan_tf.programs import figures, foreign_flags

GROUPS = {
    "Work": (Flag("size", "whole", 3, "how many"), Flag("rate", "number", None, "how fast")),
    "Else": (
        Flag("name", "text", None, "of it"),
        Flag("loud", "switch", None, "or not"),
        Flag("set", "texts", [], "again and again"),
    ),
}


def test_values() -> None:
    values = parse(["--size=5", "--rate", "0.5", "--set=a=1", "--noloud", "--set=b"], GROUPS)
    assert values is not None
    assert (values.size, values.rate, values.name, values.loud, values.set) == (5, 0.5, None, False, ["a=1", "b"])
    again = parse(["--loud"], GROUPS)
    assert again is not None
    assert (again.size, again.rate, again.loud, again.set) == (3, None, True, [])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--sise=3"], "--sise --size"),
        (["--verbosity=1"], "--verbosity --size --rate --name --loud --set"),
        (["--size=many"], "--size=many number"),
        (["--size=2.5"], "--size=2.5 number"),
        (["--rate=fast"], "--rate=fast number"),
        (["--loud=maybe"], "--loud=maybe true false"),
        (["--name"], "--name"),
        (["--size=2", "more"], "more --flag=value --help"),
    ],
)
def test_mistakes(arguments: list[str], names: str) -> None:
    with refused(*names.split()):
        parse(arguments, GROUPS)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(flag: str) -> None:
    assert parse(["--size=5", flag], GROUPS) is None
    assert help_text("Does it.", GROUPS) == (
        "Does it.\n\n"
        "Work:\n  --size  how many\n  --rate  how fast\n\n"
        "Else:\n  --name  of it\n  --loud  or not\n  --set   again and again"
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "/data")
    monkeypatch.delenv("UNSET", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("~/x", "/home/me/x"),
        ("~", "/home/me"),
        ("$DATA/x", "/data/x"),
        ("${DATA}/x y", "/data/x y"),
        ("~/$DATA", "/home/me//data"),
        ("./~/x", "./~/x"),
        ("a~b", "a~b"),
        ("cost$5", "cost$5"),
        ("https://host/~me/$UNSET.pkl", "https://host/~me/$UNSET.pkl"),
        ("here$UNSET", "here$UNSET"),  # which is there
        ("ffhq", "ffhq"),
        ("~root", os.path.expanduser("~root")),
    ],
)
def test_paths_as_a_shell_takes_them(typed: str, path: str, home: Path) -> None:
    (home / "here$UNSET").touch()
    (home / "~").mkdir()  # what programs made that took the tilde for a name
    assert expanded(typed) == path


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("$UNSET/x", "variable UNSET"),
        ("${UNSET}", "variable UNSET"),
        ("~nobody-of-that-name/x", "~nobody-of-that-name ./~nobody-of-that-name/x"),
    ],
)
def test_paths_that_lead_nowhere(typed: str, names: str, home: Path) -> None:
    groups = {"": (Flag("outdir", "path", "results", ""),)}
    with refused(f"--outdir={typed}", *names.split()):
        parse([f"--outdir={typed}"], groups)
    assert parse(["--outdir=~/x"], groups).outdir == "/home/me/x" and parse([], groups).outdir == "results"


def test_paths_that_are_no_flags(home: Path) -> None:
    """Before, between and behind the flags, as a shell takes them; a program that wants none refuses them."""
    paths: list[str] = []
    values = parse(["~/a", "--size", "5", "$HOME/b", "--loud", "c", "--", "--d"], GROUPS, paths=paths)
    assert (values.size, values.loud) == (5, True)
    assert paths == ["/home/me/a", "/home/me/b", "c", "--d"]
    with refused("c", "--flag=value"):
        parse(["--size=5", "c"], GROUPS)
    with refused("~no-such-user/x"):
        parse(["~no-such-user/x"], GROUPS, paths=[])


def test_every_path_of_the_figures() -> None:
    paths = {"network", "outdir", "direction"}
    for command in figures.COMMANDS.values():
        for flag in (flag for group in command.flags.values() for flag in group):
            assert (flag.kind == "path") == (flag.name in paths), flag.name


PROGRAMS = {
    "train": foreign_flags.TRAIN,
    "generate": foreign_flags.GENERATE,
    "project": foreign_flags.PROJECT,
    "metrics": foreign_flags.METRICS,
    "compare": foreign_flags.COMPARE,
    "classifiers": foreign_flags.CLASSIFIERS,
}


PATHS = {
    "train": {"dataset", "data_dir", "init_from", "outdir", "resume"},
    "generate": {"network", "w", "direction", "outdir", "save_w"},
    "project": {"network", "nets", "outdir"},
    "metrics": {"network", "run_dir", "dataset", "nets", "outdir"},
    "compare": {"nets"},
    "classifiers": {"dataset", "attributes", "outdir", "pack"},
}


def flags_of(program: str) -> dict[str, Flag]:
    groups = importlib.import_module(f"stylegan_tf.programs.{program}").FLAGS
    return {flag.name: flag for group in groups.values() for flag in group}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_path_is_taken_as_typed_and_nothing_empty_is_taken_for_not_given(program: str, home: Path) -> None:
    flags = flags_of(program)
    groups = {"": tuple(flags.values())}
    assert {name for name, flag in flags.items() if flag.kind in ("path", "paths")} == PATHS[program]
    for name, flag in flags.items():
        if flag.kind == "path":
            assert getattr(parse([f"--{name}=~/x"], groups), name) == "/home/me/x"
        if flag.kind == "paths":
            assert getattr(parse([f"--{name}=~/x", f"--{name}=y"], groups), name) == ["/home/me/x", "y"]
        if flag.kind in ("path", "paths", "text"):
            with refused(f"--{name}=", "empty"):
                parse([f"--{name}="], groups)


@pytest.mark.parametrize(
    ("program", "flag", "here"),
    [
        ("train", "kimg", "--total_kimg"),
        ("train", "gpus", "--hardware"),
        ("train", "mirror-augment", "--mirror"),
        ("train", "glr", "--lrate_g"),
        ("train", "resume-pkl", "--init_from"),
        ("train", "cbase", "--set=G.fmap_base"),
        ("generate", "trunc", "--psi"),
        ("generate", "truncation-psi", "--psi"),
        ("generate", "class", "--labels"),
        ("generate", "projected-w", "--w"),
        ("project", "target-fname", "--target"),
        ("project", "num-steps", "--steps"),
        ("train", "network-capacity", "--set=G.fmap_base"),
        ("generate", "sample", "--seeds"),
        ("metrics", "gpus", "--replicas"),
        ("metrics", "input1", "compare A B"),
        ("compare", "input1", "compare A B"),
        ("compare", "kid", "--metrics=fid,kid,pr"),
        ("compare", "batch-size", "--batch"),
        ("classifiers", "data", "--dataset"),
    ],
)
def test_flags_of_other_code_bases(program: str, flag: str, here: str) -> None:
    with refused(f"--{flag}", here):
        parse([f"--{flag}=1"], {"": tuple(flags_of(program).values())}, PROGRAMS[program])


@pytest.mark.parametrize(
    ("command", "flag", "here"),
    [
        ("mixing", "cols", "--columns"),
        ("mixing", "row-seeds", "--rows"),
        ("mixing", "trunc", "--psi"),
        ("video", "w-frames", "--seconds"),
        ("edit", "class", "--labels"),
        ("truncation", "network_pkl", "--network"),
        ("noise", "result-dir", "--outdir"),
    ],
)
def test_flags_of_other_code_bases_behind_a_command(command: str, flag: str, here: str) -> None:
    with refused(f"--{flag}", here):
        figures.run([command, f"--{flag}=1"])


@pytest.mark.parametrize("command", figures.COMMANDS)
def test_a_command_names_flags_that_it_has(command: str) -> None:
    known = {flag.name for group in figures.COMMANDS[command].flags.values() for flag in group}
    for text in foreign_flags.of_figures(known).values():
        assert not (named := set(re.findall(r"--(\w+)", text))) or named & known, text


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_said_about_them_names_flags_that_exist(program: str) -> None:
    flags = flags_of(program)
    assert not set(flags) & set(PROGRAMS[program])
    for text in PROGRAMS[program].values():
        named = set(re.findall(r"--(\w+)", re.sub(r"(dataset_tool|run_metrics)\.py [\w ]*--\w+", "", text)))
        assert named <= set(flags), text


def test_the_same_in_dataset_tool() -> None:
    from stylegan_tf.programs.dataset_tool import COMMANDS

    names = {argument.removeprefix("--") for _, arguments in COMMANDS.values() for argument, _ in arguments}
    for text in foreign_flags.DATASET_TOOL.values():
        assert set(re.findall(r"--(\w+)", text)) <= names, text
