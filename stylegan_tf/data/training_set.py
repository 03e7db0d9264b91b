"""The real pictures of an experiment."""

from pathlib import Path

from stylegan_tf.configs.presets import CPU_NUM_FACES
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.environment import cores

FACES_DIR = "datasets"  # where the built-in faces are drawn, once per resolution and number


def data_set_of(experiment: Experiment, enough: int | None = None) -> DataSet:
    """The data set that an experiment trains on; the built-in faces are drawn where they are not there yet.

    enough: see faces_of.
    """
    if experiment.data.directory:
        return open_data_set(experiment.data.directory)
    return faces_of(experiment.data.resolution, experiment.data.num_faces, enough)


def faces_of(resolution: int, count: int = CPU_NUM_FACES, enough: int | None = None) -> DataSet:
    """The data set of that many built-in faces, drawn where it is not there yet.

    enough: where it is to be drawn, the first so many of them are all that is needed.
    """
    folder = Path(FACES_DIR) / f"faces-{resolution}-{count}"
    if not folder.is_dir() and enough is not None and enough < count:
        return faces_of(resolution, enough)
    if not folder.is_dir():
        create_faces(folder, resolution, count, 0, cores())
    return open_data_set(folder)
