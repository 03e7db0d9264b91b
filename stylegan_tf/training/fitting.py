"""Steps that fit into the memory there is: fewer pictures at once where it runs out."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from stylegan_tf.configs.memory import division, estimated, shown
from stylegan_tf.configs.schedule import Phase
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.errors import Failure
from stylegan_tf.training.state import State
from stylegan_tf.training.step import Steps

# What a control group (a container) may take and has taken, in the second and the first version of them.
GROUPS = (
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
SHARE = 0.8  # of the memory that is free, which --batch_gpu=auto takes on a CPU


class FittingSteps:
    """Steps of one stage, called as they are. A step for which a device has too little memory is done again with half
    as many pictures at once, which stays so at this stage; nothing had been assigned by then (step.Steps).

    make: at_once -> Steps. found: resolution -> pictures at once, for checkpoints; what is found is put there.
    say: Takes lines for the log. alone: Whether no other machine takes part, which would wait for this one meanwhile.
    """

    def __init__(
        self, make: Callable[[int | None], Steps], at_once: int | None, found: dict, say: Callable, alone=True
    ):
        self.make, self.found, self.say, self.alone = make, found, say, alone
        self.steps = make(at_once)
        self.stage, self.minibatch, self.group = self.steps.stage, self.steps.minibatch, self.steps.group

    def d_step(self, *arguments):
        return self._done(lambda: self.steps.d_step(*arguments))

    def r1_step(self, *arguments):
        return self._done(lambda: self.steps.r1_step(*arguments))

    def g_step(self, *arguments):
        return self._done(lambda: self.steps.g_step(*arguments))

    def _done(self, step: Callable):
        while True:
            try:
                return step()
            except tf.errors.ResourceExhaustedError:
                at_once, side = self.steps.division.at_once, 2**self.stage
            if at_once == 1:
                raise Failure(
                    f"there is too little memory for a single picture at {side}x{side}: take a smaller --resolution, "
                    "narrower networks (--set=G.fmap_base=4096 --set=D.fmap_base=4096) or --precision=mixed_bfloat16"
                )
            if not self.alone:
                raise Failure(
                    f"memory ran out at {side}x{side} with {at_once} pictures at once, which several machines cannot "
                    f"change within a step: start all of them again with --batch_gpu={at_once // 2}"
                )
            self.steps = self.make(at_once // 2)
            self.found[str(side)] = fewer = self.steps.division.at_once
            self.say(
                f"memory ran out at {side}x{side} with {at_once} pictures at once: {fewer} from here on, and this step "
                f"again (--batch_gpu={fewer})"
            )


def fitting_steps(
    make: Callable[[int | None], Steps], state: State, experiment: Experiment, phase: Phase, found: dict, say: Callable
) -> FittingSteps:
    """The steps of a stage that begins, or goes on after a resume.

    A number in training.batch_gpu is taken as it is; otherwise what was found before, and where nothing was, all
    pictures: a GPU says when that is too much. Of a CPU's memory the system gives more than there is, and ends the
    process that uses it: there "auto" goes by the estimate.
    """
    replicas, side, minibatch = state.replicas, str(phase.resolution), phase.minibatch
    asked = experiment.training.batch_gpu
    at_once = None if asked.isdecimal() else found.get(side)
    if asked == "auto" and at_once is None and replicas.on_cpu:
        free = free_memory()
        sizes = _sizes(experiment, minibatch, replicas.count)
        needed = {
            size: replicas.count * estimated(experiment, phase.stage, minibatch, replicas.count, size).step
            for size in sizes
        }
        at_once = next((size for size in sizes if needed[size] <= SHARE * free), sizes[-1])
        found[side] = at_once
        if at_once != sizes[0]:
            say(
                f"batch_gpu at {side}x{side}: {at_once} of {sizes[0]} pictures at once, which take about "
                f"{shown(needed[at_once])} of the {shown(free)} that are free"
            )
    return FittingSteps(make, at_once, found, say, replicas.workers.is_alone)


def _sizes(experiment: Experiment, minibatch: int, replicas: int) -> list[int]:
    """The numbers of pictures that a device can compute at once, all of them first."""
    found = [division(experiment, minibatch, replicas, minibatch).at_once]
    while found[-1] > 1:
        found.append(division(experiment, minibatch, replicas, found[-1] - 1).at_once)
    return found


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that this process may still take: of the machine, and of its control group."""
    lines = (root / "proc/meminfo").read_text().splitlines()
    free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    for most, taken in GROUPS:
        if (root / most).is_file() and (limit := (root / most).read_text().strip()) != "max":
            free = min(free, int(limit) - int((root / taken).read_text()))
    return free
