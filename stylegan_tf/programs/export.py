"""A generator for other programs, in formats that need nothing of ours to be run: generate.py export."""

import logging
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylegan_tf import environment, files
from stylegan_tf.configs.crop import Rectangle
from stylegan_tf.errors import Failure, UserError

REPORT = "export.json"
CLOSE = 1e-4  # between numbers of pictures in [-1, 1]; of wider ones, such as an untrained network's, this part
TRIED = 2  # pictures that are compared
NOISES = ("const", "none")

Pictures = Callable[[Mapping[str, np.ndarray]], np.ndarray]  # {"z": [N, z_dim], "labels": if any} -> [N, H, W, C]


class Format(NamedTuple):
    """One format. file: its name in the folder; "." where it is the folder. packages: that it needs beside TensorFlow.

    write: (path, Gs, crop, arguments of a call) writes the file, and returns what computes pictures from it.
    """

    file: str
    packages: Sequence[str]
    write: Callable[[Path, Any, Rectangle | None, dict[str, Any]], Pictures]


def check(values: Any) -> None:
    """Raises UserError for flags that cannot be, before a network is looked for."""
    packages = FORMATS[values.format].packages
    if values.format != "npz":
        environment.check_backend(f"--format={values.format}")
    if missing := [name for name in packages if not environment.installed(name)]:
        raise UserError(f"--format={values.format} needs {' and '.join(packages)}: pip install {' '.join(missing)}")
    if values.format == "npz":
        for flag in ("psi", "cutoff", "noise", "crop"):
            if values[flag].present:
                raise UserError(f"--{flag} has no effect with --format=npz, which is of weights alone: leave it out")
    if not math.isfinite(values.psi):
        raise UserError(f"--psi={values.psi}: expected a number, such as 0.7")
    if values.noise not in NOISES:
        raise UserError(f"--noise={values.noise}: choose from {', '.join(NOISES)}; what is exported has no seed")


def export(values: Any, subject: Any) -> list[Path]:
    """Writes the folder, whole or not at all: the network, and export.json. Returns the path of the network.

    Raises Failure where what was written does not make the network's pictures.
    """
    Gs, chosen, crop = subject.Gs, FORMATS[values.format], subject.crop
    if values["noise"].present and (why := subject.lacks("noise")):
        raise UserError(f"{why}, so --noise has no effect: leave it out")
    arguments = {"psi": values.psi, "cutoff": values.cutoff, "noise": values.noise}
    arguments |= {"stage": subject.stage, "fade": subject.fade}
    inputs = {"z": np.random.RandomState(0).randn(TRIED, Gs.z_dim).astype(np.float32)}
    if Gs.label_size:
        inputs["labels"] = np.eye(Gs.label_size, dtype=np.float32)[np.arange(TRIED) % Gs.label_size]
    expected = _pictures(Gs, crop, arguments)(inputs)
    outdir = Path(values.outdir or f"exported/{values.format}")
    with files.atomic_folder(outdir) as folder:
        try:
            found = chosen.write(folder / chosen.file, Gs, crop, arguments)(inputs)
        except RuntimeError as error:
            raise Failure(f"{outdir} could not be written: {(str(error).splitlines() or ['?'])[0][:200]}") from None
        difference = float(np.abs(found - expected).max())
        most = CLOSE * max(1.0, float(np.abs(expected).max()))
        if not difference <= most:
            what = f"its pictures differ from the network's by {difference:.1e}, more than {most:.1e}"
            raise Failure(f"--format={values.format}: {what}; nothing was kept")
        about = {"network": str(subject.path), "sha256": files.sha256(subject.path), "format": values.format}
        if values.format != "npz":
            about |= {"inputs": {name: ["N", *array.shape[1:]] for name, array in inputs.items()}}
            about |= {"pictures": ["N", *found.shape[1:]], **arguments, "crop": crop and list(crop)}
        files.write_json(folder / REPORT, about | {"difference": difference})
    print(f"run on {TRIED} latents: it differs from the network by {difference:.1e} at most", flush=True)
    return [outdir / chosen.file]


def _pictures(Gs, crop: Rectangle | None, arguments: dict[str, Any]) -> Pictures:
    """The network itself."""
    from keras import ops

    return lambda inputs: _cropped(ops.convert_to_numpy(Gs(**inputs, **arguments)), crop)


def _cropped(images, crop: Rectangle | None):
    if crop is None:
        return images
    x, y, width, height = crop
    return images[:, y : y + height, x : x + width]


def _npz(path: Path, Gs, crop: Rectangle | None, arguments: dict[str, Any]) -> Pictures:
    from stylegan_tf.weights import names

    tensors: dict[str, Any] = names.to_tensors(Gs)
    np.savez(path, **tensors)
    again = type(Gs)(Gs.config, seed=1)
    with np.load(path) as written:
        names.assign(again, dict(written), names.default_fused_scale(again))
    return _pictures(again, crop, arguments)


def _by_keras(word: str, opened: Callable[[Path], Pictures]):
    """`write` of the format that Keras calls `word`; opened: path -> what computes pictures from it."""

    def write(path: Path, Gs, crop: Rectangle | None, arguments: dict[str, Any]) -> Pictures:
        import keras

        from stylegan_tf.networks.as_graphs import fused_upscaling

        # What tf2onnx cannot simplify it leaves as it is, with a traceback; and it asks for NumPy's older names.
        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings(), fused_upscaling(Gs):
            warnings.simplefilter("ignore")  # also TensorFlow's about where its interpreter will move
            model = Gs.as_functional(**arguments)
            model = keras.Model(model.inputs, _cropped(model.output, crop))
            model([keras.ops.zeros((1, *each.shape[1:])) for each in model.inputs])  # Keras asks for a call before
            model.export(path, format=word, verbose=False)
            return opened(path)

    return write


def _onnx(path: Path) -> Pictures:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)[0]


def _saved_model(path: Path) -> Pictures:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # which has to live as long as its function
    return lambda inputs: next(iter(loaded.signatures["serving_default"](**inputs).values())).numpy()


def _litert(path: Path) -> Pictures:
    import tensorflow as tf

    runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    return lambda inputs: next(iter(runner(**inputs).values()))


FORMATS = {
    "onnx": Format("Gs.onnx", ("tf2onnx", "onnxruntime"), _by_keras("onnx", _onnx)),
    "savedmodel": Format(".", (), _by_keras("tf_saved_model", _saved_model)),
    "litert": Format("Gs.tflite", (), _by_keras("litert", _litert)),
    "npz": Format("Gs.npz", (), _npz),
}
