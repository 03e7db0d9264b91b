"""Trains a StyleGAN: python train.py --config=F --dataset=DIR"""

import json
import math
import os
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf import environment, files, rundir
from stylegan_tf.cluster import Cluster, cluster_of
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs import build, listing, memory
from stylegan_tf.configs.build import FACES, Pictures, Start
from stylegan_tf.configs.presets import HARDWARE, LOSSES, PRESETS, description, missing_data_set, named_data_set
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.configs.text import as_text, differences, flat, from_json, put, table, to_json
from stylegan_tf.devices import Replicas, auto_row, describe, join, start_devices, visible_gpus
from stylegan_tf.errors import Stopped, UserError, exit_code
from stylegan_tf.programs.foreign_flags import TRAIN
from stylegan_tf.progress import few
from stylegan_tf.training.signals import leave, stop_after

if TYPE_CHECKING:
    from stylegan_tf.data.layout import DataSet

MOST_HOURS = 10_000  # more than a year

# A flag that is not given is None, and leaves the preset as it is.
FLAGS = {
    "What is trained": (
        Flag("config", "text", "F", "A to F of the paper's Table 1, F is the full StyleGAN; or another one of --list"),
        Flag("dataset", "path", None, "folder of TFRecords, or a name of --list as ffhq (default: the built-in faces)"),
        Flag("data_dir", "path", "datasets", "folder of the data sets that have a name (default: datasets)"),
        Flag("cond", "switch", False, "train on the labels of the data set, all columns (default: no)"),
        Flag("init_from", "path", None, "start from the weights of a network: run, .keras, .pkl, address, or as ffhq"),
        Flag("resolution", "whole", None, "a power of two (default: the data set's own; cpu row: 32 at most)"),
        Flag("mirror", "switch", None, "mirror pictures with probability 1/2 (default: no, or as --list says)"),
    ),
    "How": (
        Flag("loss", "text", None, f"{', '.join(LOSSES)} (default: logistic, A wgan_gp)"),
        Flag("gamma", "number", None, "weight of R1 (default: 10 with the logistic losses, less on the cpu row)"),
        Flag("batch", "whole", None, "pictures of a minibatch of all GPUs, at every resolution (default: --list)"),
        Flag("lrate_g", "number", None, "learning rate of G at every resolution (default: --list)"),
        Flag("lrate_d", "number", None, "learning rate of D at every resolution (default: --list)"),
        Flag("total_kimg", "number", None, "thousands of pictures to show (default: 25000, A 12000, cpu about 100)"),
        Flag("seed", "whole", None, "of everything random (default: 1000)"),
        Flag("set", "texts", [], "path.to.field=value: any field that --dry_run shows; may be repeated"),
    ),
    "On which machine": (
        Flag("hardware", "text", "auto", f"auto, {', '.join(HARDWARE)}: minibatches; cpu trains a small network"),
        Flag(
            "precision",
            "text",
            None,
            "float32, mixed_bfloat16, mixed_float16, auto: the faster of the two first (default: float32; cpu: auto)",
        ),
        Flag("tf32", "switch", None, "TensorFloat-32 on NVIDIA cards, faster and coarser (default: no)"),
        Flag(
            "replicas",
            "whole",
            None,
            "devices that share a minibatch, of all machines (default: every GPU that can, or one CPU)",
        ),
        Flag(
            "batch_gpu",
            "text",
            None,
            "most pictures at once on a device, a number or auto; saves memory (default: all)",
        ),
        Flag("threads", "whole", None, "of TensorFlow on the CPU (default: one for each core)"),
        Flag(
            "cluster",
            "text",
            None,
            "several machines: HOST:PORT,HOST:PORT,..., slurm or kubernetes (default: TF_CONFIG, or this one alone)",
        ),
        Flag("task", "whole", None, "which of them this is, from 0 (default: JOB_COMPLETION_INDEX, SLURM_PROCID)"),
    ),
    "Runs": (
        Flag("outdir", "path", None, "folder of the run directories (default: results)"),
        Flag("desc", "text", None, "words for the name of the run directory; with other words it is another run"),
        Flag("resume", "path", "auto", "auto: the newest equal run that is not finished; never; or a run directory"),
        Flag("max_hours", "number", None, "end before so many hours have gone, saved, as after SIGTERM: exit code 143"),
        Flag("allow_changed_data", "switch", False, "continue a run although its data set has changed since it began"),
        Flag("snap", "whole", None, "ticks between two snapshots of the networks (default: 10, cpu row 5)"),
        Flag("metrics", "text", None, "such as fid5k@faces, computed while training; see run_metrics.py --list"),
        Flag("metric_ticks", "whole", None, "ticks between two evaluations (default: 10)"),
        Flag("dry_run", "switch", False, "only print the whole experiment, as a table and as JSON"),
        Flag("benchmark", "switch", False, "only measure how fast each resolution trains here; projects the whole run"),
        Flag("diff", "text", None, "with --dry_run: only print what differs from this other config"),
        Flag("list", "switch", False, "print all configs with their published FID, hardware rows, losses, data sets"),
    ),
}


