"""The paper's tables beside what the runs of paper_in_miniature.py gave: made of their committed lines alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.page import table
from benchmarks.runs import NOT_RUN
from stylegan_tf import files
from stylegan_tf.configs.presets import CONFIGS, PRESETS, TABLES
from stylegan_tf.configs.presets import experiment as preset_of
from stylegan_tf.configs.schema import ProganGeneratorConfig

Lines = Sequence[Mapping[str, Any]]

RESOLUTION = 32
TABLE_1 = ("A", "B", "C", "D", "E", "F")
TABLE_2 = tuple(preset.experiment.config for preset in TABLES[1].presets)
TABLE_4 = tuple(preset.experiment.config for preset in TABLES[2].presets)
CURVES = ("B", "F")  # of Figure 9
SHEETS = ("A", "B", "F")  # whose pictures are shown
MIXED = ("fid", "fid_mix2", "fid_mix3", "fid_mix4")  # of 1 to 4 latents

# Table 3: PPL full and end, separability. Separability of F in Z: of the released network.
TABLE_3 = {"B": "z 412.0 415.3 10.78", "D": "w 446.2 376.6 3.61", "E": "w 200.5 160.6 3.54", "F": "w 234.0 195.9 3.79"}
OF_F_IN_Z = "165.01"

# What the paper finds: (in its words, what is lower, than what). A test holds them to its numbers.
ORDERINGS = (
    ("F is better than Progressive GAN", ("F", "fid"), ("A", "fid")),
    ("F is better than the tuned baseline", ("F", "fid"), ("B", "fid")),
    ("the tuned baseline is better than Progressive GAN", ("B", "fid"), ("A", "fid")),
    ("mapping and styles help", ("C", "fid"), ("B", "fid")),
    ("noise inputs help", ("E", "fid"), ("D", "fid")),
    ("noise inputs shorten paths", ("E", "ppl_wfull"), ("D", "ppl_wfull")),
    ("paths in W are shorter than the baseline's in Z", ("F", "ppl_wfull"), ("B", "ppl_zfull")),
    ("mixing lengthens paths", ("E", "ppl_wfull"), ("F", "ppl_wfull")),
    ("in W the ends of paths are shorter: D", ("D", "ppl_wend"), ("D", "ppl_wfull")),
    ("the same: E", ("E", "ppl_wend"), ("E", "ppl_wfull")),
    ("the same: F", ("F", "ppl_wend"), ("F", "ppl_wfull")),
    ("W is more separable than the baseline's Z", ("F", "ls_w"), ("B", "ls_z")),
    ("W is more separable than Z", ("F", "ls_w"), ("F", "ls_z")),
    ("the same in a traditional generator", ("traditional-8", "ls_w"), ("traditional-8", "ls_z")),
    ("never mixed in training, mixed styles do not fit", ("mix0", "fid"), ("mix0", "fid_mix4")),
    ("mixing half of the time helps two latents", ("mix50", "fid_mix2"), ("mix0", "fid_mix2")),
    ("mixing 90 % helps two latents", ("mix90", "fid_mix2"), ("mix0", "fid_mix2")),
    ("mixing 90 % helps four latents more than 50 %", ("mix90", "fid_mix4"), ("mix50", "fid_mix4")),
    ("always mixing is best for four latents", ("mix100", "fid_mix4"), ("mix90", "fid_mix4")),
    ("and worse than 90 % for one", ("mix90", "fid"), ("mix100", "fid")),
    ("a mapping network helps a traditional generator", ("traditional-8", "fid"), ("traditional-0", "fid")),
    ("but lengthens its paths in Z", ("traditional-0", "ppl_zfull"), ("traditional-8", "ppl_zfull")),
    ("its W has shorter ones", ("traditional-8", "ppl_wfull"), ("traditional-0", "ppl_zfull")),
    ("styles need a mapping network", ("stylebased-8", "fid"), ("stylebased-0", "fid")),
    ("a deep one is better than one layer", ("stylebased-8", "fid"), ("stylebased-1", "fid")),
    ("and has the straighter ends of paths", ("stylebased-8", "ppl_wend"), ("stylebased-1", "ppl_wend")),
    ("and is more separable", ("stylebased-8", "ls_w"), ("stylebased-1", "ls_w")),
)
HOLDS, REVERSED, WITHIN = "yes", "no, the reverse does", "neither is beyond the spread"
ONE_SEED = "one seed, whose spread is not known"


# ----------------------------------------------------------------------------------------------------------------------
# Configurations and what is measured of them


@cache
def same_as(config: str) -> str:
    """The configuration that is trained for this one: mix90 and stylebased-8 are F, by other names."""
    return next(
        one for one in (*TABLE_1, *CONFIGS) if replace(CONFIGS[one], config="") == replace(CONFIGS[config], config="")
    )


def spaces(config: str) -> tuple[str, ...]:
    """In which the paper looks at paths and separability: Z where w is z or there is none, else W; both of
    traditional-8."""
    G = CONFIGS[config].G
    if isinstance(G, ProganGeneratorConfig) or not G.mapping_layers:
        return ("z",)
    return ("w",) if G.use_styles else ("z", "w")


def kinds(config: str, mixed: bool) -> list[str]:
    """What is measured of a configuration: fid, ppl_wfull, ..., ls; with `mixed`, FID of several latents too."""
    paths = [f"ppl_{space}{sampling}" for space in spaces(config) for sampling in ("full", "end")]
    return [*(MIXED if mixed else MIXED[:1]), *paths, "ls"]


@cache
def published() -> dict[tuple[str, str], str]:
    """(configuration by the name it has in its table, result) -> the paper's number, on FFHQ."""
    found = {}
    for config in TABLE_1:
        found[config, "fid"] = PRESETS[config].published.split()[1]
    for config in TABLE_2:
        found |= {(config, kind): value for kind, value in zip(MIXED, PRESETS[config].published.split(), strict=True)}
    for config in TABLE_4:
        for part in PRESETS[config].published.split("; "):
            space, found[config, "fid"], *others = part.lower().split()
            found |= _in_space(config, space, others)
    for config, numbers in TABLE_3.items():
        space, *others = numbers.split()
        found |= _in_space(config, space, others)
    return found | {("F", "ls_z"): OF_F_IN_Z}


