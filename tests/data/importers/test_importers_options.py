import pytest
from refusals import refused

from stylegan_tf.data.importers.options import Options


def test_the_defaults_are_the_official_ones():
    options = Options()
    assert (options.shuffle, options.seed, options.crop, options.channels) == (True, 123, "none", "auto")
    assert (options.resolution, options.max_images, options.mirror, options.compression) == (None, None, False, "none")


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("crop", "square", "--crop none center wide 'square'"),
        ("resize_filter", "nearest", "--resize_filter lanczos box bicubic 'nearest'"),
        ("channels", "cmyk", "--channels auto rgb grey rgba 'cmyk'"),
        ("labels", "csv", "--labels auto folders none 'csv' .csv .tsv .json .jsonl .txt"),
        ("on_error", "ignore", "--on_error fail skip 'ignore'"),
        ("compression", "zip", "--compression none png gzip 'zip'"),
        ("resolution", 48, "--resolution 4 16384 48"),
        ("resolution", 2, "--resolution 4 16384 2"),
        ("resolution", 0, "--resolution 4 16384 0"),
        ("resolution", 2**15, "--resolution 4 16384 32768"),
        ("max_images", 0, "--max_images 1 0"),
        ("background", "whiteish", "--background #rrggbb 'whiteish'"),
        ("background", "#12345", "--background #rrggbb '#12345'"),
        ("background", "#11223344", "--background #rrggbb '#11223344'"),
        ("workers", 0, "--workers 1 0"),
        ("seed", -1, "--seed 0 2**32 -1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_flag(field, value, names):
    with refused(*names.split()):
        Options(**{field: value})


def test_as_many_processes_as_cores_unless_told(monkeypatch):
    assert Options(workers=40).processes() == 40
    monkeypatch.setattr("stylegan_tf.data.importers.options.cores", lambda: 64)
    assert Options().processes() == 16
    monkeypatch.setattr("stylegan_tf.data.importers.options.cores", lambda: 3)
    assert Options().processes() == 3


def test_a_background_is_a_colour_and_excludes_alpha():
    assert Options(background="white").colour() == Options(background="#FFFFFF").colour() == (255, 255, 255)
    assert Options().colour() is None
    with refused("--background", "--channels=rgba"):
        Options(background="red", channels="rgba")
