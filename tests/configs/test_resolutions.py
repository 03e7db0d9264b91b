import pytest
from refusals import raises

from stylegan_tf.configs.stages import is_resolution, stage_of


def test_stage_of():
    assert [stage_of(side) for side in (4, 8, 1024)] == [2, 3, 10]


@pytest.mark.parametrize("side", [-4, 0, 2, 6, 24, 1000, 1023, 4.0, 64.0, "4", "64", None])
def test_what_is_no_resolution(side):
    assert not is_resolution(side)
    with raises(ValueError, "resolution", repr(side)):
        stage_of(side)
