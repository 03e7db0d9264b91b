"""The real pictures of an experiment."""

import os
from pathlib import Path
from typing import Any

from stylegan_tf import files
from stylegan_tf.configs.presets import CPU_NUM_FACES
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data.faces.create import create_faces
from stylegan_tf.data.layout import DataSet, labels_path, open_data_set

FACES_DIR = "datasets"  # where the built-in faces are drawn, once per resolution and number


def data_set_of(experiment: Experiment) -> DataSet:
    """The data set that an experiment trains on; the built-in faces are drawn where they are not there yet."""
    if experiment.data.directory:
        return open_data_set(experiment.data.directory)
    return faces_of(experiment.data.resolution, experiment.data.num_faces)


def faces_of(resolution: int, count: int = CPU_NUM_FACES) -> DataSet:
    """The data set of that many built-in faces, drawn where it is not there yet."""
    folder = Path(FACES_DIR) / f"faces-{resolution}-{count}"
    if not folder.is_dir():
        create_faces(folder, resolution, count, 0, os.cpu_count() or 1)
    return open_data_set(folder)


def identity(data_set: DataSet) -> dict[str, Any]:
    """What makes a data set the one that a run began with, wherever it lies: name, counts, the bytes of each record
    file, and the digest of the labels. Pictures changed in place, at the same sizes, are not noticed.
    """
    labels = labels_path(data_set.directory, data_set.name)
    return {
        "name": data_set.name,
        "num_images": data_set.num_images,
        "resolution": data_set.resolution,
        "channels": data_set.channels,
        "bytes": {str(2**stage): data_set.path(stage).stat().st_size for stage in data_set.stages},
        "labels": files.sha256(labels) if labels.exists() else None,
    }
