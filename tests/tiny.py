"""The smallest training that has everything: 64 noisy pictures of 16x16, networks 8 channels wide, minibatches of 8.

Its schedule: 64 pictures at 8x8, 64 while 16x16 fades in, then 16x16; a look at it every 32 pictures, a tick every 64.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stylegan_tf.configs import presets
from stylegan_tf.configs.schema import Experiment, OutputConfig, ProganGeneratorConfig, ScheduleConfig
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.writing import Writer

PICTURES, RESOLUTION, LABEL_SIZE, MINIBATCH = 64, 16, 2, 8
WIDTH = {"fmap_base": 64, "fmap_max": 8}
SCHEDULE = ScheduleConfig(
    initial_resolution=8,
    lod_training_kimg=0.064,
    lod_transition_kimg=0.064,
    minibatch_base=MINIBATCH,
    tick_kimg_base=0.064,
    tick_kimg={},
)


def data_set(folder: Path) -> DataSet:
    """Writes the pictures. The mean of picture i is about 2 i + 64, and its label is one-hot i mod 2."""
    noise = np.random.default_rng(0).integers(-40, 41, [PICTURES, RESOLUTION, RESOLUTION, 3])
    pictures = (noise + 64 + 2 * np.arange(PICTURES)[:, None, None, None]).clip(0, 255).astype(np.uint8)
    with Writer(folder, "noise", RESOLUTION, 3) as writer:
        for picture in pictures:
            writer.add(picture)
        writer.set_labels(np.eye(LABEL_SIZE, dtype=np.float32)[np.arange(PICTURES) % LABEL_SIZE])
    return open_data_set(folder)


def unsettle(network) -> None:
    """Gives the noise of a new generator its full strength. Without it the first layer is the same in every pixel, and
    instance norm makes 10000-fold rounding errors of its gradients, which are zero."""
    for variable in network.trainable_variables:
        if "noise" in variable.path:
            variable.assign(np.ones(variable.shape, np.float32))


def numbers(state) -> dict[str, np.ndarray]:
    """A copy of every number that training changes: of the networks, the optimizers and the loss scales."""
    parts = {"G": state.G, "D": state.D, "Gs": state.Gs, "G Adam": state.G_optimizer, "D Adam": state.D_optimizer}
    found = {f"{name} {at}": value.numpy() for name, part in parts.items() for at, value in enumerate(part.variables)}
    return {**found, "G scale": state.G_scale.log2.numpy(), "D scale": state.D_scale.log2.numpy()}


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """The names of those that are not bitwise equal."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name].tobytes() != other[name].tobytes()]


def experiment(config: str = "F", loss: str | None = None, labels: bool = False, total_kimg: float = 0.192, **training):
    """A preset made tiny, with its own loss where none is named; `training` are fields of TrainingConfig.

    Presets that are for one hardware row alone lose its shares, which are more than these minibatches can give.
    """
    chosen = presets.experiment(config, None, loss, data_resolution=RESOLUTION)
    training = {"num_gpus": 1, "total_kimg": total_kimg, "ema_half_life_kimg": 0.1, **training}
    chosen: Experiment = replace(
        chosen,
        G=_narrow(chosen.G),
        D=replace(chosen.D, **WIDTH),
        schedule=SCHEDULE,
        training=replace(chosen.training, **training),
        output=OutputConfig(grid="2x2"),
    )
    if not labels:
        return chosen
    return presets.with_labels(replace(chosen, data=replace(chosen.data, max_label_size=None)), LABEL_SIZE)


def _narrow(G):
    G = replace(G, z_dim=8, **WIDTH)
    if isinstance(G, ProganGeneratorConfig):
        return G
    return replace(G, w_dim=8, mapping_fmaps=8, mapping_layers=min(G.mapping_layers, 2))
