"""Several machines: how they are named, and two processes that train as one with two devices does, bit for bit."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import workers_of_a_test as of_a_test
from early import Early
from refusals import failed, refused

from stylegan_tf import rundir
from stylegan_tf.cluster import TASK_VARIABLES, TF_CONFIG, Cluster, Workers, cluster_of
from stylegan_tf.configs.build import replicas_problems
from stylegan_tf.devices import join

ADDRESSES = ("one:2222", "other.example:2223")


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    for name in (TF_CONFIG, *TASK_VARIABLES):
        monkeypatch.delenv(name, raising=False)


def test_one_machine_alone(monkeypatch):
    assert cluster_of(None, None) is None
    for text in ("", "{}", '{"cluster": {}}', of_a_test.tf_config(["host:1"], 0)):
        monkeypatch.setenv(TF_CONFIG, text)
        assert cluster_of(None, None) is None
    assert cluster_of("host:1", 0) is None
    workers = Workers()
    assert workers.is_alone and workers.is_chief
    assert workers.any(True, False) == [True, False] and workers.agree(lambda: "text") == "text"
    assert workers.chief_first(lambda: 3) == 3
    assert join(tiny.experiment(), None).is_alone


def test_addresses(monkeypatch):
    for task in (0, 1):
        assert cluster_of(" one:2222,other.example:2223", task) == Cluster(ADDRESSES, task)
        monkeypatch.setenv(TF_CONFIG, of_a_test.tf_config(ADDRESSES, task))
        assert cluster_of(None, None) == Cluster(ADDRESSES, task)
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    assert cluster_of("[::1]:2222,10.0.0.1:2222", None) == Cluster(("[::1]:2222", "10.0.0.1:2222"), 1)


@pytest.mark.parametrize(("kind", "task"), [("chief", 0), ("worker", 1)])
def test_a_chief_of_its_own_is_the_first_worker(kind, task, monkeypatch):
    config = {"cluster": {"worker": [ADDRESSES[1]], "chief": [ADDRESSES[0]]}, "task": {"type": kind, "index": 0}}
    monkeypatch.setenv(TF_CONFIG, json.dumps(config))
    assert cluster_of(None, None) == Cluster(ADDRESSES, task)


@pytest.mark.parametrize(
    ("asked", "task", "names"),
    [
        ("host", 0, ["--cluster=host", "slurm", "HOST:PORT,HOST:PORT"]),
        ("a:1,b", 0, ["b", "host:port"]),
        ("a:1,b:70000", 0, ["b:70000", "65535"]),
        ("a:1,a:1", 0, ["a:1,a:1"]),
        ("a:1,b:1", 2, ["worker 2"]),
        ("a:1,b:1", -1, ["worker -1"]),
        ("a:1,b:1", None, ["--task"]),
        (None, 1, ["--task=1", "--cluster"]),
        ("slurm", None, ["--cluster=slurm", "srun"]),
        ("kubernetes", 0, ["--cluster=kubernetes", "pip install kubernetes"]),
    ],
)
def test_flags_that_name_no_machines(asked, task, names, monkeypatch):
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with refused(*names):
        cluster_of(asked, task)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{", [TF_CONFIG, "JSON"]),
        ("[1]", [TF_CONFIG, "JSON"]),
        ('{"cluster": 3, "task": {"type": "worker", "index": 0}}', [TF_CONFIG]),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', [TF_CONFIG]),
        ('{"cluster": {"worker": ["a:1", 2]}, "task": {"type": "worker", "index": 0}}', [TF_CONFIG]),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": "0"}}', [TF_CONFIG]),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', [TF_CONFIG, "worker 2"]),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}', [TF_CONFIG, "chief 0"]),
        ('{"cluster": {"worker": ["a:1", "b"]}, "task": {"type": "worker", "index": 0}}', [TF_CONFIG, "host:port"]),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}', [TF_CONFIG, "ps"]),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}', [TF_CONFIG, "evaluator"]),
    ],
)
def test_variables_that_name_no_machines(text, names, monkeypatch):
    monkeypatch.setenv(TF_CONFIG, text)
    with refused(*names):
        cluster_of(None, None)


def test_tasks_of_slurm(monkeypatch):
    variables = {"PROCID": 2, "STEP_NUM_TASKS": 3, "STEP_NODELIST": "node[1-2]", "STEP_TASKS_PER_NODE": "2,1"}
    for name, value in variables.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.setenv("SLURM_JOB_ID", "20007")
    assert cluster_of("slurm", None) == Cluster(("node1:10007", "node1:10008", "node2:10007"), 2)


def test_pods_of_kubernetes(monkeypatch):
    """In the order of their numbers, which is not that of their names."""
    pods = [
        SimpleNamespace(
            metadata=SimpleNamespace(name=f"train-{number}-abcde"),
            status=SimpleNamespace(phase="Running", host_ip=f"10.0.0.{number}"),
        )
        for number in range(12)
    ]
    asked = []

    def listed(label_selector):
        asked.append(label_selector)
        return SimpleNamespace(items=pods)

    client = SimpleNamespace(
        CoreV1Api=lambda: SimpleNamespace(list_pod_for_all_namespaces=listed), ApiException=KeyError
    )
    config = SimpleNamespace(load_incluster_config=lambda: None, ConfigException=KeyError)
    monkeypatch.setitem(sys.modules, "kubernetes", SimpleNamespace(client=client, config=config))
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "10")
    monkeypatch.setenv("HOSTNAME", "train-10")
    assert cluster_of("kubernetes", None) == Cluster(tuple(f"10.0.0.{number}:8470" for number in range(12)), 10)
    pods[3].status.phase = "Pending"
    with failed("--cluster=kubernetes", "train-3-abcde"):
        cluster_of("kubernetes", None)
    assert set(asked) == {"job-name=train"}


@pytest.mark.parametrize("asked", [3, 4])
def test_replicas_that_cannot_be(asked):
    """CPU workers have one device each."""
    chosen = tiny.experiment()
    assert not replicas_problems(chosen, 2)
    with refused(f"--replicas={asked}", 2):
        join(chosen.__class__(**(vars(chosen) | {"replicas": asked})), Cluster(ADDRESSES, 0))


three_runs = Early(lambda folder: ["tests/workers_of_a_test.py", str(folder)])


@pytest.fixture(scope="module")
def runs():
    """train.py by two workers, and by one process with two devices: what each was fed and has in the end."""
    folder = three_runs.wait()
    *workers, alone = (dict(np.load(folder / f"{name}.npz")) for name in ("0", "1", "alone"))
    (run_dir,) = rundir.runs(folder / "results")
    fed = SimpleNamespace(workers=[worker.pop("fed") for worker in workers], alone=alone.pop("fed"))
    return SimpleNamespace(workers=workers, alone=alone, fed=fed, run_dir=run_dir, folder=folder)


@pytest.mark.early(three_runs)
def test_each_worker_is_fed_its_own_pictures(runs):
    alone = runs.fed.alone
    assert alone.shape == (4, 2, 4, 8, 8, 3) and not np.array_equal(alone[:, 0], alone[:, 1])
    for task, own in enumerate(runs.fed.workers):
        assert np.array_equal(own[:, 0], alone[:, task])


@pytest.mark.early(three_runs)
def test_two_workers_have_the_bits_of_two_devices(runs):
    assert len(runs.alone) > 100
    for worker in runs.workers:
        assert tiny.differing(worker, runs.alone) == []


@pytest.mark.early(three_runs)
def test_the_chief_alone_writes(runs):
    names = {path.name for path in runs.run_dir.iterdir()}
    assert {"checkpoints", "finished", "reals.png", "fakes000000.png", "network-snapshot-000000"} <= names
    assert rundir.STOPPED not in names and list(runs.run_dir.parent.iterdir()) == [runs.run_dir]
    assert "training on 2 machines, each with 1 CPU" in (runs.folder / "0.log").read_text()
    assert "tick 1 " in (runs.folder / "0.log").read_text() and "tick" not in (runs.folder / "1.log").read_text()
    assert (runs.run_dir / rundir.LOG).read_text().count("tick 1 ") == 1
