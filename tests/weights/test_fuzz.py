"""Damaged and malicious network files: each is refused with one sentence, or is a network after all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import official_files
import pytest

from stylegan_tf.configs.schema import (
    DiscriminatorConfig,
    GeneratorConfig,
    ProganDiscriminatorConfig,
    ProganGeneratorConfig,
)
from stylegan_tf.networks.kinds import make

WORKER = Path(__file__).parents[1] / "fuzz_worker.py"
SMALL = {"resolution": 8, "fmap_base": 16, "fmap_max": 4}
SAMPLE, ALL = 300, 10_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder of whole files of every kind: official ones of protocols 2 to 5, and ours."""
    folder = tmp_path_factory.mktemp("fuzz")
    style = {"z_dim": 4, "w_dim": 4, "mapping_fmaps": 4, "mapping_layers": 2}
    G, D = make(GeneratorConfig(**SMALL, **style)), make(DiscriminatorConfig(**SMALL))
    conditional = make(GeneratorConfig(**SMALL, **style, label_size=2))
    progan = make(ProganGeneratorConfig(**SMALL, z_dim=4)), make(ProganDiscriminatorConfig(**SMALL, mbstd_group_size=0))
    official_files.write(folder / "whole-2.pkl", {"G": G, "D": D, "Gs": G}, protocol=2, version=2)
    official_files.write(folder / "whole-3.pkl", {"Gs": conditional}, protocol=3)
    official_files.write(folder / "whole-4.pkl", {"G": G, "D": D, "Gs": G}, protocol=4, easy=True)
    official_files.write(folder / "whole-5.pkl", {"D": progan[1]}, protocol=5, version=4, source="import os")
    official_files.write(folder / "whole-a.pkl", {"Gs": progan[0]}, protocol=4)
    for number, network in enumerate((G, D, conditional, *progan)):
        network.save(folder / f"whole-{number}.keras")
    return folder


def fuzz(folder: Path, first: int, last: int) -> dict[str, int]:
    """What became of the files first .. last - 1; fails if one of them ended otherwise than it may."""
    before = sorted(folder.rglob("*"))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}
    command = [sys.executable, str(WORKER), str(folder), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    at = (folder / "at").read_text() if (folder / "at").exists() else "the start"
    assert done.returncode == 0, f"file {at} ended the process: {done.stderr[-3000:]}"
    found = json.loads(done.stdout)
    (folder / "at").unlink()
    assert found["wrong"] == []
    assert sorted(folder.rglob("*")) == before, "something was written"
    assert sum(found["counts"].values()) == last - first
    return found["counts"]


def test_a_sample_of_mutated_files(whole):
    counts = fuzz(whole, 0, SAMPLE)
    for suffix in (".pkl", ".keras"):
        assert counts[f"{suffix} refused"] > 50
        assert counts[f"{suffix} loaded"] > 5, "faults in the numbers alone leave a network"


@pytest.mark.slow
def test_ten_thousand_mutated_files(whole):
    counts = fuzz(whole, SAMPLE, SAMPLE + ALL)
    print(counts)
    assert counts[".pkl refused"] + counts[".keras refused"] > ALL / 2
