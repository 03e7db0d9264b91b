"""Devices: which hardware row this machine is, and replicas of the networks on several GPUs or virtual CPUs.

With cluster.py the only file that says tf.distribute. TensorFlow is imported in functions: the hardware row is known
without it.
"""

import copy
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stylegan_tf import environment
from stylegan_tf.cluster import TF_CONFIG, Cluster, Workers
from stylegan_tf.configs import build
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

INSTALL = "pip install tensorflow[and-cuda]"


def full_float32() -> None:
    """Convolutions and products of this process in float32, as on a CPU and in the official code.

    TensorFlow, JAX and PyTorch round their factors to TF32 (10 bits) on NVIDIA GPUs since Ampere, which moves pictures
    by 0.002 of their range. Imports the backend of Keras.
    """
    match environment.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.config.experimental.enable_tensor_float_32_execution(False)
        case "jax":
            import jax

            jax.config.update("jax_default_matmul_precision", "highest")
        case "torch":
            import torch

            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cuda.matmul.allow_tf32 = False


def auto_row(gpus: int | None = None) -> str:
    """The largest row that `gpus` graphics cards can train (None: those of this machine); `cpu` without one."""
    count = visible_gpus() if gpus is None else gpus
    return next((f"{row}gpu" for row in (8, 4, 2, 1) if count >= row), "cpu")


def visible_gpus(root: Path = Path("/")) -> int:
    """NVIDIA cards that the driver shows under `root`, as far as CUDA_VISIBLE_DEVICES lets programs see them."""
    cards = root / "proc/driver/nvidia/gpus"
    count = len(list(cards.iterdir())) if cards.is_dir() else 0
    if not count and (root / "dev").is_dir():
        count = sum(re.fullmatch(r"nvidia\d+", device.name) is not None for device in (root / "dev").iterdir())
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return count
    names = [name.strip() for name in allowed.split(",") if name.strip()]
    # CUDA stops reading the list at the first card that does not exist, and -1 is how people hide all of them.
    return min(count, next((at for at, name in enumerate(names) if name.startswith("-")), len(names)))