def main() -> int:
    return exit_code(_run_or_leave)


def _run_or_leave() -> None:
    try:
        run(sys.argv[1:])
    except Stopped as stopped:
        leave(stopped)


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    started = time.monotonic()
    flags = parse(arguments, FLAGS, TRAIN)
    if flags is None or flags.list:
        print(help_text(__doc__, FLAGS) if flags is None else listing.page())
        return
    if flags.diff is not None and not flags.dry_run:
        raise UserError("--diff is for looking, not for training: add --dry_run")
    if flags.benchmark and flags.dry_run:
        raise UserError("--benchmark measures and --dry_run only prints: give one of them")
    if flags.max_hours is not None and not 0 < flags.max_hours <= MOST_HOURS:
        raise UserError(f"--max_hours={flags.max_hours:g}: expected hours, more than 0 and at most {MOST_HOURS}")
    if not flags.dry_run:
        environment.check_backend("train.py")
    if flags.resume not in ("auto", "never"):
        rundir.check_resume(flags.resume)
    cluster = cluster_of(flags.cluster, flags.task)
    if flags.benchmark and cluster:
        raise UserError("--benchmark measures one machine: leave --cluster out, or unset TF_CONFIG")
    gpus = visible_gpus() * (len(cluster.addresses) if cluster else 1)
    machine = auto_row(gpus)
    pictures, start = pictures_of(flags), start_of(flags)
    also = partial(problems_outside_configs, pictures=pictures)
    chosen = build.build(flags, pictures, start, machine, also)
    shown = "\n\n".join(
        [table(chosen), memory.table(chosen, devices_of(chosen, gpus)), json.dumps(to_json(chosen), indent=2)]
    )
    if flags.diff is not None:
        config, flags.config = flags.config, flags.diff
        try:
            other = build.build(flags, pictures, start, machine, also)
        except UserError as error:
            raise UserError(f"--diff={flags.diff}: {error}") from None
        flags.config = config
        lines = [f"{path}: {as_text(old)} -> {as_text(new)}" for path, old, new in differences(other, chosen)]
        shown = "\n".join(lines) or "nothing differs"
    print("\n".join(notes(chosen, pictures)), flush=True)
    if start is not None:
        print("\n".join(build.changes(build.preset_of(flags, pictures, machine), start)), flush=True)
    if flags.dry_run:
        print(f"\n{shown}")
    elif flags.benchmark:
        from stylegan_tf.programs.benchmark import benchmark  # imports TensorFlow, which takes seconds

        benchmark(chosen, flags.hardware != "auto")
    else:
        stop_at = math.inf if flags.max_hours is None else stop_after(flags.max_hours, started)
        train(chosen, flags.resume, flags.allow_changed_data, flags.hardware != "auto", cluster, stop_at)


def devices_of(chosen: Experiment, gpus: int) -> int:
    """Devices that would share minibatches: as asked for, those of the `gpus` that can, or as the hardware row has."""
    return chosen.replicas or (build.most_replicas(chosen, gpus) if gpus else chosen.training.num_gpus)


def pictures_of(flags: Any) -> Pictures:
    """What there is to train on. A dry run takes a data set that has a name as it should be where it is not there."""
    if flags.dataset is None:
        return FACES
    named = named_data_set(flags.dataset)
    directory = os.path.normpath(os.path.join(flags.data_dir, named.folder) if named else flags.dataset)
    if named and not os.path.exists(directory):
        if not (flags.dry_run or flags.benchmark):
            raise missing_data_set(flags.dataset, directory)
        return Pictures(directory, highest=named.highest, resolution=named.resolution, mirror=named.mirror)
    from stylegan_tf.data.layout import open_data_set

    data = open_data_set(directory)
    return Pictures(
        directory,
        lowest=2 ** data.stages[0],
        highest=data.resolution,
        channels=data.channels,
        num_images=data.num_images,
        label_columns=0 if data.labels is None else data.labels.shape[1],
        classes=data.classes,
        resolution=named.resolution if named else data.resolution,
        mirror=named.mirror if named else False,
        crop=data.crop,
    )


