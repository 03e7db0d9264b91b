"""The page that train.py --list prints: presets as the paper's tables, hardware rows, losses, data sets."""

from collections.abc import Sequence
from dataclasses import fields

from stylegan_tf.configs.presets import (
    ABLATIONS,
    CPU_MINIBATCH,
    CPU_MINIBATCH_BASE,
    DATA_SETS,
    GPUS,
    LOSSES,
    LRATES,
    TABLES,
    WGAN_GP_MOST_LRATE,
    A,
    F,
    Table,
)
from stylegan_tf.configs.schema import LossConfig

RESOLUTIONS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


def page() -> str:
    """Everything that --config, --hardware, --loss and --dataset can name. FIDs are those of the paper."""
    sections = [
        *(_section(table.title, _presets(table)) for table in TABLES),
        _section("Ablations of Progressive GAN: --config=A and", _ablations()),
        _section("Hardware rows (--hardware): minibatch by resolution", _minibatches()),
        _section("Learning rates by resolution; 0.001 at smaller ones", _learning_rates()),
        _section("Losses (--loss; without it the config's own: wgan_gp for A, logistic for B to F)", _losses()),
        _section("Data sets by name, in folders of --data_dir", _data_sets()),
    ]
    return "\n\n".join(sections)


def _section(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """The title, and below it the rows with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])


def _presets(table: Table) -> list[tuple[str, ...]]:
    has_rows = any(preset.hardware for preset in table.presets)
    rows = [("--config", *table.columns, *(("--hardware",) if has_rows else ()), "")]
    for preset in table.presets:
        row = (preset.hardware or "any",) if has_rows else ()
        first, *more = (tuple(words.split()) for words in preset.published.split("; "))
        rows.append((preset.experiment.config, *first, *row, preset.what))
        rows += [("", *words, *row, "") for words in more]
    return rows


def _ablations() -> list[tuple[str, ...]]:
    """Two settings in a line, so that the page stays narrow."""
    rows: list[tuple[str, ...]] = []
    for name, settings in ABLATIONS.items():
        for at in range(0, len(settings), 2):
            flags = " ".join(f"--set={setting}" for setting in settings[at : at + 2])
            rows.append(("" if at else name, flags))
    return rows


def _minibatches() -> list[tuple[str, ...]]:
    by_row = {"cpu": (CPU_MINIBATCH, CPU_MINIBATCH_BASE)}
    by_row |= {name: (row.minibatch, row.minibatch_base) for name, row in GPUS.items()}
    heading = ("", *map(str, RESOLUTIONS), "")
    rows = [
        (name, *(str(minibatch.get(at, otherwise)) for at in RESOLUTIONS), "narrow networks" if name == "cpu" else "")
        for name, (minibatch, otherwise) in by_row.items()
    ]
    caps = tuple(str(A.schedule.max_minibatch_per_gpu.get(at, "")) for at in RESOLUTIONS)
    return [heading, *rows, ("A", *caps, "at most, on each GPU")]


def _learning_rates() -> list[tuple[str, ...]]:
    base = F.schedule.G_lrate_base
    capped = {at: min(rate, WGAN_GP_MOST_LRATE) for at, rate in LRATES.items()}
    by_name = {"B to F": LRATES, "B to F with wgan_gp": capped}
    by_name |= {f"A on {name}": row.progan_lrate for name, row in GPUS.items()}
    resolutions = sorted(LRATES)
    rows = [(name, *(f"{rates.get(at, base):g}" for at in resolutions)) for name, rates in by_name.items()]
    return [("", *map(str, resolutions)), *rows]


def _losses() -> list[tuple[str, ...]]:
    weights = [part.name for part in fields(LossConfig) if part.name not in ("G", "D", "gp_target")]
    return [(name, f"G {loss.G}", f"D {loss.D}", _nonzero(loss, weights)) for name, loss in LOSSES.items()]


def _nonzero(loss: LossConfig, weights: Sequence[str]) -> str:
    return ", ".join(f"{weight} {getattr(loss, weight):g}" for weight in weights if getattr(loss, weight))


def _data_sets() -> list[tuple[str, ...]]:
    rows = [
        (name, row.folder, str(row.resolution), "yes" if row.mirror else "no", row.fid, row.what)
        for name, row in DATA_SETS.items()
    ]
    return [("--dataset", "folder", "--resolution", "--mirror", "FID of F", ""), *rows]
