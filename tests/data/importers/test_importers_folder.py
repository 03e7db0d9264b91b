import os

from picture_files import put
from refusals import check_refusal, refused

from stylegan_tf.data.importers.check import read_header
from stylegan_tf.data.importers.folder import sources


def test_every_file_by_its_path_in_order(tmp_path):
    for name in ("b.png", "a/2.png", "a/10.png", "notes.txt", ".hidden/c.png", "a/.d.png", "__MACOSX/e.png"):
        put(tmp_path / name, name.encode())
    put(tmp_path / "a" / "metadata.csv", b"")
    found = sources(tmp_path)
    assert [(source.name, source.size) for source in found.pictures] == [("a/10.png", 8), ("a/2.png", 7), ("b.png", 5)]
    assert found.pictures[1].read() == b"a/2.png"
    assert [source.name for source in found.lists] == ["a/metadata.csv"]


def test_files_that_were_unpacked_without_their_folders(tmp_path):
    put(tmp_path / "train\\cat\\1.png", b"x")
    put(tmp_path / "@eaDir" / "1.jpg", b"x")
    found = sources(tmp_path)
    assert [(source.name, source.read()) for source in found.pictures] == [("train/cat/1.png", b"x")]
    assert found.left_out == {"@eaDir": 1}


def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path / "elsewhere" / "b.png", b"x")
    put(tmp_path / "pictures" / "a" / "a.png", b"x")
    os.symlink(tmp_path / "elsewhere", tmp_path / "pictures" / "linked")
    os.symlink(tmp_path / "pictures", tmp_path / "pictures" / "a" / "circle")
    assert [source.name for source in sources(tmp_path / "pictures").pictures] == ["a/a.png", "linked/b.png"]


def test_a_link_to_nothing_is_a_fault_when_it_is_read(tmp_path):
    os.symlink(tmp_path / "gone", tmp_path / "a.png")
    (found,) = sources(tmp_path).pictures
    check_refusal(read_header(found).fault, "No such file")


def test_what_is_no_folder(tmp_path):
    with refused(tmp_path / "here", "folder", "zip", "tar"):
        sources(tmp_path / "here")
    os.mkfifo(tmp_path / "pipe")
    with refused(tmp_path / "pipe", "folder", "zip", "tar"):
        sources(tmp_path / "pipe")
