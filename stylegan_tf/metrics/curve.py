"""How a metric went over a run, as a picture."""

import json
from pathlib import Path

from stylegan_tf import files


def curve(path: Path) -> Path | None:
    """A picture of how a metric went over the snapshots of a run, beside its metric-<name>.jsonl; None for one value.

    The last row of each snapshot counts.
    """
    import matplotlib

    matplotlib.use("Agg")  # draws into files, where there is no screen too
    from matplotlib import pyplot

    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    points: dict[int, dict[str, float]] = {}
    for row in rows:
        folder = Path(row["conditions"]["file"]).parent.name
        if folder.startswith("network-snapshot-"):
            points[int(folder[17:])] = {key: value for key, value in row.items() if key.startswith("value")}
    if len(points) < 2:
        return None
    figure, axes = pyplot.subplots(figsize=(8, 5), dpi=120)
    for key in next(iter(points.values())):
        axes.plot(sorted(points), [points[kimg][key] for kimg in sorted(points)], marker="o", label=key[6:] or None)
    axes.set(xlabel="kimg", ylabel=rows[-1]["metric"], title=path.parent.name)
    axes.grid(alpha=0.3)
    if len(next(iter(points.values()))) > 1:
        axes.legend()
    target = path.with_suffix(".png")
    with files.atomic_path(target) as temporary:
        figure.savefig(temporary, format="png")
    pyplot.close(figure)
    return target
