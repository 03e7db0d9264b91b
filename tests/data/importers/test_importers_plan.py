import pytest
from refusals import check_refusal

from stylegan_tf.data.importers.check import Faults, Header
from stylegan_tf.data.importers.options import Options
from stylegan_tf.data.importers.plan import Plan, crop_box, make_plan
from stylegan_tf.data.importers.source import Source


def planned(*headers, **options):
    """The plan for pictures of these sizes (RGB) or (size, mode), and the faults by number of the picture."""
    given = [header if isinstance(header[0], tuple) else (header, "RGB") for header in headers]
    sources = [Source(str(number), "nowhere", 1) for number in range(len(given))]
    faults = Faults()
    plan = make_plan(sources, [Header(size, mode, "PNG") for size, mode in given], Options(**options), faults)
    return plan, {int(name): fault for name, fault in faults.found.items()}


@pytest.mark.parametrize(
    ("size", "names"),
    [
        ((8, 4), ("8x4", "square")),
        ((6, 6), ("6x6", "--resolution")),
        ((2, 2), ("4x4", "2x2")),
        ((16, 16), ("16x16", "8x8", "--resolution")),
    ],
)
def test_by_default_the_official_rules_hold_for_every_file(size, names):
    plan, faults = planned((8, 8), size, (8, 8))
    assert plan == Plan(8, 3, (8, 8))
    assert list(faults) == [1]
    check_refusal(faults[1], *names)


def test_grey_and_rgb_do_not_mix_unless_told_what_to_make():
    plan, faults = planned((8, 8), ((8, 8), "L"), ((8, 8), "RGBA"))
    assert plan.channels == 3
    assert list(faults) == [1]
    check_refusal(faults[1], "grayscale", "RGB", "--channels")
    assert planned(((8, 8), "LA"), ((8, 8), "L"))[0].channels == 1
    for channels, number in (("rgb", 3), ("grey", 1), ("rgba", 4)):
        plan, faults = planned((8, 8), ((8, 8), "L"), channels=channels)
        assert (plan.channels, faults) == (number, {})


def test_a_resolution_takes_larger_pictures_and_no_smaller_ones():
    plan, faults = planned((100, 100), (64, 64), (63, 63), (100, 64), resolution=64)
    assert plan == Plan(64, 3, (64, 64))
    assert sorted(faults) == [2, 3]
    check_refusal(faults[2], "63x63", "64x64")
    check_refusal(faults[3], "100x64", "square")


def test_center_wants_the_smaller_side():
    plan, faults = planned((8, 12), (9, 8), (8, 6), crop="center")
    assert plan == Plan(8, 3, (8, 8))
    assert list(faults) == [2]
    check_refusal(faults[2], "resolution", "8x6")
    assert planned((100, 70), (64, 80), crop="center", resolution=64)[1] == {}
    assert list(planned((100, 63), crop="center", resolution=64)[1]) == [0]


def test_wide_takes_the_shape_of_most_pictures():
    plan, faults = planned((400, 300), (800, 600), (600, 800), (200, 200), (120, 90), crop="wide", resolution=128)
    assert plan.content == (128, 96) and plan.rectangle == (0, 16, 128, 96) and plan.has_bars
    assert list(faults) == [4]
    check_refusal(faults[4], "120x90", "128x96")
    assert planned((300, 400), crop="wide", resolution=128)[0].rectangle == (16, 0, 96, 128)


def test_wide_without_a_resolution_wants_a_long_side_that_is_a_power_of_two():
    plan, faults = planned((16, 10), (16, 12), (12, 16), (16, 10), (15, 10), crop="wide")
    assert plan == Plan(16, 3, (16, 10))
    assert sorted(faults) == [2, 4]
    check_refusal(faults[2], "12x16", "16x10")
    check_refusal(faults[4], "resolution", "15x10")


def test_wide_for_squares_has_no_bars():
    plan, _ = planned((300, 300), crop="wide", resolution=64)
    assert plan.rectangle == (0, 0, 64, 64) and not plan.has_bars


def test_no_fit_picture_no_plan():
    assert planned((6, 6))[0] is None


def test_the_other_choices_go_into_the_plan():
    plan, _ = planned((8, 8), resize_filter="box", mirror=True)
    assert (plan.resize_filter, plan.mirror) == ("box", True)


@pytest.mark.parametrize(
    ("size", "content", "box"),
    [
        ((8, 8), (4, 4), (0, 0, 8, 8)),
        ((11, 8), (4, 4), (1, 0, 9, 8)),
        ((8, 11), (4, 4), (0, 1, 8, 9)),
        ((100, 100), (64, 48), (0, 12, 100, 87)),
        ((200, 100), (64, 48), (33, 0, 166, 100)),  # 100 * 64 / 48 = 133.3
        ((400, 300), (128, 96), (0, 0, 400, 300)),
    ],
)
def test_crop_boxes_are_centred_and_as_large_as_possible(size, content, box):
    assert crop_box(size, content) == box