def gpus() -> list[str]:
    """Names of the GPUs that TensorFlow sees, such as NVIDIA H100."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return [str(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")) for gpu in found]


def join(experiment: Experiment, cluster: Cluster | None) -> Workers:
    """This process among those of the cluster, for which it waits; alone (None) it does nothing yet.

    Comes before everything else of TensorFlow. Raises UserError where their devices cannot share all minibatches.
    """
    workers = Workers(cluster)
    if workers.is_alone:
        return workers
    environment.hide_errors()
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    here = _devices_of_each(experiment, workers.count, len(found) or 1)
    _set_threads(experiment)
    tf.config.set_visible_devices(found[:here], "GPU")  # a strategy of several machines takes all it sees
    for gpu in found[:here]:
        tf.config.experimental.set_memory_growth(gpu, True)
    workers.start()
    workers.same("the hardware", {"devices": here, "kind": "GPU" if found else "CPU"})
    return workers


def _devices_of_each(experiment: Experiment, workers: int, there: int) -> int:
    """How many of its `there` devices each worker uses: the most that share every minibatch, or as --replicas says."""
    asked = experiment.replicas
    if asked % workers or asked > workers * there:
        raise UserError(
            f"--replicas={asked} counts the devices of all {workers} machines, the same number on each and {there} at "
            "most here: leave it out"
        )
    shared = [here for here in range(there, 0, -1) if not build.replicas_problems(experiment, here * workers)]
    here = asked // workers or next(iter(shared), 1)
    build.refuse(build.replicas_problems(experiment, here * workers))
    return here


def _set_threads(experiment: Experiment) -> None:
    import tensorflow as tf

    threads = experiment.threads or environment.cores()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def start_devices(
    experiment: Experiment, hardware_asked: bool = True, workers: Workers | None = None
) -> tuple["Replicas", list[str]]:
    """Starts TensorFlow as the experiment asks for it. -> (replicas, what the user should know about them).

    workers: those that have been joined; None: this process alone. Raises UserError where they do not fit, and where a
    hardware row for GPUs was not asked for and none is to be seen.
    """
    import tensorflow as tf

    workers = workers or Workers()
    if workers.is_alone:
        _set_threads(experiment)
    tf.config.experimental.enable_tensor_float_32_execution(experiment.training.tf32)
    names, lines, count = gpus(), [], experiment.replicas
    if experiment.hardware != "cpu" and not names:
        what = f"the hardware row {experiment.hardware} is for GPUs, and TensorFlow sees none"
        if not hardware_asked:
            raise UserError(f"{what}, unlike the driver: {INSTALL}, or train a small network with --hardware=cpu")
        lines.append(f"warning: {what}: training on the CPU, slowly; for GPUs: {INSTALL}")
    if not workers.is_alone:
        count = len(workers.strategy.extended.worker_devices) * workers.count
    elif not count:
        count = build.most_replicas(experiment, len(names))
        if count < len(names):
            lines.append(
                f"{count} of {len(names)} GPUs are used, the most that divide every minibatch into whole groups of "
                "the minibatch deviation"
            )
    build.refuse(build.replicas_problems(experiment, count))
    replicas = Replicas(count, workers)
    deterministic = experiment.training.deterministic
    if replicas.on_cpu if deterministic is None else deterministic:
        tf.config.experimental.enable_op_determinism()
    if replicas.on_cpu and replicas.count > workers.count:
        lines.append(f"{replicas.count} replicas on one CPU are slower than one: they are for tests")
    return replicas, lines


def describe(experiment: Experiment, replicas: "Replicas") -> str:
    """What trains, in one line: "training on 1 CPU, 2 threads, oneDNN, float32", or on GPUs by name."""
    training, machines = experiment.training, replicas.workers.count
    on = "training on" if machines == 1 else f"training on {machines} machines, each with"
    here = replicas.count // machines
    if replicas.on_cpu:
        threads = experiment.threads or environment.cores()
        kind = "1 CPU" if here == 1 else f"{here} virtual CPUs"
        fast = ", oneDNN" if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1" else ""
        return f"{on} {kind}, {threads} thread{'s' if threads > 1 else ''}{fast}, {training.precision}"
    there = gpus()
    used = there[:here]
    kinds = ", ".join(f"{used.count(name)} x {name}" for name in dict.fromkeys(used))
    more = f" (of {len(there)} GPUs)" if len(there) > len(used) else ""
    tf32 = " with TF32" if training.tf32 and training.precision == "float32" else ""
    return f"{on} {kinds}{more}, {training.precision}{tf32}"


class Replicas:
    """The devices that share every minibatch: `count` of them, or every visible GPU, or one CPU.

    count: 0 for all GPUs (one CPU where there is none). More than the GPUs that are there, or any number above one
    without a GPU, is a UserError in the first case and that many virtual CPUs in the second.
    workers: the processes whose devices they are, of which each has the same number; None: this one alone. Replicas are
    numbered worker by worker.
    """

    def __init__(self, count: int = 0, workers: Workers | None = None):
        import tensorflow as tf

        self.workers = workers or Workers()
        if not self.workers.is_alone:
            self.count, self.strategy = count, self.workers.strategy
            self.on_cpu = not tf.config.get_visible_devices("GPU")
            kind = "CPU" if self.on_cpu else "GPU"
            self.devices = [f"{kind}:{number}" for number in range(count // self.workers.count)]
            return
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if gpus and count > len(gpus):
            raise UserError(f"--replicas={count}, but {len(gpus)} GPUs are visible: use {len(gpus)} or fewer")
        self.count = count or len(gpus) or 1
        self.on_cpu = not gpus
        kind = "GPU" if gpus else "CPU"
        if not gpus:
            _split_cpu(self.count)
        self.devices = [f"{kind}:{number}" for number in range(self.count)]
        self.strategy = tf.distribute.get_strategy()
        if self.count > 1:
            across = None if gpus else tf.distribute.ReductionToOneDevice()
            self.strategy = _mirrored(self.devices, across)

    def scope(self):
        """Context in which variables are made once per replica."""
        return self.strategy.scope()

    def number(self):
        """Which replica the code runs on: 0, or inside `run` with several replicas a scalar tensor."""
        import tensorflow as tf

        return tf.distribute.get_replica_context().replica_id_in_sync_group if self.count > 1 else 0

    def run(self, function: Callable, *arguments):
        """Calls the function on every replica; returns its results, one per replica behind one handle."""
        return self.strategy.run(function, args=arguments)

    def all_reduce(self, values):
        """Sum over replicas of a structure of tensors that `run` returned."""
        import tensorflow as tf

        reduce = tf.distribute.ReduceOp.SUM
        return tf.nest.map_structure(lambda value: self.strategy.reduce(reduce, value, axis=None), values)

    def assign(self, variables: Sequence, function: Callable, *others: Sequence) -> None:
        """variable <- function(variable, other, ...) for each, on every replica's own copy, without communication."""
        for variable, *arguments in zip(variables, *others, strict=True):

            def update(own, *values):
                own.assign(function(own, *values))

            values = tuple(getattr(argument, "value", argument) for argument in arguments)
            self.strategy.extended.update(variable.value, update, args=values)

    def distribute(self, elements: Callable[["tf.data.Dataset"], "tf.data.Dataset"]):
        """Iterator over one element per replica. elements: derives a data set, an element a turn, from one that counts
        turns.

        The turns 0, 1, ... are those of the replicas 0, 1, ..., again and again; each worker makes those of its own.
        """
        import tensorflow as tf

        options = tf.data.Options()
        # Nothing is left to be tuned, and whoever gives an iterator up, be it the garbage collection in the middle of a
        # step, waits for the thread that tunes, which may sleep for a minute.
        options.autotune.enabled = False
        turns = tf.data.Dataset.counter().with_options(options)
        if self.count == 1:
            return iter(elements(turns))
        if not self.workers.is_alone:
            here = len(self.devices)
            first = self.workers.number * here
            turns = turns.map(lambda turn: turn // here * self.count + first + turn % here)
        # The context's input_pipeline_id is the worker's number, and is not looked at: the turns are its own already.
        return iter(self.strategy.distribute_datasets_from_function(lambda context: elements(turns)))

    def of_this_worker(self) -> "Replicas":
        """The devices of this process alone, for work that the others have no part in."""
        import tensorflow as tf

        if self.workers.is_alone:
            return self
        own = copy.copy(self)
        own.workers, own.count = Workers(), len(self.devices)
        own.strategy = _mirrored(own.devices) if own.count > 1 else tf.distribute.get_strategy()
        return own


def peak_gpu_gb() -> float:
    """The most memory that any GPU ever had in use, in GB of 2**30 bytes; 0 without one."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    peaks = [tf.config.experimental.get_memory_info(f"GPU:{n}")["peak"] for n in range(len(gpus))]
    return max(peaks, default=0) / 2**30


def _mirrored(devices: list[str], across=None):
    """A strategy for devices of this process. It would read TF_CONFIG to say that it ignores it, and trip over it."""
    import tensorflow as tf

    held = os.environ.pop(TF_CONFIG, None)
    try:
        return tf.distribute.MirroredStrategy(devices, across)
    finally:
        if held is not None:
            os.environ[TF_CONFIG] = held


def _split_cpu(count: int) -> None:
    """Makes `count` virtual CPUs, unless there are enough. Only possible before TensorFlow has started."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    there = tf.config.get_logical_device_configuration(cpu) or [None]
    if len(there) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise UserError(f"{count} virtual CPUs must be made before TensorFlow starts, it has {len(there)}") from None
