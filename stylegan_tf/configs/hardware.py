"""Which hardware row this machine is, found without importing TensorFlow."""

import os
import re
from pathlib import Path


def auto_row(gpus: int | None = None) -> str:
    """The largest row that `gpus` graphics cards can train (None: those of this machine); `cpu` without one."""
    count = visible_gpus() if gpus is None else gpus
    return next((f"{row}gpu" for row in (8, 4, 2, 1) if count >= row), "cpu")


def visible_gpus(root: Path = Path("/")) -> int:
    """NVIDIA cards that the driver shows under `root`, as far as CUDA_VISIBLE_DEVICES lets programs see them."""
    cards = root / "proc/driver/nvidia/gpus"
    count = len(list(cards.iterdir())) if cards.is_dir() else 0
    if not count and (root / "dev").is_dir():
        count = sum(re.fullmatch(r"nvidia\d+", device.name) is not None for device in (root / "dev").iterdir())
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return count
    names = [name.strip() for name in allowed.split(",") if name.strip()]
    # CUDA stops reading the list at the first card that does not exist, and -1 is how people hide all of them.
    return min(count, next((at for at, name in enumerate(names) if name.startswith("-")), len(names)))
