"""A whole training run: data set, run directory, devices, loop. The only place where they meet."""

import os
from pathlib import Path

from stylegan_tf import files, rundir
from stylegan_tf.configs.check import check_replicas
from stylegan_tf.configs.json_form import as_text, override, to_json
from stylegan_tf.configs.presets import description
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.data.training_set import data_set_of
from stylegan_tf.programs import metrics


def train(experiment: Experiment, resume: str = "auto") -> Path:
    """Trains an experiment, or continues the run that `resume` means (see rundir.resume_choice). Returns its directory.

    Raises UserError, Failure, or Stopped after SIGINT or SIGTERM.
    """
    choice = rundir.resume_choice(resume, experiment.output.outdir, to_json(experiment))
    print(choice.sentence, flush=True)
    if choice.finished and choice.run_dir:
        return choice.run_dir
    if choice.run_dir:
        for path, value in rundir.kept(choice.run_dir, to_json(experiment)).items():
            experiment = override(experiment, f"{path}={as_text(value)}")
            print(f"{path} {as_text(value)}, as this run began", flush=True)
    data_set = data_set_of(experiment)
    metrics.check(experiment)
    replicas = start_devices(experiment)
    from stylegan_tf.training import loop
    from stylegan_tf.training.autotune import measured

    if choice.run_dir is None:
        experiment, lines = measured(experiment)
        print("\n".join(lines), end="\n" if lines else "", flush=True)

    run_dir = choice.run_dir or rundir.create(experiment.output.outdir, description(experiment))
    with files.Lock(run_dir / rundir.LOCK):
        files.write_json(run_dir / rundir.CONFIG, to_json(experiment))
        print(f"run directory: {run_dir}", flush=True)
        begin = _begin(experiment.training.init_from)
        loop.train(experiment, run_dir, data_set, replicas, begin, metrics.callback(experiment, run_dir))
    return run_dir


def _begin(init_from: str):
    """What a new run does before it starts: takes the weights of another network. None: keeps its random ones."""
    if not init_from:
        return None
    from stylegan_tf.training import transfer
    from stylegan_tf.weights import load

    return lambda state: transfer.take(state, load.load(init_from), init_from)


def start_devices(experiment: Experiment):
    """Starts TensorFlow as the experiment asks for it. -> Replicas. Raises UserError where they do not fit."""
    import tensorflow as tf

    from stylegan_tf.devices import Replicas

    threads = experiment.threads or os.cpu_count() or 1
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(experiment.training.tf32)
    replicas = Replicas(experiment.replicas)
    check_replicas(experiment, replicas.count)
    deterministic = experiment.training.deterministic
    if replicas.on_cpu if deterministic is None else deterministic:
        tf.config.experimental.enable_op_determinism()
    if replicas.on_cpu and replicas.count > 1:
        print(f"{replicas.count} replicas on one CPU are slower than one: they are for tests", flush=True)
    return replicas
