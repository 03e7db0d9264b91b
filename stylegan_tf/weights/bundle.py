"""Packs a finished run into a folder that can be given away: what makes pictures, what training can start from.

Gs.keras as it is; D.keras with its weights in float16, which is half the size and enough to start from; config.json of
the run; and, where linear separability has found them, directions-Gs.npz for edits.
"""

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np

from stylegan_tf import files, rundir
from stylegan_tf.errors import UserError
from stylegan_tf.weights import keras_header
from stylegan_tf.weights.load import network_files

GENERATOR, DISCRIMINATOR, DIRECTIONS = "Gs.keras", "D.keras", "directions-Gs.npz"


def pack(what: str, out: str) -> list[str]:
    """Packs the snapshot that `what` means (a run: its newest) into the new folder `out`; returns its files' names.

    Raises UserError where there is no Gs, or where `out` is there and not empty.
    """
    found = {path.name: path for path in network_files(what)}
    if GENERATOR not in found:
        raise UserError(f"{what} has no {GENERATOR} to pack: name a run or a snapshot of it")
    snapshot = found[GENERATOR].absolute().parent
    with files.atomic_folder(out) as folder:
        shutil.copyfile(found[GENERATOR], folder / GENERATOR)
        if DISCRIMINATOR in found:
            halve(found[DISCRIMINATOR], folder / DISCRIMINATOR)
        if (snapshot / rundir.CONFIG).is_file():
            shutil.copyfile(snapshot / rundir.CONFIG, folder / rundir.CONFIG)
        for place in (snapshot.parent, snapshot):
            if (place / f"directions-{snapshot.name}.npz").is_file():
                shutil.copyfile(place / f"directions-{snapshot.name}.npz", folder / DIRECTIONS)
        return sorted(path.name for path in folder.iterdir())


def halve(source: Path, target: Path) -> None:
    """Writes the network of one .keras file to another, with its weights in float16.

    Raises UserError that names the file where it is no network of ours, or has weights that float16 cannot hold.
    """
    import h5py

    with keras_header.refusing(source), keras_header.opened(source) as (_, _, arrays):
        with np.errstate(over="ignore", invalid="ignore"):
            halved = {path: np.asarray(array).astype(np.float16) for path, array in arrays.items()}
        if not all(np.isfinite(array).all() for array in halved.values()):
            raise UserError("it has weights that float16 cannot hold")
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            for path, array in halved.items():
                file.create_dataset(path, data=array)
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
            for name in (keras_header.METADATA, keras_header.CONFIG):
                new.writestr(name, old.read(name))
            new.writestr(keras_header.WEIGHTS, buffer.getvalue())
