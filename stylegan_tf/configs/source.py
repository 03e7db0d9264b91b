"""An experiment and the pictures it is to train on: whether they fit."""

from dataclasses import dataclass

from stylegan_tf.configs.check import check_enough_pictures, validate
from stylegan_tf.configs.presets import with_labels
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.errors import UserError


@dataclass(frozen=True)
class Pictures:
    """What a data set has to offer."""

    name: str  # for messages
    lowest: int  # smallest resolution that is there
    highest: int  # the data set's own
    num_images: int | None = None  # None: not known; of the built-in faces, as many as data.num_faces says
    label_columns: int = 0  # 0: no labels


# They are drawn at the resolution that is asked for, and reduced to all smaller ones.
FACES = Pictures("the built-in faces", lowest=16, highest=1024)


def fitted(experiment: Experiment, pictures: Pictures) -> Experiment:
    """`experiment` for these pictures: checked, with networks for as many labels as data.max_label_size asks for.

    Raises UserError where it cannot be trained on them.
    """
    columns, asked = pictures.label_columns, experiment.data.max_label_size
    wanted = columns if asked is None else asked
    if wanted > columns:
        raise UserError(f"data.max_label_size={wanted}: {pictures.name}: there are {columns} columns of labels")
    chosen = validate(with_labels(experiment, wanted) if wanted > 0 else experiment)
    _check_resolutions(chosen, pictures)
    num_images = chosen.data.num_faces if pictures == FACES else pictures.num_images
    if num_images is not None:
        check_enough_pictures(chosen, num_images)
    return chosen


def _check_resolutions(experiment: Experiment, pictures: Pictures) -> None:
    side = experiment.data.resolution
    if side > pictures.highest:
        raise UserError(f"--resolution={side} is too much for {pictures.name}: {pictures.highest} at most")
    first = side if pictures == FACES else experiment.schedule.initial_resolution
    if first < pictures.lowest:
        raise UserError(f"{first}x{first} is too small for {pictures.name}: {pictures.lowest} at least")
