import os
import pickle
import zipfile

import pytest
from picture_files import put
from refusals import raises

from stylegan_tf.data.importers import source as module
from stylegan_tf.data.importers.source import Part, Source, Unreadable, ignored, normal, sort_out


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
        ("metadata.jsonl", True),
        ("cats/Thumbs.db", True),
        ("cats/ehthumbs_vista.DB", True),
        ("@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", True),
        ("$RECYCLE.BIN/a.png", True),
        ("IMG_0001.AAE", True),
        ("IMG_0001.xmp", True),
        ("shortcut.lnk", True),
        ("cats/a.png:Zone.Identifier", True),
        ("a.jpg:zone.identifier", True),
        ("Zone.Identifier/a.png", False),
        ("Thumbs/a.png", False),
    ],
)
def test_ignored(name, result):
    assert ignored(name) is result


def test_pictures_are_sorted_by_name_and_lists_are_set_apart():
    names = ("b", "a10", "a2", "notes.txt", "dataset.json", "cats/metadata.csv", ".trash/metadata.csv", "labels.csv")
    found = sort_out([Source(name, "nowhere", 0) for name in names])
    assert [source.name for source in found.pictures] == ["a10", "a2", "b"]
    assert [source.name for source in found.lists] == ["cats/metadata.csv", "dataset.json"]


def test_what_no_user_put_there_is_counted():
    names = ("a.png", "d/Thumbs.db", "e/Thumbs.db", "._a.png", ".DS_Store", "__MACOSX/a.png", "__MACOSX/._a.png")
    found = sort_out([Source(name, "nowhere", 0) for name in names], ["System Volume Information"])
    assert [source.name for source in found.pictures] == ["a.png"]
    counted = {"Thumbs.db": 2, "._*": 1, ".DS_Store": 1, "__MACOSX": 2, "System Volume Information": 1}
    assert found.left_out == counted


@pytest.mark.parametrize("other", ["caf\u00e9.PNG", "cafe\u0301.png", "cafe\u0301.Png"])
def test_two_spellings_of_one_name_are_a_fault(other):
    found = sort_out([Source(name, "nowhere", 0) for name in ("caf\u00e9.png", other, "b.png")])
    ((name, fault),) = found.clashes.items()
    assert name in ("caf\u00e9.png", other) and "is another spelling of 'caf" in fault


@pytest.mark.parametrize("name", ["d/\u00e9.png", "d\\e\u0301.PNG", "./d//\u00e9.Png", "d/../d/e\u0301.png"])
def test_the_normal_form_of_a_name(name):
    assert normal(name) == "d/\u00e9.png"


def test_a_file_is_read_whole_or_from_its_beginning(tmp_path):
    source = pickle.loads(pickle.dumps(put(tmp_path / "a", b"0123456789")))
    assert source.read() == b"0123456789"
    assert source.read(4) == b"0123"
    assert source.read(40) == b"0123456789"


def test_a_part_of_an_archive(tmp_path):
    path = str(tmp_path / "a.tar")
    put(tmp_path / "a.tar", b"0123456789")
    source = Source("a", path, 3, Part(4, 3))
    assert (source.read(), source.read(2), source.read(9)) == (b"456", b"45", b"456")
    with raises(Unreadable, "archive", "ends"):
        Source("a", path, 3, Part(8, 3)).read()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_of_a_zip_file(tmp_path, method):
    path, content = tmp_path / "a.zip", b"stylegan" * 100
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("first", b"x" * 77)
        file.writestr("second", content)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("second")
    part = Part(info.header_offset, info.compress_size, method, info.CRC)
    source = Source("second", str(path), len(content), part)
    assert source.read() == content
    assert source.read(20).startswith(content[:10])
    with raises(Unreadable, "zip", "checksum"):
        Source("second", str(path), len(content), Part(part.start, part.stored, method, part.crc ^ 1)).read()
    with raises(Unreadable, "zip", "begin"):
        Source("second", str(path), len(content), Part(part.start + 1, part.stored, method, part.crc)).read()


def test_what_is_no_plain_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with raises(Unreadable, "regular"):
        Source("pipe.png", str(tmp_path / "pipe.png"), 0).read()


def test_more_bytes_than_any_picture_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 5)
    assert put(tmp_path / "a", b"12345").read() == b"12345"
    with raises(Unreadable, "6 bytes"):
        put(tmp_path / "a", b"123456").read()
