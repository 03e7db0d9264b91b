"""Trains networks that say whether a face has an attribute: python train_classifiers.py --dataset=DIR"""

import sys
from pathlib import Path

from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.classifiers import Recipe, recipe
from stylegan_tf.devices import auto_row
from stylegan_tf.errors import UserError, exit_code

FLAGS = {
    "What is trained": (
        Flag("dataset", "text", None, "folder of TFRecords, made by dataset_tool.py"),
        Flag("attributes", "text", None, "list in CelebA's layout (default: the list_attr_*.txt in the data set)"),
        Flag("only", "text", "", "names with commas, such as Smiling,Male (default: every attribute of the list)"),
        Flag("features", "switch", False, "also a network for Frechet and perceptual distances (32x32 only)"),
        Flag("resolution", "whole", None, "a power of two (default: the data set's, 256 at most; cpu row: 32 at most)"),
        Flag("total_kimg", "number", None, "thousands of pictures to show for each attribute (default: 150)"),
        Flag("seed", "whole", None, "of everything random (default: 1000)"),
    ),
    "On which machine": (
        Flag("hardware", "text", "auto", "auto, cpu, 1gpu: cpu trains narrow networks, 1gpu those of the paper"),
        Flag("threads", "whole", None, "of TensorFlow on the CPU (default: one for each core)"),
    ),
    "Where to": (
        Flag("outdir", "text", None, "folder of the networks (default: results/classifiers-<data set>-<resolution>)"),
        Flag("pack", "text", None, "write all networks into this one .npz, float16, when they are trained"),
    ),
}


def run(arguments: list[str]) -> None:
    """Does what the command line says. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS)
    if values is None:
        print(help_text(__doc__, FLAGS))
        return
    if values.dataset is None:
        raise UserError("--dataset is missing: name a folder that dataset_tool.py made, such as create_faces DIR")
    if values.threads is not None and values.threads < 1:
        raise UserError(f"--threads={values.threads}: expected 1 or more")
    if values.pack and not values.pack.endswith(".npz"):
        raise UserError(f"--pack={values.pack}: the name must end in .npz")
    from stylegan_tf.data.attributes import chosen, find_list, read_attributes
    from stylegan_tf.data.records import open_data_set
    from stylegan_tf.weights.registry import ATTRIBUTES

    data_set = open_data_set(values.dataset)
    listed = read_attributes(values.attributes or find_list(data_set), data_set.num_images)
    names = chosen(listed.names, values.only.split(","), ATTRIBUTES)
    how = recipe(_row(values.hardware), data_set.resolution, values.resolution, values.total_kimg, values.seed)
    where = values.outdir or f"results/classifiers-{data_set.name}-{how.resolution}"
    print(_note(how, len(names), data_set.num_images), flush=True)
    from stylegan_tf.programs import classifiers  # imports TensorFlow, which takes seconds

    job = classifiers.Job(data_set, listed, names, how, Path(where), values.features, values.pack, values.threads)
    classifiers.train(job)


def _row(hardware: str) -> str:
    """The paper's recipe is for a single card, however many there are."""
    if hardware != "auto":
        return hardware
    return "cpu" if auto_row() == "cpu" else "1gpu"


def _note(how: Recipe, attributes: int, pictures: int) -> str:
    side, what = how.resolution, "attribute" if attributes == 1 else "attributes"
    small = "; the cpu row trains narrow networks, the paper's are those of --hardware=1gpu"
    return (
        f"{attributes} {what} at {side}x{side} on {pictures:,} pictures, {how.total_kimg:g} kimg each, "
        f"hardware row {how.hardware}{small if how.hardware == 'cpu' else ''}"
    )


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