def start_of(flags: Any) -> Start | None:
    """What is known of the network that --init_from names; it is fetched if it is not here."""
    if flags.init_from is None:
        return None
    from stylegan_tf.training import transfer

    return transfer.start_of(flags.init_from)


def problems_outside_configs(chosen: Experiment, pictures: Pictures) -> list[str]:
    """What keeps an experiment from being trained that configs/ knows nothing of: metrics, the folder of the runs."""
    from stylegan_tf.metrics.definitions import asked_for, problems

    found = build.outdir_problems(Path(chosen.output.outdir))
    if pictures.channels not in build.CHANNELS:
        return found  # what metrics would say is the same once more
    faces = pictures == FACES
    num_images = chosen.data.num_faces if faces else pictures.num_images
    highest = chosen.data.resolution if faces else pictures.highest
    facts = replace(pictures, highest=highest, num_images=num_images)
    try:
        found += problems(asked_for(chosen.output.metrics), chosen.G, facts)
    except UserError as error:
        found.append(str(error))
    return found


def notes(chosen: Experiment, pictures: Pictures) -> list[str]:
    """What the user should know before it starts."""
    side, training = chosen.data.resolution, chosen.training
    source = chosen.data.directory or "the built-in faces (your own pictures: --dataset=DIR, made by dataset_tool.py)"
    lines = [f"config {chosen.config} at {side}x{side} on {source}, hardware row {chosen.hardware}"]
    if pictures != FACES and pictures.num_images is None:
        lines.append(f"{chosen.data.directory} is not there: what is known of the data set of that name is shown")
    if pictures.label_columns and chosen.data.max_label_size == 0:
        classes, columns = pictures.classes, f"labels ({pictures.label_columns} columns)"
        what = f"{len(classes)} classes ({few(classes)})" if classes else columns
        lines.append(f"its {what} are not used: --cond trains on them")
    if chosen.hardware == "cpu":
        row = PRESETS[chosen.config].hardware or "8gpu"
        paper = f"python train.py --config={chosen.config} --dataset=DIR --hardware={row}"
        lines.append(
            f"the cpu row is a small network and a short schedule; the paper's, on a machine with GPUs: {paper}"
        )
    if training.r1_interval > 1:
        lines.append(f"R1 is lazy: in every {training.r1_interval}th step of D (--set=training.r1_interval=1: all)")
    if training.precision == "auto":
        lines.append("precision and fused scaling are chosen when a run starts, by measuring this machine")
    return lines


def train(
    experiment: Experiment,
    resume: str = "auto",
    allow_changed_data: bool = False,
    hardware_asked: bool = True,
    cluster: Cluster | None = None,
    stop_at: float = math.inf,
) -> Path:
    """Trains an experiment, or continues the run that `resume` means (see rundir.resume_choice). Returns its directory.

    The only place where data set, run directory, devices and loop meet. hardware_asked: whether the user named the
    hardware row. cluster: the machines that train it together; their processes end here. stop_at: as in training_loop.
    Raises UserError, Failure, or Stopped after SIGINT, SIGTERM or at `stop_at`.
    """
    from stylegan_tf.data.layout import identity
    from stylegan_tf.data.training_set import data_set_of
    from stylegan_tf.programs import metrics

    outdir = Path(experiment.output.outdir)
    with join(experiment, cluster) as workers:
        workers.same("the experiment", flat(experiment))
        workers.check_shared(outdir)
        data_set = workers.chief_first(lambda: data_set_of(experiment))
        data = identity(data_set)
        workers.same("the data set", data)
        choice = rundir.resume_choice(resume, outdir, experiment, data, allow_changed_data)
        workers.same("the run", {"--resume": choice.sentence})
        if workers.is_chief:
            print(choice.sentence, flush=True)
        if choice.finished and choice.run_dir:
            workers.part()
            return choice.run_dir
        lines = []
        if choice.run_dir:
            for path, value in rundir.kept(choice.run_dir, experiment).items():
                experiment = put(experiment, path, value)
                lines.append(f"{path} {as_text(value)}, as this run began")
        if workers.is_chief:
            metrics.check(experiment)  # fetches what they look through: not in the middle of a run
        replicas, about_devices = start_devices(experiment, hardware_asked, workers)
        from stylegan_tf.training.loop import training_loop

        if choice.run_dir is None and workers.is_chief:
            from stylegan_tf.training.autotune import measured

            experiment, lines = measured(experiment)
        if not workers.is_alone:
            experiment = from_json(json.loads(workers.agree(partial(json.dumps, to_json(experiment)))))
        new = partial(rundir.create, outdir, description(experiment))
        run_dir = Path(workers.agree(lambda: str(choice.run_dir or new())))
        with files.Lock(run_dir / rundir.LOCK) if workers.is_chief else nullcontext():
            if workers.is_chief:
                lines += [*about_devices, *summary(experiment, run_dir, data_set, replicas)]
                (run_dir / rundir.STOPPED).unlink(missing_ok=True)
                files.write_json(run_dir / rundir.CONFIG, to_json(experiment))
                names = {rundir.CLASSES: list(data_set.classes)} if data_set.classes else {}
                files.write_json(run_dir / rundir.DATA_SET, data | names)
            init = _init(experiment.training.init_from)
            measure = metrics.callback(experiment, run_dir) if workers.is_chief else None
            callbacks = [] if measure is None else [measure]
            training_loop(experiment, run_dir, data_set, replicas, init, callbacks, lines, stop_at)
        return run_dir


