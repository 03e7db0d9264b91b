import pytest

from stylegan_tf.configs.stages import is_resolution, stage_of


def test_stage_of():
    assert [stage_of(side) for side in (4, 8, 1024)] == [2, 3, 10]


@pytest.mark.parametrize("side", [-4, 0, 2, 6, 24, 1000, 1023, 4.0, 64.0, "4", "64", None])
def test_what_is_no_resolution(side):
    assert not is_resolution(side)
    with pytest.raises(ValueError, match="a power of two, 4 at least, got"):
        stage_of(side)
