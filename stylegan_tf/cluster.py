"""Training on several machines: which ones, and what their processes say to each other.

A worker is one process with devices of its own, most often one for each machine. All of them compute the same steps and
hold the same numbers. The first one, the chief, decides and writes; the others do as it says. They meet in
collectives, all in the same order; TensorFlow's coordination service sees who stops answering, and breaks them off.
"""

import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from stylegan_tf.errors import Failure, UserError, brief, exit_code

T = TypeVar("T")

SLURM, KUBERNETES = "slurm", "kubernetes"
TF_CONFIG = "TF_CONFIG"
PORT = 8470  # of every worker on Kubernetes
TASK_VARIABLES = ("JOB_COMPLETION_INDEX", "SLURM_PROCID")  # of Kubernetes' Indexed Jobs, and of srun
ADDRESS = re.compile(r"([\w.-]+|\[[\da-fA-F:.%\w]+\]):(\d{1,5})")
JOBS = ("chief", "worker")  # of TF_CONFIG, in the order in which their tasks are numbered
GROUP = 1_000_003  # key of the collectives here; those of a strategy count from 1
SEEN_SECONDS = 20.0  # until a shared disk shows what another machine has written
WORD_SECONDS = 2.0  # until it shows that another worker was told to stop
PART_SECONDS = 1.0
LEFT = "the same command on all machines continues from the last checkpoint"


@dataclass(frozen=True)
class Cluster:
    """host:port of every worker, and which of them this process is. The first is the chief."""

    addresses: tuple[str, ...]
    task: int

    def __post_init__(self):
        if wrong := [one for one in self.addresses if not _is_address(one)]:
            raise UserError(f"{brief(wrong[0])} is no address of a worker: write host:port, with ports up to 65535")
        if len(set(self.addresses)) < len(self.addresses):
            raise UserError(f"the workers {brief(','.join(self.addresses))} must all have addresses of their own")
        if not 0 <= self.task < len(self.addresses):
            raise UserError(f"there is no worker {self.task}: {len(self.addresses)} workers are numbered from 0")


def cluster_of(asked: str | None, task: int | None) -> Cluster | None:
    """The machines that --cluster and --task name, or else TF_CONFIG; None for this one alone.

    asked: slurm, kubernetes, or addresses with commas. Raises UserError for what is neither.
    """
    if asked is None and task is not None:
        raise UserError(f"--task={task} says which worker of --cluster this is: add --cluster=HOST:PORT,HOST:PORT")
    if asked is None:
        found = _of_tf_config(os.environ.get(TF_CONFIG, ""))
    elif asked == SLURM:
        found = _of_slurm(task)
    elif asked == KUBERNETES:
        found = _of_kubernetes(_task(task))
    else:
        addresses = tuple(address.strip() for address in asked.split(","))
        if not any(map(_is_address, addresses)):
            raise UserError(f"--cluster={brief(asked)}: expected slurm, kubernetes or HOST:PORT,HOST:PORT,...")
        found = Cluster(addresses, _task(task))
    return found if found is not None and len(found.addresses) > 1 else None


def _is_address(text: str) -> bool:
    found = ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found[2]) < 2**16


def _task(task: int | None) -> int:
    """--task, or what the scheduler calls it."""
    if task is not None:
        return task
    numbers = [os.environ[name] for name in TASK_VARIABLES if os.environ.get(name, "").isdecimal()]
    if not numbers:
        raise UserError("--task is missing: the number of this worker in --cluster, from 0")
    return int(numbers[0])


def _of_tf_config(text: str) -> Cluster | None:
    """What TF_CONFIG says: {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}."""
    if not text.strip():
        return None
    try:
        config = json.loads(text)
        jobs = config.get("cluster") or {}
        tasks = {job: tuple(jobs[job]) for job in jobs}
        if not tasks:
            return None
        kind, index = config["task"]["type"], config["task"]["index"]
        others = sorted({*tasks, kind} - {*JOBS})
        texts = [address for addresses in tasks.values() for address in addresses]
        if not others and (type(index) is not int or not all(type(text) is str for text in texts)):
            raise TypeError
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{TF_CONFIG} must be JSON such as "
            '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}, '
            f"not {brief(text, 60)}"
        ) from None
    if others:
        raise UserError(f"{TF_CONFIG} has the job {brief(others[0])}: here are workers alone, and perhaps a chief")
    if kind not in tasks or not 0 <= index < len(tasks[kind]):
        raise UserError(f"{TF_CONFIG}: there is no {kind} {index}: {len(tasks.get(kind, ()))} are numbered from 0")
    before = len(tasks.get(JOBS[0], ())) if kind == JOBS[1] else 0
    try:
        return Cluster(sum((tasks.get(job, ()) for job in JOBS), ()), before + index)
    except UserError as error:
        raise UserError(f"{TF_CONFIG}: {error}") from None


