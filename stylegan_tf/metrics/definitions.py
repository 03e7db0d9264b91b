"""The metrics by name, and their numbers in one table. Imports neither TensorFlow nor what computes them."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from stylegan_tf.configs.build import Pictures
from stylegan_tf.configs.schema import GeneratorConfig, ProganGeneratorConfig
from stylegan_tf.configs.stages import stage_of
from stylegan_tf.errors import UserError
from stylegan_tf.networks.stages import num_layers


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
    latents: int = 1  # fid: mixed in each picture
    space: str = ""  # ppl: z | w
    sampling: str = ""  # ppl: full | end
    crop: bool = True  # ppl
    epsilon: float = 1e-4  # ppl
    keep: int = 0  # ls: most confident samples of each attribute
    random_labels: bool = False  # of conditional networks, in place of the official zeros; the name ends in _labels

    @property
    def needs_data(self) -> bool:
        """Whether the data set that the network was trained on must be known: its pictures, or its labels."""
        return self.needs_reals or self.random_labels


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


def _mixed(latents: int) -> Metric:
    about = f"FID where {latents} latents are mixed in each picture (Table 2)"
    return Metric(f"fid50k_mix{latents}", "fid", "features", 50_000, about, needs_reals=True, latents=latents)


_ALL = (
    Metric("fid50k", "fid", "features", 50_000, "Frechet inception distance", needs_reals=True),
    *(_mixed(latents) for latents in (2, 3, 4)),
    Metric(
        *("kid50k", "kid", "features", 50_000, "kernel inception distance, and its deviation over 100 subsets"),
        needs_reals=True,
        suffixes=("", "_std"),
    ),
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

# The smallest sides of pictures that networks can look at, by role: the published ones, and those of the faces.
SMALLEST = {"features": (1, 32), "classes": (1, 1), "distance": (16, 8), "classifiers": (256, 32)}
FEWEST = {"inception_score": 10, "precision_recall": 4}  # samples: one in each split, a point and its neighbours

OTHER_CHANNELS = (
    "the network makes pictures of {} channels; metrics see RGB, so they need 3, or 1 that is repeated: alpha is not "
    "supported"
)
NO_W = "a Progressive GAN generator (config A) has no w: only the path lengths in z are defined for it"
NO_STYLES = (
    "latents are mixed where each layer takes a style, and the network has none (as configs A and B): ask for {}, "
    "which mixes nothing"
)

_LABELS = "_labels"
_COUNT = r"(?P<count>\d+(?:\.\d{1,3})?)k"
_SCALED = {  # how the names with another number of samples look
    name: re.compile(name.replace("50k", _COUNT) if "50k" in name else f"{name}_{_COUNT}") for name in METRICS
}
_SCALED["fid50k"] = re.compile(f"fid{_COUNT}(?:_mix1)?")  # one latent alone is none that is mixed


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
    """Metrics by their names with commas between; "" or "none": no metric. Raises UserError for a name that is none."""
    return [] if names in ("", "none") else [find(name.strip()) for name in names.split(",")]


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


def problems(
    asked: Sequence[Asked],
    G: GeneratorConfig | ProganGeneratorConfig,
    data: Pictures | None = None,
    nets: str = "auto",
) -> list[str]:
    """Why metrics cannot be had of a network, and what would be right, a sentence each; [] where all can.

    data: the real pictures; None: nobody knows what the network was trained on. nets: for metrics that name none; see
    feature_extractors.kind_of. Looks for files, without TensorFlow.
    """
    from stylegan_tf.metrics import feature_extractors

    found: list[str] = []
    if asked and G.num_channels not in (1, 3):
        found.append(OTHER_CHANNELS.format(G.num_channels))
    names: list[str] = []
    for metric, own in asked:
        try:
            kind = feature_extractors.kind_of(metric.network, own or nets)
        except UserError as error:
            found.append(f"{metric.name}: {error}")
            continue
        faces = kind == feature_extractors.FACES
        names.append(f"{metric.name}@{kind}" if faces else metric.name)
        if names.index(names[-1]) < len(names) - 1:
            found.append(f"{names[-1]} is asked for twice: once is enough")
            continue
        if faces and metric.network == "classes":
            found.append(feature_extractors.NO_CLASSES)
        found += (f"{names[-1]}: {why}" for why in _of_network(metric, kind, faces, G))
        found += _of_data(metric, names[-1], G, data)
    return list(dict.fromkeys(found))


def _of_network(metric: Metric, kind: str, faces: bool, G: GeneratorConfig | ProganGeneratorConfig) -> Iterator[str]:
    """What is wrong with a metric of this network, whatever the data."""
    if metric.space == "w" and isinstance(G, ProganGeneratorConfig):
        yield NO_W
    if metric.latents > 1:
        layers = num_layers(stage_of(G.resolution))
        if isinstance(G, ProganGeneratorConfig) or not G.use_styles:
            yield NO_STYLES.format(metric.name.partition("_")[0])
        elif layers < metric.latents:
            yield f"{metric.latents} latents cannot be mixed in the network's {layers} layers, of which each takes one"
    if metric.random_labels and not G.label_size:
        yield f"the network takes no labels: ask for {metric.name.removesuffix(_LABELS)}"
    if metric.samples < (fewest := FEWEST.get(metric.family, 2)):
        yield f"{metric.samples} samples are too few: ask for {fewest} at least"
    side = G.resolution // 2 if metric.family == "ppl" and metric.crop else G.resolution
    smallest = SMALLEST[metric.network][faces]
    published = kind in ("auto", "open", "official")  # a folder may hold classifiers of any size
    if side < smallest and (faces or published or metric.network != "classifiers"):
        seen = f", of which the middle {side}x{side} is seen" if side < G.resolution else ""
        yield (
            f"the network makes pictures of {G.resolution}x{G.resolution}{seen}, and the {metric.network} of "
            f"{kind} need {smallest}x{smallest} at least: choose other networks for it (--nets, or a name after @), a "
            "larger resolution, or another metric"
        )


def _of_data(
    metric: Metric, name: str, G: GeneratorConfig | ProganGeneratorConfig, data: Pictures | None
) -> Iterator[str]:
    """What is wrong with the real pictures, or the labels, for a metric that needs them."""
    if not metric.needs_data:
        return
    if data is None:
        yield f"{name}: nothing says what the network was trained on: name the pictures with --dataset"
        return
    side = f"{G.resolution}x{G.resolution}"
    if not data.lowest <= G.resolution <= data.highest:
        yield f"{data.name} has no pictures of {side}, which the network makes; name others with --dataset"
    if data.channels != G.num_channels:
        yield (
            f"the pictures of {data.name} have {data.channels} channels, those of the network {G.num_channels}; name "
            "others with --dataset"
        )
    if metric.random_labels and data.label_columns < G.label_size:
        yield (
            f"{name}: {data.name} has {data.label_columns or 'no'} labels, and the network takes {G.label_size}: ask "
            f"for {metric.name.removesuffix(_LABELS)}, or name a labelled set with --dataset"
        )
    repeats = metric.family == "fid"  # as the official code does
    if metric.needs_reals and not repeats and data.num_images is not None and data.num_images < metric.samples:
        fewer = f", or fewer samples, such as {scaled(metric, data.num_images).name}" if data.num_images > 3 else ""
        yield (f"{data.name} has {data.num_images} pictures, {name} asks for {metric.samples}: use a larger set{fewer}")


def listing() -> str:
    """One line for each metric: its name, number of samples, and what it is."""
    lines = [f"  {metric.name:<11} {metric.samples:>9,} samples   {metric.about}" for metric in _ALL]
    more = "Other numbers of samples: fid5k, fid5k_mix2, kid10k, pr5k3, is5k, ppl_wend_1k, ls_2k. "
    more += "Networks: fid50k@faces.\n"
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
    return metric.family, metric.latents, metric.space, metric.sampling, metric.crop