def _in_space(config: str, space: str, numbers: Sequence[str]) -> dict[tuple[str, str], str]:
    names = (f"ppl_{space}full", f"ppl_{space}end", f"ls_{space}")
    return {(config, name): number for name, number in zip(names, numbers, strict=True)}


# ----------------------------------------------------------------------------------------------------------------------
# Arithmetic


def values(lines: Lines, config: str, result: str) -> list[float]:
    """A result of every seed, of the finished networks; [] where it was not measured, and of w in A, which has none."""
    kind, suffix = (result[:2], result[2:]) if result.startswith("ls_") else (result, "")
    own = [line["measured"].get(kind) for line in lines if line["config"] == same_as(config)]
    return [rows[-1][f"value{suffix}"] for rows in own if rows and f"value{suffix}" in rows[-1]]


def spread(lines: Lines, result: str) -> float | None:
    """The largest difference between two seeds of one configuration; None where none has two."""
    configs = {line["config"] for line in lines}
    found = [values(lines, config, result) for config in configs]
    return max((max(own) - min(own) for own in found if len(own) > 1), default=None)


def verdict(lower: Sequence[float], higher: Sequence[float], usual: float | None) -> str:
    """Whether `lower` is below `higher`, beyond the spread of the seeds.

    With two seeds of both: each value of one below each of the other. Else their means differ by more than `usual`.
    "" where there is nothing to compare.
    """
    if not lower or not higher:
        return ""
    if len(lower) > 1 and len(higher) > 1:
        below, above = max(lower) < min(higher), min(lower) > max(higher)
    elif usual is None:
        return ONE_SEED
    else:
        gap = mean(higher) - mean(lower)
        below, above = gap > usual, gap < -usual
    return HOLDS if below else REVERSED if above else WITHIN


def judged(lines: Lines, lower: tuple[str, str], higher: tuple[str, str]) -> str:
    """The verdict of two (configuration, result)."""
    known = [found for _, result in {lower, higher} if (found := spread(lines, result)) is not None]
    return verdict(values(lines, *lower), values(lines, *higher), max(known, default=None))


# ----------------------------------------------------------------------------------------------------------------------
# Text


def number(value: float) -> str:
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.2f}"


def said(found: Sequence[float]) -> str:
    """Mean and, of several, the lowest and the highest: '221.3 (218.1 to 224.5)'."""
    if len(found) < 2:
        return "".join(map(number, found))
    return f"{number(mean(found))} ({number(min(found))} to {number(max(found))})"


def cells(lines: Lines, config: str, results: Sequence[str]) -> list[str]:
    """Number of seeds; then of each result what was found, and the paper's number."""
    seeds = sum(line["config"] == same_as(config) for line in lines)
    found = [str(seeds) if seeds else NOT_RUN]
    for result in results:
        found += [said(values(lines, config, result)), published().get((config, result), "")]
    return found


def heading(*names: str) -> list[str]:
    return ["seeds", *(part for name in names for part in (name, "paper"))]


