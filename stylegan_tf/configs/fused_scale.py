"""fused_scale: which convolutions that double or halve the resolution are computed in one step instead of two.

The numbers are the same up to rounding, so it is a choice of speed: "on", "off", "auto" (from 128x128 on, as the
official code has it), or the resolutions at which the one step is used, such as "16,32" (the larger one of a layer's
input and output). In an experiment also "measured": chosen when training starts, and stored as such a list.
"""

import re

NAMES = ("auto", "on", "off")
MEASURED = "measured"
AUTO_FROM = 128  # resolution
EXPECTED = "auto, on, off or resolutions such as 16,32"


def is_valid(fused_scale: object) -> bool:
    """Whether a network can be built with it."""
    return fused_scale in NAMES or (
        isinstance(fused_scale, str) and re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5}){0,15}", fused_scale) is not None
    )


def is_fused(fused_scale: str, resolution: int) -> bool:
    """Whether a layer between `resolution` / 2 and `resolution` is fused. Raises ValueError for an unknown setting."""
    if not is_valid(fused_scale):
        raise ValueError(f"fused_scale must be {EXPECTED}, got {fused_scale!r}")
    if fused_scale in NAMES:
        return fused_scale == "on" or (fused_scale == "auto" and resolution >= AUTO_FROM)
    return str(resolution) in fused_scale.split(",")


def of_resolutions(resolutions: list[int]) -> str:
    """The setting that fuses the layers of these resolutions alone."""
    return ",".join(map(str, resolutions)) or "off"
