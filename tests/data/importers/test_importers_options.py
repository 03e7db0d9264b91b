import os

import pytest

from stylegan_tf.data.importers.options import Options
from stylegan_tf.errors import UserError


def test_the_defaults_are_the_official_ones():
    options = Options()
    assert (options.shuffle, options.seed, options.crop, options.channels) == (True, 123, "none", "auto")
    assert (options.resolution, options.max_images, options.mirror, options.compression) == (None, None, False, "none")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("crop", "square", "--crop must be none, center or wide, not 'square'"),
        ("resize_filter", "nearest", "--resize_filter must be lanczos, box or bicubic, not 'nearest'"),
        ("channels", "cmyk", "--channels must be auto, rgb, grey or rgba, not 'cmyk'"),
        ("labels", "csv", "--labels must be auto, folders or none, not 'csv'"),
        ("on_error", "ignore", "--on_error must be fail or skip, not 'ignore'"),
        ("compression", "zip", "--compression must be none, png or gzip, not 'zip'"),
        ("resolution", 48, "--resolution must be a power of two from 4 to 16384, not 48"),
        ("resolution", 2, "--resolution must be a power of two from 4 to 16384, not 2"),
        ("resolution", 0, "--resolution must be a power of two from 4 to 16384, not 0"),
        ("resolution", 2**15, "--resolution must be a power of two from 4 to 16384, not 32768"),
        ("max_images", 0, "--max_images must be 1 or more, not 0"),
        ("background", "whiteish", "--background must be the name of a colour or #rrggbb, not 'whiteish'"),
        ("background", "#12345", "--background must be the name of a colour or #rrggbb"),
        ("background", "#11223344", "--background must be the name of a colour or #rrggbb"),
        ("workers", 0, "--workers must be 1 or more, not 0"),
        ("seed", -1, "--seed must be from 0 to 2\\*\\*32 - 1, not -1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_flag(field, value, message):
    with pytest.raises(UserError, match=message):
        Options(**{field: value})


def test_as_many_processes_as_cores_unless_told(monkeypatch):
    assert Options(workers=40).processes() == 40
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert Options().processes() == 16
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert Options().processes() == 1


def test_a_background_is_a_colour_and_excludes_alpha():
    assert Options(background="white").colour() == Options(background="#FFFFFF").colour() == (255, 255, 255)
    assert Options().colour() is None
    with pytest.raises(UserError, match="--background flattens transparent pictures, --channels=rgba keeps them so"):
        Options(background="red", channels="rgba")
