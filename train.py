"""Trains a StyleGAN: python train.py --config=F --dataset=DIR"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.hardware import auto_row
from stylegan_tf.configs.json_form import override, table, to_json
from stylegan_tf.configs.presets import CONFIGS, HARDWARE, LOSSES, experiment
from stylegan_tf.configs.schema import Experiment
from stylegan_tf.configs.source import FACES, Pictures, fitted
from stylegan_tf.mistakes import Mistake, exit_code

if TYPE_CHECKING:
    from stylegan_tf.data.records import DataSet

# A flag that is not given is None, and leaves the preset as it is.
FLAGS = {
    "What is trained": (
        Flag("config", "text", "F", f"row of the paper's Table 1: {', '.join(CONFIGS)}; F is the full StyleGAN"),
        Flag("dataset", "text", None, "folder of TFRecords made by dataset_tool.py (default: the built-in faces)"),
        Flag("resolution", "whole", None, "a power of two (default: the data set's own; cpu row: 32 at most)"),
        Flag("mirror", "switch", None, "show each picture left-right with probability 1/2 (default: no)"),
        Flag("loss", "text", "logistic", f"{', '.join(LOSSES)} (default: logistic, non-saturating with R1)"),
        Flag("total_kimg", "number", None, "thousands of pictures to show (default: 25000; cpu row: about 100)"),
        Flag("seed", "whole", None, "of everything random (default: 1000)"),
        Flag("set", "texts", [], "path.to.field=value: any field that --dry_run shows; may be repeated"),
    ),
    "On which machine": (
        Flag("hardware", "text", "auto", f"auto, {', '.join(HARDWARE)}: minibatches; cpu trains a small network"),
        Flag("precision", "text", None, "float32, mixed_bfloat16, mixed_float16 (default: float32; cpu row: bfloat16)"),
        Flag("tf32", "switch", None, "TensorFloat-32 on NVIDIA cards, faster and coarser (default: no)"),
        Flag("replicas", "whole", None, "devices to train on (default: every GPU, or one CPU)"),
        Flag("threads", "whole", None, "of TensorFlow on the CPU (default: its own choice)"),
    ),
    "Runs": (
        Flag("outdir", "text", None, "folder of the run directories (default: results)"),
        Flag("resume", "text", "auto", "auto: the newest equal run that is not finished; never; or a run directory"),
        Flag("dry_run", "switch", False, "only print the whole experiment, as a table and as JSON"),
    ),
}
# Fields that would disagree with others if --set changed them alone: the flag that changes them all.
FLAG_OF = {"config": "config", "hardware": "hardware", "data.directory": "dataset", "data.resolution": "resolution"}


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises Mistake for what cannot be."""
    values = parse(arguments, FLAGS)
    if values is None:
        print(help_text(__doc__, FLAGS))
        return
    chosen = build(values)
    print("\n".join(notes(chosen)), flush=True)
    if values.dry_run:
        print(f"\n{table(chosen)}\n\n{json.dumps(to_json(chosen), indent=2)}")
        return
    from stylegan_tf.experiment.train import train  # imports TensorFlow, which takes seconds

    train(chosen, values.resume)


def build(values: Any) -> Experiment:
    """The experiment that the flags ask for, checked against the data set and the output folder."""
    data = None
    if values.dataset is not None:
        from stylegan_tf.data.records import open_data_set

        data = open_data_set(values.dataset)
    chosen = experiment(
        config=values.config,
        hardware=auto_row() if values.hardware == "auto" else values.hardware,
        loss=values.loss,
        directory=os.path.normpath(values.dataset) if data else "",
        data_resolution=data.resolution if data else None,
        num_channels=data.channels if data else 3,
        resolution=values.resolution,
    )
    chosen = fitted(with_settings(with_flags(chosen, values), values.set), pictures_of(data))
    check_outdir(Path(chosen.output.outdir))
    return chosen


def pictures_of(data: "DataSet | None") -> Pictures:
    """What there is to train on; None: the built-in faces."""
    if data is None:
        return FACES
    columns = 0 if data.labels is None else data.labels.shape[1]
    return Pictures(str(data.directory), 2 ** data.stages[0], data.resolution, data.num_images, columns)


def with_flags(chosen: Experiment, values: Any) -> Experiment:
    """The flags that stand for a single field."""

    def given(**fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value is not None}

    training = given(total_kimg=values.total_kimg, seed=values.seed, precision=values.precision, tf32=values.tf32)
    return replace(
        chosen,
        data=replace(chosen.data, **given(mirror=values.mirror)),
        training=replace(chosen.training, **training),
        output=replace(chosen.output, **given(outdir=values.outdir)),
        **given(replicas=values.replicas, threads=values.threads),
    )


def with_settings(chosen: Experiment, settings: Iterable[str]) -> Experiment:
    """What --set says, in its order."""
    for setting in settings:
        path = setting.partition("=")[0]
        if path in FLAG_OF:
            raise Mistake(f"--set={setting}: {path} is set by --{FLAG_OF[path]}")
        chosen = override(chosen, setting)
    return chosen


def check_outdir(outdir: Path) -> None:
    """Raises Mistake where no run directory can be made in `outdir`."""
    nearest = next(folder for folder in (outdir, *outdir.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise Mistake(f"--outdir={outdir}: {nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise Mistake(f"--outdir={outdir}: {nearest} is not writable; name another folder")


def notes(chosen: Experiment) -> list[str]:
    """What the user should know before it starts."""
    side = chosen.data.resolution
    source = chosen.data.directory or "the built-in faces (your own pictures: --dataset=DIR, made by dataset_tool.py)"
    lines = [f"config {chosen.config} at {side}x{side} on {source}, hardware row {chosen.hardware}"]
    if chosen.hardware == "cpu":
        paper = f"python train.py --config={chosen.config} --dataset=DIR --hardware=8gpu"
        lines.append(
            f"the cpu row is a small network and a short schedule; the paper's, on a machine with GPUs: {paper}"
        )
    return lines


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
