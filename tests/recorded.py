"""Numbers recorded from the official code (tests/golden) and how ours are compared with them.

Large arrays are kept thinned: their largest absolute number, their L2 norm and 64 of their elements. With
STYLEGAN_TF_RECORDED naming a folder of files where everything is whole, the same tests compare everything.
"""

import json
import os
from pathlib import Path

import numpy as np
from keras import ops

FOLDER = Path(os.environ.get("STYLEGAN_TF_RECORDED", Path(__file__).parent / "golden"))
ELEMENTS = 64


class Thinned:
    """What is left of an array: `largest` |element|, `norm` (L2), `elements` (64 at even distances)."""

    def __init__(self, numbers):
        self.largest, self.norm, self.elements = float(numbers[0]), float(numbers[1]), np.asarray(numbers[2:])


def thin(array) -> np.ndarray:
    """[largest |element|, L2 norm, 64 elements at even distances in C order], float32. Small arrays repeat elements."""
    flat = np.asarray(whole(array), np.float64).reshape(-1)
    at = np.linspace(0, flat.size - 1, ELEMENTS).round().astype(int)
    return np.concatenate([[np.abs(flat).max(), np.linalg.norm(flat)], flat[at]]).astype(np.float32)


class Recorded:
    """One recorded file. recording[name] is an array, or a Thinned one."""

    def __init__(self, name: str):
        with np.load(FOLDER / f"{name}.npz") as file:
            self.arrays = {key: file[key] for key in file.files}
        names, rows = self.arrays.pop("thinned_names", ()), self.arrays.pop("thinned", ())
        self.arrays |= {str(name): Thinned(row) for name, row in zip(names, rows, strict=True)}

    def __getitem__(self, name: str):
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def group(self, prefix: str) -> dict:
        """{local name: array} of everything called prefix/..."""
        return {name[len(prefix) + 1 :]: array for name, array in self.arrays.items() if name.startswith(prefix + "/")}

    @property
    def kwargs(self) -> dict:
        """The official arguments of its networks."""
        return json.loads(str(self.arrays["kwargs_json"]))


def whole(ours) -> np.ndarray:
    """An array, or a tensor of any of Keras's backends, wherever it lies and whether or not it has a gradient."""
    return ops.convert_to_numpy(ours)


def elements(ours, official) -> tuple[np.ndarray, np.ndarray]:
    """The elements of ours and of the official array that can be compared."""
    ours = whole(ours)
    if isinstance(official, Thinned):
        return thin(ours)[2:], official.elements
    assert ours.shape == official.shape, f"the shape is {ours.shape}, recorded {official.shape}"
    return ours, official


def worst(ours, official) -> float:
    """The largest difference of an element."""
    ours, official = elements(ours, official)
    return float(np.abs(np.asarray(ours, np.float64) - official).max())


def relative(ours, official) -> float:
    """The largest difference, of an element or of the largest elements, in units of the largest official |element|."""
    if isinstance(official, Thinned):
        return max(worst(ours, official), abs(float(thin(ours)[0]) - official.largest)) / official.largest
    return worst(ours, official) / float(np.abs(official).max())


def relative_l2(ours, official) -> float:
    """L2 norm of the difference (if thinned: the difference of the norms) in units of the official norm."""
    if isinstance(official, Thinned):
        return abs(float(thin(ours)[1]) - official.norm) / official.norm
    return float(np.linalg.norm(np.asarray(whole(ours), np.float64) - official) / np.linalg.norm(official))


def share_within(pairs, tolerance: float) -> float:
    """The share of elements, of all (ours, official) pairs together, that differ by `tolerance` at most."""
    good = [np.abs(np.subtract(*elements(ours, official))).ravel() <= tolerance for ours, official in pairs]
    return float(np.concatenate(good).mean())
