"""deploy/ and the commands of docs/CLUSTER.md and docs/REPRODUCE.md: what our parsers and the files' own tools take."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stylegan_tf.command_line import parse
from stylegan_tf.programs import dataset_tool, metrics, train
from stylegan_tf.programs.foreign_flags import METRICS, TRAIN

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.glob("*.sbatch"))
PAGES = [ROOT / "docs" / name for name in ("CLUSTER.md", "REPRODUCE.md")]
COMPOSE = {"WORKERS": "host0:8470,host1:8470", "TASK": "0", "WORK": "/mnt/shared"}
# Long options of sbatch in its manual, those that our scripts may want.
SBATCH = {
    *("array", "cpus-per-task", "gpus", "gpus-per-node", "job-name", "mem", "nodes", "ntasks", "ntasks-per-node"),
    *("open-mode", "output", "requeue", "signal", "time"),
}
PROGRAMS = {"train.py": "stylegan-train", "run_metrics.py": "stylegan-metrics", "dataset_tool.py": "stylegan-data"}


def commands(text: str) -> list[tuple[str, str]]:
    """(script, its arguments) of every line that starts one of our programs."""
    names = "|".join(map(re.escape, (*PROGRAMS, *PROGRAMS.values())))
    joined = re.sub(r"\\\n\s*", "", text)
    found = re.findall(rf"(?<![/\w])(?:python )?({names})((?: --?\w[^\s;|`]*| [\w~/.-]+)*)", joined)
    script_of = {entry: script for script, entry in PROGRAMS.items()}
    return [(script_of.get(name, name), arguments) for name, arguments in found if arguments]


def listed(text: str) -> list[tuple[str, str]]:
    """The same of YAML, where each argument is an item of a list."""
    found = re.findall(rf"- ({'|'.join(PROGRAMS.values())})\n((?:\s+- --.+\n)+)", text)
    script_of = {entry: script for script, entry in PROGRAMS.items()}
    return [
        (script_of[name], shlex.join(line.strip().removeprefix("- ") for line in rest.splitlines()))
        for name, rest in found
    ]


def filled(text: str) -> str:
    """Variables of Compose and of the shell replaced."""
    text = re.sub(r"\$\{(\w+):[?-]([^}]*)\}", lambda match: COMPOSE.get(match[1], match[2]), text)
    return re.sub(r"\$\(\(.*?\)\)", "1000", text)


DEPLOYED = [
    (path.name, script, arguments)
    for path in sorted(DEPLOY.iterdir())
    for found in (commands, listed)
    for script, arguments in found(filled(path.read_text(encoding="utf-8")))
]
WRITTEN = [(page.name, *command) for page in PAGES for command in commands(page.read_text(encoding="utf-8"))]


def test_the_commands_are_found():
    assert {name for name, _, arguments in DEPLOYED if "--config" in arguments} == {
        *("compose.yaml", "kubernetes.yaml", "slurm.sbatch", "slurm-array.sbatch")
    }
    assert {script for _, script, _ in WRITTEN} == set(PROGRAMS)
    assert sum("--config=F" in arguments for _, _, arguments in WRITTEN) >= 5


@pytest.mark.parametrize(("place", "script", "arguments"), [*DEPLOYED, *WRITTEN])
def test_our_parsers_take_every_command(place, script, arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    words = shlex.split(arguments)
    if script == "dataset_tool.py":
        assert dataset_tool.parser().parse_args(words).command == words[0]
    elif script == "run_metrics.py":
        asked = []
        monkeypatch.setattr(metrics, "networks_of", lambda values: [values.network or values.run_dir])
        monkeypatch.setattr(metrics, "evaluate", lambda evaluation, *rest: asked.append(evaluation) or [])
        assert parse(words, metrics.FLAGS, METRICS).metrics
        metrics.run(words)
        assert [metric.name for metric in asked[0].metrics] == re.findall(r"--metrics=(\S+)", arguments)[0].split(",")
    elif words in (["--help"], ["--list"]):
        train.run(words)
    else:
        flags = parse(words, train.FLAGS, TRAIN)
        # A dry run knows no other workers, and is none already for the one that measures.
        alone = [word for word in words if not re.match("--(cluster|task|dry_run|benchmark)", word)]
        train.run([*alone, "--dry_run"])
        assert f"config {flags.config} at " in capsys.readouterr().out


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_batch_scripts(path):
    text = path.read_text(encoding="utf-8")
    options = re.findall(r"^#SBATCH (.*)$", text, re.MULTILINE)
    assert len(options) > 5 and all(re.fullmatch(r"--[a-z-]+(=\S+)?", option) for option in options)
    assert {option[2:].partition("=")[0] for option in options} <= SBATCH
    assert {"--requeue", "--open-mode=append"} <= set(options)
    (seconds,) = re.findall(r"--signal=TERM@(\d+)\n", text)
    assert int(seconds) >= 120 and "scontrol requeue" in text and '"$code" -eq 143' in text
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_a_batch_script_asks_again_for_what_was_stopped_alone(tmp_path):
    """With other programs in place of srun and scontrol."""
    for name, body in {"srun": 'exit "$CODE"', "scontrol": 'echo "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    for path in SCRIPTS:
        for code, said in {0: "", 1: "", 2: "", 130: "", 143: "requeue 7\n"}.items():
            environment = {"CODE": str(code), "SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "0"}
            environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
            done = subprocess.run(
                ["bash", str(path)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout, done.stderr) == (code, said, "")


def test_the_image_has_what_it_installs():
    copied = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert copied[0] == "*"
    assert all((ROOT / line[1:]).exists() for line in copied if line.startswith("!"))
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER \d+$", text, re.MULTILINE) and 'ENTRYPOINT ["tini", "--"]' in text
    stages = re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE)
    assert stages == ["cpu", "cuda"] and "\nARG DEVICE=cpu\n" in text


def test_codes_ports_and_workers_fit_together():
    text = (DEPLOY / "kubernetes.yaml").read_text()
    assert re.findall(r"values: \[(\d+)\]", text) == ["2", "143"]
    (addresses,) = re.findall(r"--cluster=(\S+)", text)
    workers = addresses.split(",")
    assert re.findall(r"(?:completions|parallelism): (\d+)", text) == [str(len(workers))] * 2
    (port,) = re.findall(r"containerPort: (\d+)", text)
    assert workers == [f"stylegan-{number}.stylegan:{port}" for number in range(len(workers))]
    assert f"- port: {port}" in text and "subdomain: stylegan\n" in text


# ----------------------------------------------------------------------------------------------------------------------
# By their own tools, where these are installed


def tool(name: str) -> str:
    """The program of that name, beside Python or on the path; skips the test where there is none."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def passes(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_shellcheck():
    passes(tool("shellcheck"), *map(str, SCRIPTS))


@pytest.mark.slow
def test_hadolint():
    passes(tool("hadolint"), str(DEPLOY / "Dockerfile"))


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_kubernetes_schemas(version):
    passes(tool("kubernetes-validate"), "--strict", "-k", version, str(DEPLOY / "kubernetes.yaml"))


@pytest.mark.slow
def test_compose():
    printed = passes(tool("docker-compose"), "-f", str(DEPLOY / "compose.yaml"), "config", **COMPOSE)
    assert f"--cluster={COMPOSE['WORKERS']}" in printed and "--task=0" in printed