def _of_slurm(task: int | None) -> Cluster:
    """The tasks of a Slurm step: of `srun python train.py --cluster=slurm`. Ports follow from the number of the job."""
    import tensorflow as tf

    job = os.environ.get("SLURM_JOB_ID", "")
    try:
        # GPUs are told apart by Slurm itself (--gpus-per-task), so the resolver is told nothing of them.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=10000 + (int(job) if job.isdecimal() else 0) % 20000,
            gpus_per_node=2**20,
            gpus_per_task=1,
            auto_set_gpu=False,
        )
        addresses = resolver.cluster_spec().as_dict()["worker"]
    except (RuntimeError, LookupError, ValueError, OSError) as error:
        raise UserError(f"--cluster=slurm: {brief(error)}: start it by srun, one task on each machine") from None
    return Cluster(tuple(addresses), resolver.task_id if task is None else task)


def _of_kubernetes(task: int) -> Cluster:
    """The pods of this pod's Indexed Job, by the addresses of their nodes, of which they have the PORT (hostPort)."""
    import tensorflow as tf

    try:
        from kubernetes import client, config
    except ImportError:
        raise UserError(
            "--cluster=kubernetes asks Kubernetes for the pods: pip install kubernetes, or name them with "
            "--cluster=HOST:PORT,HOST:PORT,..."
        ) from None
    job = re.sub(rf"-{task}$", "", os.environ.get("HOSTNAME", ""))
    try:
        config.load_incluster_config()
        resolver = tf.distribute.cluster_resolver.KubernetesClusterResolver(
            {"worker": [f"job-name={job}"]}, tf_server_port=PORT, override_client=client.CoreV1Api()
        )
        by_name = resolver.cluster_spec().as_dict().get("worker", ())
    except (RuntimeError, OSError, config.ConfigException, client.ApiException) as error:
        raise Failure(f"--cluster=kubernetes: the pods of the job {job} are not all known: {brief(error)}") from None
    order = sorted(range(len(by_name)), key=lambda number: f"{job}-{number}-")  # of their names: 0, 1, 10, 2
    return Cluster(tuple(by_name[order.index(number)] for number in range(len(order))), task)


# ----------------------------------------------------------------------------------------------------------------------
# The processes of a cluster


