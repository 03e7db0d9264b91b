"""Trains a StyleGAN: python train.py --config=F --dataset=DIR"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs import data_sets, listing
from stylegan_tf.configs.crop import Rectangle, at_side, text_of
from stylegan_tf.configs.hardware import auto_row
from stylegan_tf.configs.json_form import as_text, differences, override, table, to_json
from stylegan_tf.configs.presets import HARDWARE, LOSSES, PRESETS, auto_hardware, experiment
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.source import FACES, Pictures, fitted
from stylegan_tf.configs.start import Start, changes, started_from
from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.metrics.definitions import asked_for

# A flag that is not given is None, and leaves the preset as it is.
FLAGS = {
    "What is trained": (
        Flag("config", "text", "F", "A to F of the paper's Table 1, F is the full StyleGAN; or another one of --list"),
        Flag("dataset", "text", None, "folder of TFRecords, or a name of --list as ffhq (default: the built-in faces)"),
        Flag("data_dir", "text", "datasets", "folder of the data sets that have a name (default: datasets)"),
        Flag("init_from", "text", None, "start from the weights of a network: run, .keras, .pkl, address, or as ffhq"),
        Flag("resolution", "whole", None, "a power of two (default: the data set's own; cpu row: 32 at most)"),
        Flag(
            "mirror",
            "switch",
            None,
            "show each picture left-right with probability 1/2 (default: no, or as --list says)",
        ),
        Flag("loss", "text", None, f"{', '.join(LOSSES)} (default: logistic, A wgan_gp)"),
        Flag(
            "total_kimg", "number", None, "thousands of pictures to show (default: 25000, A 12000, cpu row about 100)"
        ),
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
        Flag("replicas", "whole", None, "devices to train on (default: every GPU, or one CPU)"),
        Flag("threads", "whole", None, "of TensorFlow on the CPU (default: its own choice)"),
    ),
    "Runs": (
        Flag("outdir", "text", None, "folder of the run directories (default: results)"),
        Flag("resume", "text", "auto", "auto: the newest equal run that is not finished; never; or a run directory"),
        Flag("metrics", "text", None, "such as fid5k@faces, computed while training; see run_metrics.py --list"),
        Flag("metric_ticks", "whole", None, "ticks between two evaluations (default: 10)"),
        Flag("dry_run", "switch", False, "only print the whole experiment, as a table and as JSON"),
        Flag("benchmark", "switch", False, "only measure how fast each resolution trains here; projects the whole run"),
        Flag("diff", "text", None, "with --dry_run: only print what differs from this other config"),
        Flag("list", "switch", False, "print all configs with their published FID, hardware rows, losses, data sets"),
    ),
}
# Fields that would disagree with others if --set changed them alone: the flag that changes them all.
FLAG_OF = {
    "config": "config",
    "hardware": "hardware",
    "data.directory": "dataset",
    "data.resolution": "resolution",
    "training.init_from": "init_from",
}


class Source(NamedTuple):
    """The pictures that --dataset names, as far as an experiment depends on them."""

    pictures: Pictures
    directory: str = ""  # "": the built-in faces
    resolution: int | None = None  # to train where nobody asks for another; None: any
    channels: int = 3
    mirror: bool = False  # likewise
    crop: Rectangle | None = None  # what is not black bars, in the pictures of the data set


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS)
    if values is None or values.list:
        print(help_text(__doc__, FLAGS) if values is None else listing.page())
        return
    if values.diff is not None and not values.dry_run:
        raise UserError("--diff is for looking, not for training: add --dry_run")
    if values.benchmark and values.dry_run:
        raise UserError("--benchmark measures and --dry_run only prints: give one of them")
    source, start = source_of(values), start_of(values)
    chosen = build(values, values.config, source, start)
    shown = whole(chosen) if values.diff is None else difference(values, chosen, source, start)
    print("\n".join(notes(chosen)), flush=True)
    if start is not None:
        print("\n".join(changes(preset_of(values, values.config, source), start)), flush=True)
    if values.dry_run:
        print(f"\n{shown}")
        return
    if values.benchmark:
        from stylegan_tf.programs.benchmark import benchmark  # imports TensorFlow, which takes seconds

        benchmark(chosen)
        return
    from stylegan_tf.programs.train import train

    train(chosen, values.resume)


def build(values: Any, config: str, source: Source, start: Start | None) -> Experiment:
    """The experiment that the flags ask for on a config, checked against the data set and the output folder."""
    chosen = preset_of(values, config, source)
    chosen = chosen if start is None else started_from(chosen, start)
    chosen = fitted(with_settings(with_flags(chosen, values), values.set), source.pictures)
    asked_for(chosen.output.metrics)
    check_outdir(Path(chosen.output.outdir))
    return chosen


def preset_of(values: Any, config: str, source: Source) -> Experiment:
    """A config on the hardware row, with the loss and for the pictures that the flags name."""
    chosen = experiment(
        config=config,
        hardware=auto_hardware(config, auto_row()) if values.hardware == "auto" else values.hardware,
        loss=values.loss,
        directory=source.directory,
        data_resolution=source.resolution,
        num_channels=source.channels,
        resolution=values.resolution,
        mirror=source.mirror,
    )
    if source.crop is None:
        return chosen
    crop = text_of(at_side(source.crop, source.pictures.highest, chosen.data.resolution))
    return replace(chosen, data=replace(chosen.data, crop=crop))


def start_of(values: Any) -> Start | None:
    """What is known of the network that --init_from names; it is fetched if it is not here."""
    if values.init_from is None:
        return None
    from stylegan_tf.training import transfer

    return transfer.start_of(values.init_from)


def source_of(values: Any) -> Source:
    """What there is to train on. A dry run takes a data set that has a name as it should be where it is not there."""
    if values.dataset is None:
        return Source(FACES)
    named = data_sets.named(values.dataset)
    directory = os.path.normpath(os.path.join(values.data_dir, named.folder) if named else values.dataset)
    if named and not os.path.exists(directory):
        if not (values.dry_run or values.benchmark):
            raise data_sets.missing(values.dataset, directory)
        pictures = Pictures(directory, data_sets.LOWEST, named.highest)
        return Source(pictures, directory, named.resolution, mirror=named.mirror)
    from stylegan_tf.data.layout import open_data_set

    data = open_data_set(directory)
    columns = 0 if data.labels is None else data.labels.shape[1]
    pictures = Pictures(directory, 2 ** data.stages[0], data.resolution, data.num_images, columns)
    if named:
        return Source(pictures, directory, named.resolution, data.channels, named.mirror, data.crop)
    return Source(pictures, directory, data.resolution, data.channels, crop=data.crop)


def whole(chosen: Experiment) -> str:
    """All of an experiment, as a table and as JSON."""
    return f"{table(chosen)}\n\n{json.dumps(to_json(chosen), indent=2)}"


def difference(values: Any, chosen: Experiment, source: Source, start: Start | None) -> str:
    """What `chosen` changes with respect to the config that --diff names, with the same flags: a line per field."""
    try:
        other = build(values, values.diff, source, start)
    except UserError as error:
        raise UserError(f"--diff={values.diff}: {error}") from None
    lines = [f"{path}: {as_text(old)} -> {as_text(new)}" for path, old, new in differences(other, chosen)]
    return "\n".join(lines) or "nothing differs"


def with_flags(chosen: Experiment, values: Any) -> Experiment:
    """The flags that stand for a single field."""

    def given(**fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value is not None}

    training = given(total_kimg=values.total_kimg, seed=values.seed, precision=values.precision, tf32=values.tf32)
    return replace(
        chosen,
        data=replace(chosen.data, **given(mirror=values.mirror)),
        training=replace(chosen.training, **training),
        output=replace(
            chosen.output,
            **given(outdir=values.outdir, metrics=values.metrics, metric_ticks=values.metric_ticks),
        ),
        **given(replicas=values.replicas, threads=values.threads),
    )


def with_settings(chosen: Experiment, settings: Iterable[str]) -> Experiment:
    """What --set says, in its order."""
    for setting in settings:
        path = setting.partition("=")[0]
        if path in FLAG_OF:
            raise UserError(f"--set={setting}: {path} is set by --{FLAG_OF[path]}")
        chosen = override(chosen, setting)
    return chosen


def check_outdir(outdir: Path) -> None:
    """Raises UserError where no run directory can be made in `outdir`."""
    nearest = next(folder for folder in (outdir, *outdir.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise UserError(f"--outdir={outdir}: {nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"--outdir={outdir}: {nearest} is not writable; name another folder")


def notes(chosen: Experiment) -> list[str]:
    """What the user should know before it starts."""
    side = chosen.data.resolution
    source = chosen.data.directory or "the built-in faces (your own pictures: --dataset=DIR, made by dataset_tool.py)"
    lines = [f"config {chosen.config} at {side}x{side} on {source}, hardware row {chosen.hardware}"]
    if chosen.data.directory and not os.path.exists(chosen.data.directory):
        lines.append(f"{chosen.data.directory} is not there: what is known of the data set of that name is shown")
    if chosen.hardware == "cpu":
        row = PRESETS[chosen.config].hardware or "8gpu"
        paper = f"python train.py --config={chosen.config} --dataset=DIR --hardware={row}"
        lines.append(
            f"the cpu row is a small network and a short schedule; the paper's, on a machine with GPUs: {paper}"
        )
    if chosen.training.r1_interval > 1:
        lines.append(
            f"R1 is lazy: in every {chosen.training.r1_interval}th step of D (--set=training.r1_interval=1: all)"
        )
    if chosen.training.precision == "auto":
        lines.append("precision and fused scaling are chosen when a run starts, by measuring this machine")
    return lines


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
