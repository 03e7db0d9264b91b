"""Two sets of pictures compared, whoever made them: run_metrics.py compare A B."""

import json
import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stylegan_tf import environment, rundir
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.configs.stages import is_resolution, stage_of
from stylegan_tf.data.importers.batches import PictureFiles, picture_files
from stylegan_tf.data.importers.tar import packing
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.errors import Failure, UserError
from stylegan_tf.file_kinds import of_file
from stylegan_tf.metrics import definitions, feature_extractors
from stylegan_tf.metrics.definitions import FEWEST, METRICS, SMALLEST
from stylegan_tf.programs.foreign_flags import COMPARE
from stylegan_tf.weights import download, load, registry

if TYPE_CHECKING:
    from stylegan_tf.devices import Replicas
    from stylegan_tf.metrics import report
    from stylegan_tf.metrics.feature_extractors import FeatureExtractor
    from stylegan_tf.metrics.fid import Gaussian
    from stylegan_tf.metrics.samples import OnProgress

WHAT = (
    "Compares two sets of pictures: python run_metrics.py compare A B\n\nA is measured by B. Each is a folder, zip or "
    "tar file of pictures, a data set, or a network (anything that --network takes)."
)
KNOWN = {"fid": METRICS["fid50k"], "kid": METRICS["kid50k"], "pr": METRICS["pr50k3"]}
MOST = 50_000  # pictures, where no number is asked for
BATCH = 32
FLAGS = {
    "What is measured": (
        Flag("metrics", "text", "fid,kid,pr", "with commas, such as fid,kid@faces (default: fid,kid,pr)"),
        Flag(
            "num_samples",
            "whole",
            None,
            f"the first so many pictures of each (default: {MOST:,}, or all where there are fewer; of a network as "
            "many as of the other)",
        ),
    ),
    "How": (
        Flag("resolution", "whole", None, "central squares, resized as by dataset_tool.py (default: as they are)"),
        Flag("background", "text", None, "colour behind transparent pictures: a name or #rrggbb"),
        Flag("mirror", "switch", False, "pictures of B left-right with probability 1/2"),
        Flag("nets", "path", "auto", "networks that metrics look through, as without compare (default: auto)"),
        Flag("seed", "whole", 0, "of what is random: subsets of kid, pictures of a network (default: 0)"),
        Flag("batch", "whole", 0, f"pictures at once on each device (default: {BATCH}, or by the size of the network)"),
        Flag("replicas", "whole", 0, "devices (default: every GPU, or one CPU)"),
    ),
    "Where it goes": (Flag("json", "switch", False, "JSON on standard output, all else on standard error"),),
}
# what stands behind a value: of which pictures it is the share
SHARES = {"_precision": "of A that look like pictures of B", "_recall": "of B that pictures of A look like"}


@dataclass(frozen=True)
class Side:
    """One of the two sets. what: its pictures, or the file of the network that makes them."""

    place: str
    what: PictureFiles | DataSet | Path
    size: tuple[int, int]  # width and height
    count: int = 0  # pictures that are looked at
    mirror: bool = False


def run(arguments: Sequence[str]) -> None:
    """Does what the command line (behind `compare`) says. Raises UserError for what cannot be."""
    places: list[str] = []
    values = parse(arguments, FLAGS, COMPARE, places)
    if values is None:
        print(help_text(WHAT, FLAGS))
        return
    with ExitStack() as stack, redirect_stdout(sys.stderr) if values.json else nullcontext():
        asked = _asked(values)
        sides = _sides(places, values, stack)
        _check(sides, asked)
        environment.check_backend("run_metrics.py")
        found = compare(sides, asked, values.seed, values.batch, values.replicas)
    if values.json:
        print(json.dumps(found, allow_nan=False))


def compare(sides: Sequence[Side], asked: dict[str, list[str]], seed: int, batch: int, replicas: int) -> dict[str, Any]:
    """Prints the values, and returns them with what they depend on. asked: kind of networks -> metrics."""
    import tensorflow as tf

    from stylegan_tf.devices import Replicas, full_float32
    from stylegan_tf.metrics.feature_extractors import feature_extractor

    full_float32()
    tf.config.experimental.enable_op_determinism()
    devices = Replicas(replicas)
    for letter, side in zip("AB", sides, strict=True):
        print(f"{letter}: {side.count:,} pictures of {_shown(side)}, {side.place}", flush=True)
    values: dict[str, float] = {}
    nets = {}
    for kind, metrics in asked.items():
        extractor = feature_extractor("features", kind, devices)
        at = f"@{extractor.suffix}" if extractor.suffix else ""
        nets[extractor.name] = extractor.digest
        for name, value in _values(sides, metrics, extractor, devices, seed, batch):
            metric, _, suffix = name.partition("_")
            values[full := metric + at + (suffix and f"_{suffix}")] = value
            print(f"{full:<24} {value:<12.6g} {SHARES.get(f'_{suffix}', '')}".rstrip(), flush=True)
    described = [{"place": side.place, "pictures": side.count, "size": list(side.size)} for side in sides]
    facts = {"seed": seed, "mirror": sides[1].mirror, "nets": nets}
    return {"values": values, "a": described[0], "b": described[1]} | facts


