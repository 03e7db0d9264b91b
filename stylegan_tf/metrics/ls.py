"""Linear separability (paper sec. 4.2, eq. 5; official linear_separability): scores of latents and logits."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from stylegan_tf import files, plain_npz
from stylegan_tf.errors import UserError
from stylegan_tf.metrics.ls_samples import Classifiers, Samples, drawn
from stylegan_tf.metrics.samples import Fakes


@dataclass(frozen=True)
class Attribute:
    """How well one hyperplane in each space ('z', 'w') separates what one classifier says.

    entropy: H(Y|X) in bits. normal: unit vector of the space, towards more of the attribute; zeros where all samples
    were of one class. settled: whether the support vector machine converged.
    """

    entropy: dict[str, float]
    normal: dict[str, np.ndarray]
    settled: dict[str, bool]


@dataclass(frozen=True)
class Separability:
    """What linear separability finds, attribute by attribute."""

    attributes: dict[str, Attribute]

    def spaces(self) -> tuple[str, ...]:
        """('z', 'w'), or ('z',) for a network without w."""
        return tuple(next(iter(self.attributes.values())).entropy)

    def score(self, space: str) -> float:
        """2^(sum of H(Y|X) in bits): the paper's exp of the sum in nats."""
        return float(2.0 ** sum(attribute.entropy[space] for attribute in self.attributes.values()))

    def directions(self) -> dict[str, np.ndarray]:
        """{'attributes': names [A], 'z': normals, unit vectors [A, z_dim], 'w': [A, w_dim]}."""
        found = {"attributes": np.array(list(self.attributes))}
        for space in self.spaces():
            found[space] = np.stack([attribute.normal[space] for attribute in self.attributes.values()])
        return found


def evaluate(
    fakes: Fakes,
    classifiers: Classifiers,
    num_samples: int = 200_000,
    keep: int = 100_000,
    workdir: Path | None = None,
    conditions: Mapping[str, object] | None = None,
    at_once: int = 8,
) -> Separability:
    """Linear separability of a generator's z and, where it has one, w.

    classifiers: (attribute, network) pairs; see ls_samples.Classifiers. Only `at_once` networks are held at a time, and
    for each such group all pictures are made again. keep: most confident samples that are used of each attribute.
    workdir: everything found is kept in this folder as it comes, and what is there already is not done again;
    conditions: what it depends on beside the numbers given here (digests of the networks). Raises UserError where the
    folder is of other conditions.
    """
    if not 0 < keep <= num_samples:
        raise UserError(f"the separability of {num_samples} samples cannot keep the {keep} most confident of them")
    with Samples(fakes, num_samples, workdir, conditions) as samples:
        found = {}
        for name, logits in drawn(samples, classifiers, at_once):
            found[name] = _kept(samples, name, keep) or judged(logits, samples.latents(), keep, fakes.seed)
            _keep(samples.folder, name, keep, found[name])
            fakes.on_progress("attributes judged", len(found), max(len(found), samples.attributes))
    if not found:
        raise UserError("linear separability needs the classifier of one attribute at least, and there is none")
    return Separability(found)


def judged(logits: np.ndarray, spaces: Mapping[str, np.ndarray], keep: int, seed: int = 0) -> Attribute:
    """One attribute. logits: [N]; spaces: name -> latents [N, dim]."""
    probabilities = probabilities_of(logits)
    chosen = most_confident(probabilities, keep)
    targets = np.argmax(probabilities[chosen], axis=1)
    entropy, normal, settled = {}, {}, {}
    for space, latents in spaces.items():
        outputs, normal[space], settled[space] = separated(latents[chosen], targets, seed)
        entropy[space] = conditional_entropy(joint_table(outputs, targets))
    return Attribute(entropy, normal, settled)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """softmax of [l, -l], so class 0 is the one with the attribute. [N] -> [N, 2] float32."""
    logits = np.asarray(logits, np.float32).reshape(-1)
    return scipy.special.softmax(np.stack([logits, -logits], axis=1), axis=1)


def most_confident(probabilities: np.ndarray, keep: int) -> np.ndarray:
    """Numbers of the `keep` samples that the classifier is surest of, the surest first, equal ones in order."""
    return np.argsort(-probabilities.max(axis=1), kind="stable")[:keep]


def separated(latents: np.ndarray, targets: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray, bool]:
    """A linear support vector machine's classes [n], its unit normal towards class 0 [dim], and whether it converged.

    latents: [n, dim], not scaled; targets: 0 or 1, [n]. scikit-learn's defaults: since its version 1.5 it solves the
    primal problem where there are more samples than dimensions, before it always solved the dual one, to the same
    optimum. Where there is only one class, the outputs are the targets and the normal is zeros, as there is no machine.
    """
    if len(np.unique(targets)) < 2:
        return targets, np.zeros(latents.shape[1], np.float32), True
    machine = LinearSVC(random_state=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        machine.fit(latents, targets)
    normal = -machine.coef_[0] / np.linalg.norm(machine.coef_[0])
    settled = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return machine.predict(latents), normal.astype(np.float32), settled


def joint_table(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Shares of samples by (output, target). [n], [n] of 0 or 1 -> [2, 2]."""
    return np.array([[np.mean((outputs == x) & (targets == y)) for y in (0, 1)] for x in (0, 1)])


def conditional_entropy(table: np.ndarray) -> float:
    """H(Y|X) = H(X, Y) - H(X) in bits, 0 at least. table: p(x, y) [X, Y], or counts."""
    p = np.asarray(table, np.float64)
    p = p / p.sum()
    return max(float(entropy(p) - entropy(p.sum(axis=1))), 0.0)


def entropy(p: np.ndarray) -> float:
    """- sum of p log2 p over all elements."""
    return float(scipy.special.entr(p).sum() / np.log(2))


def _keep(folder: Path, name: str, keep: int, found: Attribute) -> None:
    arrays: dict[str, Any] = {"keep": np.array(keep)}
    for space in found.entropy:
        arrays[f"entropy_{space}"] = np.array(found.entropy[space])
        arrays[f"normal_{space}"] = found.normal[space]
        arrays[f"settled_{space}"] = np.array(found.settled[space])
    with files.atomic_path(folder / f"judged-{name}.npz") as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def _kept(samples: Samples, name: str, keep: int) -> Attribute | None:
    path, sizes = samples.folder / f"judged-{name}.npz", samples.spaces()
    if not path.exists():
        return None
    try:
        file = plain_npz.read(path)
        if int(file["keep"]) != keep:
            return None
        found = Attribute(
            {space: float(file[f"entropy_{space}"]) for space in sizes},
            {space: file[f"normal_{space}"] for space in sizes},
            {space: bool(file[f"settled_{space}"]) for space in sizes},
        )
        normals_fit = all(found.normal[space].shape == (size,) for space, size in sizes.items())
        if normals_fit and np.isfinite([*found.entropy.values(), *map(np.sum, found.normal.values())]).all():
            return found
        raise ValueError("normals of other spaces, or numbers that are not finite")
    except (ValueError, LookupError, TypeError):
        print(f"{path} is damaged: its attribute is judged again", flush=True)
        return None
