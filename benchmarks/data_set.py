"""How fast data sets are made and read back: python benchmarks/data_set.py

Makes pictures in a temporary folder, a data set of them with every compression, and feeds and trains from those. Each
part can be asked for by its name: records, import, feed, train.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script sees only its own folder

import numpy as np
from PIL import Image

from stylegan_tf.data import example
from stylegan_tf.data.faces.create import faces
from stylegan_tf.data.importers.images import create_from_images
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.writing import Writer, encode_levels
from stylegan_tf.errors import exit_code

SIDES = {64: 4000, 512: 400}  # resolution -> pictures that are imported
DISTINCT = {64: 200, 512: 12}  # pictures drawn; the others are these, shifted
LEVELS = (1, 3, 6, 9)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables that were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parts = {"records": records, "import": imports, "feed": feeds, "train": trains}
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(parts))
    parser.add_argument("--workers", type=int, default=2, help="processes that import")
    parser.add_argument("--repeats", type=int, default=5, help="turns of feed and train")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(parts):
        parser.error(f"there is no part {sorted(unknown)[0]}; choose from {', '.join(parts)}")
    for name in options.parts or parts:
        parts[name](options)


def drawn(side: int) -> np.ndarray:
    """Cartoon faces, uint8 [n, side, side, 3]."""
    return np.stack([picture for picture, _ in faces(DISTINCT[side], side, 1)])


def photographed(side: int) -> np.ndarray:
    """Clouds with grain, whose neighbouring pixels are as alike as those of photographs, uint8 [n, side, side, 3]."""
    random = np.random.default_rng(0)
    total = np.zeros((DISTINCT[side], side, side, 3), np.float32)
    coarse = 4
    while coarse <= side:
        for picture in total:
            for channel, weight in enumerate((1.0, 0.9, 0.8)):
                blotches = Image.fromarray(random.normal(size=(coarse, coarse)).astype(np.float32))
                picture[..., channel] += np.asarray(blotches.resize((side, side), Image.Resampling.BICUBIC)) / coarse
                picture[..., channel] *= weight
        coarse *= 2
    total -= total.min()
    return (total * (250 / total.max()) + random.normal(size=total.shape)).clip(0, 255).astype(np.uint8)


def records(options: argparse.Namespace) -> None:
    """What it costs to turn pictures in memory into records, and how large they are."""
    print("\n| pictures | compression | level | img/s per core | of the raw size |\n|---|---|---|---|---|")
    for side in SIDES:
        for kind, pictures in (("drawn", drawn(side)), ("photographs", photographed(side))):
            raw = sum(map(len, encode_levels(pictures)))
            for compression in example.COMPRESSIONS:
                for level in LEVELS if compression == "png" else (1,):
                    with _level(level):
                        seconds, blobs = _cpu(lambda pictures, how: encode_levels(pictures, how), pictures, compression)
                    size = sum(map(len, blobs)) / raw
                    name = "" if compression == "none" else level
                    rate = len(pictures) / seconds
                    print(f"| {kind} {side}x{side} | {compression} | {name} | {rate:,.0f} | {size:.0%} |", flush=True)


def imports(options: argparse.Namespace) -> None:
    """create_from_images from a folder: reading, decoding, all levels, writing, flushing to the disk."""
    print(f"\n{options.workers} workers\n")
    print("| pictures | files | compression | img/s | img/s per core by CPU time |\n|---|---|---|---|---|")
    for side, count in SIDES.items():
        for kind, pictures in (("drawn", drawn(side)), ("photographs", photographed(side))):
            for suffix in ("png", "jpg"):
                with tempfile.TemporaryDirectory() as folder:
                    _save_all(Path(folder, "in"), pictures, count, suffix)
                    for compression in example.COMPRESSIONS:
                        how = Options(compression=compression, workers=options.workers, overwrite=True)
                        wall, cpu = _times(create_from_images, Path(folder, "set"), Path(folder, "in"), how)
                        rates = f"{count / wall:,.0f} | {count / cpu:,.0f}"
                        print(f"| {kind} {side}x{side} | {suffix} | {compression} | {rates} |", flush=True)


def feeds(options: argparse.Namespace) -> None:
    """Minibatches of 64x64 from a set of each compression, in turn; nothing else is done with them."""
    from stylegan_tf.data.pipeline import Feed, Reader
    from stylegan_tf.devices import Replicas
    from stylegan_tf.draws import Rows

    print("\n| pictures | compression | img/s | img/s per core by CPU time |\n|---|---|---|---|")
    for kind, pictures in (("drawn", drawn(64)), ("photographs", photographed(64))):
        with _sets(pictures) as sets:
            found: dict[str, list[tuple[float, float]]] = {}
            for _ in range(options.repeats):
                for compression, data_set in sets.items():
                    feed = Feed(Reader(data_set, 6, 0), 0, 0, Rows(32, 4), Replicas(1))
                    next(feed)
                    found.setdefault(compression, []).append(
                        _times(lambda feed: [next(feed) for _ in range(300)], feed)
                    )
                    feed.close()
            for compression, times in found.items():
                wall, cpu = (300 * 32 / median(column) for column in zip(*times, strict=True))
                print(f"| {kind} 64x64 | {compression} | {wall:,.0f} | {cpu:,.0f} |", flush=True)


def trains(options: argparse.Namespace) -> None:
    """Config F of the cpu row at 64x64: the same steps with pictures of each compression, in turn."""
    import tensorflow as tf

    from stylegan_tf.configs import presets
    from stylegan_tf.data.pipeline import Feed, Reader
    from stylegan_tf.devices import Replicas
    from stylegan_tf.draws import Rows
    from stylegan_tf.training.autotune import measured
    from stylegan_tf.training.state import State
    from stylegan_tf.training.step import Steps

    minibatch, turns = 16, 12
    chosen, _ = measured(presets.experiment("F", "cpu", data_resolution=64, resolution=64))
    steps = Steps(State(chosen, Replicas(1)), chosen, 6, minibatch)
    nimg, fade, rate = tf.constant(0, tf.int64), tf.constant(1.0), tf.constant(0.001)

    def train(feed: Feed, iterations: int) -> None:
        for _ in range(iterations):
            pictures, labels, random_labels = next(feed)
            steps.d_step(pictures, labels, nimg, fade, rate)
            steps.g_step(random_labels, nimg, fade, rate)["G"].numpy()

    print("\n| pictures | compression | img/s | img/s per CPU second | of the speed of none, by CPU time |")
    print("|---|---|---|---|---|")
    with _sets(photographed(64)) as sets:
        replicas, rows = Replicas(1), Rows(minibatch, steps.group)
        feeds = {name: Feed(Reader(data_set, 6, 0), 0, 0, rows, replicas) for name, data_set in sets.items()}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in feeds}
        train(feeds["none"], 2)  # traces
        for _ in range(options.repeats):
            for name, feed in feeds.items():
                found[name].append(_times(train, feed, turns))
        for feed in feeds.values():
            feed.close()
        first = median(cpu for _, cpu in found["none"])
        for name, times in found.items():
            wall, cpu = (median(column) for column in zip(*times, strict=True))
            shown = turns * minibatch
            print(f"| photographs 64x64 | {name} | {shown / wall:.1f} | {shown / cpu:.1f} | {first / cpu:.3f} |")


@contextmanager
def _level(level: int) -> Iterator[None]:
    """Compresses harder than the data sets do."""
    usual, example._LEVEL = example._LEVEL, level
    try:
        yield
    finally:
        example._LEVEL = usual


@contextmanager
def _sets(pictures: np.ndarray) -> Iterator[dict[str, DataSet]]:
    """The same data set of 2000 pictures with each compression."""
    with tempfile.TemporaryDirectory() as folder:
        for compression in example.COMPRESSIONS:
            with Writer(Path(folder, compression), "set", pictures.shape[1], 3, compression=compression) as writer:
                for number in range(2000):
                    writer.add(_shifted(pictures, number))
        yield {compression: open_data_set(Path(folder, compression)) for compression in example.COMPRESSIONS}


def _save_all(folder: Path, pictures: np.ndarray, count: int, suffix: str) -> None:
    folder.mkdir()
    for number in range(count):
        Image.fromarray(_shifted(pictures, number)).save(folder / f"{number:06d}.{suffix}", quality=92)


def _shifted(pictures: np.ndarray, number: int) -> np.ndarray:
    turn, index = divmod(number, len(pictures))
    return np.roll(pictures[index], turn, axis=1)


def _times(work: Callable, *arguments) -> tuple[float, float]:
    """-> (wall seconds, CPU seconds of this process and of those that it started) of doing it once, quietly."""
    wall, cpu = time.perf_counter(), _spent()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        work(*arguments)
    return time.perf_counter() - wall, _spent() - cpu


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _cpu(work: Callable, *arguments) -> tuple[float, list[bytes]]:
    """-> (best CPU seconds of three times, what it returned)."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        result = work(*arguments)
        seconds.append(time.process_time() - start)
    return min(seconds), result


if __name__ == "__main__":
    sys.exit(exit_code(main))
