"""Replicas of the networks on several GPUs, or on several virtual CPUs. The only file that says tf.distribute."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from stylegan_tf.errors import UserError


class Replicas:
    """The devices that share every minibatch: `count` of them, or every visible GPU, or one CPU.

    count: 0 for all GPUs (one CPU where there is none). More than the GPUs that are there, or any number above one
    without a GPU, is a UserError in the first case and that many virtual CPUs in the second.
    """

    def __init__(self, count: int = 0):
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
            self.strategy = tf.distribute.MirroredStrategy(self.devices, across)

    def scope(self):
        """Context in which variables are made once per replica."""
        return self.strategy.scope()

    def number(self):
        """Which replica the code runs on: 0, or inside `run` with several replicas a scalar tensor."""
        return tf.distribute.get_replica_context().replica_id_in_sync_group if self.count > 1 else 0

    def run(self, function: Callable, *arguments):
        """Calls the function on every replica; returns its results, one per replica behind one handle."""
        return self.strategy.run(function, args=arguments)

    def all_reduce(self, values):
        """Sum over replicas of a structure of tensors that `run` returned."""
        reduce = tf.distribute.ReduceOp.SUM
        return tf.nest.map_structure(lambda value: self.strategy.reduce(reduce, value, axis=None), values)

    def assign(self, variables: Sequence, function: Callable, *others: Sequence) -> None:
        """variable <- function(variable, other, ...) for each, on every replica's own copy, without communication."""
        for variable, *arguments in zip(variables, *others, strict=True):

            def update(own, *values):
                own.assign(function(own, *values))

            values = tuple(getattr(argument, "value", argument) for argument in arguments)
            self.strategy.extended.update(variable.value, update, args=values)

    def distribute(self, dataset: tf.data.Dataset):
        """Iterator over one element per replica, taken from a data set that yields replica 0's, 1's, ... in turn."""
        if self.count == 1:
            return iter(dataset)
        return iter(self.strategy.distribute_datasets_from_function(lambda context: dataset))


def peak_gpu_gb() -> float:
    """The most memory that any GPU ever had in use, in GB of 2**30 bytes; 0 without one."""
    gpus = tf.config.list_physical_devices("GPU")
    peaks = [tf.config.experimental.get_memory_info(f"GPU:{n}")["peak"] for n in range(len(gpus))]
    return max(peaks, default=0) / 2**30


def _split_cpu(count: int) -> None:
    """Makes `count` virtual CPUs, unless there are enough. Only possible before TensorFlow has started."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    there = tf.config.get_logical_device_configuration(cpu) or [None]
    if len(there) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise UserError(f"{count} virtual CPUs must be made before TensorFlow starts, it has {len(there)}") from None
