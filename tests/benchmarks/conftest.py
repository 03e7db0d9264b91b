"""Programs that are quick: their run directories have what runs have, with made-up numbers."""

import json
from pathlib import Path

import pytest

from benchmarks import runs
from stylegan_tf import files, rundir
from stylegan_tf.configs.presets import experiment
from stylegan_tf.configs.text import to_json


class Programs:
    """Stands for runs.program: trains nothing, and measures by `value(config, seed, metric, kimg)`."""

    def __init__(self):
        self.called: list[tuple[str, dict[str, str]]] = []
        self.stop_after: int | None = None  # calls; then as Ctrl-C does
        self.snapshots = (0, 5, 10)
        self.value = lambda config, seed, metric, kimg: 100.0 - kimg
        self.suffixes = {"ls": ("_z", "_w")}

    def __call__(self, name: str, *flags: str, capture: bool = False) -> str:
        if "--benchmark" in flags:
            return "config F\n8x8  32  300.0\nall 10 kimg: 1m 40s\n"
        if self.stop_after is not None and len(self.called) >= self.stop_after:
            raise KeyboardInterrupt(runs.STOPPED)
        given = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
        self.called.append((name, given))
        if name == "train.py":
            self.train(given)
        elif name == "run_metrics.py":
            every = self.snapshots if "all" in given else self.snapshots[-1:]
            self.measure(Path(given["run_dir"]), given["metrics"], every)
        elif name == "generate.py":
            Path(given["outdir"]).mkdir(exist_ok=True)
            (Path(given["outdir"]) / "grid.png").write_bytes(b"a picture")
        return ""

    def train(self, given: dict[str, str]) -> None:
        outdir = Path(given["outdir"])
        if rundir.runs(outdir):
            return
        chosen = experiment(given["config"], "cpu")
        run_dir = rundir.create(outdir, "fake")
        config = to_json(chosen)
        config["training"] |= {"precision": "float32", "seed": int(given.get("seed", 1000))}
        files.write_json(run_dir / rundir.CONFIG, config)
        ticks = [{"Timing/total_sec": 60.2, "Timing/sec_per_kimg": 6.0, "Progress/lod": 0.0}, {"Metrics/fid": 1.0}]
        (run_dir / rundir.STATS).write_text("".join(json.dumps(tick) + "\n" for tick in ticks))
        rundir.mark_finished(run_dir, round(float(given["total_kimg"]) * 1000))
        for kimg in self.snapshots:
            snapshot = rundir.snapshot_dir(run_dir, 1000 * kimg)
            snapshot.mkdir()
            (snapshot / "Gs.keras").touch()
        self.measure(run_dir, given.get("metrics", ""), self.snapshots)

    def measure(self, run_dir: Path, metrics: str, kimgs) -> None:
        chosen = rundir.experiment_of(run_dir)
        for metric in filter(None, metrics.split(",")):
            with open(run_dir / f"metric-{metric}.jsonl", "a") as file:
                for kimg in kimgs:
                    suffixes = self.suffixes.get(metric.partition("_")[0], ("",))
                    value = {
                        f"value{suffix}": self.value(chosen.config, chosen.training.seed, metric + suffix, kimg)
                        for suffix in suffixes
                    }
                    where = str(rundir.snapshot_dir(run_dir, 1000 * kimg) / "Gs.keras")
                    conditions = {"file": where, "dataset": "/a/folder", "seed": 0, "samples": 10}
                    row = {"metric": metric, **value, "network": f"digest-{kimg}", "nets": "digest", "seconds": 1.5}
                    file.write(json.dumps(row | {"conditions": conditions}) + "\n")


@pytest.fixture
def programs(monkeypatch) -> Programs:
    made = Programs()
    monkeypatch.setattr(runs, "program", made)
    return made
