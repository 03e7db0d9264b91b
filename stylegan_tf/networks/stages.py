"""Stages, resolutions, widths and layer numbers of the growing networks."""

import re
import zlib


def num_layers(stage: int) -> int:
    """Layers of the synthesis network up to a stage, two per resolution: 18 at 1024x1024."""
    return 2 * stage - 2


class ShapeError(ValueError):
    """An argument of a network has another shape, or is none that it takes."""

    _keras_call_info_injected = True  # Keras then leaves the sentence as it is, without colours for a terminal


def checked_stage(stage: int | None, last: int) -> int:
    """The stage meant by an argument: None is the last. Raises ShapeError outside 2 (4x4) to last."""
    if stage is None:
        return last
    if not 2 <= stage <= last:
        raise ShapeError(f"stage must be 2 (4x4) to {last} ({2**last}x{2**last}), got {stage!r}")
    return stage


def checked_shape(name: str, tensor, expected: tuple) -> None:
    """Raises ShapeError unless tensor.shape fits; None in `expected` fits everything, a tuple any of its values."""

    def fits(size, wanted):
        return wanted is None or size is None or (size in wanted if isinstance(wanted, tuple) else size == wanted)

    shape = tuple(tensor.shape)
    if len(shape) != len(expected) or not all(map(fits, shape, expected)):
        either = (size if isinstance(size, tuple) else (size or "N",) for size in expected)
        wanted = ", ".join(" or ".join(map(str, sizes)) for sizes in either)
        raise ShapeError(f"{name} must have the shape [{wanted}], got {list(shape)}")


def used_at(path: str, stage: int) -> bool:
    """Whether a picture of a stage, fading or not, depends on the variable of that path (b<resolution>_<layer>/...).

    Layers of finer resolutions are not used, and of the conversions from and to RGB only the two finest.
    """
    found = re.search(r"(?:^|/)b(\d+)_(to_rgb|from_rgb)?", path)
    if not found:
        return True
    side = int(found[1])
    return side <= 2**stage and (not found[2] or side >= 2 ** (stage - 1))


def seed_of(seed: int, name: str) -> int:
    """A seed of its own for every layer of a network."""
    return zlib.crc32(f"{seed}/{name}".encode())
