"""A whole training run: data set, run directory, devices, loop. The only place where they meet."""

import os
from pathlib import Path

from stylegan_tf import files, rundir
from stylegan_tf.configs.json_form import to_json
from stylegan_tf.configs.presets import description
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.mistakes import Mistake

FACES_DIR = "datasets"  # where the built-in faces are drawn, once per resolution and number


def train(experiment: Experiment, resume: str = "auto") -> Path:
    """Trains an experiment, or continues the run that `resume` means (see rundir.resume_choice). Returns its directory.

    Raises Mistake, Failure, or Stopped after SIGINT or SIGTERM.
    """
    choice = rundir.resume_choice(resume, experiment.output.outdir, to_json(experiment))
    print(choice.sentence, flush=True)
    if choice.finished and choice.run_dir:
        return choice.run_dir
    data_set = _data_set(experiment)
    run_dir = choice.run_dir or rundir.create(experiment.output.outdir, description(experiment))
    with files.Lock(run_dir / rundir.LOCK):
        files.write_json(run_dir / rundir.CONFIG, to_json(experiment))
        print(f"run directory: {run_dir}", flush=True)
        _run(experiment, run_dir, data_set)
    return run_dir


def _run(experiment: Experiment, run_dir: Path, data_set) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    from stylegan_tf.replicas import Replicas
    from stylegan_tf.training import loop

    threads = experiment.threads or os.cpu_count() or 1
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(experiment.training.tf32)
    tf.config.experimental.enable_op_determinism()
    replicas = Replicas(experiment.replicas)
    shared = replicas.count * max(1, experiment.D.mbstd_group_size)
    for resolution, minibatch in experiment.schedule.minibatch.items():
        if resolution <= experiment.data.resolution and replicas.count > 1 and minibatch % shared:
            raise Mistake(
                f"--replicas={replicas.count}: the minibatch of {minibatch} at {resolution}x{resolution} must be "
                f"divisible by {shared} (replicas x minibatch-deviation group): use "
                f"--set=schedule.minibatch.{resolution}=..."
            )
    loop.train(experiment, run_dir, data_set, replicas)


def _data_set(experiment: Experiment):
    from stylegan_tf.data.importers.faces_set import create_faces
    from stylegan_tf.data.layout import open_data_set

    if experiment.data.directory:
        return open_data_set(experiment.data.directory)
    resolution, count = experiment.data.resolution, experiment.data.num_faces
    folder = Path(FACES_DIR) / f"faces-{resolution}-{count}"
    if not folder.is_dir():
        create_faces(folder, resolution, count, 0, os.cpu_count() or 1)
    return open_data_set(folder)
