"""An experiment that starts from the weights of another network: its architecture, and where growing begins."""

from dataclasses import fields, replace
from typing import Any, NamedTuple

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    Experiment,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.errors import UserError

# Arguments that follow the pictures or the machine, not the file.
NOT_OF_THE_FILE = {"resolution", "num_channels", "label_size", "fused_scale"}
WIDTHS = ("fmap_base", "fmap_decay", "fmap_max", "use_wscale")


class Start(NamedTuple):
    """What is known of a network that training is to start from, without building it."""

    name: str  # as the user gave it
    G: GeneratorConfig | ProganGeneratorConfig | None
    D: DiscriminatorConfig | ProganDiscriminatorConfig | None
    resolution: int  # that it had been trained to


def started_from(experiment: Experiment, start: Start) -> Experiment:
    """`experiment` with the networks of `start`, as far as the pictures allow, growing from the resolution it reached.

    Without a discriminator in the file, a new one is as wide as the generator. Raises UserError where the file holds no
    generator, or one of another kind than the configuration trains.
    """
    if start.G is None:
        raise UserError(f"--init_from={start.name} holds no generator to start from")
    if type(start.G) is not type(experiment.G):
        kinds = {GeneratorConfig: "a style-based generator", ProganGeneratorConfig: "a Progressive GAN (config A)"}
        raise UserError(
            f"--init_from={start.name} holds {kinds[type(start.G)]}, and config {experiment.config} trains "
            f"{kinds[type(experiment.G)]}; choose another --config"
        )
    D: Any = start.D if type(start.D) is type(experiment.D) else None
    if D is None:
        D = replace(experiment.D, **{name: getattr(start.G, name) for name in WIDTHS})
    first = min(start.resolution, experiment.data.resolution)
    return replace(
        experiment,
        G=_with_our_own(start.G, experiment.G),
        D=_with_our_own(D, experiment.D),
        schedule=replace(experiment.schedule, initial_resolution=first),
        training=replace(experiment.training, init_from=start.name),
    )


def changes(experiment: Experiment, start: Start) -> list[str]:
    """Lines that say what `started_from` changes in the networks: G.fmap_max=64, as in FILE (config F: 512)."""
    changed = started_from(experiment, start)
    return [
        f"{role}.{part.name}={getattr(theirs, part.name)}, as in {start.name} (config {experiment.config}: "
        f"{getattr(ours, part.name)})"
        for role, ours, theirs in (("G", experiment.G, changed.G), ("D", experiment.D, changed.D))
        for part in fields(theirs)
        if getattr(ours, part.name) != getattr(theirs, part.name)
    ]


def _with_our_own(theirs: Any, ours: Any) -> Any:
    return replace(theirs, **{name: getattr(ours, name) for name in NOT_OF_THE_FILE})
