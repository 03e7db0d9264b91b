"""What a run shows and keeps: grids of pictures, and the networks as .keras files."""

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from stylegan_tf import draws, files, pictures, rundir
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.configs.text import to_json
from stylegan_tf.data.layout import DataSet
from stylegan_tf.data.reading import read_pictures
from stylegan_tf.errors import Failure
from stylegan_tf.training.state import State

BATCH_PIXELS = 2**21  # pixels of pictures that are generated at once


class Grid:
    """The same latents, and where there are labels the same ones, in every grid of fakes of a run.

    Each fake has the label of the real picture in its cell (official layout 'random').
    """

    def __init__(self, experiment: Experiment, data_set: DataSet):
        self.experiment = experiment
        self.columns, self.rows = grid_size(experiment.output.grid, experiment.data.resolution)
        count = self.columns * self.rows
        seed = experiment.training.seed
        self.z = draws.normal(seed, "grid z", 0, draws.Rows(count), (experiment.G.z_dim,))
        self.numbers = np.random.default_rng([seed, 0]).integers(data_set.num_images, size=count)
        self.labels = None
        if experiment.G.label_size and data_set.labels is not None:
            self.labels = tf.constant(data_set.labels[self.numbers, : experiment.G.label_size])
        self._kept: tuple = (None, 0, None)  # (Gs, stage, Gs as graphs) of the last fakes

    def reals(self, data_set: DataSet) -> np.ndarray:
        """Real pictures of the final resolution, uint8 [H, W, C]."""
        stage = stage_of(self.experiment.data.resolution)
        starts, lengths = data_set.index(stage)
        with open(data_set.path(stage), "rb", buffering=0) as file:
            chw = read_pictures(file, starts[self.numbers], lengths[self.numbers])
        return pictures.grid(chw.transpose(0, 2, 3, 1), self.columns, self.rows)

    def fakes(self, Gs, stage: int, fade: float) -> np.ndarray:
        """Pictures of Gs without truncation, with the stored noise, at the final resolution. uint8 [H, W, C]."""
        side, draw = 2**stage, self._graphs(Gs, stage)
        batch = max(1, BATCH_PIXELS // side**2)
        parts = []
        for start in range(0, len(self.z), batch):
            labels = None if self.labels is None else self.labels[start : start + batch]
            images = draw(self.z[start : start + batch], labels=labels, psi=None, stage=stage, fade=fade).numpy()
            parts.append(np.clip(np.rint(images * 127.5 + 127.5), 0, 255).astype(np.uint8))
        factor = self.experiment.data.resolution // side
        images = np.concatenate(parts).repeat(factor, axis=1).repeat(factor, axis=2)
        return pictures.grid(images, self.columns, self.rows)

    def _graphs(self, Gs, stage: int):
        """Gs as graphs, which serve all grids of a stage; those of the stage before are let go."""
        if self._kept[0] is not Gs or self._kept[1] != stage:
            self._kept = (Gs, stage, Gs.as_graphs())
        return self._kept[2]


def grid_size(layout: str, resolution: int) -> tuple[int, int]:
    """(columns, rows) of a layout: 1080p, 4k or WxH."""
    if "x" in layout:
        columns, rows = layout.split("x")
        return int(columns), int(rows)
    return pictures.grid_size(layout, resolution)


def save_networks(run_dir: Path, state: State, experiment: Experiment, nimg: int) -> Path:
    """Writes network-snapshot-<kimg>/{G,D,Gs}.keras with the config and what the data set was. Returns the folder.

    One that is there is replaced: it is of an earlier picture of the same thousand, or of a start that was killed.
    """
    target = rundir.snapshot_dir(run_dir, nimg)
    shutil.rmtree(target, ignore_errors=True)
    try:
        with files.atomic_folder(target) as folder:
            for name in ("G", "D", "Gs"):
                getattr(state, name).save(folder / f"{name}.keras")
            files.write_json(folder / rundir.CONFIG, to_json(experiment))
            if (run_dir / rundir.DATA_SET).is_file():  # the names of the classes
                shutil.copyfile(run_dir / rundir.DATA_SET, folder / rundir.DATA_SET)
    except (OSError, RuntimeError) as error:  # h5py says RuntimeError where the disk is full
        raise Failure(f"{files.reason(error)}: the snapshot {target} could not be written") from None
    return target
