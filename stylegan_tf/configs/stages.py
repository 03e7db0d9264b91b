"""A stage is log2 of a resolution: 2 for 4x4, 10 for 1024x1024."""


def is_resolution(side: int) -> bool:
    """Whether pictures may be that wide and high: 4, 8, 16, ..."""
    return isinstance(side, int) and side >= 4 and side & (side - 1) == 0


def stage_of(resolution: int) -> int:
    """log2 of a resolution. Raises ValueError unless it is a power of two, 4 at least."""
    if not is_resolution(resolution):
        raise ValueError(f"resolution must be a power of two, 4 at least, got {resolution!r}")
    return resolution.bit_length() - 1