class Workers:
    """This process and those that train with it; a context that ends with the process, where it is not alone.

    Alone, every method gives its own values back at once, and nothing imports TensorFlow.
    """

    def __init__(self, cluster: Cluster | None = None):
        self.addresses = cluster.addresses if cluster else ("",)
        self.number = cluster.task if cluster else 0
        self.count = len(self.addresses)
        self.strategy: Any = None
        self._started = False
        self._calls = 1  # numbers of collectives; 0 and 1 are for `watch`
        self._word: Path | None = None
        self._parting = False
        self._ending = threading.Lock()

    @property
    def is_alone(self) -> bool:
        return self.count == 1

    @property
    def is_chief(self) -> bool:
        """Whether this one decides and writes."""
        return self.number == 0

    def start(self) -> None:
        """Waits for the others and makes the strategy. Comes before every tensor, and after all settings of devices."""
        import tensorflow as tf

        own = self.addresses[self.number]
        print(f"worker {self.number} of {self.count}, {own}: waiting for the others", flush=True)
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(self.addresses)}),
            task_type="worker",
            task_id=self.number,
            num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
            rpc_layer="grpc",
        )
        self._started = True
        try:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
            self.same("the cluster", {"workers": ",".join(self.addresses)})
        except (tf.errors.OpError, RuntimeError) as error:
            kind = UserError if isinstance(error, tf.errors.InternalError) else Failure  # groups of different sizes
            raise kind(
                f"worker {self.number} cannot join the workers {','.join(self.addresses)}: every one needs the same "
                f"list, a number of its own and a free port: {brief(error)}"
            ) from None

    def agree(self, make: Callable[[], str]) -> str:
        """What the chief's `make` returns, for all of them; the others do not call theirs."""
        text = make() if self.is_chief else ""
        if self.is_alone:
            return text
        data = list(text.encode())
        (length,) = self._sum([len(data)])
        return bytes(self._sum(data or [0] * length)).decode() if length else ""

    def any(self, *flags: bool) -> list[bool]:
        """Whether each flag is set on any of them."""
        return list(flags) if self.is_alone else [total > 0 for total in self._sum([int(flag) for flag in flags])]

    def meet(self) -> None:
        """Returns when all of them have come."""
        self.any(False)

    def chief_first(self, work: Callable[[], T]) -> T:
        """The result of `work`, which the others do after the chief, and so may find done."""
        if self.is_chief:
            result = work()
            self.meet()
            return result
        self.meet()
        return work()

    def same(self, what: str, mine: Mapping[str, Any]) -> None:
        """Raises UserError, which names the differences, on a worker whose values are not those of the chief."""
        if self.is_alone:
            return
        text = json.dumps(mine)
        theirs, ours = json.loads(self.agree(lambda: text)), json.loads(text)
        found = [
            f"{name}: {brief(theirs.get(name))} there, {brief(ours.get(name))} here"
            for name in dict.fromkeys([*theirs, *ours])
            if theirs.get(name) != ours.get(name)
        ]
        if found:
            where = f"the chief's, {self.addresses[0]}"
            raise UserError(f"{what} of worker {self.number} is not {where}: {'; '.join(found[:8])}")

    def check_shared(self, folder: Path) -> None:
        """Raises UserError on a worker that does not see what the chief writes into `folder`, which it makes."""
        if self.is_alone:
            return
        file = folder / ".workers"

        def written() -> str:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(token := f"{os.getpid()} {time.time_ns()}", encoding="ascii")
            return token

        token, until = self.agree(written), time.monotonic() + SEEN_SECONDS
        while not (file.is_file() and file.read_text(encoding="ascii") == token):
            if time.monotonic() > until:
                raise UserError(
                    f"--outdir={folder}: worker {self.number} does not see what the chief, {self.addresses[0]}, writes "
                    "there: all workers need the same folder of a shared disk"
                )
            time.sleep(0.1)
        self.meet()
        if self.is_chief:
            file.unlink()

    def watch(self, word: Path) -> None:
        """From now on the process ends when another one is gone, whatever it is at.

        word: a file with the exit code of a worker that was told to stop: then this one stops too, with that code.
        """
        self._word = word
        if not self.is_alone:
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Waits in a collective to which one of them never comes, until TensorFlow breaks it off."""
        import tensorflow as tf

        try:
            self._reduce([0], instance=int(self.is_chief))
        except tf.errors.OpError as error:
            if not self._parting:
                self._end(error)

    def part(self) -> None:
        """The last meetings: all have done what they had to, and whoever goes now is not missed."""
        import tensorflow as tf

        if not self.is_alone:
            self.meet()
            self._parting = True
            with suppress(tf.errors.OpError):  # another one has come and gone
                self.meet()
                time.sleep(PART_SECONDS)  # until the others have what this one sent

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Of several processes this one ends here: TensorFlow would wait for the others."""
        if self._started:
            self._end(error)

    def _end(self, error: BaseException | None) -> NoReturn:
        """Ends the process with the sentence and the exit code for `error`; the first who comes here does."""
        import tensorflow as tf

        with self._ending:
            code, broken_off = 1, (tf.errors.UnavailableError, tf.errors.DeadlineExceededError)
            if isinstance(error, (*broken_off, tf.errors.CancelledError, tf.errors.AbortedError)):
                code = self._say_lost(str(error))
            elif error is None or isinstance(error, (UserError, Failure, OSError, KeyboardInterrupt)):
                code = exit_code(lambda: _raise(error))
            else:
                traceback.print_exception(error)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _say_lost(self, message: str) -> int:
        until = time.monotonic() + WORD_SECONDS
        while self._word is not None and time.monotonic() < until:
            if (code := _code_in(self._word)) is not None:
                print(f"stopped, as another worker was; {LEFT}", file=sys.stderr)
                return code
            time.sleep(0.1)
        others = {*range(self.count)} - {self.number}
        named = [int(number) for number in re.findall(r"/job:worker/(?:replica:0/)?task:(\d+)", message)]
        gone = next((number for number in named if number in others), min(others) if len(others) == 1 else None)
        who = "another worker" if gone is None else f"worker {gone}, {self.addresses[gone]},"
        print(f"error: {who} is gone or cannot be reached: see what it said; {LEFT}", file=sys.stderr)
        return 1

    def _sum(self, numbers: list[int]) -> list[int]:
        self._calls += 1
        return self._reduce(numbers, self._calls)

    def _reduce(self, numbers: list[int], instance: int) -> list[int]:
        """The sums over all workers. On the host, so that nothing waits for GPUs but what needs them."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            total = tf.raw_ops.CollectiveReduceV2(
                input=tf.constant(numbers, tf.int32),
                group_size=self.count,
                group_key=GROUP,
                instance_key=instance,
                ordering_token=[],
                merge_op="Add",
                final_op="Id",
                communication_hint="ring",
            )
        return total.numpy().tolist()


def _code_in(word: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(word.read_text(encoding="ascii"))
    return None


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error
