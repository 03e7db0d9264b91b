import io

import pytest

from stylegan_tf.data.importers.source import Source, by_name, ignored


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.png", False),
        ("cats/a.JPG", False),
        ("a", False),
        ("a.pdf", False),
        (".DS_Store", True),
        ("cats/.hidden/a.png", True),
        ("__MACOSX/a.png", True),
        ("labels.csv", True),
        ("cats/README.TXT", True),
        ("a.json", True),
        ("cats/Thumbs.db", True),
    ],
)
def test_ignored(name, result):
    assert ignored(name) is result


def test_sources_are_opened_when_asked_and_sorted_by_name():
    sources = by_name([Source(name, lambda name=name: io.BytesIO(name.encode())) for name in ("b", "a10", "a2")])
    assert [source.name for source in sources] == ["a10", "a2", "b"]
    with sources[2].open() as file:
        assert file.read() == b"b"
