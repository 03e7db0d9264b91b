"""Makes distances.json, with torch-fidelity 0.4.0 and PyTorch installed: python tests/golden/make_distances.py"""

import json
import sys
from pathlib import Path

import torch
from torch_fidelity import defaults, metric_fid, metric_kid, metric_prc

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from known_features import fakes_and_reals

HERE = Path(__file__).resolve().parent
SUBSET_SIZE = 200  # there are fewer features than the usual 1000
KERNEL = ("kid_kernel", "kid_kernel_poly_degree", "kid_kernel_poly_gamma", "kid_kernel_poly_coef0")
USED = (*KERNEL, "kid_subsets", "kid_subset_size", "prc_neighborhood", "rng_seed")


def recorded() -> dict[str, object]:
    """What torch-fidelity makes of the known features, in float64, with its own defaults but for the subsets' size."""
    fakes, reals = (torch.from_numpy(features).double() for features in fakes_and_reals())
    statistics = [metric_fid.fid_features_to_statistics(features) for features in (fakes, reals)]
    quiet = {"verbose": False}
    found = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    found |= metric_kid.kid_features_to_metric(fakes, reals, kid_subset_size=SUBSET_SIZE, **quiet)
    found |= metric_prc.prc_features_to_metric(fakes, reals, **quiet)
    whole = metric_kid.kid_features_to_metric(fakes, reals[:500], kid_subset_size=500, kid_subsets=2, **quiet)
    used = {name: defaults.DEFAULTS[name] for name in USED}
    return {"values": found, "of_whole_sets": whole, "subset_size": SUBSET_SIZE, "defaults": used}


if __name__ == "__main__":
    (HERE / "distances.json").write_text(json.dumps(recorded(), indent=1) + "\n")
