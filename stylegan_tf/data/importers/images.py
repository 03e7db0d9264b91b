"""create_from_images: a folder, zip or tar file of pictures becomes a data set."""

import os
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from stylegan_tf.data.attributes import write_attributes
from stylegan_tf.data.importers import archive, folder
from stylegan_tf.data.importers.ahead import in_order, workers
from stylegan_tf.data.importers.check import LISTED, Faults, Header, limit_pillow, pillow_limits, read_headers
from stylegan_tf.data.importers.convert import Converted, convert, tasks
from stylegan_tf.data.importers.labels import Labels, read_labels
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.plan import Plan, make_plan
from stylegan_tf.data.importers.scan import check_room, counts, describe, estimate, foretell, free_space
from stylegan_tf.data.importers.source import Found, Source
from stylegan_tf.data.importers.store import official_order
from stylegan_tf.data.layout import DataSet, open_data_set
from stylegan_tf.data.writing import Writer, check_target
from stylegan_tf.errors import UserError
from stylegan_tf.progress import Eta, LiveLine, track

__all__ = ["Options", "create_from_images"]

_HEADERS = 64  # per task: one alone takes less time than handing it over
_MANY, _LARGE = 1000, 2**24  # files, or bytes of files, from which on processes are worth starting
_SKIPPED = 10000  # files that dataset.json names
_SOON = 5.0  # seconds until decoding has found every fault
_NOTED = ("resolution", "crop", "resize_filter", "channels", "background", "mirror", "max_images", "labels", "on_error")


@dataclass
class Job:
    """One run: what was asked, and what was found."""

    directory: str | os.PathLike
    origin: str  # folder or archive
    options: Options
    found: Found
    pool: Executor
    faults: Faults

    @property
    def total(self) -> int:
        return len(self.found.pictures)


def create_from_images(
    directory: str | os.PathLike, image_dir: str | os.PathLike, options: Options | None = None
) -> DataSet | None:
    """Makes the data set `directory` of the pictures in a folder, zip or tar file; None with `options.scan_only`.

    The order is the official one: sorted by name, then with `shuffle` permuted by np.random.RandomState(seed), of which
    the first `max_images` are taken; with `mirror` each picture is followed by its mirror image. The same pictures make
    the same records whatever the number of workers. By default the pictures must be square, of one size, a power of
    two, and all grey or all RGB; unlike the official tool, this one turns pictures as their EXIF says.

    All headers are read first, and a report says what was found. Raises UserError that lists all unfit files, also
    those found while decoding, and then writes nothing (on_error "fail"), or leaves them out ("skip"; max_images then
    counts them if they are found while decoding). Raises Failure where the disk is too small or refuses.
    """
    options = options or Options()
    if not options.scan_only:
        check_target(directory, options.overwrite)
    with open_sources(image_dir) as found, pillow_limits():
        if not found.pictures:
            raise UserError(f"No input images found in {image_dir}; name a folder, a zip or a tar file of pictures")
        many = len(found.pictures) >= _MANY or sum(source.size for source in found.pictures) >= _LARGE
        with workers(options.processes(), many, limit_pillow) as pool:
            _run(Job(directory, os.fspath(image_dir), options, found, pool, Faults()))
    return None if options.scan_only else open_data_set(directory)


def open_sources(image_dir: str | os.PathLike) -> AbstractContextManager[Found]:
    """The files in a folder, zip or tar file, which can be read while the block lasts."""
    if Path(image_dir).is_file():
        return archive.sources(image_dir)
    return nullcontext(folder.sources(image_dir))


def _run(job: Job) -> None:
    job.faults.found.update(job.found.clashes)
    headers = _read_headers(job)
    plan = make_plan(job.found.pictures, headers, job.options, job.faults)
    labels = read_labels(job.found, job.options.labels, job.faults)
    chosen = _choose(job)
    if plan is not None and job.options.scan_only:  # decoding shows the rest of what a real run would refuse
        for _ in _converted(job, plan, chosen):
            continue
        chosen = [source for source in chosen if source.name not in job.faults.found]
    _report(job, headers, plan, labels, chosen)
    if plan is None or not chosen:
        job.faults.refuse(job.origin, job.total)
    elif job.options.scan_only:
        if job.options.on_error == "fail" and job.faults:
            raise UserError(f"{job.faults.head(job.origin, job.total)}; the report above says why")
        check_target(job.directory, job.options.overwrite)
    elif job.options.on_error == "fail" and job.faults:
        for _ in _converted(job, plan, chosen):  # to report everything at once
            continue
        job.faults.refuse(job.origin, job.total)
    else:
        _write(job, plan, labels, chosen)


def _read_headers(job: Job) -> list[Header]:
    sources = job.found.pictures
    chunks = [sources[start : start + _HEADERS] for start in range(0, len(sources), _HEADERS)]
    ahead = 4 * job.options.processes()
    with closing(in_order(job.pool, read_headers, chunks, ahead)) as results:
        headers = (header for _, chunk in results for header in chunk)
        return list(track(headers, len(sources), "scan", "files"))


