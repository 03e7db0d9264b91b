import stat
import zipfile

import pytest
from refusals import raises, refused

from stylegan_tf.data.importers.archive import sources
from stylegan_tf.data.importers.check import read_header


def pack(path, *names, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name in names:
            file.writestr(name, name)
    return path


def check_refused(path, *names):
    with refused(path, *names), sources(path):
        raise AssertionError("the block must not be entered")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_file_by_its_name_in_order(tmp_path, method):
    names = ("b.png", "a/2.png", "a/10.png", "dataset.json", "labels.json", "__MACOSX/a/._2.png", "empty/")
    with sources(pack(tmp_path / "a.zip", *names, method=method)) as found:
        assert [source.name for source in found.pictures] == ["a/10.png", "a/2.png", "b.png"]
        assert found.pictures[1].read() == b"a/2.png"
        assert [source.name for source in found.lists] == ["dataset.json"]


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "..\\a.png", "C:\\a.png"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    check_refused(pack(tmp_path / "a.zip", "fine.png", name), name.replace("\\", "/"), "leads out")


def pack_raw(path, *names):
    """With exactly these bytes as names, and without a flag that says what they are."""
    spare = [chr(65 + number) * len(name) for number, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as file:
        for number, name in enumerate(spare):
            file.writestr(name, str(number))
    content = path.read_bytes()
    for letters, name in zip(spare, names, strict=True):
        content = content.replace(letters.encode(), name)
    path.write_bytes(content)
    return path


def test_zip_files_made_on_windows_have_backslashes_and_folders_of_them(tmp_path):
    path = pack_raw(tmp_path / "a.zip", b"train\\cat\\", b"train\\cat\\1.png", b"train\\Thumbs.db")
    with sources(path) as found:
        assert [source.name for source in found.pictures] == ["train/cat/1.png"]
        assert found.pictures[0].read() == b"1"
        assert found.left_out == {"Thumbs.db": 1}


def test_names_in_utf8_without_the_flag_are_read_as_such(tmp_path):
    with sources(pack_raw(tmp_path / "a.zip", "cafe\u0301.png".encode(), b"\x82.png")) as found:
        assert [source.name for source in found.pictures] == ["cafe\u0301.png", "\u00e9.png"]  # the other is cp437


@pytest.mark.parametrize("names", [("a/1.png", "a\\1.png"), ("./a.png", "a.png")])
def test_one_name_in_two_spellings_is_refused(tmp_path, names):
    check_refused(pack(tmp_path / "a.zip", *names), "two files", names[0].removeprefix("./"))


def test_encrypted_files_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", "a.png")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(content)
    check_refused(path, "encrypted", "'a.png'")


def test_other_methods_are_refused(tmp_path):
    check_refused(pack(tmp_path / "a.zip", "a.png", method=zipfile.ZIP_BZIP2), "'a.png'", "bzip2", "deflate")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(tmp_path):
    check_refused(pack(tmp_path / "a.zip", "a", "a", "b"), "two files", "'a'")


def test_what_is_no_zip_file(tmp_path):
    path = pack(tmp_path / "a.zip", "a.png")
    path.write_bytes(path.read_bytes()[:-10])
    check_refused(path, "whole zip file")
    path.write_bytes(b"just text")
    check_refused(path, "zip", "tar", "folder")
    for start, what in ((b"Rar!", "RAR"), (b"\xff\xd8\xff", "JPEG"), (b"<html>", "web page")):
        path.write_bytes(start + bytes(300))
        check_refused(path, what, "folder")
    path.write_bytes(b"")
    check_refused(path, "zip", "tar", "folder")
    check_refused(tmp_path / "here.zip", "zip", "tar", "folder")


def test_damage_inside_is_a_fault_of_the_file(tmp_path):
    path = pack(tmp_path / "a.zip", "a.png")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"a.pnga.png", b"a.pngb.png", 1))
    with sources(path) as found:
        assert read_header(found.pictures[0]).fault.startswith("it is not a picture")  # 5 bytes: only the start is read
        with raises(Exception, "zip", "checksum"):
            found.pictures[0].read()


@pytest.mark.parametrize("target", ["a.png", "/etc/passwd", "../b.png"])
def test_links_are_refused(tmp_path, target):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        link = zipfile.ZipInfo("b.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, target)
    check_refused(tmp_path / "a.zip", "'b.png'", "link")
