"""What every picture of a data set becomes, chosen by what most of the files are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stylegan_tf.data.importers.check import Faults, Header
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.source import Source

_KINDS = {1: "grayscale", 3: "RGB"}
_CHANNELS = {"rgb": 3, "grey": 1, "rgba": 4}

Size = tuple[int, int]  # width and height


@dataclass(frozen=True)
class Plan:
    """What every picture becomes: `content` pixels in the middle of a black resolution x resolution square."""

    resolution: int
    channels: int  # 1 grey, 3 RGB, 4 RGBA
    content: Size  # resolution x resolution, or less in one direction
    resize_filter: str = "lanczos"
    mirror: bool = False
    background: tuple[int, int, int] | None = None  # what shows where a picture is transparent

    @property
    def rectangle(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the picture between the bars."""
        width, height = self.content
        return (self.resolution - width) // 2, (self.resolution - height) // 2, width, height

    @property
    def has_bars(self) -> bool:
        """Whether any part of the square is not picture."""
        return self.content != (self.resolution, self.resolution)


def make_plan(sources: Sequence[Source], headers: Sequence[Header], options: Options, faults: Faults) -> Plan | None:
    """The plan that suits most pictures; those that it does not suit are added to `faults`. None: no picture is fit.

    --crop=wide: the content is the whole picture, fitted into the square. All pictures get the content of the most
    pictures, because a data set has one; those of another aspect are cropped to it, centred.
    """
    pictures = []  # name, header, resolution, content, channels
    for source, header in zip(sources, headers, strict=True):
        fault, resolution, content = (header.fault, 0, (0, 0)) if header.fault else _target(header.size, options)
        if fault:
            faults.add(source.name, fault)
        else:
            channels = _CHANNELS.get(options.channels) or len(header.mode.rstrip("A"))
            pictures.append((source.name, header, resolution, content, channels))
    if not pictures:
        return None
    resolution, channels = _most((picture[2], picture[4]) for picture in pictures)
    content = _most(picture[3] for picture in pictures if picture[2] == resolution)
    plan = Plan(resolution, channels, content, options.resize_filter, options.mirror, options.colour())
    for name, header, own_resolution, _, own_channels in pictures:
        fault = _misfit(header.size, own_resolution, own_channels, plan)
        if fault:
            faults.add(name, fault)
    return plan


def crop_box(size: Size, content: Size) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the largest centred part of a picture that has the aspect of `content`."""
    (width, height), (wide, high) = size, content
    if width * high > height * wide:
        part = max(1, _rounded(height * wide, high))
        return (width - part) // 2, 0, (width - part) // 2 + part, height
    part = min(height, max(1, _rounded(width * high, wide)))
    return 0, (height - part) // 2, width, (height - part) // 2 + part


def _target(size: Size, options: Options) -> tuple[str | None, int, Size]:
    """(fault, resolution, content) of one picture by itself."""
    width, height = size
    if options.crop == "none" and width != height:
        what = f"Input images must have the same width and height, but this one is {width}x{height}"
        return f"{what}; crop it to a square, or give --crop", 0, (0, 0)
    side = max(size) if options.crop == "wide" else min(size)
    if options.resolution is None and side & (side - 1):
        what = f"Input image resolution must be a power-of-two, not {width}x{height}"
        return f"{what}; resize it, or give --resolution", 0, (0, 0)
    if options.resolution is None and side < 4:
        return f"Input image resolution must be 4x4 or more, not {width}x{height}", 0, (0, 0)
    resolution = options.resolution or side
    if options.crop != "wide":
        return None, resolution, (resolution, resolution)
    return None, resolution, (_part(resolution, width, side), _part(resolution, height, side))


def _misfit(size: Size, resolution: int, channels: int, plan: Plan) -> str | None:
    shown = f"{size[0]}x{size[1]}"
    if resolution != plan.resolution:
        most = f"{plan.resolution}x{plan.resolution}"
        return f"it is {shown}, most are {most}; all must have one size, or give --resolution"
    if channels != plan.channels:
        kinds = f"it is {_KINDS[channels]}, most are {_KINDS[plan.channels]}"
        return f"{kinds}; all must be stored as RGB or all as grayscale, or give --channels"
    left, top, right, bottom = crop_box(size, plan.content)
    if right - left < plan.content[0] or bottom - top < plan.content[1]:
        wanted = f"{plan.content[0]}x{plan.content[1]}"
        return f"it is {shown}, smaller than the {wanted} that are wanted; pictures are never enlarged"
    return None


def _most(values):
    """The value that comes most often, the larger of two that come as often."""
    return max(Counter(values).items(), key=lambda item: (item[1], item[0]))[0]


def _part(whole: int, share: int, of: int) -> int:
    return max(1, _rounded(whole * share, of))


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest whole number, half up."""
    return (2 * numerator + denominator) // (2 * denominator)
