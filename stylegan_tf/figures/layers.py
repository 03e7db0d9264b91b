"""Layers of the synthesis network by name: coarse, middle, fine (paper sec. 3.1), resolutions, or numbers."""

import re
from collections.abc import Sequence

from stylegan_tf.errors import UserError

NAMES = ("coarse", "middle", "fine", "all")
EXPECTED = "coarse, middle, fine, all, layers such as 0-3, or resolutions such as 4x4-8x8"


def resolutions(name: str, last_stage: int) -> range:
    """Stages (log2 of the resolution) of a name, for pictures of 2^last_stage.

    The paper's coarse is 4 and 8, middle 16 and 32, fine 64 to 1024. A network that ends below 64 has its last
    resolution as fine and the one before as middle: 32x32 has 4-8, 16, 32, and 16x16 has 4, 8, 16. At 8x8 middle is
    empty.
    """
    fine = min(6, last_stage)
    middle = max(min(4, fine - 1), 3) if last_stage > 3 else fine
    first, end = {"coarse": (2, middle), "middle": (middle, fine), "fine": (fine, last_stage + 1)}.get(
        name, (2, last_stage + 1)
    )
    return range(first, end)


def layers_of(text: str, last_stage: int) -> range:
    """The layers that a text means, of 2 last_stage - 2: two for each resolution.

    Raises UserError where it means none.
    """
    count = 2 * last_stage - 2
    if text in NAMES:
        stages = resolutions(text, last_stage)
        first, end = 2 * stages.start - 4, 2 * stages.stop - 4
    elif match := re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", text):
        first, end = int(match[1]), int(match[2] or match[1]) + 1
    elif match := re.fullmatch(r"(\d{1,4})x\1(?:-(\d{1,4})x\2)?", text):
        sides = [int(match[1]), int(match[2] or match[1])]
        if any(side < 4 or side & (side - 1) for side in sides):
            raise UserError(
                f"layers {text}: resolutions are powers of two, from 4x4 to {2**last_stage}x{2**last_stage}"
            )
        first, end = 2 * sides[0].bit_length() - 6, 2 * sides[1].bit_length() - 4
    else:
        raise UserError(f"layers {text}: expected {EXPECTED}")
    if not 0 <= first < end <= count:
        side = 2**last_stage
        raise UserError(
            f"layers {text}: pictures of {side}x{side} have the layers 0-{count - 1}, so it means none or more"
        )
    return range(first, end)


def default_rows(count: int, last_stage: int) -> Sequence[str]:
    """Names for `count` rows of a mixing sheet, as the paper's Figure 3: half coarse, a third middle, the rest fine.

    Pictures of 8x8 have no middle, and those of 4x4 are fine alone.
    """
    coarse = -(-count // 2) if last_stage > 2 else 0
    middle = -(-(count - coarse) * 2 // 3) if last_stage > 3 else 0
    return ["coarse"] * coarse + ["middle"] * middle + ["fine"] * (count - coarse - middle)