def _values(
    sides: Sequence[Side],
    metrics: Sequence[str],
    extractor: "FeatureExtractor",
    replicas: "Replicas",
    seed: int,
    batch: int,
) -> Iterator[tuple[str, float]]:
    """(metric with the suffix of the value, value). Features are kept only where more than FID is asked for."""
    from stylegan_tf.metrics import features, fid, kid, precision_recall, report

    kept: list[np.ndarray] = []
    gaussians: list[Gaussian] = []
    for letter, side in zip("AB", sides, strict=True):
        with report.Live(letter) as live:
            parts = partial(_features, side, extractor, replicas, seed, batch, partial(_told, live))
            if metrics == ["fid"]:
                gaussians.append(_statistics(side, extractor, parts))
            else:
                kept.append(features.collected(parts(), side.count))
    for name in metrics:
        found: Sequence[float]
        if name == "fid":
            gaussians = gaussians or [fid.statistics_of([of_side]) for of_side in kept]
            _warn(sides, len(gaussians[0].mean))
            found = (fid.frechet_distance(*gaussians),)
        elif name == "kid":
            found = kid.kernel_distance(kept[0], kept[1], seed)
        else:
            found = precision_recall.precision_recall(kept[0], kept[1])
        for suffix, value in zip(KNOWN[name].suffixes, found, strict=True):
            if not np.isfinite(value):
                raise Failure(f"{name}{suffix} is {value}")
            yield name + suffix, value


def _features(
    side: Side, extractor: "FeatureExtractor", replicas: "Replicas", seed: int, batch: int, live: "OnProgress"
) -> Iterator[np.ndarray]:
    """float32 [k, F], in the order of the pictures."""
    from stylegan_tf.metrics import features
    from stylegan_tf.metrics.samples import Fakes
    from stylegan_tf.networks.sampling import batch_size

    if isinstance(side.what, Path):
        with replicas.scope():
            opened, stage, fade = load.opened(side.what)
        Gs: Any = opened.Gs or opened.G
        fakes = Fakes(Gs, replicas, seed, batch or batch_size(Gs), None, stage, fade, live)
        yield from features.of_fakes(fakes, extractor, side.count)
        return
    if isinstance(side.what, DataSet):
        pictures = features.real_batches(side.what, side.count, side.mirror)
    else:
        pictures = side.what.batches()
        pictures = features.mirrored(pictures) if side.mirror else pictures
    yield from features.of_reals(pictures, extractor, replicas, batch or min(BATCH, side.count), live, side.count)


def _told(live: "report.Live", what: str, done: int, total: int) -> None:
    """Both sets may be real, or neither."""
    live("pictures", done, total)


def _statistics(side: Side, extractor: "FeatureExtractor", parts) -> "Gaussian":
    """Those of a data set are kept, as for the real pictures of other metrics."""
    from stylegan_tf.metrics import cache, fid

    if not isinstance(side.what, DataSet):
        return fid.statistics_of(parts())
    key = cache.Key(cache.fingerprint(side.what), extractor.digest, side.count, side.mirror)
    return cache.statistics(Path("metrics") / cache.FOLDER, key, lambda: fid.statistics_of(parts()))


def _warn(sides: Sequence[Side], num_features: int) -> None:
    fewest = min(side.count for side in sides)
    if fewest <= num_features:
        print(
            f"warning: {fewest:,} pictures are few for FID: the covariance of {num_features:,} features is singular "
            "with no more pictures than features, and FID is larger the fewer there are; compare it only with FID of "
            "as many pictures, or take kid, which does not depend on their number",
            file=sys.stderr,
            flush=True,
        )


# --- what is asked for


def _asked(values: Any) -> dict[str, list[str]]:
    """kind of networks -> metrics. Fetches the networks."""
    for name in ("num_samples", "batch", "replicas", "seed"):
        if getattr(values, name) is not None and getattr(values, name) < 0:
            raise UserError(f"--{name}={getattr(values, name)} must not be negative")
    if values.num_samples == 0:
        raise UserError("--num_samples=0 leaves nothing to compare: give 2 or more")
    asked: dict[str, list[str]] = {}
    unseen = False  # by Inception, although other networks were not asked for
    for name in values.metrics.split(","):
        metric, _, own = name.strip().partition("@")
        if metric not in KNOWN:
            raise UserError(
                f"--metrics={name}: compare takes {', '.join(KNOWN)}, with @faces and the like behind; --num_samples "
                "says of how many pictures"
            )
        kind = feature_extractors.kind_of("features", own or values.nets)
        if metric in asked.setdefault(kind, []):
            raise UserError(f"--metrics={values.metrics}: {name} is asked for twice: once is enough")
        asked[kind].append(metric)
        unseen = unseen or (not own and values.nets == "auto" and kind == feature_extractors.FACES)
    for kind in asked:
        feature_extractors.fetch("features", kind)
    if unseen:
        print(
            "Inception is not here: pictures are seen through the features of the built-in faces. Such numbers, "
            "called @faces, can be compared with each other alone; --nets=open downloads Inception",
            file=sys.stderr,
            flush=True,
        )
    return asked


