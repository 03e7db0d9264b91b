import os

import pytest

from stylegan_tf.data.importers.folder import sources
from stylegan_tf.mistakes import Mistake


def put(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_every_file_by_its_path_in_order(tmp_path):
    for name in ("b.png", "a/2.png", "a/10.png", "notes.txt", ".hidden/c.png", "a/.d.png", "__MACOSX/e.png"):
        put(tmp_path / name, name.encode())
    found = sources(tmp_path)
    assert [source.name for source in found] == ["a/10.png", "a/2.png", "b.png"]
    with found[1].open() as file:
        assert file.read() == b"a/2.png"


def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path / "elsewhere" / "b.png")
    put(tmp_path / "pictures" / "a" / "a.png")
    os.symlink(tmp_path / "elsewhere", tmp_path / "pictures" / "linked")
    os.symlink(tmp_path / "pictures", tmp_path / "pictures" / "a" / "circle")
    assert [source.name for source in sources(tmp_path / "pictures")] == ["a/a.png", "linked/b.png"]


def test_what_is_no_folder(tmp_path):
    with pytest.raises(Mistake, match="here does not exist; name a folder or a zip file"):
        sources(tmp_path / "here")
