"""Statistics of real pictures, kept between evaluations."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stylegan_tf import files, plain_npz
from stylegan_tf.data.framing import FOOTER
from stylegan_tf.data.layout import DataSet
from stylegan_tf.metrics.fid import Gaussian

FOLDER = ".metrics"  # in that of the results; samples of linear separability are there too


@dataclass(frozen=True)
class Key:
    """What the statistics depend on."""

    data_set: str  # its fingerprint
    network: str  # digest of the feature network
    count: int  # pictures
    mirror: bool  # whether they were mirrored at random

    def file_name(self) -> str:
        """A name of its own for every key."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"reals-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def fingerprint(data_set: DataSet) -> str:
    """SHA-256 of the lengths and the stored checksums of all pictures of the final resolution, in their order.

    It depends on every pixel and on nothing else, and reads a few bytes per picture.
    """
    path = data_set.path(data_set.stages[-1])
    starts, lengths = data_set.index(data_set.stages[-1])
    digest = hashlib.sha256(np.asarray(lengths, "<i8").tobytes())
    with open(path, "rb", buffering=0) as file:
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            digest.update(os.pread(file.fileno(), FOOTER, start + length))
    return digest.hexdigest()


def statistics(folder: Path, key: Key, compute: Callable[[], Gaussian]) -> Gaussian:
    """The statistics of `key` from `folder`, or, where they are not there, what `compute` gives, which is kept.

    A file that is damaged, or holds something else, is told in one line and made anew.
    """
    path = folder / key.file_name()
    if path.exists():
        try:
            return _read(path, key)
        except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"{path} does not hold the statistics that its name says ({said}): they are made anew", flush=True)
    found = compute()
    folder.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
        key_text = np.array(json.dumps(asdict(key)))
        np.savez(file, key=key_text, count=np.array(found.count), mean=found.mean, covariance=found.covariance)
    return found


def _read(path: Path, key: Key) -> Gaussian:
    file = plain_npz.read(path)
    if json.loads(str(file["key"])) != asdict(key):
        raise ValueError("it is of other pictures or another network")
    found = Gaussian(int(file["count"]), file["mean"], file["covariance"])
    size = found.mean.size
    shapes = (found.mean.shape, found.covariance.shape)
    if found.count < 2 or shapes != ((size,), (size, size)):
        raise ValueError(f"shapes {shapes}, count {found.count}")
    if {found.mean.dtype, found.covariance.dtype} != {np.dtype(np.float64)}:
        raise ValueError("it is not float64")
    if not (np.isfinite(found.mean).all() and np.isfinite(found.covariance).all()):
        raise ValueError("some numbers are not finite")
    return found
