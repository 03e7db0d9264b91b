"""The pictures of a folder, zip or tar file, read in batches by who looks at them: nothing is written."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from stylegan_tf.data.importers.ahead import in_threads
from stylegan_tf.data.importers.check import Faults, Header, pillow_limits, read_header, reason
from stylegan_tf.data.importers.images import open_sources
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.plan import Plan, Size, make_plan
from stylegan_tf.data.importers.source import Source, Unreadable
from stylegan_tf.data.importers.transform import decode, whole
from stylegan_tf.environment import cores
from stylegan_tf.errors import UserError
from stylegan_tf.progress import track

_MOST, _MOST_VALUES = 64, 2**24  # pictures, and numbers, in a batch


@dataclass(frozen=True)
class PictureFiles:
    """Files of a folder or archive whose headers are fit, and what their pictures become."""

    place: str
    sources: Sequence[Source]
    size: Size  # of every picture
    plan: Plan | None  # None: they stay as they are
    background: tuple[int, int, int] | None  # of what is transparent

    def batches(self) -> Iterator[np.ndarray]:
        """All pictures in order, uint8 [n, height, width, 3]; a few are held at a time.

        Raises UserError that lists all files that cannot be decoded; then the first batches may have come.
        """
        width, height = self.size
        most = max(1, min(_MOST, _MOST_VALUES // (width * height * 3)))
        faults, held = Faults(), []
        workers = min(cores(), 16)
        with pillow_limits(), closing(in_threads(self._pixels, self.sources, workers)) as results:
            for source, pixels in results:
                if isinstance(pixels, str):
                    faults.add(source.name, pixels)
                elif not faults:  # else the others are only looked at
                    held.append(pixels)
                if len(held) == most:
                    yield np.stack(held)
                    held = []
        _refuse(faults, self.place, len(self.sources))
        if held:
            yield np.stack(held)

    def _pixels(self, source: Source) -> np.ndarray | str:
        """Of one file; what is wrong with it, where it has none."""
        try:
            if self.plan is not None:
                return decode(source.read(), self.plan)[0]
            image, _ = whole(source.read(), 3, self.background)
            if image.size != self.size:
                raise Unreadable(f"it is {_shown(image.size)} when decoded, not {_shown(self.size)} as its header says")
            return np.array(image)
        except Exception as error:  # Pillow and its plugins raise nearly anything for foreign bytes
            return reason(error, empty=not source.size)


@contextmanager
def picture_files(
    place: str, most: int, resolution: int | None = None, background: str | None = None
) -> Iterator[PictureFiles]:
    """The first `most` files in the order of their names; they can be read while the block lasts.

    resolution: their central squares are resized to it as create_from_images does; None: they stay as they are, and
    must have one size. Grey becomes RGB. Raises UserError that lists all files whose headers are not fit.
    """
    options = Options(resolution=resolution, crop="center", channels="rgb", background=background)
    with open_sources(place) as found:
        sources = found.pictures[:most]
        if not sources:
            raise UserError(f"No input images found in {place}; name a folder, a zip or a tar file of pictures")
        faults = Faults()
        with pillow_limits():
            headers = list(track(map(read_header, sources), len(sources), f"scan {place}", "files"))
        plan = None if resolution is None else make_plan(sources, headers, options, faults)
        size = _common_size(sources, headers, faults) if plan is None else plan.content
        _refuse(faults, place, len(sources))
        yield PictureFiles(place, sources, size, plan, options.colour())


def _common_size(sources: Sequence[Source], headers: Sequence[Header], faults: Faults) -> Size:
    """That of the most pictures; those of others are added to `faults`."""
    counts = Counter(header.size for header in headers if not header.fault)
    size = max(counts, key=lambda each: (counts[each], each), default=(0, 0))
    for source, header in zip(sources, headers, strict=True):
        if header.fault:
            faults.add(source.name, header.fault)
        elif header.size != size:
            what = f"it is {_shown(header.size)}, most are {_shown(size)}"
            faults.add(source.name, f"{what}; all must have one size, or give --resolution")
    return size


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _refuse(faults: Faults, place: str, total: int) -> None:
    if faults:
        raise UserError("\n  ".join([f"{faults.head(place, total)}:", *faults.lines()]))