def in_spaces(lines: Lines, configs: Sequence[str], fid: bool) -> str:
    """Rows of configurations and spaces: path lengths and separability; without `fid`, of Z too."""
    rows = []
    for config in configs:
        for space in spaces(config) if fid else dict.fromkeys(("z", *spaces(config))):
            results = [*(["fid"] if fid else []), f"ppl_{space}full", f"ppl_{space}end", f"ls_{space}"]
            rows.append([config, space.upper(), *cells(lines, config, results)])
    names = [*(["FID"] if fid else []), "PPL full", "PPL end", "separability"]
    return table(["", "space", *heading(*names)], rows)


def section(lines: Lines, images: Path) -> str:
    """The text for the page. images: the folder of figure9.png and of the sheets, which are shown where they are."""
    what = {config: PRESETS[config].what.removesuffix(", 25000 kimg") for config in TABLE_1}
    ones = [[config, what[config], *cells(lines, config, ["fid"])] for config in TABLE_1]
    twos = [[config, *cells(lines, config, MIXED)] for config in TABLE_2]
    parts = [
        *about(lines),
        "### Table 1: generator designs, FID",
        table(["", "", *heading("FID")], ones),
        "### Table 3: path length and separability",
        in_spaces(lines, TABLE_1, fid=False),
        "### Table 2: mixing in training, FID of pictures of 1 to 4 latents",
        table(["", *heading("1", "2", "3", "4")], twos),
        "### Table 4: depth of the mapping network",
        in_spaces(lines, TABLE_4, fid=True),
        "### Figure 9: over the training",
        *figure(lines, images),
        "### Which of the paper's orderings hold here",
        *conclusions(lines, images),
    ]
    return "\n\n".join(parts)


def about(lines: Lines) -> list[str]:
    """Under which conditions."""
    if not lines:
        return ["Nothing was run yet: beside the paper's numbers there is room."]
    names = sorted({rows[0]["metric"] for line in lines for rows in line["measured"].values()})
    machines = sorted({line["machine"] for line in lines})
    seconds = sum(line["train_seconds"] + measuring(line) for line in lines)
    return [
        f"The built-in faces at {RESOLUTION}x{RESOLUTION}, the narrow networks of the cpu row, {lines[0]['kimg']:g} "
        f"kimg in all, of which {lines[0]['phase']:g} at each resolution before the last and as many for each "
        f"fade; {', '.join(names)}. Mean over the seeds, in parentheses the lowest and the "
        "highest. **None of these numbers can be compared with the paper's beside them, which are of FFHQ at 1024x1024 "
        "by other networks: only their order can.** mix90 and stylebased-8 are F, mix0 is E, traditional-0 is B, and "
        f"are trained once. {len(lines)} run{'s' * (len(lines) > 1)}, {seconds / 3600:.1f} hours on "
        f"{'; '.join(machines)}."
    ]


def measuring(line: Mapping[str, Any]) -> float:
    """Seconds that its metrics took."""
    return sum(row["seconds"] for rows in line["measured"].values() for row in rows)


def curves(lines: Lines) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Configuration -> fid, ppl -> (kimg, value) of the first seed's snapshots; without what has no curve."""
    found = {}
    for config in CURVES:
        own = sorted((line for line in lines if line["config"] == config), key=lambda line: line["seed"])
        if own:
            measured = own[0]["measured"]
            of = {"fid": "fid", "ppl": f"ppl_{spaces(config)[0]}full"}
            rows = {name: [(row["kimg"], row["value"]) for row in measured.get(kind, ())] for name, kind in of.items()}
            found[config] = {name: points for name, points in rows.items() if len(points) > 1}
    return {config: rows for config, rows in found.items() if rows}


def figure(lines: Lines, images: Path) -> list[str]:
    found = curves(lines)
    if not found or not (images / "figure9.png").is_file():
        return [f"{NOT_RUN[0].upper()}{NOT_RUN[1:]}."]
    last = [
        f"{name.upper()} of {config} from {number(points[-2][1])} to {number(points[-1][1])}"
        for config, rows in found.items()
        for name, points in rows.items()
    ]
    return [
        "![FID and path length of B and F over the training](images/figure9.png)",
        "Full paths, of B in Z, of F in W, first seed. Between the last two measurements: " + ", ".join(last) + ".",
    ]


