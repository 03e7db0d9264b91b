"""The folder of trained classifiers: what is in it, what is finished, and the table of their accuracy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylegan_tf import files
from stylegan_tf.errors import UserError
from stylegan_tf.weights.registry import ATTRIBUTES

ACCURACY, TABLE = "accuracy.json", "accuracy.md"


@dataclass(frozen=True)
class Place:
    """Where one network goes: `<stem><suffix>` with the weights and `<stem>.json` with what is known of it.

    The second is written last, so that where it is the training is finished.
    """

    folder: Path
    stem: str
    suffix: str = ".keras"

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.stem}{self.suffix}"

    @property
    def facts(self) -> Path:
        return self.folder / f"{self.stem}.json"

    def finished(self, conditions: Mapping[str, Any]) -> dict[str, Any] | None:
        """The facts of a network that is there; None where it must be trained.

        Raises UserError where it was trained otherwise than under these conditions.
        """
        if not (self.facts.exists() and self.weights.exists()):
            return None
        try:
            found = json.loads(self.facts.read_text(encoding="utf-8"))
            before = dict(found["conditions"])
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"{self.facts} is not what train_classifiers.py writes; remove it or name another --outdir"
            ) from None
        differing = [name for name in conditions if before.get(name) != conditions[name]]
        if differing:
            name = differing[0]
            change = f"{name} was {before.get(name)}, now it is {conditions[name]}"
            raise UserError(f"{self.weights} was trained otherwise ({change}); name another --outdir")
        return found

    def finish(self, conditions: Mapping[str, Any], scores: Any, seconds: float) -> dict[str, Any]:
        """Writes the facts, after the weights."""
        found = {"conditions": dict(conditions), "score": scores, "seconds": round(seconds, 1)}
        files.write_json(self.facts, found)
        return found


def stem(attribute: str, names: Sequence[str]) -> str:
    """'00-male': the official number and name. Attributes that CelebA has not follow from 40 on, in their order."""
    if attribute in ATTRIBUTES:
        number = ATTRIBUTES.index(attribute)
    else:
        number = len(ATTRIBUTES) + [name for name in names if name not in ATTRIBUTES].index(attribute)
    return f"{number:02d}-{attribute}"


def write_accuracy(folder: Path, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Writes accuracy.json and accuracy.md, which is the same as a table. Returns the table."""
    mean = sum(score["accuracy"] for score in scores.values()) / len(scores)
    lowest = min(scores, key=lambda name: scores[name]["accuracy"])
    summary = {"mean_accuracy": mean, "lowest": lowest, "attributes": {name: dict(one) for name, one in scores.items()}}
    files.write_json(folder / ACCURACY, summary)
    files.write_text(folder / TABLE, table(scores))
    return table(scores)


def table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """The scores in Markdown: a row for each attribute, then their means."""
    keys = ("accuracy", "balanced", "majority")
    rows = ["| attribute | accuracy | balanced accuracy | majority |", "|---|---|---|---|"]
    for name, score in scores.items():
        rows.append(f"| {name} | " + " | ".join(f"{score[key]:.3f}" for key in keys) + " |")
    means = [sum(score[key] for score in scores.values()) / len(scores) for key in keys]
    rows.append("| **mean** | " + " | ".join(f"**{mean:.3f}**" for mean in means) + " |")
    return "\n".join(rows) + "\n"


def as_json(scores: Any) -> dict[str, Any]:
    """A Score as JSON keeps it, rounded to what its pictures can tell."""
    return {name: round(value, 5) for name, value in asdict(scores).items()}