def _init(init_from: str):
    """What a new run does before its first step: says its size, and takes the weights of another network if asked."""

    def init(state) -> list[str]:
        sizes = [
            f"{role} {sum(math.prod(variable.shape) for variable in network.trainable_variables):,}"
            for role, network in (("G", state.G), ("D", state.D))
        ]
        lines = [f"networks: {', '.join(sizes)} parameters"]
        if init_from:
            from stylegan_tf.training import transfer
            from stylegan_tf.weights import load

            lines += transfer.take(state, load.load(init_from), init_from)
        return lines

    return init


def summary(experiment: Experiment, run_dir: Path, data_set: "DataSet", replicas: Replicas) -> list[str]:
    """What a run begins with: devices, pictures, how long, where."""
    from stylegan_tf.progress import format_time
    from stylegan_tf.training.eta import remaining_seconds

    training, data, side = experiment.training, experiment.data, experiment.data.resolution
    used = [f"{data_set.num_images:,} pictures", f"trained at {side}x{side}x{experiment.G.num_channels}"]
    used += ["mirrored"] if data.mirror else []
    if experiment.G.label_size == len(data_set.classes) > 0:
        used.append(f"{len(data_set.classes)} classes: {few(data_set.classes)}")
    elif experiment.G.label_size:
        used.append(f"{experiment.G.label_size} columns of labels")
    shown = rundir.shown_nimg(run_dir)
    seconds = remaining_seconds(experiment, shown, pace_of(run_dir, experiment))
    first = experiment.schedule.initial_resolution
    return [
        describe(experiment, replicas),
        f"data set: {data_set.directory}, {', '.join(used)}",
        f"schedule: {first}x{first} to {side}x{side}, {training.total_kimg:g} kimg"
        + (f", {shown / 1000:g} of them shown" if shown else "")
        + ("" if seconds is None else f"; about {format_time(seconds)} to go"),
        f"run directory: {run_dir}",
    ]


def pace_of(run_dir: Path, experiment: Experiment) -> dict[int, float]:
    """stage -> seconds of a picture, from the ticks of this run, or of the newest one beside it that computes the same
    on as many devices; {} where there is none.
    """

    def cost(one: Experiment):
        training = replace(one.training, total_kimg=0, seed=0, init_from="")
        return one.G, one.D, one.loss, one.schedule, training, one.replicas, one.threads

    found: dict[int, float] = {}
    for run in (run_dir, *reversed(rundir.runs(run_dir.parent))):
        stats = run / rundir.STATS
        try:
            if not stats.is_file() or (run != run_dir and cost(rundir.experiment_of(run)) != cost(experiment)):
                continue
            ticks, lost = files.read_json_lines(stats)
        except (UserError, OSError):
            continue  # no statistics to be had from there
        last = stage_of(experiment.data.resolution)
        for tick in ticks:
            lod, seconds = tick.get("Progress/lod"), tick.get("Timing/sec_per_kimg")
            if not isinstance(lod, int | float) or not isinstance(seconds, int | float):
                continue
            if 0 <= lod < last - 1 and 0 < seconds < 1e9:  # 4x4 is stage 2
                found[last - int(lod)] = seconds / 1000
        if found:
            if lost:
                print(f"{stats}: {lost} lines are left out, which are no statistics", flush=True)
            return found
    return found
