import zipfile

import pytest

from stylegan_tf.data.importers import archive
from stylegan_tf.data.importers.archive import sources
from stylegan_tf.mistakes import Mistake


def pack(path, *names):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, name)
    return path


def test_every_file_by_its_name_in_order(tmp_path):
    names = ("b.png", "a/2.png", "a/10.png", "labels.json", "__MACOSX/a/._2.png", "empty/")
    with sources(pack(tmp_path / "a.zip", *names)) as found:
        assert [source.name for source in found] == ["a/10.png", "a/2.png", "b.png"]
        with found[1].open() as file:
            assert file.read() == b"a/2.png"


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "..\\a.png", "C:\\a.png"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    with pytest.raises(Mistake, match="leads out of it"), sources(pack(tmp_path / "a.zip", "fine.png", name)):
        raise AssertionError("the block must not be entered")


def test_encrypted_files_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", "a.png")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(content)
    with pytest.raises(Mistake, match="is encrypted"), sources(path):
        raise AssertionError("the block must not be entered")


def test_entries_larger_than_any_picture_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_ENTRY", 5)
    with sources(pack(tmp_path / "a.zip", "12345")) as found:
        assert len(found) == 1
    with pytest.raises(Mistake, match="'123456' of 6 bytes unpacked"), sources(pack(tmp_path / "b.zip", "123456")):
        raise AssertionError("the block must not be entered")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(tmp_path):
    with pytest.raises(Mistake, match="two files of the same name"), sources(pack(tmp_path / "a.zip", "a", "a")):
        raise AssertionError("the block must not be entered")


def test_what_is_no_zip_file(tmp_path):
    path = pack(tmp_path / "a.zip", "a.png")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(Mistake, match="a.zip is not a whole zip file"), sources(path):
        raise AssertionError("the block must not be entered")
    with pytest.raises(Mistake, match="here.zip does not exist"), sources(tmp_path / "here.zip"):
        raise AssertionError("the block must not be entered")