def _choose(job: Job) -> list[Source]:
    """The files without a fault, in the order of the data set."""
    options = job.options
    sources = [source for source in job.found.pictures if source.name not in job.faults.found]
    order = official_order(len(sources), options.shuffle, options.seed)
    return [sources[index] for index in order[: options.max_images]]


def _report(
    job: Job, headers: Sequence[Header], plan: Plan | None, labels: Labels | None, chosen: list[Source]
) -> None:
    """Prints what the scan found. Raises Failure where the data set would not fit on the disk."""
    options, faults, count = job.options, job.faults, job.options.processes()
    lines = [f"create_from_images: {job.total:,} files in {job.origin}", *describe(headers, labels)]
    if left_out := job.found.left_out:
        lines.append(f"left out {left_out.total():,} files and folders of systems and programs: {counts(left_out)}")
    lines += [f"unused   {what}" for what in faults.unused]
    free, needed, seconds = free_space(job.directory), 0, 0.0
    if plan is not None and chosen:
        told = estimate(job.pool, count, plan, options.compression, chosen, labels.size if labels else 0)
        lines.append(foretell(told, plan, options.compression, free, count))
        needed, seconds = told.size, told.seconds
    if faults:
        lines.append(f"faults   {faults.head(job.origin, job.total)}")
        if options.scan_only or options.on_error == "skip" or seconds > _SOON:  # else they come at once as an error
            lines += [f"  {line}" for line in faults.lines(None if options.scan_only else LISTED)]
    print("\n  ".join(lines), file=sys.stdout if options.scan_only else sys.stderr, flush=True)
    check_room(job.directory, needed, free)


def _converted(
    job: Job, plan: Plan, chosen: Sequence[Source]
) -> Generator[tuple[Sequence[Source], Converted], None, None]:
    """The files in order, as many at a time as make a task, and what became of them; shows how far it is."""
    work = partial(convert, plan, job.options.compression)
    each = 1 + plan.mirror
    line, eta, done = LiveLine(), Eta(len(chosen) * each, "pictures"), 0
    with closing(line), closing(in_order(job.pool, work, tasks(plan, chosen), 2 * job.options.processes())) as results:
        for sources, result in results:
            for index, fault in result.faults.items():
                job.faults.add(sources[index].name, fault)
            yield sources, result
            done += len(sources) * each
            line.show(f"create_from_images: {eta.text(done)}")


def _write(job: Job, plan: Plan, labels: Labels | None, chosen: Sequence[Source]) -> None:
    options, faults = job.options, job.faults
    known, opaque, kept = len(faults.found), 0, []
    name = Path(os.path.abspath(job.directory)).name
    origin = _origin(job, plan, labels)
    shape = plan.resolution, plan.channels
    with (
        Writer(job.directory, name, *shape, origin, options.compression, options.overwrite) as writer,
        closing(_converted(job, plan, chosen)) as results,
    ):
        for sources, result in results:
            if result.kept and (options.on_error == "skip" or not faults.found):
                writer.append(result.blobs, result.count)
            opaque += result.opaque
            kept += [sources[index].name for index in result.kept]
        if options.on_error == "fail" or not kept:
            faults.refuse(job.origin, job.total)
        if labels is not None:
            rows = labels.rows(kept).repeat(1 + plan.mirror, axis=0)
            writer.set_labels(rows)
            if labels.are_attributes and labels.names:
                files = np.repeat([_one_word(Path(source).name) for source in kept], 1 + plan.mirror).tolist()
                names = [_one_word(each) for each in labels.names]
                writer.beside(lambda folder: write_attributes(folder / f"list_attr_{name}.txt", files, names, rows > 0))
        if faults.found:
            writer.origin["skipped"] = dict(islice(sorted(faults.found.items()), _SKIPPED))
            if len(faults.found) > _SKIPPED:
                writer.origin["skipped_too"] = len(faults.found) - _SKIPPED
    if opaque:
        print(f"dropped the fully opaque alpha channel of {opaque:,} pictures", file=sys.stderr)
    if len(faults.found) > known:  # the others are in the report
        late = Faults(dict(list(faults.found.items())[known:]))
        print("\n  ".join([f"{late.head(job.origin, job.total)}; left out:", *late.lines()]), file=sys.stderr)


def _one_word(name: str) -> str:
    """As it stands in an attribute list, where spaces divide."""
    return "_".join(name.split()) or "_"


def _origin(job: Job, plan: Plan, labels: Labels | None) -> dict[str, object]:
    """What dataset.json says about where the pictures come from and what was done to them."""
    options, usual = job.options, Options()
    facts: dict[str, object] = {"command": "create_from_images", "source": job.origin, "shuffle": int(options.shuffle)}
    if options.shuffle:
        facts["seed"] = options.seed
    noted = {name: getattr(options, name) for name in _NOTED}
    facts["options"] = {name: value for name, value in noted.items() if value != getattr(usual, name)}
    if plan.has_bars:
        facts["crop"] = list(plan.rectangle)
    if labels is not None:
        facts["labels_from"] = labels.origin
    if labels is not None and labels.names is not None:
        facts["columns" if labels.vectors else "classes"] = list(labels.names)
    return facts
