"""The metrics by name, and their numbers in one table. Imports neither TensorFlow nor what computes them."""

import difflib
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from stylegan_tf.errors import UserError


@dataclass(frozen=True)
class Metric:
    """One metric. `family` is the module that computes it; fields that it does not use keep their defaults."""

    name: str
    family: str  # fid | kid | precision_recall | inception_score | ppl | ls
    network: str  # what it looks through: features | classes | distance | classifiers
    samples: int
    about: str
    needs_reals: bool = False
    suffixes: tuple[str, ...] = ("",)  # of its results' names
    space: str = ""  # ppl: z | w
    sampling: str = ""  # ppl: full | end
    crop: bool = True  # ppl
    epsilon: float = 1e-4  # ppl
    keep: int = 0  # ls: most confident samples of each attribute
    random_labels: bool = False  # of conditional networks, in place of the official zeros; the name ends in _labels


class Asked(NamedTuple):
    """A metric, and the networks that it is to be computed with; None: whichever are chosen elsewhere."""

    metric: Metric
    nets: str | None

    @property
    def name(self) -> str:
        """For instance 'fid5k@faces'."""
        return self.metric.name + (f"@{self.nets}" if self.nets else "")


def _ppl(space: str, sampling: str, about: str) -> Metric:
    return Metric(f"ppl_{space}{sampling}", "ppl", "distance", 100_000, about, space=space, sampling=sampling)


_ALL = (
    Metric("fid50k", "fid", "features", 50_000, "Frechet inception distance", needs_reals=True),
    Metric("kid50k", "kid", "features", 50_000, "kernel inception distance", needs_reals=True),
    Metric(
        *("pr50k3", "precision_recall", "features", 50_000, "improved precision and recall, 3 neighbours"),
        needs_reals=True,
        suffixes=("_precision", "_recall"),
    ),
    Metric(
        *("is50k", "inception_score", "classes", 50_000, "inception score: mean and deviation over 10 splits"),
        suffixes=("_mean", "_std"),
    ),
    _ppl("z", "full", "perceptual path length in Z, full paths"),
    _ppl("w", "full", "perceptual path length in W, full paths"),
    _ppl("z", "end", "perceptual path length in Z, ends of the paths"),
    _ppl("w", "end", "perceptual path length in W, ends of the paths"),
    replace(
        _ppl("w", "end", "path length as StyleGAN2 measures it: no crop, another scale"),
        name="ppl2_wend",
        samples=50_000,
        crop=False,
    ),
    Metric(
        *("ls", "ls", "classifiers", 200_000, "linear separability in Z and W, 40 attributes"),
        suffixes=("_z", "_w"),
        keep=100_000,
    ),
)
METRICS = {metric.name: metric for metric in _ALL}

_LABELS = "_labels"
_COUNT = r"(?P<count>\d+(?:\.\d{1,3})?)k"
_SCALED = {  # how the names with another number of samples look
    **{f"{name}50k": re.compile(f"{name}{_COUNT}") for name in ("fid", "kid", "is")},
    "pr50k3": re.compile(f"pr{_COUNT}3"),
    **{name: re.compile(f"{name}_{_COUNT}") for name in METRICS if "50k" not in name},
}


def find(name: str) -> Asked:
    """The metric of a name such as fid50k, fid5k, ppl_wend_1k, fid50k_labels or fid5k@faces.

    Raises UserError for a name that is none, with the nearest one that is.
    """
    plain, at, nets = name.partition("@")
    if at and not re.fullmatch(r"[\w.-]+", nets):
        raise UserError(f"--metrics={name}: after @ comes the name of the networks, for instance {plain}@faces")
    metric = _counted(plain.removesuffix(_LABELS))
    if metric:
        return Asked(_labelled(metric) if plain.endswith(_LABELS) else metric, nets or None)
    near = difflib.get_close_matches(plain.lower(), METRICS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(METRICS)}"
    raise UserError(f"--metrics={name}: there is no metric {plain}; {hint}")


def asked_for(names: str) -> list[Asked]:
    """Metrics by their names with commas between; "" for none. Raises UserError for a name that is none."""
    return [find(name.strip()) for name in names.split(",")] if names else []


def scaled(metric: Metric, samples: int) -> Metric:
    """The metric with another number of samples, which its name then says; linear separability keeps the same share."""
    original = next(one for one in _ALL if _kind(one) == _kind(metric))
    if metric.random_labels:
        return _labelled(scaled(original, samples))
    if samples == original.samples:
        return original
    if samples < 2:
        raise UserError(f"{metric.name} of {samples} samples: ask for 2 at least")
    thousands = f"{(Decimal(samples) / 1000).normalize():f}k"
    if "50k" in original.name:
        name = original.name.replace("50k", thousands)
    else:
        name = f"{original.name}_{thousands}"
    return replace(original, name=name, samples=samples, keep=samples * original.keep // original.samples)


def listing() -> str:
    """One line for each metric: its name, number of samples, and what it is."""
    lines = [f"  {metric.name:<10} {metric.samples:>9,} samples   {metric.about}" for metric in _ALL]
    more = "Other numbers of samples: fid5k, kid10k, pr5k3, is5k, ppl_wend_1k, ls_2k. Networks: fid50k@faces.\n"
    more += "Conditional networks get labels of zeros, as in the official metrics; fid50k_labels: random ones."
    return "\n".join([*lines, more])


def _counted(name: str) -> Metric | None:
    """The metric of a name without labels and networks."""
    if name in METRICS:
        return METRICS[name]
    for original, pattern in _SCALED.items():
        if match := pattern.fullmatch(name):
            return scaled(METRICS[original], int(Decimal(match["count"]) * 1000))
    return None


def _labelled(metric: Metric) -> Metric:
    return replace(metric, name=metric.name + _LABELS, random_labels=True)


def _kind(metric: Metric) -> tuple:
    return metric.family, metric.space, metric.sampling, metric.crop