def draw(lines: Lines, path: Path) -> None:
    """Figure 9, where there is something to draw: FID and path lengths of B and F over the training."""
    found = curves(lines)
    if not found:
        return
    import matplotlib

    matplotlib.use("Agg")  # draws into files, where there is no screen too
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), dpi=120)
    for axis, name, title in zip(axes, ("fid", "ppl"), ("FID@faces", "path length@faces, full"), strict=True):
        for config, rows in found.items():
            space = f", {spaces(config)[0].upper()}" if name == "ppl" else ""
            points = rows.get(name, [])
            axis.plot(
                [kimg for kimg, _ in points], [value for _, value in points], marker="o", label=f"{config}{space}"
            )
        axis.axvline(
            reached(lines[0]["phase"]), color="grey", linestyle="--", label=f"{RESOLUTION}x{RESOLUTION} reached"
        )
        axis.set(xlabel="kimg", title=title, ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
    pyplot.close(figure)


def reached(phase: float) -> float:
    """kimg after which B to F train at the final resolution alone. phase: kimg at a resolution, and of each fade."""
    first = preset_of("F", "cpu", resolution=RESOLUTION).schedule.initial_resolution
    return 2 * phase * (RESOLUTION.bit_length() - first.bit_length())


def conclusions(lines: Lines, images: Path) -> list[str]:
    """What the tables say, by arithmetic alone."""
    rows: list[list[str]] = []
    by_verdict: dict[str, list[str]] = {}
    for words, lower, higher in ORDERINGS:
        found = judged(lines, lower, higher)
        by_verdict.setdefault(found, []).append(words)
        of = " < ".join(f"{_in_words(result)} of {config}" for config, result in (lower, higher))
        paper = " < ".join(published().get(one, "") for one in (lower, higher))
        here = ""
        if found:
            low, high = values(lines, *lower), values(lines, *higher)
            here = f"{said(low)} {'<' if mean(low) < mean(high) else '>='} {said(high)}"
        rows.append([words, of, paper, here, found or NOT_RUN])
    told = [
        "An ordering holds beyond the spread where every seed of one is below every seed of the other; where one of "
        "them has a single seed, where the means differ by more than any two seeds of one configuration do.",
        table(["the paper finds", "what", "paper", "here", "holds here"], rows),
    ]
    if any(by_verdict.get(one) for one in (HOLDS, REVERSED, WITHIN, ONE_SEED)):
        counts = [f"{len(by_verdict.get(one, []))} {name}" for one, name in _COUNTED]
        told.append(f"Of the paper's {len(ORDERINGS)} orderings: {', '.join(counts)}.")
    told += best(lines)
    sheets = [config for config in SHEETS if (images / f"miniature-{config}.png").is_file()]
    told += [f"![pictures of {config}](images/miniature-{config}.png)" for config in sheets]
    if sheets:
        told.append(f"*{', '.join(sheets)}: seeds 0 to 31, no truncation, first seed of the training.*")
    return [*told, *needed(lines)]


def _in_words(result: str) -> str:
    """fid_mix2 -> FID of 2 latents, ppl_wend -> PPL end in W, ls_z -> separability in Z."""
    family, _, rest = result.partition("_")
    if family == "fid":
        return f"FID of {rest.removeprefix('mix')} latents" if rest else "FID"
    return f"PPL {rest[1:]} in {rest[0].upper()}" if family == "ppl" else f"separability in {rest.upper()}"


_COUNTED = (
    (HOLDS, "hold beyond the spread"),
    (WITHIN, "are not decided beyond it"),
    (REVERSED, "are the other way round beyond it"),
    (ONE_SEED, "have one seed"),
    ("", NOT_RUN),
)


def best(lines: Lines) -> list[str]:
    """Whether F is better than A and B, in plain words."""
    own = values(lines, "F", "fid")
    found = {other: judged(lines, ("F", "fid"), (other, "fid")) for other in ("A", "B")}
    if not any(found.values()):
        return []
    told = []
    for other, word in found.items():
        theirs = f"F {said(own)}, {other} {said(values(lines, other, 'fid'))}"
        if word == HOLDS:
            told.append(f"F is better than {other}, beyond the spread of the seeds ({theirs}).")
        elif word:
            how = {REVERSED: f"{other} is better, beyond it", WITHIN: "they are within it", ONE_SEED: ONE_SEED}[word]
            told.append(f"**F is not better than {other} beyond the spread of the seeds**: {how} ({theirs}).")
    return [" ".join(told)]


def needed(lines: Lines) -> list[str]:
    """What it would take to say more."""
    if not lines:
        return []
    told = [
        f"What separates this from the paper's experiment: {lines[0]['kimg']:g} kimg and not 25,000, {RESOLUTION}x"
        f"{RESOLUTION} and not 1024x1024, 64 channels at most and not 512, drawings of one pose and not photographs, "
        "features of a network that knows only them, and few seeds."
    ]
    usual, falls = spread(lines, "fid"), {}
    for config, rows in curves(lines).items():
        points = rows.get("fid", [])
        if len(points) > 1:
            falls[config] = points[-2][1] - points[-1][1]
    if falls and usual is not None:
        changes = " and ".join(f"that of {config} by {number(fall)}" for config, fall in falls.items())
        learns = max(falls.values()) > usual
        told.append(
            f"Between the last two measurements FID fell, {changes}; two seeds differ by up to {number(usual)}. "
            + ("Longer runs come first." if learns else "More seeds come before longer runs.")
        )
    return [" ".join(told)]
