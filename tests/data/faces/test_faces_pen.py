import numpy as np
import pytest
from PIL import Image

from stylegan_tf.data.faces.pen import Pen, circle, mirrored, plane, scalloped, smooth


def _pen(size: int = 200) -> Pen:
    return Pen(Image.new("RGB", (size, size), (0, 0, 0)))


def _lit(pen: Pen) -> np.ndarray:
    return np.asarray(pen.picture)[:, :, 0] > 0


def test_plane_reads_pairs_as_complex_numbers():
    assert plane([(1, 2), (-3, 0.5)]).tolist() == [1 + 2j, -3 + 0.5j]


def test_mirrored_keeps_points_on_the_axis_single():
    assert mirrored([(0, 1), (2, 3), (0, 5)]) == [(0, 1), (2, 3), (0, 5), (-2, 3)]


@pytest.mark.parametrize("closed", [True, False])
def test_smooth_runs_through_its_points(closed):
    points = plane([(0, 0), (4, 0), (5, 3), (1, 4)])
    curve = smooth(points, closed)
    assert all(np.abs(curve - point).min() < 1e-12 for point in points)
    assert len(curve) == (24 if closed else 19)


def test_smooth_halfway_between_points_is_catmull_roms():
    # Weights -1/16, 9/16, 9/16, -1/16 at the middle of a piece; the third of six steps is the middle.
    curve = smooth(plane([(0, 0), (4, 0), (4, 4), (0, 4)]))
    assert curve[3] == pytest.approx((9 * (0 + 4) - (0 + 4)) / 16 + 1j * (-(4 + 4)) / 16)


def test_scallops_only_reach_outward():
    round_about = 10 * circle(64)
    radii = np.abs(scalloped(round_about, 1.5, 6.0))
    assert radii.min() > 9.9
    assert radii.max() == pytest.approx(11.5, abs=0.05)


def test_an_oval_has_its_place_and_area():
    pen = _pen()
    pen.oval(10, -20, 10, 5, (255, 0, 0))
    rows, columns = np.nonzero(_lit(pen))
    assert (columns.mean(), rows.mean()) == pytest.approx((119.5, 59.5), abs=0.6)
    assert len(rows) == pytest.approx(np.pi * 20 * 10, rel=0.06)


def test_place_turns_about_the_neck_scales_and_shifts():
    pen = _pen()
    pen.place(90.0, 2.0, 5 + 0j)
    pen.oval(10, 30, 2, 2, (255, 0, 0))  # 10 right of the neck: below it after a quarter turn, 20 away, 5 to the right
    rows, columns = np.nonzero(_lit(pen))
    assert (columns.mean(), rows.mean()) == pytest.approx((2 * 55 - 0.5, 2 * 100 - 0.5 - 2), abs=2.5)


def test_opacity_blends():
    pen = Pen(Image.new("RGB", (10, 10), (100, 100, 100)))
    pen.fill([(-60, -60), (60, -60), (60, 60), (-60, 60)], (200, 0, 100), 0.5)
    assert np.abs(np.asarray(pen.picture)[5, 5].astype(int) - (150, 50, 100)).max() <= 1


def test_a_ring_leaves_its_middle_free():
    pen = _pen()
    pen.ring(20 * circle(), 4, (255, 0, 0))
    lit = _lit(pen)
    assert lit[100, 62] and lit[100, 137]
    assert not lit[100, 100] and not lit[100, 70] and not lit[100, 145]


def test_a_stroke_is_as_wide_as_it_says_and_tapers():
    pen = _pen()
    pen.stroke([(-30, 0), (0, 0), (30, 0)], 6, (255, 0, 0), taper=1.0)
    thickness = _lit(pen).sum(axis=0)
    assert thickness[100] == pytest.approx(12, abs=1.5)
    assert thickness[45] < 6
