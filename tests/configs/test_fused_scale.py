"""Which layers a fused_scale fuses."""

import pytest
from refusals import raises

from stylegan_tf.configs.fused_scale import is_fused, is_valid, of_resolutions


@pytest.mark.parametrize(
    ("setting", "fused"),
    [("auto", [128, 1024]), ("on", [8, 64, 128, 1024]), ("off", []), ("8,128", [8, 128]), ("64", [64])],
)
def test_is_fused(setting: str, fused: list[int]) -> None:
    assert [resolution for resolution in (8, 64, 128, 1024) if is_fused(setting, resolution)] == fused


@pytest.mark.parametrize("setting", [True, None, 8, "", "8,", "8;16", "08", "measured", "always", "8,16" * 40])
def test_unknown_settings(setting: object) -> None:
    assert not is_valid(setting)
    with raises(ValueError, "fused_scale", "auto", "on", "off", "16,32", repr(setting)):
        is_fused(setting, 128)  # type: ignore[arg-type]


def test_resolutions_and_back() -> None:
    assert of_resolutions([]) == "off" and of_resolutions([8, 32]) == "8,32"
    assert is_fused(of_resolutions([8, 32]), 32) and not is_fused(of_resolutions([8, 32]), 16)
