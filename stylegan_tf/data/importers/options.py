"""What a user can ask of create_from_images."""

from contextlib import suppress
from dataclasses import dataclass

from PIL import ImageColor

from stylegan_tf.configs.stages import is_resolution
from stylegan_tf.data.example import COMPRESSIONS
from stylegan_tf.data.importers.store import OFFICIAL_SEED
from stylegan_tf.environment import cores
from stylegan_tf.errors import UserError

CROPS = ("none", "center", "wide")
FILTERS = ("lanczos", "box", "bicubic")
CHANNELS = ("auto", "rgb", "grey", "rgba")
LABELS = ("auto", "folders", "none")
LISTS = (".csv", ".tsv", ".json", ".jsonl", ".txt")  # what a list of labels may be called
ON_ERROR = ("fail", "skip")


@dataclass(frozen=True)
class Options:
    """Every choice of create_from_images; the defaults are what the official tool does.

    Raises UserError, naming the flag, for a value that is none of the choices.
    """

    shuffle: bool = True  # random order; False: sorted by name
    seed: int = OFFICIAL_SEED  # of the order: np.random.RandomState(seed)
    resolution: int | None = None  # resize to this power of two; None: all pictures must have one such size already
    crop: str = "none"  # none: pictures must be square; center: the largest centred square; wide: black bars
    resize_filter: str = "lanczos"  # lanczos, box or bicubic of Pillow, in 8 bits
    channels: str = "auto"  # auto: RGB or all grey, as stored; rgb, grey, rgba: converted
    mirror: bool = False  # each picture is followed by its mirror image: twice as many
    max_images: int | None = None  # the first so many in the final order, mirror images not counted
    labels: str = "auto"  # auto: dataset.json or metadata.* where there is one; folders: a class each; none; a file
    on_error: str = "fail"  # fail: report every faulty file and write nothing; skip: report and leave out
    compression: str = "none"  # none: the official records; png, gzip: smaller
    workers: int | None = None  # processes; None: one per core, 16 at most
    overwrite: bool = False  # replace a data set that is there
    scan_only: bool = False  # print the report of the scan and stop
    background: str | None = None  # what shows where a picture is transparent: a name, or #rrggbb

    def __post_init__(self) -> None:
        _check_choice("--crop", self.crop, CROPS)
        _check_choice("--resize_filter", self.resize_filter, FILTERS)
        _check_choice("--channels", self.channels, CHANNELS)
        if not self.labels.lower().endswith(LISTS):
            _check_choice("--labels", self.labels, LABELS, f", or a list of labels ({', '.join(LISTS)})")
        _check_choice("--on_error", self.on_error, ON_ERROR)
        _check_choice("--compression", self.compression, COMPRESSIONS)
        if self.resolution is not None and not (is_resolution(self.resolution) and self.resolution <= 2**14):
            raise UserError(f"--resolution must be a power of two from 4 to 16384, not {self.resolution}")
        if self.colour() and self.channels == "rgba":
            raise UserError(
                "--background flattens transparent pictures, --channels=rgba keeps them so: give one of the two"
            )
        for flag, value in (("--max_images", self.max_images), ("--workers", self.workers)):
            if value is not None and value < 1:
                raise UserError(f"{flag} must be 1 or more, not {value}")
        if not 0 <= self.seed < 2**32:
            raise UserError(f"--seed must be from 0 to 2**32 - 1, not {self.seed}")

    def colour(self) -> tuple[int, int, int] | None:
        """The background as red, green and blue; None where none is given."""
        if self.background is None:
            return None
        with suppress(ValueError):
            found = ImageColor.getrgb(self.background)
            if len(found) == 3:
                return found
        raise UserError(f"--background must be the name of a colour or #rrggbb, not {self.background!r}")

    def processes(self) -> int:
        """How many processes work."""
        return self.workers or min(cores(), 16)


def _check_choice(flag: str, value: str, choices: tuple[str, ...], more: str = "") -> None:
    if value not in choices:
        raise UserError(f"{flag} must be {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}{more}")
