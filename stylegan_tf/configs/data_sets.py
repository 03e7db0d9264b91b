"""The data sets of the paper by name: where they are expected, and how the official scripts train on them."""

import difflib
import os
from dataclasses import dataclass

from stylegan_tf.errors import UserError


@dataclass(frozen=True)
class NamedDataSet:
    """What --dataset=NAME stands for."""

    folder: str  # in --data_dir
    resolution: int  # that is trained
    mirror: bool
    highest: int  # resolution of the records
    fid: str  # the paper's, of config F trained to this resolution; "": not published
    what: str


DATA_SETS = {
    "ffhq": NamedDataSet("ffhq", 1024, True, 1024, "4.40", "Flickr-Faces-HQ"),
    "ffhq512": NamedDataSet("ffhq", 512, True, 1024, "", "the records of ffhq"),
    "ffhq256": NamedDataSet("ffhq", 256, True, 1024, "", "the records of ffhq"),
    "celebahq": NamedDataSet("celebahq", 1024, True, 1024, "5.17", "CelebA-HQ, with --loss=wgan_gp"),
    "lsun-bedroom-full": NamedDataSet("lsun-bedroom-full", 256, False, 256, "2.65", "LSUN bedrooms, after 70000 kimg"),
    "lsun-car-512x384": NamedDataSet("lsun-car-512x384", 512, False, 512, "3.27", "LSUN cars, after 46000 kimg"),
    "lsun-cat-full": NamedDataSet("lsun-cat-full", 256, False, 256, "8.53", "LSUN cats, after 70000 kimg"),
}
LOWEST = 4  # resolution of the records


def named(asked: str) -> NamedDataSet | None:
    """The data set that is called `asked`; None where it is a path, as a folder of that name is.

    Raises UserError for what is neither but looks like a name misspelt.
    """
    if os.path.exists(asked):
        return None
    near = difflib.get_close_matches(asked.lower(), DATA_SETS, n=1, cutoff=0.8)
    if asked not in DATA_SETS and near:
        raise UserError(f"--dataset={asked}: there is no such folder; did you mean {near[0]}?")
    return DATA_SETS.get(asked)


def missing(asked: str, directory: str) -> UserError:
    """The UserError where the records of a named data set are not there: says how to get them."""
    return UserError(
        f"--dataset={asked}: its records are expected in {directory}, which does not exist; put the original TFRecords "
        f"there, make it with `python dataset_tool.py create_from_images {directory} PICTURES`, or name the folder "
        f"above it with --data_dir"
    )
