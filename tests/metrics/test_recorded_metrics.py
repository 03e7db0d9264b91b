"""The formulas of the metrics against numbers recorded from the official code, which looked through stub networks."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tolerances
from official_args import ours
from recorded import Recorded, relative, worst

from stylegan_tf.devices import Replicas
from stylegan_tf.draws import Rows
from stylegan_tf.metrics import fid, ls, ppl
from stylegan_tf.metrics.samples import Fakes

FID = 1e-6  # relative: the official mean is a float32
ROWS = Rows(8)
DISTANCES = 1e-4  # of the largest: epsilon is 0.05 there


@pytest.fixture(scope="module")
def recording():
    return Recorded("metrics")


@pytest.fixture(scope="module")
def G(recording):
    from stylegan_tf.networks.generator import Generator
    from stylegan_tf.weights import names

    G = Generator(**ours(json.loads(str(recording["ppl/kwargs_json"]))))
    names.assign(G, recording.group("ppl/G"))
    return G


@pytest.mark.parametrize("case", ["a", "b", "rankdef"])
def test_frechet_distance(recording, case):
    found = {name: fid.statistics_of([recording[f"fid_{case}/{name}"]]) for name in ("real", "fake")}
    value = fid.frechet_distance(found["fake"], found["real"])
    assert value == pytest.approx(float(recording[f"fid_{case}/value"]), rel=FID)
    # The same features twice: rounding alone is left, more of it where the covariance is singular.
    left = abs(float(recording[f"fid_{case}/value_self"]))
    assert abs(fid.frechet_distance(found["real"], found["real"])) <= 10 * left + 1e-10
    assert relative(found["real"].mean, recording[f"fid_{case}/mu_real"]) <= FID
    assert relative(found["real"].covariance, recording[f"fid_{case}/sigma_real"]) <= FID


def test_conditional_entropy(recording):
    for table, conditional, whole in zip(
        recording["ce/p"], recording["ce/cond_entropy"], recording["ce/entropy"], strict=True
    ):
        assert ls.conditional_entropy(table) == pytest.approx(float(conditional), abs=tolerances.BY_HAND)
        assert ls.entropy(table / table.sum()) == pytest.approx(float(whole), abs=tolerances.BY_HAND)


@pytest.mark.parametrize("attribute", range(4))
def test_probabilities_and_which_samples_are_kept(recording, attribute):
    probabilities = ls.probabilities_of(recording["ls/logits"][attribute])
    assert worst(probabilities, recording["ls/predictions"][attribute]) <= 2e-7
    kept = recording[f"ls/pruned_indices_attr{attribute}"]
    assert np.array_equal(ls.most_confident(probabilities, len(kept)), kept)


def test_separability(recording):
    spaces = {"z": recording["ls/latents"], "w": recording["ls/dlatents"]}
    found = {}
    for attribute in range(4):
        logits, row = recording["ls/logits"][attribute], 2 * attribute
        found[str(attribute)] = ls.judged(logits, spaces, 200)
        chosen = ls.most_confident(ls.probabilities_of(logits), 200)
        targets = ls.probabilities_of(logits)[chosen].argmax(axis=1)
        for at, space in enumerate(spaces):
            outputs, _, settled = ls.separated(spaces[space][chosen], targets)
            assert settled
            table = ls.joint_table(outputs, targets).astype(np.float32)
            assert np.array_equal(table, np.float32(recording["ls/p_tables"][row + at]))
            official = float(recording["ls/cond_entropies"][row + at])
            assert found[str(attribute)].entropy[space] == pytest.approx(official, abs=tolerances.BY_HAND)
    result = ls.Separability(found)
    assert result.score("z") == pytest.approx(float(recording["ls/score_z"]), rel=tolerances.BY_HAND)
    assert result.score("w") == pytest.approx(float(recording["ls/score_w"]), rel=tolerances.BY_HAND)
    assert not result.attributes["3"].normal["z"].any()  # a single class: no machine, no direction


def test_interpolation(recording):
    from stylegan_tf.ops.blend import lerp, slerp

    a, b, t = (recording[f"ppl/{name}"] for name in ("slerp_a", "slerp_b", "slerp_t"))
    assert relative(slerp(a, b, t[:, 0]), recording["ppl/slerp_out"]) <= 2e-6
    assert relative(slerp(a, b, t[:, 0] + np.float32(ppl.EPSILON)), recording["ppl/slerp_out_eps"]) <= 2e-6
    assert relative(lerp(a, b, t), recording["ppl/lerp_out"]) <= 1e-6


def test_extremes_are_left_out(recording):
    values = recording["ppl/outlier_in"]
    count, mean = recording["ppl/outlier_count_mean"]
    assert ppl.trimmed_mean(values) == pytest.approx(float(mean), rel=1e-6)
    low, high = recording["ppl/outlier_lo_hi"]
    assert np.sum((values >= np.float32(low)) & (values <= np.float32(high))) == count


@pytest.mark.parametrize("sampling", ["full", "end"])
@pytest.mark.parametrize("space", ["z", "w"])
def test_path_length(recording, G, space, sampling):
    latents, epsilon = recording["ppl/lat_t01"], float(recording["ppl/epsilon"])
    t = recording["ppl/lerp_t"] if sampling == "full" else np.zeros(8, np.float32)
    seen = []

    def distance(a, b):
        seen.extend([a, b])
        return tf.reduce_mean((a - b) ** 2, axis=(1, 2, 3))

    fakes = Fakes(G, Replicas(1))
    images = ppl.pair(fakes, space, (latents[0::2], latents[1::2]), t, epsilon, None, ppl.shared_noise(fakes, 0, ROWS))
    found = np.asarray(ppl.between(images, distance, crop=True)) / epsilon**2
    group = recording.group(f"ppl/{space}_{sampling}")
    for ours_seen, name in zip(seen, ("img_e0", "img_e1"), strict=True):
        assert relative(np.transpose(ours_seen, (0, 3, 1, 2)), group[name]) <= tolerances.NETWORK
    assert relative(found, group["distances"]) <= DISTANCES
    assert ppl.trimmed_mean(found) == pytest.approx(float(group["result"]), rel=DISTANCES)