def _sides(places: Sequence[str], values: Any, stack: ExitStack) -> list[Side]:
    """Both sets, looked at without TensorFlow. Raises UserError where they do not fit together."""
    if len(places) != 2:
        given = f"got {len(places)}" + (f" ({', '.join(places)})" if places else "")
        raise UserError(
            f"{given}: name two sets of pictures to compare, A and B, as in run_metrics.py compare A B; metrics of a "
            "network are asked for by --metrics=fid50k"
        )
    if values.resolution is not None and not is_resolution(values.resolution):
        raise UserError(f"--resolution={values.resolution}: expected a power of two, 4 at least")
    most = MOST if values.num_samples is None else values.num_samples
    sides = [_side(place, most, values.resolution, values.background, stack) for place in places]
    a, b = sides
    if a.size != b.size:
        raise UserError(
            f"the pictures of {a.place} are {_shown(a)}, those of {b.place} {_shown(b)}: give a --resolution that both "
            "have or are larger than; files are cropped and resized to it"
        )
    if isinstance(b.what, Path) and values.mirror:
        raise UserError(f"--mirror is for the pictures of B, and {b.place} is a network: leave it out")
    others = [side.count for side in sides if side.count]
    counts = [side.count or (min(others) if others and values.num_samples is None else most) for side in sides]
    sides = [replace(side, count=count) for side, count in zip(sides, counts, strict=True)]
    sides[1] = replace(sides[1], mirror=values.mirror)
    return sides


def _check(sides: Sequence[Side], asked: dict[str, list[str]]) -> None:
    """Raises UserError where there are too few pictures, or of a wrong size, for what looks at them."""
    for side, (kind, metrics) in product(sides, asked.items()):
        fewest = max(FEWEST.get(KNOWN[metric].family, 2) for metric in metrics)
        if side.count < fewest:
            raise UserError(
                f"{side.place}: {side.count} pictures are too few for {','.join(metrics)}: {fewest} at least"
            )
        smallest = SMALLEST["features"][True]
        if kind == feature_extractors.FACES and (side.size[0] != side.size[1] or side.size[0] % smallest):
            raise UserError(
                f"the pictures of {side.place} are {_shown(side)}, and the features of faces need squares of "
                f"{smallest}, {2 * smallest}, ...: give --resolution={smallest} or more, or --nets=open"
            )


def _side(place: str, most: int, resolution: int | None, background: str | None, stack: ExitStack) -> Side:
    """What a place is: a data set, a network, or pictures. count 0: a network's pictures are as many as one likes."""
    path = Path(place)
    if path.is_dir() and any(path.glob("*-r[0-9][0-9].tfrecords")):
        return _of_data_set(place, most, resolution)
    if (network := _network(place)) is not None:
        G = next(filter(None, map(load.declared(network)[0].get, ("Gs", "G"))), None)
        if G is None:
            raise UserError(f"{place} holds a discriminator, which makes no pictures")
        if G.num_channels not in (1, 3):
            raise UserError(f"{place}: {definitions.OTHER_CHANNELS.format(G.num_channels)}")
        if resolution not in (None, G.resolution):
            raise UserError(f"--resolution={resolution}: the network {place} makes {G.resolution}x{G.resolution}")
        return Side(place, network, (G.resolution, G.resolution))
    files = stack.enter_context(picture_files(place, most, resolution, background))
    return Side(place, files, files.size, len(files.sources))


def _of_data_set(place: str, most: int, resolution: int | None) -> Side:
    data = open_data_set(place)
    if data.channels not in (1, 3):
        raise UserError(f"{place} has pictures of {data.channels} channels; metrics see RGB, so they need 3, or 1")
    side = resolution or data.resolution
    data.path(stage_of(side))  # says which there are
    data = replace(data, stages=tuple(stage for stage in data.stages if 2**stage <= side), resolution=side)
    return Side(place, data, (side, side), min(most, data.num_images))


def _network(place: str) -> Path | None:
    """The file of the generator that is meant; None for a folder or archive of pictures."""
    path = Path(place)
    if path.is_dir():
        with suppress(UserError):
            return load.generator_file(path)
        if (path / rundir.CONFIG).is_file() and (path / rundir.LOG).is_file():
            return load.generator_file(path)  # which says what there is in this run
        return None
    if path.is_file():
        if path.suffix != ".keras" and (zipfile.is_zipfile(path) or packing(os.fspath(path)) is not None):
            return None
        if path.suffix not in rundir.NETWORK_SUFFIXES and (kind := of_file(path)):
            raise UserError(f"{place} is {kind}; name a folder, zip or tar file of pictures, a data set or a network")
    elif not (download.is_address(place) or place == load.FACES or registry.find(place)):
        raise UserError(
            f"there is no {place}; name a folder, zip or tar file of pictures, a data set, or a network as --network "
            "takes it"
        )
    return load.generator_file(place)


def _shown(side: Side) -> str:
    return f"{side.size[0]}x{side.size[1]}"
