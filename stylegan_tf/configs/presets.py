"""A preset of the paper's tables (configs/tables.py) on a hardware row, with a loss, for a data set."""

from dataclasses import replace

from stylegan_tf.configs.json_form import no_such
from stylegan_tf.configs.rows import CPU_RESOLUTION, GPUS, HARDWARE, on_cpu, on_gpus
from stylegan_tf.configs.schema import DataConfig, Experiment, GeneratorConfig
from stylegan_tf.configs.tables import LOSSES, TABLES, WGAN_GP_MOST_LRATE, A, B, C, D, E, F, Preset
from stylegan_tf.errors import UserError

# Names of other files that are meant to be found here too.
__all__ = [
    "CONFIGS",
    "GPUS",
    "HARDWARE",
    "LOSSES",
    "PRESETS",
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "auto_hardware",
    "description",
    "experiment",
    "preset",
    "with_labels",
]

PRESETS = {preset.experiment.config: preset for table in TABLES for preset in table.presets}
CONFIGS = {config: preset.experiment for config, preset in PRESETS.items()}

# The built-in faces have any resolution; this one is trained on GPUs where nobody asks for another.
FACES_RESOLUTION = 256


def preset(config: str) -> Preset:
    """The preset of that name. Raises UserError that says the nearest one."""
    if config not in PRESETS:
        raise no_such("config", config, PRESETS)
    return PRESETS[config]


def auto_hardware(config: str, machine: str) -> str:
    """The row of a preset on a machine whose own row is `machine`: a preset's GPUs are counted in its minibatches, and
    need not be there. Raises UserError for a name that does not exist."""
    return machine if machine == "cpu" else preset(config).hardware or machine


def experiment(
    config: str = "F",
    hardware: str | None = None,
    loss: str | None = None,
    directory: str = "",
    data_resolution: int | None = None,
    num_channels: int = 3,
    resolution: int | None = None,
    mirror: bool = False,
) -> Experiment:
    """A preset on a hardware row, with a loss, for a data set.

    `hardware` None: the preset's own row, or 1gpu. `loss` None: the preset's own. `directory`, `data_resolution` and
    `num_channels` describe the data set ("": the built-in faces, any resolution), `mirror` what is done with it.
    `resolution` is the one to train; None: the data set's own, or what the hardware row can do in minutes (cpu). As in
    the official code it changes the networks alone: the schedule ends as soon as their resolution is reached.
    Raises UserError for a name that does not exist, and for a row that the preset is not for.
    """
    chosen = preset(config)
    if hardware is None:
        hardware = chosen.hardware or "1gpu"
    if hardware not in HARDWARE:
        raise no_such("hardware row", hardware, HARDWARE)
    if chosen.hardware not in (None, hardware) and hardware != "cpu":
        raise UserError(
            f"config {config} is made for the hardware row {chosen.hardware}, not {hardware}: leave --hardware out, "
            "name cpu (scaled down), or train config A, which is for every row"
        )
    if resolution is None:
        resolution = _default_resolution(hardware, data_resolution)
    start = _with_loss(chosen.experiment, loss)
    start = replace(
        start,
        data=DataConfig(directory=directory, resolution=resolution, mirror=mirror),
        G=replace(start.G, resolution=resolution, num_channels=num_channels),
        D=replace(start.D, resolution=resolution, num_channels=num_channels),
    )
    return on_cpu(start) if hardware == "cpu" else on_gpus(start, hardware, chosen.row or GPUS[hardware])


def with_labels(experiment: Experiment, label_size: int) -> Experiment:
    """`experiment` for one-hot labels of that length. Without a mapping network w is z and the embedded label."""
    G = replace(experiment.G, label_size=label_size)
    if isinstance(G, GeneratorConfig) and G.mapping_layers == 0:
        G = replace(G, w_dim=G.z_dim * (2 if label_size else 1))
    return replace(experiment, G=G, D=replace(experiment.D, label_size=label_size))


def description(experiment: Experiment) -> str:
    """What the run is called behind its number: sgan-<data set>-<resolution>-<config>-<hardware>."""
    name = experiment.data.directory.rstrip("/").rsplit("/", 1)[-1] or "faces"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return f"sgan-{safe}-{experiment.data.resolution}-{experiment.config}-{experiment.hardware}"


def _default_resolution(hardware: str, data_resolution: int | None) -> int:
    if hardware == "cpu":
        return min(CPU_RESOLUTION, data_resolution or CPU_RESOLUTION)
    return data_resolution or FACES_RESOLUTION


def _with_loss(experiment: Experiment, loss: str | None) -> Experiment:
    """With the loss of that name. WGAN-GP bears no high learning rates; those of config A come with its row."""
    if loss is None:
        return experiment
    if loss not in LOSSES:
        raise no_such("loss", loss, LOSSES)
    if loss == "wgan_gp":
        rates = {at: min(rate, WGAN_GP_MOST_LRATE) for at, rate in experiment.schedule.G_lrate.items()}
        experiment = replace(experiment, schedule=replace(experiment.schedule, G_lrate=rates, D_lrate=rates))
    return replace(experiment, loss=LOSSES[loss])
