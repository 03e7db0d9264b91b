"""Ways through latents."""

import numpy as np
import pytest
from refusals import raises

from stylegan_tf.figures.walks import KINDS, walk

KEYS = np.random.RandomState(0).randn(4, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_loops_pass_every_key_and_end_where_they_began(kind):
    points = np.stack(list(walk(KEYS, 41, kind)))
    assert points.shape == (41, 6)
    assert np.allclose(points[::10], [*KEYS, KEYS[0]], atol=1e-9)
    assert np.allclose(points[0], points[-1], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_ways_that_are_no_loop(kind):
    points = np.stack(list(walk(KEYS, 31, kind, loop=False)))
    assert np.allclose(points[::10], KEYS, atol=1e-9)


def test_lines_and_arcs_by_hand():
    keys = np.array([[1.0, 0.0], [0.0, 3.0]])
    assert np.allclose(list(walk(keys, 3, "lerp", loop=False)), [[1, 0], [0.5, 1.5], [0, 3]])
    middle = list(walk(keys, 3, "slerp", loop=False))[1]
    assert np.allclose(middle, [2 / np.sqrt(2)] * 2)
    assert np.allclose(list(walk(np.array([[2.0, 0], [4.0, 0]]), 3, "slerp", loop=False))[1], [3, 0])


def test_splines_have_no_corner_at_the_seam():
    points = np.stack(list(walk(KEYS, 4001, "spline")))
    seam = points[1] - points[0], points[-1] - points[-2]
    assert np.allclose(*seam, atol=1e-3)
    corner = [np.stack(list(walk(KEYS, 4001, "lerp")))[i] for i in (0, 1, -2, -1)]
    assert not np.allclose(corner[1] - corner[0], corner[3] - corner[2], atol=1e-3)


def test_one_key_stands_still_and_types_stay():
    assert np.array_equal(list(walk(KEYS[:1], 3)), np.repeat(KEYS[:1], 3, axis=0))
    assert next(iter(walk(KEYS.astype(np.float32), 9))).dtype == np.float32
    with raises(ValueError, "lerp, slerp, spline", "'cubic'"):
        walk(KEYS, 3, "cubic")
